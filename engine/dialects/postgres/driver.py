"""The one connection to a PostgreSQL database that writes: every statement goes through `_send`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from engine.dialects.base import Catalogue, Row
from engine.dialects.postgres.introspect import read
from engine.dialects.postgres.pooler import refuse_shared
from engine.dialects.postgres.refusals import refusal
from engine.dialects.postgres.schema import from_catalogue, to_objects
from engine.dialects.postgres.tokens import numbered
from engine.dialects.postgres.watch import Watch
from engine.errors import DatabaseError, EngineError, UsageError

if TYPE_CHECKING:
    import psycopg

    from engine.dialects.rehearsal import Refused
    from engine.model.plan import Unit

Listener = Callable[[str, Mapping[str, Any]], None]

BEGIN = "BEGIN"
SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
COMMIT, ROLLBACK = "COMMIT", "ROLLBACK"
OLDEST = 130000
_FIRST = "SELECT pg_catalog.current_schema(), pg_catalog.pg_is_in_recovery(), pg_catalog.pg_backend_pid()"
INSTALL = "pip install 'migration-engine[postgres]'"

# Texts that go into checkpoints and journals must be read the same whoever connects.
_SETTINGS = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "iso_8601",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "row_security": "off",  # rows that a policy hides would be left behind in silence
    "default_transaction_isolation": "read committed",
}


class PostgresDriver:
    """A connection. Made by `connect`.

    Attributes:
        listener: called with each statement and its parameters before they are bound.
        stop_requested: asked while a statement runs; True ends it.
        url: for further connections (lock, watch); holds the password.
    """

    dialect = "postgresql"
    listener: Listener | None = None

    def __init__(self, connection: psycopg.Connection[Any], url: str, *, lock_timeout: float) -> None:
        self.url = url
        self.stop_requested: Callable[[], bool] = lambda: False
        self._connection = connection
        self._watch = Watch(connection, lambda: self.stop_requested(), lambda: open_connection(url), lock_timeout)

    def lend(self) -> Any:
        """Refuse: migrations in Python get SQLite's connection.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            "migrations written in Python run on SQLite only in this version",
            "write the migration as a spec",
        )

    # ── statements ────────────────────────────────────────────────────────
    def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> int:
        """Send one statement; return the rows it changed, or for a query the whole number in its first row.

        Raises:
            DatabaseError: the server refused, or the connection is lost.
            LockHeld: somebody else holds what it needs.
        """
        with self._send(sql, params) as cursor:
            if cursor.description is not None:
                first = cursor.fetchone()
                value = _plain(first[0]) if first else 0
                return int(value) if isinstance(value, int) else 0
            return max(cursor.rowcount, 0)

    def query(self, sql: str, params: Mapping[str, Any] | None = None) -> list[Row]:
        """Send one query and return all its rows, as plain Python values.

        Raises:
            EngineError: as `execute`.
        """
        with self._send(sql, params) as cursor:
            return [tuple(_plain(value) for value in row) for row in cursor.fetchall()]

    @contextmanager
    def _send(self, sql: str, params: Mapping[str, Any] | None) -> Iterator[psycopg.RawCursor[Any]]:
        import psycopg

        if self.listener is not None:
            self.listener(sql, params or {})
        text, names = numbered(sql) if params else (sql, ())
        values = [(params or {}).get(name) for name in names]
        try:
            with psycopg.RawCursor(self._connection) as cursor, self._watch.over():
                # No parameters at all, so that a `$1` in the body of a function is none.
                cursor.execute(cast(Any, text), values or None)
                yield cursor
        except psycopg.Error as error:
            raise self._refused(error, sql) from error

    def _refused(self, error: psycopg.Error, sql: str) -> EngineError:
        diagnostic = error.diag
        return refusal(
            error.sqlstate or "",
            diagnostic.message_primary or str(error),
            diagnostic.message_detail or "",
            sql,
            lost=self._connection.broken or self._connection.closed,
            asked=self.stop_requested(),
            blocker=self._watch.blocker,
        )

    # ── transactions ──────────────────────────────────────────────────────
    def begin(self) -> None:
        """Begin a transaction that writes."""
        self._command(BEGIN)

    def snapshot(self) -> None:
        """Begin a transaction that only reads, from one snapshot."""
        self._command(SNAPSHOT)

    def commit(self) -> None:
        """Commit.

        Raises:
            DatabaseError: the server rolled back instead, as it does after an error, or is gone.
        """
        if self._command(COMMIT) != COMMIT:
            raise DatabaseError("the server rolled the transaction back", details={"reason": "error"})

    def rollback(self) -> None:
        """Roll back, if a transaction is open."""
        if self.in_transaction:
            self._command(ROLLBACK)

    def _command(self, sql: str) -> str:
        with self._send(sql, None) as cursor:
            return cursor.statusmessage or ""

    @property
    def in_transaction(self) -> bool:
        """True while a transaction is open, a failed one too."""
        if self._connection.closed:
            return False
        return int(self._connection.info.transaction_status) in (1, 2, 3)

    @property
    def alone(self) -> bool:
        """Say that others may be there: on a server they always may."""
        return False

    # ── the whole ─────────────────────────────────────────────────────────
    def catalogue(self) -> Catalogue:
        """Return what the database says about the current schema, without the engine's own tables."""
        own = not self.in_transaction
        if own:
            self.snapshot()
        try:
            schema, taken = read(self.query)
        finally:
            if own:
                with suppress(EngineError):
                    self.rollback()
        return Catalogue(to_objects(schema), taken)

    def rehearse(self, catalogue: Catalogue, units: Sequence[Unit]) -> tuple[Refused, ...]:
        """Return what the server would refuse of `units`, begun on `catalogue`; nothing is written or locked.

        Not by way of `execute`: nothing of it stays, and so nothing of it is in a plan.
        """
        from engine.dialects.postgres.rehearse import rehearse

        if self.in_transaction or self._connection.closed:
            return ()
        return rehearse(self._connection, library().Error, from_catalogue(catalogue), units)

    def close(self) -> None:
        """Close the connection; an open transaction is rolled back by the server."""
        self._watch.close()
        self._connection.close()


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return str(value)


