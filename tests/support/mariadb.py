"""A MariaDB for tests: a server of our own with its own data, a database on it, and its content as a value.

`ENGINE_TEST_MYSQL` names a server (a URL of a user that may make databases); else `mariadbd` is started where it
is on the machine, on a socket alone, and stopped at the end.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tests.support.database import Snapshot

MISSING = "no MariaDB: its tests were left out (set ENGINE_TEST_MYSQL, or install mariadb-server)"


@dataclass(frozen=True)
class Place:
    """One database for tests.

    Attributes:
        url: of the database.
    """

    url: str

    def script(self, sql: str) -> None:
        """Run SQL statements, in the engine's mode."""
        with _cursor(self.url) as cursor:
            for statement in filter(str.strip, sql.split(";")):
                cursor.execute(statement)

    def ask(self, sql: str) -> list[list[Any]]:
        """Return the rows of a query as plain values."""
        with _cursor(self.url) as cursor:
            cursor.execute(sql)
            return [[_plain(value) for value in row] for row in cursor.fetchall()]

    def clean(self) -> None:
        """Make the database empty."""
        with _cursor(self.url) as cursor:
            cursor.execute("SELECT database()")
            name = cursor.fetchone()[0]
            cursor.execute(f"DROP DATABASE `{name}`")
            cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")

    def snapshot(self) -> Snapshot:
        """Read everything that a user can see: what the server prints about each object, and the rows as text."""
        objects: set[tuple[str, str, str, str | None]] = set()
        rows: dict[str, list[tuple[Any, ...]]] = {}
        with _cursor(self.url) as cursor:
            cursor.execute("SHOW FULL TABLES")
            for name, kind in cursor.fetchall():
                if name.startswith("engine_") or name == "migration_history":
                    continue
                cursor.execute(f"SHOW CREATE TABLE `{name}`")
                text = str(cursor.fetchone()[1])
                # A counter does not go back; the rows tell what it has given.
                words = [w for w in text.split(" ") if not w.startswith("AUTO_INCREMENT=")]
                lines = sorted(line.rstrip(",") for line in " ".join(words).splitlines() if "KEY " in line)
                rest = [line.rstrip(",") for line in " ".join(words).splitlines() if "KEY " not in line]
                # The order of keys means nothing, that of columns does.
                objects.add((str(kind).lower(), name, name, "\n".join([*rest, *lines])))
                cursor.execute(f"SELECT * FROM `{name}`")
                rows[name] = sorted((tuple(map(_text, row)) for row in cursor.fetchall()), key=repr)
            cursor.execute(
                "SELECT trigger_name, event_object_table, action_statement, action_timing, event_manipulation,"
                " action_order, sql_mode, definer, character_set_client, collation_connection"
                " FROM information_schema.triggers WHERE trigger_schema = database()"
            )
            for name, table, *rest in cursor.fetchall():
                objects.add(("trigger", name, table, repr(rest)))
        return Snapshot(frozenset(objects), rows)


@contextmanager
def _cursor(url: str) -> Iterator[Any]:
    from engine.dialects.mysql.driver import open_connection

    connection = open_connection(url)
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def _text(value: Any) -> Any:
    return value if value is None else repr(value)


def _plain(value: Any) -> Any:
    """Return a value as the pages write it: they are read by every database."""
    if value is None or isinstance(value, (int, float, str)):
        return value
    if hasattr(value, "as_tuple"):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)


@dataclass
class OwnServer:
    """A server of our own with its own data, on a socket alone.

    Attributes:
        folder: of its data and log.
        durable: False for one from which nobody pulls the plug.
    """

    folder: Path
    durable: bool = False
    running: subprocess.Popen[bytes] | None = None

    @staticmethod
    def programs() -> tuple[str, str] | None:
        """Return the server and what makes its data, None where they are not on this machine."""
        program = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
        install = shutil.which("mariadb-install-db")
        return (program, install) if program and install else None

    @property
    def socket(self) -> Path:
        """Where it listens; such paths must be short."""
        kind = "-durable" if self.durable else ""
        return Path("/tmp") / f"engine-maria-{os.getpid()}{kind}.sock"

    @property
    def url(self) -> str:
        """Of its administrator."""
        return f"mariadb://root@localhost/mysql?unix_socket={self.socket}"

    def make(self) -> None:
        """Make its data."""
        found = self.programs()
        assert found is not None
        made = [
            found[1],
            "--no-defaults",
            f"--datadir={self.folder / 'data'}",
            "--auth-root-authentication-method=normal",
        ]
        subprocess.run([*made, "--skip-test-db", *_user()], check=True, capture_output=True)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        found = self.programs()
        assert found is not None
        options = ["--skip-networking", "--skip-log-bin", "--innodb-buffer-pool-size=64M"]
        options += [] if self.durable else ["--innodb-flush-log-at-trx-commit=0"]
        place = [f"--datadir={self.folder / 'data'}", f"--socket={self.socket}"]
        with (self.folder / "server.log").open("ab") as log:
            self.running = subprocess.Popen(
                [found[0], "--no-defaults", *place, *options, *_user()], stdout=log, stderr=log
            )
        _wait(self.url)

    def stop(self, *, at_once: bool = False) -> None:
        """Stop it in good order, or as a power cut does."""
        if self.running is None:
            return
        if at_once:
            self.running.kill()
        else:
            self.running.terminate()
        self.running.wait(60)
        self.running = None
        with suppress(OSError):
            self.socket.unlink()


def _user() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []


@contextmanager
def own_server(folder: Path, *, durable: bool = False) -> Iterator[OwnServer]:
    """Give a server of our own, stopped at the end."""
    own = OwnServer(folder, durable)
    own.make()
    try:
        own.start()
        yield own
    finally:
        own.stop()


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Give the URL of a server, "" where there is none; one of our own is stopped at the end."""
    named = os.environ.get("ENGINE_TEST_MYSQL", "")
    if named or OwnServer.programs() is None:
        yield named
        return
    with own_server(folder) as own:
        yield own.url


def _wait(url: str) -> None:
    from engine.errors import DatabaseError

    for _ in range(600):
        try:
            with _cursor(url):
                return
        except DatabaseError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")


@contextmanager
def database(url: str, name: str) -> Iterator[Place]:
    """Make a database on the server, and drop it at the end."""
    parts = urlsplit(url)
    base = urlunsplit(parts._replace(path="/mysql"))
    with _cursor(base) as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")
        cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
    try:
        yield Place(urlunsplit(parts._replace(path=f"/{name}")))
    finally:
        with _cursor(base) as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")
