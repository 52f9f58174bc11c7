"""The server's own look at a plan, before the first write: what it would refuse becomes findings at their places."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from engine.errors import Diagnostic
from engine.source import Source, Span

if TYPE_CHECKING:
    from engine.dialects.base import Catalogue
    from engine.dialects.rehearsal import Refused
    from engine.model.plan import Unit
    from engine.plan.compile import Fact
    from engine.spec.model import Step

_WORD = re.compile(r"[\w$]+|'(?:[^']|'')*'|\S")


def rehearsed(driver: object, catalogue: Catalogue, facts: Sequence[Fact]) -> tuple[Diagnostic, ...]:
    """Return what the database behind `driver` would refuse of the planned steps, whatever its rows are.

    Args:
        driver: a database that can rehearse; of any other nothing is found.
        catalogue: what the first step finds.
    """
    rehearse = getattr(driver, "rehearse", None)
    if rehearse is None:
        return ()
    units: list[Unit] = []
    owners: list[Fact] = []
    for fact in facts:
        units += fact.units
        owners += [fact] * len(fact.units)
    found: dict[tuple[str, str, str], Diagnostic] = {}
    for refused in rehearse(catalogue, units) if units else ():
        fact = owners[refused.unit]
        key = (fact.spec.version, fact.step.id, refused.message)
        found.setdefault(key, _finding(fact, refused))  # a count, a batch and a check all hold one expression
    return tuple(found.values())


def _finding(fact: Fact, refused: Refused) -> Diagnostic:
    words = f"the database refuses this: {refused.message}"
    span = place(fact.step, refused.sql, refused.at)
    version, step = fact.spec.version, fact.step
    return Diagnostic(
        "SP110", "error", words, span, refused.hint, version=version, step=step.id, bindings=step.bindings
    )


def place(step: Step, sql: str, at: int) -> Span | None:
    """Return where in a step the text stands at which a server points; the step itself where that can't be told.

    Args:
        sql: the statement: expressions are in it as the spec has them, or translated.
        at: where in `sql` the server points; -1 for nowhere: the longest piece that the step has too is meant.
    """
    wanted = [m[0].lower() for m in _WORD.finditer(sql, max(at, 0))][:300]
    starts = (0,) if at >= 0 else range(len(wanted))
    best, least = step.span(), 0 if at >= 0 else 2
    for span in {value for path, (_, value) in step.spans.items() if len(path) > 1}:
        for words, found in _words(span):
            for start in starts:
                length = 0
                while length < min(len(wanted) - start, len(words)) and words[length] == wanted[start + length]:
                    length += 1
                if length > least:
                    best, least = found, length
    return best


def _words(span: Span) -> Iterator[tuple[list[str], Span]]:
    """Yield what stands in a span from each of its words on, with that word's place."""
    source: Source = span.source
    for number in range(span.line, span.end_line + 1):
        line = source.line(number)
        begin = span.column - 1 if number == span.line else 0
        end = span.end_column - 1 if number == span.end_line else len(line)
        found = list(_WORD.finditer(line, begin, end))
        texts = [m[0].lower() for m in found]
        for n, match in enumerate(found):
            yield texts[n:], Span(source, number, match.start() + 1, number, match.end() + 1)
