"""What `copy`, `transform`, `insert`, `delete` and `sql` mean."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.model.changes import (
    CopyRows,
    DeleteRows,
    Expect,
    FirstOf,
    InsertRows,
    Join,
    OrderPart,
    RunSql,
    UpdateRows,
)
from engine.model.expression import Literal, Parse, Sql
from tests.unit.spec.building import change, findings


def test_copy_in_full() -> None:
    own = change(
        "copy:\n"
        "  from: a\n"
        "  into: b\n"
        "  columns: {source: {value: old}, n: 5, flag: true, none: null, t: trim(x), "
        "p: {parse: views, as: bigint, otherwise: null}, d: {parse: 'a || b', as: date, formats: '%Y', otherwise: "
        "{sql: c}}, e: {sqlite: x, other: y}}\n"
        "  where: x > 1\n"
        "  first_of: {columns: [v, {sql: lower(w)}], order: [{column: id, order: desc}, z]}\n"
        "  triggers: skip\n"
        "  key: id\n"
        "  on_conflict: replace\n"
        "  conflict_key: [source, n]\n"
        "  batch_size: 100\n"
        "  expect_rows: all\n"
    )
    assert own == CopyRows(
        "a",
        None,
        "b",
        (
            ("source", Literal("old", "old")),
            ("n", Literal(5, "5")),
            ("flag", Literal(True, "true")),
            ("none", Literal(None, "null")),
            ("t", Sql("trim(x)")),
            ("p", Parse(Sql("views"), "bigint", (), Literal(None, "null"))),
            ("d", Parse(Sql("a || b"), "date", ("%Y",), Sql("c"))),
            ("e", Sql(None, (("sqlite", "x"), ("other", "y")))),
        ),
        Sql("x > 1"),
        FirstOf((OrderPart("v"), OrderPart(sql=Sql("lower(w)"))), (OrderPart("id", None, "desc"), OrderPart("z"))),
        ("id",),
        "replace",
        ("source", "n"),
        "skip",
        100,
        Expect(every=True),
    )


def test_copy_of_the_same_names_a_list_and_a_query() -> None:
    assert change("copy: {from: a, into: b, columns: same}") == CopyRows("a", None, "b", None)
    assert change("copy: {from: a, into: b, columns: [same]}").columns == (("same", Sql("same")),)  # type: ignore[union-attr]
    own = change("copy: {from: {sql: SELECT 1}, into: b, columns: [x, order, 'my col', 'a\"b'], key: x}")
    assert own == CopyRows(
        "",
        Sql("SELECT 1"),
        "b",
        (("x", Sql("x")), ("order", Sql('"order"')), ("my col", Sql('"my col"')), ('a"b', Sql('"a""b"'))),
        key=("x",),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("all", Expect(every=True)),
        ("5", Expect(exact=5)),
        ("{min: 1}", Expect(minimum=1)),
        ("{min: 1, max: 0x}", None),
        ("{min: 1, max: 3}", Expect(minimum=1, maximum=3)),
        ("{sql: SELECT 1}", Expect(query=Sql("SELECT 1"))),
    ],
)
def test_expect_rows(text: str, expected: Expect | None) -> None:
    body = f"copy: {{from: a, into: b, columns: same, expect_rows: {text}}}"
    if expected is None:
        assert findings(f"steps:\n  - {body}\n")
    else:
        assert change(body).expect == expected  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("expect_rows: {}", "no number of rows is said here"),
        ("expect_rows: {min: 5, max: 1}", "no number is at least 5 and at most 1"),
        ("expect_rows: {min: 5, sql: x}", "bounds and a query don't go together"),
        ("on_conflict: skip", "`on_conflict: skip` needs `conflict_key`"),
    ],
)
def test_copy_that_cannot_be_meant(text: str, words: str) -> None:
    (own,) = findings(f"steps:\n  - copy: {{from: a, into: b, columns: same, {text}}}\n")
    assert words in own


def test_a_query_needs_a_key_and_rows_come_from_one_place() -> None:
    (own,) = findings("steps:\n  - copy: {from: {sql: SELECT 1}, into: b, columns: same}\n")
    assert "a copy from a query needs `key`" in own
    (own,) = findings("steps:\n  - copy: {from: {table: a, sql: SELECT 1}, into: b, columns: same}\n")
    assert "rows come from a table or from {sql: …}" in own
    (own,) = findings("steps:\n  - copy: {from: a, into: b, columns: same, first_of: {columns: {column: a, sql: b}}}\n")
    assert "this is a `column` or `sql`, one of the two" in own


def test_transform() -> None:
    assert change(
        "transform: {table: t, set: {a: trim(a), b: {value: 0.50}}, where: a <> b, key: [id, n], batch_size: auto, "
        "expect_rows: {max: 5}}"
    ) == UpdateRows(
        "t",
        (("a", Sql("trim(a)")), ("b", Literal(Decimal("0.50"), "0.50"))),
        Sql("a <> b"),
        None,
        ("id", "n"),
        None,
        Expect(maximum=5),
    )


def test_transform_with_rows_beside() -> None:
    own = change("transform: {table: t, join: {table: c, match: c.id = t.c}, set: {a: c.a}}")
    assert own.join == Join(Sql("c.id = t.c"), "c")  # type: ignore[union-attr]
    own = change("transform: {table: t, join: {sql: SELECT 1, as: c, match: c.id = t.c}, set: {a: c.a}}")
    assert own.join == Join(Sql("c.id = t.c"), "", Sql("SELECT 1"), "c")  # type: ignore[union-attr]


def test_transform_that_cannot_be_meant() -> None:
    head = "steps:\n  - transform: {table: t, set: {a: b}, "
    (own,) = findings(head + "join: {sql: SELECT 1, match: x}}\n")
    assert "a query needs `as`" in own
    (own,) = findings(head + "join: {match: x}}\n")
    assert "rows are joined from a `table` or from `sql`" in own
    (own,) = findings(head + "expect_rows: all}\n")
    assert "`expect_rows: all` is for copy and insert; here it could not fail" in own


def test_insert_makes_all_rows_alike() -> None:
    assert change(
        "insert: {into: t, rows: [{a: 1, b: x}, {c: {sql: lower('X')}, a: null}], on_conflict: skip, conflict_key: a, "
        "expect_rows: 2}"
    ) == InsertRows(
        "t",
        ("a", "b", "c"),
        (
            (Literal(1, "1"), Literal("x", "x"), None),
            (Literal(None, "null"), None, Sql("lower('X')")),
        ),
        "skip",
        ("a",),
        Expect(exact=2),
    )
    (own,) = findings("steps:\n  - insert: {into: t, rows: [{a: 1}], on_conflict: skip}\n")
    assert "needs `conflict_key`" in own


def test_a_function_is_a_value_in_rows() -> None:
    own = change("insert: {into: t, rows: [{a: now()}]}")
    assert own.rows == ((Literal("now()", "now()"),),)  # type: ignore[union-attr]


def test_delete() -> None:
    assert change("delete: {from: t, where: 'true', batch_size: 5, key: id, expect_rows: 3}") == DeleteRows(
        "t", Sql("true"), None, ("id",), 5, Expect(exact=3)
    )
    assert change("delete: {table: t, all_but_first_of: {column: a}}") == DeleteRows(
        "t", None, FirstOf((OrderPart("a"),))
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("UPDATE a SET b = 1", RunSql((Sql("UPDATE a SET b = 1"),))),
        ("'a; b;'", RunSql((Sql("a"), Sql("b")))),
        ("[a, 'b; c', {sqlite: d, other: e}]",
         RunSql((Sql("a"), Sql("b"), Sql("c"), Sql(None, (("sqlite", "d"), ("other", "e")))))),
        ("{sqlite: [a, b], mysql: 'c; d'}",
         RunSql((Sql(None, (("sqlite", "a"), ("mysql", "c"))), Sql(None, (("sqlite", "b"), ("mysql", "d")))))),
        ("{run: a, reads: b, writes: [c, d]}", RunSql((Sql("a"),), ("b",), ("c", "d"))),
        ("{run: {sqlite: a}}", RunSql((Sql(None, (("sqlite", "a"),)),))),
    ],
)  # fmt: skip
def test_sql(text: str, expected: RunSql) -> None:
    assert change(f"sql: {text}\nirreversible: x\n") == expected


def test_sql_needs_something_for_this_database() -> None:
    (own,) = findings("steps:\n  - {sql: {mysql: a}, irreversible: x}\n")
    assert "SP111 there is no SQL for sqlite" in own
