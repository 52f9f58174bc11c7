"""The JSON of `plan`: a promise to scripts, and what `apply --plan` compares."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from engine.errors import EngineError
from engine.model.plan import Plan
from engine.plan.document import document, plan_hash, read_plan_file
from engine.plan.sequence import sent, undo_of
from tests.unit.plan.sample_plan import CHECK, COPY, CREATE, FREE, PLAN, only


def test_the_document_has_what_the_command_line_promises() -> None:
    found = document(PLAN)
    assert found["schema_version"] == 1
    assert found["schema_fingerprint"] == "f1" and len(found["plan_hash"]) == 64
    (migration,) = found["migrations"]
    assert (migration["version"], migration["description"]) == ("001", "first things")
    for statement in migration["statements"]:
        assert {"step", "kind", "sql", "undo", "reversible", "reason", "rows", "batched"} <= statement.keys()


def test_sql_is_byte_for_byte_every_statement_of_every_unit_in_order() -> None:
    (migration,) = document(PLAN)["migrations"]
    units = PLAN.migrations[0].units
    assert [s["sql"] for s in migration["statements"]] == [e.statement.sql for u in units for e in sent(u)]
    assert document(PLAN)["protocol"][0]["sql"] == PLAN.protocol[0].sql


def test_batch_statements_stand_once_and_are_marked() -> None:
    (migration,) = document(only(COPY))["migrations"]
    assert [s["sql"].split()[0] for s in migration["statements"] if s["batched"]] == [
        "SELECT",
        "INSERT",
        "SELECT",
    ]


def test_undo_stands_once_per_unit_with_the_statement_that_does_the_work() -> None:
    (migration,) = document(only(CREATE, COPY))["migrations"]
    undone = [(s["sql"].split()[0], s["undo"]) for s in migration["statements"] if s["undo"]]
    assert undone == [
        ("CREATE", [e.statement.sql for e in undo_of(CREATE)]),
        ("INSERT", ["DELETE FROM albums"]),
    ]
    assert [s["rows"] for s in migration["statements"] if s["rows"] is not None] == [1200]


def test_a_migration_is_reversible_when_no_statement_is_no_and_checks_are_derived() -> None:
    (migration,) = document(PLAN)["migrations"]
    assert not migration["reversible"]
    assert {(s["kind"], s["reversible"]) for s in migration["statements"] if s["step"] == "3-sql"} == {
        ("setting", "derived"), ("check", "derived"), ("rows", "no"),
    }  # fmt: skip
    (checked,) = document(only(replace(CHECK, reversible="no")))["migrations"]
    assert checked["reversible"]
    assert all(s["reversible"] == "derived" for s in checked["statements"])


def test_the_hash_follows_what_is_sent_and_not_how_many_rows_there_are() -> None:
    more = only(replace(COPY, rows=7), single=False, mode_reason="large")
    assert plan_hash(more) == plan_hash(only(COPY))
    other = replace(COPY, undo=())
    assert plan_hash(only(other)) != plan_hash(only(COPY))
    assert plan_hash(only(CREATE, FREE)) != plan_hash(only(FREE, CREATE))
    assert json.dumps(document(PLAN)) == json.dumps(document(PLAN))


def test_a_plan_file_gives_back_specs_versions_and_hash() -> None:
    read = read_plan_file(json.dumps(document(PLAN, current_version="000")), "plan.json")
    assert read.specs == (("specs/001_first.yaml", 'version: "001"\n'),)
    assert (read.versions, read.dialect) == (("001",), "sqlite")
    assert (read.plan_hash, read.schema_fingerprint) == (plan_hash(PLAN), "f1")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[]", "not the document of `engine plan"),
        ('{"findings": []}', "not the document of `engine plan"),
        ('{"plan_hash": "x", "schema_version": 2}', "its schema_version is 2, not 1"),
        ('{"plan_hash": "x", "schema_version": 1, "migrations": [5]}', "not a list of objects"),
        ('{"plan_hash": "x", "schema_version": 1, "migrations": []}', "its `dialect` is not text"),
        (
            '{"plan_hash": "", "schema_version": 1, "dialect": "", "migrations": [{"version": ""}]}',
            "its `spec` is not text",
        ),
    ],
)
def test_what_is_no_plan_file_is_an_error_with_the_reason_and_the_way_out(text: str, words: str) -> None:
    with pytest.raises(EngineError, match=words) as caught:
        read_plan_file(text, "plan.json")
    assert caught.value.exit_code == 1
    assert caught.value.next == "engine plan --format json --out plan.json"


def test_an_empty_plan_is_a_document_too() -> None:
    assert document(Plan("sqlite", ()), current_version="3")["migrations"] == []
