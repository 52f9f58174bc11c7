"""Is there a pooler between that gives each transaction another session? Then no lock and no setting would hold.

Asked before anything is set: what is set in a pooler's session stays there, for whoever gets it next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.errors import DatabaseError

_WHO = "SELECT pg_catalog.pg_backend_pid()"


def refuse_shared(connection: Any, process: int, again: Callable[[], Any]) -> None:
    """Refuse a connection whose session is not its own.

    Args:
        connection: the one to judge.
        process: that serves it now, by its own word.
        again: opens a further one.

    Raises:
        DatabaseError: each transaction gets another session.
    """
    # A pooler greets with a number of its own; the server with that of the process.
    if connection.info.backend_pid == process:
        return
    second = again()
    try:
        shared = _shared(connection, second)
    finally:
        second.close()
    if shared:
        raise DatabaseError(
            "a pooler between the engine and the server gives each transaction another session",
            "connect to the server itself, or to the pooler in session mode",
            kept="nothing was done",
        )


def _shared(first: Any, second: Any) -> bool:
    """Tell whether two connections that are open have been served by one process, or one by two."""
    for _ in range(3):
        mine = _process(first)
        if mine == _process(second) or _process(first) != mine:
            return True
    return False


def _process(connection: Any) -> int:
    return int(connection.execute(_WHO).fetchone()[0])
