"""The quick answer about a file's form: a yes of it is one of JSON Schema's, whatever the file holds."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from engine.source import Source
from engine.spec import reader, schema
from engine.spec.form import Form
from engine.spec.plain import plain

ROOT = Path(__file__).parents[3]
FILES = sorted([*ROOT.glob("specs/*.yaml"), *ROOT.glob("tests/golden/**/*.yaml"), *ROOT.glob("tests/demo/**/*.yaml")])
ODD: tuple[Any, ...] = (
    "",
    "x",
    0,
    1,
    -1,
    1.0,
    0.5,
    True,
    False,
    None,
    [],
    {},
    [1],
    {"a": 1},
    ["", ""],
    Decimal("1.5"),
    "{{ x }}",
)


def specs() -> Iterator[Any]:
    for path in FILES:
        root, _ = reader.read(Source(path.name, path.read_text(encoding="utf-8")))
        if root is not None:
            yield plain(root)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (holder, key) for everything inside."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def mutated(value: Any, chance: random.Random) -> Any:
    value = copy.deepcopy(value)
    holder, key = chance.choice(list(places(value)))
    match chance.randrange(4):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[f"{key}x"] = holder.pop(key)
        case 2:
            holder[key] = [holder[key]]
        case _:
            holder[key] = chance.choice(ODD)
    return value


def test_good_specs_need_no_second_look() -> None:
    form, known = Form(schema.load()), jsonschema.Draft202012Validator(schema.load())
    good = [spec for spec in specs() if known.is_valid(spec)]
    assert len(good) >= 4
    assert all(form.holds(spec) for spec in good if "Decimal" not in repr(spec))


def test_a_yes_is_one_of_the_library_too() -> None:
    form, known = Form(schema.load()), jsonschema.Draft202012Validator(schema.load())
    chance, originals, answers = random.Random(7), list(specs()), set()
    for _ in range(1500):
        one = mutated(chance.choice(originals), chance)
        if chance.random() < 0.2:
            one = mutated(one, chance)
        answer, right = form.holds(one), known.is_valid(one)
        answers.add((answer, right))
        assert right or not answer, one
    assert answers >= {(True, True), (False, False)}


@pytest.mark.parametrize("word", ["oneOf", "not", "if", "uniqueItems", "multipleOf", "patternProperties"])
def test_a_keyword_that_is_not_known_here_is_left_to_the_library(word: str) -> None:
    assert Form({"type": "object"}).holds({})
    assert not Form({"type": "object", word: {}}).holds({})
