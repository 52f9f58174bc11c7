"""The life of a database through the command line: what each command leaves, says, and refuses."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.command import document, run
from tests.support.database import rows_of, same, script, snapshot

ROOT = Path(__file__).resolve().parents[1]
DB = ("--db", "app.db")


def spec(version: str, steps: str, **more: str) -> str:
    """Return the text of a spec."""
    head = "".join(f"{key}: {value}\n" for key, value in more.items())
    return f'version: "{version}"\ndescription: Spec {version}\n{head}steps:\n{steps}'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a database of three rows and two specs."""
    monkeypatch.chdir(tmp_path)
    script("app.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1,'a'),(2,'b'),(3,'c')")
    Path("specs").mkdir()
    write("001", '  - transform: {table: t, set: {v: "upper(v)"}, where: "true", expect_rows: 3}\n')
    write("002", "  - alter: {table: t, add: {w: {type: integer, default: 0}}}\n")
    return tmp_path


def write(version: str, steps: str, **more: str) -> Path:
    """Write a spec into the folder and return its path."""
    path = Path("specs", f"{version}_spec.yaml")
    path.write_text(spec(version, steps, **more), encoding="utf-8")
    return path


def apply(*more: str) -> None:
    """Apply all that is pending; it must go well."""
    ran = run("apply", *DB, "--yes", *more, "specs")
    assert ran.code == 0, ran.output


@pytest.mark.parametrize(
    "command",
    [("plan",), ("lint",), ("status",), ("list",), ("history",), ("verify",), ("rollback", "--dry-run")],
    ids=" ".join,
)
@pytest.mark.parametrize("applied", [False, True])
def test_commands_that_only_look_change_no_byte(command: tuple[str, ...], applied: bool) -> None:
    if applied:
        apply("--to", "001")
    before, files = Path("app.db").read_bytes(), sorted(os.listdir())
    run(*command, *DB, "specs")
    assert Path("app.db").read_bytes() == before
    assert sorted(os.listdir()) == files


def test_apply_a_second_time_does_nothing() -> None:
    apply()
    before = snapshot("app.db")
    ran = run("apply", *DB, "specs")
    assert ran.code == 0 and "nothing" in ran.output.lower(), ran.output
    same(before, snapshot("app.db"))


def test_status_and_list_and_history_tell_where_it_stands() -> None:
    apply("--to", "001")
    status = document("status", *DB, "specs")
    assert (status["current_version"], status["applied"]) == ("001", ["001"])
    assert [p["version"] for p in status["pending"]] == ["002"]
    assert status["in_progress"] is None and status["drift"] == []
    listed = document("list", *DB, "specs")["migrations"]
    assert [(m["version"], m["applied"]) for m in listed] == [("001", True), ("002", False)]
    assert "001" in run("history", *DB, "specs").output


def test_detailed_exit_code_tells_that_changes_are_pending() -> None:
    assert run("plan", *DB, "--detailed-exitcode", "specs").code == 2
    apply()
    assert run("plan", *DB, "--detailed-exitcode", "specs").code == 0


def test_rollback_takes_steps_or_ends_at_a_version() -> None:
    before = snapshot("app.db")
    apply()
    assert run("rollback", *DB, "--yes", "specs").code == 0
    assert document("status", *DB, "specs")["applied"] == ["001"]
    apply()
    assert run("rollback", *DB, "--yes", "--to", "001", "specs").code == 0
    assert document("status", *DB, "specs")["applied"] == ["001"]
    apply()
    assert run("rollback", *DB, "--yes", "--steps", "2", "specs").code == 0
    same(before, snapshot("app.db"))
    assert run("rollback", *DB, "--yes", "specs").code == 0, "nothing is left to undo"


