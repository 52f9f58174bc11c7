"""The process lives and a statement fails, each in turn: what is said is true, and going on ends as it should."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.crashing import Error, Run, SimulatedCrash, World, disk_error, disturb, raising, refused, scenario


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A small scenario of many transactions."""
    return World(scenario("stamped"), tmp_path)


@pytest.mark.parametrize("error", [disk_error, SimulatedCrash], ids=["disk", "killed"])
@pytest.mark.parametrize("done", [True, False], ids=["kept", "lost"])
def test_a_commit_that_fails_is_neither_sent_again_nor_believed(done: bool, error: Error, tmp_path: Path) -> None:
    world = World(scenario("specs"), tmp_path)
    applied = world.applied()
    end = world.state(applied).users
    assert disturb(world, World.apply, world.start, end, error, done=done, only="COMMIT") > 10
    assert disturb(world, World.rollback, applied, world.before, error, done=done, only="COMMIT") > 10


def test_a_statement_that_fails_leaves_the_database_as_it_was(world: World) -> None:
    end = world.state(world.applied()).users
    assert disturb(world, World.apply, world.start, end, refused) > 100


@pytest.mark.parametrize(("run", "word"), [(World.apply, "applied"), (World.rollback, "rolled_back")])
def test_the_last_commit_kept_though_it_seemed_to_fail_counts_as_done(run: Run, word: str, world: World) -> None:
    start = world.start if run is World.apply else world.applied()
    world.put(start)
    with raising(disk_error, 0, only="COMMIT") as sent:
        run(world)
    world.put(start)
    with raising(disk_error, len(sent), done=True, only="COMMIT"):
        result = run(world)
    assert (result.error, result.migrations[-1].state) == (None, word)


def test_an_undo_whose_last_commit_was_kept_says_that_all_was_undone(tmp_path: Path) -> None:
    failing = scenario("stamped").specs["001_scenario.yaml"] + "- validate: [{row_count: {table: b, equals: 6}}]\n"
    world = World(scenario("stamped", specs={"001_scenario.yaml": failing}), tmp_path)
    with raising(disk_error, 0, only="COMMIT") as sent:
        result = world.apply()
    assert result.error is not None and "as it was before" in result.error.kept
    world.put(world.start)
    with raising(disk_error, len(sent) - 1, done=True, only="COMMIT"):  # after it: the note in the history
        result = world.apply()
    assert result.error is not None and "as it was before" in result.error.kept, result.error.kept
    assert not result.error.next
    assert not world.before.differences(world.state().users)
