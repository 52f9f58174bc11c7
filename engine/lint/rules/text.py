"""SP: what the text of a spec itself gives away. SP106 SP109."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from engine.errors import Problem
from engine.lint.base import Found, Rule, SpecView
from engine.source import Source, Span

_SECRETS = (
    ("a URL with a password", re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@\"'{}$]+:(?P<value>[^\s@/\"'{}$]+)@")),
    ("a private key", re.compile(r"(?P<value>-----BEGIN [A-Z ]*PRIVATE KEY-----)")),
    ("a key of AWS", re.compile(r"\b(?P<value>(?:AKIA|ASIA)[0-9A-Z]{16})\b")),
    ("a token of GitHub", re.compile(r"\b(?P<value>gh[pousr]_[A-Za-z0-9]{36,})\b")),
    ("a token of GitLab", re.compile(r"\b(?P<value>glpat-[A-Za-z0-9_-]{20,})")),
    ("a token of Slack", re.compile(r"\b(?P<value>xox[abprs]-[A-Za-z0-9-]{10,})")),
    ("a key of Stripe", re.compile(r"\b(?P<value>[rs]k_live_[A-Za-z0-9]{16,})")),
)
_NAMED = re.compile(
    r"(?i)\b[\w-]*(?:password|passwd|secret|token|api_?key)[\w-]*[\"']?\s*:\s*(?:\{\s*value\s*:\s*)?[\"']?"
    r"(?P<value>[A-Za-z0-9+/=_.-]{16,})"
)


def secrets(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield what looks like a credential: in words, where it begins, where it ends."""
    for words, pattern in _SECRETS:
        for match in pattern.finditer(text):
            yield words, match.start("value"), match.end("value")
    for match in _NAMED.finditer(text):
        value = match["value"]
        mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
        if mixed and len(set(value)) >= 10:
            yield "a password or a token", match.start("value"), match.end("value")


def _secret(view: SpecView) -> Iterable[Found]:
    source = view.spec.source
    seen: set[int] = set()
    for words, start, end in secrets(source.text):
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