def test_a_spec_that_was_edited_since_is_drift_and_the_way_back_goes_by_what_was_applied() -> None:
    before = snapshot("app.db")
    apply()
    path = Path("specs/001_spec.yaml")
    path.write_text("# a comment changes nothing\n" + path.read_text(), encoding="utf-8")
    assert run("apply", *DB, "specs").code == 0
    write("001", '  - transform: {table: t, set: {v: "lower(v)"}, where: "true", expect_rows: 3}\n')
    ran = run("apply", *DB, "specs")
    assert ran.code == 4 and "001_spec.yaml" in ran.output, ran.output
    undone = run("rollback", *DB, "--yes", "--to", "0", "specs")
    assert undone.code == 0, undone.output
    same(before, snapshot("app.db"))


def test_a_spec_that_sorts_before_what_is_applied_is_refused() -> None:
    apply()
    write("001a", "  - index: {table: t, columns: [v]}\n")
    ran = run("apply", *DB, "specs")
    assert ran.code == 1 and "VC104" in ran.output, ran.output


def test_a_plan_file_is_applied_as_it_was_planned_or_not_at_all() -> None:
    assert run("plan", *DB, "--format", "json", "--out", "plan.json", "specs").code == 0
    first = Path("plan.json").read_bytes()
    Path("plan.json").unlink()
    assert run("plan", *DB, "--format", "json", "--out", "plan.json", "specs").code == 0
    assert Path("plan.json").read_bytes() == first, "the same input gives the same bytes"
    script("app.db", "CREATE TRIGGER meanwhile AFTER UPDATE ON t BEGIN UPDATE t SET v = '' WHERE id = 0; END")
    ran = run("apply", *DB, "--yes", "--plan", "plan.json")
    assert ran.code == 4, ran.output
    script("app.db", "DROP TRIGGER meanwhile")
    changed = json.loads(first)
    changed["migrations"][0]["statements"][0]["sql"] = "DROP TABLE t"
    Path("forged.json").write_text(json.dumps(changed), encoding="utf-8")
    run("apply", *DB, "--yes", "--plan", "forged.json")
    assert len(rows_of("app.db", "t")) == 3, "SQL in a plan file is never run"
    run("rollback", *DB, "--yes", "--to", "0", "specs")
    ran = run("apply", *DB, "--yes", "--plan", "plan.json")
    assert ran.code == 0, ran.output
    assert document("status", *DB, "specs")["current_version"] == "002"
    assert run("apply", *DB, "--yes", "--plan", "none.json").code == 1


def test_finalize_gives_up_the_way_back_and_frees_the_journal() -> None:
    apply()
    assert journals()
    assert run("finalize", "001", *DB).code != 0, "without --yes and a terminal nothing is given up"
    assert journals()
    done = run("finalize", "001", *DB, "--yes", "specs")
    assert done.code == 0, done.output
    assert not journals()
    assert run("rollback", *DB, "--yes", "specs").code == 0
    ran = run("rollback", *DB, "--yes", "specs")
    assert ran.code == 1 and "001" in ran.output, ran.output


def journals() -> list[str]:
    """Return the names of the journals."""
    with closing(sqlite3.connect("app.db")) as db:
        found = db.execute("SELECT name FROM sqlite_master WHERE name LIKE 'engine_undo%' AND type = 'table'")
        return [name for (name,) in found]


def test_a_snapshot_stands_in_for_the_database() -> None:
    assert run("snapshot", *DB, "--out", "schema.snapshot.json").code == 0
    Path("engine.yaml").write_text("schema: schema.snapshot.json\n", encoding="utf-8")
    write("003", "  - index: {table: t, columns: [wrong]}\n")
    ran = run("lint", "specs")
    assert ran.code == 1 and "RF102" in ran.output, ran.output
    Path("specs/003_spec.yaml").unlink()
    assert run("lint", "specs").code == 0
    planned = run("plan", "--dialect", "sqlite", "specs")
    assert planned.code == 0, planned.output


