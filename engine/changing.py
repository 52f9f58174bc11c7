"""Use-cases that change the database: apply, rollback, finalize. All under the lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.agreed import compare, same_plan, with_texts
from engine.checking import PlanResult, compile_plan, plan
from engine.errors import CheckFailed, Drift, EngineError, FindingsError, Stopped, UsageError
from engine.model.plan import MigrationPlan, Plan
from engine.project import Project
from engine.registered import plan_of
from engine.repeated import back_command, undone_before
from engine.run.code import Lender as Driver
from engine.run.code import apply_code, rollback_code
from engine.run.executor import apply as run_apply
from engine.run.finalize import finalize as run_finalize
from engine.run.judging import is_interruption
from engine.run.options import RunOptions
from engine.run.progress import Listener, ignore
from engine.run.reading import require_whole, stored_plan
from engine.run.records import MigrationResult
from engine.run.rollback import rollback as run_rollback
from engine.run.rollback import units_back
from engine.spec.files import version_key
from engine.verdicts import refuse_errors
from engine.versions import as_applied, pending, refuse_edited, refuse_half_edited, refuse_taken

if TYPE_CHECKING:
    from engine.dialects.ledger import Ledger, Record
    from engine.errors import Diagnostic
    from engine.plan.document import PlanFile
    from engine.run.options import OnConflict
    from engine.source import Span
    from engine.spec.model import Spec


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended: each migration, and the error that ended it.

    Attributes:
        already: versions that an earlier run of the same command rolled back before it broke off.
    """

    migrations: tuple[MigrationResult, ...] = ()
    error: EngineError | None = None
    already: tuple[str, ...] = ()


@contextmanager
def working(
    project: Project, command: str, lock_wait: float | None, options: RunOptions
) -> Iterator[tuple[Driver, Ledger]]:
    """Open the database to write and hold the engine's lock; a wish to stop ends the waiting for it."""
    wait = project.config.lock_wait if lock_wait is None else lock_wait
    verb = command.split(maxsplit=1)[0]
    if verb != "apply":
        project.require_existing()
    try:
        with project.connect() as (driver, ledger), ledger.lock(command, wait, lambda: options.stop.asked):
            yield driver, ledger
    except EngineError as error:
        unfinished(error, verb)
        raise


def unfinished(error: EngineError, command: str, kept: str = "nothing was done") -> EngineError:
    """Return `error`; where the machine or a lock stood in the way, with what is true now and how to go on."""
    if is_interruption(error):
        error.kept = error.kept or kept
        error.next = error.next or f"engine {command}"
    return error


# ── apply ─────────────────────────────────────────────────────────────────
def apply(
    project: Project,
    to: str | None = None,
    *,
    options: RunOptions | None = None,
    listener: Listener = ignore,
    plan_file: PlanFile | None = None,
    lock_wait: float | None = None,
) -> RunResult:
    """Go on with what was interrupted, then apply what is pending, up to `to`.

    Args:
        project: specs, classes and database.
        to: last version to apply; None for all.
        options: sizes, policy, the wish to stop.
        listener: told what happens.
        plan_file: only what this plan holds, and only if it still is what would run.
        lock_wait: seconds to wait for the engine's lock; None: as the config says.

    Returns:
        How it ended. An error of a migration is in `error`.

    Raises:
        FindingsError: the specs have findings of severity error; nothing was done.
        EngineError: specs, plan file or database can't be read, the lock is held, drift.
    """
    options = options or RunOptions()
    if plan_file is not None:
        if to is not None:
            raise UsageError("--plan and --to can't be given together", "the plan file says what is applied")
        project = with_texts(project, plan_file)
    specs, found, _ = project.read()
    if plan_file is not None:
        compare(plan_file, project, specs)
    refuse_taken(specs, project.classes)
    # What can't be built is in no plan: without this look it would count as nothing to do.
    refuse_errors(project, found, specs)
    if project.is_new and plan_file is None and not project.classes:
        plan(project, to)  # what is refused leaves no new file behind
    with options.stop.on_signals(), working(project, "apply", lock_wait, options) as (driver, ledger):
        records = ledger.records()
        refuse_unfinished_rollback(records)
        results: list[MigrationResult] = []
        begun = next((r for r in records if r.unfinished), None)
        try:
            if begun is not None:
                results.append(_resume(driver, ledger, begun, specs, options, listener))
            if not results or results[-1].error is None:
                _pending(project, driver, ledger, specs, found, to, options, listener, plan_file, results)
        except EngineError as error:
            if not results:
                raise
            return RunResult(tuple(results), _after(results, error, "apply"))
        return ended(results, specs)


def _after(results: Sequence[MigrationResult], error: EngineError, command: str) -> EngineError:
    """Return `error`, which stopped the run between two migrations, with what was done before it."""
    done = f"{', '.join(r.version for r in results)} went well before, and nothing was done after that"
    if isinstance(error, FindingsError):
        return FindingsError(error.diagnostics, done)
    error.kept = done
    return unfinished(error, command)


