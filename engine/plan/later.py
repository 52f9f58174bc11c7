"""What a step would have made, and whether a later step of the same spec makes what it misses."""

from __future__ import annotations

from engine.errors import Problem
from engine.model.changes import AddColumn, AlterTable, Change, CreateTable, CreateView, RenameColumn, RenameTable
from engine.model.state import SchemaState, fold
from engine.spec.model import Spec, Step


def made_later(spec: Spec, step: Step, subject: str, state: SchemaState) -> Step | None:
    """Return the first later step that makes `subject` (`table` or `table.column`), or None."""
    place = next((n for n, other in enumerate(spec.steps) if other is step), len(spec.steps))
    for later in spec.steps[place + 1 :]:
        try:
            changes = tuple(later.body.changes(state))
        except Problem:
            continue
        if any(_makes(change, fold(subject)) for change in changes):
            return later
    return None


def _makes(change: Change, subject: str) -> bool:
    match change:
        case CreateTable(table=table):
            return fold(table.name) == subject
        case CreateView(name=name):
            return fold(name) == subject
        case RenameTable(to=to):
            return fold(to) == subject
        case AlterTable(table=table, actions=actions):
            made = [a.column.name for a in actions if isinstance(a, AddColumn)]
            made += [a.to for a in actions if isinstance(a, RenameColumn)]
            return any(fold(f"{table}.{name}") == subject for name in made)
        case _:
            return False


def made_by(step: Step, state: SchemaState) -> set[str]:
    """Return names that a failed step would have made, so that their absence is no second finding."""
    try:
        changes = tuple(step.body.changes(state))
    except Problem:
        return set()
    found: set[str] = set()
    for change in changes:
        if isinstance(change, CreateTable):
            found.add(change.table.name)
        elif isinstance(change, RenameTable):
            found.add(change.to)
        elif isinstance(change, AlterTable):
            found.add(change.table)
    return found
