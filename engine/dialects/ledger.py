"""What a ledger keeps, as frozen values, and the protocol that every dialect's ledger has.

The ledger owns the lock, the history and the checkpoints. It stores plans as
text and never looks into them. Methods that write stand in the caller's
transaction unless they say otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from engine.dialects.base import Driver

Direction = Literal["apply", "rollback"]
State = Literal["applying", "applied", "rolling_back", "rolled_back", "failed", "finalized"]
StepState = Literal["todo", "doing", "done", "skipped", "undone"]

KEYS = 8
"""Columns that a batch key may have: so many places for one a checkpoint has."""


@dataclass(frozen=True, slots=True)
class Record:
    """One version in the history.

    Attributes:
        applied: True from the commit that ends an apply to the one that ends a rollback.
        applied_at, rolled_back_at, finalized_at: UTC, `YYYY-MM-DD HH:MM:SS`, or None.
        state: what was last begun or done. "Interrupted" is none of them: it
            is `applying` or `rolling_back` while nobody holds the lock.
        number: grows with each version applied: the order of applying.
        before, after: fingerprints of the schema before and after the apply.
        code: True for a migration that was registered from Python.
    """

    version: str
    description: str
    applied: bool
    applied_at: str | None
    rolled_back_at: str | None
    state: State
    checksum: str
    spec_name: str
    number: int = 0
    seconds: float = 0.0
    reversible: bool = True
    finalized_at: str | None = None
    engine_version: str = ""
    before: str = ""
    after: str = ""
    code: bool = False

    @property
    def unfinished(self) -> bool:
        """True while an apply or a rollback has begun and not ended."""
        return self.state in ("applying", "rolling_back")

    @property
    def direction(self) -> Direction:
        """The way it last went."""
        return "rollback" if self.state in ("rolling_back", "rolled_back") else "apply"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one unit is: the checkpoint, as it stands in `engine_step`.

    Attributes:
        place: position of the unit, from 0.
        table: table whose rows it changes, "" for none.
        batch: number of batches done.
        size: rows per batch that the controller had reached, None before the first.
        lo, up: first key that is still to do, last key; empty before they are known.
        selected, written, skipped: rows so far.
        added: rows inserted minus rows deleted.
        started: the step's `now`; "" before it began.
        answer: of its `when`, None where none was asked.
        marks: values of its marks.
        expected: what `expect_rows: {sql}` returned.
        seconds: time spent.
        kept: rows of each of its journals when it was done, in the order of `Unit.keeps`; () where none is counted.
        seals: what `Ledger.seal` gave for each of `Unit.keeps` then; () where nothing was sealed.
    """

    version: str
    direction: Direction
    unit: str
    step: str
    place: int
    table: str = ""
    state: StepState = "todo"
    batch: int = 0
    size: int | None = None
    lo: tuple[Any, ...] = ()
    up: tuple[Any, ...] = ()
    selected: int = 0
    written: int = 0
    skipped: int = 0
    added: int = 0
    started: str = ""
    answer: bool | None = None
    marks: tuple[Any, ...] = ()
    expected: int | None = None
    seconds: float = 0.0
    kept: tuple[int, ...] = ()
    seals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One end of one migration, in a run: what `engine history` lists.

    Attributes:
        outcome: applied, rolled_back, failed, interrupted or finalized.
        by, host, pid, command: who did it and with what.
        details: conflicts that were skipped or overwritten, and the error, as JSON text.
    """

    version: str
    direction: Direction
    outcome: str
    started: str
    finished: str
    seconds: float
    rows: int
    run: int
    command: str = ""
    by: str = ""
    host: str = ""
    pid: int = 0
    details: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One process that worked on the database.

    Attributes:
        command: with what was asked of it, as it was given to `Ledger.lock`.
        outcome: done, the code of the error that ended it, or "running" where it was killed (or is at work).
    """

    number: int
    command: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock."""

    pid: int = 0
    host: str = ""
    user: str = ""
    command: str = ""
    since: str = ""

    def __str__(self) -> str:
        who = f"process {self.pid}" if self.pid else "another process"
        who += f" of {self.user}" if self.user else ""
        who += f" on {self.host}" if self.host else ""
        who += f" (engine {self.command})" if self.command else ""
        return who + (f", since {self.since} UTC" if self.since else "")


class Ledger(Protocol):
    """Lock, history and checkpoints of one database."""

    @property
    def driver(self) -> Driver: ...

    # ── the lock ──────────────────────────────────────────────────────────
    def lock(
        self, command: str, wait: float = 0.0, give_up: Callable[[], bool] = lambda: False
    ) -> AbstractContextManager[None]:
        """Hold the engine's lock; it dies with the process.

        Args:
            command: the command that works, for those who find it held.
            wait: seconds to wait for it.
            give_up: asked while it waits (`Stop.asked`); True ends the waiting.

        Raises:
            LockHeld: somebody else holds it; says who, since when, how far.
            Stopped: it was given up.
        """
        ...

    def holder(self) -> Holder | None:
        """Return who holds the lock now, None for nobody. Leaves no trace."""
        ...

    # ── reading; all work without the engine's tables ─────────────────────
    def records(self) -> tuple[Record, ...]: ...

    def record(self, version: str) -> Record | None: ...

    def plan_text(self, version: str) -> str:
        """Return the stored plan of `version`.

        Raises:
            Drift: there is none.
        """
        ...

    def spec_text(self, version: str) -> str: ...

    def progress(self, version: str, direction: Direction) -> tuple[Progress, ...]:
        """Return the checkpoints of `version`, in the order of its units."""
        ...

    def events(self) -> tuple[Event, ...]: ...

    def runs(self) -> tuple[Run, ...]:
        """Return the last runs that wrote anything, the latest first."""
        ...

    # ── writing ───────────────────────────────────────────────────────────
    def start(self) -> None:
        """Make the engine's tables where they are missing and raise the fence; in transactions of its own.

        Raises:
            EngineError: a `migration_history` of somebody else is in the way.
        """
        ...

    def finish(self, outcome: str) -> None:
        """Note how the run ended, in a transaction of its own; what is noted first stays."""
        ...

    def open(
        self, record: Record, steps: Sequence[Progress], *, plan: str | None = None, spec: str | None = None
    ) -> None:
        """Write the history row and the checkpoints with which an apply or a rollback begins.

        Args:
            record: the row; a row of the same version is overwritten.
            steps: checkpoints, state `todo`; those of the same direction are replaced.
            plan, spec: stored texts; None leaves what is stored.

        Raises:
            LockHeld: this process's fence is stale.
        """
        ...

    def take_over(self, version: str, direction: Direction) -> None:
        """Put this process's fence on the checkpoints of an interrupted run."""
        ...

    def guard(self, now: Progress) -> None:
        """Demand that `now` is what is stored, under this process's fence.

        Raises:
            LockHeld: somebody else took over; nothing may be written.
        """
        ...

    def checkpoint(self, before: Progress, after: Progress) -> None:
        """Store `after`; `before` must still be what is stored (see `guard`)."""
        ...

    def undone(self, version: str, unit: str) -> None:
        """Mark the apply of `unit` as taken back; its rows count no more."""
        ...

    def close(self, record: Record, *, keep_steps: bool) -> None:
        """Write the history row with which an apply or a rollback ends; drop its checkpoints unless kept."""
        ...

    def log(self, event: Event) -> None: ...

    def drop(self, table: str) -> None:
        """Drop one of the engine's own tables if it is there."""
        ...

    def count(self, table: str) -> int | None:
        """Return the rows of one of the engine's own tables, None where it is not there."""
        ...

    def empty(self, table: str, limit: int) -> bool:
        """Delete up to `limit` rows of one of the engine's own tables; return whether any may be left."""
        ...

    def seal(self, table: str) -> str:
        """See to it that a later write to a table that holds a way back is refused, or noticed by `seal_of`.

        Returns:
            What `seal_of` gives from now on while nobody wrote to it; "" where this database can't tell.
        """
        ...

    def seal_of(self, table: str) -> str:
        """Return the seal of a table as it is now."""
        ...

    def unseal(self, table: str) -> None:
        """Let a table be written to again, within the open transaction: its way back has begun."""
        ...
