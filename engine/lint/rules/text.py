"""SP: what the text of a spec itself gives away. SP106 SP109."""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.credentials import credentials
from engine.errors import Problem
from engine.lint.base import Found, Rule, SpecView
from engine.source import Source, Span


def _secret(view: SpecView) -> Iterable[Found]:
    source = view.spec.source
    seen: set[int] = set()
    for words, start, end in credentials(source.text):
        if start in seen:
            continue
        seen.add(start)
        span = span_of(source, start, end)
        masked = source.text[start : start + 2] + "…"
        yield span, Problem("SP109", f"this looks like {words} ({masked})", subject=words)


def span_of(source: Source, start: int, end: int) -> Span:
    """Return the place of a stretch of a source's text, within one line."""
    line = source.text.count("\n", 0, start) + 1
    column = start - (source.text.rfind("\n", 0, start) + 1) + 1
    return Span(source, line, column, line, column + end - start)


def _unused(view: SpecView) -> Iterable[Found]:
    spec = view.spec
    used = set(re.findall(r"[A-Za-z_]\w*", " ".join(re.findall(r"\{[{%](.*?)[%}]\}", spec.source.text, re.DOTALL))))
    for path, (key, _) in spec.spans.items():
        if len(path) == 2 and path[0] == "vars" and str(path[1]) not in used:
            yield key, Problem("SP106", f"no template reads `{path[1]}`", subject=str(path[1]))


RULES = (
    Rule(
        "SP106",
        "unused-template-variable",
        "warning",
        "A variable is declared under `vars`, and no template reads it.",
        "Often its name is spelled otherwise where it is meant.",
        "Take it out, or use it.",
        'vars: {legacy: old}\nsteps:\n  - transform: {table: a, set: {b: {value: old}}, where: "b IS NULL"}',
        'vars: {legacy: old}\nsteps:\n  - transform: {table: a, set: {b: {value: "{{ legacy }}"}}, where: "b IS NULL"}',
        check_spec=_unused,
    ),
    Rule(
        "SP109",
        "secret-in-spec",
        "error",
        "A value looks like a credential.",
        "Specs are committed, and the plan is kept in the history.",
        "Take the secret out, and change it: it was written down. The engine's URL comes from the environment.",
        'steps:\n  - insert: {into: a, rows: [{id: 1, b: "postgresql://shop:hunter2@db/shop"}]}',
        'steps:\n  - insert: {into: a, rows: [{id: 1, b: "postgresql://db/shop"}]}',
        check_spec=_secret,
        needs_reason=True,
    ),
)
