"""`rename`: a table, a column, an index, a view, a type or a constraint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from engine.errors import Problem
from engine.model.changes import (
    AlterTable,
    Change,
    RenameColumn,
    RenameConstraint,
    RenameIndex,
    RenameTable,
    RenameType,
    RenameView,
)
from engine.model.state import SchemaState
from engine.steps.base import field, step
from engine.steps.forms import Form, form_problems
from engine.steps.shapes import Name

_FORMS = (
    Form("column", ("table", "to")),
    Form("constraint", ("table", "to")),
    Form("index", ("to",), ("table",)),
    Form("view", ("to",)),
    Form("type", ("to",)),
    Form("table", ("to",)),
)


@step("rename")
@dataclass(frozen=True, slots=True)
class Rename:
    """Give a table, column, index, view, type or constraint another name.

    Views, triggers and foreign keys follow. Programs that use the old name
    fail from that moment; where both names must live for a while, make a new
    column or table and copy.
    """

    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "rename: {table: albums, to: records}",
        "rename: {table: albums, column: note, to: remark}",
        "rename: {index: idx_albums_title, to: idx_records_title}",
    )

    to: str = field("The new name.", Name(), example="records")
    table: str = field("The table to rename, or that holds the column or constraint.", Name(), default="")
    column: str = field("The column to rename.", Name(), default="")
    index: str = field("The index to rename.", Name(), default="")
    view: str = field("The view to rename.", Name(), default="")
    type: str = field("The enum type to rename.", Name(), default="")
    constraint: str = field("The constraint to rename.", Name(), default="")

    def problems(self) -> Iterator[Problem]:
        """Yield keys that are missing or do not go together, and a rename to the same name."""
        yield from form_problems(self, _FORMS)
        kind = next((form.kind for form in _FORMS if getattr(self, form.kind)), "")
        if kind and getattr(self, kind) == self.to:
            yield Problem("SP102", f"`{self.to}` is its name already", ("to",), hint="give another name")

    def changes(self, state: SchemaState) -> Iterator[Change]:
        """Return the rename."""
        del state
        if self.column:
            yield AlterTable(self.table, (RenameColumn(self.column, self.to),))
        elif self.constraint:
            yield AlterTable(self.table, (RenameConstraint(self.constraint, self.to),))
        elif self.index:
            yield RenameIndex(self.index, self.to)
        elif self.view:
            yield RenameView(self.view, self.to)
        elif self.type:
            yield RenameType(self.type, self.to)
        else:
            yield RenameTable(self.table, self.to)
