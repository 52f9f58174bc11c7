"""A file that is damaged, or no database, or on a disk that is really full: clear words, and nothing made worse."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.crashing import World, scenario
from tests.faults.faulting import told_clearly
from tests.support.command import Ran, run
from tests.support.database import snapshot
from tests.support.disk import failing_disk
from tests.support.factor import scaled

COMMANDS = ("status", "list", "history", "plan", "apply", "rollback", "finalize")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A database of many pages, applied."""
    with failing_disk():
        world = World(scenario("rebuild"), tmp_path)
        world.put(world.applied())
        yield world


def command(world: World, word: str) -> Ran:
    """Run a command on the world's database."""
    more = ["--yes"] if word in ("apply", "rollback", "finalize") else []
    more += ["001"] if word == "finalize" else [str(world.specs)]
    return run(word, "--db", str(world.db), *more)


@pytest.mark.parametrize("word", ("status", "plan", "apply", "rollback"))
@pytest.mark.parametrize("what", ["text", "half a header", "zeros", "half", "a header only"])
def test_no_database_or_half_of_one_is_told_and_left_alone(what: str, word: str, world: World) -> None:
    whole = world.db.read_bytes()
    text = {
        "text": b"this is a letter, no database. " * 40,
        "half a header": whole[:50],
        "zeros": bytes(8192),
        "half": whole[: len(whole) // 2],
        "a header only": whole[:100],
    }[what]
    world.db.write_bytes(text)
    ran = command(world, word)
    assert ran.code == 1 and "error: " in ran.output and "hint: " in ran.output, ran.output
    assert world.db.read_bytes() == text
    assert sorted(os.listdir(world.folder)) == ["crash.db", "specs"]


def damage(world: World, seed: int) -> bytes:
    """Overwrite some bytes of a page with others and return what stands there now."""
    dice = random.Random(seed)
    data = bytearray(world.db.read_bytes())
    page = dice.randrange(len(data) // 4096)
    first = page * 4096 + dice.choice([0, 0, 8, 100, dice.randrange(4000)])
    for place in range(max(first, 100), min(first + dice.choice([1, 8, 64, 2000]), len(data))):
        data[place] = dice.randrange(256)
    world.db.write_bytes(data)
    return bytes(data)


def survive(world: World, seed: int) -> int:
    """Run all commands on a file with damage; return how many said so."""
    whole = world.image()
    told = 0
    for word in COMMANDS:
        world.put(whole)
        before = damage(world, seed)
        ran = command(world, word)
        assert ran.code in (0, 1, 3, 4), f"seed {seed} {word}: {ran.output}"
        if ran.code:
            told += 1
            assert "error: " in ran.output, f"seed {seed} {word}: {ran.output}"
        if word in COMMANDS[:4]:
            assert world.db.read_bytes() == before, f"seed {seed}: {word} wrote"
    world.put(whole)
    return told


def test_damage_anywhere_is_survived(world: World) -> None:
    assert sum(survive(world, seed) for seed in range(3)) > 0


@pytest.mark.slow
def test_damage_in_hundreds_of_places(world: World) -> None:
    told = sum(survive(world, 1000 + seed) for seed in range(scaled(60)))
    print(f"{told} of {scaled(60) * len(COMMANDS)} commands told of damage")


# ── a disk that is really full ────────────────────────────────────────────
@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a file system here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("wal", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["journal", "wal"])
def test_a_real_disk_that_is_full_there_and_back(wal: bool, small_disk: Path) -> None:
    world = World(scenario("transform", wal=wal), small_disk)
    after = world.state(world.applied()).users
    for way, end in (("apply", after), ("rollback", world.before)):
        start = world.start if way == "apply" else world.applied()
        stopped = 0
        for room in (0, 4, 40, 90, 150):
            world.put(start)
            fill(small_disk, room * 1024)
            args = [way, "--db", str(world.db), "--yes", "--batch-size", "2", str(world.specs)]
            ran = run(*args)
            if ran.code:
                stopped += 1
                assert "MiB are free in" in ran.output or "the disk failed" in ran.output, ran.output
                told_clearly(ran, f"{way} with {room} KiB: {ran.output}")
            (small_disk / "filler").unlink()
            if ran.code:
                done = run(*args)
                assert done.code == 0, done.output
            assert not end.differences(snapshot(world.db)), f"{way} with {room} KiB"
        assert stopped > 1


def fill(folder: Path, room: int) -> None:
    """Fill the disk at `folder` but for `room` bytes."""
    found = os.statvfs(folder)
    with open(folder / "filler", "wb") as file:
        file.write(bytes(max(0, found.f_bavail * found.f_frsize - room)))
