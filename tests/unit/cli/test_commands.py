"""Each command, on a real database: what it prints, its documents, its exit codes."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from engine.cli.main import cli

FIRST = """\
version: "001"
description: Albums
steps:
  - create:
      table: albums
      columns:
        id: {type: integer, primary_key: true}
        title: {type: text, nullable: false}
  - insert: {into: albums, rows: [{id: 1, title: Blue}, {id: 2, title: Pink}]}
"""
SECOND = """\
version: "002"
description: Titles in capitals
steps:
  - transform: {table: albums, set: {title: "upper(title)"}, expect_rows: 2}
"""
IN_BATCHES = """\
version: "002"
description: Titles in capitals
transaction: step
steps:
  - transform: {table: albums, set: {title: "upper(title)"}, batch_size: 1, expect_rows: 2}
"""
NO_WAY_BACK = """\
version: "003"
description: Tell the shop
steps:
  - sql: "UPDATE albums SET title = title || '!'"
    irreversible: the shop has been told
"""
WRONG = """\
version: "003"
description: A wrong name
steps:
  - transform: {table: albums, set: {titel: "upper(title)"}}
"""
EXPECTS_TOO_MUCH = """\
version: "003"
description: Counts wrongly
steps:
  - transform: {table: albums, set: {title: "lower(title)"}, expect_rows: 5}
