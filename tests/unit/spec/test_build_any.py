"""Whatever is written, the answer is a spec or findings with a place; never a crash."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.model.state import SchemaState
from tests.unit.spec.building import read

PAGE = yaml.safe_load((Path(__file__).parents[1] / "steps" / "every_verb.yaml").read_text())
EXTRA = yaml.safe_load(
    """
- id: a
  when: {table_exists: t, any: [{column_exists: a.b}, {rows: {table: c, where: "d > 1", min: 1}}]}
  for_each: {m: [{from: a, to: b}]}
  rename: {table: "{{ m.from }}", to: "{{ m.to }}"}
- description: group
  ignore: [{rule: DT107, reason: x}]
  steps:
    - sql: {sqlite: [a], other: [b]}
      undo: [{drop: {table: x}}, "y; z"]
    - copy: {from: {sql: "SELECT 1"}, into: b, key: a, columns: {a: {parse: x, as: date, formats: [unix], otherwise: 1}}}
"""
)
ODD: list[Any] = [
    None, True, 5, 1.5, -1, "", " ", "x", "{{ a }}", "{{ nope }}", "{% for a in b %}", "';--", "a; b", "(", "now()", "no",
    [], {}, [[]], [None], {"x": None}, {"sqlite": "a"}, {"sql": {"sqlite": "a"}}, {"value": [1]}, {"parse": 1},
    ["a", "a"], [{"column": "a"}], {"a": {"b": {"c": "d"}}}, "all", "same", "auto",
]  # fmt: skip
KEYS = ["x", "sqlite", "sql", "value", "column", "columns", "table", "where", "id", "undo", "steps", "drop", "5", ""]


def spots(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of everything in `node`."""
    below = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(p for key, value in below for p in spots(value, (*path, key)))]


def mutated(data: Any, rng: random.Random) -> Any:
    """Return `data` with one or two things changed."""
    data = copy.deepcopy(data)
    for _ in range(rng.randint(1, 2)):
        path = rng.choice(spots(data)[1:])
        node = data
        for key in path[:-1]:
            node = node[key]
        kind = rng.randrange(4)
        if kind == 0:
            node[path[-1]] = copy.deepcopy(rng.choice(ODD))
        elif kind == 1:
            del node[path[-1]]
        elif isinstance(node, dict):
            value = node.pop(path[-1]) if kind == 2 else copy.deepcopy(rng.choice(ODD))
            node[rng.choice(KEYS)] = value
    return data


@pytest.mark.parametrize("seed", range(10))
def test_a_spec_with_something_odd_in_it_is_built_or_refused_in_words(seed: int) -> None:
    rng = random.Random(seed)
    steps = [*PAGE["steps"], *EXTRA]
    for _ in range(40):
        page = {"version": "001", "description": "x", "vars": {"a": "b"}, "steps": rng.sample(steps, 3)}
        page = mutated(page, rng)
        text = yaml.safe_dump(page, sort_keys=False, allow_unicode=True, default_flow_style=rng.random() < 0.5)
        spec, found = read(text, dialect="sqlite")
        assert all(d.span and d.message and d.rule for d in found), text
        assert (spec is None) == any(d.severity == "error" for d in found)
        for step in spec.steps if spec else ():
            assert tuple(step.body.changes(SchemaState()))
            assert all(tuple(back.body.changes(SchemaState())) for back in step.undo or ())
