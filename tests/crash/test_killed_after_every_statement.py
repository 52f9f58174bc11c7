"""More ways to be killed: in the resume too, in a transaction that spilled to the disk, on the way to a rollback."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.crash.crashing import World, explore, scenario
from tests.support.database import same


def test_killed_again_in_every_resume(tmp_path: Path) -> None:
    world = World(scenario("rebuild"), tmp_path)
    there = explore(world, World.apply, [world.start])
    back = explore(world, World.rollback, [world.applied()], world.before)
    assert there.points > 1000 and there.runs > 10
    assert back.points > 1000 and back.runs > 10


@pytest.mark.parametrize("name", ["heart", "delete", "drop", "rename", "transform"])
def test_one_transaction_is_all_or_nothing_also_while_it_spills_to_the_disk(name: str, tmp_path: Path) -> None:
    world = World(scenario(name, "auto", pages=3), tmp_path)
    explore(world, World.apply, [world.start])
    explore(world, World.rollback, [world.applied()], world.before)


def test_an_apply_killed_anywhere_can_be_rolled_back_and_that_killed_too(tmp_path: Path) -> None:
    world = World(scenario("rename"), tmp_path)
    halves = explore(world, World.apply, [world.start], again=False).images
    assert explore(world, World.rollback, list(halves.values()), world.before, again=False).runs > 50


def test_a_write_ahead_log_keeps_the_promise_too(tmp_path: Path) -> None:
    world = World(scenario("stamped", wal=True), tmp_path)
    explore(world, World.apply, [world.start])
    explore(world, World.rollback, [world.applied()], world.before)


def test_the_time_of_a_step_is_its_start_also_after_a_resume(tmp_path: Path) -> None:
    world = World(scenario("stamped"), tmp_path)
    keeps_the_time(world)


def keeps_the_time(world: World) -> None:
    """Resume `stamped` at another time from wherever it was killed: a step's rows all have one time."""
    halves = explore(world, World.apply, [world.start], again=False).images
    world.clock = lambda: "2030-01-01 00:00:00"
    for image in halves.values():
        world.put(image)
        assert world.apply().error is None
        with closing(sqlite3.connect(world.db)) as db:
            for table in ("a", "b"):
                assert db.execute(f"SELECT count(DISTINCT at), count(at) FROM {table}").fetchone() == (1, 5)


def test_applied_twice_is_applied_once_and_back_again(tmp_path: Path) -> None:
    world = World(scenario("heart"), tmp_path)
    applied = world.state(world.applied())
    assert world.apply().error is None
    assert not applied.differences(world.state())
    for _ in range(2):
        assert world.rollback().error is None
        same(world.before, world.state().users)
