"""`lint` and `plan`: they change no byte of a database."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli import screen
from engine.cli.options import LINT_FORMATS, PLAN_FORMATS, Command, Given, common, duration

if TYPE_CHECKING:
    from engine.app import LintResult, PlanResult
    from engine.plan.text import Heading


@click.command(
    cls=Command,
    examples=(
        "engine lint",
        "engine lint specs/003_move.yaml --format concise",
        "engine lint --explain DT107",
    ),
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--dialect", "dialects", multiple=True, metavar="NAME", help="Check for this database; repeatable.")
@click.option("--strict", is_flag=True, help="Warnings fail too.")
@click.option("--explain", metavar="RULE", help="Show the page of one rule.")
@click.option("--list-rules", is_flag=True, help="Show all rules.")
@common(LINT_FORMATS, specs=False)
def lint(
    given: Given,
    paths: tuple[Path, ...],
    dialects: tuple[str, ...],
    strict: bool,
    explain: str | None,
    list_rules: bool,
) -> int:
    """Check specs without a database; --db looks at its history too."""
    if explain or list_rules:
        return _rules(given, explain)
    from engine.cli.setup import project_of
    from engine.lint.base import registry
    from engine.lint.report import SEVERITIES, render

    project = project_of(given, named=True)
    result = _lint_all(project, paths, dialects)
    form = "github" if "format" not in given.explicit and os.environ.get("GITHUB_ACTIONS") else given.format
    screen.out(render(form, result.diagnostics, result.files, registry()))
    lowest = max("warning" if strict else "error", project.config.lint.fail_on, key=SEVERITIES.index)
    failing = SEVERITIES[: SEVERITIES.index(lowest) + 1]
    return int(any(d.severity in failing for d in result.diagnostics))


def _lint_all(project: Any, paths: tuple[Path, ...], dialects: tuple[str, ...]) -> LintResult:
    """Lint once per dialect; what several of them find is one finding."""
    from engine import app
    from engine.lint.check import ordered

    results = [app.lint(replace(project, dialect_name=name), paths) for name in dialects or ("",)]
    return replace(results[0], diagnostics=ordered(d for result in results for d in result.diagnostics))


def _rules(given: Given, word: str | None) -> int:
    from engine.errors import UsageError
    from engine.lint import machine, report
    from engine.lint.base import find, registry
    from engine.model.state import nearest

    if word is None:
        rules = registry()
    elif (rule := find(word)) is None:
        near = nearest(word, [name for r in registry() for name in (r.id, r.name)])
        hint = f"did you mean {near}?" if near else "`engine lint --list-rules` shows them all"
        raise UsageError(f"there is no rule `{word}`", hint)
    else:
        rules = (rule,)
    if given.json:
        screen.out(machine.rules_json(rules))
    else:
        screen.out(report.explain(rules[0]) if word else report.list_rules(rules))
    return 0


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
