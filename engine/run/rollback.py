"""Take one migration back: by the plan that was stored when it was applied, and by what of it ran."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from engine.dialects.base import Driver
from engine.dialects.ledger import Ledger, Progress, Record
from engine.errors import Drift, EngineError, NotReversible
from engine.model.plan import Guard, MigrationPlan, Unit, found_early
from engine.run import judging
from engine.run.around import blamed, patiently, settings, transaction
from engine.run.entries import event, todo
from engine.run.journals import require_journals
from engine.run.options import RunOptions
from engine.run.outside import never_done, settled
from engine.run.progress import Listener, MigrationDone, MigrationStarted, ignore
from engine.run.reading import stored_plan
from engine.run.records import FoundConflict, MigrationResult, Outcome, step_results
from engine.run.unit import Runner


@dataclass(frozen=True, slots=True)
class Task:
    """One unit of the way back.

    Attributes:
        of: the unit that it undoes.
        unit: what to run; its id is unique among all tasks of the migration.
        last: True for the last of the tasks that undo `of`.
        marks: values that `of` took at its start.
        later: the units that are undone before it.
    """

    of: Unit
    unit: Unit
    last: bool
    marks: tuple[Any, ...]
    later: tuple[Unit, ...] = ()

    def early(self, guard: Guard) -> bool:
        """Tell whether `guard` can be asked before anything is undone: nothing that it looks at changes till then."""
        return guard.early or found_early(guard, self.of, self.later)


def rollback(
    driver: Driver,
    ledger: Ledger,
    plan: MigrationPlan | None,
    options: RunOptions | None = None,
    listener: Listener = ignore,
    *,
    version: str = "",
) -> MigrationResult:
    """Roll one migration back, or go on with a rollback that stopped.

    The caller holds `ledger.lock`. An unfinished apply is undone as far as it came.

    Args:
        driver, ledger: of one database.
        plan: as stored when it was applied (`stored_plan`); None reads it for `version`.
        options: policy for conflicts, sizes, the wish to stop.
        listener: told what happens.

    Returns:
        How it ended; a conflict (4), a step without a way back (1) and
        everything else that goes wrong is in `error`. Before the first write
        all is found that can be found by then.
    """
    options = options or RunOptions()
    began, begin = options.now(), options.monotonic()
    plan = plan or stored_plan(ledger, version)
    run = Back(driver, ledger, plan, options, listener)
    driver.stop_requested = lambda: options.stop.asked if run.single else options.stop.at_once
    error: EngineError | None = None
    state: Outcome = "rolled_back"
    try:
        ledger.start()
        run.prepare()
        if options.stop.due:
            raise options.stop.error()
        run.run(began)
    except EngineError as caught:
        if not run.kept_after_all(caught):
            error = options.stop.error() if _by_wish(caught, options) else caught
            state = "interrupted" if judging.is_interruption(error) else "failed"
            error.details.setdefault("version", plan.version)
            error.kept = error.kept or run.how_far()
            if state == "interrupted":
                error.next = error.next or "engine rollback"
            with suppress(EngineError), transaction(driver):
                ledger.log(run.event(state, began, options.monotonic() - begin, error))
    finally:
        driver.stop_requested = lambda: False
    seconds = round(options.monotonic() - begin, 6)
    listener(MigrationDone(plan.version, "rollback", state, seconds))
    steps = step_results(tuple(run.progress.values()))
    return MigrationResult(plan.version, state, seconds, steps, error, "rollback", tuple(run.conflicts), run.forced)


def units_back(
    driver: Driver, ledger: Ledger, plan: MigrationPlan, options: RunOptions, *, first: bool
) -> tuple[Unit, ...]:
    """Return what is left of the way back of `plan`, in order, and refuse what `rollback` would refuse.

    Args:
        driver, ledger, plan, options: as for `rollback`.
        first: nothing is undone before it, so that conflicts can be looked for.

    Raises:
        EngineError: as `Back.prepare`.
    """
    back = Back(driver, ledger, plan, options, ignore)
    back.prepare(rows=first)
    if not back.continued:
        return tuple(t.unit for t in back.tasks if t.of.id not in back.never)
    return tuple(t.unit for t in back.tasks if back.progress[t.unit.id].state in ("todo", "doing"))


def _by_wish(error: EngineError, options: RunOptions) -> bool:
    return error.details.get("reason") == "interrupted" and options.stop.asked


@dataclass
class Back:
    """The way back of one migration, as far as it ran."""

    driver: Driver
    ledger: Ledger
    plan: MigrationPlan
    options: RunOptions
    listener: Listener
    tasks: tuple[Task, ...] = ()
    ran: tuple[Unit, ...] = ()
    never: frozenset[str] = frozenset()  # ids of units that were begun, and whose statement was never done
    progress: dict[str, Progress] = field(default_factory=dict)
    conflicts: list[FoundConflict] = field(default_factory=list)
    forced: tuple[str, ...] = ()
    single: bool = False
    continued: bool = False
    record: Record | None = None
    failed: bool = False  # it takes back an apply that failed in the same run

    # ── before the first write ────────────────────────────────────────────
    def prepare(self, *, rows: bool = True) -> None:
        """Read what ran and look for what stands in the way, in the rows too unless they are still to change.

        Raises:
            NotReversible: a step that ran has no way back, or it was given up.
            Drift: a journal or the checkpoints are missing.
            Conflict: rows changed since.
            EngineError: it is not applied.
        """
        record = self._read()
        self.continued = record.state == "rolling_back"
        self.single = self.plan.single and record.state == "applied"
        stored = self.read_what_ran()
        self.tasks = tasks(self.ran, stored)
        if self.continued:
            known = self.ledger.progress(self.plan.version, "rollback")
            self.progress = {p.unit: p for p in known}
            begun = {t.of.id for t in self.tasks if self.progress[t.unit.id].state != "todo"}
            require_journals(self.driver, self.ledger, self.ran, stored, begun)
            return
        stuck = next((u for u in reversed(self.ran) if u.reversible == "no"), None)
        if stuck is not None:
            raise no_way_back(self.plan.version, stuck)
        require_journals(self.driver, self.ledger, self.ran, stored, applied=record.state == "applied")
        if rows:
            self.look_for_conflicts()

    def _read(self) -> Record:
        record = self.ledger.record(self.plan.version)
        if record is not None and record.state == "finalized":
            raise NotReversible(
                f"{self.plan.version} was finalized on {record.finalized_at}: its way back was given up",
                kept="nothing was rolled back",
                details={"version": self.plan.version},
            )
        if record is None or not (record.applied or record.unfinished):
            raise EngineError(f"{self.plan.version} is not applied", kept="nothing was rolled back")
        self.record = record
        return record

    def read_what_ran(self) -> dict[str, Progress]:
        """Return the checkpoints of the apply; sets `ran` and `never`.

        Raises:
            Drift: some are missing.
        """
        stored = {p.unit: p for p in self.ledger.progress(self.plan.version, "apply")}
        if any(unit.id not in stored for unit in self.plan.units):
            raise Drift(
                f"the history does not tell what of {self.plan.version} ran: checkpoints are missing",
                "restore a backup of the table engine_step",
                kept="nothing was rolled back",
            )
        self.ran = tuple(u for u in self.plan.units if stored[u.id].state in ("doing", "done", "undone"))
        self.never = frozenset(u.id for u in self.ran if never_done(self.driver, u, stored[u.id].state))
        return stored

    def look_for_conflicts(self) -> None:
        """Ask in one snapshot what can be asked now.

        Raises:
            Conflict: something was found that the policy does not let pass.
        """
        found: list[tuple[Guard, FoundConflict]] = []
        runner = self._runner()
        with transaction(self.driver, reads=True):
            for task in self.tasks:
                if task.of.id in self.never or settled(self.driver, task.unit, "rollback"):
                    continue
                guards = [g for g in task.unit.guards if task.early(g)]
                for guard, one in runner.conflicts_of(guards, task.marks):
                    if judging.stops(guard, self.options.on_conflict):
                        found.append((guard, one))
        if found:
            raise judging.conflict(self.plan.version, found, "nothing was rolled back")

    # ── back ──────────────────────────────────────────────────────────────
    def run(self, began: str, *, until: Unit | None = None) -> None:
        """Run the tasks that are left and close the history row.

        Args:
            began: when, for the history.
            until: a unit that stays (and all before it), where an undo can't go on.
        """
        version = self.plan.version
        self.listener(
            MigrationStarted(version, self.plan.description, "rollback", len(self.tasks), self.single, self.continued)
        )
        begin = self.options.monotonic()
        if self.single:
            patiently(self.options, lambda: self._at_once(began, begin))
            return
        with transaction(self.driver):
            if self.continued:
                self.ledger.take_over(version, "rollback")
            else:
                self._open()
        self._run_tasks()
        with transaction(self.driver):
            if until is None:
                self._close(began, begin)
            else:
                self._reopen(until)

    def _at_once(self, began: str, begin: float) -> None:
        self.conflicts.clear()
        units = [task.unit for task in self.tasks]
        with blamed(units), settings(self.driver, units), transaction(self.driver):
            self._open()
            self._run_tasks()
            self._close(began, begin)

    def _open(self) -> None:
        assert self.record is not None  # read in `prepare`
        steps = todo(self.plan, "rollback", [t.unit for t in self.tasks])
        self.ledger.open(replace(self.record, state="rolling_back"), steps)
        self.progress = {p.unit: p for p in steps}
        for task in self.tasks:
            if task.of.id in self.never:
                now = self.progress[task.unit.id]
                self.progress[now.unit] = replace(now, state="skipped")
                self.ledger.checkpoint(now, self.progress[now.unit])
                if task.last:
                    self.ledger.undone(self.plan.version, task.of.id)

    def _runner(self) -> Runner:
        policy = self.options.on_conflict
        runner = Runner(
            self.driver,
            self.ledger,
            self.plan.version,
            self.options,
            self.listener,
            self.single,
            force=policy == "force",
            conflicts=self.conflicts,
            journals={task.unit.id: task.of.keeps for task in self.tasks},
        )
        for task in self.tasks:
            if task.unit.id in self.progress:
                runner.remember(task.unit, self.progress[task.unit.id])
        return runner

    def _run_tasks(self) -> None:
        runner = self._runner()
        for task in self.tasks:
            now = self.progress[task.unit.id]
            if now.state in ("done", "skipped"):
                continue
            if not self.single and self.options.stop.due:
                raise self.options.stop.error()

            def undone(task: Task = task) -> None:
                if task.last:
                    self.ledger.undone(self.plan.version, task.of.id)

            self.progress[task.unit.id] = runner.run(task.unit, now, marks=task.marks, at_end=undone)

    def _close(self, began: str, begin: float) -> None:
        assert self.record is not None
        for unit in self.ran:
            self.drop_journals(unit)
        names = dict.fromkeys(name for task in self.tasks for name in task.unit.forced)
        self.forced = tuple(name for name in names if self.ledger.count(name))
        for name in names:
            if name not in self.forced:
                self.ledger.drop(name)
        failed = self.record.state == "applying" and not self.record.applied and self.failed
        now = self.options.now()
        record = replace(
            self.record,
            applied=False,
            state="failed" if failed else "rolled_back",
            rolled_back_at=self.record.rolled_back_at if failed else now,
        )
        self.ledger.close(record, keep_steps=False)
        if not failed:
            self.ledger.log(self.event("rolled_back", began, self.options.monotonic() - begin))

    def _reopen(self, until: Unit) -> None:
        """Stand as if the apply had stopped after `until`: it can go on from there."""
        assert self.record is not None
        stored = {p.unit: p for p in self.ledger.progress(self.plan.version, "apply")}
        keep = True
        for unit in self.plan.units:
            if not keep:
                self.drop_journals(unit)
                old = stored[unit.id]
                fresh = Progress(old.version, old.direction, old.unit, old.step, old.place, old.table)
                self.ledger.checkpoint(old, fresh)
            keep = keep and unit.id != until.id
        self.ledger.close(replace(self.record, state="applying"), keep_steps=True)

    def drop_journals(self, unit: Unit) -> None:
        """Drop the tables that held the way back of `unit`."""
        for name in unit.keeps:
            self.ledger.drop(name)

    def kept_after_all(self, error: EngineError) -> bool:
        """Tell whether the last commit was kept though it seemed to fail; going on would undo the migration before."""
        if self.record is None or error.code == "locked" or not judging.is_interruption(error):
            return False
        with suppress(EngineError):
            record = self.ledger.record(self.plan.version)
            return record is not None and record.state in ("rolled_back", "failed")
        return False

    # ── words ─────────────────────────────────────────────────────────────
    def how_far(self) -> str:
        """Return what is true now, in words."""
        done = sum(1 for p in self.progress.values() if p.state in ("done", "skipped"))
        if self.single or not self.progress:
            return "nothing was rolled back"
        return f"{done} of {len(self.tasks)} parts of {self.plan.version} are undone"

    def event(self, outcome: Outcome, began: str, seconds: float, error: EngineError | None = None) -> Any:
        """Return the entry of the history."""
        rows = sum(p.written for p in self.progress.values())
        return event(
            self.plan.version,
            "rollback",
            outcome,
            began,
            self.options.now(),
            seconds,
            rows,
            error,
            self.conflicts,
            self.forced,
        )


def tasks(ran: Sequence[Unit], stored: dict[str, Progress]) -> tuple[Task, ...]:
    """Return what undoes `ran`, in order: the last unit first."""
    found: list[Task] = []
    for place, unit in reversed(tuple(enumerate(ran))):
        for number, back in enumerate(unit.undo):
            named = replace(back, id=f"{unit.id}:undo{number + 1}")
            last = number == len(unit.undo) - 1
            found.append(Task(unit, named, last, stored[unit.id].marks, tuple(ran[place + 1 :])))
    return tuple(found)


def no_way_back(version: str, unit: Unit) -> NotReversible:
    """Return the error for a step that has no way back."""
    reason = unit.reason or "as the spec says"
    return NotReversible(
        f"{version} can't be rolled back: step {unit.step} has no way back ({reason})",
        "write a new migration that repairs what has to be repaired, or restore a backup",
        kept="nothing was rolled back",
        details={"version": version, "step": unit.step, "reason_given": unit.reason},
    )
