"""The schema at work, and the file that it is read from."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from engine.errors import EngineError
from engine.source import Source
from engine.spec import reader, schema
from engine.spec.plain import descend, places, plain

ROOT = Path(__file__).parents[3]


def test_schema_is_read_from_the_repository_or_the_package() -> None:
    assert schema.load() == json.loads((ROOT / "schema.json").read_text())


def test_a_missing_schema_is_an_error_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(resources, "files", lambda _: tmp_path)
    monkeypatch.setattr("engine.__file__", str(tmp_path / "a" / "__init__.py"))
    with pytest.raises(EngineError, match=r"schema\.json is missing"):
        schema.load()


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema.load())


def test_no_choice_between_alternatives_anywhere() -> None:
    """An error below `oneOf` is "not valid under any of the given schemas", which helps nobody."""
    text = json.dumps(schema.load())
    assert not any(f'"{word}":' in text for word in ("oneOf", "anyOf", "allOf"))


def test_findings_name_the_stretch_that_is_not_to_be_trusted() -> None:
    text = 'version: "001"\ndescription: x\nsteps:\n  - drop: {tabel: a}\n  - drop: {table: a}\n'
    root, _ = reader.read(Source("001_x.yaml", text))
    assert root is not None
    found, broken = schema.validate(root, "001")
    assert [(d.rule, d.version, str(d.span)) for d in found] == [("SP102", "001", "001_x.yaml:4:12")]
    assert [str(span) for span in broken] == ["001_x.yaml:4:11"]


def test_plain_data_and_places_go_by_the_same_paths() -> None:
    root, _ = reader.read(Source("x", "a: [1, {b: 0.50}]\nc: null\n"))
    assert root is not None
    assert str(plain(root)) == "{'a': [1, {'b': Decimal('0.50')}], 'c': None}"
    found = places(root, root.span)
    assert str(found["a", 1, "b"][0]) == "x:1:9"
    assert str(found["a", 1, "b"][1]) == "x:1:12"
    assert str(descend(root, ("a", 1, "b")).span) == "x:1:12"
    assert str(descend(root, ("a", 5, "b")).span) == "x:1:4"
