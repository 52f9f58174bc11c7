"""The one connection to an SQLite database: every statement goes through `_send`."""

from __future__ import annotations

import os
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Literal

from engine.dialects.base import Catalogue, CatalogueObject, Row
from engine.dialects.shared.ledger_sql import is_engines
from engine.dialects.sqlite.opening import MEMORY, may, missing, refuse_network, uris
from engine.dialects.sqlite.refusals import refusal, refused_commit
from engine.dialects.sqlite.turns import Turns
from engine.errors import DatabaseError, EngineError

Listener = Callable[[str, Mapping[str, Any]], None]

_STEPS_BETWEEN_LOOKS = 50_000  # virtual machine instructions: some milliseconds
_LOOKS_AT_A_COUNT = 1_000  # 50,000,000 instructions: a scan of some million rows
# A compromise, measured at 1,000,000 rows: with 16 MB a copy among several indexes takes a fifth longer, with 64 MB the
# peak of a copy into a new table grows from 90 to 154 MB between 100,000 rows and 1,000,000; with this from 73 to 100.
_CACHE_KB = 32_768
_COMMIT_PATIENCE = 5  # times `lock_timeout` that a commit waits for readers

# A rollback journal that each batch makes and deletes is allocated by the file system each time. Kept, it is written
# over: a commit then sets its header to zeros and syncs that, which is as safe. Neither is stored in the database.
_JOURNAL_STAYS, _JOURNAL_GOES = "PRAGMA journal_mode = PERSIST", "PRAGMA journal_mode = DELETE"

CATALOGUE = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid"
CHANGES = "SELECT changes()"
ORPHANS = 'SELECT "table", "rowid", parent, fkid FROM pragma_foreign_key_check'
BEGIN, SNAPSHOT, COMMIT, ROLLBACK = "BEGIN IMMEDIATE", "BEGIN", "COMMIT", "ROLLBACK"


class _Connection(sqlite3.Connection):
    """A connection that may be lent: while `lent`, its transaction is not the borrower's to end."""

    lent = False

    def commit(self) -> None:
        self._refuse("commit")
        super().commit()

    def rollback(self) -> None:
        self._refuse("rollback")
        super().rollback()

    def close(self) -> None:
        self._refuse("close")
        super().close()

    def executescript(self, sql_script: str, /) -> sqlite3.Cursor:
        if not self.lent:
            return super().executescript(sql_script)
        cursor = self.cursor()  # the library's own commits first; here each statement runs where it stands
        text = ""
        for piece in sql_script.split(";"):
            text += piece + ";"
            if sqlite3.complete_statement(text):
                cursor.execute(text)
                text = ""
        if text.strip(" \t\r\n;"):
            cursor.execute(text.removesuffix(";"))
        return cursor

    def __enter__(self) -> _Connection:
        return self if self.lent else super().__enter__()

    def __exit__(self, kind: Any, value: Any, trace: Any, /) -> Literal[False]:
        return False if self.lent else super().__exit__(kind, value, trace)

    def _refuse(self, what: str) -> None:
        if self.lent:
            raise sqlite3.ProgrammingError(f"{what} is not up to a migration: the engine commits when it is done")


