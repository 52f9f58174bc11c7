"""kill -9 at random instants, there and back: the end is that of a run that nobody disturbed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support import shorts
from tests.support.database import content_hash

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
ROWS = int(os.environ.get("ENGINE_TEST_ROWS", "1000000"))
KILLS = 20
SEED = int(os.environ.get("ENGINE_TEST_SEED", "20240131"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """The database before and after an undisturbed apply, the hashes of both, and the times it takes."""
    folder = tmp_path_factory.mktemp("killed")
    before, after = folder / "before.db", folder / "after.db"
    shorts.make(before, ROWS)
    shutil.copyfile(before, after)
    there = timed("apply", after)
    found: dict[str, object] = {"before": before, "after": after, "there": there}
    found["before_hash"], found["after_hash"] = content_hash(before), content_hash(after)
    gone = folder / "gone.db"
    shutil.copyfile(after, gone)
    found["back"] = timed("rollback", gone)
    assert content_hash(gone) == found["before_hash"]
    gone.unlink()
    return found


def test_apply_killed_at_random_ends_as_if_undisturbed(undisturbed: dict[str, object], tmp_path: Path) -> None:
    kill_until_done(undisturbed, tmp_path, "apply", "before", "there", "after_hash")


def test_rollback_killed_at_random_ends_as_if_undisturbed(undisturbed: dict[str, object], tmp_path: Path) -> None:
    kill_until_done(undisturbed, tmp_path, "rollback", "after", "back", "before_hash")


def kill_until_done(known: dict[str, object], folder: Path, command: str, start: str, seconds: str, end: str) -> None:
    """Kill `command` again and again until KILLS have hit; each database that gets through must be right."""
    dice = random.Random(f"{SEED} {command}")
    # A disk that was busy while the whole run was timed must not make the kills come too late.
    whole = min(float(str(known[seconds])), 8.0)
    kills, rounds = 0, 0
    while kills < KILLS:
        rounds += 1
        assert rounds <= KILLS, "the kills come too late to hit anything"
        database = folder / f"{command}-{rounds}.db"
        shutil.copyfile(str(known[start]), database)
        while kills < KILLS and hit(command, database, dice.uniform(0.1, 0.1 + whole / 5)):
            kills += 1
        timed(command, database)  # goes on, or says that there is nothing to do
        assert content_hash(database) == known[end], f"seed {SEED}, round {rounds}, {kills} kills"
        database.unlink()


def arguments(command: str, database: Path) -> list[str]:
    """Return the command line: small batches, so that kills meet many states."""
    more = ["--to", "0"] if command == "rollback" else []
    return [
        *(sys.executable, "-m", "engine", command, "--db", str(database), "--yes"),
        *("--batch-size", str(max(100, ROWS // 40))),
        *more,
        str(ROOT / "specs"),
    ]


def timed(command: str, database: Path) -> float:
    """Run `command` to its end and return its seconds; it must end with 0."""
    started = time.monotonic()
    done = subprocess.run(
        arguments(command, database),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return time.monotonic() - started


def hit(command: str, database: Path, after: float) -> bool:
    """Kill `command` after so many seconds; False if it was done before."""
    child = subprocess.Popen(
        arguments(command, database),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        child.wait(timeout=after)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGKILL)
        child.wait()
        return True
    assert child.returncode == 0
    return False
