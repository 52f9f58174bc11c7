"""The session: what it allocates, remembers, forgets after a refusal, and copies."""

from __future__ import annotations

import pytest

from engine.dialects.base import Catalogue, CatalogueObject, StepContext
from engine.dialects.sqlite.dialect import SQLite, SQLiteSession
from engine.errors import Problem
from engine.model import changes as c
from engine.model.definitions import ColumnDef, TableDef
from engine.model.expression import Literal, PerDialect, Sql

TABLE = CatalogueObject("table", "t", "t", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
ID = ColumnDef("id", PerDialect("integer"), primary_key=True)
STEP = StepContext("1-step")


def session(*taken: str) -> SQLiteSession:
    return SQLite().open(Catalogue((TABLE,), taken))


def test_numbers_are_the_smallest_that_nothing_of_the_engine_has() -> None:
    found = session("engine_undo_1", "engine_aside_3", "engine_meta", "ENGINE_FORCED_4")
    assert [found.undo_number() for _ in range(3)] == [2, 5, 6]


def test_a_refused_change_leaves_the_session_as_it_was() -> None:
    here = session()
    state = here.state
    for change in (
        c.AlterTable("t", (c.ChangeColumn("a", PerDialect("bigint")), c.DropColumn("id"))),
        c.CreateTable(TableDef("u", (ID, ColumnDef("b", PerDialect("text"), check=Sql("nope(b)"))), scratch=True)),
        c.CreateType("x", ()),
    ):
        with pytest.raises(Problem):
            here.render(change, STEP)
    assert here.state == state and here.finish("end") == ()
    assert here.undo_number() == 1


def test_rows_written_to_a_table_that_was_there_are_journaled_under_any_name() -> None:
    here = session()
    here.render(c.CreateTable(TableDef("T", (ID,)), if_not_exists=True), STEP)
    here.render(c.RenameTable("t", "u"), StepContext("2-step", made_here=frozenset({"t"})))
    row = c.InsertRows("u", ("id",), ((Literal(1, "1"),),))
    (unit,) = here.render(row, StepContext("3-step", made_here=frozenset({"u"})))
    assert unit.keeps and unit.undo
    here.finish("end")
    here.render(c.CreateTable(TableDef("new", (ID,))), STEP)
    here.render(
        c.CreateTable(TableDef("new", (ID,)), if_not_exists=True), StepContext("5", made_here=frozenset({"new"}))
    )
    assert here.found == set()


def test_a_fork_goes_its_own_way() -> None:
    here = session()
    fork = here.fork()
    fork.render(c.DropTable("t"), STEP)
    assert fork.state.table("t") is None and here.state.table("t") is not None
    assert here.undo_number() == 1 and fork.undo_number() == 2


def test_a_fork_knows_types_and_scratch_tables() -> None:
    here = session()
    here.render(c.CreateType("size", ("lp",)), STEP)
    here.render(c.CreateTable(TableDef("pick", (ID,), scratch=True)), STEP)
    fork = here.fork()
    assert [unit.title for unit in fork.finish("end")] == ["drop scratch table pick"]
    with pytest.raises(Problem, match="already"):
        fork.render(c.CreateType("size", ("lp",)), STEP)
    assert len(here.finish("end")) == 1


def test_the_state_after_a_change_is_what_the_database_would_print() -> None:
    here = session()
    here.render(c.AlterTable("t", (c.RenameColumn("a", "b c"),)), STEP)
    here.render(c.RenameTable("t", "new"), STEP)
    table = here.state.table("new")
    assert table is not None and table.sql == 'CREATE TABLE "new" (id INTEGER PRIMARY KEY, "b c" TEXT)'


def test_names_values_and_expressions_are_spelled_for_sqlite() -> None:
    here = session()
    assert here.quote('a"b') == '"a""b"'
    assert (here.literal("it's"), here.literal(None), here.literal(True)) == ("'it''s'", "NULL", "1")
    assert here.expression(Sql("lower(a)"), ()) == "lower(a)"
    condition = here.condition("1-step", "1 > 0", "always")
    assert (condition.id, condition.query.sql, condition.text) == ("1-step", "SELECT 1 > 0", "always")


def test_what_a_query_touches_is_told_or_refused() -> None:
    here = session()
    assert here.access("SELECT a FROM t").reads == {("t", "a")}
    for query, rule, hint in (
        ("SELECT aa FROM t", "RF102", "did you mean `a`?"),
        ("SELECT a FROM tt", "RF101", "did you mean `t`?"),
        ("SELECT a FROM t JOIN t AS u", "RF110", "put the table's name and a dot before it"),
        ('SELECT "zz" FROM t', "LT108", "write text in single quotes, and names as they are"),
        ("SELECT f(a) FROM t", "RF112", ""),
        ("SELECT FROM t", "SP110", ""),
    ):
        with pytest.raises(Problem) as caught:
            here.access(query)
        assert (caught.value.rule, caught.value.hint) == (rule, hint)


def test_every_transaction_carries_a_guard_and_a_checkpoint() -> None:
    assert [statement.purpose for statement in SQLite().protocol()] == ["guard", "checkpoint"]


def test_facts_about_sqlite() -> None:
    features = SQLite().features
    assert features.transactional_ddl and features.keeps_column_order
    assert not features.enum_types and not features.exclusion
