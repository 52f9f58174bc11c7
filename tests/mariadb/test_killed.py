"""kill -9 at random instants of schema changes and data: there and back, no kill asks anybody for help."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from dataclasses import dataclass

import pytest

from tests.mariadb.crashing import GIVEN, SPEC
from tests.support.cuts import begun
from tests.support.database import Snapshot, same
from tests.support.factor import scaled
from tests.support.forked import forked
from tests.support.mariadb import Place

KILLS = scaled(100)
SEED = int(os.environ.get("ENGINE_TEST_SEED", "20240131"))


@dataclass
class Kills:
    """What kills at random.

    Attributes:
        chance: gives the instants.
        seconds: what an undisturbed run takes, by command.
        hit: how many runs were killed before they ended.
    """

    place: Place
    chance: random.Random
    seconds: dict[str, float]
    hit: int = 0

    def run(self, command: str, kill: float | None = None) -> int:
        """Run `command`, killed after so many seconds; return its exit code, which is 0 or that of the kill."""

        def armed() -> None:
            if kill is not None:
                timer = threading.Timer(kill, os.kill, (os.getpid(), signal.SIGKILL))
                timer.daemon = True
                timer.start()

        way = ["--to", "0"] if command == "rollback" else []
        ended = forked([command, "--db", self.place.url, "--yes", "--lock-wait", "60s", *way, "specs"], armed)
        allowed = (0,) if kill is None else (0, -signal.SIGKILL)
        assert ended.code in allowed, f"seed {SEED}, after {self.hit} kills: {ended.output}"
        return ended.code

    def until_killed_no_more(self, command: str, most: int) -> None:
        """Kill `command` and what goes on with it up to `most` times, then let it end."""
        for _ in range(most):
            if self.run(command, self.chance.uniform(0.02, self.seconds[command] * 0.8)) == 0:
                return
            self.hit += 1
        self.run(command)


def known(place: Place) -> tuple[Kills, Snapshot, Snapshot]:
    """Return what kills, and the database before and after, from runs that nobody disturbs."""
    kills = Kills(place, random.Random(SEED), {})
    before = begun(place, GIVEN, SPEC)
    after = before
    for command in ("apply", "rollback"):
        begin = time.monotonic()
        kills.run(command)
        kills.seconds[command] = time.monotonic() - begin
        after = place.snapshot() if command == "apply" else after
    same(before, place.snapshot())
    return kills, before, after


def killed(place: Place, count: int) -> None:
    """Kill so many runs: there, back, and there in part and back from where that stands."""
    kills, before, after = known(place)
    while kills.hit < count:
        kills.until_killed_no_more("apply", 5)
        same(after, place.snapshot())
        kills.until_killed_no_more("rollback", 5)
        same(before, place.snapshot())
        if kills.run("apply", kills.chance.uniform(0.02, kills.seconds["apply"] * 0.8)) != 0:
            kills.hit += 1
            kills.until_killed_no_more("rollback", 2)
            same(before, place.snapshot())
        begun(place, GIVEN, SPEC)
    assert place.ask("SHOW TABLES LIKE 'engine_undo%'") == []


def test_three_kills_need_nobody(place: Place) -> None:
    killed(place, 3)


@pytest.mark.slow
def test_a_hundred_kills_need_nobody(place: Place) -> None:
    killed(place, KILLS)
