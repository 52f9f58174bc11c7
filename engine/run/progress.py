"""What happens while it happens: events, as frozen values, for whoever shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.dialects.ledger import Direction


@dataclass(frozen=True, slots=True)
class MigrationStarted:
    """`resumed`: it goes on where an earlier run stopped."""

    version: str
    description: str
    direction: Direction
    units: int
    single: bool
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class UnitStarted:
    """`rows_total` is the plan's estimate, `rows_done` what earlier runs did."""

    version: str
    step: str
    unit: str
    title: str
    rows_total: int | None
    rows_done: int = 0


@dataclass(frozen=True, slots=True)
class BatchDone:
    """`rows` are all rows of the unit so far, `batch` its number, from 1."""

    version: str
    step: str
    unit: str
    batch: int
    rows: int
    size: int
    seconds: float


@dataclass(frozen=True, slots=True)
class UnitDone:
    """`passed_over`: its `when` was not so."""

    version: str
    step: str
    unit: str
    rows: int
    seconds: float
    passed_over: bool = False


@dataclass(frozen=True, slots=True)
class Undoing:
    """A failed migration is being taken back; `reason` is what failed."""

    version: str
    reason: str


@dataclass(frozen=True, slots=True)
class MigrationDone:
    """`state` as in `MigrationResult`."""

    version: str
    direction: Direction
    state: str
    seconds: float


Happening = MigrationStarted | UnitStarted | BatchDone | UnitDone | Undoing | MigrationDone
Listener = Callable[[Happening], None]


def ignore(event: Happening) -> None:
    """Show nothing."""
    del event
