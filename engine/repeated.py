"""A rollback that is given again after it broke off ends where it would have ended the first time."""

from __future__ import annotations

from engine.dialects.ledger import Ledger


def back_command(steps: int, to: str | None) -> str:
    """Return a rollback with what was asked of it, as the run is noted."""
    if to is not None:
        return f"rollback --to {to}"[:60]
    return "rollback" if steps == 1 else f"rollback --steps {steps}"


def undone_before(ledger: Ledger, command: str) -> tuple[str, ...]:
    """Return what the last runs undid, if they were the same command and none of them ended well.

    Any other command that wrote to the database in between, an apply say, is an end of it too.

    Args:
        ledger: of the database.
        command: see `back_command`.

    Returns:
        Versions, in the order in which they were undone.
    """
    broken: set[int] = set()
    for run in ledger.runs():
        if run.command != command or run.outcome == "done":
            break
        broken.add(run.number)
    if not broken:
        return ()
    return tuple(e.version for e in ledger.events() if e.run in broken and e.outcome == "rolled_back")