def library() -> Any:
    """Return psycopg.

    Raises:
        UsageError: it is not installed; says how it is.
    """
    try:
        import psycopg
    except ImportError as error:
        raise UsageError("PostgreSQL needs the library psycopg, and it is not installed", f"run: {INSTALL}") from error
    return psycopg


def open_connection(url: str) -> psycopg.Connection[Any]:
    """Open one connection, in autocommit and with the engine's settings.

    Raises:
        DatabaseError: it can't be had; the password is never in the message.
    """
    connection = _opened(url)
    _set(connection)
    return connection


def _set(connection: psycopg.Connection[Any]) -> None:
    one = "pg_catalog.set_config(%s, %s, false)"
    values = [text for pair in _SETTINGS.items() for text in pair]
    connection.execute(f"SELECT {', '.join([one] * len(_SETTINGS))}", values)  # one round trip


def _opened(url: str) -> psycopg.Connection[Any]:
    """Open one connection as it comes.

    Raises:
        DatabaseError: it can't be had; the password is never in the message.
    """
    library_ = library()
    try:
        connection: psycopg.Connection[Any] = library_.connect(
            re.sub(r"\A(\w+)\+\w+:", r"\1:", url),
            autocommit=True,
            application_name="engine",
            prepare_threshold=None,
            connect_timeout=10,
            client_encoding="UTF8",
        )
    except library_.Error as error:
        words = " ".join(str(error).split())
        raise DatabaseError(
            f"no connection to the database: {_without_secret(words, url)}",
            "look at host, port, user and password, and whether the server runs",
            kept="nothing was done",
            details={"reason": "cantopen"},
        ) from None
    return connection


def _without_secret(words: str, url: str) -> str:
    found = re.search(r"//[^/@]*:([^@]*)@", url)
    return words.replace(found[1], "***") if found and found[1] else words


def connect(url: str, read_only: bool = False, *, lock_timeout: float = 5.0) -> PostgresDriver:
    """Open the database that `url` names.

    Args:
        url: `postgresql://…`, with its password.
        read_only: the session can't write.
        lock_timeout: seconds that a statement waits for a lock.

    Raises:
        DatabaseError: no connection, a server that is too old, that only reads, or without a schema; a pooler that
            gives each transaction another session.
        UsageError: psycopg is not installed.
    """
    connection = _opened(url)
    try:
        if connection.info.server_version < OLDEST:
            raise DatabaseError(
                f"the server is PostgreSQL {connection.info.server_version // 10000}, and 13 is the oldest that will do"
            )
        (schema, standby, process) = connection.execute(_FIRST).fetchone() or ("", False, 0)
        refuse_shared(connection, process, lambda: _opened(url))
        _set(connection)
        connection.execute(f"SET lock_timeout = {max(int(lock_timeout * 1000), 1)}")
        if read_only:
            connection.execute("SET default_transaction_read_only = on")
        if not schema:
            raise DatabaseError(
                "this role sees no schema of the search path",
                "grant it USAGE on one, or name another in the URL: ?options=-csearch_path%3Dname",
            )
        if standby and not read_only:
            raise DatabaseError(
                "this server is a replica, which only reads",
                "connect to the primary",
                kept="nothing was done",
                details={"reason": "readonly"},
            )
    except BaseException:
        connection.close()
        raise
    return PostgresDriver(connection, url, lock_timeout=lock_timeout)
