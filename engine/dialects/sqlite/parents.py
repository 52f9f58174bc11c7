"""Foreign keys seen from the child: which rows refer to nothing, before a step and on its way back.

Where foreign keys are off, SQLite lets rows in that refer to nothing. A step may change or delete such rows, and its
way back gives them back as they were; so the journal notes which they are. SQLite takes them while its count of
violations is put off, and forgets that count when `defer_foreign_keys` goes off again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from engine.dialects.sqlite.sql import quote
from engine.model.plan import Statement
from engine.model.state import Column, SchemaState, Table, fold

DEFER = Statement("PRAGMA defer_foreign_keys = ON", "setting", "setting")
_FORGET = Statement("PRAGMA defer_foreign_keys = OFF", "setting", "setting")
_LAST_BIT = 62


@dataclass(frozen=True, slots=True)
class Tie:
    """One foreign key of a table, to a parent that is there.

    Attributes:
        columns: of the child.
        parent: name of the table referred to.
        targets: its columns, one for each of the child's.
    """

    columns: tuple[str, ...]
    parent: str
    targets: tuple[str, ...]

    def missing(self, values: Sequence[str], alias: str = "engine_parent") -> str:
        """Return the condition that `values`, SQL of the child's columns, refer to nothing.

        Args:
            values: one for each of `columns`.
            alias: of the parent inside; no name in `values` may begin with it.
        """
        # `+` takes the value's own affinity away, so that it is compared as the parent's column would have it.
        same = " AND ".join(f"{alias}.{quote(t)} = +{v}" for t, v in zip(self.targets, values, strict=True))
        given = " AND ".join(f"{value} IS NOT NULL" for value in values)
        return f"{given} AND NOT EXISTS (SELECT 1 FROM {quote(self.parent)} AS {alias} WHERE {same})"


def ties_of(table: Table, state: SchemaState, events: Iterable[str], images: Sequence[Column]) -> tuple[Tie, ...]:
    """Return the foreign keys of `table` that a step's way back may write.

    Args:
        table: the child.
        state: the schema.
        events: what the step does to its rows: insert, update, delete.
        images: the columns that come back on an update.
    """
    kept = {fold(c.name) for c in images}
    found = []
    for key in table.foreign_keys:
        parent = state.table(key.table)
        targets = key.references or (parent.primary_key if parent else ())
        moves = "update" in events and any(fold(c) in kept for c in key.columns)
        if parent is not None and len(targets) == len(key.columns) and (moves or "delete" in events):
            found.append(Tie(key.columns, parent.name, targets))
    return tuple(found)


def bit(place: int) -> int:
    """Return the bit of `lost` that tells of the foreign key at `place`."""
    return 1 << min(place, _LAST_BIT)


def lost(ties: Sequence[Tie], value: Callable[[str], str]) -> str:
    """Return the SQL of the number whose bits tell which foreign keys of a row refer to nothing.

    Args:
        ties: the foreign keys.
        value: gives the SQL of a column of the row.
    """
    parts = [f"({tie.missing([value(c) for c in tie.columns])}) * {bit(n)}" for n, tie in enumerate(ties)]
    return " | ".join(parts)


def undefended(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """Return `statements`, which bring back what referred to nothing, so that SQLite takes them."""
    return (DEFER, *statements, _FORGET) if statements else ()