class SQLiteDriver:
    """A connection. Made by `connect`.

    Attributes:
        path: of the file, or `:memory:`.
        listener: called with each statement and its parameters before they are
            bound; a test records the plan with it. On the class it hears all drivers.
        stop_requested: asked while a statement runs; True ends it.
        missing: True where there is no such file and an empty database stands in for it.
        keeps_journal: True where the rollback journal stays from one transaction to the next (`close` takes it away).
    """

    dialect = "sqlite"
    listener: Listener | None = None

    def __init__(self, connection: _Connection, path: str, *, missing: bool = False) -> None:
        self.path = path
        self.missing = missing
        self.keeps_journal = False
        self.stop_requested: Callable[[], bool] = lambda: False
        self._connection = connection
        self._turns = Turns(connection)
        connection.set_progress_handler(self._look, _STEPS_BETWEEN_LOOKS)

    def _look(self) -> bool:
        return self.stop_requested()  # looked up each time: whoever runs a migration sets it anew

    @contextmanager
    def lend(self) -> Iterator[sqlite3.Connection]:
        """Lend the library's own connection to a migration in Python; ending the transaction is refused."""
        self._connection.lent = True
        self._connection.set_authorizer(_no_transactions)
        try:
            yield self._connection
        finally:
            self._connection.lent = False
            # None takes it off only since Python 3.11.
            self._connection.set_authorizer(lambda *_: sqlite3.SQLITE_OK)

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Within this, a statement that takes too many of SQLite's instructions is ended (`DatabaseError`).

        Instructions and not seconds: on the same rows it ends, or not, each time.
        """
        before = self.stop_requested
        looks = iter(range(_LOOKS_AT_A_COUNT))
        self.stop_requested = lambda: before() or next(looks, None) is None
        try:
            yield
        finally:
            self.stop_requested = before

    # ── statements ────────────────────────────────────────────────────────
    def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> int:
        """Send one statement.

        Returns:
            The number of rows it changed itself (what triggers and cascades do
            is not in it); for a query the whole number in its first row, else 0.

        Raises:
            DatabaseError: SQLite refused; `in_transaction` tells what is left.
            LockHeld: another program holds the database's lock.
        """
        before = self._connection.total_changes
        cursor = self._send(sql, params)
        try:
            if cursor.description is not None:
                first = cursor.fetchone()
                while cursor.fetchmany(1000):
                    pass
                return int(first[0]) if first and isinstance(first[0], int) else 0
            if cursor.rowcount >= 0:
                return cursor.rowcount
            if self._connection.total_changes == before:
                return 0
            # `WITH … UPDATE` has no rowcount before Python 3.12.
            return int(self._connection.execute(CHANGES).fetchone()[0])
        except (sqlite3.Error, UnicodeError, MemoryError) as error:
            raise self._refused(error, sql) from error
        finally:
            cursor.close()

    def query(self, sql: str, params: Mapping[str, Any] | None = None) -> list[Row]:
        """Send one query and return all its rows.

        Raises:
            DatabaseError: SQLite refused, or a text in the rows is not UTF-8.
        """
        cursor = self._send(sql, params)
        try:
            return cursor.fetchall()
        except (sqlite3.Error, UnicodeError, MemoryError) as error:
            raise self._refused(error, sql) from error
        finally:
            cursor.close()

    def _send(self, sql: str, params: Mapping[str, Any] | None) -> sqlite3.Cursor:
        bound = params or {}
        if self.listener is not None:
            self.listener(sql, bound)
        try:
            return self._connection.execute(sql, bound) if bound else self._connection.execute(sql)
        except (sqlite3.Error, sqlite3.Warning, UnicodeError, OverflowError, ValueError, MemoryError) as error:
            raise self._refused(error, sql) from error

    def _refused(self, error: Exception, sql: str) -> EngineError:
        name = str(getattr(error, "sqlite_errorname", ""))
        message = str(error)
        if isinstance(error, MemoryError):  # Python's word for SQLITE_NOMEM
            return refusal("SQLITE_NOMEM", message, self.path, sql)
        if isinstance(error, UnicodeError) or "Could not decode" in message:
            return DatabaseError(
                "a text in the database is not valid UTF-8, so it can't be read as a key or a value",
                "correct that text, or let batches be cut by another key (`key:`)",
                details={"reason": "error", "sql": sql[:2000]},
            )
        return refusal(name, message, self.path, sql)

    # ── transactions ──────────────────────────────────────────────────────
    def begin(self) -> None:
        """Begin a transaction that writes; its lock is taken at once, so no later statement waits for it."""
        self._turns.begin()
        self._send(BEGIN, None)

    def snapshot(self) -> None:
        """Begin a transaction that only reads."""
        self._send(SNAPSHOT, None)

    def commit(self) -> None:
        """Commit; a commit that readers hold up is tried again, as SQLite keeps the transaction open.

        Raises:
            LockHeld: readers held it up too long; the transaction is still open.
            DatabaseError: the disk refused, or a foreign key whose judgement was put off breaks (`details["tables"]`).
        """
        for left in range(_COMMIT_PATIENCE, 0, -1):
            try:
                self._send(COMMIT, None)
                self._turns.end()
                return
            except EngineError as error:
                if error.details.get("reason") == "constraint" and self.in_transaction:
                    raise self._unkept(error) from error
                if left == 1 or error.details.get("reason") != "busy" or not self.in_transaction:
                    raise
                time.sleep(0.01)

    def _unkept(self, error: EngineError) -> EngineError:
        """Return `error` of a commit with the rows that refer to nothing since the transaction began; rolls it back.

        SQLite says at the commit only that there are some. Where looking takes too long, nothing is added.
        """
        new: Counter[tuple[Any, ...]] = Counter()
        with suppress(sqlite3.Error, EngineError), self.limited():  # not by `_send`: nothing is to be told
            new = Counter(self._connection.execute(ORPHANS))
            self._connection.execute(ROLLBACK)
            new -= Counter(self._connection.execute(ORPHANS))
        self.rollback()
        return refused_commit(error, new)

    def rollback(self) -> None:
        """Roll back, if a transaction is open: some errors end it by themselves."""
        if self.in_transaction:
            self._send(ROLLBACK, None)

    @property
    def in_transaction(self) -> bool:
        """True while a transaction is open."""
        return self._connection.in_transaction

    @property
    def alone(self) -> bool:
        """True where nobody else has written since our last pauses (see `Turns`)."""
        return not self._turns.others

    # ── the whole ─────────────────────────────────────────────────────────
    def catalogue(self) -> Catalogue:
        """Return what the database prints about itself, without the engine's own tables."""
        objects: list[CatalogueObject] = []
        taken: list[str] = []
        for kind, name, table, sql in self.query(CATALOGUE):
            if is_engines(table):
                if kind == "table":
                    taken.append(name)
            elif sql is not None and not name.startswith("sqlite_"):
                objects.append(CatalogueObject(kind, name, table, sql))
        return Catalogue(tuple(objects), tuple(taken))

    def close(self) -> None:
        """Close the connection; an open transaction is rolled back, and no journal stays beside the file."""
        if self.keeps_journal:
            with suppress(sqlite3.Error):  # not by `_send`: nothing is to be told, and a borrower can't be in the way
                if self.in_transaction:
                    self._connection.execute(ROLLBACK)
                self._connection.execute(_JOURNAL_GOES).fetchone()
        self._connection.close()


