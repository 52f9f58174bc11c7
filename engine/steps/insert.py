"""`insert`: rows that stand in the spec."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from engine.errors import Problem
from engine.model.changes import Change, InsertRows
from engine.model.expression import Literal, Sql
from engine.model.state import SchemaState
from engine.steps.base import field, step
from engine.steps.fields_rows import EXPECT_ALL_DOC, ON_CONFLICT, ExpectRows, expected
from engine.steps.shapes import ListOf, MapOf, Name, Names, Record, Value

Row = tuple[tuple[str, Literal | Sql], ...]


@step("insert")
@dataclass(frozen=True, slots=True)
class Insert:
    """Insert rows that stand in the spec.

    A plain value is that value; {sql: …} is an expression. A column that a
    row does not name gets its default. The way back takes the rows out again.
    """

    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "insert: {into: genres, rows: [{id: 1, name: Rock}, {id: 2, name: Jazz}], expect_rows: 2}",
        "insert:\n"
        "  into: genres\n"
        "  rows:\n"
        "    - {id: 1, name: Rock, added_at: {sql: CURRENT_TIMESTAMP}}\n"
        "  on_conflict: skip\n"
        "  conflict_key: id\n",
    )

    into: str = field("The table.", Name(), also=("table",), example="genres")
    rows: tuple[Row, ...] = field(
        "The rows: column and value.",
        ListOf(MapOf(Value())),
        example=[{"id": 1, "name": "Rock"}, {"id": 2, "name": "Jazz"}],
    )
    on_conflict: str = field(
        "What is done with a row whose `conflict_key` is there already.", ON_CONFLICT, default="fail"
    )
    conflict_key: tuple[str, ...] = field("Columns by which rows are the same.", Names(), default=(), example="id")
    expect_rows: ExpectRows | None = field(EXPECT_ALL_DOC, Record(ExpectRows), default=None, example=2)

    def problems(self) -> Iterator[Problem]:
        """Yield keys that are missing for what is asked."""
        if self.on_conflict != "fail" and not self.conflict_key:
            words = f"`on_conflict: {self.on_conflict}` needs `conflict_key`: the columns that make rows the same"
            yield Problem("SP102", words, ("on_conflict",), hint="add e.g. `conflict_key: [id]`")

    def changes(self, state: SchemaState) -> Iterator[Change]:
        """Return the rows, all with the same columns in the order in which they first appear."""
        del state
        columns = tuple(dict.fromkeys(name for row in self.rows for name, _ in row))
        rows = tuple(tuple(dict(row).get(name) for name in columns) for row in self.rows)
        yield InsertRows(self.into, columns, rows, self.on_conflict, self.conflict_key, expected(self.expect_rows))
