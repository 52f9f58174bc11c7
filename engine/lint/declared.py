"""Types as specs declared them: SQLite's own state knows `date` as TEXT only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from engine.model.changes import (
    AddColumn,
    AlterTable,
    ChangeColumn,
    CreateTable,
    DropColumn,
    DropTable,
    RenameColumn,
    RenameTable,
)
from engine.model.expression import PerDialect
from engine.model.state import fold

if TYPE_CHECKING:
    from engine.plan.compile import Fact

Declared = dict[tuple[str, str], PerDialect]
"""(table, column), folded → the type as a spec wrote it."""


def after(before: Mapping[tuple[str, str], PerDialect], facts: Iterable[Fact]) -> Declared:
    """Return what is declared behind steps, from what was declared before them."""
    found = dict(before)
    for fact in facts:
        if not fact.passed_over and not fact.broken:
            for change in fact.changes:
                declare(change, found)
    return found


def declare(change: object, found: Declared) -> None:
    """Take in what a change declares."""
    match change:
        case CreateTable(table=table):
            for column in table.columns:
                found[fold(table.name), fold(column.name)] = column.type
        case DropTable(name=name):
            for owner, called in list(found):
                if owner == fold(name):
                    del found[owner, called]
        case RenameTable(name=name, to=to):
            for (owner, called), type in list(found.items()):
                if owner == fold(name):
                    del found[owner, called]
                    found[fold(to), called] = type
        case AlterTable(table=name, actions=actions):
            for action in actions:
                if isinstance(action, AddColumn):
                    found[fold(name), fold(action.column.name)] = action.column.type
                elif isinstance(action, ChangeColumn) and action.type is not None:
                    found[fold(name), fold(action.name)] = action.type
                elif isinstance(action, DropColumn):
                    found.pop((fold(name), fold(action.name)), None)
                elif isinstance(action, RenameColumn) and (fold(name), fold(action.name)) in found:
                    found[fold(name), fold(action.to)] = found.pop((fold(name), fold(action.name)))
        case _:
            pass
