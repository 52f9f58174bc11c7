"""Turns: one who writes batch after batch leaves the lock to others now and then."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from engine.dialects.sqlite.turns import Turns


class Clock:
    """A clock that is turned by hand, and notes the pauses; `meanwhile` happens in them."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []
        self.meanwhile = lambda: None

    def sleep(self, seconds: float) -> None:
        self.pauses.append(self.now)
        self.meanwhile()


def batches(turns: Turns, clock: Clock, count: int, seconds: float) -> None:
    for _ in range(count):
        turns.begin()
        clock.now += seconds
        turns.end()


def test_alone_it_pauses_rarely_and_with_others_after_every_batch(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as mine, closing(sqlite3.connect(file)) as theirs:
        theirs.execute("CREATE TABLE t (a)")
        clock = Clock()
        turns = Turns(mine, lambda: clock.now, clock.sleep)

        def somebody_writes() -> None:
            theirs.execute("INSERT INTO t VALUES (1)")
            theirs.commit()

        batches(turns, clock, 11, 0.5)
        assert clock.pauses == [2.0, 4.0]  # nobody came
        clock.meanwhile = somebody_writes
        batches(turns, clock, 5, 0.5)
        assert clock.pauses[2:] == [6.0, 6.5, 7.0, 7.5]
        clock.meanwhile = lambda: None
        batches(turns, clock, 5, 0.5)
        assert clock.pauses[6:] == [8.0, 10.0]  # nobody came any more


def test_short_batches_are_not_slowed_down_one_by_one(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as mine:
        clock = Clock()
        batches(Turns(mine, lambda: clock.now, clock.sleep), clock, 400, 0.01)
        assert len(clock.pauses) == 1
