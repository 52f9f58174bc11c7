"""`drop`: a table, an index, a view, a trigger or a type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from engine.errors import Problem
from engine.model.changes import Change, DropIndex, DropTable, DropTrigger, DropType, DropView
from engine.model.state import SchemaState
from engine.steps.base import field, step
from engine.steps.forms import Form, form_problems
from engine.steps.shapes import Flag, Name

_FORMS = (
    Form("view", (), ("if_exists",)),
    Form("trigger", (), ("table", "if_exists")),
    Form("index", (), ("table", "if_exists")),
    Form("type", (), ("if_exists",)),
    Form("table", (), ("if_exists",)),
)


@step("drop")
@dataclass(frozen=True, slots=True)
class Drop:
    """Take away a table, index, view, trigger or type.

    A table is put aside with its rows until `engine finalize`, so that the
    way back gives it whole; its space is not free before. What other objects
    need is refused, with their names.
    """

    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "drop: {table: old_albums}",
        "drop: {index: idx_albums_title, if_exists: true}",
        "drop: {trigger: albums_touch, table: albums}",
    )

    table: str = field("The table to drop, or, beside `index` or `trigger`, the one it is on.", Name(), default="")
    index: str = field("The index to drop.", Name(), default="")
    view: str = field("The view to drop.", Name(), default="")
    trigger: str = field("The trigger to drop.", Name(), default="")
    type: str = field("The enum type to drop.", Name(), default="")
    if_exists: bool = field("Whether nothing is done where it is not there.", Flag(), default=False)

    def problems(self) -> Iterator[Problem]:
        """Yield keys that are missing or do not go together."""
        yield from form_problems(self, _FORMS)

    def changes(self, state: SchemaState) -> Iterator[Change]:
        """Return the drop."""
        del state
        if self.view:
            yield DropView(self.view, self.if_exists)
        elif self.trigger:
            yield DropTrigger(self.trigger, self.table, self.if_exists)
        elif self.index:
            yield DropIndex(self.index, self.table, self.if_exists)
        elif self.type:
            yield DropType(self.type, self.if_exists)
        else:
            yield DropTable(self.table, self.if_exists)
