"""The kinds of check that `validate` knows. Each makes one `RowCheck`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import Problem
from engine.model.changes import Amount, RowCheck
from engine.model.expression import Literal, Sql
from engine.steps.base import field
from engine.steps.shapes import ListOf, Name, Names, Record, SqlText, Text, Value, Whole

DESCRIPTION = "What must hold, in words; shown when it does not."
WHERE = "The rows that are looked at; without it all."


@dataclass(frozen=True, slots=True)
class Number:
    """A number, the rows of a table, or what a query returns."""

    number: int | None = field("The number.", Whole(0), default=None, key="", short="any", example=5)
    table: str = field("A table whose rows are counted.", Name(), default="")
    where: Sql | None = field("The rows of it that count.", SqlText(), default=None)
    sql: Sql | None = field("A query that returns the number.", SqlText("query"), default=None)

    def problems(self) -> Iterator[Problem]:
        """Yield an error unless it is a number, a table or a query."""
        ways = (self.number is not None, bool(self.table), self.sql is not None)
        if sum(ways) != 1:
            yield Problem("SP102", "this is a number, {table: …} or {sql: …}, one of them", ())
        elif self.where is not None and not self.table:
            yield Problem("SP102", "`where` needs a `table` beside it", ("where", "<key>"))

    def amount(self) -> Amount:
        """Return it as planning knows it."""
        return Amount(self.number, self.sql, self.table, self.where)


@dataclass(frozen=True, slots=True)
class RowCount:
    """A table has so many rows."""

    table: str = field("The table or view whose rows are counted.", Name())
    where: Sql | None = field(WHERE, SqlText(), default=None)
    equals: Number | None = field(
        "The number, or {table: …} or {sql: …} that gives it.",
        Record(Number),
        default=None,
        example={"table": "a"},
    )
    min: int | None = field("At least so many.", Whole(0), default=None, example=1)
    max: int | None = field("At most so many.", Whole(0), default=None)
    description: str = field(DESCRIPTION, Text(), default="")

    def problems(self) -> Iterator[Problem]:
        """Yield an error unless there is a number or a bound."""
        bounds = self.min is not None or self.max is not None
        if self.equals is None and not bounds:
            words = "nothing says how many: `equals`, `min` or `max` is missing"
            yield Problem("SP102", words, ("<key>",), hint="e.g. `min: 1`")
        if self.equals is not None and bounds:
            words = "`equals` says it already: `min` and `max` come in its place"
            yield Problem("SP102", words, ("min" if self.min is not None else "max", "<key>"), hint="keep one")
        if self.min is not None and self.max is not None and self.min > self.max:
            yield Problem("SP102", f"no number is at least {self.min} and at most {self.max}", ("max",))

    def row_check(self, place: int) -> RowCheck:
        """Return it as planning knows it."""
        extra: tuple[tuple[str, object], ...] = ()
        if self.equals is not None:
            extra += (("equals", self.equals.amount()),)
        extra += tuple((word, n) for word, n in (("min", self.min), ("max", self.max)) if n is not None)
        return RowCheck("row_count", place, self.table, where=self.where, description=self.description, extra=extra)


@dataclass(frozen=True, slots=True)
class Unique:
    """No two rows are alike in these columns; NULLs are never alike."""

    table: str = field("The table or view.", Name())
    columns: tuple[str, ...] = field("The columns.", Names(), also=("column",), example=["source", "source_id"])
    where: Sql | None = field(WHERE, SqlText(), default=None)
    description: str = field(DESCRIPTION, Text(), default="")

    def row_check(self, place: int) -> RowCheck:
        """Return it as planning knows it."""
        return RowCheck("unique", place, self.table, self.columns, self.where, description=self.description)


@dataclass(frozen=True, slots=True)
class NotNull:
    """None of these columns holds NULL."""

    table: str = field("The table or view.", Name())
    columns: tuple[str, ...] = field("The columns.", Names(), also=("column",), example="title")
    where: Sql | None = field(WHERE, SqlText(), default=None)
    description: str = field(DESCRIPTION, Text(), default="")

    def row_check(self, place: int) -> RowCheck:
        """Return it as planning knows it."""
        return RowCheck("not_null", place, self.table, self.columns, self.where, description=self.description)


@dataclass(frozen=True, slots=True)
class Target:
    """The other side of a reference."""

    table: str = field("The table referred to.", Name(), short="any")
    columns: tuple[str, ...] = field("Its columns.", Names(), default=(), also=("column",), example="id")


@dataclass(frozen=True, slots=True)
class References:
    """Each row has its partner in another table; NULL is no reference."""

    table: str = field("The table or view.", Name())
    columns: tuple[str, ...] = field("The columns that refer.", Names(), also=("column",), example="artist_id")
    to: Target = field("The table and columns referred to.", Record(Target), example={"table": "artists"})
    where: Sql | None = field(WHERE, SqlText(), default=None)
    description: str = field(DESCRIPTION, Text(), default="")

    def problems(self) -> Iterator[Problem]:
        """Yield an error where the two sides have not as many columns."""
        there = self.to.columns
        if there and len(there) != len(self.columns):
            words = f"{len(self.columns)} columns can't refer to {len(there)}"
            yield Problem("SP102", words, ("to", "columns"), hint="name as many on both sides")

    def row_check(self, place: int) -> RowCheck:
        """Return it as planning knows it."""
        extra = (("to_table", self.to.table), ("to_columns", self.to.columns))
        return RowCheck(
            "references",
            place,
            self.table,
            self.columns,
            self.where,
            description=self.description,
            extra=extra,
        )


@dataclass(frozen=True, slots=True)
class Accepted:
    """A column holds nothing but these values (or NULL)."""

    table: str = field("The table or view.", Name())
    columns: tuple[str, ...] = field("The column.", Names(), also=("column",), example="status")
    values: tuple[Literal | Sql, ...] = field(
        "The values there may be.", ListOf(Value()), example=["QUEUED", "RUNNING"]
    )
    where: Sql | None = field(WHERE, SqlText(), default=None)
    description: str = field(DESCRIPTION, Text(), default="")

    def problems(self) -> Iterator[Problem]:
        """Yield what can't be compared with a list of values."""
        if any(isinstance(value, Literal) and value.value is None for value in self.values):
            yield Problem("SP102", "NULL is always accepted", ("values",), hint="take it out; see `not_null`")
        if len(self.columns) > 1:
            yield Problem("SP102", "this check is on one column", ("columns",), hint="write a check for each")

    def row_check(self, place: int) -> RowCheck:
        """Return it as planning knows it."""
        extra = (("values", self.values),)
        return RowCheck(
            "accepted", place, self.table, self.columns, self.where, description=self.description, extra=extra
        )


