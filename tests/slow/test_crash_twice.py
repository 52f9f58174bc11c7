"""Killed after every statement, and the run that goes on killed after every statement too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.crashing import NAMES, World, explore, scenario


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["step", "auto"])
@pytest.mark.parametrize("name", NAMES)
def test_a_resume_killed_after_any_statement_ends_as_an_undisturbed_run(
    name: str, mode: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(scenario(name, mode), tmp_path)
    start = world.image()
    users = world.state(start).users
    forward = explore(world, World.apply, [start])
    world.put(start)
    assert world.apply().error is None
    back = explore(world, World.rollback, [world.image()], users)
    with capsys.disabled():
        print(f"\n{name} {mode}: {forward.points} points forward, {back.points} back, {forward.runs + back.runs} runs")
