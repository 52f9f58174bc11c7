"""`status`, `list`, `history`, `snapshot`: the fields that programs rely on, and what they tell."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from shelf import COLUMN, INDEX, UPPER, Shelf

from engine import app, dialects
from engine.cli.main import cli
from engine.dialects import load_state
from engine.dialects.sqlite.driver import SQLiteDriver
from engine.errors import EngineError, UsageError
from engine.model.state import SchemaState
from engine.run.snapshot import load
from engine.url import DatabaseUrl
from tests.support.command import document, run

DB = ("--db", "app.db")
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
BATCHES = "  - transform: {table: t, set: {v: upper(v)}, where: 'true', batch_size: 1, expect_rows: 3}\n"


def look(command: str) -> Any:
    """Return the document of a command that looks."""
    return document(command, *DB, "specs")


# ── status ────────────────────────────────────────────────────────────────
def test_status_of_a_database_that_knows_no_engine(shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    assert look("status") == {
        "schema_version": 1,
        "database": "app.db",
        "dialect": "sqlite",
        "current_version": None,
        "applied": [],
        "pending": [{"version": "001", "description": "Spec 001"}],
        "in_progress": None,
        "drift": [],
        "next": "engine plan",
    }


def test_status_tells_a_finalize_that_broke_off_until_it_is_ended(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.spec("001", UPPER)
    assert run("apply", *DB, "specs").code == 0

    def killed(sql: str, _: object) -> None:
        if "engine_undo" in sql:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(SQLiteDriver, "listener", staticmethod(killed))
        app.finalize(shelf.project(), "001")
    found = look("status")
    assert found["drift"] == ["the finalize of 001 has not ended: what it kept is still there in part"]
    assert found["next"] == "engine finalize 001"
    assert app.finalize(shelf.project(), "001").state == "finalized"
    found = look("status")
    assert (found["drift"], found["next"]) == ([], "")


def test_status_names_what_is_applied_in_order_and_what_is_not(shelf: Shelf) -> None:
    for version in ("9", "10", "11"):
        shelf.spec(version, f"  - alter: {{table: t, add: {{c{version}: text}}}}\n")
    shelf.apply("10")
    found = look("status")
    assert (found["current_version"], found["applied"]) == ("10", ["9", "10"])
    assert [p["version"] for p in found["pending"]] == ["11"]


def test_status_during_an_interrupted_apply(shelf: Shelf) -> None:
    shelf.spec("001", BATCHES, transaction="step")
    assert shelf.interrupted_apply().error is not None
    found = look("status")["in_progress"]
    expected = {
        "version": "001",
        "direction": "apply",
        "step": "1-transform",
        "batch": 1,
        "rows_done": 1,
        "rows_total": 3,
        "resumable": True,
    }
    assert {key: found[key] for key in expected} == expected
    text = run("status", *DB, "specs").output
    assert "next: engine apply" in text and "1-transform" in text


def test_status_tells_drift_of_specs(shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    gone = shelf.spec("002", COLUMN)
    shelf.apply()
    gone.unlink()
    shelf.spec("001", INDEX)
    shelf.spec("000", INDEX)
    drift = look("status")["drift"]
    assert drift == [
        "specs/001_spec.yaml was changed after it was applied",
        "version 002 is applied, and no file has it",
        "version 000 is pending and sorts before 002, which is applied",
    ]
    text = run("status", *DB, "specs").output
    assert text.count("Drift: ") == 3


def test_status_needs_no_specs_but_a_database(shelf: Shelf) -> None:
    found = app.status(shelf.project(specs=Path("nowhere")))
    assert found.pending == () and found.current_version is None
    with pytest.raises(UsageError, match="no database is named"):
        app.status(shelf.project(url=None))


# ── list ──────────────────────────────────────────────────────────────────
def test_list_has_all_fields_of_each_migration(shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    shelf.spec("002", COLUMN)
    shelf.spec("003", "  - {sql: ANALYZE, irreversible: it only measures}\n")
    shelf.apply("002")
    shelf.rollback()
    first, second, third = look("list")["migrations"]
    assert first.keys() >= {"version", "description", "applied", "applied_at", "rolled_back_at", "reversible"}
    assert (first["version"], first["description"], first["applied"]) == ("001", "Spec 001", True)
    assert (first["rolled_back_at"], first["reversible"]) == (None, True)
    assert re.fullmatch(TIME, first["applied_at"])
    assert (second["applied"], second["applied_at"]) == (False, None)
    assert re.fullmatch(TIME, second["rolled_back_at"])
    assert (third["applied"], third["applied_at"], third["reversible"]) == (False, None, None)
    shelf.apply()
    assert [m["reversible"] for m in look("list")["migrations"]] == [True, True, False]
    app.finalize(shelf.project(), "001")
    assert [m["reversible"] for m in look("list")["migrations"]] == [False, True, False]


def test_list_shows_what_only_the_history_knows(shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    gone = shelf.spec("002", COLUMN)
    shelf.apply()
    gone.unlink()
    assert [(m["version"], m["description"]) for m in look("list")["migrations"]] == [
        ("001", "Spec 001"),
        ("002", "Spec 002"),
    ]


def test_list_works_without_a_database(shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    (only,) = document("list", "specs")["migrations"]
    assert (only["version"], only["applied"], only["reversible"]) == ("001", False, None)


def test_list_marks_the_applied_ones(shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    shelf.spec("002", COLUMN)
    shelf.apply("001")
    lines = run("list", *DB, "specs").output.splitlines()
    assert lines[1].startswith("✓") and "001" in lines[1]
    assert lines[2].startswith(" ") and "pending" in lines[2]


# ── history ───────────────────────────────────────────────────────────────
def test_history_tells_who_ran_what_when_how_long_and_how_many_rows(shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    shelf.spec("002", "  - validate: [{row_count: {table: t, equals: 9}}]\n")
    assert app.apply(shelf.project()).error is not None
    shelf.rollback()
    events = look("history")["events"]
    assert [(e["version"], e["direction"], e["outcome"]) for e in events] == [
        ("001", "apply", "applied"),
        ("002", "apply", "failed"),
        ("001", "rollback", "rolled_back"),
    ]
    first = events[0]
    assert first["rows"] == 3 and first["seconds"] >= 0 and first["by"] is not None
    assert re.fullmatch(TIME, first["started"]) and re.fullmatch(TIME, first["finished"])
    text = run("history", *DB, "specs").output
    assert text.index("applied") < text.index("failed") < text.index("rolled_back")


def test_history_of_a_database_that_knows_no_engine_is_empty(shelf: Shelf) -> None:
    assert look("history")["events"] == []
    assert "nothing has been run" in run("history", *DB, "specs").output


# ── apply and rollback ────────────────────────────────────────────────────
def test_apply_and_rollback_tell_each_step(shelf: Shelf) -> None:
    shelf.spec("001", BATCHES, transaction="step")
    for command, state in (("apply", "applied"), ("rollback", "rolled_back")):
        (migration,) = document(command, *DB, "--yes", "specs")["migrations"]
        assert (migration["version"], migration["state"]) == ("001", state)
        assert migration["seconds"] >= 0
        (step,) = migration["steps"]
        assert step.keys() >= {"step", "rows_selected", "rows_written", "rows_skipped", "batches", "seconds"}
        assert (step["step"], step["rows_written"]) == ("1-transform", 3)
        assert step["batches"] == 3 or command == "rollback"


def test_a_failure_tells_code_place_what_is_kept_and_what_is_next(shelf: Shelf) -> None:
    shelf.spec("001", UPPER.replace("expect_rows: 3", "expect_rows: 5"))
    result = CliRunner().invoke(cli, ["apply", *DB, "--yes", "specs", "--format", "json"])
    assert result.exit_code == 3
    found = json.loads(result.stdout)
    assert [m["state"] for m in found["migrations"]] == ["failed"]
    error = found["error"]
    assert error.keys() >= {"code", "message", "file", "line", "column", "kept", "next"}
    assert (error["code"], error["file"], error["line"]) == ("assertion", "specs/001_spec.yaml", 4)
    assert error["column"] == UPPER.index("3}") + 1
    assert error["kept"] == "nothing was written"


def test_plan_has_all_fields_of_each_statement(shelf: Shelf) -> None:
    shelf.spec("001", UPPER + COLUMN + "  - validate: [{row_count: {table: t, equals: 3}}]\n")
    found = look("plan")
    assert found.keys() >= {"migrations", "plan_hash", "schema_fingerprint"}
    (migration,) = found["migrations"]
    assert (migration["version"], migration["description"], migration["reversible"]) == ("001", "Spec 001", True)
    for statement in migration["statements"]:
        assert statement.keys() >= {"step", "kind", "sql", "undo", "reversible", "reason", "rows", "batched"}
        assert statement["kind"] in ("ddl", "rows", "check", "setting")
        assert statement["reversible"] in ("derived", "journal", "given", "no")
        assert isinstance(statement["undo"], list)
    by_sql = {s["sql"].split()[0]: s for s in migration["statements"] if s["purpose"] in ("change", "update")}
    assert (by_sql["UPDATE"]["reversible"], by_sql["UPDATE"]["rows"]) == ("journal", 3)
    assert (by_sql["ALTER"]["reversible"], by_sql["ALTER"]["kind"]) == ("derived", "ddl")
    checks = [s for s in migration["statements"] if s["kind"] == "check"]
    assert checks and {s["reversible"] for s in checks} == {"derived"}


# ── snapshot ──────────────────────────────────────────────────────────────
def test_a_snapshot_gives_the_same_state_as_the_database(shelf: Shelf) -> None:
    shelf.sql("CREATE VIEW w AS SELECT v FROM t; CREATE INDEX i ON t (v)")
    shelf.spec("001", UPPER)
    shelf.apply()
    Path("s.json").write_text(app.snapshot(shelf.project()), encoding="utf-8")
    assert app.snapshot(shelf.project()) == Path("s.json").read_text(encoding="utf-8")
    state: SchemaState = dialects.load("sqlite").open(load(Path("s.json"))).state
    with shelf.project().connect(read_only=True) as (driver, _):
        assert state.fingerprint() == load_state(driver).fingerprint()
    assert "migration_history" not in Path("s.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["", "[]", '{"engine_snapshot": 9}', '{"engine_snapshot": 1, "objects": [1]}'])
def test_a_file_that_is_no_snapshot_is_told_with_the_way_to_one(text: str, shelf: Shelf) -> None:
    Path("engine.yaml").write_text("schema: s.json\n", encoding="utf-8")
    Path("s.json").write_text(text, encoding="utf-8")
    shelf.spec("001", UPPER)
    ran = run("lint", "specs")
    assert ran.code == 1 and "s.json can't be read" in ran.output and "next: engine snapshot" in ran.output


# ── quick ones ────────────────────────────────────────────────────────────
def test_versions_are_compared_by_number() -> None:
    assert app.earlier("9", "10") and app.earlier("v2", "v10")
    assert not app.earlier("10", "9") and not app.earlier("010", "10")


def test_a_use_case_that_is_none_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        app.nonsense
    assert all(getattr(app, name) is not None for name in app.__all__)


def test_verify_says_that_it_is_for_later(shelf: Shelf) -> None:
    with pytest.raises(EngineError, match="later version") as caught:
        app.verify(shelf.project())
    assert caught.value.next == "engine status"


def test_one_connection_serves_a_database_in_memory() -> None:
    project = app.Project(None, DatabaseUrl.parse(":memory:"), keep_open=True)
    with project.connect() as first, project.connect(read_only=True) as second:
        assert first[0] is second[0]
    assert app.current_version(project) is None
    project.close()
    project.close()
