"""Which step a finding is about, for findings that were made before the steps were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from engine.errors import Diagnostic
from engine.source import Span
from engine.spec.nodes import List, Map, Node, Scalar
from engine.steps.base import verbs


def labelled(found: Sequence[Diagnostic], root: Map) -> list[Diagnostic]:
    """Return `found` with the step's id, or its position and verb, where a finding has none."""
    labels = [(item.span, _label(item, position)) for position, item in enumerate(_steps(root.get("steps")), 1)]
    return [d if d.step or d.span is None else replace(d, step=_of(d.span, labels)) for d in found]


def covers(outer: Span, inner: Span | None) -> bool:
    """Tell whether `inner` begins within `outer`."""
    if inner is None:
        return False
    first, last = (outer.line, outer.column), (outer.end_line, outer.end_column)
    return first <= (inner.line, inner.column) < last


def _of(span: Span, labels: Sequence[tuple[Span, str]]) -> str:
    return next((label for outer, label in labels if covers(outer, span)), "")


def _steps(node: Node | None) -> Iterator[Node]:
    """Yield the steps as they are written, those of groups one by one."""
    for item in node.items if isinstance(node, List) else ():
        if isinstance(item, Map) and isinstance(item.get("steps"), List):
            yield from _steps(item.get("steps"))
        else:
            yield item


def _label(node: Node, position: int) -> str:
    if not isinstance(node, Map):
        return str(position)
    own = node.get("id")
    if isinstance(own, Scalar) and own.text:
        return own.text
    verb = next((key.text for key, _ in node.entries if key.text in verbs()), "")
    return f"{position}-{verb}" if verb else str(position)