@dataclass(frozen=True, slots=True)
class Range:
    """A column holds values between two bounds, both included (or NULL)."""

    table: str = field("The table or view.", Name())
    columns: tuple[str, ...] = field("The column.", Names(), also=("column",), example="price")
    min: Literal | Sql | None = field("The smallest value.", Value(), default=None, example=0)
    max: Literal | Sql | None = field("The largest value.", Value(), default=None, example=1000)
    where: Sql | None = field(WHERE, SqlText(), default=None)
    description: str = field(DESCRIPTION, Text(), default="")

    def problems(self) -> Iterator[Problem]:
        """Yield an error where there is no bound."""
        if self.min is None and self.max is None:
            yield Problem("SP102", "a range needs `min` or `max`", ("<key>",), hint="e.g. `min: 0`")
        if len(self.columns) > 1:
            yield Problem("SP102", "this check is on one column", ("columns",), hint="write a check for each")

    def row_check(self, place: int) -> RowCheck:
        """Return it as planning knows it."""
        extra = tuple((word, n) for word, n in (("min", self.min), ("max", self.max)) if n is not None)
        return RowCheck("range", place, self.table, self.columns, self.where, description=self.description, extra=extra)


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: a table's name, or a mapping."""

    table: str = field("The table or view.", Name(), short="any", example="a")
    where: Sql | None = field("The rows of it that are compared.", SqlText(), default=None)


@dataclass(frozen=True, slots=True)
class SameRows:
    """Two tables hold the same rows."""

    left: Side = field("One table.", Record(Side), example={"table": "a"})
    right: Side = field("The other.", Record(Side), example={"table": "b"})
    key: tuple[str, ...] = field("The columns by which rows belong together.", Names(), example="id")
    columns: tuple[str, ...] | str = field(
        "The columns that are compared: names, or `same` for those that both have.",
        Names(word="same"),
        default="same",
        also=("column",),
        example="same",
    )
    description: str = field(DESCRIPTION, Text(), default="")

    def row_check(self, place: int) -> RowCheck:
        """Return it as planning knows it."""
        extra: tuple[tuple[str, object], ...] = (
            ("left_table", self.left.table),
            ("left_where", self.left.where),
            ("right_table", self.right.table),
            ("right_where", self.right.where),
            ("key", self.key),
            ("columns", None if isinstance(self.columns, str) else self.columns),
        )
        return RowCheck("same_rows", place, self.left.table, description=self.description, extra=extra)


@dataclass(frozen=True, slots=True)
class NoRows:
    """A query finds no rows."""

    sql: Sql = field(
        "The query that finds what must not be.",
        SqlText("query"),
        short="any",
        example="SELECT id FROM albums WHERE title = ''",
    )
    description: str = field(DESCRIPTION, Text(), default="")

    def row_check(self, place: int) -> RowCheck:
        """Return it as planning knows it."""
        return RowCheck("no_rows", place, query=self.sql, description=self.description)


@dataclass(frozen=True, slots=True)
class Exists:
    """A table, some of its columns, an index, a view or a constraint is there."""

    table: str = field("The table.", Name(), default="", example="albums")
    columns: tuple[str, ...] = field("Columns of the table.", Names(), default=(), also=("column",), example="title")
    index: str = field("The index.", Name(), default="")
    view: str = field("The view.", Name(), default="")
    constraint: str = field("The constraint of the table.", Name(), default="")
    description: str = field(DESCRIPTION, Text(), default="")

    def problems(self) -> Iterator[Problem]:
        """Yield an error where nothing is named."""
        if not (self.table or self.index or self.view):
            words = "nothing is named: `table`, `index` or `view` is missing"
            yield Problem("SP102", words, ("<key>",), hint="e.g. {table: albums, columns: [title]}")

    def row_check(self, place: int) -> RowCheck:
        """Return it as planning knows it."""
        words = (("index", self.index), ("view", self.view), ("constraint", self.constraint))
        extra = tuple((word, name) for word, name in words if name)
        return RowCheck("exists", place, self.table, self.columns, description=self.description, extra=extra)
