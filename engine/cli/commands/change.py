"""`apply`, `rollback`, `finalize`: they change the database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.options import Command, Given, common, duration

if TYPE_CHECKING:
    from engine.run.options import OnConflict

_NUMBER = click.IntRange(1)
_PATH = click.Path(path_type=Path)
_BATCH = click.option("--batch-size", type=_NUMBER, metavar="N", help="Rows per batch, over the spec's.")
_WAIT = click.option("--lock-wait", callback=duration, metavar="30s", help="Wait for a lock; else exit 5.")


@click.command(
    cls=Command,
    base=("migrations",),
    examples=(
        "engine apply --db app.db",
        "engine apply --db app.db --to 003 --yes",
        "engine apply --db app.db --plan plan.json",
    ),
)
@click.option("--to", metavar="VERSION", help="Apply up to this version.")
@click.option("--plan", "plan_file", type=_PATH, metavar="FILE", help="Only what this plan file holds.")
@click.option("--dialect", metavar="NAME", help="Refuse a database of another kind.")
@click.option("--max-duration", callback=duration, metavar="30m", help="Stop at a safe point after that.")
@_BATCH
@_WAIT
@common()
def apply(
    given: Given,
    to: str | None,
    plan_file: Path | None,
    dialect: str | None,
    max_duration: float | None,
    batch_size: int | None,
    lock_wait: float | None,
) -> int:
    """Apply what is pending; go on with what was interrupted."""
    from engine.cli import running

    settings = running.Settings(batch_size, max_duration, lock_wait)
    return running.apply(given, to, plan_file, dialect, settings)


migrate = Command(
    "migrate",
    callback=apply.callback,
    params=apply.params,
    help="The same as `apply`.",
    base=("migrations",),
    examples=("engine migrate --db app.db",),
)


@click.command(
    cls=Command,
    base=("migrations",),
    examples=(
        "engine rollback --db app.db",
        "engine rollback --db app.db --to 003 --dry-run",
        "engine rollback --db app.db --to 0 --on-conflict skip",
    ),
)
@click.option("--steps", type=_NUMBER, metavar="N", help="Undo the last N migrations (default 1).")
@click.option("--to", metavar="VERSION", help="The version to end at; 0 undoes all.")
@click.option("--dry-run", is_flag=True, help="Show what would be done; changes nothing.")
@click.option(
    "--on-conflict",
    type=click.Choice(("abort", "skip", "force")),
    default="abort",
    help="What to do with rows that others changed since.",
)
@_BATCH
@_WAIT
@common()
def rollback(
    given: Given,
    steps: int | None,
    to: str | None,
    dry_run: bool,
    on_conflict: OnConflict,
    batch_size: int | None,
    lock_wait: float | None,
) -> int:
    """Undo the last applied migration, or what is unfinished."""
    from engine.cli import running
    from engine.errors import UsageError

    if steps is not None and to is not None:
        raise UsageError("--steps and --to can't be given together", "leave one of them out")
    if dry_run:
        return running.dry_run(given, steps, to, on_conflict)
    settings = running.Settings(batch_size, None, lock_wait)
    return running.rollback(given, steps, to, on_conflict, settings)


@click.command(cls=Command, examples=("engine finalize 003 --db app.db",))
@click.argument("version")
@_WAIT
@common()
def finalize(given: Given, version: str, lock_wait: float | None) -> int:
    """Give up the way back of VERSION and free its space."""
    from engine.cli import running

    return running.finalize(given, version, running.Settings(None, None, lock_wait))
