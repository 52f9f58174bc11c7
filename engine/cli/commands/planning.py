"""`plan`: it changes no byte of a database."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import screen
from engine.cli.options import PLAN_FORMATS, Command, Given, common, duration

if TYPE_CHECKING:
    from engine.app import PlanResult
    from engine.plan.text import Heading


@click.command(
    cls=Command,
    examples=(
        "engine plan --db app.db",
        "engine plan specs --db app.db --out plan.json && engine apply --db app.db --plan plan.json",
        "engine plan --dialect sqlite --format markdown",
    ),
)
@click.option("--to", metavar="VERSION", help="Plan up to this version.")
@click.option("--dialect", metavar="NAME", help="Plan for this database from an empty schema, without one.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write to a file (JSON unless --format).")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where changes are pending.")
@click.option("--batch-size", type=click.IntRange(1), metavar="N", help="Rows per batch, over the spec's.")
@click.option("--max-duration", callback=duration, metavar="30m", help="When apply would stop at a safe point.")
@common(PLAN_FORMATS)
def plan(
    given: Given,
    to: str | None,
    dialect: str | None,
    out: Path | None,
    detailed_exitcode: bool,
    batch_size: int | None,
    max_duration: float | None,
) -> int:
    """Show, statement by statement, what apply would do."""
    from engine import app
    from engine.cli.plans import heading, resized
    from engine.cli.setup import project_of

    del max_duration  # taken so that the same options serve plan and apply
    project = project_of(given, dialect=dialect)
    result = app.plan(project, to)
    if batch_size:
        result = replace(result, plan=resized(result.plan, batch_size))
    _show(given, result, heading(project), out, getattr(project.url, "path", None))
    return 2 if detailed_exitcode and not result.up_to_date else 0


def _show(given: Given, result: PlanResult, head: Heading, out: Path | None, database: str | None) -> None:
    from engine.cli import files
    from engine.cli.plans import rendered, warnings
    from engine.plan.text import summary

    for line in warnings(result.diagnostics):
        screen.say(line)
    shown = rendered(given.format, result, head)
    if out is None:
        screen.out(shown)
        return
    saved = shown if "format" in given.explicit else rendered("json", result, head)
    files.write(out, saved, never=Path(database) if database else None)
    if given.format in ("text", "json"):
        screen.out(shown)
    else:
        screen.say(summary(result.plan))
    screen.say(f"written to {out}")
    if saved.startswith("{") and not result.up_to_date:
        screen.say(f"next: engine apply {given.repeat} --plan {out}")
