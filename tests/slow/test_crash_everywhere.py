"""Every scenario and every case, killed after every statement and in every resume, there, back and half-way back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.crashing import (
    NAMES,
    Error,
    Scenario,
    SimulatedCrash,
    World,
    case_scenarios,
    disk_error,
    disturb,
    explore,
    refused,
    scenario,
)

pytestmark = pytest.mark.slow

CASES = case_scenarios()
MODES = {
    "steps": {"mode": "step"},
    "one transaction": {"mode": "auto", "pages": 3},
    "write-ahead log": {"mode": "step", "wal": True},
}


def everywhere(asked: Scenario, folder: Path) -> str:
    """Kill an apply, a rollback, and the rollback of each killed apply, anywhere; return how often in words."""
    world = World(asked, folder)
    there = explore(world, World.apply, [world.start])
    back = explore(world, World.rollback, [world.applied()], world.before)
    # The states in which these are killed go on in a clean run: with one more crash each it would take half an hour.
    across = explore(world, World.rollback, list(there.images.values()), world.before, again=False)
    points = sum(e.points for e in (there, back, across))
    return f"{asked.name}: {points:,} crash points, {sum(e.runs for e in (there, back, across)):,} resumes"


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        *((name, "steps") for name in NAMES),
        *((name, "one transaction") for name in NAMES if name != "specs"),  # it says itself how its specs run
        *((name, "write-ahead log") for name in ("delete", "rebuild", "transform")),
    ],
)
def test_a_scenario(name: str, mode: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = dict(MODES[mode])
    words = everywhere(scenario(name, str(options.pop("mode")), **options), tmp_path)
    with capsys.disabled():
        print(f"\n{mode}, {words}", end="")


@pytest.mark.parametrize("name", CASES)
def test_a_case(name: str, tmp_path: Path) -> None:
    everywhere(CASES[name], tmp_path)


@pytest.mark.parametrize("error", [disk_error, refused, SimulatedCrash], ids=["disk", "refused", "killed"])
@pytest.mark.parametrize("name", ["stamped", "rebuild", "delete"])
def test_a_statement_that_fails_leaves_a_state_to_go_on_from(name: str, error: Error, tmp_path: Path) -> None:
    world = World(scenario(name), tmp_path)
    applied = world.applied()
    end = world.state(applied).users
    assert disturb(world, World.apply, world.start, end, error) > 100
    assert disturb(world, World.rollback, applied, world.before, error) > 50
