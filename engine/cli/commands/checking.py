"""`lint`: it changes no byte of a database, and of specs only what `--fix` is asked for."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import screen
from engine.cli.options import LINT_FORMATS, Command, Given, common

if TYPE_CHECKING:
    from engine.app import LintResult, Project
    from engine.lint.base import Rule

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(
    cls=Command,
    examples=(
        "engine lint",
        "engine lint specs/003_move.yaml --diff",
        "engine lint --explain DT107",
    ),
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--dialect", "dialects", multiple=True, metavar="NAME", help="Check for this database; repeatable.")
@click.option("--strict", is_flag=True, help="Warnings fail too.")
@click.option("--explain", metavar="RULE", help="Show the page of one rule.")
@click.option("--list-rules", is_flag=True, help="Show all rules.")
@click.option("--fix", is_flag=True, help="Show the safe fixes as a diff and write them.")
@click.option("--diff", is_flag=True, help="Show the safe fixes as a diff; write nothing.")
@click.option(
    "--write-baseline", type=click.Path(path_type=Path), metavar="FILE", help="Write what is found to a file."
)
@click.option("--baseline", type=_FILE, metavar="FILE", help="Leave out what this file holds.")
@common(LINT_FORMATS, specs=False)
def lint(
    given: Given,
    paths: tuple[Path, ...],
    dialects: tuple[str, ...],
    strict: bool,
    explain: str | None,
    list_rules: bool,
    fix: bool,
    diff: bool,
    write_baseline: Path | None,
    baseline: Path | None,
) -> int:
    """Check specs without a database; --db looks at its history too."""
    if explain or list_rules:
        return _rules(given, explain)
    from engine import app
    from engine.cli.again import Question
    from engine.cli.setup import project_of
    from engine.lint.report import SEVERITIES, render

    project = project_of(given, named=True)
    question = None
    if not (fix or diff or write_baseline or project.url or given.no_cache):
        question = Question.of(click.get_current_context().find_root().obj, project, paths, baseline)
    if baseline is not None:
        lints = replace(project.config.lint, baseline=baseline)
        project = replace(project, config=replace(project.config, lint=lints))
    if fix or diff:
        _fix(project, given, paths, dialects, write=fix and not diff)
    result = app.lint_each(project, paths, dialects, known=write_baseline is None)
    if write_baseline is not None:
        return _write_baseline(result, write_baseline)
    form = "github" if "format" not in given.explicit and os.environ.get("GITHUB_ACTIONS") else given.format
    rules: tuple[Rule, ...] = ()
    if result.diagnostics and form not in ("text", "concise"):
        from engine.lint.base import registry

        rules = registry()
    text = render(form, result.diagnostics, result.files, rules)
    screen.out(text)
    lowest = max("warning" if strict else "error", project.config.lint.fail_on, key=SEVERITIES.index)
    failing = SEVERITIES[: SEVERITIES.index(lowest) + 1]
    code = int(any(d.severity in failing for d in result.diagnostics))
    if question is not None:
        question.keep(text, code)
    return code


def _fix(project: Project, given: Given, paths: tuple[Path, ...], dialects: tuple[str, ...], *, write: bool) -> None:
    """Show the difference that safe fixes make, and write them; programs get it on stderr."""
    from engine import app

    result = app.fix(project, paths, dialects, write=write)
    if result.diff:
        (screen.out if given.format == "text" else screen.say)(result.diff)
    for line in result.refused:
        screen.say(line)
    count = f"{len(result.files)} file{'' if len(result.files) == 1 else 's'}"
    if write:
        screen.say(f"mended: {count}")
    elif result.files:
        screen.say(f"`engine lint --fix` would mend {count}")
    else:
        screen.say("nothing that `engine lint --fix` could mend")


def _write_baseline(result: LintResult, path: Path) -> int:
    """Write what is found; what can't be ignored is left and fails."""
    from engine.cli import files
    from engine.lint.baseline import final, text

    files.write(path, text(result.diagnostics))
    left = [d for d in result.diagnostics if final(d)]
    screen.say(f"written to {path}: {len(result.diagnostics) - len(left)} findings")
    if left:
        screen.say(f"{len(left)} can't be ignored and stay; `engine lint` shows them")
    screen.say(f"next: write `lint: {{baseline: {path}}}` in engine.yaml, or give --baseline {path}")
    return int(any(d.severity == "error" for d in left))


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
