"""Fields that the verbs for rows share: where rows come from, which, how many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import Problem
from engine.model.changes import Expect, FirstOf, OrderPart
from engine.model.expression import Sql
from engine.model.state import fold
from engine.steps.base import field
from engine.steps.shapes import ListOf, Name, Record, SqlText, Whole, Word

ON_CONFLICT = Word(("fail", "skip", "replace"))
BATCH_SIZE = Whole(1, word="auto")
BATCH_DOC = "Rows per batch; auto keeps each batch short."
KEY_DOC = "What batches are cut by: unique and never NULL; without it the primary key."


def batch_size(given: int | str) -> int | None:
    """Return rows per batch, None for adaptive."""
    return given if isinstance(given, int) else None


@dataclass(frozen=True, slots=True)
class ExpectRows:
    """How many rows the step must select: a number, `all`, bounds, or a query that returns the number."""

    number: int | str = field(
        "The number of rows, or `all`.", Whole(0, word="all"), default="", key="", short="any", example="all"
    )
    min: int | None = field("At least so many.", Whole(0), default=None)
    max: int | None = field("At most so many.", Whole(0), default=None)
    sql: Sql | None = field(
        "A query that returns the number; asked once when the step starts.",
        SqlText("query"),
        default=None,
        example="SELECT count(*) FROM albums",
    )

    def problems(self) -> Iterator[Problem]:
        """Yield what can't be met or says nothing."""
        if self == ExpectRows():
            yield Problem("SP102", "no number of rows is said here", (), hint="e.g. {min: 1}, or `all`")
        if self.sql is not None and (self.min is not None or self.max is not None):
            yield Problem("SP102", "bounds and a query don't go together", ("sql", "<key>"), hint="keep one")
        if self.min is not None and self.max is not None and self.min > self.max:
            yield Problem("SP102", f"no number is at least {self.min} and at most {self.max}", ("max",))

    def expect(self) -> Expect:
        """Return it as planning knows it."""
        if isinstance(self.number, int):
            return Expect(exact=self.number)
        return Expect(minimum=self.min, maximum=self.max, every=self.number == "all", query=self.sql)


def expected(given: ExpectRows | None) -> Expect | None:
    """Return what `expect_rows` says, None where it is left out."""
    return given.expect() if given is not None else None


EXPECT_DOC = "How many rows the step must select: a number, {min, max}, {sql: …}"
EXPECT_ALL_DOC = EXPECT_DOC + ", or all: each of them must be written (or be there already, under `skip`)."


def no_all(given: ExpectRows | None) -> Iterator[Problem]:
    """Yield an error where `all` stands at a verb that has no use for it."""
    if given is not None and given.number == "all":
        words = "`expect_rows: all` is for copy and insert; here it could not fail"
        yield Problem("SP102", words, ("expect_rows",), hint="say a number, or {min: 1}")


def one_value_each(pairs: object, key: str) -> Iterator[Problem]:
    """Yield an error where one column gets a value twice: its name in capitals and in small letters."""
    seen: dict[str, str] = {}
    for pair in pairs if isinstance(pairs, tuple) else ():
        name = pair if isinstance(pair, str) else str(pair[0])
        first = seen.setdefault(fold(name), name)
        if first != name:
            words = f"`{name}` is `{first}` again: a column takes one value"
            yield Problem("RF108", words, (key, name, "<key>"), hint="take one of them out", subject=name)


@dataclass(frozen=True, slots=True)
class SortPart:
    """A column's name, or a mapping with an expression or an order."""

    column: str = field("The column.", Name(), default="", short="any", example="id")
    sql: Sql | None = field("An expression in place of a column.", SqlText(), default=None, example="lower(email)")
    order: str = field("The order.", Word(("asc", "desc")), default="")

    def problems(self) -> Iterator[Problem]:
        """Yield an error unless it is a column or an expression."""
        if bool(self.column) == (self.sql is not None):
            words = "this is a `column` or `sql`, one of the two"
            yield Problem("SP102", words, ("sql", "<key>") if self.column else (), hint='{sql: "lower(email)"}')

    def part(self) -> OrderPart:
        """Return it as planning knows it."""
        return OrderPart(self.column, self.sql, self.order)


@dataclass(frozen=True, slots=True)
class FirstRows:
    """Of rows that are alike, only the first. NULLs are never alike; ties go by the key."""

    columns: tuple[SortPart, ...] = field(
        "What rows are compared by: columns or {sql: …}.",
        ListOf(Record(SortPart), bare=True),
        also=("column",),
        example=["video_id"],
    )
    order: tuple[SortPart, ...] = field(
        "What makes a row the first.",
        ListOf(Record(SortPart), bare=True),
        default=(),
        example=[{"column": "id", "order": "desc"}],
    )

    def first_of(self) -> FirstOf:
        """Return it as planning knows it."""
        return FirstOf(tuple(p.part() for p in self.columns), tuple(p.part() for p in self.order))
