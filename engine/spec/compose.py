"""YAML's events to the node tree, with spans; what could hide or explode is refused.

Events and not PyYAML's own nodes: so depth, aliases and documents are judged
before anything is built, without recursion, and positions stay exact.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from engine.errors import Diagnostic, Related
from engine.source import Source, Span
from engine.spec import traps
from engine.spec.characters import Masked, describe, place
from engine.spec.nodes import List, Map, Node, Scalar
from engine.spec.scalars import resolve, too_long

DEEPEST = 64
"""Levels of nesting."""

MOST_BY_ALIAS = 10_000
"""Nodes that all aliases of a file may stand for, each counted as often as it appears."""


class Unreadable(Exception):
    """The tree can't be built; the diagnostic says why."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


@dataclass(slots=True)
class _Placed:
    """A node with its stretch of the text and the number of nodes in it."""

    node: Node
    start: int
    end: int
    size: int = 1


@dataclass(slots=True)
class _Frame:
    """A mapping or list that is still open."""

    mapping: bool
    flow: bool
    start: int
    mark: Any
    anchor: str | None
    as_key: bool
    parts: list[_Placed] = field(default_factory=list)

    @property
    def key_next(self) -> bool:
        return self.mapping and len(self.parts) % 2 == 0


class Composer:
    """Builds the tree of one source.

    Attributes:
        found: what is wrong so far; the tree is repaired where that is plain,
            so that one mistake is not told twice.
    """

    def __init__(self, source: Source, masked: Masked) -> None:
        self.source = source
        self.masked = masked
        self.text = masked.text
        self.found: list[Diagnostic] = []
        self._stack: list[_Frame] = []
        self._anchors: dict[str, _Placed | None] = {}
        self._lonely: dict[str, _Placed] = {}
        self._by_alias = 0
        self._kept: list[tuple[int, int]] = []
        self._root: _Placed | None = None
        self._last: int | None = None

    def compose(self) -> Node | None:
        """Return the root, or None for a file without content.

        Raises:
            Unreadable: nothing can be built.
        """
        for event in self._events():
            self._take(event)
        for anchored in self._lonely.values():
            if isinstance(anchored.node, Scalar):
                self._report(traps.opening(self.text, anchored.start, anchored.end))
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
            span = Span(self.source, 1, 1, 1, 2)
            raise Unreadable(Diagnostic("SP101", "error", f"this is no YAML: {error}", span)) from None

    def _broken(self, error: Any) -> Diagnostic:
        """Return the diagnostic of a parser error."""
        mark = error.problem_mark or error.context_mark
        context = error.context_mark.index if error.context_mark else None
        problem = f"{error.context or ''}: {error.problem or ''}"
        opened = self._stack[-1].start if self._stack and self._stack[-1].flow else None
        trap = traps.explain(self.text, problem, mark.index, context, self._open_value(), opened)
        return self._diagnostic(trap)

    def _open_value(self) -> int | None:
        """Return where the text began that the parser was on, as far as can be told.

        A text that a comma cut began with its first piece.
        """
        frame = self._stack[-1] if self._stack else None
        if frame and frame.flow:
            for part in reversed(frame.parts[1 if frame.mapping else 0 :: 2 if frame.mapping else 1]):
                if _is_open(part.node):
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
            raise Unreadable(self._plain(start, start + 3, message, "move it to a file of its own"))
        if event.tags or (event.version and tuple(event.version) != (1, 2)):
            message = "directives (`%YAML`, `%TAG`) have no place in a spec; it is read by YAML 1.2"
            self.found.append(self._plain(start, start + 1, message, "take the line out"))

    def _open(self, event: Any, mapping: bool) -> None:
        start = event.start_mark.index
        if len(self._stack) >= DEEPEST:
            message = f"more than {DEEPEST} levels of nesting"
            raise Unreadable(self._plain(start, start + 1, message, "nest less"))
        self._tag(event)
        if event.anchor:
            self._anchors[event.anchor] = None
        as_key = bool(self._stack) and (self._stack[-1].key_next or self._stack[-1].as_key)
        self._stack.append(_Frame(mapping, bool(event.flow_style), start, event.start_mark, event.anchor, as_key))

    def _close(self, event: Any) -> None:
        frame = self._stack.pop()
        parts = frame.parts
        end = event.end_mark.index if frame.flow else parts[-1].end if parts else frame.start
        span = self._span(frame.start, end, frame.mark)
        node: Node
        if frame.mapping:
            node = self._map(frame, span, end)
        else:
            items = parts if frame.as_key or not frame.flow else self._joined_items(parts)
            node = List(span, tuple(p.node for p in items), frame.flow)
        placed = _Placed(node, frame.start, end, 1 + sum(p.size for p in parts))
        if frame.anchor:
            self._anchors[frame.anchor] = placed
        self._put(placed)

    def _put(self, placed: _Placed) -> None:
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
            raise Unreadable(self._plain(start, end, message, "write out what is meant"))
        if target is None:
            self._report(traps.opening(self.text, start, end))
            span = self._span(start, end, event.start_mark)
            text = self.text[start:end]
            self._put(_Placed(Scalar(span, text, False, text), start, end))
            return
        self._by_alias += target.size
        if self._by_alias > MOST_BY_ALIAS:
            message = f"the references of this file stand for more than {MOST_BY_ALIAS:,} values"
            raise Unreadable(self._plain(start, end, message, "write out what is meant"))
        self._put(_Placed(target.node, start, end, target.size))

    def _tag(self, event: Any) -> str:
        """Report a tag; return the text that was probably meant, or ""."""
        if not event.tag:
            return ""
        start = event.start_mark.index
        stop = traps.end_of_text(self.text, start, bool(self._stack) and self._stack[-1].flow)
        if type(event).__name__ == "ScalarEvent" and not event.tag.startswith("tag:"):
            self._report(traps.opening(self.text, start, stop))
            return self.text[start:stop]
        stop = start + len(self.text[start:stop].split(" ")[0])
        message = f"the tag `{self.text[start:stop]}` has no place in a spec"
        self.found.append(self._plain(start, stop, message, "take it out; a text needs no tag, only quotes"))
        return ""

    # ── scalars ───────────────────────────────────────────────────────────
    def _scalar(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        style = event.style or ""
        key = bool(self._stack) and self._stack[-1].key_next
        plain = style == ""
        if style in ("|", ">"):
            end = start + len(self.text[start:end].rstrip())
        span = self._span(start, end, event.start_mark)
        text = self._tag(event) or self.masked.restore(event.value)
        if style in ("'", '"'):
            self._kept.append((start, end))
        self._characters(text, start, end, key)
        if plain and too_long(text):
            message = f"a number of {len(text):,} characters"
            self.found.append(self._plain(start, end, message, "no database holds it; a text needs quotes"))
        empty = plain and text == ""
        value, surprise = (None, "") if empty else resolve(text) if plain else (text, "")
        trap = "" if key else self._trap(start, end, style, empty)
        block = style if style in ("|", ">") else ""
        placed = _Placed(Scalar(span, text, plain, value, surprise, block, empty, trap), start, end)
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
        bad = next((c for c in text if c == "\x00" or "\ud800" <= c <= "\udfff"), "")
        if not bad and key:
            bad = next((c for c in text if ord(c) < 32 or 0x7F <= ord(c) < 0xA0), "")
        if bad:
            message = f"the {describe(bad)} may not stand in a {'name' if key else 'value'}"
            self.found.append(self._plain(start, end, message, "take it out"))

    # ── mappings and lists ────────────────────────────────────────────────
    def _map(self, frame: _Frame, span: Span, end: int) -> Node:
        keys, values = frame.parts[::2], frame.parts[1::2]
        if not frame.as_key and self._is_template(frame, keys, values):
            self._report(traps.template_without_quotes(self.text, frame.start, end))
            text = self.text[frame.start : end]
            return Scalar(span, text, True, text)
        entries: list[tuple[Scalar, Node]] = []
        seen: dict[object, Scalar] = {}
        pairs = deque(zip(keys, values, strict=True))
        while pairs:
            key, value = pairs.popleft()
            if frame.flow and not frame.as_key and _is_open(value.node):
                value = self._joined_value(value, pairs)
            name = key.node
            if not isinstance(name, Scalar):
                message = "a key must be a name; this one is a list or a mapping"
                self.found.append(self._plain(key.start, key.end, message, "a text needs quotes"))
            elif name.plain and name.text == "<<":
                message = "`<<` merges mappings in YAML 1.1 and is not read here"
                self.found.append(self._plain(key.start, key.end, message, "write the keys out"))
            elif name.empty:
                self.found.append(self._plain(key.start, key.start + 1, "a `:` without a key", "write the key"))
            elif not self._twice(name, seen):
                entries.append((name, value.node))
        return Map(span, tuple(entries), frame.flow)

    def _twice(self, name: Scalar, seen: dict[object, Scalar]) -> bool:
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
        self.found.append(Diagnostic("SP103", "error", message, name.span, hint, related))
        return True

    def _is_template(self, frame: _Frame, keys: list[_Placed], values: list[_Placed]) -> bool:
        if not frame.flow or len(keys) != 1 or not isinstance(keys[0].node, Map):
            return False
        inner, value = keys[0], values[0].node
        return inner.start == frame.start + 1 and isinstance(value, Scalar) and value.empty

    def _joined_value(self, value: _Placed, rest: deque[tuple[_Placed, _Placed]]) -> _Placed:
        """Return `value` with the keys that are its own text after a comma, and report it."""
        end = value.end
        while rest and isinstance(rest[0][1].node, Scalar) and rest[0][1].node.empty and not self._closed(value, end):
            end = rest.popleft()[0].end
        return self._joined(value, end)

    def _joined_items(self, parts: list[_Placed]) -> list[_Placed]:
        """Return the items of a flow list, those joined that a comma cut in pieces."""
        items: list[_Placed] = []
        rest = deque(parts)
        while rest:
            item = rest.popleft()
            if _is_open(item.node):
                end = item.end
                while rest and isinstance(rest[0].node, Scalar) and not self._closed(item, end):
                    end = rest.popleft().end
                item = self._joined(item, end)
            items.append(item)
        return items

    def _joined(self, value: _Placed, end: int) -> _Placed:
        if end == value.end:
            return value
        self._report(traps.split_at_comma(self.text, value.start, end))
        text = self.text[value.start : end]
        return _Placed(Scalar(self._span(value.start, end), text, True, text), value.start, end)

    def _closed(self, value: _Placed, end: int) -> bool:
        return traps.balanced(self.text[value.start : end])

    # ── places ────────────────────────────────────────────────────────────
    def _check_breaks(self) -> None:
        """Report line breaks that editors do not show and that stand outside quotes."""
        for offset in self.masked.places():
            if not any(start <= offset < end for start, end in self._kept):
                name = describe(self.source.text[offset])
                hint = 'take it out; where a value needs it, write it as an escape in double quotes, e.g. "\\u2028"'
                self.found.append(self._plain(offset, offset + 1, f"the {name} may not stand outside quotes", hint))
                return

    def _span(self, start: int, end: int, mark: Any = None) -> Span:
        line, column = (mark.line + 1, mark.column + 1) if mark else place(self.text, start)
        lines = self.text.count("\n", start, end)
        if not lines:
            return Span(self.source, line, column, line, column + end - start)
        return Span(self.source, line, column, line + lines, end - self.text.rfind("\n", start, end))

    def _plain(self, start: int, end: int, message: str, hint: str) -> Diagnostic:
        return Diagnostic("SP101", "error", message, self._span(start, end), hint)

    def _diagnostic(self, trap: traps.Trap) -> Diagnostic:
        return self._plain(trap.start, trap.end, trap.message, trap.hint)

    def _report(self, trap: traps.Trap) -> None:
        self.found.append(self._diagnostic(trap))


def _is_open(node: Node) -> bool:
    """Tell whether an unquoted text ends amid parentheses."""
    return isinstance(node, Scalar) and node.plain and "(" in node.text and not traps.balanced(node.text)

