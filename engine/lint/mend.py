"""What would mend a finding: its edits, whole files with all safe edits made, and their difference as text."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence

from engine.errors import Diagnostic
from engine.lint.base import Fix, find
from engine.lint.edits import Edit, apply, replacement
from engine.source import Source, visible


def mending(diagnostic: Diagnostic) -> tuple[Fix, tuple[Edit, ...]]:
    """Return how a finding can be mended: by `--fix` (auto), by a patch to accept (suggest), or not ("")."""
    rule = find(diagnostic.rule)
    if diagnostic.span is None or not diagnostic.span.source.text:
        return "", ()
    if rule is not None and rule.mend is not None:
        try:
            edits = tuple(rule.mend(diagnostic))
        except Exception:  # a rule that fails to mend still finds
            edits = ()
        return (rule.fix, edits) if edits else ("", ())
    edits = replacement(diagnostic)
    return ("suggest", edits) if edits else ("", ())


def mended(diagnostics: Iterable[Diagnostic]) -> Iterator[tuple[Source, str]]:
    """Yield each file that safe edits change, with its text after them."""
    edits: dict[Source, list[Edit]] = {}
    for diagnostic in diagnostics:
        kind, found = mending(diagnostic)
        if kind == "auto":
            for edit in found:
                edits.setdefault(edit.span.source, []).append(edit)
    for source in sorted(edits, key=lambda s: s.name):
        text = apply(source.text, edits[source])
        if text != source.text:
            yield source, text


def diff(name: str, before: str, after: str) -> str:
    """Return the difference of two texts of one file, as `diff -u` writes it."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{name}", f"b/{name}"
    )
    shown = (line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return "".join(f"{visible(line[:-1])}\n" for line in shown)


def patch(edits: Sequence[Edit]) -> list[str]:
    """Return edits of one place as lines to take away and to put there, without context; none for one word."""
    sources = {edit.span.source for edit in edits}
    if len(sources) != 1:
        return []
    (source,) = sources
    before, after = source.text.split("\n"), apply(source.text, edits).split("\n")
    lines = difflib.unified_diff(before, after, n=0, lineterm="")
    shown = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
    return [f"{line[0]} |{visible(line[1:].removesuffix(chr(13)))}" for line in shown]
