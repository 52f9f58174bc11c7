"""Where a database stands: read from the ledger, changing nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from engine.dialects.ledger import Event, Ledger, Record
from engine.errors import Drift, EngineError
from engine.model.plan import MigrationPlan
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
    if unfinished is None:
        return Status(applied[-1].version if applied else None, applied, None)
    damage = ""
    now = in_progress(ledger, unfinished)
    try:
        require_whole(ledger, unfinished)
    except Drift as drift:
        damage = f"{drift.message}; {drift.hint}"
        now = replace(now, resumable=False)
    return Status(applied[-1].version if applied else None, applied, now, damage)


def stored_plan(ledger: Ledger, version: str) -> MigrationPlan:
    """Return the plan of `version` as it was stored when it was applied.

    Raises:
        Drift: there is none, it is damaged, or another version of the engine wrote it.
    """
    try:
        plan = loads(ledger.plan_text(version))
    except Drift as drift:
        record = ledger.record(version)
        by = f"engine {record.engine_version}" if record is not None and record.engine_version else "the engine"
        raise Drift(
            drift.message.replace("a stored plan", f"the stored plan of {version}"),
            f"it was written by {by}: use that version, or restore a backup of the table migration_history",
            kept="nothing was done",
            details={"version": version},
        ) from drift
    if not isinstance(plan, MigrationPlan):
        raise Drift(f"what is stored as the plan of {version} is none", kept="nothing was done")
    return plan


def require_whole(ledger: Ledger, record: Record) -> MigrationPlan:
    """Return the stored plan of the unfinished `record`, to which its checkpoints must fit.

    Raises:
        Drift: it can't be read, or checkpoints are missing.
    """
    plan = stored_plan(ledger, record.version)
    if [p.unit for p in ledger.progress(record.version, "apply")] == [u.id for u in plan.units]:
        return plan
    raise Drift(
        f"the checkpoints of {record.version} do not fit its stored plan: what of it was done can't be told",
        "restore a backup of the tables migration_history and engine_step",
        kept="nothing was done",
        details={"version": record.version},
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
