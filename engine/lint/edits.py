"""Text edits that mend a finding: made from the tree of the file as it is written.

A rule's `mend` gets a finding and returns edits; it says what belongs where
and leaves brackets, indentation and quotes to this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from engine.errors import Diagnostic
from engine.source import Source, Span
from engine.spec.nodes import List, Map, Node
from engine.spec.reader import read

_QUOTED = re.compile(r'write ("[^"\\]*")')
_MEANT = re.compile(r"did you mean `([^`]+)`\?")


@dataclass(frozen=True, slots=True)
class Edit:
    """A stretch of a source and the text that takes its place; an empty stretch inserts."""

    span: Span
    text: str


def replacement(diagnostic: Diagnostic) -> tuple[Edit, ...]:
    """Return the edit that puts the name a hint offers (did you mean `x`?) in the place of the wrong one."""
    span = diagnostic.span
    meant = _MEANT.search(diagnostic.hint)
    if span is None or meant is None or span.line != span.end_line:
        return ()
    there = span.source.line(span.line)[span.column - 1 : span.end_column - 1]
    quote = there[:1] if there[:1] in "\"'" else ""
    if not re.fullmatch(r"[\w.-]+", there.strip("\"'")):
        return ()  # an expression: the wrong name is only a part of it
    return (Edit(span, f"{quote}{meant[1]}{quote}"),)


def replace_text(span: Span, text: str) -> tuple[Edit, ...]:
    """Return the edit that puts `text` in the place of a stretch."""
    return (Edit(span, text),)


def reword(span: Span, pattern: str, new: str) -> tuple[Edit, ...]:
    """Return the edit that puts `new` in the place of what `pattern` finds first at a place of one line.

    Args:
        pattern: a regular expression; case does not matter.
        new: as in `re.sub`.
    """
    if span.line != span.end_line:
        return ()
    there = span.source.line(span.line)[span.column - 1 : span.end_column - 1]
    said = re.sub(pattern, new, there, count=1, flags=re.IGNORECASE)
    return (Edit(span, said),) if said != there else ()


def add_key(span: Span, key: str, value: str) -> tuple[Edit, ...]:
    """Return the edit that adds `key: value` at the end of a mapping.

    Args:
        span: place of the mapping, or of the key that it is the value of.
        key: must not be there yet; if it is, nothing is returned.
        value: as it is written, one line.
    """
    found = _at(span)
    if found is None or found.get(key) is not None or not found.entries:
        return ()
    last = _end(found.entries[-1][1])
    if found.flow:
        return (Edit(_point(span.source, *last), f", {key}: {value}"),)
    indent = " " * (found.entries[0][0].span.column - 1)
    whole = len(span.source.line(last[0])) + 1  # behind a comment
    return (Edit(_point(span.source, last[0], whole), f"\n{indent}{key}: {value}"),)


def add_beside(span: Span, key: str, value: str) -> tuple[Edit, ...]:
    """Return the edit that adds `key: value` to the mapping that a key stands in (`undo` beside `sql`)."""
    for found in _maps(_tree(span.source)):
        if any(name.span == span for name, _ in found.entries):
            return add_key(found.span, key, value)
    return ()


def remove_key(span: Span, key: str) -> tuple[Edit, ...]:
    """Return the edit that takes `key` and its value out of a mapping, with the line where nothing else stands on it.

    Args:
        span: place of the key or of its value; where another key stands there, nothing is returned.
        key: must have a value of one line and not be the mapping's only key.
    """
    for found in _maps(_tree(span.source)):
        for place, (name, value) in enumerate(found.entries):
            if name.text != key or span not in (name.span, value.span) or len(found.entries) == 1:
                continue
            end = _end(value)
            if end[0] != name.span.line:
                return ()
            return (_without(found, place, end),)
    return ()


def quote_as_told(diagnostic: Diagnostic) -> tuple[Edit, ...]:
    """Return the edit that puts a word in the quotes that a hint shows (write "010")."""
    told = _QUOTED.fullmatch(diagnostic.hint)
    span = diagnostic.span
    if told is None or span is None or span.line != span.end_line:
        return ()
    there = span.source.line(span.line)[span.column - 1 : span.end_column - 1]
    return (Edit(span, told[1]),) if there == told[1][1:-1] else ()


def apply(text: str, edits: Sequence[Edit]) -> str:
    """Return `text` with all `edits` of it; of two that meet, the first in the text is taken."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)

    def offset(line: int, column: int) -> int:
        return starts[line - 1] + column - 1

    placed = {(offset(e.span.line, e.span.column), offset(e.span.end_line, e.span.end_column), e.text) for e in edits}
    made: list[str] = []
    rest = 0
    for first, last, new in sorted(placed):
        if first >= rest and (not made or first > rest or last > first):
            made += [text[rest:first], new.replace("\n", "\r\n") if "\r\n" in text else new]
            rest = last
    return "".join([*made, text[rest:]])


@lru_cache(maxsize=4)
def _tree(source: Source) -> Node | None:
    return read(source)[0]


def _maps(node: Node | None) -> Iterator[Map]:
    if isinstance(node, Map):
        yield node
        for _, value in node.entries:
            yield from _maps(value)
    elif isinstance(node, List):
        for item in node.items:
            yield from _maps(item)


def _at(span: Span) -> Map | None:
    """Return the mapping at `span`, or the one that is the value of the key at `span`."""
    for found in _maps(_tree(span.source)):
        if found.span == span:
            return found
        for name, value in found.entries:
            if name.span == span and isinstance(value, Map):
                return value
    return None


def _without(found: Map, place: int, end: tuple[int, int]) -> Edit:
    """Return the edit that takes one entry of several out of a mapping."""
    name = found.entries[place][0]
    source, line = name.span.source, name.span.line
    if found.flow:
        if place + 1 < len(found.entries):
            after = found.entries[place + 1][0].span
            return Edit(Span(source, line, name.span.column, after.line, after.column), "")
        return Edit(Span(source, *_end(found.entries[place - 1][1]), *end), "")
    if place:  # the whole line, and its break
        above = len(source.line(line - 1)) + 1
        return Edit(Span(source, line - 1, above, line, len(source.line(line)) + 1), "")
    after = found.entries[1][0].span
    return Edit(Span(source, line, name.span.column, after.line, after.column), "")


def _end(node: Node) -> tuple[int, int]:
    """Return line and column after the last character of a node, without the lines below a block."""
    if not getattr(node, "flow", True):
        entries = [value for _, value in node.entries] if isinstance(node, Map) else list(getattr(node, "items", ()))
        return _end(entries[-1]) if entries else (node.span.end_line, node.span.end_column)
    line, column = node.span.end_line, node.span.end_column
    if getattr(node, "block", ""):
        source = node.span.source
        while line > node.span.line and (column == 1 or not source.line(line)[: column - 1].strip()):
            line -= 1
            column = len(source.line(line)) + 1
    return line, column


def _point(source: Source, line: int, column: int) -> Span:
    return Span(source, line, column, line, column)
