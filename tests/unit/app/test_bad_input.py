"""What goes wrong outside of the engine: exit code, what, where, what is true now, and what is next."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from shelf import COLUMN, INDEX, UPPER, Shelf

from engine.cli.main import cli
from tests.support.command import Ran, document, run
from tests.support.database import same, snapshot
from tests.support.rights import bound_by_rights

DB = ("--db", "app.db")
WRITING = [("apply", "--yes"), ("rollback", "--yes"), ("finalize", "001", "--yes")]
LOOKING = [("plan",), ("status",), ("list",), ("history",), ("lint",)]


def ended(args: tuple[str, ...], code: int, *words: str, db: str = "app.db") -> Ran:
    """Run a command; it must end with `code`, say `words` in this order, and say the same in JSON."""
    ran = run(*args, "--db", db)
    assert ran.code == code, ran.output
    place = 0
    for word in words:
        assert word in ran.output[place:], f"{word!r} is not (or too early) in\n{ran.output}"
        place = ran.output.index(word, place)
    result = CliRunner().invoke(cli, [*args, "--db", db, "--format", "json"])
    assert result.exit_code == code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    assert found["schema_version"] == 1
    error = found["error"]
    assert error.keys() >= {"code", "message", "file", "line", "column", "kept", "next"}
    assert error["message"], error
    return ran


# ── the database ──────────────────────────────────────────────────────────
@pytest.mark.parametrize("command", [*WRITING[:1], *LOOKING], ids=lambda c: c[0])
def test_a_folder_of_the_database_that_is_missing(command: tuple[str, ...], shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    args = command if command[0] in ("finalize",) else (*command, "specs")
    ended(args, 1, "error: nowhere/app.db can't be opened", "hint: there is no folder nowhere", db="nowhere/app.db")
    assert not Path("nowhere").exists()


@pytest.mark.parametrize("command", [*WRITING, *LOOKING], ids=lambda c: c[0])
def test_a_file_that_is_no_database(command: tuple[str, ...], shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    Path("odd.db").write_bytes(b"this is a letter, not a database. " * 100)
    before = Path("odd.db").read_bytes()
    args = command if command[0] == "finalize" else (*command, "specs")
    ended(args, 1, "error: odd.db", db="odd.db")
    assert Path("odd.db").read_bytes() == before


@pytest.mark.parametrize("command", [*WRITING, *LOOKING], ids=lambda c: c[0])
def test_a_folder_in_place_of_a_database(command: tuple[str, ...], shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    args = command if command[0] == "finalize" else (*command, "specs")
    ended(args, 1, "error: specs", db="specs")


@pytest.mark.parametrize("mode", [0o000, 0o400], ids=["unreadable", "read-only"])
def test_a_database_that_can_t_be_written(mode: int, shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    before = Path("app.db").read_bytes()
    Path("app.db").chmod(mode)
    try:
        with bound_by_rights():
            ended(("apply", "--yes", "specs"), 1, "error: ", "app.db")
    finally:
        Path("app.db").chmod(0o600)
    assert Path("app.db").read_bytes() == before


# ── locked ────────────────────────────────────────────────────────────────
@contextmanager
def held_by_another(statement: str = "BEGIN EXCLUSIVE") -> Iterator[None]:
    """Let another process hold the database while inside."""
    text = (
        "import sqlite3, sys\n"
        "db = sqlite3.connect('app.db', isolation_level=None)\n"
        f"db.execute({statement!r})\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
        "db.execute('ROLLBACK')\n"
    )
    child = subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None and child.stdout.readline() == "held\n"
        yield
    finally:
        child.communicate("")
        assert child.returncode == 0


@pytest.fixture
def impatient(shelf: Shelf) -> Shelf:
    """Two specs, one applied, and a config that waits for no lock of the database."""
    shelf.spec("001", UPPER)
    shelf.apply()
    shelf.spec("002", COLUMN)
    Path("engine.yaml").write_text("lock_timeout: 50ms\n", encoding="utf-8")
    return shelf


@pytest.mark.parametrize("command", WRITING, ids=lambda c: c[0])
@pytest.mark.parametrize("statement", ["BEGIN EXCLUSIVE", "BEGIN IMMEDIATE"])
def test_a_database_that_another_process_holds(statement: str, command: tuple[str, ...], impatient: Shelf) -> None:
    before, files = snapshot("app.db"), sorted(os.listdir())
    args = command if command[0] == "finalize" else (*command, "specs")
    with held_by_another(statement):
        ended(args, 5, "error: the database app.db is locked by", "now: ", f"next: engine {command[0]}")
    same(before, snapshot("app.db"))
    assert sorted(os.listdir()) == files
    assert run(*args, *DB).code == 0, "once it is free the same command does it"


@pytest.mark.parametrize("command", LOOKING, ids=lambda c: c[0])
def test_a_database_that_another_process_writes_to_can_t_be_looked_at(
    command: tuple[str, ...], impatient: Shelf
) -> None:
    with held_by_another():
        ended((*command, "specs"), 5, "error: ")
    assert run(*command, "specs", *DB).code == 0


def test_one_who_only_reads_is_in_nobody_s_way(impatient: Shelf) -> None:
    with closing(sqlite3.connect("app.db", isolation_level=None)) as reader:
        reader.execute("PRAGMA journal_mode = WAL")
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM t").fetchone() == (3,)
        assert run("apply", "--yes", "specs", *DB).code == 0
        reader.execute("COMMIT")
    assert document("status", *DB, "specs")["current_version"] == "002"


# ── the specs ─────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("apply", "--yes", "specs"), 1, "there are no specs in `specs`"),
        (("plan", "specs"), 1, "there are no specs in `specs`"),
        (("lint", "specs"), 1, "there are no specs in `specs`"),
        (("list", "specs"), 1, "there are no specs in `specs`"),
        (("apply", "--yes", "nowhere"), 2, "there is no `nowhere`"),
        (("plan", "nowhere"), 2, "there is no `nowhere`"),
        (("lint", "nowhere"), 2, "there is no `nowhere`"),
    ],
    ids=str,
)
def test_a_folder_without_specs(args: tuple[str, ...], code: int, words: str, shelf: Shelf) -> None:
    Path("specs/_draft.yaml").write_text("x: 1", encoding="utf-8")
    Path("specs/readme.md").write_text("x", encoding="utf-8")
    before = Path("app.db").read_bytes()
    ended(args, code, f"error: {words}", "hint: ")
    assert Path("app.db").read_bytes() == before


@pytest.mark.parametrize("command", [("apply", "--yes"), ("plan",), ("lint",)], ids=lambda c: c[0])
@pytest.mark.parametrize("what", ["file", "folder"])
def test_specs_that_can_t_be_read(what: str, command: tuple[str, ...], shelf: Shelf) -> None:
    path = shelf.spec("001", UPPER)
    locked = path if what == "file" else path.parent
    locked.chmod(0)
    try:
        with bound_by_rights():
            ended((*command, "specs"), 1, "can't be read", "hint: check the path and its permissions")
    finally:
        locked.chmod(0o700)


@pytest.mark.parametrize("command", [("apply", "--yes"), ("plan",), ("lint",)], ids=lambda c: c[0])
def test_a_spec_that_the_system_can_t_open(command: tuple[str, ...], shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    Path("specs/002_loop.yaml").symlink_to("002_loop.yaml")
    before = Path("app.db").read_bytes()
    ended((*command, "specs"), 1, "error: `specs/002_loop.yaml` can't be read: too many", "hint: check the path")
    Path("specs/002_loop.yaml").unlink()
    os.mkfifo("specs/002_pipe.yaml")
    ended((*command, "specs"), 1, "error: `specs/002_pipe.yaml` is not a regular file", "hint: ")
    assert Path("app.db").read_bytes() == before


@pytest.mark.parametrize("command", [("apply", "--yes"), ("plan",), ("lint",)], ids=lambda c: c[0])
def test_a_spec_that_leads_nowhere_or_out_of_the_folder(command: tuple[str, ...], shelf: Shelf) -> None:
    Path("specs/001_gone.yaml").symlink_to("nowhere.yaml")
    ended((*command, "specs"), 1, "error: `specs/001_gone.yaml`", "hint: ")
    Path("specs/001_gone.yaml").unlink()
    Path("elsewhere.yaml").write_text("x: 1", encoding="utf-8")
    Path("specs/001_out.yaml").symlink_to("../elsewhere.yaml")
    ended((*command, "specs"), 1, "error: `specs/001_out.yaml` leads out of the folder", "hint: put the file itself")


@pytest.mark.parametrize(
    "data", [b"\xff\xfe\x00v", b"version: '001'\ndescription: \xe4\n", b"\x00" * 50, b"", b"[" * 5000], ids=repr
)
def test_a_file_that_is_no_text(data: bytes, shelf: Shelf) -> None:
    Path("specs/001_odd.yaml").write_bytes(data)
    before = Path("app.db").read_bytes()
    for command in (("lint",), ("plan", *DB), ("apply", "--yes", *DB)):
        ran = run(*command, "specs")
        assert ran.code == 1 and "specs/001_odd.yaml:" in ran.output and "error[SP1" in ran.output, ran.output
    assert Path("app.db").read_bytes() == before


def test_a_spec_for_another_database_is_told_and_not_run(shelf: Shelf) -> None:
    shelf.spec("001", INDEX, dialects="[mysql]")
    before = snapshot("app.db")
    words = "meant for mysql, and this is sqlite"
    assert words in run("plan", *DB, "specs").output
    ran = run("apply", "--yes", *DB, "specs")
    assert ran.code == 0 and "skipped 001" in ran.output
    same(before, snapshot("app.db"))
    assert document("status", *DB, "specs")["applied"] == []


def test_sql_that_this_database_has_not_is_shown_at_its_place(shelf: Shelf) -> None:
    shelf.spec("001", '  - {sql: {postgresql: "SELECT 1", mysql: "SELECT 1"}, undo: "SELECT 1"}\n')
    for command in (("lint",), ("plan", *DB), ("apply", "--yes", *DB)):
        ran = run(*command, "specs")
        assert ran.code == 1 and "specs/001_spec.yaml:4:" in ran.output and "sqlite" in ran.output, ran.output


# ── the command line ──────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("apply", "--yess", *DB), "did you mean `--yes`?"),
        (("aply", *DB), "did you mean `engine apply`?"),
        (("apply", "--batch-size", "0", *DB), "--batch-size"),
        (("apply", "--lock-wait", "soon", *DB), "--lock-wait"),
        (("rollback", "--steps", "0", *DB), "--steps"),
        (("rollback", "--steps", "1", "--to", "0", *DB), "can't be given together"),
        (("plan", "--dialect", "oracle", "specs"), "there is no dialect `oracle`"),
        (("plan", "--dialect", "mysql", *DB, "specs"), "the database is sqlite"),
        (("plan", "--format", "pdf", *DB), "--format"),
        (("lint", "--explain", "XX999"), "there is no rule `XX999`"),
        (("apply", "--db", "oracle://h/d", "specs"), "oracle"),
        (("apply", "--db", "sqlite://app.db", "specs"), "three slashes"),
        (("apply", "specs"), "no database is named"),
        (("apply", *DB, "--var", "novalue", "specs"), "--var"),
        (("apply", *DB, "-e", "prod", "specs"), "there is no environment `prod`"),
        (("finalize", *DB), "VERSION"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_use_is_code_2_with_a_way_out(args: tuple[str, ...], words: str, shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    before = Path("app.db").read_bytes()
    ran = run(*args)
    assert ran.code == 2, ran.output
    assert "error: " in ran.output and "hint: " in ran.output and words in ran.output, ran.output
    assert Path("app.db").read_bytes() == before


# ── an assertion in the last batch ────────────────────────────────────────
LATE = """
  - index: {table: t, columns: [v]}
  - transform: {table: t, set: {v: upper(v)}, where: "id > 0", batch_size: 1, expect_rows: {sql: "SELECT 4"}}
