"""Specs made wrong in one place, each with the lines at which a person must edit.

Everything is made from the tree of a YAML library, not from the engine's own reader: what is looked for may not be
found by the code that is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import yaml

Key = str | int
Path = tuple[Key, ...]

NAMES = {"columns", "add", "change", "rename", "set", "vars", "add_checks", "checks", "rows", "for_each", "ignore"}
"""Keys whose mappings hold names that a person chose, not words of the format."""

PROSE = {"description", "comment", "reason", "promise", "value", "values", "irreversible", "vars"}
"""Keys below which text is only text."""

REQUIRED = {
    "create": ("columns",),
    "alter": ("table",),
    "copy": ("from", "into", "columns"),
    "transform": ("table", "set"),
    "delete": ("from",),
    "index": ("table", "columns"),
    "insert": ("into", "rows"),
    "rename": ("to",),
    "row_count": ("table",),
    "unique": ("table", "columns"),
    "not_null": ("table", "columns"),
    "references": ("table", "to"),
    "accepted": ("table", "column", "values"),
    "range": ("table", "column"),
    "no_rows": ("sql",),
}
"""What a step or a check can't do without."""

WORDS = {"on_conflict", "on_delete", "order", "timing", "type", "transaction"}
"""Keys whose value is one of few words."""

TABLES = {"table", "from", "into"}
"""Keys whose value is a table."""


@dataclass(frozen=True)
class Mutation:
    """A spec with one mistake.

    Attributes:
        kind: class of the mistake.
        what: the mistake in words.
        text: the whole spec with it.
        lines: the lines (1-based) at which it can be mended.
    """

    kind: str
    what: str
    text: str
    lines: frozenset[int]


@dataclass(frozen=True)
class Entry:
    """A key and its value in the tree, with the path to it and the mapping that holds it."""

    path: Path
    key: yaml.ScalarNode
    value: yaml.Node
    parent: yaml.MappingNode
    above: int

    @property
    def line(self) -> int:
        """The key's line."""
        return int(self.key.start_mark.line) + 1

    @property
    def name(self) -> str:
        """The key."""
        return str(self.key.value)

    @property
    def is_word(self) -> bool:
        """Whether the key is a word of the format."""
        named = [n for n, part in enumerate(self.path[:-1]) if part in NAMES]
        if not named:
            return True
        inside = self.path[named[-1] + 1 :]
        if self.path[named[-1]] == "rows" or "vars" in self.path:
            return False
        return len([p for p in inside if isinstance(p, str)]) > 1 or isinstance(inside[0], int)


def entries(node: yaml.Node, path: Path = (), above: int = 1) -> Iterator[Entry]:
    """Yield all keys below a node, in the order of the text."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*path, str(key.value))
            yield Entry(here, key, value, node, above)
            yield from entries(value, here, int(key.start_mark.line) + 1)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from entries(item, (*path, number), above)


def typos(text: str, found: list[Entry]) -> Iterator[Mutation]:
    """Two letters change places, or one is left out: in a word of the format, of a choice, or in a table's name."""
    for entry in found:
        spots = [(entry.key, "key")] if entry.is_word else []
        if isinstance(entry.value, yaml.ScalarNode) and entry.is_word and "vars" not in entry.path:
            spots += [(entry.value, "word")] if entry.name in WORDS else []
            made = {"create", "rename"} & set(entry.path) and entry.name != "from"
            spots += [(entry.value, "table")] if entry.name in TABLES and not made else []
        for node, what in spots:
            word = str(node.value)
            if len(word) < 4 or not re.fullmatch(r"[a-z_]+", word):
                continue
            for wrong in (word[0] + word[2] + word[1] + word[3:], word[:-2] + word[-1]):
                if wrong != word:
                    yield _put(text, node, wrong, "typo", f"{what} `{word}` as `{wrong}`")


