"""The engine's locks on a MariaDB database: GET_LOCK, on a connection of its own and on the one that writes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from engine.dialects.ledger import Holder
from engine.dialects.mysql.driver import MySQLDriver, library, open_connection
from engine.dialects.shared.lock import me
from engine.errors import DatabaseError, EngineError, LockHeld, Stopped

_POLL = 0.1
_GRACE = 1.0  # seconds that a session has to end after its client did, where nobody asked for more
_WIDTH = 120
_WRITES = "_writes"
_HOLDER = "SELECT id, user, host FROM information_schema.processlist WHERE id = IS_USED_LOCK(%s)"
_STATEMENT = "SELECT id, time, info FROM information_schema.processlist WHERE id = IS_USED_LOCK(:name)"


class NamedLock:
    """Taken by trying and polling. Its name is that of the database: such locks are the whole server's."""

    def __init__(self, url: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._url = url
        self._sleep = sleep
        self._connection: Any = None
        self._command = ""

    @property
    def held(self) -> bool:
        """True while this object holds the lock, as far as it knows."""
        return self._connection is not None

    def acquire(self, command: str, wait: float, give_up: Callable[[], bool] = lambda: False) -> bool:
        """Take the lock; False where somebody else holds it after `wait` seconds.

        Raises:
            DatabaseError: no connection, or a cluster, whose nodes know nothing of each other's locks.
        """
        connection = open_connection(self._url)
        deadline = time.monotonic() + wait
        try:
            cluster = _ask(connection, "SHOW STATUS LIKE 'wsrep_cluster_size'")
            if cluster and int(cluster[1] or 0) > 1:
                raise DatabaseError(
                    "the server is a node of a Galera cluster, whose nodes do not see each other's locks",
                    "this version does not work on clusters",
                    kept="nothing was done",
                )
            # The lock lives as long as this connection, however long a migration takes.
            _ask(connection, "SET SESSION wait_timeout = 31536000")
            name = _name(connection)
            while (_ask(connection, "SELECT GET_LOCK(%s, 0)", name) or (0,))[0] != 1:
                if give_up() or time.monotonic() >= deadline:
                    connection.close()
                    return False
                self._sleep(_POLL)
        except BaseException:
            with suppress(Exception):
                connection.close()
            raise
        self._connection, self._command = connection, command
        return True

    def release(self) -> None:
        """Give the lock up: it ends with its connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                _ask(connection, "SELECT RELEASE_LOCK(%s)", _name(connection))  # the server may see the end late
                connection.close()

    def intact(self) -> bool:
        """Tell whether the connection that holds the lock still lives, and holds it."""
        if self._connection is None:
            return False
        try:
            row = _ask(self._connection, "SELECT IS_USED_LOCK(%s) = CONNECTION_ID()", _name(self._connection))
        except (library().Error, OSError):
            return False
        return bool(row and row[0])

    def holder(self) -> Holder | None:
        """Return who holds the lock, or whose statement the server is still at; None for nobody."""
        connection = open_connection(self._url)
        try:
            name = _name(connection)
            row = _ask(connection, _HOLDER, name) or _ask(connection, _HOLDER, name + _WRITES)
        finally:
            connection.close()
        if row is None:
            return None
        mine = me()
        return Holder(0, str(row[2] or mine.host).split(":", maxsplit=1)[0], str(row[1]))


class WritersLock:
    """Held by the connection that writes. A server goes on with the statement of a client that died, and keeps this.

    Without it the next run would ask the catalogue whether a statement was done that is being done.
    """

    def __init__(self, driver: MySQLDriver, sleep: Callable[[float], None] = time.sleep) -> None:
        self._driver = driver
        self._sleep = sleep

    def acquire(self, deadline: float, give_up: Callable[[], bool]) -> None:
        """Take it; what waits here already holds the engine's lock.

        Args:
            deadline: as `time.monotonic` tells it; a session that only has to end gets a moment longer.
            give_up: asked while it waits.

        Raises:
            LockHeld: the server is still at a statement of a run that ended; says at which.
            Stopped: it was given up.
        """
        began = time.monotonic()
        while self._driver.query("SELECT GET_LOCK(:name, 0)", {"name": self._named()})[0][0] != 1:
            if give_up():
                raise Stopped("stopped while it waited for a statement of an earlier run", kept="nothing was done")
            if time.monotonic() >= max(deadline, began + _GRACE):
                raise self._held(time.monotonic() - began)
            self._sleep(_POLL)

    def release(self) -> None:
        """Give it up; where the connection is gone, it is given up already."""
        with suppress(EngineError):
            self._driver.query("SELECT RELEASE_LOCK(:name)", {"name": self._named()})

    def _named(self) -> str:
        return name_of(str(self._driver.query("SELECT database()")[0][0])) + _WRITES

    def _held(self, waited: float) -> LockHeld:
        found = self._driver.query(_STATEMENT, {"name": self._named()})
        id_, seconds, text = found[0] if found else (0, 0, None)
        at = f", for {seconds} s: {_line(str(text))}" if text else ""
        return LockHeld(
            f"the server is still at a statement of a run that ended{at}",
            f"it was waited for {waited:.0f} s; wait longer with --lock-wait 10m: the same command goes on then",
            details={"reason": "orphan", "session": str(id_)},
        )


def name_of(database: str) -> str:
    """Return the name of the lock of one database."""
    return "engine_" + hashlib.sha256(database.encode()).hexdigest()[:32]


def _name(connection: Any) -> str:
    row = _ask(connection, "SELECT database()")
    return name_of(str(row[0] if row else ""))


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WIDTH else f"{line[:_WIDTH]}…"


def _ask(connection: Any, sql: str, *values: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return cursor.fetchone()
