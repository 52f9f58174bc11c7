"""The one connection to a MariaDB database that writes: every statement goes through `_send`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from engine.dialects.base import Catalogue, Row
from engine.dialects.mysql.introspect import read
from engine.dialects.mysql.refusals import refusal
from engine.dialects.mysql.schema import to_objects
from engine.dialects.mysql.sql import BINARY, DIALECT, SQL_MODE
from engine.dialects.mysql.tokens import formatted
from engine.errors import DatabaseError, EngineError, UsageError

if TYPE_CHECKING:
    import pymysql

Listener = Callable[[str, Mapping[str, Any]], None]

BEGIN = "START TRANSACTION"
SNAPSHOT = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
COMMIT, ROLLBACK = "COMMIT", "ROLLBACK"
OLDEST = (10, 6)
INSTALL = "pip install 'migration-engine[mysql]'"
_EVERY = 0.05

_SETTINGS = (
    f"sql_mode = '{SQL_MODE}'",
    "time_zone = '+00:00'",
    "default_storage_engine = 'InnoDB'",
    "autocommit = 1",
    "foreign_key_checks = 1",
    "unique_checks = 1",
    "explicit_defaults_for_timestamp = 1",
    "group_concat_max_len = 1073741824",
    "max_statement_time = 0",
)


class MySQLDriver:
    """A connection. Made by `connect`.

    Attributes:
        listener: called with each statement and its parameters before they are bound.
        stop_requested: asked while a statement runs; True ends it.
        url: for further connections (lock, stop); holds the password.
    """

    dialect = DIALECT
    listener: Listener | None = None

    def __init__(self, connection: pymysql.Connection[Any], url: str) -> None:
        self.url = url
        self.stop_requested: Callable[[], bool] = lambda: False
        self._connection = connection

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
        """Send one statement; return the rows it matched, or for a query the whole number in its first row.

        Raises:
            DatabaseError: the server refused, or the connection is lost.
            LockHeld: somebody else holds what it needs.
        """
        with self._send(sql, params) as cursor:
            if cursor.description is not None:
                first = cursor.fetchone()
                value = _plain(first[0]) if first else 0
                return int(value) if isinstance(value, int) else 0
            return max(int(cursor.rowcount), 0)

    def query(self, sql: str, params: Mapping[str, Any] | None = None) -> list[Row]:
        """Send one query and return all its rows, as plain Python values.

        Raises:
            EngineError: as `execute`.
        """
        with self._send(sql, params) as cursor:
            return [tuple(_plain(value) for value in row) for row in cursor.fetchall()]

    @contextmanager
    def _send(self, sql: str, params: Mapping[str, Any] | None) -> Iterator[Any]:
        import pymysql

        if self.listener is not None:
            self.listener(sql, params or {})
        try:
            with self._connection.cursor() as cursor, self._stoppable():
                cursor.execute(formatted(sql) if params else sql, dict(params) if params else None)
                yield cursor
        except pymysql.Error as error:
            number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
            words = str(error.args[1]) if len(error.args) > 1 else str(error)
            lost = not self._connection.open
            raise refusal(number, words, sql, lost=lost, asked=self.stop_requested()) from error
        except (OSError, AttributeError) as error:  # the socket is gone
            raise refusal(0, str(error), sql, lost=True, asked=self.stop_requested()) from error

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        """Look while a statement runs whether a stop is wanted, and end it then through a second connection."""
        ended = threading.Event()

        def look() -> None:
            while not ended.wait(_EVERY):
                if self.stop_requested():
                    with suppress(Exception):  # the statement may just have ended
                        second = open_connection(self.url)
                        if not ended.is_set():
                            second.cursor().execute(f"KILL QUERY {self._connection.thread_id()}")
                        second.close()
                    return

        timer = threading.Thread(target=look, name="engine-stop", daemon=True)
        timer.start()
        try:
            yield
        finally:
            ended.set()
            timer.join()

    # ── transactions ──────────────────────────────────────────────────────
    def begin(self) -> None:
        """Begin a transaction that writes."""
        self.execute(BEGIN)

    def snapshot(self) -> None:
        """Begin a transaction that only reads, from one snapshot."""
        self.execute(SNAPSHOT)

    def commit(self) -> None:
        """Commit.

        Raises:
            DatabaseError: the server is gone.
        """
        self.execute(COMMIT)

    def rollback(self) -> None:
        """Roll back, if a transaction is open: after a lock timeout the server would keep what came before."""
        if self.in_transaction:
            self.execute(ROLLBACK)

    @property
    def in_transaction(self) -> bool:
        """True while a transaction is open."""
        return bool(self._connection.open and self._connection.server_status & 1)

    @property
    def alone(self) -> bool:
        """Say that others may be there: on a server they always may."""
        return False

    # ── the whole ─────────────────────────────────────────────────────────
    def catalogue(self) -> Catalogue:
        """Return what the database says about itself, without the engine's own tables."""
        schema, taken = read(self.query)
        return Catalogue(to_objects(schema), taken)

    def close(self) -> None:
        """Close the connection; an open transaction is rolled back by the server."""
        with suppress(Exception):
            self._connection.close()


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)


