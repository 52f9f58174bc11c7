"""`when`: what planning can tell it decides, the rest is one query for the step's start."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from compiling import changes, compiled, findings, plan, planned, session, spec

from engine.errors import Problem
from engine.model.expression import Sql
from engine.model.when import (
    AllOf,
    AnyOf,
    ColumnExists,
    DialectIs,
    IndexExists,
    Not,
    RowsAre,
    SqlIsTrue,
    TableExists,
    When,
)
from engine.plan.conditions import decide, describe

SCHEMA = """
CREATE TABLE t (id INTEGER PRIMARY KEY, "Name" TEXT);
CREATE INDEX by_name ON t ("Name");
CREATE VIEW v AS SELECT id FROM t;
"""
ROWS = "INSERT INTO t VALUES (1, 'a'), (2, 'a'), (3, 'b');"
YES: When = TableExists("t")
NO: When = TableExists("other")
DYNAMIC: When = RowsAre("t", None, None, None)


def answer(when: When, dialect: str = "sqlite") -> bool | str:
    """Return what planning tells of a condition."""
    return decide(when, session(SCHEMA), dialect)


def asked(when: When, rows: str = ROWS) -> bool:
    """Return what the database answers to a condition that planning can't tell."""
    sql = answer(when)
    assert isinstance(sql, str), "planning must leave this to the step's start"
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(SCHEMA + rows)
        return bool(db.execute(f"SELECT {sql}").fetchone()[0])


@pytest.mark.parametrize(
    ("when", "told"),
    [
        (TableExists("T"), True),
        (TableExists("v"), True),
        (TableExists("other"), False),
        (ColumnExists("t", "name"), True),
        (ColumnExists("v", "id"), True),
        (ColumnExists("t", "other"), False),
        (ColumnExists("other", "id"), False),
        (IndexExists("BY_NAME"), True),
        (IndexExists("other"), False),
        (DialectIs(("postgresql", "sqlite")), True),
        (DialectIs(("postgresql",)), False),
        (Not(TableExists("t")), False),
        (Not(Not(TableExists("t"))), True),
    ],
    ids=str,
)
def test_existence_and_dialect_are_told_in_planning(when: When, told: bool) -> None:
    assert answer(when) is told


def test_mariadb_counts_as_mysql_and_not_the_other_way_round() -> None:
    assert answer(DialectIs(("mysql",)), "mariadb") is True
    assert answer(DialectIs(("mariadb",)), "mysql") is False


@pytest.mark.parametrize(
    ("when", "told"),
    [
        (AnyOf((NO, YES)), True),
        (AnyOf((NO, NO)), False),
        (AllOf((YES, YES)), True),
        (AllOf((YES, NO)), False),
        (AnyOf((DYNAMIC, YES)), True),
        (AllOf((DYNAMIC, NO)), False),
        (AllOf((NO, RowsAre("other", None, None, None))), False),  # the part after it is not even looked at
        (AnyOf((YES, RowsAre("other", None, None, None))), True),
    ],
    ids=str,
)
def test_a_part_that_decides_alone_decides(when: When, told: bool) -> None:
    assert answer(when) is told


@pytest.mark.parametrize(
    ("when", "told"),
    [
        (RowsAre("t", None, None, None), True),
        (RowsAre("t", Sql("\"Name\" = 'c'"), None, None), False),
        (RowsAre("t", Sql("name = 'a'"), 2, None), True),
        (RowsAre("t", Sql("name = 'a'"), 3, None), False),
        (RowsAre("t", None, None, 3), True),
        (RowsAre("t", None, None, 2), False),
        (RowsAre("t", None, 1, 3), True),
        (RowsAre("t", None, 4, 9), False),
        (SqlIsTrue(Sql("SELECT count(*) FROM t WHERE id > 2")), True),
        (SqlIsTrue(Sql("SELECT count(*) FROM t WHERE id > 3")), False),
        (Not(RowsAre("t", None, 4, None)), True),
        (AnyOf((RowsAre("t", None, 4, None), SqlIsTrue(Sql("SELECT 1")))), True),
        (AnyOf((RowsAre("t", None, 4, None), SqlIsTrue(Sql("SELECT 0")))), False),
        (AllOf((YES, RowsAre("t", None, 3, None), SqlIsTrue(Sql("SELECT 0")))), False),
        (AllOf((AnyOf((DYNAMIC, SqlIsTrue(Sql("SELECT 0")))), Not(SqlIsTrue(Sql("SELECT 0"))))), True),
    ],
    ids=str,
)
def test_rows_and_sql_are_asked_at_the_step_s_start(when: When, told: bool) -> None:
    assert asked(when) is told


