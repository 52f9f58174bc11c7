"""A look at a statement while it runs: is a stop wanted, and whom does it wait for?"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

_EVERY = 0.05
_FIRST_LOOK = 0.4  # seconds after which a statement may be waiting for somebody
_BLOCKERS = (
    "SELECT a.pid, a.usename, a.application_name, a.state, left(a.query, 80)"
    " FROM unnest(pg_catalog.pg_blocking_pids(%s)) AS b JOIN pg_catalog.pg_stat_activity AS a ON a.pid = b LIMIT 1"
)


class Watch:
    """Cancels the statement when a stop is wanted, and remembers who blocks it.

    One thread for the connection's life, asleep while no statement runs.

    Attributes:
        blocker: who was last seen to hold what the running statement waits for, in words.
    """

    def __init__(
        self, connection: Any, wanted: Callable[[], bool], second: Callable[[], Any], lock_timeout: float
    ) -> None:
        self.blocker = ""
        self._connection = connection
        self._wanted = wanted
        self._second = second
        self._patience = min(_FIRST_LOOK, lock_timeout / 2)
        self._since = 0.0
        self._running = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    @contextmanager
    def over(self) -> Iterator[None]:
        """Watch while a statement runs."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._look, name="engine-watch", daemon=True)
            self._thread.start()
        self.blocker = ""
        self._since = time.monotonic()
        self._running.set()
        try:
            yield
        finally:
            self._running.clear()

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self._running.set()

    def _look(self) -> None:
        second: Any = None
        asked = 0.0
        while True:
            self._running.wait()
            if self._closed:
                break
            time.sleep(_EVERY)
            if not self._running.is_set() or self._closed:
                continue
            if self._wanted():
                with suppress(Exception):  # the statement may just have ended
                    self._connection.cancel()
            now = time.monotonic()
            if now - self._since > self._patience and now - asked > self._patience:
                asked = now
                with suppress(Exception):  # for people only
                    second = second or self._second()
                    self._note(second)
        if second is not None:
            with suppress(Exception):
                second.close()

    def _note(self, second: Any) -> None:
        row = second.execute(_BLOCKERS, (self._connection.info.backend_pid,)).fetchone()
        if row is not None:
            pid, user, application, state, query = row
            named = f" ({application})" if application else ""
            self.blocker = f"session {pid} of {user}{named} holds it: {state}, {' '.join(str(query).split())}"
