"""A plan survives JSON exactly, and a damaged one is refused in words."""

from __future__ import annotations

import dataclasses
import json
import typing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import Drift
from engine.model.plan import Check, Loop, MigrationPlan, Plan, Statement, Unit
from engine.plan.serialise import dumps, from_json, loads, to_json

TEXT = st.text(max_size=12)


def values(kind: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Build a strategy from a type annotation, units nested at most twice."""
    if kind is str:
        return TEXT
    if kind is int:
        return st.integers(-(2**40), 2**40)
    if kind is bool:
        return st.booleans()
    if kind is type(None):
        return st.none()
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return st.sampled_from(args)
    if origin is tuple:
        if args[0] is Unit and depth >= 2:
            return st.just(())
        return st.lists(values(args[0], depth), max_size=2).map(tuple)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        below = depth + (kind is Unit)
        return st.builds(kind, **{name: values(hint, below) for name, hint in hints.items()})
    return st.one_of(*(values(arg, depth) for arg in args))


@settings(max_examples=30, deadline=None)
@given(values(MigrationPlan))
def test_any_migration_survives_json_text(migration: MigrationPlan) -> None:
    assert loads(dumps(migration)) == migration


@settings(max_examples=40, deadline=None)
@given(st.one_of(values(Statement), values(Loop), values(Check)))
def test_any_part_survives_json(part: Any) -> None:
    assert from_json(json.loads(json.dumps(to_json(part)))) == part


def test_lone_surrogates_of_undecodable_text_survive() -> None:
    statement = Statement("SELECT '\udcff'", "rows")
    assert loads(dumps(statement)) == statement


def test_equal_plans_give_equal_bytes_and_say_their_format() -> None:
    plan = Plan("sqlite", (MigrationPlan("1", "one", (Unit("1-create", "1-create", "t", "+"),)),))
    assert dumps(plan) == dumps(loads(dumps(plan)))
    assert to_json(plan)["format"] == 1 and to_json(plan)["type"] == "Plan"


def test_a_field_that_an_older_version_did_not_write_gets_its_default() -> None:
    document = to_json(Statement("SELECT 1", "rows", count="written"))
    del document["only"]
    assert from_json(document) == Statement("SELECT 1", "rows", count="written")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 2}, "format is 2"),
        ({"type": "Nothing"}, "does not say what it is"),
        ({"sql": 5}, "Statement.sql is 5"),
        ({"kind": "other"}, "Statement.kind is 'other'"),
        ({"binds": "lo1"}, "Statement.binds is not a list"),
        ({"binds": [1]}, r"Statement.binds\[0\] is 1"),
        ({"news": 1}, "has `news`"),
    ],
)
def test_a_damaged_plan_is_refused_with_the_place(change: dict[str, Any], words: str) -> None:
    document = {**to_json(Statement("SELECT 1", "rows")), **change}
    with pytest.raises(Drift, match=words):
        from_json(document)


def test_what_is_no_plan_at_all_is_refused() -> None:
    unit = to_json(Unit("1", "1", "t", "+"))
    broken: list[tuple[Any, str]] = [
        ([], "not an object"),
        ({**unit, "loop": 5}, "Unit.loop is not an object"),
        ({**unit, "rows": True}, "Unit.rows is True"),
        ({k: v for k, v in unit.items() if k != "title"}, "has no `title`"),
    ]
    for document, words in broken:
        with pytest.raises(Drift, match=words):
            from_json(document)
    with pytest.raises(Drift, match="can't be read"):
        loads("{")


def test_every_field_of_the_model_has_a_way_to_be_stored() -> None:
    from engine.plan import serialise

    for kind in serialise._TYPES.values():
        serialise._reader(kind)
        for hint in typing.get_type_hints(kind).values():
            serialise._reader(hint)
    with pytest.raises(TypeError, match="no way to store"):
        serialise._reader(float)
