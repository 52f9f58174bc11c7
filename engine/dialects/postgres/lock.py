"""The engine's lock on a PostgreSQL database: an advisory lock on a connection of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from engine.dialects.ledger import Holder
from engine.dialects.postgres.driver import library, open_connection
from engine.dialects.shared.lock import me
from engine.errors import DatabaseError

_POLL = 0.1
# One number for all databases: an advisory lock is of one database only.
KEY = 0x656E67696E65  # "engine"
_TRY = f"SELECT pg_catalog.pg_try_advisory_lock({KEY})"
_HELD_BY = (
    "SELECT l.pid, coalesce(a.application_name, ''), coalesce(a.usename, ''), coalesce(host(a.client_addr), '')"
    " FROM pg_catalog.pg_locks AS l LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid"
    " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
    f" AND l.classid::bigint = {KEY >> 32} AND l.objid::bigint = {KEY & 0xFFFFFFFF}"
    " AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
)


class AdvisoryLock:
    """Taken by trying and polling: whoever waits inside the server holds up CREATE INDEX CONCURRENTLY."""

    def __init__(self, url: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._url = url
        self._sleep = sleep
        self._connection: Any = None

    @property
    def held(self) -> bool:
        """True while this object holds the lock, as far as it knows."""
        return self._connection is not None

    def acquire(self, command: str, wait: float, give_up: Callable[[], bool] = lambda: False) -> bool:
        """Take the lock; False where somebody else holds it after `wait` seconds.

        Raises:
            DatabaseError: no connection, or a pooler that gives each transaction another session.
        """
        connection = open_connection(self._url)
        deadline = time.monotonic() + wait
        try:
            owner = me(command)
            # 63 bytes is what the server shows of it.
            name = f"engine {command.split()[0] if command else ''} {owner.pid} {owner.host}"[:63]
            connection.execute("SELECT pg_catalog.set_config('application_name', %s, false)", (name,))
            while not self._ask(connection, _TRY):
                if give_up() or time.monotonic() >= deadline:
                    connection.close()
                    return False
                self._sleep(_POLL)
            pid = self._ask(connection, "SELECT pg_catalog.pg_backend_pid()")  # a pooler greets with another number
            holders = [row[0] for row in connection.execute(_HELD_BY).fetchall()]
            if holders != [pid]:
                raise DatabaseError(
                    "a pooler between the engine and the server gives each transaction another session",
                    "connect to the server itself, or to the pooler in session mode",
                    kept="nothing was done",
                )
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return True

    def release(self) -> None:
        """Give the lock up: it ends with its connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def intact(self) -> bool:
        """Tell whether the connection that holds the lock still lives."""
        if self._connection is None:
            return False
        try:
            return bool(self._ask(self._connection, "SELECT true"))
        except library().Error:
            return False

    def holder(self) -> Holder | None:
        """Return who holds the lock, None for nobody."""
        connection = open_connection(self._url)
        try:
            row = connection.execute(_HELD_BY).fetchone()
        finally:
            connection.close()
        if row is None:
            return None
        words = str(row[1]).split()
        if len(words) >= 3 and words[0] == "engine" and words[-2].isdigit():
            return Holder(int(words[-2]), words[-1], row[2], " ".join(words[1:-2]))
        return Holder(int(row[0]), str(row[3]), str(row[2]))

    @staticmethod
    def _ask(connection: Any, sql: str) -> Any:
        row = connection.execute(sql).fetchone()
        return row[0] if row else None
