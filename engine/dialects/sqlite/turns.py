"""Turns between one who writes much and others who write little: SQLite has one lock for all, and no queue.

Whoever waits for it looks again every 100 ms (SQLite's own busy handler, after its first quarter of a second), and
between two batches the lock is free for a millisecond: without a pause others could wait for many batches.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

_PAUSE = 0.11  # somebody who waits looks once in it
_AT_MOST = 0.4  # seconds of ours before a pause while others write too: what they wait then, about
_UNSEEN = 2.0  # seconds of ours before a pause to see whether there are others


class Turns:
    """Leaves the lock to others now and then.

    Args:
        connection: ours.
        monotonic, sleep: for tests.

    Attributes:
        others: True where somebody else was seen to write.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connection = connection
        self._monotonic = monotonic
        self._sleep = sleep
        self._seen: int | None = None
        self.others = False
        self._began = 0.0
        self._held = 0.0

    def begin(self) -> None:
        """Pause, where it is time to, before the lock is taken."""
        version = self._version()
        if version != self._seen and self._seen is not None:
            self.others = True
        self._seen = version
        if self._held >= (_AT_MOST if self.others else _UNSEEN):
            self._sleep(_PAUSE)
            now = self._version()
            self.others = now != self._seen  # nobody came: there is nobody, for now
            self._seen = now
            self._held = 0.0
        self._began = self._monotonic()

    def end(self) -> None:
        """Take in that the lock is free again."""
        self._held += self._monotonic() - self._began

    def _version(self) -> int | None:
        """Return a number that is another when somebody else has committed."""
        try:
            row = self._connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:
            return self._seen  # what is wrong shows in the statement that comes next
        return int(row[0]) if row else None
