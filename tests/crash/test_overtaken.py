"""Two processes and a lock that does not hold: the one that was overtaken writes nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from engine.dialects.sqlite.driver import BEGIN, SQLiteDriver
from engine.dialects.sqlite.lock import FileLock
from tests.crash.crashing import SimulatedCrash, State, World, ended, raising, scenario, watched
from tests.support.database import Snapshot

Second = Literal["ends", "dies"]


@pytest.fixture(autouse=True)
def broken_lock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everybody gets the lock, as on a file system where `flock` does nothing."""
    monkeypatch.setattr(FileLock, "acquire", lambda *args: True)
    monkeypatch.setattr(FileLock, "intact", lambda *args: True)
    yield


@pytest.mark.parametrize("second", ["ends", "dies"])
@pytest.mark.parametrize("mode", ["step", "auto"])
def test_who_was_overtaken_writes_nothing_more(mode: str, second: Second, tmp_path: Path) -> None:
    world = World(scenario("stamped", mode), tmp_path)
    end = world.state(world.applied()).users
    assert overtake_everywhere(world, end, second) >= (8 if mode == "step" else 1)


def overtake_everywhere(world: World, end: Snapshot, second: Second) -> int:
    """Let a second process overtake the first before each of its transactions; return how many there were.

    Args:
        world: whose disk it is.
        end: what users must see at the end.
        second: applies to the end, or dies when it has taken the work over.
    """
    number = 1  # the first transaction only counts the runs
    while True:
        number += 1
        world.put(world.start)
        left: list[State] = []
        begun = [0]

        def overtake(driver: SQLiteDriver, sql: str, left: list[State] = left, begun: list[int] = begun) -> None:
            begun[0] += sql == BEGIN and not left
            if begun[0] != number or left:  # noqa: B023
                return
            begun[0] = -10_000  # what follows is the second's own
            if second == "ends":
                assert world.apply().error is None
            else:
                with raising(SimulatedCrash, 2, done=True, only="COMMIT"):
                    assert ended(world, World.apply) is None
            left.append(world.state())

        with watched(before=overtake):
            result = ended(world, World.apply)
        if not left:
            return number - 2
        assert result is not None and result.error is not None, f"transaction {number}: it did not stop"
        assert result.error.code == "locked", result.error
        found = left[0].differences(world.state())
        assert not found, "\n".join([f"transaction {number}: it wrote after it was overtaken", *found])
        assert world.apply().error is None
        assert not end.differences(world.state().users)
