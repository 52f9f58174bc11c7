"""A plan in one of its forms, and what stands around it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.errors import Diagnostic
from engine.model.plan import Plan
from engine.plan.text import Heading

if TYPE_CHECKING:
    from engine.app import PlanResult, Project


def rendered(form: str, result: PlanResult, heading: Heading) -> str:
    """Return the plan as `text`, `json`, `sql`, `markdown` or `html`, with a line end at the end."""
    from engine.plan import pages, script, text

    match form:
        case "json":
            return json.dumps(plan_document(result, heading), indent=2) + "\n"
        case "sql":
            return script.render(result.plan, heading)
        case "markdown":
            return pages.markdown(result.plan, heading)
        case "html":
            return pages.html(result.plan, heading)
        case _:
            return text.render(result.plan, heading)


def plan_document(result: PlanResult, heading: Heading) -> dict[str, Any]:
    """Return the JSON document of a plan, with the warnings that do not stand in its way."""
    from engine.lint import machine
    from engine.lint.base import registry
    from engine.plan.document import document

    names = {rule.id: rule.name for rule in registry()}
    found = machine.document(result.diagnostics, len(result.plan.migrations), names)
    return {**document(result.plan, current_version=heading.current), "findings": found["findings"]}


def warnings(diagnostics: Iterable[Diagnostic]) -> list[str]:
    """Return the findings that a plan was made in spite of, as lines."""
    from engine.lint.report import finding

    return [line for diagnostic in diagnostics for line in (*finding(diagnostic), "")]


def heading(project: Project) -> Heading:
    """Return what stands above a plan for `project`."""
    from engine import app

    if project.url is None or project.dialect_name:
        return Heading()
    return Heading(project.url.display, app.current_version(project))


def resized(plan: Plan, size: int) -> Plan:
    """Return `plan` with `--batch-size` in place of what the specs say."""
    return replace(
        plan,
        migrations=tuple(
            replace(
                m,
                units=tuple(replace(u, loop=replace(u.loop, size=size)) if u.loop else u for u in m.units),
            )
            for m in plan.migrations
        ),
    )