def indents(text: str, found: list[Entry]) -> Iterator[Mutation]:
    """The line of a key in a block goes one or two blanks to the left or to the right."""
    lines = text.split("\n")
    for entry in found:
        line = entry.line - 1
        if entry.parent.flow_style or lines[line].lstrip().startswith("-") or not _first(lines[line], entry):
            continue
        for by in (-2, -1, 1, 2):
            if by < 0 and not lines[line].startswith(" " * -by):
                continue
            shifted = lines[line][-by:] if by < 0 else " " * by + lines[line]
            wrong = "\n".join([*lines[:line], shifted, *lines[line + 1 :]])
            yield Mutation("indent", f"`{entry.name}` by {by:+}", wrong, frozenset({entry.line}))


def types(text: str, found: list[Entry]) -> Iterator[Mutation]:
    """A value of another shape: a mapping for a text, a text for a list, a list for a mapping."""
    for entry in found:
        value = entry.value
        if not entry.is_word or "vars" in entry.path or value.start_mark.line != value.end_mark.line:
            continue
        if entry.name in ("value", "equals", "default"):
            continue  # any shape may stand there
        if isinstance(value, yaml.ScalarNode):
            yield _put(text, value, "{wrong: {shape: 1}}", "type", f"a mapping for `{entry.name}`")
            yield _put(text, value, "[[[1]]]", "type", f"a list for `{entry.name}`")
        elif isinstance(value, yaml.MappingNode):
            yield _put(text, value, "[1, 2]", "type", f"a list for `{entry.name}`")
            yield _put(text, value, "7", "type", f"a number for `{entry.name}`")
        else:
            yield _put(text, value, "{wrong: {shape: 1}}", "type", f"a mapping for `{entry.name}`")
            yield _put(text, value, "7", "type", f"a number for `{entry.name}`")


def duplicates(text: str, found: list[Entry]) -> Iterator[Mutation]:
    """A key stands twice."""
    lines = text.split("\n")
    for entry in found:
        if entry.value.start_mark.line != entry.value.end_mark.line or entry.value.start_mark.line + 1 != entry.line:
            continue
        if entry.parent.flow_style:
            whole = text[entry.key.start_mark.index : entry.value.end_mark.index]
            at = entry.value.end_mark.index
            wrong = f"{text[:at]}, {whole}{text[at:]}"
            yield Mutation("duplicate", f"`{entry.name}` in a flow", wrong, frozenset({entry.line}))
        elif _first(lines[entry.line - 1], entry) or lines[entry.line - 1].lstrip().startswith("- "):
            again = " " * entry.key.start_mark.column + lines[entry.line - 1][entry.key.start_mark.column :]
            wrong = "\n".join([*lines[: entry.line], again, *lines[entry.line :]])
            yield Mutation("duplicate", f"`{entry.name}` in a block", wrong, frozenset({entry.line + 1}))


def missing(text: str, found: list[Entry]) -> Iterator[Mutation]:
    """A field that must be there is not; it belongs into the mapping, whose key is where a person looks."""
    for entry in found:
        owner = next((p for p in reversed(entry.path[:-1]) if isinstance(p, str)), "")
        head = len(entry.path) == 1 and entry.name in ("version", "description", "steps")
        if not head and (entry.name not in REQUIRED.get(owner, ()) or "columns" in entry.path[:-1]):
            continue
        if "trigger" in [str(k.value) for k, _ in entry.parent.value] or len(entry.parent.value) == 1:
            continue
        wrong = _without(text, entry)
        first = next(k for k, _ in entry.parent.value if k is not entry.key)
        start = int(first.start_mark.line) + 1
        gone = text.count("\n") - wrong.count("\n")
        start -= gone if start > entry.line else 0
        lines = {start} if head else {start, entry.above}
        yield Mutation("missing", f"`{entry.name}` of `{owner or 'the spec'}`", wrong, frozenset(lines))


