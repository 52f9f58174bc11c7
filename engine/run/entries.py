"""What both ways write down: history entries, history rows, and the checkpoints they begin with."""

from __future__ import annotations

import json
from collections.abc import Sequence

from engine import __version__
from engine.dialects.ledger import Direction, Event, Progress, Record
from engine.errors import EngineError
from engine.model.plan import MigrationPlan, Unit
from engine.run.records import FoundConflict, Outcome


def event(
    version: str,
    direction: Direction,
    outcome: Outcome,
    began: str,
    ended: str,
    seconds: float,
    rows: int,
    error: EngineError | None = None,
    conflicts: Sequence[FoundConflict] = (),
    forced: Sequence[str] = (),
) -> Event:
    """Return the entry of `engine history` for what ended."""
    details: dict[str, object] = {}
    if error is not None:
        details["error"] = {"code": error.code, "message": error.message, "kept": error.kept}
    if conflicts:
        details["conflicts"] = [c.document() for c in conflicts]
    if forced:
        details["forced"] = list(forced)
    text = json.dumps(details, default=str) if details else ""
    return Event(version, direction, outcome, began, ended, round(seconds, 6), rows, 0, details=text)


def todo(plan: MigrationPlan, direction: Direction, units: Sequence[Unit]) -> tuple[Progress, ...]:
    """Return checkpoints of `units` that have not begun."""
    return tuple(
        Progress(plan.version, direction, u.id, u.step, n, u.touches[0] if u.touches else "")
        for n, u in enumerate(units)
    )


def opened(plan: MigrationPlan, record: Record | None) -> Record:
    """Return the history row with which the apply of `plan` begins."""
    return Record(
        version=plan.version,
        description=plan.description,
        applied=False,
        applied_at=record.applied_at if record else None,
        rolled_back_at=record.rolled_back_at if record else None,
        state="applying",
        checksum=plan.checksum,
        spec_name=plan.spec_name,
        number=record.number if record else 0,
        reversible=plan.reversible,
        engine_version=__version__,
        before=plan.before,
        after=plan.after,
        code=plan.code,
    )
