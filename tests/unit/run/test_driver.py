"""The connection: counts, words for refusals, and reading that leaves no trace."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.dialects.sqlite.driver import SQLiteDriver, connect
from engine.dialects.sqlite.opening import refuse_network, uris
from engine.dialects.sqlite.refusals import refusal
from engine.errors import DatabaseError, LockHeld
from tests.support.rights import bound_by_rights


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.db"


def new(path: Path, journal: str = "delete") -> None:
    made = sqlite3.connect(path, isolation_level=None)
    made.execute(f"PRAGMA journal_mode = {journal}")
    made.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a)")
    made.execute("INSERT INTO t (a) VALUES (1), (2), (3)")
    made.close()


# ── statements ────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("sql", "count"),
    [
        ("UPDATE t SET a = 9 WHERE id > 1", 2),
        ("WITH x AS (SELECT 1 AS i) UPDATE t SET a = 9 WHERE id IN (SELECT i FROM x)", 1),
        ("WITH x AS (SELECT 7 AS i) UPDATE t SET a = 9 WHERE id IN (SELECT i FROM x)", 0),
        ("INSERT INTO t (a) SELECT a FROM t", 3),
        ("DELETE FROM t", 3),
        ("SELECT count(*) + 10 FROM t", 13),
        ("SELECT 'text'", 0),
        ("SELECT 1 WHERE 0", 0),
        ("CREATE TABLE u (x)", 0),
    ],
)
def test_execute_returns_rows_changed_or_the_number_of_a_query(path: Path, sql: str, count: int) -> None:
    new(path)
    driver = connect(path)
    driver.execute("UPDATE t SET a = a")  # what `changes()` still says must not leak into the next count
    assert driver.execute(sql) == count
    driver.close()


def test_rows_that_triggers_change_are_not_counted(path: Path) -> None:
    new(path)
    driver = connect(path)
    driver.execute("CREATE TABLE log (x)")
    driver.execute("CREATE TRIGGER tr AFTER UPDATE ON t BEGIN INSERT INTO log VALUES (1), (2); END")
    assert driver.execute("WITH x AS (SELECT 1) UPDATE t SET a = 5") == 3
    driver.close()


def test_the_listener_hears_every_statement_before_it_is_bound(path: Path) -> None:
    new(path)
    heard: list[tuple[str, Mapping[str, Any]]] = []
    driver = connect(path)
    driver.listener = lambda sql, params: heard.append((sql, dict(params)))
    driver.begin()
    driver.execute("UPDATE t SET a = :lo1", {"lo1": 1, "unused": 2})
    driver.query("SELECT 1")
    driver.commit()
    assert [sql for sql, _ in heard] == ["BEGIN IMMEDIATE", "UPDATE t SET a = :lo1", "SELECT 1", "COMMIT"]
    assert heard[1][1]["lo1"] == 1
    driver.close()


def test_the_settings_of_the_connection_are_the_safe_ones_and_the_journal_mode_stays(path: Path) -> None:
    for journal in ("delete", "wal", "truncate"):
        new(path.with_name(journal), journal)
        driver = connect(path.with_name(journal), lock_timeout=2.5)
        settings = ("synchronous", "foreign_keys", "cell_size_check", "busy_timeout")
        found = [driver.query(f"PRAGMA {name}")[0][0] for name in settings]
        assert found == [2, 1, 1, 2500]
        # A rollback journal that stays is of the connection; others go on as they did, and none is left.
        assert driver.query("PRAGMA journal_mode")[0][0] == ("wal" if journal == "wal" else "persist")
        driver.execute("UPDATE t SET a = 2")
        driver.close()
        with closing(sqlite3.connect(path.with_name(journal))) as other:
            assert other.execute("PRAGMA journal_mode").fetchone()[0] == ("wal" if journal == "wal" else "delete")
        assert not path.with_name(f"{journal}-journal").exists()


def test_one_whose_journal_stays_and_one_who_deletes_it_get_on(path: Path) -> None:
    new(path)
    driver, journal = connect(path), path.with_name("app.db-journal")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        for number in range(1, 6):
            driver.begin()
            driver.execute("UPDATE t SET a = a + 1")
            driver.commit()
            assert journal.read_bytes()[:8] == bytes(8)  # no header: there is nothing to play back
            other.execute("UPDATE t SET a = a + 10")
            assert not journal.exists()
            driver.begin()
            driver.execute("UPDATE t SET a = -1")
            driver.rollback()
            assert other.execute("SELECT min(a) FROM t").fetchone()[0] == 1 + 11 * number
    driver.close()
    assert not journal.exists()


def test_catalogue_leaves_out_what_is_the_engines_and_names_what_is_taken(path: Path) -> None:
    new(path)
    driver = connect(path)
    for name in ("engine_undo_3", "migration_history", "Engine_Meta"):
        driver.execute(f"CREATE TABLE {name} (x)")
        driver.execute(f"CREATE INDEX i_{name} ON {name} (x)")
    driver.execute("CREATE TABLE n (id INTEGER PRIMARY KEY AUTOINCREMENT, u UNIQUE)")
    found = driver.catalogue()
    assert [o.name for o in found.objects] == ["t", "n"]
    assert found.taken == ("engine_undo_3", "migration_history", "Engine_Meta")
    driver.close()


# ── refusals ──────────────────────────────────────────────────────────────
def reason(error: Exception) -> str:
    assert isinstance(error, (DatabaseError, LockHeld))
    return str(error.details["reason"])


def test_a_constraint_an_unknown_name_and_bad_text_are_told_in_words(path: Path) -> None:
    new(path)
    driver = connect(path)
    with pytest.raises(DatabaseError, match="UNIQUE constraint failed") as caught:
        driver.execute("INSERT INTO t (id) VALUES (1)")
    assert reason(caught.value) == "constraint"
    with pytest.raises(DatabaseError, match="no such table") as caught:
        driver.query("SELECT * FROM nowhere")
    assert caught.value.details["sql"] == "SELECT * FROM nowhere"
    driver.execute("INSERT INTO t (a) VALUES (CAST(x'ff' AS TEXT))")
    with pytest.raises(DatabaseError, match="not valid UTF-8"):
        driver.query("SELECT a FROM t")
    with pytest.raises(DatabaseError, match="not valid UTF-8"):
        driver.execute("SELECT a FROM t ORDER BY id DESC")
    with pytest.raises(DatabaseError):
        driver.execute("SELECT :x", {"x": "\ud800"})
    with pytest.raises(DatabaseError):
        driver.execute("SELECT 1; SELECT 2")
    with pytest.raises(DatabaseError):
        driver.execute("SELECT :x", {"x": 2**70})
    driver.close()


def test_a_locked_database_names_the_process_that_holds_it(path: Path) -> None:
    new(path)
    script = (
        f"import sqlite3, sys; c = sqlite3.connect({str(path)!r}, isolation_level=None);"
        "c.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.read()"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", script], stdin=pipe, stdout=pipe) as other:
        assert other.stdout is not None and other.stdout.readline()
        driver = connect(path, lock_timeout=0.05)
        with pytest.raises(LockHeld) as caught:
            driver.begin()
        assert reason(caught.value) == "busy" and caught.value.exit_code == 5
        if Path("/proc/locks").exists():
            assert f"process {other.pid}" in caught.value.message
        assert not driver.in_transaction
        driver.close()
        other.communicate()


def test_a_commit_held_up_by_a_reader_keeps_its_transaction(path: Path) -> None:
    new(path)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM t").fetchall()
    driver = connect(path, lock_timeout=0.02)
    driver.begin()
    driver.execute("UPDATE t SET a = 7")
    with pytest.raises(LockHeld):
        driver.commit()
    assert driver.in_transaction
    reader.execute("COMMIT")
    driver.commit()
    assert driver.query("SELECT DISTINCT a FROM t") == [(7,)]
    reader.close()
    driver.close()


def test_a_full_disk_names_the_space_and_ends_the_transaction(path: Path) -> None:
    new(path)
    driver = connect(path)
    driver.execute("PRAGMA max_page_count = 5")
    driver.begin()
    with pytest.raises(DatabaseError, match=r"the disk is full: .* MiB are free in") as caught:
        driver.execute("INSERT INTO t (a) VALUES (zeroblob(100000))")
    assert reason(caught.value) == "full"
    driver.rollback()  # harmless where SQLite has done it
    assert not driver.in_transaction
    driver.close()


@pytest.mark.parametrize(
    "text",
    [
        b"this is no database, only text that is long enough to be read" * 40,
        b"SQLite format 3\0" + b"\xff" * 2000,
    ],
)
def test_a_file_that_is_no_database_or_damaged_is_told(path: Path, text: bytes) -> None:
    path.write_bytes(text)
    with pytest.raises(DatabaseError) as caught:
        connect(path)
    assert reason(caught.value) in ("notadb", "corrupt")
    assert str(path) in caught.value.message


def test_a_folder_and_a_missing_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="can't be opened") as caught:
        connect(tmp_path)
    assert caught.value.hint == "it is a folder"
    with pytest.raises(DatabaseError) as caught:
        connect(tmp_path / "no" / "app.db")
    assert "there is no folder" in caught.value.hint


def test_old_pythons_without_error_codes_are_understood_by_the_message() -> None:
    assert isinstance(refusal("", "database is locked", "x.db"), LockHeld)
    assert refusal("", "database or disk is full", "x.db").details["reason"] == "full"
    assert refusal("", "disk I/O error", "x.db").details["reason"] == "io"
    assert refusal("", "attempt to write a readonly database", "x.db").message == "x.db can't be written"
    assert refusal("", "database disk image is malformed", "x.db").details["reason"] == "corrupt"
    assert refusal("", 'near "x": syntax error', "x.db").message == 'near "x": syntax error'


def test_a_statement_can_be_stopped_while_it_runs(path: Path) -> None:
    new(path)
    driver = connect(path)
    driver.stop_requested = lambda: True
    with pytest.raises(DatabaseError) as caught:
        driver.query("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n")
    assert reason(caught.value) == "interrupted"
    driver.close()


# ── reading leaves no trace ───────────────────────────────────────────────
def state(folder: Path) -> dict[str, str]:
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.iterdir()}


def look(driver: SQLiteDriver) -> int:
    try:
        return int(driver.query("SELECT count(*) FROM t")[0][0])
    finally:
        driver.close()


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_reading_changes_no_byte_and_leaves_no_file(path: Path, journal: str) -> None:
    new(path, journal)
    before = state(path.parent)
    assert look(connect(path, read_only=True)) == 3
    assert state(path.parent) == before


def test_reading_beside_a_writer_sees_its_commits_and_takes_nothing_away(path: Path) -> None:
    new(path, "wal")
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("INSERT INTO t (a) VALUES (4)")
    before = state(path.parent)
    assert look(connect(path, read_only=True)) == 4
    after = state(path.parent)
    assert after.keys() == before.keys() and after[path.name] == before[path.name]
    writer.close()


def test_a_read_only_connection_refuses_to_write(path: Path) -> None:
    new(path)
    driver = connect(path, read_only=True)
    with pytest.raises(DatabaseError) as caught:
        driver.execute("DELETE FROM t")
    assert reason(caught.value) == "readonly"
    driver.close()


def test_reading_plays_back_the_journal_of_a_crash(path: Path) -> None:
    new(path)
    script = f"""
