"""The engine's lock on a MariaDB database: GET_LOCK on a connection of its own."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from engine.dialects.ledger import Holder
from engine.dialects.mysql.driver import library, open_connection
from engine.dialects.shared.lock import me
from engine.errors import DatabaseError

_POLL = 0.1
_HOLDER = "SELECT id, user, host FROM information_schema.processlist WHERE id = IS_USED_LOCK(%s)"


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
        """Return who holds the lock, None for nobody."""
        connection = open_connection(self._url)
        try:
            row = _ask(connection, _HOLDER, _name(connection))
        finally:
            connection.close()
        if row is None:
            return None
        mine = me()
        return Holder(0, str(row[2] or mine.host).split(":", maxsplit=1)[0], str(row[1]))


def _name(connection: Any) -> str:
    row = _ask(connection, "SELECT database()")
    return "engine_" + hashlib.sha256(str(row[0] if row else "").encode()).hexdigest()[:32]


def _ask(connection: Any, sql: str, *values: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return cursor.fetchone()