"""
FLOWN = """
  - index: {table: t, columns: [v]}
  - transform: {table: t, set: {v: upper(v)}, where: "id > 0", batch_size: 1}
  - validate: [{row_count: {table: t, where: "v = 'B'", equals: 2}}]
"""


@pytest.mark.parametrize("steps", [LATE, FLOWN], ids=["expect_rows", "validate"])
@pytest.mark.parametrize("transaction", ["spec", "step"])
def test_an_assertion_that_fails_at_the_end_takes_all_back(transaction: str, steps: str, shelf: Shelf) -> None:
    shelf.spec("001", steps.lstrip("\n"), transaction=transaction)
    before = snapshot("app.db")
    ran = ended(("apply", "--yes", "specs"), 3, "error: step ", "specs/001_spec.yaml:", "now: ")
    assert "as it was before" in ran.output or "nothing was written" in ran.output
    same(before, snapshot("app.db"))
    assert document("status", *DB, "specs")["in_progress"] is None


def test_an_assertion_that_fails_under_stop_leaves_a_point_to_go_on_from(shelf: Shelf) -> None:
    shelf.spec("001", FLOWN.lstrip("\n"), on_failure="stop")
    before = snapshot("app.db")
    ended(
        ("apply", "--yes", "specs"),
        3,
        "error: step 3-validate",
        "specs/001_spec.yaml:7:",
        "now: 2 of 3",
        "next: engine apply",
    )
    found = document("status", *DB, "specs")["in_progress"]
    assert (found["version"], found["step"], found["resumable"]) == ("001", "3-validate", True)
    assert [v for _, v in shelf.rows()] == ["A", "B", "C"]
    shelf.sql("INSERT INTO t VALUES (4, 'B')")
    assert run("apply", "--yes", *DB, "specs").code == 0, "put right, the same command ends it"
    shelf.sql("DELETE FROM t WHERE id = 4")
    assert run("rollback", "--yes", *DB, "specs").code == 0
    same(before, snapshot("app.db"))
