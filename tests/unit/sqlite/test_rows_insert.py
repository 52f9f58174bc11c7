"""Rows written in the spec: each arrives as written, and goes again unless somebody changed it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.errors import Problem
from engine.model.changes import Expect, InsertRows
from engine.model.expression import Literal, Sql
from tests.unit.sqlite.rows_runner import NOW, conflicts, database, plan, run, snapshot, undo

GENRES = (
    "CREATE TABLE genres (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, n DEFAULT 5, up AS (upper(name)));;"
    "INSERT INTO genres (id, name) VALUES (2, 'Jazz')"
)


def lit(value: object) -> Literal:
    return Literal(value, str(value))  # type: ignore[arg-type]


def test_values_arrive_with_their_types_and_missing_ones_are_the_default():
    db = database(GENRES)
    before = snapshot(db)
    rows = (
        (lit(7), lit("Rock 'n' 🎸"), None),
        (None, lit("a\0b"), lit(Decimal("0.50"))),
        (None, lit(None), lit(True)),
        (None, Sql("lower('X') || CURRENT_TIMESTAMP"), lit(2**63 - 1)),
    )
    unit = plan(db, InsertRows("genres", ("id", "name", "n"), rows, expect=Expect(exact=4)))
    assert run(db, unit).counts == {"selected": 4, "written": 4}
    assert db.execute("SELECT id, name, n FROM genres").fetchall() == [
        (2, "Jazz", 5), (7, "Rock 'n' 🎸", 5), (8, "a\0b", 0.5), (9, None, 1), (10, f"x{NOW}", 2**63 - 1),
    ]  # fmt: skip
    assert conflicts(db, unit) == {}
    undo(db, unit)
    assert snapshot(db) == before


@pytest.mark.parametrize(("how", "names"), [("skip", ["Jazz", "Rock"]), ("replace", ["Bebop", "Rock"])])
def test_conflicts_are_judged_on_the_key(how, names):
    db = database(GENRES)
    before = snapshot(db)
    rows = ((lit(1), lit("Rock")), (lit(2), lit("Bebop")))
    unit = plan(db, InsertRows("genres", ("id", "name"), rows, how, ("id",)))
    run(db, unit)
    assert sorted(n for (n,) in db.execute("SELECT name FROM genres")) == names
    undo(db, unit)
    assert snapshot(db) == before


def test_a_row_edited_since_is_a_conflict():
    db = database(GENRES)
    unit = plan(db, InsertRows("genres", ("name",), ((lit("Rock"),), (lit("Pop"),))))
    run(db, unit)
    db.execute("UPDATE genres SET n = 6 WHERE name = 'Pop'")
    assert conflicts(db, unit) == {("changed", "genres"): 1}
    undo(db, unit)
    assert db.execute("SELECT name FROM genres").fetchall() == [("Jazz",), ("Pop",)]


def test_many_rows_and_rows_of_defaults():
    db = database(GENRES)
    unit = plan(db, InsertRows("genres", ("n",), tuple((lit(n),) for n in range(1201))))
    assert run(db, unit).counts["written"] == 1201
    unit = plan(db, InsertRows("genres", ("n",), ((None,), (None,))))
    assert run(db, unit).counts["written"] == 2


@pytest.mark.parametrize(
    ("change", "rule", "path"),
    [
        (InsertRows("genre", ("id",), ((lit(1),),)), "RF101", ("into",)),
        (InsertRows("genres", ("ix",), ((lit(1),),)), "RF102", ("rows", 0, "ix", "<key>")),
        (InsertRows("genres", ("up",), ((lit(1),),)), "RF109", ("rows", 0, "up", "<key>")),
        (InsertRows("genres", ("id",), ((lit(1),), (Sql("nope"),))), "RF102", ("rows", 1, "id")),
        (InsertRows("genres", ("id", "name"), ((lit(1), lit("x")),), "replace"), "SP102", ("on_conflict",)),
    ],
)
def test_what_can_not_be_is_said_at_its_place(change, rule, path):
    with pytest.raises(Problem) as caught:
        plan(database(GENRES), change)
    assert (caught.value.rule, caught.value.path) == (rule, path)
