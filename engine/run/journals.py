"""Journals are what they were left as, or there is no way back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from engine.dialects.base import Driver
from engine.dialects.ledger import Ledger, Progress
from engine.errors import Drift
from engine.model.plan import Unit
from engine.model.state import fold


def journal_rows(ledger: Ledger, unit: Unit) -> tuple[int, ...]:
    """Return how many rows the journals of `unit` hold: what its way back is checked against.

    A table that is put aside as it was is not counted: it may be large, and that took no time.
    """
    if not any(s.purpose == "journal" for s in unit.statements()):
        return ()
    return tuple(ledger.count(name) or 0 for name in unit.keeps)


def require_journals(
    driver: Driver,
    ledger: Ledger,
    ran: Sequence[Unit],
    stored: Mapping[str, Progress],
    begun: Collection[str] = (),
) -> None:
    """Stop where a table that holds the way back is gone, or has not the rows that it was left with.

    Args:
        driver, ledger: of one database.
        ran: the units of the apply that ran.
        stored: their checkpoints.
        begun: ids of those whose way back has begun, which may use their journals up.

    Raises:
        Drift: names it.
    """
    there = {fold(name) for name in driver.catalogue().taken}
    for unit in ran:
        if stored[unit.id].state == "undone":
            continue  # what was put aside stands in its place again
        if unit.id in begun and unit.undo and all(back.outside for back in unit.undo):
            continue  # it may stand there already, its outcome not noted: the statement itself is asked
        for name in unit.keeps:
            if fold(name) not in there:
                raise _damaged(
                    f"the journal `{name}` of step {unit.step} is missing",
                    "restore it from a backup; without it the old values are not known",
                    unit,
                    stored,
                )
        counted = stored[unit.id].kept if unit.id not in begun else ()
        for name, rows in zip(unit.keeps, counted, strict=False):
            now = ledger.count(name) or 0
            if now != rows:
                raise _damaged(
                    f"the journal `{name}` of step {unit.step} was changed: it was left with {rows:,} rows"
                    f" and has {now:,}",
                    "restore it from a backup; without it the old values are not known",
                    unit,
                    stored,
                )


def _damaged(message: str, hint: str, unit: Unit, stored: Mapping[str, Progress]) -> Drift:
    return Drift(
        message,
        hint,
        details={"version": stored[unit.id].version, "step": unit.step},
    )
