"""What running and reading give back: frozen values for the command line and for Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from engine.dialects.ledger import Direction, Event, Holder, Progress, Record
from engine.errors import EngineError

__all__ = [
    "Direction",
    "Event",
    "FoundConflict",
    "Holder",
    "InProgress",
    "MigrationResult",
    "Outcome",
    "Progress",
    "Record",
    "Status",
    "StepResult",
]

Outcome = Literal["applied", "rolled_back", "failed", "interrupted", "skipped", "finalized"]


@dataclass(frozen=True, slots=True)
class StepResult:
    """Totals of one step of a spec, over resumes."""

    step: str
    rows_selected: int = 0
    rows_written: int = 0
    rows_skipped: int = 0
    batches: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class FoundConflict:
    """Rows that changed since, found by a rollback.

    Attributes:
        kind: changed, deleted, added, taken, orphaned, schema.
        rows: how many.
        sample: up to 5 keys.
        words: a sentence for people.
    """

    table: str
    kind: str
    rows: int
    sample: tuple[tuple[Any, ...], ...]
    words: str

    def document(self) -> dict[str, Any]:
        """Return it as JSON shows it (`error.conflicts`)."""
        return {
            "table": self.table,
            "kind": self.kind,
            "rows": self.rows,
            "sample": [[plain(value) for value in row] for row in self.sample],
            "message": self.words,
        }


@dataclass(frozen=True, slots=True)
class MigrationResult:
    """How one migration ended.

    Attributes:
        state: `failed` and `interrupted` come with an `error`.
        seconds: in this run.
        conflicts: what a rollback left as it was (skip) or overwrote (force).
        forced: tables of the engine that keep what it overwrote.
    """

    version: str
    state: Outcome
    seconds: float = 0.0
    steps: tuple[StepResult, ...] = ()
    error: EngineError | None = None
    direction: Direction = "apply"
    conflicts: tuple[FoundConflict, ...] = ()
    forced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InProgress:
    """A migration that has begun and not ended.

    Attributes:
        step: the step that is at work or comes next, "" where only the end is left.
        batch: batches of that step that are done.
        rows_total: None where it is not known.
        resumable: True where nobody works on it, so that a command may go on.
        holder: who works on it.
    """

    version: str
    direction: Direction
    step: str
    batch: int
    rows_done: int
    rows_total: int | None
    resumable: bool
    holder: Holder | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """Where a database stands.

    Attributes:
        current_version: the highest version applied, None for none.
        applied: in the order of versions.
        damage: why what is in progress can go neither on nor back, "" where it can.
    """

    current_version: str | None
    applied: tuple[Record, ...]
    in_progress: InProgress | None
    damage: str = ""


def step_results(progress: tuple[Progress, ...]) -> tuple[StepResult, ...]:
    """Return the totals per step, in the order of the steps."""
    found: dict[str, StepResult] = {}
    for part in progress:
        so_far = found.get(part.step, StepResult(part.step))
        found[part.step] = StepResult(
            part.step,
            so_far.rows_selected + part.selected,
            so_far.rows_written + part.written,
            so_far.rows_skipped + part.skipped,
            so_far.batches + part.batch,
            round(so_far.seconds + part.seconds, 6),
        )
    return tuple(found.values())


def plain(value: Any) -> Any:
    """Return a value of the database as JSON can hold it: blobs as `x'…'`."""
    return f"x'{value.hex()}'" if isinstance(value, bytes) else value
