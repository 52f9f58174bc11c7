"""Take back a migration whose apply failed, as far as it can be (decision 12)."""

from __future__ import annotations

from dataclasses import replace

from engine.dialects.base import Driver
from engine.dialects.ledger import Ledger
from engine.errors import Conflict, EngineError, Stopped
from engine.model.plan import MigrationPlan, Unit
from engine.run.journals import require_journals
from engine.run.options import RunOptions
from engine.run.progress import Listener
from engine.run.rollback import Back, tasks


def undo_failed(
    driver: Driver, ledger: Ledger, plan: MigrationPlan, options: RunOptions, listener: Listener
) -> tuple[str, str]:
    """Take back what a failed apply did, as far as it can be (decision 12).

    Returns:
        What is true now, and the command that goes on from here, in words.
    """
    back = Back(driver, ledger, plan, replace(options, on_conflict="abort"), listener, failed=True)
    stuck: Unit | None = None
    try:
        back.record = ledger.record(plan.version)
        stored = back.read_what_ran()
        stuck = next((u for u in reversed(back.ran) if u.reversible == "no"), None)
        if stuck is not None:
            back.ran = back.ran[back.ran.index(stuck) + 1 :]
        back.tasks = tasks(back.ran, stored)
        require_journals(driver, ledger, back.ran, stored)
        back.look_for_conflicts()
        back.run(options.now(), until=stuck)
    except Conflict as conflict:
        return (f"what {plan.version} had done could not be undone: {conflict.message}", conflict.next)
    except Stopped as stopped:
        return (f"undoing {plan.version} was stopped: {back.how_far()}; {stopped.message}", "engine rollback")
    except EngineError as error:
        if not back.kept_after_all(error):
            return (f"undoing {plan.version} failed: {error.message}; {back.how_far()}", "engine rollback")
    if stuck is not None:
        reason = stuck.reason or "as the spec says"
        return (
            f"{plan.version} was undone back to step {stuck.step}, which has no way back ({reason})",
            "engine apply",
        )
    return (f"what {plan.version} had done was undone: the database is as it was before", "")