"""


class Shop:
    """A folder with specs and a database, and `engine` run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.db = folder / "app.db"
        (folder / "specs").mkdir()
        self.spec("001_albums.yaml", FIRST)
        self.spec("002_titles.yaml", SECOND)

    def spec(self, name: str, text: str) -> None:
        (self.folder / "specs" / name).write_text(text, encoding="utf-8")

    def run(self, *args: str, code: int = 0, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(cli, list(args), input=stdin)
        assert "Traceback" not in result.output
        assert result.exit_code == code, result.output
        return result

    def json(self, *args: str, code: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run(*args, "--format", "json", code=code).stdout)
        assert found["schema_version"] == 1
        return found

    def titles(self) -> list[str]:
        connection = sqlite3.connect(self.db)
        try:
            return [title for (title,) in connection.execute("SELECT title FROM albums ORDER BY id")]
        finally:
            connection.close()


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(tmp_path)
    for name in ("ENGINE_DB", "DATABASE_URL", "GITHUB_ACTIONS", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return Shop(tmp_path)


# ── lint ──────────────────────────────────────────────────────────────────
def test_lint_needs_no_database_and_says_that_there_is_nothing_to_say(shop: Shop) -> None:
    assert shop.run("lint").stdout == "no findings in 2 files\n"
    assert shop.json("lint")["summary"] == {"error": 0, "warning": 0, "info": 0, "files": 2}
    assert not shop.db.exists()


def test_lint_points_at_the_mistake_and_fails(shop: Shop) -> None:
    shop.spec("003_wrong.yaml", WRONG)
    text = shop.run("lint", code=1).stdout
    assert "specs/003_wrong.yaml:4:38: error[RF102]: " in text and "did you mean `title`?" in text
    assert text.endswith("1 error in 3 files\n")
    (finding,) = shop.json("lint", "specs/003_wrong.yaml", "specs/001_albums.yaml", code=1)["findings"]
    assert (finding["line"], finding["step"], finding["version"]) == (4, "1-transform", "003")


def test_github_annotations_come_by_themselves_under_its_actions(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.spec("003_wrong.yaml", WRONG)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert shop.run("lint", code=1).stdout.startswith("::error title=RF102")
    assert shop.run("lint", "--format", "concise", code=1).stdout.startswith("specs/003_wrong.yaml:4")


def test_warnings_fail_only_when_strict_or_configured(shop: Shop) -> None:
    (shop.folder / "specs" / "003_titles.yaml").write_text(
        SECOND.replace('"002"', '"003"').replace("steps:", "ignore: [{rule: ZZ999, reason: none}]\nsteps:")
    )
    assert "warning[SP116]" in shop.run("lint").stdout
    shop.run("lint", "--strict", code=1)
    (shop.folder / "engine.yaml").write_text("lint: {fail_on: warning}\n")
    shop.run("lint", code=1)


def test_lint_for_a_dialect_twice_finds_each_mistake_once(shop: Shop) -> None:
    shop.spec("003_wrong.yaml", WRONG)
    found = shop.json("lint", "--dialect", "sqlite", "--dialect", "sqlite", code=1)
    assert found["summary"]["error"] == 1


# ── plan ──────────────────────────────────────────────────────────────────
def test_plan_shows_everything_and_changes_nothing(shop: Shop) -> None:
    sqlite3.connect(shop.db).close()
    before = sorted(os.listdir(shop.folder))
    text = shop.run("plan", "--db", "app.db").stdout
    assert text.startswith("Database: app.db (sqlite)\nVersion:  empty → 002\n")
    assert 'CREATE TABLE "albums"' in text
    assert "; way back: all 3 steps\n" in text.splitlines(keepends=True)[-1]
    assert sorted(os.listdir(shop.folder)) == before
    assert shop.db.read_bytes() == b""


def test_a_plan_has_the_same_bytes_each_time_and_all_its_forms(shop: Shop) -> None:
    for form in ("text", "json", "sql", "markdown", "html"):
        first = shop.run("plan", "--db", "app.db", "--format", form).stdout
        assert first == shop.run("plan", "--db", "app.db", "--format", form).stdout
        assert "CREATE TABLE" in first and "Titles in capitals" in first


def test_a_plan_up_to_a_version_with_a_batch_size(shop: Shop) -> None:
    found = shop.json("plan", "--db", "app.db", "--to", "001")
    assert [m["version"] for m in found["migrations"]] == ["001"]
    assert found["current_version"] is None and found["findings"] == []
    shop.run("plan", "--db", "app.db", "--batch-size", "7", "--max-duration", "30m")
    shop.run("plan", "--db", "app.db", "--to", "009", code=2)


def test_a_plan_without_a_database_starts_from_an_empty_schema(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_DB", "other.db")
    text = shop.run("plan", "--dialect", "sqlite").stdout
    assert text.startswith("Database: sqlite, no database\n")
    assert not (shop.folder / "other.db").exists()
    assert "--dialect mysql" in shop.run("plan", "--dialect", "mysql", "--db", "app.db", code=2).stderr


def test_without_a_database_anywhere_plan_says_how_to_name_one(shop: Shop) -> None:
    assert "--db" in shop.run("plan", code=2).stderr


def test_the_detailed_exit_code_tells_whether_changes_are_pending(shop: Shop) -> None:
    shop.run("plan", "--db", "app.db", "--detailed-exitcode", code=2)
    shop.run("apply", "--db", "app.db")
    assert "Plan: nothing to do" in shop.run("plan", "--db", "app.db", "--detailed-exitcode").stdout


def test_out_writes_a_plan_file_and_still_shows_the_plan(shop: Shop) -> None:
    result = shop.run("plan", "--db", "app.db", "--out", "plan.json")
    assert result.stdout.startswith("Database: app.db")
    assert "written to plan.json\nnext: engine apply --db app.db --plan plan.json\n" in result.stderr
    assert json.loads((shop.folder / "plan.json").read_text())["plan_hash"]
    html = shop.run("plan", "--db", "app.db", "--format", "html", "--out", "plan.html")
    assert html.stdout == "" and (shop.folder / "plan.html").read_text().startswith("<!doctype html>")
    sqlite3.connect(shop.db).close()
    assert "is the database itself" in shop.run("plan", "--db", "app.db", "--out", "app.db", code=2).stderr


def test_findings_stop_a_plan_and_an_apply(shop: Shop) -> None:
    shop.spec("003_wrong.yaml", WRONG)
    for command in ("plan", "apply"):
        result = shop.run(command, "--db", "app.db", code=1)
        assert "error[RF102]" in result.stderr and result.stdout == ""
        found = shop.json(command, "--db", "app.db", code=1)
        assert found["error"]["code"] == "findings" and found["findings"][0]["rule"] == "RF102"
    assert not shop.db.exists() or shop.run("status", "--db", "app.db").stdout.count("empty") == 1


# ── apply ─────────────────────────────────────────────────────────────────
def test_apply_tells_what_was_done_and_a_second_one_has_nothing_to_do(shop: Shop) -> None:
    out = shop.run("apply", "--db", "app.db").stdout
    assert out.startswith("applied 001: 2 steps, 2 rows written, ")
    assert "\napplied 002: 1 step, 2 rows written, " in out
    assert out.endswith("next: engine status --db app.db; `engine rollback` takes the last one back\n")
    assert shop.titles() == ["BLUE", "PINK"]
    assert shop.run("migrate", "--db", "app.db").stdout == "nothing to do\n"


def test_apply_as_a_document(shop: Shop) -> None:
    found = shop.json("apply", "specs", "--db", "sqlite:///app.db", "--to", "001")
    (migration,) = found["migrations"]
    assert (migration["version"], migration["state"]) == ("001", "applied")
    insert = migration["steps"][1]
    assert (insert["step"], insert["rows_written"], insert["rows_skipped"]) == ("2-insert", 2, 0)
    assert {"rows_selected", "batches", "seconds"} <= insert.keys()
    assert shop.json("apply", "--db", "app.db", "--to", "001") == {"schema_version": 1, "migrations": []}


def test_a_failed_assertion_is_3_points_at_the_spec_and_says_what_is_true(shop: Shop) -> None:
    shop.spec("003_counts.yaml", EXPECTS_TOO_MUCH)
    result = shop.run("apply", "--db", "app.db", code=3)
    assert "applied 002" in result.stdout and "failed 003" in result.stdout
    assert "  specs/003_counts.yaml:4:" in result.stderr and "\nnow: " in result.stderr
    assert shop.titles() == ["BLUE", "PINK"]
    found = shop.json("apply", "--db", "app.db", code=3)
    assert found["migrations"][0]["state"] == "failed"
    assert found["error"]["code"] == "assertion" and found["error"]["line"] == 4


def test_a_step_without_a_way_back_must_be_agreed_to(shop: Shop) -> None:
    shop.spec("003_shop.yaml", NO_WAY_BACK)
    result = shop.run("apply", "--db", "app.db", code=2)
    assert "003 1-sql" in result.stderr and "the shop has been told" in result.stderr
    assert "--yes" in result.stderr and not shop.db.exists()
    shop.run("apply", "--db", "app.db", "--yes")
    assert shop.titles() == ["BLUE!", "PINK!"]
    result = shop.run("rollback", "--db", "app.db", code=1)
    assert "the shop has been told" in result.stderr


def interrupt(shop: Shop) -> None:
    """Apply until the first batch of a migration in batches is done, then stop as a signal would."""
    from engine import app
    from engine.run.options import RunOptions
    from engine.run.progress import BatchDone, Happening
    from engine.url import DatabaseUrl

    options = RunOptions()

    def stop(event: Happening) -> None:
        if isinstance(event, BatchDone):
            options.stop.ask()

    project = app.Project(url=DatabaseUrl.parse("app.db"))
    result = app.apply(project, options=options, listener=stop)
    assert result.error is not None and result.error.exit_code == 6


def test_what_was_interrupted_goes_on_and_only_what_comes_after_is_asked_about(shop: Shop) -> None:
    shop.run("apply", "--db", "app.db", "--to", "001")
    shop.spec("002_titles.yaml", IN_BATCHES)
    shop.spec("003_shop.yaml", NO_WAY_BACK)
    interrupt(shop)
    at = shop.json("status", "--db", "app.db")["in_progress"]
    assert (at["version"], at["direction"], at["batch"], at["resumable"]) == ("002", "apply", 1, True)
    assert shop.run("status", "--db", "app.db").stdout.endswith("next: engine apply --db app.db\n")
    result = shop.run("apply", "--db", "app.db", code=2)
    assert result.stdout.startswith("applied 002: ")
    assert "003: going" not in result.stderr and "--yes" in result.stderr
    assert shop.titles() == ["BLUE", "PINK"]
    assert shop.run("apply", "--db", "app.db", "--yes").stdout.startswith("applied 003: ")


def test_what_was_interrupted_goes_on_up_to_the_version_asked_for(shop: Shop) -> None:
    shop.run("apply", "--db", "app.db", "--to", "001")
    shop.spec("002_titles.yaml", IN_BATCHES)
    interrupt(shop)
    assert [m["version"] for m in shop.json("apply", "--db", "app.db", "--to", "001")["migrations"]] == ["002"]
    assert shop.run("apply", "--db", "app.db").stdout == "nothing to do\n"


def test_a_plan_file_is_applied_only_while_it_is_true(shop: Shop) -> None:
    shop.run("plan", "--db", "app.db", "--out", "plan.json")
    shop.run("apply", "--db", "app.db", "--plan", "plan.json")
    assert shop.titles() == ["BLUE", "PINK"]
    shop.run("rollback", "--db", "app.db", "--to", "0")
    shop.spec("002_titles.yaml", SECOND.replace("upper", "lower"))
    assert "not what it was" in shop.run("apply", "--db", "app.db", "--plan", "plan.json", code=4).stderr
    (shop.folder / "plan.json").write_text("{")
    assert "can't be read" in shop.run("apply", "--db", "app.db", "--plan", "plan.json", code=1).stderr
    assert "can't be read" in shop.run("apply", "--db", "app.db", "--plan", "no.json", code=1).stderr


def test_an_edited_spec_is_drift(shop: Shop) -> None:
    shop.run("apply", "--db", "app.db")
    shop.spec("002_titles.yaml", SECOND.replace("upper", "lower"))
    assert "changed after it was applied" in shop.run("apply", "--db", "app.db", code=4).stderr
    assert shop.json("status", "--db", "app.db")["drift"]


def test_a_lock_that_somebody_holds_is_5(shop: Shop) -> None:
    from engine import app
    from engine.changing import working
    from engine.run.options import RunOptions
    from engine.url import DatabaseUrl

    shop.run("apply", "--db", "app.db", "--to", "001")
    with working(app.Project(url=DatabaseUrl.parse("app.db")), "apply", None, RunOptions()):
        assert shop.json("apply", "--db", "app.db", "--lock-wait", "0", code=5)["error"]["code"] == "locked"


# ── rollback, finalize ────────────────────────────────────────────────────
def test_rollback_takes_the_last_one_back_and_a_dry_run_changes_nothing(shop: Shop) -> None:
    shop.run("apply", "--db", "app.db")
    before = hashlib.sha256(shop.db.read_bytes()).digest()
    dry = shop.run("rollback", "--db", "app.db", "--to", "0", "--dry-run").stdout
    assert "to be undone: 002, 001" in dry and "DROP TABLE" in dry
    assert hashlib.sha256(shop.db.read_bytes()).digest() == before
    assert [m["version"] for m in shop.json("rollback", "--db", "app.db", "--dry-run")["migrations"]] == ["002"]
    out = shop.run("rollback", "--db", "app.db").stdout
    assert out.startswith("rolled back 002: ") and out.endswith("next: engine status --db app.db\n")
    assert shop.titles() == ["Blue", "Pink"]
    found = shop.json("rollback", "--db", "app.db", "--to", "0")
    assert [(m["version"], m["state"]) for m in found["migrations"]] == [("001", "rolled_back")]
    assert shop.run("rollback", "--db", "app.db").stdout == "nothing to undo\n"


def test_a_conflict_is_4_before_the_first_write_and_lists_what_changed(shop: Shop) -> None:
    shop.run("apply", "--db", "app.db")
    connection = sqlite3.connect(shop.db)
    connection.execute("UPDATE albums SET title = 'Mine' WHERE id = 2")
    connection.commit()
    connection.close()
    result = shop.run("rollback", "--db", "app.db", code=4)
    assert "  albums: 1 row changed, such as 2\n" in result.stderr
    error = shop.json("rollback", "--db", "app.db", code=4)["error"]
    assert [(c["table"], c["kind"], c["rows"]) for c in error["conflicts"]] == [("albums", "changed", 1)]
    assert shop.titles() == ["BLUE", "Mine"]
    assert "left or overwritten" in shop.run("rollback", "--db", "app.db", "--on-conflict", "skip").stdout
    assert shop.titles() == ["Blue", "Mine"]


def test_finalize_asks_and_then_there_is_no_way_back(shop: Shop) -> None:
    shop.run("apply", "--db", "app.db")
    assert "--yes" in shop.run("finalize", "002", "--db", "app.db", code=2).stderr
    assert shop.run("finalize", "002", "--db", "app.db", "--yes").stdout.startswith("finalized 002")
    shop.run("rollback", "--db", "app.db", code=1)
    (done,) = shop.json("finalize", "001", "--db", "app.db", "--yes")["migrations"]
    assert (done["version"], done["state"]) == ("001", "finalized")
    shop.run("finalize", "009", "--db", "app.db", "--yes", code=1)


# ── looking ───────────────────────────────────────────────────────────────
def test_status_list_and_history_before_and_after(shop: Shop) -> None:
    found = shop.json("status", "--db", "app.db")
    assert found["current_version"] is None and found["applied"] == [] and found["in_progress"] is None
    assert found["pending"][0] == {"version": "001", "description": "Albums"}
    assert not shop.db.exists()
    shop.run("apply", "--db", "app.db", "--to", "001")
    text = shop.run("status", "--db", "app.db").stdout
    assert text.startswith("Database: app.db (sqlite)\nVersion:  001\nApplied:  1 (001)\nPending:  1\n  002  Titles")
    assert text.endswith("next: engine plan --db app.db\n")
    listed = shop.json("list", "--db", "app.db")["migrations"]
    assert [(m["version"], m["applied"]) for m in listed] == [("001", True), ("002", False)]
    assert {"description", "applied_at", "rolled_back_at", "reversible"} <= listed[0].keys()
    assert "✓  001" in shop.run("list", "--db", "app.db").stdout
    assert "001      applied" in shop.run("history", "--db", "app.db").stdout
    (event,) = shop.json("history", "--db", "app.db")["events"]
    assert (event["version"], event["outcome"], event["rows"]) == ("001", "applied", 2)


def test_the_environment_and_the_config_name_the_database(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    (shop.folder / "engine.yaml").write_text("db: c.db\nenvironments: {prod: {db: p.db}}\n")
    assert shop.json("status")["database"].endswith("c.db")
    assert shop.json("status", "-e", "prod")["database"].endswith("p.db")
    monkeypatch.setenv("DATABASE_URL", "d.db")
    assert shop.json("status")["database"] == "d.db"
    monkeypatch.setenv("ENGINE_DB", "e.db")
    assert shop.json("status")["database"] == "e.db"
    assert shop.json("status", "--db", "f.db")["database"] == "f.db"


def test_a_password_is_never_printed(shop: Shop) -> None:
    url = "mysql://ann:secret@box/shop"
    for command in ("status", "plan", "apply"):
        result = CliRunner().invoke(cli, [command, "--db", url])
        assert result.exit_code == 2 and "secret" not in result.output


def test_a_next_command_repeats_what_it_needs_and_no_secret(shop: Shop) -> None:
    (shop.folder / "my.yaml").write_text("environments: {prod: {}}\n")
    given = [
        "specs",
        "--db",
        "a b.db",
        "-e",
        "prod",
        "--config",
        "my.yaml",
        "--var",
        "t=x y",
        "--var",
        "api_key=k3",
    ]
    text = shop.run("status", *given).stdout
    assert text.endswith(
        "next: engine plan specs --db 'a b.db' -e prod --config my.yaml --var 't=x y' --var 'api_key=…'\n"
    )


def test_verify_says_that_it_is_for_later(shop: Shop) -> None:
    assert "later version" in shop.run("verify", "--db", "app.db", code=1).stderr


# ── files ─────────────────────────────────────────────────────────────────
def test_a_snapshot_stands_in_for_the_database(shop: Shop) -> None:
    shop.run("apply", "--db", "app.db")
    result = shop.run("snapshot", "--db", "app.db", "--out", "schema.snapshot.json")
    assert "written to schema.snapshot.json" in result.stderr and result.stdout == ""
    assert "albums" in (shop.folder / "schema.snapshot.json").read_text()
    assert shop.json("snapshot", "--db", "app.db", "--out", "s.json")["file"] == "s.json"
    assert "is the database itself" in shop.run("snapshot", "--db", "app.db", "--out", "app.db", code=2).stderr


def test_schema_prints_the_machine_form_of_the_format(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    import engine

    assert "$schema" in json.loads(shop.run("schema").stdout)
    monkeypatch.setattr(engine, "__file__", str(shop.folder / "lib" / "engine" / "__init__.py"))
    assert "has no schema.json" in shop.run("schema", code=1).stderr


def test_variables_reach_the_specs(shop: Shop) -> None:
    shop.spec(
        "002_titles.yaml",
        SECOND.replace("steps:", "vars: {how: upper}\nsteps:").replace("upper(t", "{{ how }}(t"),
    )
    shop.run("apply", "--db", "app.db", "--var", "how=lower")
    assert shop.titles() == ["blue", "pink"]
