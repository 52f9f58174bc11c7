"""`sql` as written, and the question behind a `when`."""

from __future__ import annotations

import pytest

from engine.dialects.base import StepContext
from engine.dialects.sqlite.rows import condition
from engine.errors import Problem
from engine.model.changes import RunSql
from engine.model.expression import Sql
from tests.unit.sqlite.rows_runner import database, plan, run, session_of

TABLE = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);; INSERT INTO t VALUES (1, 'a'), (2, 'b')"


def test_statements_go_as_written_and_later_ones_see_earlier_ones():
    db = database(TABLE)
    session = session_of(db)
    texts = (
        "CREATE TABLE u (x)",
        "INSERT INTO u SELECT v FROM t",
        "CREATE TRIGGER tr AFTER DELETE ON u BEGIN UPDATE t SET v = ''; DELETE FROM t; END",
        "UPDATE t SET v = left(v, 1) || ':x?';",
    )
    (unit,) = session.render(RunSql(tuple(Sql(text) for text in texts)), StepContext("1-sql"))
    assert [s.kind for s in unit.before] == ["ddl", "rows", "ddl", "rows"]
    assert unit.before[2].sql == texts[2]
    assert unit.before[3].sql == "UPDATE t SET v = substr(v, 1, 1) || ':x?'"
    assert (unit.reversible, unit.reason) == ("no", "sql has no derived way back")
    assert set(unit.touches) == {"t", "u"}
    assert session.state.table("u") is not None
    run(db, unit)
    assert db.execute("SELECT v FROM t").fetchall() == [("a:x?",), ("b:x?",)]


def test_text_for_sqlite_is_not_touched():
    unit = plan(database(TABLE), RunSql((Sql(None, (("sqlite", "UPDATE t SET v = substr(v, 1)"),)),)))
    assert unit.before[0].sql == "UPDATE t SET v = substr(v, 1)"


def test_what_the_engine_can_not_see_is_described():
    sql = (Sql("UPDATE t SET v = made_elsewhere(v)"),)
    unit = plan(database(TABLE), RunSql(sql, writes=("T",)))
    assert unit.touches == ("t",)
    with pytest.raises(Problem, match="made_elsewhere"):
        plan(database(TABLE), RunSql(sql))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("BEGIN", "TX103"),
        ("commit", "TX103"),
        ("SAVEPOINT x", "TX103"),
        ("PRAGMA foreign_keys = OFF", "LT101"),
        ("ATTACH 'x.db' AS x", "SP111"),
        ("VACUUM", "SP111"),
        ("SELECT load_extension('x')", "SP111"),
        ("UPDATE t SET v = :v", "SP110"),
        ("UPDATE t SET v = ", "SP110"),
        ("-- nothing", "SP110"),
        ("UPDATE nowhere SET v = 1", "RF101"),
        ("UPDATE t SET w = 1", "RF102"),
        ('UPDATE t SET v = "w"', "LT108"),
        ("CREATE TABLE engine_undo_1 (x)", "RF113"),
        ("CREATE TABLE t (x)", "SP110"),
    ],
)
def test_what_does_not_belong_into_a_migration_is_refused(text, rule):
    with pytest.raises(Problem) as caught:
        plan(database(TABLE), RunSql((Sql(text),)))
    assert caught.value.rule == rule
    assert caught.value.path == ()


def test_a_text_for_other_databases_only_is_refused():
    with pytest.raises(Problem) as caught:
        plan(database(TABLE), RunSql((Sql(None, (("postgresql", "SELECT 1"),)),)))
    assert caught.value.rule == "SP111"


def test_a_condition_is_one_value():
    found = condition("2-copy", "(SELECT count(*) FROM t) >= 1", "t has rows")
    assert database(TABLE).execute(found.query.sql).fetchone() == (1,)
    assert (found.id, found.text) == ("2-copy", "t has rows")
