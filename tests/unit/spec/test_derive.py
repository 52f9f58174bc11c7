"""schema.json is what the step modules say, and says enough for people who write specs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.spec import derive
from engine.steps.base import verbs

ROOT = Path(__file__).parents[3]
SCHEMA = derive.schema()


def test_file_is_up_to_date() -> None:
    assert (ROOT / "schema.json").read_text() == derive.text(), "run `make schema`"


def test_the_command_prints_the_file() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "engine.spec.derive"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == derive.text()


def test_a_step_has_every_verb_and_what_goes_beside_it() -> None:
    keys = set(SCHEMA["$defs"]["step"]["properties"])
    beside = {"id", "description", "when", "for_each", "undo", "irreversible", "ignore", "steps"}
    assert keys == beside | set(verbs())


def test_a_way_back_takes_no_id_undo_irreversible() -> None:
    keys = set(SCHEMA["$defs"]["undo"]["properties"])
    assert not keys & {"id", "undo", "irreversible"}
    assert keys >= {"sqlite", "run", "reads", "writes", "when", "for_each", "steps"} | set(verbs())


def records(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every mapping with fixed keys."""
    if isinstance(node, dict):
        if "properties" in node and isinstance(node["properties"], dict) and "type" in node:
            yield path, node
        for key, value in node.items():
            if key not in ("examples", "default"):
                yield from records(value, f"{path}/{key}")


@pytest.mark.parametrize(("path", "node"), list(records(SCHEMA)), ids=lambda v: v if isinstance(v, str) else "")
def test_every_key_has_words_and_no_other_key_is_taken(path: str, node: dict[str, Any]) -> None:
    assert node["additionalProperties"] is False
    for key, own in node["properties"].items():
        per_database = key in ("sqlite", "postgresql", "mysql", "mariadb", "other")
        verb = str(own.get("$ref", "")).startswith("#/$defs/verb_")
        described = own.get("description") or (verb and SCHEMA["$defs"][f"verb_{key}"]["description"])
        assert described or per_database or key == "sql", f"{path}: `{key}` has no words"


def test_references_lead_somewhere() -> None:
    def refs(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            for value in node.values():
                yield from refs(value)
        elif isinstance(node, list):
            for value in node:
                yield from refs(value)

    wanted = {ref.removeprefix("#/$defs/") for ref in refs(SCHEMA)}
    assert wanted == set(SCHEMA["$defs"])


def test_defaults_and_examples_are_there_for_editors() -> None:
    copy = SCHEMA["$defs"]["verb_copy"]["properties"]
    assert copy["on_conflict"]["default"] == "fail"
    assert copy["batch_size"]["default"] == "auto"
    assert copy["from"]["examples"] == ["youtube_shorts"]
    assert SCHEMA["$defs"]["same_rows"]["properties"]["columns"]["default"] == "same"


def test_both_spellings_of_a_key_are_offered() -> None:
    assert {"column", "columns"} <= set(SCHEMA["$defs"]["verb_index"]["properties"])
    assert {"from", "table"} <= set(SCHEMA["$defs"]["verb_delete"]["properties"])
    assert "columns" not in SCHEMA["$defs"]["verb_index"]["required"]
