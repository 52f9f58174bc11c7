"""Killed after every statement, forward and back: the same command always ends where an undisturbed run does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.crashing import NAMES, World, explore, scenario


@pytest.mark.parametrize("name", NAMES)
def test_a_run_killed_after_any_statement_ends_as_an_undisturbed_one(name: str, tmp_path: Path) -> None:
    world = World(scenario(name), tmp_path)
    start = world.image()
    users = world.state(start).users
    forward = explore(world, World.apply, [start], again=False)
    assert forward.end is not None and forward.points > 20
    world.put(start)
    assert world.apply().error is None
    back = explore(world, World.rollback, [world.image()], users, again=False)
    assert back.points > 10