def test_a_database_of_somebody_else_is_refused_untouched() -> None:
    script("app.db", "CREATE TABLE migration_history (id INTEGER PRIMARY KEY, script TEXT)")
    before = snapshot("app.db")
    ran = run("apply", *DB, "--yes", "specs")
    assert ran.code in (1, 4) and "migration_history" in ran.output, ran.output
    same(before, snapshot("app.db"))


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("apply", "specs"), 2),
        (("apply", "--db", "mysql://u:secret@h/d", "specs"), 2),
        (("apply", *DB, "nowhere"), 2),
        (("apply", *DB, "--to", "9", "specs"), 2),
        (("rollback", *DB, "--to", "nine", "specs"), 2),
        (("plan", *DB, "--nonsense"), 2),
        (("nonsense",), 2),
        (("status", "--db", "missing.db", "specs"), 0),
    ],
    ids=str,
)
def test_wrong_use_ends_with_its_code_and_no_secret(args: tuple[str, ...], code: int) -> None:
    ran = run(*args)
    assert ran.code == code, ran.output
    assert "secret" not in ran.output
    assert not Path("missing.db").exists()


def test_somebody_at_work_is_code_5_and_can_be_waited_for() -> None:
    hold = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from engine.dialects.sqlite.driver import connect\n"
        "from engine.dialects.sqlite.ledger import Ledger\n"
        "from engine.cli.main import cli\n"
        "import engine.dialects.sqlite.driver as d\n"
        "plain = d.SQLiteDriver.execute\n"
        "def slow(self, sql, params=None):\n"
        "    if sql.startswith('UPDATE \"t\"'):\n"
        "        print('working', flush=True); time.sleep(3)\n"
        "    return plain(self, sql, params)\n"
        "d.SQLiteDriver.execute = slow\n"
        "cli.main(['apply', '--db', 'app.db', '--yes', 'specs'])\n"
    )
    child = subprocess.Popen([sys.executable, "-c", hold, str(ROOT)], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None and "working" in child.stdout.readline()
        ran = run("apply", *DB, "--yes", "specs")
        assert ran.code == 5, ran.output
        started = time.monotonic()
        waited = run("apply", *DB, "--yes", "--lock-wait", "20s", "specs")
        assert waited.code == 0, waited.output
        assert time.monotonic() - started < 20
        child.communicate()
        assert child.returncode == 0
    finally:
        child.kill()
        child.wait()


def test_an_unfinished_migration_goes_on_or_back() -> None:
    write(
        "003", "  - insert: {into: t, rows: [{id: 9, v: z}], expect_rows: 1}\n", on_failure="stop", transaction="step"
    )
    Path("specs/003_spec.yaml").write_text(
        Path("specs/003_spec.yaml").read_text() + "  - validate: [{row_count: {table: t, equals: 5}}]\n",
        encoding="utf-8",
    )
    before = snapshot("app.db")
    ran = run("apply", *DB, "--yes", "specs")
    assert ran.code == 3, ran.output
    assert document("status", *DB, "specs")["in_progress"]["version"] == "003"
    script("app.db", "INSERT INTO t (id, v) VALUES (10, 'put right')")
    assert run("apply", *DB, "--yes", "specs").code == 0
    assert document("status", *DB, "specs")["current_version"] == "003"
    script("app.db", "DELETE FROM t WHERE id = 10")
    undone = run("rollback", *DB, "--yes", "--to", "0", "specs")
    assert undone.code == 0, undone.output
    same(before, snapshot("app.db"))


def test_rows_behind_a_step_without_a_way_back_come_once_when_it_goes_on() -> None:
    Path("specs/001_spec.yaml").unlink()
    Path("specs/002_spec.yaml").unlink()
    made = "{table: fresh, columns: {id: {type: integer, primary_key: true}, v: text}}"
    steps = f"""  - create: {made}
  - delete: {{from: t, where: id = 99}}
    irreversible: there is nothing to bring back
  - copy: {{from: t, into: fresh, columns: {{id: id, v: v}}, expect_rows: all}}
  - validate: [{{no_rows: {{sql: SELECT 1 FROM fresh WHERE v = 'b'}}}}]
"""
    write("001", steps, transaction="step")
    failed = run("apply", *DB, "--yes", "specs")
    assert failed.code == 3 and "undone back to step" in failed.output, failed.output
    assert rows_of("app.db", "fresh") == []
    script("app.db", "UPDATE t SET v = 'x' WHERE v = 'b'")
    apply()
    assert [row["v"] for row in rows_of("app.db", "fresh")] == ["a", "x", "c"]
