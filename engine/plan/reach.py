"""What a unit touches beyond its own words, and which guards can be asked at once; pure."""

from __future__ import annotations

from dataclasses import replace

from engine.model.plan import Unit, found_early
from engine.model.state import SchemaState


def with_collateral(units: tuple[Unit, ...], before: SchemaState, after: SchemaState) -> tuple[Unit, ...]:
    """Add to `touches` what the change rewrote too: a rename reaches foreign keys, views and triggers elsewhere.

    What an undo looks for in their texts can be asked only when this is undone.
    """
    if before is after:
        return units
    old = dict(_texts(before))
    names: list[str] = []
    for (kind, name, table), text in _texts(after):
        if old.get((kind, name, table), text) != text:
            names += [table] if kind == "index" else [name, table]
    return tuple(replace(u, touches=tuple(dict.fromkeys((*u.touches, *names)))) for u in units)


def _texts(state: SchemaState) -> list[tuple[tuple[str, str, str], str]]:
    """Return (kind, name, table or view that it is on) and text of all that has one."""
    return [
        *((("table", t.name, t.name), t.sql) for t in state.tables),
        *((("view", v.name, v.name), v.sql) for v in state.views),
        *((("index", i.name, i.table), i.sql or "") for i in state.indexes),
        *((("trigger", t.name, t.table), t.sql) for t in state.triggers),
    ]


def early_guards(units: tuple[Unit, ...]) -> tuple[Unit, ...]:
    """Mark the guards that can't be asked before later units of the migration are undone."""
    result = list(units)
    for place, unit in enumerate(units):
        later = units[place + 1 :]
        undo = tuple(
            replace(back, guards=tuple(replace(g, early=g.early and found_early(g, unit, later)) for g in back.guards))
            for back in unit.undo
        )
        result[place] = replace(unit, undo=undo)
    return tuple(result)
