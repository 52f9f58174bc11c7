"""Where a database stands: read from the ledger, changing nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from engine.dialects.ledger import Event, Ledger, Record
from engine.errors import EngineError
from engine.plan.serialise import loads
from engine.plan.sizes import LARGE
from engine.run.records import InProgress, Status

COUNTED = 50_000
"""Planning counts no further: a larger number means "more than that"."""

Key = Callable[[str], Any]


def status(ledger: Ledger, key: Key) -> Status:
    """Return where the database stands; it may have no tables of the engine.

    Args:
        ledger: of the database, may be read-only.
        key: puts versions in order (`spec.files.version_key`).
    """
    records = ledger.records()
    applied = tuple(sorted((r for r in records if r.applied), key=lambda r: key(r.version)))
    unfinished = next((r for r in records if r.unfinished), None)
    return Status(
        applied[-1].version if applied else None,
        applied,
        in_progress(ledger, unfinished) if unfinished is not None else None,
    )


def current_version(ledger: Ledger, key: Key) -> str | None:
    """Return the highest version applied, None for none."""
    return max((r.version for r in ledger.records() if r.applied), key=key, default=None)


def in_progress(ledger: Ledger, record: Record) -> InProgress:
    """Return how far the unfinished `record` is."""
    parts = ledger.progress(record.version, record.direction)
    at = next((p for p in parts if p.state == "doing"), None)
    at = at or next((p for p in parts if p.state == "todo"), None)
    holder = ledger.holder()
    return InProgress(
        record.version,
        record.direction,
        at.step if at else "",
        at.batch if at else 0,
        sum(p.written for p in parts),
        _rows_total(ledger, record),
        holder is None,
        holder,
    )


def _rows_total(ledger: Ledger, record: Record) -> int | None:
    """Return the plan's estimate; None where a part of it is not known, or the plan can't be read."""
    if record.direction == "rollback":
        return None
    with suppress(EngineError):
        total = 0
        for unit in loads(ledger.plan_text(record.version)).units:
            if unit.loop is not None and (unit.rows is None or unit.rows > LARGE):
                return None  # planning counts no further than that
            total += unit.rows or 0
        return total
    return None


def history(ledger: Ledger) -> tuple[Event, ...]:
    """Return who ran what, when, how long and how many rows; oldest first."""
    return ledger.events()
