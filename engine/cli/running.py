"""What `apply`, `rollback` and `finalize` do around the use-cases: ask, show progress, tell the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli import documents, errors, files, screen
from engine.cli.ask import agree
from engine.cli.options import Given
from engine.cli.progress import listener, meter
from engine.cli.setup import project_of
from engine.errors import EngineError
from engine.source import visible

if TYPE_CHECKING:
    from engine.app import Project, RunResult
    from engine.model.plan import Plan
    from engine.plan.document import PlanFile
    from engine.run.options import OnConflict, RunOptions
    from engine.run.records import MigrationResult


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line says about running; None: what the config says.

    Attributes:
        max_duration, lock_wait: seconds.
    """

    batch_size: int | None = None
    max_duration: float | None = None
    lock_wait: float | None = None


def apply(given: Given, to: str | None, plan_file: Path | None, dialect: str | None, settings: Settings) -> int:
    """Apply what is pending, or what the plan file holds, and return the exit code."""
    from engine import app

    project = project_of(given, dialect=dialect)
    project.require_url()
    planned = _planned(plan_file)
    options = _options(project, settings)

    def run(last: str | None) -> RunResult:
        with meter() as shown:
            return app.apply(
                project,
                last,
                options=options,
                listener=listener(shown),
                plan_file=planned,
                lock_wait=settings.lock_wait,
            )

    if given.yes:
        return _end(given, run(to), "apply")
    unfinished = app.status(project).in_progress
    if unfinished is None:
        _ask(given, app.plan(project, to).plan)
        return _end(given, run(to), "apply")
    # What was begun was agreed to then; what comes after can be planned, and asked about, once it is done.
    version = unfinished.version
    first = run(version if to is None or app.earlier(version, to) else to)
    return _end(given, first if first.error else _then(first, lambda: _rest(given, project, to, run)), "apply")


def _rest(given: Given, project: Project, to: str | None, run: Callable[[str | None], RunResult]) -> RunResult:
    """Plan, ask about and run what comes after a migration that was resumed."""
    from engine import app

    _ask(given, app.plan(project, to).plan)
    return run(to)


def _then(first: RunResult, more: Callable[[], RunResult]) -> RunResult:
    """Return the result of two runs as one; what the first did is told even where the second can't begin."""
    try:
        second = more()
    except EngineError as error:
        return replace(first, error=error)
    return replace(second, migrations=(*first.migrations, *second.migrations))


def rollback(given: Given, steps: int | None, to: str | None, on_conflict: OnConflict, settings: Settings) -> int:
    """Undo migrations and return the exit code."""
    from engine import app

    project = project_of(given)
    with meter() as shown:
        result = app.rollback(
            project,
            steps=steps or 1,
            to=to,
            options=_options(project, settings, on_conflict),
            listener=listener(shown),
            lock_wait=settings.lock_wait,
        )
    return _end(given, result, "rollback")


def dry_run(given: Given, steps: int | None, to: str | None, on_conflict: OnConflict) -> int:
    """Show what a rollback would do and return the exit code."""
    from engine import app
    from engine.cli.plans import heading, rendered

    project = project_of(given)
    result = app.plan_rollback(project, steps=steps or 1, to=to, on_conflict=on_conflict)
    screen.out(rendered(given.format, result, heading(project)))
    return 0


def finalize(given: Given, version: str, settings: Settings) -> int:
    """Give up a way back, after asking, and return the exit code."""
    from engine import app

    project = project_of(given)
    project.require_url()
    words = "what is kept to undo it is deleted for good; a rollback of it is impossible then"
    agree(f"finalize {visible(version)}: {words}", yes=given.yes)
    with meter() as shown:
        result = app.finalize(
            project,
            version,
            options=_options(project, settings),
            listener=listener(shown),
            lock_wait=settings.lock_wait,
        )
    if given.json:
        screen.out(documents.document({"migrations": [_document(result)]}))
    else:
        screen.out(f"finalized {visible(version)}: its way back is given up and its space is free\n")
    return 0


def _planned(path: Path | None) -> PlanFile | None:
    if path is None:
        return None
    from engine.plan.document import read_plan_file

    return read_plan_file(files.read(path), str(path))


def _options(project: Project, settings: Settings, on_conflict: OnConflict = "abort") -> RunOptions:
    from engine.run.options import RunOptions, Stop

    batch = project.config.batch
    return RunOptions(
        settings.batch_size, batch.target_seconds, batch.max_rows, on_conflict, Stop(settings.max_duration)
    )


def _ask(given: Given, plan: Plan) -> None:
    """Ask about every step without a way back, all in one question."""
    from engine.plan.sequence import irreversible

    stuck = irreversible(plan)
    if stuck:
        lines = [f"  {m.version} {u.step}: {u.title} ({u.reason or 'no reason given'})" for m, u in stuck]
        count = "this step has" if len(stuck) == 1 else "these steps have"
        agree("\n".join([f"{count} no way back:", *map(visible, lines)]), yes=given.yes)


# ── the end ───────────────────────────────────────────────────────────────
def _end(given: Given, result: RunResult, command: str) -> int:
    found = [_document(migration) for migration in result.migrations]
    if not given.json:
        screen.out(documents.result_text(found))
    base: tuple[tuple[str, object], ...] = (("migrations", found),)
    if result.already:
        base += (("already", list(result.already)),)
        if not given.json:
            names = visible(", ".join(result.already))
            were = "was" if len(result.already) == 1 else "were"
            screen.out(f"{names} {were} rolled back before, by a run of this command that broke off\n")
    if result.error is not None:
        return errors.show(result.error, errors.Shown(given.json, given.debug, base, given.repeat))
    if given.json:
        screen.out(documents.document(dict(base)))
    else:
        screen.out(_last_line(result.migrations, command, given.repeat, bool(result.already)))
    return 0


def _document(migration: MigrationResult) -> documents.Document:
    return {
        "version": migration.version,
        "direction": migration.direction,
        "state": migration.state,
        "seconds": migration.seconds,
        "steps": documents.plain(migration.steps),
        "conflicts": [conflict.document() for conflict in migration.conflicts],
        "forced": list(migration.forced),
    }


def _last_line(migrations: Sequence[MigrationResult], command: str, repeat: str, already: bool = False) -> str:
    done = [m for m in migrations if m.state in ("applied", "rolled_back")]
    if not done:
        return "nothing to do\n" if command == "apply" else "nothing more to undo\n" if already else "nothing to undo\n"
    if command == "apply":
        return f"next: engine status {repeat}".rstrip() + "; `engine rollback` takes the last one back\n"
    return f"next: engine status {repeat}".rstrip() + "\n"
