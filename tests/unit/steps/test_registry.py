"""Verbs are there by being written: each describes itself, and its examples work."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.model.state import SchemaState
from engine.source import Source
from engine.spec.build import build
from engine.steps.base import LATER, entries, entry, problems, short_entry, verbs, words
from engine.steps.shapes import ListOf, MapOf, Record, Shape
from tests.unit.spec.building import Quotes, step

EXAMPLES = [(verb, text) for verb, cls in verbs().items() for text in cls.EXAMPLES]  # type: ignore[attr-defined]


def test_the_verbs_of_this_version() -> None:
    names = [
        "alter",
        "copy",
        "create",
        "delete",
        "drop",
        "index",
        "insert",
        "rename",
        "sql",
        "transform",
        "validate",
    ]
    assert list(verbs()) == names
    assert not set(LATER) & set(names)


@pytest.mark.parametrize(("verb", "text"), EXAMPLES, ids=[f"{verb}-{n}" for n, (verb, _) in enumerate(EXAMPLES)])
def test_every_example_builds_and_means_something(verb: str, text: str) -> None:
    own = step(text)
    assert own.verb == verb
    assert tuple(own.body.changes(SchemaState()))


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_says_what_one_gets_and_what_may_hurt(verb: str) -> None:
    cls = verbs()[verb]
    first, _, rest = words(cls).partition("\n\n")
    assert first.endswith(".") and len(first) < 120
    assert rest
    assert cls.EXAMPLES  # type: ignore[attr-defined]


def records(shape: Shape) -> set[type]:
    """Return the records in a shape."""
    if isinstance(shape, Record):
        return {shape.cls()}
    if isinstance(shape, (MapOf, ListOf)):
        return records(shape.value if isinstance(shape, MapOf) else shape.item)
    return set()


def test_every_record_has_a_name_of_its_own_for_the_schema() -> None:
    found: set[type] = set()
    todo = set(verbs().values())
    while todo:
        cls = todo.pop()
        found.add(cls)
        todo |= {r for e in entries(cls) for r in records(e.shape)} - found
    names = [cls.__name__ for cls in found - set(verbs().values())]
    assert len(names) == len(set(names))
    assert all(words(cls) for cls in found)


def test_fields_describe_themselves() -> None:
    copy = verbs()["copy"]
    own = entry(copy, "source")
    assert (own.key, own.required, own.example) == ("from", True, "youtube_shorts")
    assert entry(verbs()["insert"], "into").also == ("table",)
    assert short_entry(copy) is None
    assert short_entry(verbs()["sql"]) is entry(verbs()["sql"], "run")
    assert tuple(problems(object())) == ()


def test_every_kind_of_field_is_read() -> None:
    path = Path(__file__).parent / "every_verb.yaml"
    made, found = build(Source("001_every.yaml", path.read_text()), {}, "sqlite", Quotes(), "001")
    assert [(str(d.span), d.message) for d in found] == []
    assert made is not None
    assert {own.verb for own in made.steps} == set(verbs())
    assert all(tuple(own.body.changes(SchemaState())) for own in made.steps)
