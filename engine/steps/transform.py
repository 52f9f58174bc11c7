"""`transform`: new values in the rows of a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from engine.errors import Problem
from engine.model.changes import Change, Join, UpdateRows
from engine.model.expression import Expression, Sql
from engine.model.state import SchemaState
from engine.steps.base import field, step
from engine.steps.fields_rows import (
    BATCH_DOC,
    BATCH_SIZE,
    EXPECT_DOC,
    KEY_DOC,
    ExpectRows,
    batch_size,
    expected,
    no_all,
    one_value_each,
)
from engine.steps.shapes import Expr, MapOf, Name, Names, Record, SqlText


@dataclass(frozen=True, slots=True)
class Partner:
    """Rows of another table, or of a query, beside each row."""

    match: Sql = field(
        "What a row and its partner have in common.", SqlText(), example="customers.id = orders.customer_id"
    )
    table: str = field("The other table.", Name(), default="", example="customers")
    sql: Sql | None = field("A query in place of a table; it needs `as`.", SqlText("query"), default=None)
    alias: str = field("The name of the query in `match` and `set`.", Name(), default="", key="as", example="c")

    def problems(self) -> Iterator[Problem]:
        """Yield what is missing for a table or a query."""
        if bool(self.table) == (self.sql is not None):
            yield Problem("SP102", "rows are joined from a `table` or from `sql`, one of the two", ())
        elif self.sql is not None and not self.alias:
            words = "a query needs `as`: its name in `match` and `set`"
            yield Problem("SP102", words, ("sql", "<key>"), hint="add e.g. `as: c`")

    def join(self) -> Join:
        """Return it as planning knows it."""
        return Join(self.match, self.table, self.sql, self.alias)


@step("transform")
@dataclass(frozen=True, slots=True)
class Transform:
    """Change values in the rows of a table, in batches that can be resumed.

    Each row that matches `where` when the step starts is changed exactly
    once. Old values are kept for the way back, of the rows that really
    change; that costs as much space as those values take.
    """

    EXAMPLES: ClassVar[tuple[str, ...]] = (
        'transform: {table: albums, set: {title: "trim(title)"}, where: "title <> trim(title)"}',
        "transform:\n"
        "  table: orders\n"
        '  join: {table: customers, match: "customers.id = orders.customer_id"}\n'
        '  set: {country: "customers.country"}\n',
        "transform: {table: albums, set: {kind: {value: lp}, note: null}, expect_rows: {max: 5000}}",
    )

    table: str = field("The table.", Name(), example="albums")
    set: tuple[tuple[str, Expression], ...] = field(
        "Columns and their new values: SQL, or {value: …} for a literal.",
        MapOf(Expr()),
        example={"title": "trim(title)", "kind": {"value": "short"}},
    )
    where: Sql | None = field(
        "The rows to change; without it all.", SqlText(), default=None, example="title <> trim(title)"
    )
    join: Partner | None = field(
        "Rows of another table beside each row. A row with two partners is an error; one without is not selected.",
        Record(Partner),
        default=None,
        example={"table": "customers", "match": "customers.id = orders.customer_id"},
    )
    key: tuple[str, ...] = field(KEY_DOC, Names(), default=(), example="id")
    batch_size: int | str = field(BATCH_DOC, BATCH_SIZE, default="auto", example=10000)
    expect_rows: ExpectRows | None = field(EXPECT_DOC + ".", Record(ExpectRows), default=None, example={"max": 5000})

    def problems(self) -> Iterator[Problem]:
        """Yield an `expect_rows` that says nothing, and columns that get a value twice."""
        yield from one_value_each(self.set, "set")
        yield from no_all(self.expect_rows)

    def changes(self, state: SchemaState) -> Iterator[Change]:
        """Return the update."""
        del state
        yield UpdateRows(
            self.table,
            self.set,
            self.where,
            self.join.join() if self.join else None,
            self.key,
            batch_size(self.batch_size),
            expected(self.expect_rows),
        )
