"""Findings in words: with caret, in one line each, and the pages of the rules.

The forms for programs are in `machine.py`; `render` knows them all. The same
findings give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from engine.errors import Diagnostic, Severity
from engine.lint.base import Rule
from engine.source import caret, visible

FORMATS = ("text", "concise", "json", "github", "gitlab", "sarif", "junit")
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


def render(form: str, diagnostics: Sequence[Diagnostic], files: int, rules: Sequence[Rule] = ()) -> str:
    """Return findings in one of `FORMATS`, with a line end at the end.

    Args:
        form: one of `FORMATS`.
        diagnostics: the findings, in the order to show them.
        files: number of files that were read.
        rules: all rules, for names and pages.
    """
    if form in ("text", "concise"):  # a terminal wants an answer at once: nothing else is imported
        return (text if form == "text" else concise)(diagnostics, files)
    from engine.lint import machine

    names = {rule.id: rule.name for rule in rules}
    forms: dict[str, Callable[[], str]] = {
        "json": lambda: machine.json_text({"schema_version": 1, **machine.document(diagnostics, files, names)}),
        "github": lambda: machine.github(diagnostics, names) + summary(diagnostics, files) + "\n",
        "gitlab": lambda: machine.gitlab(diagnostics, names),
        "sarif": lambda: machine.sarif(diagnostics, rules),
        "junit": lambda: machine.junit(diagnostics, files, names),
    }
    return forms[form]()


def text(diagnostics: Sequence[Diagnostic], files: int) -> str:
    """Return findings with the line they are on, a caret, the hint, and a summary."""
    blocks = ["\n".join(finding(d)) for d in diagnostics]
    return "\n\n".join([*blocks, summary(diagnostics, files)]) + "\n"


def finding(diagnostic: Diagnostic) -> Iterator[str]:
    """Yield the lines of one finding."""
    head = f"{diagnostic.severity}[{diagnostic.rule}]: {visible(diagnostic.message)}{_bindings(diagnostic)}"
    if diagnostic.span is None:
        yield head
    else:
        yield f"{visible(str(diagnostic.span))}: {head}"
        yield from caret(diagnostic.span).split("\n")
    if diagnostic.hint:
        first, *rest = diagnostic.hint.split("\n")
        yield f"     = hint: {visible(first)}"
        yield from (f"             {visible(line)}" for line in rest)
    yield from _patch(diagnostic)
    for other in diagnostic.related:
        yield f"     = note: {visible(str(other.span))}: {visible(other.message)}"
        yield from caret(other.span).split("\n")
    if diagnostic.also:
        yield f"     = also: {', '.join(diagnostic.also)}"


def _patch(diagnostic: Diagnostic) -> Iterator[str]:
    """Yield the lines that would mend it, unless the hint says the one word already."""
    from engine.lint.edits import replacement
    from engine.lint.mend import mending, patch

    kind, edits = mending(diagnostic)
    if not kind or edits == replacement(diagnostic):
        return
    label = "fix" if kind == "auto" else "patch"
    for number, line in enumerate(patch(edits)):
        head = f"     = {label}:" if number == 0 else " " * (8 + len(label))
        yield f"{head} {line}"
    if kind == "auto":
        yield "             (`engine lint --fix` writes it)"


def concise(diagnostics: Sequence[Diagnostic], files: int) -> str:
    """Return findings in one line each, `file:line:column: severity[rule]: message`, and a summary."""
    lines = []
    for d in diagnostics:
        place = f"{visible(str(d.span))}: " if d.span else ""
        hint = f" ({visible(d.hint)})" if d.hint else ""
        lines.append(f"{place}{d.severity}[{d.rule}]: {visible(d.message)}{_bindings(d)}{hint}")
    return "\n".join([*lines, summary(diagnostics, files)]) + "\n"


def summary(diagnostics: Iterable[Diagnostic], files: int) -> str:
    """Return the last line: how many of each severity, in how many files."""
    found = [d.severity for d in diagnostics]
    parts = [_count(found.count(severity), severity) for severity in SEVERITIES if severity in found]
    return f"{', '.join(parts) or 'no findings'} in {_count(files, 'file')}"


def _count(number: int, noun: str) -> str:
    plural = noun if number == 1 or noun == "info" else f"{noun}s"
    return f"{number} {plural}"


def _bindings(diagnostic: Diagnostic) -> str:
    if not diagnostic.bindings:
        return ""
    return f" (for {', '.join(f'{visible(name)} = {visible(value)}' for name, value in diagnostic.bindings)})"


# ── rules ─────────────────────────────────────────────────────────────────
def list_rules(rules: Sequence[Rule]) -> str:
    """Return one line per rule: id, severity, name, what it finds."""
    width = max((len(rule.name) for rule in rules), default=0)
    return "".join(f"{r.id}  {r.severity:<7}  {r.name:<{width}}  {r.summary}\n" for r in rules)


def explain(rule: Rule) -> str:
    """Return the page of one rule, with a bad and a good spec where it has them."""
    lines = [f"{rule.id} {rule.name} ({rule.severity})", "", rule.summary, "", f"Why: {rule.reason}"]
    lines.append(f"Instead: {rule.instead}")
    for title, example in (("Bad", rule.bad), ("Good", rule.good)):
        if example:
            lines += ["", f"{title}:", *(f"    {line}" for line in example.split("\n"))]
    lines += ["", _ignoring(rule)]
    return "\n".join(lines) + "\n"


def _ignoring(rule: Rule) -> str:
    if rule.final:
        return "It can't be ignored: without it a plan could not be made or trusted."
    reason = "reason: why it is right here" if rule.needs_reason else "reason: why"
    return f"To ignore it, in the step or the spec:  ignore: [{{rule: {rule.id}, {reason}}}]"