def library() -> Any:
    """Return PyMySQL.

    Raises:
        UsageError: it is not installed; says how it is.
    """
    try:
        import pymysql
    except ImportError as error:
        raise UsageError("MariaDB needs the library PyMySQL, and it is not installed", f"run: {INSTALL}") from error
    return pymysql


def open_connection(url: str) -> pymysql.Connection[Any]:
    """Open one connection, in autocommit and with the engine's settings.

    Raises:
        DatabaseError: it can't be had; the password is never in the message.
        UsageError: the URL names no database.
    """
    library_ = library()
    parts = urlsplit(url)
    socket = parse_qs(parts.query).get("unix_socket", [None])[0]
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise UsageError("the URL names no database", "write mariadb://user@host/name")
    try:
        connection: pymysql.Connection[Any] = library_.connect(
            host=parts.hostname or "127.0.0.1",
            port=parts.port or 3306,
            user=unquote(parts.username or "root"),
            password=unquote(parts.password or ""),
            database=name,
            unix_socket=socket,
            charset="utf8mb4",
            collation=BINARY,
            autocommit=True,
            connect_timeout=10,
            client_flag=library_.constants.CLIENT.FOUND_ROWS,
            init_command=f"SET SESSION {', '.join(_SETTINGS)}",
            program_name="engine",
        )
    except (library_.Error, OSError) as error:
        words = " ".join(str(error.args[-1] if error.args else error).split())
        raise DatabaseError(
            f"no connection to the database: {words}",
            "look at host, port, user and password, and whether the server runs",
            kept="nothing was done",
            details={"reason": "cantopen"},
        ) from None
    return connection


def connect(url: str, read_only: bool = False, *, lock_timeout: float = 5.0) -> MySQLDriver:
    """Open the database that `url` names.

    Args:
        url: `mariadb://…`, with its password; `?unix_socket=/path` in place of host and port.
        read_only: the session can't write.
        lock_timeout: seconds that a statement waits for a lock.

    Raises:
        DatabaseError: no connection, no MariaDB, one that is too old, or that only reads.
        UsageError: PyMySQL is not installed, or the URL names no database.
    """
    driver = MySQLDriver(open_connection(url), url)
    try:
        version, reads = driver.query("SELECT version(), @@read_only")[0]
        if "mariadb" not in str(version).lower():
            raise DatabaseError(f"the server is MySQL {version}, and only MariaDB is tested", kept="nothing was done")
        numbers = tuple(int(part) for part in str(version).split("-", maxsplit=1)[0].split(".")[:2])
        if numbers < OLDEST:
            raise DatabaseError(f"the server is MariaDB {version}, and 10.6 is the oldest that will do")
        if reads and not read_only:
            raise DatabaseError(
                "this server is set to read only",
                "connect to the primary",
                kept="nothing was done",
                details={"reason": "readonly"},
            )
        whole = max(round(lock_timeout), 1)
        driver.execute(f"SET SESSION innodb_lock_wait_timeout = {whole}, lock_wait_timeout = {whole}")
        if read_only:
            driver.execute("SET SESSION TRANSACTION READ ONLY")
    except EngineError:
        driver.close()
        raise
    return driver
