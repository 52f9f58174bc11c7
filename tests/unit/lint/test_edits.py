"""Edits of YAML as it is written: brackets, indentation, comments, quotes, line ends."""

from __future__ import annotations

import pytest

from engine.errors import Diagnostic
from engine.lint.edits import Edit, add_beside, add_key, apply, replacement
from engine.source import Source, Span
from engine.spec.nodes import List, Map
from engine.spec.reader import read


def key(text: str, *path: str | int) -> Span:
    """Return the place of a key (or of a list's item) in `text`."""
    node = read(Source("a.yaml", text))[0]
    span = None
    for part in path:
        if isinstance(node, Map) and isinstance(part, str):
            name = node.key(part)
            assert name is not None
            node, span = node.get(part), name.span
        elif isinstance(node, List) and isinstance(part, int):
            node = node.items[part]
            span = node.span
    assert span is not None
    return span


def added(text: str, *path: str | int) -> str:
    """Return `text` with `more: 1` added to the mapping at `path`."""
    return apply(text, add_key(key(text, *path), "more", "1"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: {b: 1}\n", "a: {b: 1, more: 1}\n"),
        ("a: {b: 1 }  # x\n", "a: {b: 1, more: 1 }  # x\n"),
        ("a: {b: [1, 2]}", "a: {b: [1, 2], more: 1}"),
        ("a:\n  b: 1\nc: 2\n", "a:\n  b: 1\n  more: 1\nc: 2\n"),
        ("a:\n  b: 1  # x\n\nc: 2\n", "a:\n  b: 1  # x\n  more: 1\n\nc: 2\n"),
        ("a:\n  b: 1", "a:\n  b: 1\n  more: 1"),
        ("a:\r\n  b: 1\r\nc: 2\r\n", "a:\r\n  b: 1\r\n  more: 1\r\nc: 2\r\n"),
        ("a:\n    b:\n        d: 1\nc: 2\n", "a:\n    b:\n        d: 1\n    more: 1\nc: 2\n"),
        ("a:\n  b: |\n    x\n    y\n\nc: 2\n", "a:\n  b: |\n    x\n    y\n  more: 1\n\nc: 2\n"),
        ("a:\n  b:\n  - 1\n  - 2\nc: 2\n", "a:\n  b:\n  - 1\n  - 2\n  more: 1\nc: 2\n"),
        ("a:\n  b: 'x\n    y'\nc: 2\n", "a:\n  b: 'x\n    y'\n  more: 1\nc: 2\n"),
        ("a: {more: 2}\n", "a: {more: 2}\n"),
    ],
)
def test_a_key_is_added_as_the_mapping_is_written(before: str, after: str) -> None:
    assert added(before, "a") == after


def test_a_key_is_added_beside_another() -> None:
    text = "steps:\n  - sql: x\n  - {sql: y}\n"
    assert apply(text, add_beside(key(text, "steps", 0, "sql"), "undo", "z")) == (
        "steps:\n  - sql: x\n    undo: z\n  - {sql: y}\n"
    )
    assert apply(text, add_beside(key(text, "steps", 1, "sql"), "undo", "z")) == (
        "steps:\n  - sql: x\n  - {sql: y, undo: z}\n"
    )


def test_a_name_that_was_meant_takes_the_place_of_the_wrong_one_quotes_and_all() -> None:
    source = Source("a.yaml", "a: emial\nb: 'emial'\nc: emial > 1\n")

    def meant(line: int, end: int) -> tuple[Edit, ...]:
        return replacement(Diagnostic("RF102", "error", "m", Span(source, line, 4, line, end), "did you mean `email`?"))

    assert apply(source.text, meant(1, 9)).startswith("a: email\n")
    assert "b: 'email'\n" in apply(source.text, meant(2, 11))
    assert meant(3, 13) == (), "an expression: the wrong name is only a part of it"


def test_edits_that_are_the_same_or_meet_are_made_once() -> None:
    source = Source("a.yaml", "abc\n")
    first = Edit(Span(source, 1, 1, 1, 3), "X")
    assert apply("abc\n", [first, first]) == "Xc\n"
    assert apply("abc\n", [first, Edit(Span(source, 1, 2, 1, 4), "Y")]) == "Xc\n"
    insert = Edit(Span(source, 1, 4, 1, 4), "d")
    assert apply("abc\n", [insert, insert, first]) == "Xcd\n"
