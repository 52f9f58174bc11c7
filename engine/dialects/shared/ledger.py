"""Lock, history and checkpoints in tables of the database: what no dialect has in its own way."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from engine.dialects.base import Driver
from engine.dialects.ledger import Direction, Event, Holder, Progress, Record, Run
from engine.dialects.shared import ledger_rows as rows
from engine.dialects.shared import ledger_sql as common
from engine.dialects.shared.ledger_sql import Texts
from engine.dialects.shared.lock import Lock, me, utc
from engine.dialects.shared.own_tables import OwnTables
from engine.errors import DatabaseError, Drift, EngineError, LockHeld, Stopped


class TableLedger(OwnTables):
    """The engine's tables in one database, and its lock.

    A dialect gives its texts and its lock, and says where a table stands (`_places`).

    Args:
        driver: the connection; all writing goes through it.
        texts: what this database spells in its own way.
        lock: None where nobody else can open the database.
    """

    def __init__(self, driver: Driver, texts: Texts, lock: Lock | None) -> None:
        super().__init__(driver)
        self._texts = texts
        self._lock = lock
        self._command = ""
        self._fence = 0
        self._run = 0
        self._overtaken = False
        self._finished = False  # how this run ended is noted

    @property
    def fence(self) -> int:
        """The fence of this process's run; 0 before `start`."""
        return self._fence

    # ── the lock ──────────────────────────────────────────────────────────
    @contextmanager
    def lock(self, command: str, wait: float = 0.0, give_up: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """Hold the engine's lock; see `engine.dialects.ledger.Ledger.lock`.

        Raises:
            LockHeld: somebody else holds it.
            Stopped: it was given up.
            DatabaseError: it can't be made, or asked for.
        """
        if self._lock is not None and self._lock.held:
            raise LockHeld("this process works on the database already", "wait until it is done")
        if self._lock is not None and not self._lock.acquire(command, wait, give_up):
            if give_up():
                raise Stopped("stopped while it waited for the lock", kept="nothing was done")
            raise self._held(self._lock.holder() or Holder(), wait)
        self._command = command
        outcome = "interrupted"
        try:
            yield
            outcome = "done"
        except EngineError as error:
            outcome = error.code
            raise
        finally:
            try:
                if self._run and not self._overtaken:
                    with suppress(EngineError):  # the checkpoints say what is true
                        self.finish(outcome)
            finally:
                self._fence = self._run = 0
                self._overtaken = self._finished = False
                if self._lock is not None:
                    self._lock.release()

    def _held(self, holder: Holder, wait: float) -> LockHeld:
        far = ""
        with suppress(EngineError):
            far = self._how_far()
        return LockHeld(
            f"the lock is held by {holder}",
            f"it was waited for {wait:g} s" if wait else "wait for it with --lock-wait 30s",
            kept=far,
            details={"holder": {"pid": holder.pid, "host": holder.host, "since": holder.since}},
        )

    def _how_far(self) -> str:
        for record in self.records():
            if not record.unfinished:
                continue
            steps = self.progress(record.version, record.direction)
            done = sum(1 for s in steps if s.state in ("done", "skipped"))
            total = sum(s.selected or s.written for s in steps)
            return f"{record.version}: {done} of {len(steps)} parts are done, {total:,} rows"
        return ""

    def holder(self) -> Holder | None:
        """Return who holds the lock now, None for nobody (or this object)."""
        return None if self._lock is None or self._lock.held else self._lock.holder()

    # ── reading ───────────────────────────────────────────────────────────
    def _there(self) -> bool:
        """Tell whether the engine's tables are there.

        Raises:
            DatabaseError: a `migration_history` of somebody else is.
            Drift: they were made by another version, or some of them are gone: no history is not an empty one.
        """
        found = {str(row[0]).lower() for row in self._driver.query(self._texts.has_tables)}
        if not found:
            return False
        if "migration_history" in found:
            columns = {row[0] for row in self._driver.query(self._texts.columns_of_history)}
            kinds = [row[0] for row in self._driver.query(self._texts.kind_of_history)]
            if not set(common.HISTORY_COLUMNS) <= columns or kinds != ["table"]:
                raise DatabaseError(
                    f"the database has a {kinds[0]} `migration_history` that is not the engine's",
                    "rename it: the engine keeps its history under that name, and touches nobody else's",
                    kept="nothing was done",
                    details={"reason": "foreign_history"},
                )
        missing = [name for name in common.TABLE_NAMES if name not in found]
        if missing:
            words = "table {} is" if len(missing) == 1 else "tables {} are"
            raise _damaged(f"the engine's own {words.format(', '.join(missing))} gone")
        format_ = self._number(self._meta("format"))
        if isinstance(format_, int) and format_ > common.FORMAT:
            raise Drift(
                "the history was written by a newer version of the engine",
                "use that version, or a later one",
                kept="nothing was done",
            )
        if format_ != common.FORMAT:
            raise _damaged(f"the format of the history is {format_!r}, and this version reads {common.FORMAT}")
        return True

    def _meta(self, key: str) -> Any:
        found = self._driver.query(self._texts.meta, {"key": key})
        return found[0][0] if found else None

    def records(self) -> tuple[Record, ...]:
        """Return the history's rows, in the order in which the versions were first begun."""
        if not self._there():
            return ()
        return tuple(rows.record(row) for row in self._driver.query(self._texts.records))

    def record(self, version: str) -> Record | None:
        """Return the row of `version`, or None."""
        return next((r for r in self.records() if r.version == version), None)

    def plan_text(self, version: str) -> str:
        """Return the stored plan of `version`.

        Raises:
            Drift: there is none.
        """
        found = self._driver.query(common.PLAN_TEXT, {"version": version}) if self._there() else []
        if not found or not found[0][0]:
            raise Drift(f"the history holds no plan of {version}", "restore a backup of the table migration_history")
        return str(found[0][0])

    def spec_text(self, version: str) -> str:
        """Return the stored text of the spec of `version`, "" for none."""
        found = self._driver.query(common.SPEC_TEXT, {"version": version}) if self._there() else []
        return str(found[0][0]) if found else ""

    def progress(self, version: str, direction: Direction) -> tuple[Progress, ...]:
        """Return the checkpoints of `version`, in the order of its units.

        Raises:
            Drift: they can't be read; nothing is taken for "none".
        """
        if not self._there():
            return ()
        found = self._driver.query(common.PROGRESS, {"version": version, "direction": direction})
        return tuple(rows.progress(row) for row in found)

    def events(self) -> tuple[Event, ...]:
        """Return what the runs did, oldest first."""
        if not self._there():
            return ()
        return tuple(rows.event(row) for row in self._driver.query(self._texts.events))

    def runs(self) -> tuple[Run, ...]:
        """Return the last runs that wrote anything, the latest first."""
        if not self._there():
            return ()
        return tuple(rows.run(row) for row in self._driver.query(common.RUNS))

    # ── writing ───────────────────────────────────────────────────────────
    def start(self) -> None:
        """Make the engine's tables where they are missing and raise the fence; in transactions of its own.

        Raises:
            DatabaseError: a `migration_history` of somebody else is in the way.
        """
        if self._fence:
            return
        there = self._there()
        self._driver.begin()
        try:
            if not there:
                self._make()
            self._driver.execute(self._texts.raise_fence)
            fence = self._number(self._meta("fence"))
            if not isinstance(fence, int):
                raise _damaged("the number that fences runs off is gone from engine_meta")
            owner = me(self._command)
            self._driver.execute(
                self._texts.start_run,
                {
                    "command": self._command,
                    "started": owner.since,
                    "host": owner.host,
                    "pid": owner.pid,
                    "user": owner.user,
                    "fence": fence,
                },
            )
            run = int(self._driver.query(common.THIS_RUN, {"fence": fence})[0][0])
            self._driver.commit()
        except EngineError:
            with suppress(EngineError):
                self._driver.rollback()
            raise
        self._fence, self._run = fence, run

    def _make(self) -> None:
        for table in self._texts.tables:
            self._driver.execute(table)
        # Random names a database for good; it is part of no plan.
        for key, value in (("format", common.FORMAT), ("fence", 0), ("uuid", os.urandom(16).hex())):
            self._driver.execute(self._texts.set_meta, {"key": key, "value": self._stored(value)})

    def finish(self, outcome: str) -> None:
        """Note how the run ended, in a transaction of its own; what is noted first stays."""
        if not self._run or self._finished or self._driver.in_transaction:
            return
        self._driver.execute(common.FINISH_RUN, {"run": self._run, "outcome": outcome, "finished": utc()})
        self._finished = True

    def open(
        self, record: Record, steps: Sequence[Progress], *, plan: str | None = None, spec: str | None = None
    ) -> None:
        """Write the history row and the checkpoints with which an apply or a rollback begins.

        Raises:
            LockHeld: this process's fence is stale.
        """
        self._demand_fence()
        self._driver.execute(self._texts.open_record, {"version": record.version})
        self._save(record)
        if plan is not None:
            self._driver.execute(common.SAVE_TEXTS, {"version": record.version, "plan": plan, "spec": spec or ""})
        direction: Direction = steps[0].direction if steps else record.direction
        self._driver.execute(common.CLEAR_STEPS, {"version": record.version, "direction": direction})
        for step in steps:
            self._driver.execute(
                common.ADD_STEP,
                {
                    "version": step.version,
                    "direction": step.direction,
                    "unit": step.unit,
                    "step": step.step,
                    "place": step.place,
                    "table_name": step.table,
                    "fence": self._fence,
                },
            )

    def take_over(self, version: str, direction: Direction) -> None:
        """Put this process's fence on the checkpoints of an interrupted run."""
        self._demand_fence()
        self._driver.execute(common.TAKE_OVER, {"version": version, "direction": direction, "fence": self._fence})

    def _demand_fence(self) -> None:
        if self._driver.execute(self._texts.same_fence, {"fence": self._fence}) != 1:
            raise self._stale()
        if self._lock is not None and not self._lock.intact():
            raise self._stale()

    def _stale(self) -> LockHeld:
        self._overtaken = True  # not even its own end is noted
        return LockHeld(
            "another process took over the work on this database",
            "this one stopped and wrote nothing more",
            next="engine status",
            details={"reason": "fence"},
        )

    def guard(self, now: Progress) -> None:
        """Demand that `now` is what is stored, under this process's fence.

        Raises:
            LockHeld: somebody else took over.
        """
        values = {
            "fence": self._fence,
            "version": now.version,
            "direction": now.direction,
            "unit": now.unit,
            "state": now.state,
            "batch_no": now.batch,
        }
        if self._driver.execute(common.GUARD.sql, values) != 1:
            raise self._stale()

    def checkpoint(self, before: Progress, after: Progress) -> None:
        """Store `after` in the place of `before`."""
        values = {**rows.checkpoint_values(after), "version": before.version, "direction": before.direction}
        values |= {"unit": before.unit, "fence": self._fence}
        if self._driver.execute(common.CHECKPOINT.sql, values) != 1:
            raise self._stale()

    def undone(self, version: str, unit: str) -> None:
        """Mark the apply of `unit` as taken back; its rows count no more."""
        self._driver.execute(common.UNDONE, {"version": version, "unit": unit})

    def close(self, record: Record, *, keep_steps: bool) -> None:
        """Write the history row with which an apply or a rollback ends; drop its checkpoints unless kept."""
        self._demand_fence()
        number = record.number
        if record.state == "applied":
            number = int(self._driver.query(common.NEXT_NUMBER)[0][0])
        self._save(record, number)
        if not keep_steps:
            for direction in ("apply", "rollback"):
                self._driver.execute(common.CLEAR_STEPS, {"version": record.version, "direction": direction})

    def _save(self, record: Record, number: int | None = None) -> None:
        values = rows.record_values(record, record.number if number is None else number)
        self._driver.execute(self._texts.save_record, values)

    def log(self, event: Event) -> None:
        """Add what happened to the history of runs."""
        values: Mapping[str, Any] = {
            "run": self._run,
            "version": event.version,
            "direction": event.direction,
            "outcome": event.outcome,
            "started": event.started,
            "finished": event.finished,
            "seconds": event.seconds,
            "rows": event.rows,
            "details": event.details,
        }
        self._driver.execute(common.LOG, values)

    # ── values in engine_meta ─────────────────────────────────────────────
    @staticmethod
    def _stored(value: str | int) -> str | int:
        """Return a value as `engine_meta` stores it."""
        return value

    @staticmethod
    def _number(value: object) -> object:
        """Return what `engine_meta` stores of a number as an int; anything else as it is."""
        return value


def _damaged(what: str) -> Drift:
    return Drift(
        what,
        "restore the engine's tables from a backup: what was done can't be told without them",
        kept="nothing was done",
    )
