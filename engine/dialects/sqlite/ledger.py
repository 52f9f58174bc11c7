"""Lock, history and checkpoints of one SQLite database."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from engine.dialects.base import Driver
from engine.dialects.ledger import Direction, Event, Holder, Progress, Record
from engine.dialects.sqlite import ledger_rows as rows
from engine.dialects.sqlite import ledger_sql as texts
from engine.dialects.sqlite.driver import is_engines
from engine.dialects.sqlite.lock import FileLock, me
from engine.dialects.sqlite.opening import MEMORY
from engine.errors import DatabaseError, Drift, EngineError, LockHeld, Stopped


class Ledger:
    """The engine's tables in one database, and its lock beside it.

    Args:
        driver: the connection; all writing goes through it.
        path: of the file, or `:memory:` (which nobody else can open: no lock file).
    """

    def __init__(self, driver: Driver, path: str | os.PathLike[str] = MEMORY) -> None:
        self._driver = driver
        self._path = os.fspath(path)
        self._lock = None if self._path == MEMORY or not Path(self._path).name else FileLock(self._path)
        self._command = ""
        self._fence = 0
        self._run = 0
        self._overtaken = False

    @property
    def driver(self) -> Driver:
        """The connection it writes through."""
        return self._driver

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
            DatabaseError: the lock file can't be made.
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
                    with suppress(EngineError):  # for people only; the checkpoints say what is true
                        self.finish(outcome)
            finally:
                self._fence = self._run = 0
                self._overtaken = False
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
        found = {str(row[0]).lower() for row in self._driver.query(texts.HAS_TABLES)}
        if not found:
            return False
        if "migration_history" in found:
            columns = {row[0] for row in self._driver.query(texts.COLUMNS_OF_HISTORY)}
            kinds = [row[0] for row in self._driver.query(texts.KIND_OF_HISTORY)]
            if not set(texts.HISTORY_COLUMNS) <= columns or kinds != ["table"]:
                raise DatabaseError(
                    f"the database has a {kinds[0]} `migration_history` that is not the engine's",
                    "rename it: the engine keeps its history under that name, and touches nobody else's",
                    kept="nothing was done",
                    details={"reason": "foreign_history"},
                )
        missing = [name for name in texts.TABLE_NAMES if name not in found]
        if missing:
            words = "table {} is" if len(missing) == 1 else "tables {} are"
            raise _damaged(f"the engine's own {words.format(', '.join(missing))} gone")
        format_ = self._meta("format")
        if isinstance(format_, int) and format_ > texts.FORMAT:
            raise Drift(
                "the history was written by a newer version of the engine",
                "use that version, or a later one",
                kept="nothing was done",
            )
        if format_ != texts.FORMAT:
            raise _damaged(f"the format of the history is {format_!r}, and this version reads {texts.FORMAT}")
        return True

    def _meta(self, key: str) -> Any:
        found = self._driver.query(texts.META, {"key": key})
        return found[0][0] if found else None

    def records(self) -> tuple[Record, ...]:
        """Return the history's rows, in the order in which the versions were first begun."""
        if not self._there():
            return ()
        return tuple(rows.record(row) for row in self._driver.query(texts.RECORDS))

    def record(self, version: str) -> Record | None:
        """Return the row of `version`, or None."""
        return next((r for r in self.records() if r.version == version), None)

    def plan_text(self, version: str) -> str:
        """Return the stored plan of `version`.

        Raises:
            Drift: there is none.
        """
        found = self._driver.query(texts.PLAN_TEXT, {"version": version}) if self._there() else []
        if not found or not found[0][0]:
            raise Drift(f"the history holds no plan of {version}", "restore a backup of the table migration_history")
        return str(found[0][0])

    def spec_text(self, version: str) -> str:
        """Return the stored text of the spec of `version`, "" for none."""
        found = self._driver.query(texts.SPEC_TEXT, {"version": version}) if self._there() else []
        return str(found[0][0]) if found else ""

    def progress(self, version: str, direction: Direction) -> tuple[Progress, ...]:
        """Return the checkpoints of `version`, in the order of its units.

        Raises:
            Drift: they can't be read; nothing is taken for "none".
        """
        if not self._there():
            return ()
        found = self._driver.query(texts.PROGRESS, {"version": version, "direction": direction})
        return tuple(rows.progress(row) for row in found)

    def events(self) -> tuple[Event, ...]:
        """Return what the runs did, oldest first."""
        if not self._there():
            return ()
        return tuple(rows.event(row) for row in self._driver.query(texts.EVENTS))

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
                for table in texts.TABLES:
                    self._driver.execute(table)
                # Random names a database for good; it is part of no plan.
                for key, value in (("format", texts.FORMAT), ("fence", 0), ("uuid", os.urandom(16).hex())):
                    self._driver.execute(texts.SET_META, {"key": key, "value": value})
            self._driver.execute(texts.RAISE_FENCE)
            fence = self._meta("fence")
            if not isinstance(fence, int):
                raise _damaged("the number that fences runs off is gone from engine_meta")
            owner = me(self._command)
            self._driver.execute(
                texts.START_RUN,
                {
                    "command": self._command,
                    "started": owner.since,
                    "host": owner.host,
                    "pid": owner.pid,
                    "user": owner.user,
                    "fence": fence,
                },
            )
            run = int(self._driver.query(texts.THIS_RUN, {"fence": fence})[0][0])
            self._driver.commit()
        except EngineError:
            with suppress(EngineError):
                self._driver.rollback()
            raise
        self._fence, self._run = fence, run

    def finish(self, outcome: str) -> None:
        """Note how the run ended, in a transaction of its own."""
        values = {"run": self._run, "outcome": outcome, "finished": _now()}
        if not self._driver.in_transaction:
            self._driver.execute(texts.FINISH_RUN, values)

    def open(
        self, record: Record, steps: Sequence[Progress], *, plan: str | None = None, spec: str | None = None
    ) -> None:
        """Write the history row and the checkpoints with which an apply or a rollback begins.

        Raises:
            LockHeld: this process's fence is stale.
        """
        self._demand_fence()
        self._driver.execute(texts.OPEN_RECORD, {"version": record.version})
        self._save(record)
        if plan is not None:
            self._driver.execute(texts.SAVE_TEXTS, {"version": record.version, "plan": plan, "spec": spec or ""})
        direction: Direction = steps[0].direction if steps else record.direction
        self._driver.execute(texts.CLEAR_STEPS, {"version": record.version, "direction": direction})
        for step in steps:
            self._driver.execute(
                texts.ADD_STEP,
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
        self._driver.execute(texts.TAKE_OVER, {"version": version, "direction": direction, "fence": self._fence})

    def _demand_fence(self) -> None:
        if self._driver.execute(texts.SAME_FENCE, {"fence": self._fence}) != 1:
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
        if self._driver.execute(texts.GUARD.sql, values) != 1:
            raise self._stale()

    def checkpoint(self, before: Progress, after: Progress) -> None:
        """Store `after` in the place of `before`."""
        values = {**rows.checkpoint_values(after), "version": before.version, "direction": before.direction}
        values |= {"unit": before.unit, "fence": self._fence}
        if self._driver.execute(texts.CHECKPOINT.sql, values) != 1:
            raise self._stale()

    def undone(self, version: str, unit: str) -> None:
        """Mark the apply of `unit` as taken back; its rows count no more."""
        self._driver.execute(texts.UNDONE, {"version": version, "unit": unit})

    def close(self, record: Record, *, keep_steps: bool) -> None:
        """Write the history row with which an apply or a rollback ends; drop its checkpoints unless kept."""
        self._demand_fence()
        number = record.number
        if record.state == "applied":
            number = int(self._driver.query(texts.NEXT_NUMBER)[0][0])
        self._save(record, number)
        if not keep_steps:
            for direction in ("apply", "rollback"):
                self._driver.execute(texts.CLEAR_STEPS, {"version": record.version, "direction": direction})

    def _save(self, record: Record, number: int | None = None) -> None:
        values = rows.record_values(record, record.number if number is None else number)
        self._driver.execute(texts.SAVE_RECORD, values)

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
        self._driver.execute(texts.LOG, values)

    def drop(self, table: str) -> None:
        """Drop one of the engine's own tables if it is there."""
        self._driver.execute(texts.DROP + texts.quoted(_own(table)))

    def count(self, table: str) -> int | None:
        """Return the rows of one of the engine's own tables, None where it is not there."""
        if not self._driver.query(texts.TABLE_NAMED, {"name": _own(table)}):
            return None
        return int(self._driver.query(texts.COUNT + texts.quoted(table))[0][0])

    def empty(self, table: str, limit: int) -> bool:
        """Delete up to `limit` rows of one of the engine's own tables; return whether any may be left."""
        if not self._driver.query(texts.TABLE_NAMED, {"name": _own(table)}):
            return False
        sql = texts.EMPTY.format(table=texts.quoted(table))
        try:
            return self._driver.execute(sql, {"rows": limit}) >= limit
        except DatabaseError as error:
            if "rowid" in error.message:  # WITHOUT ROWID: it goes in one piece
                return False
            raise


def _damaged(what: str) -> Drift:
    return Drift(
        what,
        "restore the engine's tables from a backup: what was done can't be told without them",
        kept="nothing was done",
    )


def _own(table: str) -> str:
    if not is_engines(table) or table.lower() == "migration_history":
        raise DatabaseError(f"`{table}` is no table of the engine, so it is not dropped")
    return table


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
