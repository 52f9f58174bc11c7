"""`validate`: what each check finds, what it passes over, and how it says so."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import Problem
from engine.model.changes import Amount, CheckRows, RowCheck
from engine.model.expression import Literal, Sql
from engine.model.plan import Check
from tests.unit.sqlite.rows_runner import database, plan

DATA = """
CREATE TABLE albums (id INTEGER PRIMARY KEY, title TEXT COLLATE NOCASE, artist_id INTEGER, price,
  CONSTRAINT "ck x" CHECK (id > 0));;
CREATE TABLE artists (id INTEGER PRIMARY KEY, name);;
CREATE UNIQUE INDEX uq_t ON albums (id, title);;
CREATE VIEW cheap AS SELECT id, title FROM albums WHERE price < 5;;
CREATE TABLE copies (id INTEGER PRIMARY KEY, title TEXT, artist_id INTEGER, price);;
INSERT INTO albums VALUES (1, 'A', 1, 5), (2, 'a', 2, 1000), (3, NULL, NULL, NULL), (4, 'd', 1, -1), (5, 'e',
  1, 'dear');;
INSERT INTO artists VALUES (1, 'x');;
INSERT INTO copies SELECT * FROM albums
"""


def made(kind: str, **fields: Any) -> Check:
    db = database(DATA)
    unit = plan(db, CheckRows((RowCheck(kind, 0, **fields),)))
    assert unit.symbol == "?" and unit.undo == () and unit.reversible == "derived"
    (check,) = unit.checks
    return check


def failing(check: Check, *statements: str) -> tuple[int, list[tuple[Any, ...]]]:
    db = database(DATA, *statements)
    (number,) = db.execute(check.query.sql).fetchone()
    return number, db.execute(check.sample.sql).fetchall() if check.sample else []


@pytest.mark.parametrize(
    ("kind", "fields", "number", "sample"),
    [
        ("unique", {"columns": ("title",)}, 1, [("A", 2)]),
        ("unique", {"columns": ("title", "id")}, 0, []),
        ("unique", {"columns": ("artist_id",), "where": Sql("id < 3")}, 0, []),
        ("not_null", {"columns": ("title", "price")}, 1, [(3, None, None)]),
        ("not_null", {"columns": ("title",), "where": Sql("id <> 3")}, 0, []),
        ("references", {"columns": ("artist_id",), "extra": (("to_table", "artists"), ("to_columns",
            ("id",)))}, 1, [(2, 2)]),
        ("references", {"columns": ("artist_id",), "extra": (("to_table", "artists"), ("to_columns", ()))}, 1,
            [(2, 2)]),
        ("accepted", {"columns": ("title",), "extra": (("values", (Literal("a", "a"), Literal("d", "d"))),)},
            1, [(5, "e")]),
        ("range", {"columns": ("price",), "extra": (("min", Literal(0, "0")), ("max", Literal(999, "999")))},
            3, [(2, 1000), (4, -1), (5, "dear")]),
        ("range", {"columns": ("price",), "extra": (("min", Literal(0, "0")),)}, 1, [(4, -1)]),
    ],
)  # fmt: skip
def test_offenders_are_counted_and_shown(kind, fields, number, sample):
    assert failing(made(kind, table="albums", **fields)) == (number, sample)


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ((("equals", Amount(number=5)),), (5, 5, None)),
        ((("equals", Amount(query=Sql("SELECT 4 + 1"))),), (None, None, 5)),
        ((("equals", Amount(table="artists", where=Sql("name = 'x'"))),), (None, None, 1)),
        ((("min", 1), ("max", 9)), (1, 9, None)),
    ],
)
def test_row_counts_are_compared_with_what_the_spec_names(extra, expected):
    check = made("row_count", table="albums", extra=extra)
    other = database(DATA).execute(check.other.sql).fetchone()[0] if check.other else None
    assert (check.minimum, check.maximum, other) == expected
    assert failing(check)[0] == 5 and "{count}" in check.failure


def test_no_rows_counts_the_rows_of_any_query():
    check = made("no_rows", query=Sql("SELECT id FROM albums WHERE price < 0 ORDER BY id"))
    assert failing(check) == (1, [(4,)])


def test_same_rows_compares_type_and_bytes_both_ways():
    extra = (("left_table", "albums"), ("right_table", "copies"), ("key", ("id",)), ("columns", None))
    check = made("same_rows", extra=extra)
    assert failing(check) == (0, [])
    number, sample = failing(
        check,
        "UPDATE copies SET title = 'b' WHERE id = 2;; UPDATE copies SET title = 'a' WHERE id = 1;;"
        "UPDATE copies SET price = '5' WHERE id = 1;; DELETE FROM copies WHERE id = 3;;"
        "INSERT INTO copies (id) VALUES (9)",
    )
    assert number == 4 and {row[0] for row in sample} == {"left", "right"}
    some = (
        *extra[:2],
        ("left_where", Sql("id < 3")),
        ("right_where", Sql("id < 3")),
        ("columns", ("price",)),
    )
    check = made("same_rows", extra=some)
    assert failing(check, "DELETE FROM copies WHERE id > 2;; UPDATE copies SET title = 'other'") == (0, [])


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({"table": "albums", "columns": ("Title", "id")}, 0),
        ({"table": "albums", "columns": ("title", "nope")}, 1),
        ({"table": "albums"}, 0),
        ({"table": "nope"}, 1),
        ({"extra": (("index", "UQ_T"),)}, 0),
        ({"extra": (("index", "nope"),)}, 1),
        ({"extra": (("view", "cheap"),)}, 0),
        ({"table": "albums", "extra": (("constraint", "ck x"),)}, 0),
        ({"table": "albums", "extra": (("constraint", "uq_t"),)}, 0),
        ({"table": "albums", "extra": (("constraint", "ck"),)}, 1),
    ],
)
def test_exists_looks_into_the_catalogue(fields, missing):
    assert failing(made("exists", **fields))[0] == missing


def test_views_can_be_checked_and_a_description_is_the_title():
    check = made("unique", table="cheap", columns=("title",), description="titles are unique")
    assert check.title == "titles are unique" and check.path == (0, "unique")
    assert failing(check)[0] == 0


@pytest.mark.parametrize(
    ("kind", "fields", "rule", "path"),
    [
        ("unique", {"table": "album", "columns": ("id",)}, "RF101", (0, "unique", "table")),
        ("unique", {"table": "albums", "columns": ("idd",)}, "RF102", (0, "unique", "columns", 0)),
        ("range", {"table": "albums", "columns": ("id",), "where": Sql("nope")}, "RF102", (0, "range", "where")),
        ("no_rows", {"query": Sql("SELECT id FROM nowhere")}, "RF101", (0, "no_rows", "sql")),
        ("no_rows", {"query": Sql("DELETE FROM albums")}, "VA106", (0, "no_rows", "sql")),
        ("no_rows", {}, "SP102", (0, "no_rows")),
        ("references", {"table": "albums", "columns": ("id",), "extra": (("to_table", "artists"),
            ("to_columns", ("x",)))}, "RF102", (0, "references", "to", "columns", 0)),
        ("references", {"table": "albums", "columns": ("id", "title"), "extra": (("to_table", "artists"),
            ("to_columns", ("id",)))}, "SP102", (0, "references", "to", "columns")),
        ("same_rows", {"extra": (("left_table", "cheap"), ("right_table", "albums"))}, "SP102", (0, "same_rows")),
        ("same_rows", {"extra": (("left_table", "albums"), ("right_table", "artists"), ("columns",
            ("title",)))}, "RF102", (0, "same_rows", "columns", 0)),
        ("row_count", {"table": "albums", "extra": (("equals", Amount(table="nope")),)}, "RF101", (0,
            "row_count", "equals", "table")),
    ],
)  # fmt: skip
def test_what_can_not_be_is_said_at_its_place(kind, fields, rule, path):
    with pytest.raises(Problem) as caught:
        made(kind, **fields)
    assert (caught.value.rule, caught.value.path) == (rule, path)