def _no_transactions(action: int, *_: object) -> int:
    return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_TRANSACTION else sqlite3.SQLITE_OK


def connect(path: str | os.PathLike[str], read_only: bool = False, *, lock_timeout: float = 5.0) -> SQLiteDriver:
    """Open the database at `path`, or a new one.

    The journal mode of the file is never changed.

    Args:
        path: file, or `:memory:`.
        read_only: read, change no byte and leave no new file; where the file
            does not exist an empty database in memory stands in for it.
        lock_timeout: seconds to wait for the database's own locks.

    Raises:
        DatabaseError: it can't be opened, is no database, or lies on a network file system.
    """
    name = os.fspath(path)
    if name == MEMORY:
        return _driver(_open(MEMORY), name, lock_timeout)
    if not os.path.isdir(os.path.dirname(os.path.abspath(name))) or os.path.isdir(name):
        raise refusal("SQLITE_CANTOPEN", "", name)
    if read_only and missing(name):
        return _driver(_open(MEMORY), name, lock_timeout, read_only=True, missing=True)
    if not read_only:
        refuse_network(name)
        if os.path.exists(name) and may(name, os.R_OK) and not may(name, os.W_OK):
            raise refusal("SQLITE_READONLY", "", name)  # SQLite would open it to read, and leave files beside it
    last: EngineError | None = None
    for uri in uris(name, read_only):
        try:
            connection = _open(uri)
        except (sqlite3.Error, MemoryError) as error:
            code = "SQLITE_NOMEM" if isinstance(error, MemoryError) else str(getattr(error, "sqlite_errorname", ""))
            last = refusal(code, str(error), name)
            continue
        try:
            return _driver(connection, name, lock_timeout, read_only=read_only)
        except EngineError as error:
            connection.close()
            last = error
            if error.details.get("reason") not in ("cantopen", "readonly"):
                break
    assert last is not None
    raise last


def _open(database: str) -> _Connection:
    # Threads: a service may make the manager in one and call it in another, one at a time.
    return sqlite3.connect(
        database, isolation_level=None, check_same_thread=False, factory=_Connection, uri=database != MEMORY
    )


def _driver(
    connection: _Connection, name: str, lock_timeout: float, *, read_only: bool = False, missing: bool = False
) -> SQLiteDriver:
    driver = SQLiteDriver(connection, name, missing=missing)
    driver.execute(f"PRAGMA busy_timeout = {int(lock_timeout * 1000)}")
    driver.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
    for pragma in ("synchronous = FULL", "foreign_keys = ON", "cell_size_check = ON"):
        driver.execute(f"PRAGMA {pragma}")
    if hasattr(connection, "setconfig"):  # Python 3.12: a double-quoted word that names nothing is no text
        for switch in ("SQLITE_DBCONFIG_DQS_DDL", "SQLITE_DBCONFIG_DQS_DML"):
            with suppress(sqlite3.Error):
                connection.setconfig(getattr(sqlite3, switch), False)
    if read_only:
        driver.execute("PRAGMA query_only = ON")
    driver.query("SELECT count(*) FROM sqlite_schema")  # the first look at the file: is it a database?
    if not read_only and driver.query("PRAGMA journal_mode")[0][0] == "delete":
        driver.query(_JOURNAL_STAYS)
        driver.keeps_journal = True
    return driver