def renamed(text: str, found: list[Entry], known: frozenset[str]) -> Iterator[Mutation]:
    """A column has another name at one place that uses it."""
    known |= {e.name for e in found if len(e.path) > 1 and e.path[-2] in ("columns", "add") and not e.is_word}
    for entry in found:
        if set(entry.path) & PROSE or "create" in entry.path:
            continue
        nodes = entry.value.value if isinstance(entry.value, yaml.SequenceNode) else [entry.value]
        if not entry.is_word and entry.path[-2] in ("set", "columns", "change") and "add" not in entry.path:
            yield from _use(text, entry.key, entry.name, entry)
        for node in nodes:
            if not isinstance(node, yaml.ScalarNode):
                continue
            if entry.name in ("column", "columns", "conflict_key", "key") and re.fullmatch(r"[a-z_]+", node.value):
                if node.value != "same":
                    yield from _use(text, node, node.value, entry)
            elif entry.name in ("where", "match", "sql", "using") or (not entry.is_word and "copy" in entry.path):
                for word in sorted(known):
                    yield from _use(text, node, word, entry)


MAKERS: dict[str, Callable[[str, list[Entry]], Iterator[Mutation]]] = {
    "typo": typos,
    "indent": indents,
    "type": types,
    "duplicate": duplicates,
    "missing": missing,
}
KINDS = (*MAKERS, "renamed")


def mutations(text: str, columns: frozenset[str] = frozenset()) -> Iterator[Mutation]:
    """Yield every mistake that is known for a spec; one that leaves its meaning as it is counts as none.

    Args:
        columns: names of columns that are there before the spec.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert root is not None
    found = list(entries(root))
    meant = yaml.safe_load(text)
    made = [mutation for make in MAKERS.values() for mutation in make(text, found)]
    for mutation in [*made, *renamed(text, found, columns)]:
        try:
            same = yaml.safe_load(mutation.text) == meant
        except yaml.YAMLError:
            same = False
        if not same or mutation.kind == "duplicate":
            yield mutation


def _first(line: str, entry: Entry) -> bool:
    return len(line) - len(line.lstrip()) == entry.key.start_mark.column


def _put(text: str, node: yaml.Node, new: str, kind: str, what: str) -> Mutation:
    wrong = text[: node.start_mark.index] + new + text[node.end_mark.index :]
    return Mutation(kind, what, wrong, frozenset({int(node.start_mark.line) + 1}))


def _use(text: str, node: yaml.ScalarNode, word: str, entry: Entry) -> Iterator[Mutation]:
    start, end = node.start_mark.index, node.end_mark.index
    for hit in re.finditer(rf"(?<![\w'.]){re.escape(word)}(?![\w'(])|(?<=\w\.){re.escape(word)}\b", text[start:end]):
        at = start + hit.start()
        wrong = f"{text[:at]}{word}_was{text[at + len(word) :]}"
        line = text.count("\n", 0, at) + 1
        yield Mutation("renamed", f"`{word}` in `{entry.name}`", wrong, frozenset({line}))
        return


def _without(text: str, entry: Entry) -> str:
    """Return the text without one entry; the line goes where nothing else stands on it."""
    pairs = entry.parent.value
    number = next(n for n, (key, _) in enumerate(pairs) if key is entry.key)
    if entry.parent.flow_style:
        start, end = entry.key.start_mark.index, entry.value.end_mark.index
        if number + 1 < len(pairs):
            end = pairs[number + 1][0].start_mark.index
        else:
            start = pairs[number - 1][1].end_mark.index
        return text[:start] + text[end:]
    start = entry.key.start_mark.index
    if number + 1 < len(pairs):
        return text[:start] + text[pairs[number + 1][0].start_mark.index :]
    ends = [e for e in (entry.value.end_mark.index, entry.parent.end_mark.index) if e > start]
    end = min(ends)
    line_start = text.rfind("\n", 0, start) + 1
    tail = text[:end]
    body = tail.rstrip()
    return text[:line_start] + text[len(body) + 1 :]
