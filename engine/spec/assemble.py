"""A mapping or list as YAML's events gave it, to a node: repaired where people meant something else."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import Any

from engine.errors import Diagnostic, Related
from engine.source import Source, Span
from engine.spec import traps
from engine.spec.characters import place
from engine.spec.nodes import Map, Node, Scalar

_MOST_FOUND = 100
_MOST_PIECES = 16


class Unreadable(Exception):
    """The tree can't be built; the diagnostic says why."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


@dataclass(slots=True)
class Placed:
    """A node with its stretch of the text and the number of nodes in it."""

    node: Node
    start: int
    end: int
    size: int = 1


@dataclass(slots=True)
class Frame:
    """A mapping or list that is still open."""

    mapping: bool
    flow: bool
    start: int
    mark: Any
    anchor: str | None
    as_key: bool
    parts: list[Placed] = field(default_factory=list)

    @property
    def key_next(self) -> bool:
        """True where the next part is a key."""
        return self.mapping and len(self.parts) % 2 == 0


@dataclass(slots=True)
class Notes:
    """What is wrong so far with one source, and where its offsets are."""

    source: Source
    text: str
    found: list[Diagnostic] = field(default_factory=list)

    def span(self, start: int, end: int, mark: Any = None) -> Span:
        """Return the span of two offsets; `mark` spares counting lines up to `start`."""
        line, column = (mark.line + 1, mark.column + 1) if mark else place(self.text, start)
        lines = self.text.count("\n", start, end)
        if not lines:
            return Span(self.source, line, column, line, column + end - start)
        return Span(self.source, line, column, line + lines, end - self.text.rfind("\n", start, end))

    def refusal(self, start: int, end: int, message: str, hint: str) -> Diagnostic:
        """Return SP101 for a stretch of the text."""
        return Diagnostic("SP101", "error", message, self.span(start, end), hint)

    def refuse(self, start: int, end: int, message: str, hint: str) -> None:
        """Keep SP101 for a stretch of the text."""
        self.keep(self.refusal(start, end, message, hint))

    def keep(self, found: Diagnostic) -> None:
        """Keep a diagnostic.

        Raises:
            Unreadable: there are so many that nobody reads on.
        """
        if len(self.found) >= _MOST_FOUND:
            raise Unreadable(found)
        self.found.append(found)

    def diagnostic(self, trap: traps.Trap) -> Diagnostic:
        """Return SP101 for a trap."""
        return self.refusal(trap.start, trap.end, trap.message, trap.hint)

    def trapped(self, trap: traps.Trap) -> None:
        """Keep SP101 for a trap."""
        self.keep(self.diagnostic(trap))


def mapping(frame: Frame, span: Span, end: int, notes: Notes) -> Node:
    """Return the node of a mapping that ended at `end`: a text where it was a template without quotes.

    Keys that are no names, and those that stand twice, are reported and left out.
    """
    keys, values = frame.parts[::2], frame.parts[1::2]
    if not frame.as_key and _is_template(frame, keys, values):
        notes.trapped(traps.template_without_quotes(notes.text, frame.start, end))
        text = notes.text[frame.start : end]
        return Scalar(span, text, True, text)
    entries: list[tuple[Scalar, Node]] = []
    seen: dict[object, Scalar] = {}
    pairs = deque(zip(keys, values, strict=True))
    while pairs:
        key, value = pairs.popleft()
        if frame.flow and not frame.as_key and is_open(value.node):
            value = _joined_value(value, pairs, notes)
        name = key.node
        if not isinstance(name, Scalar):
            message = "a key must be a name; this one is a list or a mapping"
            notes.refuse(key.start, key.end, message, "a text needs quotes")
        elif name.plain and name.text == "<<":
            message = "`<<` merges mappings in YAML 1.1 and is not read here"
            notes.refuse(key.start, key.end, message, "write the keys out")
        elif name.empty:
            notes.refuse(key.start, key.start + 1, "a `:` without a key", "write the key")
        elif not _twice(name, seen, notes):
            entries.append((name, value.node))
    return Map(span, tuple(entries), frame.flow)


def _twice(name: Scalar, seen: dict[object, Scalar], notes: Notes) -> bool:
    """Report a key that the mapping has already, as the same text or the same number."""
    number = None if isinstance(name.value, (str, bool)) or name.value is None else ("number", name.value)
    first = seen.get(name.text) or (seen.get(number) if number else None)
    if first is None:
        seen[name.text] = name
        if number:
            seen[number] = name
        return False
    message = f"the key `{name.text}` stands here twice"
    related = (Related(f"`{first.text}` is here first", first.span),)
    hint = "take one of them out, or make one of the two"
    notes.keep(Diagnostic("SP103", "error", message, name.span, hint, related))
    return True


def _is_template(frame: Frame, keys: list[Placed], values: list[Placed]) -> bool:
    if not frame.flow or len(keys) != 1 or not isinstance(keys[0].node, Map):
        return False
    inner, value = keys[0], values[0].node
    return inner.start == frame.start + 1 and isinstance(value, Scalar) and value.empty


def joined_items(parts: list[Placed], notes: Notes) -> list[Placed]:
    """Return the items of a flow list, those joined that a comma cut in pieces."""
    items: list[Placed] = []
    rest = deque(parts)
    while rest:
        item = rest.popleft()
        if is_open(item.node):
            pieces = takewhile(lambda part: isinstance(part.node, Scalar), rest)
            item, taken = _joined(item, list(islice(pieces, _MOST_PIECES)), notes)
            for _ in range(taken):
                rest.popleft()
        items.append(item)
    return items


def _joined_value(value: Placed, rest: deque[tuple[Placed, Placed]], notes: Notes) -> Placed:
    """Return `value` with the keys that are its own text after a comma; they are taken from `rest`."""
    pieces = takewhile(lambda pair: isinstance(pair[1].node, Scalar) and pair[1].node.empty, rest)
    joined, taken = _joined(value, [key for key, _ in islice(pieces, _MOST_PIECES)], notes)
    for _ in range(taken):
        rest.popleft()
    return joined


def _joined(value: Placed, pieces: list[Placed], notes: Notes) -> tuple[Placed, int]:
    """Return `value` up to the piece that closes its parentheses, and how many pieces that took.

    Where none does, the parenthesis is just a character: nothing is taken.
    """
    for taken, piece in enumerate(pieces, start=1):
        if ")" not in notes.text[piece.start : piece.end]:
            continue
        text = notes.text[value.start : piece.end]
        if traps.balanced(text):
            notes.trapped(traps.split_at_comma(notes.text, value.start, piece.end))
            whole = Scalar(notes.span(value.start, piece.end), text, True, text)
            return Placed(whole, value.start, piece.end), taken
    return value, 0


def is_open(node: Node) -> bool:
    """Tell whether an unquoted text ends amid parentheses."""
    return isinstance(node, Scalar) and node.plain and "(" in node.text and not traps.balanced(node.text)
