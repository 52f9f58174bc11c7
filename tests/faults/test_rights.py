"""Files and folders that may not be read or written: exit 1 in clear words, and no byte is changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.dialects.sqlite.driver import SQLiteDriver
from tests.crash.crashing import Image, World, scenario, watched
from tests.support.command import Ran, run
from tests.support.database import same, snapshot
from tests.support.disk import failing_disk
from tests.support.rights import bound_by_rights


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    """No time is spent on syncs."""
    with failing_disk():
        yield


def apart(folder: Path, *, wal: bool = False) -> World:
    """Return a database in a folder of its own, with the specs elsewhere."""
    (folder / "data").mkdir()
    world = World(scenario("rename", wal=wal), folder / "data")
    world.specs = world.specs.rename(folder / "specs")
    return world


def command(world: World, word: str, *more: str) -> Ran:
    """Run a command on the world's database."""
    return run(word, "--db", str(world.db), *more, str(world.specs))


def modes(world: World, folder: int, file: int) -> None:
    """Set the rights of the database, and those of its folder."""
    world.folder.chmod(0o700)
    world.db.chmod(file)
    world.folder.chmod(folder)


CLOSED = {
    "a file that may not be read": (0o700, 0o000, "can't be opened"),
    "a file that may not be written": (0o700, 0o400, "can't be written"),
    "a folder that may not be written": (0o500, 0o600, "can't be"),
    "a folder that may not be entered": (0o600, 0o600, "can't be opened"),
    "neither": (0o500, 0o400, "can't be"),
}


@pytest.mark.parametrize("wal", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["journal", "wal"])
@pytest.mark.parametrize("way", ["apply", "rollback"])
@pytest.mark.parametrize("case", CLOSED)
def test_what_may_not_be_written_is_left_as_it_is(case: str, way: str, wal: bool, tmp_path: Path) -> None:
    folder, file, words = CLOSED[case]
    world = apart(tmp_path, wal=wal)
    after = world.state(world.applied()).users
    world.put(world.start if way == "apply" else world.applied())
    before, files = world.image(), sorted(os.listdir(world.folder))
    more = ("--yes",) if way == "apply" else ("--yes", "--to", "0")
    with bound_by_rights():
        modes(world, folder, file)
        refused = command(world, way, *more)
        modes(world, 0o700, 0o600)
    assert refused.code == 1 and words in refused.output, refused.output
    assert "\nhint: " in refused.output and f"\nnext: engine {way} " in refused.output, refused.output
    assert (world.image(), sorted(os.listdir(world.folder))) == (before, files)
    done = command(world, way, *more)
    assert done.code == 0, done.output
    same(after if way == "apply" else world.before, snapshot(world.db))


@pytest.mark.parametrize("word", ["status", "plan"])
@pytest.mark.parametrize("wal", [False, True], ids=["journal", "wal"])
def test_looking_needs_no_right_to_write(word: str, wal: bool, tmp_path: Path) -> None:
    world = apart(tmp_path, wal=wal)
    world.put(world.applied())
    world.state()
    before, files = world.image(), sorted(os.listdir(world.folder))
    free = command(world, word)
    assert free.code == 0, free.output
    with bound_by_rights():
        modes(world, 0o500, 0o400)
        bound = command(world, word)
        modes(world, 0o700, 0o600)
    assert (bound.code, bound.output) == (free.code, free.output)
    assert (world.image(), sorted(os.listdir(world.folder))) == (before, files)


@pytest.mark.parametrize("wal", [False, True], ids=["journal", "wal"])
def test_what_a_crash_left_is_not_read_past_where_it_can_t_be_played_back(wal: bool, tmp_path: Path) -> None:
    world = apart(tmp_path, wal=wal)
    left: list[Image] = []

    def look(driver: SQLiteDriver, sql: str) -> None:
        journal, log = world.image()[1:3]
        if (len(log or b"") > 100_000) if wal else (journal or b"").startswith(b"\xd9\xd5\x05\xf9"):
            left.append(world.image())

    with watched(after=look, pages=3):  # so few that it writes to the file before the end
        assert world.apply().error is None
    world.put(left[-1])
    with bound_by_rights():
        modes(world, 0o500, 0o400)
        refused = command(world, "status")
        modes(world, 0o700, 0o600)
    assert refused.code == 1 and "error: " in refused.output and "hint: " in refused.output, refused.output
    assert world.image() == left[-1]
    assert command(world, "status").code == 0


def test_the_right_to_write_taken_away_meanwhile(tmp_path: Path) -> None:
    world = apart(tmp_path)
    after = world.state(world.applied()).users
    world.put(world.start)
    seen, journal = [0], Path(f"{world.db}-journal")

    def take_away(driver: object, sql: str) -> None:
        seen[0] += sql.startswith("BEGIN")
        if seen[0] == 4:
            journal.unlink(missing_ok=True)  # it stays from batch to batch, until another program's commit deletes it
            world.folder.chmod(0o500)  # no journal can be made any more

    with bound_by_rights(), watched(before=take_away):
        stopped = command(world, "apply", "--yes", "--batch-size", "2")
    world.folder.chmod(0o700)
    assert stopped.code == 1 and "can't be" in stopped.output, stopped.output
    assert "\nnext: engine apply " in stopped.output
    done = command(world, "apply", "--yes")
    assert done.code == 0, done.output
    same(after, snapshot(world.db))


def test_a_lock_file_that_is_something_else(tmp_path: Path) -> None:
    world = World(scenario("rename"), tmp_path)
    lock = Path(f"{world.db}.engine-lock")
    for make in (lambda: lock.mkdir(), lambda: lock.symlink_to("/dev/null"), lambda: os.mkfifo(lock)):
        make()
        ran = command(world, "apply", "--yes")
        if ran.code != 0:
            assert ran.code == 1 and "move away what stands there" in ran.output, ran.output
        lock.rmdir() if lock.is_dir() else lock.unlink(missing_ok=True)
        world.put(world.start)
