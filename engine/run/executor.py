"""Apply one migration: in one transaction or in steps, resumed where it stopped, undone where it failed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace

from engine.dialects.base import Driver
from engine.dialects.ledger import Event, Ledger, Progress, Record
from engine.errors import Drift, EngineError, LockHeld, Stopped
from engine.model.plan import MigrationPlan, Unit
from engine.plan.serialise import dumps
from engine.run.aftermath import require_left
from engine.run.around import blamed, patiently, settings, transaction
from engine.run.entries import event, opened, todo
from engine.run.judging import is_interruption
from engine.run.options import RunOptions
from engine.run.progress import Listener, MigrationDone, MigrationStarted, Undoing, ignore
from engine.run.reading import require_whole
from engine.run.records import MigrationResult, Outcome, step_results
from engine.run.unit import Runner


def apply(
    driver: Driver,
    ledger: Ledger,
    plan: MigrationPlan,
    options: RunOptions | None = None,
    listener: Listener = ignore,
) -> MigrationResult:
    """Apply one migration, or go on with it where an earlier run stopped.

    The caller holds `ledger.lock`. A resume runs the plan that was stored when
    the migration began, not `plan`.

    Args:
        driver, ledger: of one database.
        plan: what to do.
        options: sizes, times, the wish to stop.
        listener: told what happens.

    Returns:
        How it ended. What goes wrong is in `error`, with `kept` and `next`
        filled in; nothing of the tree `EngineError` is raised.
    """
    options = options or RunOptions()
    if plan.skipped:
        return MigrationResult(plan.version, "skipped")
    run = _Apply(driver, ledger, plan, options, listener)
    result = run.run()
    listener(MigrationDone(plan.version, "apply", result.state, result.seconds))
    return result


@dataclass
class _Apply:
    driver: Driver
    ledger: Ledger
    plan: MigrationPlan
    options: RunOptions
    listener: Listener
    progress: dict[str, Progress] = field(default_factory=dict)
    began: str = ""
    begin: float = 0.0
    committed: bool = False  # something of this migration stands in the database

    def run(self) -> MigrationResult:
        self.began, self.begin = self.options.now(), self.options.monotonic()
        self.driver.stop_requested = self._stop_now
        try:
            self.ledger.start()
            record = self.ledger.record(self.plan.version)
            if record is not None and record.applied and not record.unfinished:
                return self._result("applied")
            resumed = self._resumed(record)
            self.listener(
                MigrationStarted(
                    self.plan.version,
                    self.plan.description,
                    "apply",
                    len(self.plan.units),
                    self.plan.single,
                    resumed,
                )
            )
            if self.options.stop.due:
                raise self.options.stop.error()
            if self.plan.single:
                self._single(record)
            else:
                self._stepwise(record, resumed)
        except EngineError as error:
            return self._failed(self._meant(error))
        finally:
            self.driver.stop_requested = lambda: False
        return self._result("applied")

    def _stop_now(self) -> bool:
        # Inside one transaction there is no later safe point than before it.
        return self.options.stop.asked if self.plan.single else self.options.stop.at_once

    def _meant(self, error: EngineError) -> EngineError:
        """Return the wish to stop where a statement ended because of it."""
        if error.details.get("reason") == "interrupted" and self.options.stop.asked:
            return self.options.stop.error()
        return error

    # ── forward ───────────────────────────────────────────────────────────
    def _resumed(self, record: Record | None) -> bool:
        """Tell whether this goes on with something; if so, with the plan stored then.

        Raises:
            Stopped: a rollback has begun and not ended.
            Drift: the spec is not the one it began with, or the checkpoints are gone.
        """
        if record is None or not record.unfinished:
            return False
        version = self.plan.version
        if record.state == "rolling_back":
            raise Stopped(
                f"the rollback of {version} has begun and not ended",
                kept="nothing was done",
                next="engine rollback",
            )
        self.committed = True
        if self.plan.checksum != record.checksum:
            raise Drift(
                f"{record.spec_name or version} was changed since its apply began",
                "put it back as it was and run `engine apply`, or take back what was done",
                next="engine rollback",
            )
        self.plan = require_whole(self.ledger, record)
        self.progress = {p.unit: p for p in self.ledger.progress(version, "apply")}
        return True

    def _open(self, record: Record | None) -> None:
        steps = todo(self.plan, "apply", self.plan.units)
        self.ledger.open(opened(self.plan, record), steps, plan=dumps(self.plan), spec=self.plan.spec_text)
        self.progress = {p.unit: p for p in steps}

    def _runner(self) -> Runner:
        runner = Runner(self.driver, self.ledger, self.plan.version, self.options, self.listener, self.plan.single)
        for unit in self.plan.units:
            runner.remember(unit, self.progress[unit.id])
        return runner

    def _single(self, record: Record | None) -> None:
        patiently(self.options, lambda: self._at_once(record))

    def _at_once(self, record: Record | None) -> None:
        with blamed(self.plan.units), settings(self.driver, self.plan.units), transaction(self.driver):
            self._open(record)
            runner = self._runner()
            for unit in self.plan.units:
                self.progress[unit.id] = runner.run(unit, self.progress[unit.id])
            self._close()

    def _stepwise(self, record: Record | None, resumed: bool) -> None:
        with transaction(self.driver):
            if resumed:
                self.ledger.take_over(self.plan.version, "apply")
            else:
                self._open(record)
        self.committed = True
        runner = self._runner()
        for unit in self.plan.units:
            if self.progress[unit.id].state in ("done", "skipped"):
                continue
            if self.options.stop.due:
                raise self.options.stop.error()
            try:
                self.progress[unit.id] = runner.run(unit, self.progress[unit.id])
            finally:
                self._reread(unit)
        with transaction(self.driver):
            self._close()

    def _reread(self, unit: Unit) -> None:
        """Take the checkpoint from the database: a commit may have been kept though it seemed to fail."""
        with suppress(EngineError):
            stored = {p.unit: p for p in self.ledger.progress(self.plan.version, "apply")}
            self.progress[unit.id] = stored.get(unit.id, self.progress[unit.id])

    def _close(self) -> None:
        require_left(self.driver, self.plan, self.progress.values())
        record = self.ledger.record(self.plan.version)
        assert record is not None  # opened above, in this transaction or an earlier one
        seconds = sum(p.seconds for p in self.progress.values())
        record = replace(record, applied=True, state="applied", applied_at=self.options.now(), seconds=seconds)
        self.ledger.close(record, keep_steps=True)
        self.ledger.log(self._event("applied"))

    # ── failure ───────────────────────────────────────────────────────────
    def _failed(self, error: EngineError) -> MigrationResult:
        stopped = is_interruption(error)
        state: Outcome = "interrupted" if stopped else "failed"
        if isinstance(error, (LockHeld, Drift, Stopped)) and (error.next or error.kept):
            return self._result(state, error)  # found before anything was done: it says all itself
        error.details.setdefault("version", self.plan.version)
        if stopped and self._kept_after_all():
            return self._result("applied")
        if self.plan.single or not self.committed:
            error.kept = error.kept or f"nothing of {self.plan.version} was kept: the database is as it was before"
            error.next = error.next or ("engine apply" if stopped else "")
        elif stopped or self.plan.on_failure == "stop":
            error.kept = self._how_far()
            error.next = error.next or "engine apply"
        else:
            self._undo(error)
        self._note(state, error)
        return self._result(state, error)

    def _kept_after_all(self) -> bool:
        """Tell whether the last commit was kept though it seemed to fail (a disk that could not sync)."""
        with suppress(EngineError):
            record = self.ledger.record(self.plan.version)
            return record is not None and record.state == "applied"
        return False

    def _undo(self, error: EngineError) -> None:
        """Take back what was done (decision 12), and say in `error` what is true then."""
        from engine.run.failure import undo_failed

        self.listener(Undoing(self.plan.version, error.message))
        error.kept, error.next = undo_failed(self.driver, self.ledger, self.plan, self.options, self.listener)

    def _how_far(self) -> str:
        done = [p for p in self.progress.values() if p.state in ("done", "skipped")]
        rows = sum(p.written for p in self.progress.values())
        of = f"{len(self.plan.units)} parts of {self.plan.version}"
        return f"{len(done)} of {of} are done; {rows:,} rows are written"

    def _note(self, state: Outcome, error: EngineError) -> None:
        """Note the end for people; a full disk may well refuse it, and nothing depends on it."""
        with suppress(EngineError), transaction(self.driver):
            self.ledger.log(self._event(state, error))

    def _event(self, outcome: Outcome, error: EngineError | None = None) -> Event:
        rows = sum(p.written for p in self.progress.values())
        seconds = self.options.monotonic() - self.begin
        return event(self.plan.version, "apply", outcome, self.began, self.options.now(), seconds, rows, error)

    def _result(self, state: Outcome, error: EngineError | None = None) -> MigrationResult:
        steps = step_results(tuple(self.progress.values()))
        return MigrationResult(self.plan.version, state, round(self.options.monotonic() - self.begin, 6), steps, error)
