"""One database and one folder of specs on the disk, which can be looked at, killed, and put back to any moment."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.crash.crashing import FILES, SimulatedCrash, disk_error, raising, refused, watched
from tests.support.command import Ran, document, run
from tests.support.database import Snapshot, script, snapshot

DB = "app.db"
CODES = {0, 1, 2, 3, 4, 5, 6}
WAYS = ("killed", "disk fails", "disk fails after", "refused")
"""How a run is disturbed: gone after a statement, an I/O error in place of one or after one, an error of the database."""

GIVEN = """
CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, n INT, note TEXT);
CREATE TABLE u (id INTEGER PRIMARY KEY AUTOINCREMENT, t INT REFERENCES t(id) ON DELETE CASCADE, w TEXT);
CREATE TABLE log (at INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT);
CREATE TABLE others (id INTEGER PRIMARY KEY, v TEXT);
CREATE INDEX t_n ON t (n);
CREATE VIEW names AS SELECT id, v FROM t;
CREATE TRIGGER seen AFTER DELETE ON u BEGIN INSERT INTO log (what) VALUES ('u ' || old.id); END;
INSERT INTO t VALUES (1, 'a', 1, NULL), (2, 'b', 2, ''), (3, 'c', NULL, 'x'), (4, NULL, 4, NULL), (5, 'e', 5, 'y'), (6, 'f', 6, NULL);
INSERT INTO u (t, w) VALUES (1, 'one'), (2, 'two'), (2, 'too'), (5, 'five'), (NULL, 'none');
INSERT INTO others VALUES (1, 'stays');
"""
SPARES = 9


class Place:
    """A folder of its own, which is the working folder while it lives."""

    def __init__(self, *, wal: bool) -> None:
        self._before = os.getcwd()
        self._folder = tempfile.TemporaryDirectory(prefix="engine-stateful-")
        os.chdir(self._folder.name)
        Path("specs").mkdir()
        spares = "".join(
            f"CREATE TABLE spare_{n} (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO spare_{n} VALUES (1, 's');"
            for n in range(1, SPARES + 1)
        )
        script(DB, GIVEN + spares)
        if wal:
            with closing(sqlite3.connect(DB)) as db:
                db.execute("PRAGMA journal_mode = WAL").fetchone()

    def leave(self) -> None:
        """Take the folder away."""
        os.chdir(self._before)
        self._folder.cleanup()

    # ── the disk ──────────────────────────────────────────────────────────
    def image(self) -> dict[str, bytes]:
        """Return what stands on the disk of the database."""
        return {s: Path(DB + s).read_bytes() for s in FILES if Path(DB + s).exists()}

    def put(self, image: dict[str, bytes]) -> None:
        """Let the database be as it was."""
        for suffix in (*FILES, "-shm"):
            Path(DB + suffix).unlink(missing_ok=True)
        for suffix, data in image.items():
            Path(DB + suffix).write_bytes(data)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Try something: files and database are as before at the end."""
        specs = {p.name: p.read_bytes() for p in Path("specs").iterdir()}
        image = self.image()
        try:
            yield
        finally:
            shutil.rmtree("specs")
            Path("specs").mkdir()
            for name, data in specs.items():
                Path("specs", name).write_bytes(data)
            self.put(image)

    def settle(self) -> None:
        """Let SQLite recover what a kill left, as the next to open the database would."""
        with closing(sqlite3.connect(DB)) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)

    def users(self) -> Snapshot:
        """Return what users see."""
        return snapshot(DB)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with closing(sqlite3.connect(DB)) as db:
            return db.execute(query).fetchall()

    # ── the commands ──────────────────────────────────────────────────────
    def engine(self, command: str, *args: str) -> Ran:
        """Run a command; it ends with a code of the contract and no traceback."""
        yes = ["--yes"] if command in ("apply", "finalize") else []
        specs = [] if command == "finalize" else ["specs"]
        ran = run(command, *args, "--db", DB, *yes, *specs)
        assert ran.code in CODES, ran.output
        assert ran.code == 0 or command in ("lint", "plan") or "error: " in ran.output, ran.output
        return ran

    def status(self) -> Any:
        """Return the document of `status`."""
        return document("status", "--db", DB, "specs")

    def statements(self, command: str, *args: str) -> list[str]:
        """Return the statements that a command sends; nothing stays of it."""
        with self.aside(), raising(refused, 0) as sent:
            self.engine(command, *args)
        return sent

    def met(self, sql: str, number: int, command: str, *args: str) -> tuple[bool, Ran]:
        """Run a command; others run `sql` behind its first commit from statement `number` on.

        Returns:
            Whether others changed something, and how the command ended.
        """
        count = changed = 0
        done = False

        def look(driver: object, sent: str) -> None:
            nonlocal count, changed, done
            count += 1
            if count >= number and sent == "COMMIT" and not done:
                done = True
                with closing(sqlite3.connect(DB, isolation_level=None)) as db:
                    changed = db.execute(sql).rowcount

        with watched(after=look):
            ran = self.engine(command, *args)
        return changed > 0, ran

    def disturbed(self, way: str, number: int, command: str, *args: str) -> Ran | None:
        """Run a command that is disturbed at statement `number`; None where it was killed."""
        if way != "killed":
            error = refused if way == "refused" else disk_error
            with raising(error, number, done=way.endswith("after")):
                return self.engine(command, *args)
        image: dict[str, bytes] = {}
        count = 0

        def look(driver: object, sql: str) -> None:
            nonlocal count, image
            count += 1
            if count == number:
                image = self.image()
                raise SimulatedCrash

        try:
            with watched(after=look):
                return self.engine(command, *args)
        except SimulatedCrash:
            self.put(image)  # no `finally` had a say in it
            return None


class Moment:
    """A database as it was, or should become: what others change is changed in it too."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @classmethod
    def now(cls) -> Moment:
        """Return the database as it stands."""
        return cls.of(DB)

    @classmethod
    def of(cls, path: str) -> Moment:
        """Return the database at `path`; SQLite's own backup, for a part of it may stand in a log."""
        with closing(sqlite3.connect(path)) as db, closing(sqlite3.connect("moment.db")) as copy:
            db.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE").fetchone()
        return cls._taken()

    @classmethod
    def _taken(cls) -> Moment:
        path = Path("moment.db")
        data = path.read_bytes()
        path.unlink()
        return cls(data)

    def changed(self, sql: str, params: tuple[Any, ...] = ()) -> Moment:
        """Return it with a change by others."""
        Path("moment.db").write_bytes(self._data)
        with closing(sqlite3.connect("moment.db", isolation_level=None)) as db:
            db.execute(sql, params)
        return self._taken()

    def users(self) -> Snapshot:
        """Return what users see in it."""
        Path("moment.db").write_bytes(self._data)
        try:
            return snapshot("moment.db")
        finally:
            Path("moment.db").unlink()

    def value(self, id_: int) -> str | None:
        """Return `t.v` of a row."""
        Path("moment.db").write_bytes(self._data)
        with closing(sqlite3.connect("moment.db")) as db:
            found = db.execute("SELECT v FROM t WHERE id = ?", (id_,)).fetchone()
        Path("moment.db").unlink()
        assert found is not None, f"row {id_} is gone"
        return found[0]
