"""Enum types that applied specs made: a database without types of its own does not tell of them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.errors import Problem
from engine.model.changes import Change, CreateType, DropType, RenameType
from engine.model.state import SchemaState, fold
from engine.spec.files import version_key

if TYPE_CHECKING:
    from engine.dialects.ledger import Record
    from engine.spec.model import Spec, Step


def made_types(specs: Sequence[Spec], records: Sequence[Record]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the enum types that applied specs made and none dropped, with their values."""
    applied = {version_key(r.version) for r in records if r.applied}
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for step in (step for spec in specs if version_key(spec.version) in applied for step in spec.steps):
        for change in _changes(step):
            if isinstance(change, CreateType):
                found[fold(change.name)] = (change.name, change.values)
            elif isinstance(change, DropType):
                found.pop(fold(change.name), None)
            elif isinstance(change, RenameType) and fold(change.name) in found:
                found[fold(change.to)] = (change.to, found.pop(fold(change.name))[1])
    return tuple(found.values())


def _changes(step: Step) -> tuple[Change, ...]:
    """Return what a step means where that can be told without the state that it met."""
    if step.verb not in ("create", "rename", "drop"):
        return ()
    try:
        return tuple(step.body.changes(SchemaState()))
    except Problem:
        return ()
