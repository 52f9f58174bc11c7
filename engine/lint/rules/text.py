"""SP: what the text of a spec itself gives away. SP106 SP108 SP109."""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.credentials import credentials
from engine.errors import Diagnostic, Problem
from engine.lint.base import Found, Rule, SpecView
from engine.lint.edits import Edit, replace_text
from engine.lint.story import scenes
from engine.lint.texts import fragments
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


# ── SP108 ─────────────────────────────────────────────────────────────────
_BARE = re.compile(r"(?P<open>'?)\{\{-?\s*(?P<name>[A-Za-z_][\w.]*)\s*-?\}\}(?P<close>'?)")
_BEFORE_NAME = re.compile(r"(?:\b(?:from|join|into|update|table|on)\s+|\.)$", re.IGNORECASE)


def _unquoted(view: SpecView) -> Iterable[Found]:
    """Templates in SQL that quote neither a value nor a name; numbers need none."""
    source = view.spec.source
    if "{{" not in source.text:
        return
    seen: set[Span] = set()
    for scene in scenes(view):
        known = {**view.spec.variables, **dict(scene.fact.step.bindings)}
        for change in scene.fact.changes:
            for said in fragments(change):
                span = scene.fact.step.span(said.path)
                if span is None or span in seen or span.source is not source:
                    continue
                seen.add(span)
                start, end = _offset(source, span.line, span.column), _offset(source, span.end_line, span.end_column)
                for bare in _BARE.finditer(source.text, start, end):
                    name = bare["name"]
                    if _is_number(known.get(name)):
                        continue
                    place = span_of(source, bare.start(), bare.end())
                    amid = "" if bare["open"] and bare["close"] else bare["open"] + bare["close"]
                    filter = "ident" if _BEFORE_NAME.search(source.text[start : bare.start()]) else "literal"
                    words = (
                        f"`{name}` goes into this SQL as it is: a quote in it ends the text, or changes what it says"
                    )
                    hint = f"write `{{{{ {name} | {filter} }}}}`"
                    yield place, Problem("SP108", words, hint=hint if not amid else _WHOLE, subject=name)


_WHOLE = "make the whole text a variable, and write `| literal` behind it, without quotes around"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) or bool(re.fullmatch(r"-?\d+(\.\d+)?", str(value)))


def _offset(source: Source, line: int, column: int) -> int:
    start = 0
    for _ in range(line - 1):
        start = source.text.index("\n", start) + 1
    return start + column - 1


def _filtered(told: Diagnostic) -> Iterable[Edit]:
    wanted = re.fullmatch(r"write `(\{\{ .* \}\})`", told.hint)
    return replace_text(told.span, wanted[1]) if wanted and told.span else ()


RULES = (
    Rule(
        "SP108",
        "template-built-identifier",
        "warning",
        "A template in SQL says neither `| literal` nor `| ident`, and its value is no number.",
        "A quote in the value ends the text, and what follows is read as SQL.",
        "Write `{{ name | literal }}` for a value, `{{ name | ident }}` for a name, without quotes around.",
        "vars: {who: anna}\nsteps:\n  - delete: {from: a, where: \"b = '{{ who }}'\"}",
        'vars: {who: anna}\nsteps:\n  - delete: {from: a, where: "b = {{ who | literal }}"}',
        check_spec=_unquoted,
        fix="suggest",
        mend=_filtered,
    ),
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
