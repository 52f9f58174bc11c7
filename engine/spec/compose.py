"""YAML's events to the node tree, with spans; what could hide or explode is refused.

Events and not PyYAML's own nodes: so depth, aliases and documents are judged
before anything is built, without recursion, and positions stay exact.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

from engine.errors import Diagnostic
from engine.source import Source, describe
from engine.spec import traps
from engine.spec.assemble import Frame, Notes, Placed, Unreadable, is_open, joined_items, mapping
from engine.spec.characters import ESCAPE, NEVER, Masked
from engine.spec.margin import out_of_line
from engine.spec.nodes import List, Node, Scalar
from engine.spec.scalars import resolve, too_long

DEEPEST = 64
"""Levels of nesting."""

MOST = 200_000
"""Keys and values of one file."""

MOST_BY_ALIAS = 10_000
"""Nodes that all aliases of a file may stand for, each counted as often as it appears."""

_NEVER_IN_NAMES = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Composer:
    """Builds the tree of one source.

    The tree is repaired where it is plain what was meant, so that one mistake
    is not told twice.
    """

    def __init__(self, source: Source, masked: Masked) -> None:
        self.masked = masked
        self.text = masked.text
        self._notes = Notes(source, masked.text)
        self._stack: list[Frame] = []
        self._anchors: dict[str, Placed | None] = {}
        self._lonely: dict[str, Placed] = {}
        self._by_alias = 0
        self._count = 0
        self._kept: list[tuple[int, int]] = []
        self._root: Placed | None = None
        self._last: int | None = None

    @property
    def found(self) -> list[Diagnostic]:
        """What is wrong so far."""
        return self._notes.found

    def compose(self) -> Node | None:
        """Return the root, or None for a file without content.

        Raises:
            Unreadable: nothing can be built.
        """
        for event in self._events():
            self._take(event)
        for anchored in self._lonely.values():
            if isinstance(anchored.node, Scalar):
                self._notes.trapped(traps.opening(self.text, anchored.start, anchored.end))
        self._check_breaks()
        return self._root.node if self._root else None

    # ── events ────────────────────────────────────────────────────────────
    def _events(self) -> Iterator[Any]:
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            yield from yaml.parse(self.text, Loader=loader)
        except yaml.MarkedYAMLError as error:
            raise Unreadable(self._broken(error)) from None
        except yaml.YAMLError as error:
            raise Unreadable(self._notes.refusal(0, 1, f"this is no YAML: {error}", traps.BELOW)) from None

    def _broken(self, error: Any) -> Diagnostic:
        """Return the diagnostic of a parser error."""
        mark = error.problem_mark or error.context_mark
        context = error.context_mark.index if error.context_mark else None
        problem = f"{error.context or ''}: {error.problem or ''}"
        opened = self._stack[-1].start if self._stack and self._stack[-1].flow else None
        trap = out_of_line(self.text, mark.index) if opened is None else None
        trap = trap or traps.explain(self.text, problem, mark.index, context, self._open_value(), opened)
        return self._notes.diagnostic(trap)

    def _open_value(self) -> int | None:
        """Return where the text began that the parser was on, as far as can be told.

        A text that a comma cut began with its first piece.
        """
        frame = self._stack[-1] if self._stack else None
        if frame and frame.flow:
            for part in reversed(frame.parts[1 if frame.mapping else 0 :: 2 if frame.mapping else 1]):
                if is_open(part.node):
                    return part.start
        return self._last

    def _take(self, event: Any) -> None:
        kind = type(event).__name__
        if kind == "ScalarEvent":
            self._scalar(event)
        elif kind in ("MappingStartEvent", "SequenceStartEvent"):
            self._open(event, kind == "MappingStartEvent")
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            self._close(event)
        elif kind == "AliasEvent":
            self._alias(event)
        elif kind == "DocumentStartEvent":
            self._document(event)

    def _document(self, event: Any) -> None:
        start = event.start_mark.index
        if self._root is not None:
            message = "a second document begins here; one file is one migration"
            raise Unreadable(self._notes.refusal(start, start + 3, message, "move it to a file of its own"))
        if event.tags or (event.version and tuple(event.version) != (1, 2)):
            message = "directives (`%YAML`, `%TAG`) have no place in a spec; it is read by YAML 1.2"
            self._notes.refuse(start, start + 1, message, "take the line out")

    def _open(self, event: Any, mapping: bool) -> None:
        start = event.start_mark.index
        if len(self._stack) >= DEEPEST:
            message = f"more than {DEEPEST} levels of nesting"
            raise Unreadable(self._notes.refusal(start, start + 1, message, "nest less"))
        self._tag(event)
        if event.anchor:
            self._anchors[event.anchor] = None
        as_key = bool(self._stack) and (self._stack[-1].key_next or self._stack[-1].as_key)
        self._stack.append(Frame(mapping, bool(event.flow_style), start, event.start_mark, event.anchor, as_key))

    def _close(self, event: Any) -> None:
        frame = self._stack.pop()
        parts = frame.parts
        end = event.end_mark.index if frame.flow else parts[-1].end if parts else frame.start
        span = self._notes.span(frame.start, end, frame.mark)
        node: Node
        if frame.mapping:
            node = mapping(frame, span, end, self._notes)
        else:
            items = parts if frame.as_key or not frame.flow else joined_items(parts, self._notes)
            node = List(span, tuple(p.node for p in items), frame.flow)
        placed = Placed(node, frame.start, end, 1 + sum(p.size for p in parts))
        if frame.anchor:
            self._anchors[frame.anchor] = placed
        self._put(placed)

    def _put(self, placed: Placed) -> None:
        self._count += 1
        if self._count > MOST:
            message = f"the file has more than {MOST:,} keys and values"
            hint = "put rows in a CSV file and `load` them, or split the migration"
            raise Unreadable(self._notes.refusal(placed.start, placed.end, message, hint))
        if self._stack:
            frame = self._stack[-1]
            if not frame.key_next:
                self._last = placed.start
            frame.parts.append(placed)
        else:
            self._root = placed
            self._last = placed.start

    def _alias(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        target = self._anchors.get(event.anchor)
        self._lonely.pop(event.anchor, None)
        if event.anchor in self._anchors and target is None:
            message = f"`*{event.anchor}` stands inside what it refers to"
            raise Unreadable(self._notes.refusal(start, end, message, "write out what is meant"))
        if target is None:
            self._notes.trapped(traps.opening(self.text, start, end))
            span = self._notes.span(start, end, event.start_mark)
            text = self.text[start:end]
            self._put(Placed(Scalar(span, text, False, text), start, end))
            return
        self._by_alias += target.size
        if self._by_alias > MOST_BY_ALIAS:
            message = f"the references of this file stand for more than {MOST_BY_ALIAS:,} values"
            raise Unreadable(self._notes.refusal(start, end, message, "write out what is meant"))
        self._put(Placed(target.node, start, end, target.size))

    def _tag(self, event: Any) -> str:
        """Report a tag; return the text that was probably meant, or ""."""
        if not event.tag:
            return ""
        start = event.start_mark.index
        stop = traps.end_of_text(self.text, start, bool(self._stack) and self._stack[-1].flow)
        if type(event).__name__ == "ScalarEvent" and not event.tag.startswith("tag:"):
            self._notes.trapped(traps.opening(self.text, start, stop))
            return self.text[start:stop]
        stop = start + len(self.text[start:stop].split(" ")[0])
        message = f"the tag `{self.text[start:stop][:60]}` has no place in a spec"
        self._notes.refuse(start, stop, message, "take it out; a text needs no tag, only quotes")
        return ""

    # ── scalars ───────────────────────────────────────────────────────────
    def _scalar(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        style = event.style or ""
        key = bool(self._stack) and self._stack[-1].key_next
        plain = style == ""
        if style in ("|", ">"):
            end = start + len(self.text[start:end].rstrip())
        span = self._notes.span(start, end, event.start_mark)
        text = self._tag(event) or self.masked.restore(event.value)
        if style in ("'", '"'):
            self._kept.append((start, end))
        self._characters(text, start, end, key)
        if plain and too_long(text):
            message = f"a number of {len(text):,} characters"
            self._notes.refuse(start, end, message, "no database holds it; a text needs quotes")
        empty = plain and text == ""
        value, surprise = (None, "") if empty else resolve(text) if plain else (text, "")
        trap = "" if key else self._trap(start, end, style, empty)
        block = style if style in ("|", ">") else ""
        placed = Placed(Scalar(span, text, plain, value, surprise, block, empty, trap), start, end)
        if event.anchor:
            self._anchors[event.anchor] = placed
            self._lonely[event.anchor] = placed
        self._put(placed)

    def _trap(self, start: int, end: int, style: str, empty: bool) -> str:
        if style == "" and (found := traps.comment(self.text, end, empty=empty)):
            return found
        if style != "|" and "\n" in self.text[start:end]:
            return traps.folded_comment(self.text[start:end])
        return ""

    def _characters(self, text: str, start: int, end: int, key: bool) -> None:
        bad = (_NEVER_IN_NAMES if key else NEVER).search(text)
        if bad:
            message = f"the {describe(bad.group())} may not stand in a {'name' if key else 'value'}"
            self._notes.refuse(start, end, message, "take it out")

    def _check_breaks(self) -> None:
        """Report a line break that editors do not show and that stands outside quotes."""
        found = self._hidden()
        if found:
            self._notes.keep(found)

    def _hidden(self) -> Diagnostic | None:
        starts = [start for start, _ in self._kept]
        for offset in self.masked.places():
            before = bisect_right(starts, offset) - 1
            if before < 0 or offset >= self._kept[before][1]:
                name = describe(self.masked.restore(self.text[offset]))
                return self._notes.refusal(offset, offset + 1, f"the {name} may not stand outside quotes", ESCAPE)
        return None

    def hidden_before(self, last: Diagnostic) -> Diagnostic:
        """Return the hidden line break that stands before the end of what could not be read, else `last`."""
        found = self._hidden()
        if found is None or found.span is None or last.span is None:
            return last
        end = (last.span.end_line, last.span.end_column)
        return found if (found.span.line, found.span.column) < end else last