def _resume(
    driver: Driver,
    ledger: Ledger,
    record: Record,
    specs: Sequence[Spec],
    options: RunOptions,
    listener: Listener,
) -> MigrationResult:
    """Go on with the stored plan of `record`; its spec must still say the same."""
    refuse_half_edited(specs, record)
    return run_apply(driver, ledger, require_whole(ledger, record), options, listener)


def _pending(
    project: Project,
    driver: Driver,
    ledger: Ledger,
    specs: Sequence[Spec],
    found: Sequence[Diagnostic],
    to: str | None,
    options: RunOptions,
    listener: Listener,
    plan_file: PlanFile | None,
    results: list[MigrationResult],
) -> None:
    """Plan and run all that is pending, into `results`; a class in between parts the plan in two."""
    records = ledger.records()
    refuse_edited(specs, records)
    todo = list(pending(specs, records, to, tuple(project.classes)))
    if plan_file is not None:
        todo = [s for s in todo if s.version in plan_file.versions]
    classes = _pending_classes(project, records, to)
    while todo or classes:
        first = min(classes, key=version_key) if classes else None
        part = [s for s in todo if first is None or version_key(s.version) < version_key(first)]
        if part:
            made = compile_plan(project, part, specs, found, driver.catalogue(), driver, ledger.records(), exact=True)
            if plan_file is not None:
                same_plan(plan_file, made.plan)
            for migration in made.plan.migrations:
                results.append(_one(driver, ledger, migration, options, listener))
                if results[-1].error is not None:
                    return
                todo = todo[1:]
                if plan_file is None and _passed_over(driver, ledger, migration):
                    break  # the others were planned for what a `when` has left out
            if part[-1] in todo:
                continue
        if first is not None:
            made_in_code = project.classes[first]
            results.append(apply_code(driver, ledger, plan_of(made_in_code), made_in_code, options, listener))
            classes.remove(first)
            if results[-1].error is not None:
                return


def _one(
    driver: Driver, ledger: Ledger, migration: MigrationPlan, options: RunOptions, listener: Listener
) -> MigrationResult:
    """Run one migration of the plan, if the schema is what it was planned for."""
    if migration.before and not migration.skipped and fingerprint(driver) != migration.before:
        error = Drift(
            f"the schema changed between planning and applying {migration.version}",
            "somebody else changed a table just now, or a `when` left out a step that the plan counts on",
            kept=f"nothing of {migration.version} was done",
            next="engine plan",
        )
        return MigrationResult(migration.version, "failed", error=error)
    return run_apply(driver, ledger, migration, options, listener)


def _passed_over(driver: Driver, ledger: Ledger, migration: MigrationPlan) -> bool:
    """Tell whether a `when` that only the database could answer left out a step that changes the schema."""
    left_out = any(p.state == "skipped" for p in ledger.progress(migration.version, "apply"))
    return left_out and bool(migration.left) and fingerprint(driver) != migration.after


def fingerprint(driver: Driver) -> str:
    """Return the fingerprint of the schema as it is now."""
    from engine.dialects import load_state

    return load_state(driver).fingerprint()


def _pending_classes(project: Project, records: Sequence[Record], to: str | None) -> list[str]:
    done = {r.version for r in records if r.applied}
    return [v for v in project.classes if v not in done and (to is None or version_key(v) <= version_key(to))]


def refuse_unfinished_rollback(records: Sequence[Record]) -> None:
    """Stop where a rollback has begun and not ended (exit 6)."""
    back = next((r for r in records if r.state == "rolling_back"), None)
    if back is not None:
        raise Stopped(
            f"the rollback of {back.version} has begun and not ended",
            "finish it first; then apply again",
            kept="nothing was done now",
            next="engine rollback",
        )


# ── rollback ──────────────────────────────────────────────────────────────
def rollback(
    project: Project,
    *,
    steps: int = 1,
    to: str | None = None,
    options: RunOptions | None = None,
    listener: Listener = ignore,
    lock_wait: float | None = None,
) -> RunResult:
    """Undo the last `steps` migrations, or all after version `to` ("0": all).

    An unfinished migration is undone first and counts as one; so does what the same command undid before it broke
    off. The plan of the way back is the one that was stored when the migration was applied.

    Raises:
        EngineError: the database can't be opened, the lock is held, no such version.
    """
    options = options or RunOptions()
    command = back_command(steps, to)
    with options.stop.on_signals(), working(project, command, lock_wait, options) as (driver, ledger):
        results: list[MigrationResult] = []
        records = ledger.records()
        already = undone_before(ledger, command) if to is None else ()
        for record in chosen(records, steps - len(already), to):
            try:
                results.append(_back(project, driver, ledger, record, options, listener))
            except EngineError as error:
                if not results:
                    raise
                ledger.finish(error.code)
                return RunResult(tuple(results), _after(results, error, "rollback"), already)
            if results[-1].error is not None:
                ledger.finish(results[-1].error.code)
                break
        if already and not results:
            ledger.start()  # a run that ends well: the next one counts from here
        broken = bool(results) and results[-1].error is not None
        return replace(ended(results, as_applied(project, records) if broken else ()), already=already)


