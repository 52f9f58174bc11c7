"""What a statement touches, summed up from what SQLite's authorizer tells step by step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from engine.dialects.base import Access
from engine.model.state import SchemaState, fold

_CATALOGUE = ("sqlite_master", "sqlite_schema", "sqlite_temp_master", "sqlite_temp_schema")
_OWN_FUNCTIONS = ("sqlite_rename_", "sqlite_drop_column", "sqlite_fail", "sqlite_add_constraint")


@dataclass(frozen=True, slots=True)
class Touch:
    """One thing that a statement does.

    Attributes:
        kind: read, write (rows or, for DDL, the schema) or call of a function.
        name: the table, view or function.
        column: the column that is read or updated; "" for a bare count(*), an INSERT, a DELETE, DDL.
        source: the view or trigger that does it, "" for the statement itself.
    """

    kind: Literal["read", "write", "call"]
    name: str
    column: str = ""
    source: str = ""


def access_of(touches: Iterable[Touch], state: SchemaState, quoted_text: tuple[str, ...] = ()) -> Access:
    """Return what a statement touches on `state`, with names spelled as they are there."""
    here = {fold(name): name for name in (*(v.name for v in state.views), *(t.name for t in state.tables))}
    reads: set[tuple[str, str]] = set()
    writes: set[str] = set()
    functions: set[str] = set()
    for touch in touches:
        known = here.get(fold(touch.name))
        if touch.kind == "call":
            functions.add(fold(touch.name))
        elif fold(touch.name) in _CATALOGUE:
            continue
        elif touch.kind == "write":
            writes.add(known or touch.name)
        elif touch.column or known:  # without a column it may be the name of a WITH
            reads.add((known or touch.name, touch.column))
    return Access(
        frozenset(reads),
        frozenset(writes),
        frozenset(name for name in functions if not name.startswith(_OWN_FUNCTIONS)),
        quoted_text,
    )