def test_parts_that_are_told_leave_only_the_open_one() -> None:
    assert answer(AnyOf((NO, DYNAMIC))) == answer(DYNAMIC) == answer(AllOf((YES, DYNAMIC)))


def test_rows_of_no_table_are_a_mistake_with_a_way_out() -> None:
    with pytest.raises(Problem) as caught:
        answer(Not(RowsAre("other", None, None, None)))
    assert caught.value.rule == "RF101" and "`other`" in caught.value.message
    assert caught.value.path == ("when", "not", "rows", "table")
    assert "table_exists" in caught.value.hint


@pytest.mark.parametrize(
    ("when", "rule"),
    [
        (RowsAre("t", Sql("nmae = 'a'"), None, None), "RF102"),
        (SqlIsTrue(Sql("SELECT 1 FROM other")), "RF101"),
        (SqlIsTrue(Sql("SELECT )")), "SP110"),
    ],
    ids=str,
)
def test_what_can_t_be_prepared_is_a_mistake(when: When, rule: str) -> None:
    with pytest.raises(Problem) as caught:
        answer(when)
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("when", "words"),
    [
        (TableExists("t"), "table t exists"),
        (ColumnExists("t", "c"), "column t.c exists"),
        (IndexExists("i"), "index i exists"),
        (DialectIs(("sqlite", "mysql")), "the database is sqlite or mysql"),
        (RowsAre("t", None, None, None), "t has at least 1 matching rows"),
        (RowsAre("t", None, 2, 5), "t has at least 2 and at most 5 matching rows"),
        (SqlIsTrue(Sql("SELECT 1")), "true: SELECT 1"),
        (SqlIsTrue(Sql(None, (("sqlite", "SELECT 2"),))), "true: SELECT 2"),
        (Not(TableExists("t")), "not (table t exists)"),
        (AnyOf((TableExists("a"), TableExists("b"))), "table a exists or table b exists"),
        (AllOf((TableExists("a"), TableExists("b"))), "table a exists and table b exists"),
    ],
    ids=str,
)
def test_a_condition_is_told_in_words(when: When, words: str) -> None:
    assert describe(when) == words


# ── in a spec ─────────────────────────────────────────────────────────────
def test_a_step_whose_when_is_not_so_makes_nothing_and_is_noted() -> None:
    found = compiled(spec("  - {when: {table_exists: t}, drop: {table: t}}\n"))
    assert found.migrations[0].units == () and not found.diagnostics
    assert found.facts[0].passed_over == "not so: table t exists"


def test_existence_is_judged_on_the_state_at_the_step() -> None:
    steps = """
  - create: {table: a, columns: {id: {type: integer, primary_key: true}}}
  - {when: {table_exists: a}, index: {table: a, columns: [id]}}
  - drop: {table: a}
  - {when: {table_exists: a}, index: {table: a, columns: [id]}}
"""
    assert {u.step for u in plan(steps).units} == {"1-create", "2-index", "3-drop"}


def test_two_steps_may_make_one_table_each_for_its_database() -> None:
    steps = """
  - {when: {dialect: [postgresql]}, create: {table: a, columns: {id: {type: bigint, primary_key: true}}}}
  - {when: {dialect: [sqlite]}, create: {table: a, columns: {id: {type: integer, primary_key: true}}}}
"""
    assert len(changes(plan(steps))) == 1


def test_a_question_for_the_start_stands_on_every_unit_of_its_step() -> None:
    steps = "  - {when: {rows: {table: t, min: 2}}, transform: {table: t, set: {name: upper(name)}, where: 'true'}}\n"
    (made,) = planned(spec(steps), given=SCHEMA)
    conditions = {u.condition for u in made.units}
    (condition,) = conditions
    assert condition is not None
    assert condition.text == "t has at least 2 matching rows"
    assert "count(*)" in condition.query.sql


def test_a_mistake_in_when_is_shown_there() -> None:
    found = compiled(
        spec("  - {when: {rows: {table: other}}, transform: {table: t, set: {id: id}, where: 'true'}}\n"),
        given=SCHEMA,
    )
    (line,) = findings(found)
    assert line.startswith("4:27 RF101"), line
