"""Which tables a migration makes itself, and for which data steps that is way back enough."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.model.changes import (
    Action,
    AlterTable,
    Change,
    ChangeColumn,
    CopyRows,
    CreateTable,
    DeleteRows,
    DropColumn,
    DropConstraint,
    DropIndex,
    DropTable,
    InsertRows,
    RenameTable,
    SetOptions,
    SetPrimaryKey,
    UpdateRows,
)
from engine.model.plan import Unit
from engine.model.state import SchemaState, fold


class Made:
    """The tables that the migration so far has made; pure.

    Their rows go with them, so a data step needs no journal there, as long as nothing has to hold for
    its rows on the way back before the table goes. That is so no longer where an `alter` let in what the
    table did not take before (its way back asks for that again), nor behind a step without a way back:
    an undo stops there, and the table stays.

    Attributes:
        tables: folded names, as they are now.
    """

    def __init__(self) -> None:
        self.tables: set[str] = set()
        self._loose: set[str] = set()

    def for_change(self, change: Change) -> frozenset[str]:
        """Return the tables that `change` may take for this migration's own."""
        data = isinstance(change, (CopyRows, InsertRows, UpdateRows, DeleteRows))
        return frozenset(self.tables - self._loose if data else self.tables)

    def after(self, change: Change, before: SchemaState) -> None:
        """Take in what `change` does; `before` is the state that it found."""
        match change:
            case CreateTable(table=table):
                self.tables.add(fold(table.name))
                self._loose.discard(fold(table.name))
            case DropTable(name=name):
                self.tables.discard(fold(name))
            case RenameTable(name=name, to=to):
                for names in (self.tables, self._loose):
                    if fold(name) in names:
                        names.discard(fold(name))
                        names.add(fold(to))
            case AlterTable(table=name, actions=actions) if _loosens(name, actions, before):
                self._loose.add(fold(name))
            case DropIndex(name=name):
                self._loose |= {fold(i.table) for i in before.indexes if i.unique and fold(i.name) == fold(name)}
            case _:
                pass

    def done(self, units: Iterable[Unit]) -> None:
        """Take in the units of a whole step: what its way back asks for is its author's, or it has none."""
        for unit in units:
            if unit.reversible == "no":
                self._loose |= self.tables
            elif unit.reversible == "given":
                self._loose |= {fold(name) for name in unit.touches}


def _loosens(name: str, actions: Sequence[Action], before: SchemaState) -> bool:
    """Tell whether rows may come after these actions that did not do before."""
    table = before.table(name)
    for action in actions:
        match action:
            case ChangeColumn():
                values = (action.type, action.using, action.collate, action.generated)
                if action.nullable or any(value is not None for value in values):
                    return True
            case DropColumn(name=column):
                found = table.column(column) if table else None
                if found is None or found.not_null:
                    return True
            case DropConstraint() | SetPrimaryKey() | SetOptions():
                return True
            case _:
                pass
    return False
