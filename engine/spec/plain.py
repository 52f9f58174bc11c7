"""A node tree as plain data, as the schema judges it, and the way from a path back to its node."""

from __future__ import annotations

from engine.errors import Path
from engine.source import Span
from engine.spec.nodes import List, Map, Node, Plain, Scalar

Data = Plain | list["Data"] | dict[str, "Data"]


def plain(node: Node) -> Data:
    """Return `node` as dicts, lists and values; templates are left as they are written."""
    match node:
        case Map(entries=entries):
            return {key.text: plain(value) for key, value in entries}
        case List(items=items):
            return [plain(item) for item in items]
        case Scalar():
            return node.value


def descend(node: Node, path: Path) -> Node:
    """Return the node at `path` below `node`, or the last one on the way that there is."""
    for part in path:
        below: Node | None = None
        if isinstance(node, Map) and isinstance(part, str):
            below = node.get(part)
        elif isinstance(node, List) and isinstance(part, int) and part < len(node.items):
            below = node.items[part]
        if below is None:
            return node
        node = below
    return node


def places(node: Node, key: Span, path: Path = ()) -> dict[Path, tuple[Span, Span]]:
    """Return path → (span of the key or item, span of the value) for `node` and all below it."""
    found = {path: (key, node.span)}
    if isinstance(node, Map):
        for name, value in node.entries:
            found.update(places(value, name.span, (*path, name.text)))
    elif isinstance(node, List):
        for number, item in enumerate(node.items):
            found.update(places(item, item.span, (*path, number)))
    return found
