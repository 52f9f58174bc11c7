"""kill -9 at random instants, there, back and half-way back: the end is that of a run that nobody disturbed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import killed, shorts
from tests.support.database import content_hash
from tests.support.factor import scaled

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
ROWS = int(os.environ.get("ENGINE_TEST_ROWS", "100000"))
KILLS = scaled(4)  # of each test; 500,000 rows and a factor of 5.6 make more than 200 in all
SEED = int(os.environ.get("ENGINE_TEST_SEED", "20240131"))


@dataclass(frozen=True)
class Undisturbed:
    """One database before and after an undisturbed apply, the hashes of both, and the seconds it takes."""

    before: Path
    after: Path
    before_hash: str
    after_hash: str
    there: float
    back: float
    specs: Path


@pytest.fixture(scope="module", params=["shorts", *killed.KEYS])
def known(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """The project's own specs over the sample database, and copies and transforms under three kinds of key."""
    folder = tmp_path_factory.mktemp("killed")
    before, after, gone = folder / "before.db", folder / "after.db", folder / "gone.db"
    specs = ROOT / "specs"
    if request.param == "shorts":
        shorts.make(before, ROWS)
    else:
        killed.make(before, request.param, ROWS)
        specs = folder / "specs"
        specs.mkdir()
        for name, text in killed.specs(request.param).items():
            (specs / name).write_text(text, encoding="utf-8")
    shutil.copyfile(before, after)
    there = timed("apply", after, specs)
    shutil.copyfile(after, gone)
    back = timed("rollback", gone, specs)
    found = Undisturbed(before, after, content_hash(before), content_hash(after), there, back, specs)
    assert content_hash(gone) == found.before_hash
    assert found.before_hash != found.after_hash
    gone.unlink()
    return found


def test_apply_killed_at_random_ends_as_if_undisturbed(known: Undisturbed, tmp_path: Path) -> None:
    kill_until_done(known, tmp_path, "apply", known.before, known.there, known.after_hash)


def test_rollback_killed_at_random_ends_as_if_undisturbed(known: Undisturbed, tmp_path: Path) -> None:
    kill_until_done(known, tmp_path, "rollback", known.after, known.back, known.before_hash)


def test_a_killed_apply_goes_back_to_where_it_began(known: Undisturbed, tmp_path: Path) -> None:
    kill_until_done(known, tmp_path, "across", known.before, known.back, known.before_hash)


def kill_until_done(known: Undisturbed, folder: Path, way: str, start: Path, seconds: float, end: str) -> None:
    """Kill `way` again and again until KILLS have hit; each database that gets through must be right.

    Args:
        way: apply, rollback, or `across`: an apply that is killed once, and then rolled back.
        start: the database from which it goes.
        seconds: what an undisturbed run takes.
        end: hash of what must be there at the end.
    """
    dice = random.Random(f"{SEED} {way} {start.parent.name[:-1]}")
    # A disk that was busy while the whole run was timed must not make the kills come too late.
    whole = min(seconds, 60.0 if ROWS > 100_000 else 8.0)
    command = "apply" if way == "apply" else "rollback"
    kills, rounds = 0, 0
    while kills < KILLS:
        rounds += 1
        assert rounds <= KILLS + 3, "the kills come too late to hit anything"
        database = folder / f"{way}-{rounds}.db"
        shutil.copyfile(start, database)
        if way == "across":
            kills += hit("apply", database, known.specs, dice.uniform(0.1, 0.1 + known.there / 2))
        while kills < KILLS and hit(command, database, known.specs, dice.uniform(0.1, 0.1 + whole / 5)):
            kills += 1
        timed(command, database, known.specs)  # goes on, or says that there is nothing to do
        assert content_hash(database) == end, f"seed {SEED}, round {rounds}, {kills} kills"
        database.unlink()


def arguments(command: str, database: Path, specs: Path) -> list[str]:
    """Return the command line: small batches, so that kills meet many states."""
    more = ["--to", "0"] if command == "rollback" else []
    return [
        *(sys.executable, "-m", "engine", command, "--db", str(database), "--yes"),
        *("--batch-size", str(max(100, ROWS // 40))),
        *more,
        str(specs),
    ]


def timed(command: str, database: Path, specs: Path) -> float:
    """Run `command` to its end and return its seconds; it must end with 0."""
    started = time.monotonic()
    done = subprocess.run(
        arguments(command, database, specs),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return time.monotonic() - started


def hit(command: str, database: Path, specs: Path, after: float) -> bool:
    """Kill `command` after so many seconds; False if it was done before."""
    child = subprocess.Popen(
        arguments(command, database, specs),
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
