"""Journals are what they were left as, or there is no way back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from engine.dialects.base import Driver
from engine.dialects.ledger import Ledger, Progress
from engine.errors import Drift
from engine.model.plan import Unit
from engine.model.state import fold


def sealed(ledger: Ledger, unit: Unit, now: Progress) -> Progress:
    """Seal what `unit` keeps and return its last checkpoint with what its way back is checked against.

    The rows of a table that is put aside as it was are not counted: it may be large, and that took no time.
    """
    counted = any(s.purpose == "journal" for s in unit.statements())
    kept = tuple(ledger.count(name) or 0 for name in unit.keeps) if counted else ()
    return replace(now, kept=kept, seals=tuple(ledger.seal(name) for name in unit.keeps))


def open_journals(ledger: Ledger, names: Iterable[str]) -> None:
    """Take the seals off: the way back that begins now uses these journals up."""
    for name in names:
        ledger.unseal(name)


def require_journals(
    driver: Driver,
    ledger: Ledger,
    ran: Sequence[Unit],
    stored: Mapping[str, Progress],
    begun: Collection[str] = (),
    *,
    applied: bool = False,
) -> None:
    """Stop where a table that holds the way back is gone, or is not what it was left as.

    Args:
        driver, ledger: of one database.
        ran: the units of the apply that ran.
        stored: their checkpoints.
        begun: ids of those whose way back has begun, which may use their journals up.
        applied: the migration is whole, so that its way back can be given up.

    Raises:
        Drift: names it.
    """
    there = {fold(name) for name in driver.catalogue().taken}
    served_by = _served_by(ran)
    for unit in ran:
        left_as = stored[unit.id]
        if left_as.state == "undone":
            continue  # what was put aside stands in its place again
        if unit.id in begun and unit.undo and all(back.outside for back in unit.undo):
            continue  # it may stand there already, its outcome not noted: the statement itself is asked
        if not unit.undo and (unit.id not in served_by or stored[served_by[unit.id]].state == "undone"):
            continue  # nobody needs it any more, and it may be gone with the unit that made it
        for place, name in enumerate(unit.keeps):
            words = "is missing" if fold(name) not in there else ""
            if not words and unit.id not in begun:
                words = _changed(ledger, name, left_as.kept[place : place + 1], left_as.seals[place : place + 1])
            if words:
                raise _damaged(words, name, unit, left_as, applied)


def _served_by(ran: Sequence[Unit]) -> dict[str, str]:
    """Return, for units that keep what the way back of a later one gives back, which one that is."""
    found: dict[str, str] = {}
    later = ""
    for unit in reversed(ran):
        if unit.undo:
            later = unit.id
        elif later:
            found[unit.id] = later
    return found


def _changed(ledger: Ledger, name: str, rows: Sequence[int], seals: Sequence[str]) -> str:
    """Return in words how a table differs from what it was left as, "" where it does not."""
    now = (ledger.count(name) or 0) if rows else 0
    if rows and now != rows[0]:
        return f"was changed: it was left with {rows[0]:,} rows and has {now:,}"
    if any(seals) and ledger.seal_of(name) != seals[0]:
        return "was changed, or may have been: its seal is broken"
    return ""


def _damaged(what: str, name: str, unit: Unit, now: Progress, applied: bool) -> Drift:
    table = f" of `{now.table}`" if now.table else ""
    hint = f"restore it from a backup, with what seals it; without it the old values{table} are not known"
    return Drift(
        f"the journal `{name}` of step {unit.step} {what}",
        f"{hint}. The command below gives the way back up for good" if applied else hint,
        next=f"engine finalize {now.version}" if applied else "",
        details={"version": now.version, "step": unit.step, "journal": name},
    )
