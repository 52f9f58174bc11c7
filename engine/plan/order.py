"""Secondary indexes of a table that this migration makes come after the load into it (decision 15).

With an index in place every batch of a copy rewrites most of its pages; built
after the load it costs one sort. Units are only moved where nothing in between
can see the difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine.model.changes import Change, CopyRows, CreateIndex, CreateTable
from engine.model.plan import Unit
from engine.model.state import SchemaState, fold, same_name


@dataclass(frozen=True, slots=True)
class Role:
    """What a unit is in the eyes of the order.

    Attributes:
        kind: `table`, `index`, `unique`, `load` or "" for all else.
        table: folded name of the table it is about.
    """

    kind: str
    table: str


NONE = Role("", "")


def role_of(change: Change, place: int) -> Role:
    """Return the role of the unit at `place` of those that do `change`."""
    match change:
        case CreateTable(table=table):
            # The first unit makes the table; those after it are its unique indexes.
            return Role("table" if place == 0 else "unique", fold(table.name))
        case CreateIndex(index=index):
            return Role("unique" if index.unique else "index", fold(index.table))
        case CopyRows(target=target, on_conflict="fail"):
            return Role("load", fold(target))
        case _:
            return NONE


def load_first(
    units: Sequence[Unit], roles: Mapping[str, Role], made: frozenset[str], after: SchemaState
) -> tuple[Unit, ...]:
    """Return `units` with the indexes of tables in `made` moved behind the loads into them.

    Args:
        units: in the spec's order.
        roles: by unit id.
        made: folded names of the tables that the migration makes.
        after: the state at its end; a unique index that a foreign key may need stays where it is.
    """
    ordered = list(units)
    needed = {fold(f.table) for t in after.tables for f in t.foreign_keys}
    for unit in reversed(units):  # so that they keep their order among themselves
        role = roles.get(unit.id, NONE)
        if role.kind not in ("index", "unique") or role.table not in made or unit.condition is not None:
            continue
        if role.kind == "unique" and role.table in needed:
            continue
        start = ordered.index(unit)
        goal = start
        for place in range(start + 1, len(ordered)):
            other = roles.get(ordered[place].id, NONE)
            if not other.kind:
                break
            if other.kind == "load" and same_name(other.table, role.table):
                goal = place
        if goal > start:
            ordered.pop(start)
            why = "after the load into its table, which makes the load quicker"
            ordered.insert(goal, replace(unit, why=f"{unit.why}; {why}" if unit.why else why))
    return tuple(ordered)