def _back(
    project: Project, driver: Driver, ledger: Ledger, record: Record, options: RunOptions, listener: Listener
) -> MigrationResult:
    if record.code:
        return _class_back(project, driver, ledger, record, options, listener)
    return run_rollback(driver, ledger, stored_plan(ledger, record.version), options, listener)


def _class_back(
    project: Project, driver: Driver, ledger: Ledger, record: Record, options: RunOptions, listener: Listener
) -> MigrationResult:
    """Undo a migration written in Python; its class must be registered, for the history holds no code."""
    found = project.classes.get(record.version)
    if found is not None:
        return rollback_code(driver, ledger, plan_of(found), found, options, listener)
    error = Drift(
        f"{record.version} was written in Python, and its class is not registered",
        "register it and roll back from Python",
        kept="nothing was rolled back",
        next="manager.register_migration(…); manager.rollback()",
    )
    return MigrationResult(record.version, "failed", error=error, direction="rollback")


def chosen(records: Sequence[Record], steps: int, to: str | None) -> list[Record]:
    """Return the migrations to undo, in the order of undoing.

    Raises:
        UsageError: `to` is not an applied version.
    """
    applied = sorted(
        (r for r in records if r.applied and not r.unfinished),
        key=lambda r: (r.number, version_key(r.version)),  # the last one applied may be an older version
        reverse=True,
    )
    unfinished = [r for r in records if r.unfinished]
    if to is None:
        return [*unfinished, *applied][:steps]
    if to != "0" and version_key(to) not in {version_key(r.version) for r in applied}:
        known = ", ".join(sorted((r.version for r in applied), key=version_key)) or "none"
        raise UsageError(f"version {to} is not applied, so the database can't end at it", f"applied: {known}; 0: none")
    after = [r for r in applied if to == "0" or version_key(r.version) > version_key(to)]
    return [*unfinished, *after]


def plan_rollback(
    project: Project, *, steps: int = 1, to: str | None = None, on_conflict: OnConflict = "abort"
) -> PlanResult:
    """Return what `rollback` would do: the stored way back of each migration, in order.

    Raises:
        EngineError: what it would refuse, as far as that can be told before the later ones are undone.
    """
    options = RunOptions(on_conflict=on_conflict)
    with project.connect(read_only=True) as (driver, ledger):
        migrations: list[MigrationPlan] = []
        already = undone_before(ledger, back_command(steps, to)) if to is None else ()
        for record in chosen(ledger.records(), steps - len(already), to):
            if record.code:
                migrations.append(
                    MigrationPlan(
                        record.version, record.description, (), "rollback", mode_reason="in Python", code=True
                    )
                )
                continue
            plan = stored_plan(ledger, record.version)
            units = units_back(driver, ledger, plan, options, first=not migrations)
            migrations.append(replace(plan, units=units, direction="rollback", before=plan.after, after=plan.before))
        dialect = project.dialect
        return PlanResult(Plan(dialect.name, tuple(migrations), dialect.protocol()))


# ── finalize ──────────────────────────────────────────────────────────────
def finalize(
    project: Project,
    version: str,
    *,
    options: RunOptions | None = None,
    listener: Listener = ignore,
    lock_wait: float | None = None,
) -> MigrationResult:
    """Give up the way back of `version` and free its space; goes on where it stopped.

    Raises:
        EngineError: it is not applied, or something went wrong on the way.
    """
    options = options or RunOptions()
    with options.stop.on_signals(), working(project, f"finalize {version}", lock_wait, options) as (driver, ledger):
        result = run_finalize(driver, ledger, version, options, listener)
    if result.error is not None:
        raise result.error
    return result


# ── the end ───────────────────────────────────────────────────────────────
def ended(results: Sequence[MigrationResult], specs: Sequence[Spec]) -> RunResult:
    """Return the result, with the place in the spec of the error that ended it."""
    error = results[-1].error if results else None
    if error is not None and error.span is None:
        error.span = _span(error, results[-1].version, specs)
    return RunResult(tuple(results), error)


def _span(error: EngineError, version: str, specs: Sequence[Spec]) -> Span | None:
    spec = next((s for s in specs if s.version == version), None)
    step = next((s for s in spec.steps if s.id == error.details.get("step")), None) if spec else None
    if step is None:
        return None
    path = tuple(error.details.get("path") or ())
    if not path or path[0] != step.verb:
        path = (step.verb, *path)
    if not isinstance(error, CheckFailed) and len(path) == 1:
        path = (*path, "<key>")
    return step.span(path)
