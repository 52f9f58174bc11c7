"""`delete`: rows of a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from engine.errors import Problem
from engine.model.changes import Change, DeleteRows
from engine.model.expression import Sql
from engine.model.state import SchemaState
from engine.steps.base import field, step
from engine.steps.fields_rows import (
    BATCH_DOC,
    BATCH_SIZE,
    EXPECT_DOC,
    KEY_DOC,
    ExpectRows,
    FirstRows,
    batch_size,
    expected,
    no_all,
)
from engine.steps.shapes import Name, Names, Record, SqlText


@step("delete")
@dataclass(frozen=True, slots=True)
class Delete:
    """Delete rows of a table, in batches that can be resumed.

    The rows are kept for the way back, with those of other tables that
    foreign keys take along. A delete without `where` is refused; all rows are
    `where: "true"`.
    """

    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "delete: {from: sessions, where: \"expires_at < '2024-01-01'\", expect_rows: {max: 100000}}",
        'delete: {from: customers, all_but_first_of: {columns: {sql: "lower(email)"}, order: id}}',
    )

    table: str = field("The table.", Name(), key="from", also=("table",), example="sessions")
    where: Sql | None = field("The rows to delete.", SqlText(), default=None, example="expires_at < '2024-01-01'")
    all_but_first_of: FirstRows | None = field(
        "Of rows alike in these columns all but the first.",
        Record(FirstRows),
        default=None,
        example={"columns": [{"sql": "lower(email)"}], "order": ["id"]},
    )
    key: tuple[str, ...] = field(KEY_DOC, Names(), default=(), example="id")
    batch_size: int | str = field(BATCH_DOC, BATCH_SIZE, default="auto", example=10000)
    expect_rows: ExpectRows | None = field(EXPECT_DOC + ".", Record(ExpectRows), default=None, example={"max": 100000})

    def problems(self) -> Iterator[Problem]:
        """Yield an error where nothing says which rows."""
        if self.where is None and self.all_but_first_of is None:
            words = "nothing says which rows: `where` or `all_but_first_of` is missing"
            yield Problem("SP102", words, ("<key>",), hint='for all rows write `where: "true"`')
        yield from no_all(self.expect_rows)

    def changes(self, state: SchemaState) -> Iterator[Change]:
        """Return the delete."""
        del state
        yield DeleteRows(
            self.table,
            self.where,
            self.all_but_first_of.first_of() if self.all_but_first_of else None,
            self.key,
            batch_size(self.batch_size),
            expected(self.expect_rows),
        )
