"""How many rows a plan touches: counted where it can be, carried along, and never guessed."""

from __future__ import annotations

import pytest
from compiling import catalogue, counts, plan, planned, spec, unit

from engine import dialects
from engine.model.plan import Loop, Statement, Unit
from engine.plan.sizes import LARGE, Counter, Sizes, no_database, sum_rows

T = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
U = "CREATE TABLE u (id INTEGER PRIMARY KEY, v TEXT);"
TRANSFORM = "  - transform: {table: t, set: {v: upper(v)}, where: 'true'}\n"
COPY = "  - copy: {from: t, into: u, columns: same, expect_rows: all}\n"
MAKE_U = "  - create: {table: u, columns: {id: {type: integer, primary_key: true}, v: text}}\n"


def many(number: int | None) -> Counter:
    """Return a counter for a `t` of so many rows."""
    return counts({"t": number})


@pytest.mark.parametrize(("rows", "single"), [(0, True), (7, True), (LARGE, True), (LARGE + 1, False), (None, False)])
def test_up_to_50_000_rows_go_into_one_transaction(rows: int | None, single: bool) -> None:
    made = plan(TRANSFORM, T, many(rows))
    assert made.single is single
    assert unit(made, "1-transform").rows == rows
    reasons = {True: "small", False: "more than 50,000 rows"}
    assert (reasons[single] if rows is not None else "not known") in made.mode_reason


def test_without_a_database_no_number_is_known() -> None:
    assert no_database("SELECT 1") is None
    made = plan(TRANSFORM, T)
    assert not made.single and unit(made, "1-transform").rows is None


def test_the_rows_of_all_steps_count_together() -> None:
    half = LARGE // 2 + 1
    assert plan(TRANSFORM, T, many(half)).single
    assert not plan(TRANSFORM + TRANSFORM, T, many(half)).single


def test_a_table_of_the_plan_has_the_rows_that_the_plan_brings() -> None:
    steps = MAKE_U + COPY + "  - transform: {table: u, set: {v: lower(v)}, where: 'true'}\n"
    made = plan(steps, T, many(30))
    assert (unit(made, "2-copy").rows, unit(made, "3-transform").rows) == (30, 30)


def test_rows_that_are_inserted_count() -> None:
    insert = "  - insert: {into: u, rows: [{id: 1, v: a}, {id: 2, v: b}], expect_rows: 2}\n"
    change = "  - transform: {table: u, set: {v: lower(v)}, where: 'true'}\n"
    assert unit(plan(MAKE_U + insert + change), "3-transform").rows == 2
    assert unit(plan(insert + change, U, counts({"u": 5})), "2-transform").rows == 7


def test_what_a_copy_brings_is_unknown_where_its_source_is() -> None:
    change = "  - transform: {table: u, set: {v: lower(v)}, where: 'true'}\n"
    made = plan(COPY + change, T + U, counts({"t": None, "u": 5}))
    assert unit(made, "2-transform").rows is None and not made.single
    made = plan(MAKE_U + COPY + change, T, many(None))
    assert unit(made, "3-transform").rows is None and not made.single


def test_a_table_of_the_plan_and_one_of_the_database_are_counted_by_the_larger() -> None:
    both = "SELECT 1 FROM t, u"
    for rows, expected in ((9, 9), (0, 2), (None, None)):
        sizes = Sizes(many(rows))
        session = dialects.load("sqlite").open(catalogue(T + U))
        sizes._made["u"] = 2
        assert sizes.rows(session)(both) == expected


def test_a_query_that_can_t_be_prepared_counts_nothing() -> None:
    sizes = Sizes(many(9))
    assert sizes.rows(dialects.load("sqlite").open(catalogue(T)))("SELECT 1 FROM nowhere") is None


def test_a_renamed_table_is_counted_under_its_old_name() -> None:
    asked: list[str] = []

    def count(sql: str) -> int | None:
        asked.append(sql)
        return 40 if '"t"' in sql else None

    change = "  - transform: {table: n, set: {v: lower(v)}, where: 'true'}\n"
    made = plan("  - rename: {table: t, to: n}\n" + change, T, count)
    assert unit(made, "2-transform").rows == 40
    assert any('FROM "t"' in sql for sql in asked) and not any('FROM "n"' in sql for sql in asked)


def test_a_table_of_the_plan_takes_its_rows_along_when_it_is_renamed() -> None:
    steps = MAKE_U + COPY + "  - rename: {table: u, to: n}\n"
    steps += "  - transform: {table: n, set: {v: lower(v)}, where: 'true'}\n"
    assert unit(plan(steps, T, many(12)), "4-transform").rows == 12


def test_a_name_is_used_again_after_a_drop() -> None:
    steps = "  - drop: {table: t}\n"
    steps += "  - create: {table: t, columns: {id: {type: integer, primary_key: true}, v: text}}\n"
    steps += TRANSFORM
    assert unit(plan(steps, T, many(12)), "3-transform").rows == 0
    again = MAKE_U + "  - drop: {table: u}\n" + MAKE_U
    assert plan(again).single


def test_sizes_go_on_from_one_spec_to_the_next() -> None:
    first = spec(MAKE_U + COPY)
    second = spec("  - transform: {table: u, set: {v: lower(v)}, where: 'true'}\n", version="002")
    made = planned(first, second, given=T, count=many(33))
    assert unit(made[1], "1-transform").rows == 33


def test_only_units_that_move_rows_may_leave_the_sum_unknown() -> None:
    query = Statement("SELECT 1", "rows")
    loop = Loop("t", ("id",), query, query, (), query)
    assert sum_rows(()) == 0
    assert sum_rows((Unit("1", "1", "an index", "+"), Unit("2", "2", "rows", ">", rows=3, loop=loop))) == 3
    assert sum_rows((Unit("1", "1", "a rebuild", "⟳"),)) is None
    assert sum_rows((Unit("1", "1", "rows", ">", loop=loop),)) is None
