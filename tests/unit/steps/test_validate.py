"""What `validate` means."""

from __future__ import annotations

import pytest

from engine.model.changes import Amount, CheckRows, RowCheck
from engine.model.expression import Literal, Sql
from tests.unit.spec.building import change, findings


def checks(text: str) -> tuple[RowCheck, ...]:
    """Return the checks of a list."""
    own = change("validate:\n" + "".join(f"  - {line}\n" for line in text.splitlines()))
    assert isinstance(own, CheckRows)
    return own.checks


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("row_count: {table: a, equals: 5}", RowCheck("row_count", 0, "a", extra=(("equals", Amount(5)),))),
        (
            "row_count: {table: a, where: b, equals: {table: c, where: d}, description: e}",
            RowCheck(
                "row_count",
                0,
                "a",
                where=Sql("b"),
                description="e",
                extra=(("equals", Amount(table="c", where=Sql("d"))),),
            ),
        ),
        (
            "row_count: {table: a, equals: {sql: SELECT 1}}",
            RowCheck("row_count", 0, "a", extra=(("equals", Amount(query=Sql("SELECT 1"))),)),
        ),
        (
            "row_count: {table: a, min: 0, max: 5}",
            RowCheck("row_count", 0, "a", extra=(("min", 0), ("max", 5))),
        ),
        ("unique: {table: a, columns: [b, c]}", RowCheck("unique", 0, "a", ("b", "c"))),
        ("not_null: {table: a, column: b, where: c}", RowCheck("not_null", 0, "a", ("b",), Sql("c"))),
        (
            "references: {table: a, columns: b, to: {table: c, column: d}}",
            RowCheck("references", 0, "a", ("b",), extra=(("to_table", "c"), ("to_columns", ("d",)))),
        ),
        (
            "references: {table: a, columns: b, to: c}",
            RowCheck("references", 0, "a", ("b",), extra=(("to_table", "c"), ("to_columns", ()))),
        ),
        (
            "accepted: {table: a, column: b, values: [x, 1]}",
            RowCheck("accepted", 0, "a", ("b",), extra=(("values", (Literal("x", "x"), Literal(1, "1"))),)),
        ),
        (
            "range: {table: a, column: b, min: 0, max: 1000}",
            RowCheck("range", 0, "a", ("b",), extra=(("min", Literal(0, "0")), ("max", Literal(1000, "1000")))),
        ),
        (
            "same_rows: {left: {table: a, where: x}, right: b, key: id}",
            RowCheck(
                "same_rows",
                0,
                "a",
                extra=(
                    ("left_table", "a"),
                    ("left_where", Sql("x")),
                    ("right_table", "b"),
                    ("right_where", None),
                    ("key", ("id",)),
                    ("columns", None),
                ),
            ),
        ),
        ("no_rows: {sql: SELECT 1}", RowCheck("no_rows", 0, query=Sql("SELECT 1"))),
        ("no_rows: SELECT 1", RowCheck("no_rows", 0, query=Sql("SELECT 1"))),
        ("exists: {table: a, columns: [b]}", RowCheck("exists", 0, "a", ("b",))),
        ("exists: {index: a}", RowCheck("exists", 0, extra=(("index", "a"),))),
        ("exists: {table: a, constraint: b}", RowCheck("exists", 0, "a", extra=(("constraint", "b"),))),
    ],
)
def test_each_kind_of_check(text: str, expected: RowCheck) -> None:
    assert checks(text) == (expected,)


def test_checks_know_their_place() -> None:
    own = checks("unique: {table: a, columns: b}\nexists: {view: v}")
    assert [c.place for c in own] == [0, 1]


def test_columns_of_a_comparison() -> None:
    (own,) = checks("same_rows: {left: a, right: b, key: id, columns: [x, y]}")
    assert dict(own.extra)["columns"] == ("x", "y")
    (own,) = checks("same_rows: {left: a, right: b, key: id, column: [same]}")
    assert dict(own.extra)["columns"] == ("same",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("row_count: {table: a}", "4:5 SP102 nothing says how many"),
        ("row_count: {table: a, equals: 1, min: 1}", "`equals` says it already"),
        ("row_count: {table: a, min: 5, max: 1}", "no number is at least 5 and at most 1"),
        ("row_count: {table: a, equals: {}}", "this is a number, {table: …} or {sql: …}, one of them"),
        ("row_count: {table: a, equals: {sql: x, where: y}}", "`where` needs a `table` beside it"),
        (
            "references: {table: a, columns: [b, c], to: {table: d, columns: [e]}}",
            "2 columns can't refer to 1",
        ),
        ("accepted: {table: a, column: b, values: [null]}", "NULL is always accepted"),
        ("accepted: {table: a, columns: [b, c], values: [1]}", "this check is on one column"),
        ("range: {table: a, column: b}", "a range needs `min` or `max`"),
        ("range: {table: a, columns: [b, c], min: 1}", "this check is on one column"),
        ("exists: {constraint: a}", "nothing is named"),
        ("{}", "a check is missing here"),
        (
            "{unique: {table: a, columns: b}, not_null: {table: a, columns: b}}",
            "`unique` and `not_null` are two checks",
        ),
    ],
)
def test_checks_that_cannot_be_meant(text: str, words: str) -> None:
    (own,) = findings(f"steps:\n- validate:\n  - {text}\n")
    assert words.removeprefix("4:5 ") in own