import os, sqlite3
c = sqlite3.connect({str(path)!r}, isolation_level=None)
c.execute("PRAGMA cache_size = 1")
c.execute("BEGIN IMMEDIATE")
for _ in range(400):
    c.execute("INSERT INTO t (a) VALUES (zeroblob(4000))")
os._exit(9)
"""
    subprocess.run([sys.executable, "-c", script], check=False)
    assert path.with_name("app.db-journal").exists()
    assert look(connect(path, read_only=True)) == 3


def test_reading_recovers_the_wal_of_a_crash(path: Path) -> None:
    new(path, "wal")
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("INSERT INTO t (a) VALUES (4)")
    other = path.with_name("copy.db")
    for end in ("", "-wal"):
        shutil.copy(f"{path}{end}", f"{other}{end}")
    writer.close()
    assert look(connect(other, read_only=True)) == 4


def test_where_nothing_can_be_written_a_wal_database_is_read_as_it_lies(path: Path) -> None:
    new(path, "wal")
    path.parent.chmod(0o500)
    with bound_by_rights():
        assert [uri.split("?")[1] for uri in uris(str(path), True)] == ["mode=ro", "mode=ro&immutable=1"]
        assert look(connect(path, read_only=True)) == 3
    path.parent.chmod(0o700)
    Path(f"{path}-wal").write_bytes(b"what a crash left")
    path.parent.chmod(0o500)
    with bound_by_rights():
        assert [uri.split("?")[1] for uri in uris(str(path), True)] == ["mode=ro"]
    path.parent.chmod(0o700)


def test_a_missing_file_is_read_as_an_empty_database_and_not_made(path: Path) -> None:
    driver = connect(path, read_only=True)
    assert driver.missing and driver.catalogue().objects == ()
    driver.close()
    assert not path.exists()
    made = connect(path)
    assert not made.missing
    made.close()


# ── network file systems ──────────────────────────────────────────────────
MOUNTS = "/dev/a / ext4 rw 0 0\nserver:/x /mnt/share nfs4 rw 0 0\nmap /mnt/my\\040disk cifs rw 0 0\nbad\n"


def test_a_network_file_system_is_refused_with_the_way_out() -> None:
    with pytest.raises(DatabaseError, match="nfs4, mounted at /mnt/share") as caught:
        refuse_network("/mnt/share/app.db", MOUNTS)
    assert "VACUUM INTO" in caught.value.hint
    with pytest.raises(DatabaseError, match="cifs"):
        refuse_network("/mnt/my disk/app.db", MOUNTS)
    refuse_network("/mnt/shared/app.db", MOUNTS)
    refuse_network("/home/app.db", "none / 9p rw 0 0")  # a container's own disk


# ── lending to Python ─────────────────────────────────────────────────────
def test_a_lent_connection_cannot_end_the_transaction(path: Path) -> None:
    new(path)
    driver = connect(path)
    driver.begin()
    with driver.lend() as lent:
        for refused in (lent.commit, lent.rollback, lent.close):
            with pytest.raises(sqlite3.ProgrammingError, match="not up to a migration"):
                refused()
        with pytest.raises(sqlite3.DatabaseError):
            lent.execute("COMMIT")
        with lent:
            lent.execute("INSERT INTO t (a) VALUES (4)")
        lent.executescript(
            "CREATE TABLE u (x); CREATE TRIGGER tr AFTER INSERT ON u BEGIN SELECT 1; SELECT ';'; END; INSERT INTO u VALUES (1)"
        )
        assert driver.in_transaction
    driver.rollback()
    assert driver.query("SELECT name FROM sqlite_schema WHERE name = 'u'") == []
    assert driver.query("SELECT count(*) FROM t") == [(3,)]
    with driver.lend() as lent, pytest.raises(sqlite3.DatabaseError):
        lent.execute("BEGIN")
    driver.begin()
    driver.commit()
    driver.close()
