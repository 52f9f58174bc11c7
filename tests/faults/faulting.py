"""A command meets a fault of the machine; what it says is clear, and with the fault gone the same command ends as
if there had been none."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.crash.crashing import Image, Scenario, World, scenario
from tests.support.command import Ran, run
from tests.support.database import Snapshot, snapshot
from tests.support.disk import Decide, Disk, at, full_at

Way = Literal["apply", "rollback"]
IO = ("once", "from then on", "torn")
FULL = ("full from then on", "full once")


def counted(name: str, mode: str = "step", **more: object) -> Scenario:
    """Return a scenario of the crash suite; one that asks for the time would differ from run to run."""
    assert name != "stamped"
    return scenario(name, mode, **more)


@dataclass
class Faulted:
    """A world through the command line, there and back, with what an undisturbed run gives.

    Attributes:
        runs: how often a fault hit, by where.
        codes: how often a command ended with which exit code.
    """

    world: World
    disk: Disk
    before: Snapshot = field(init=False)
    after: Snapshot = field(init=False)
    applied: Image = field(init=False)
    runs: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.before = self.world.before
        self.world.put(self.world.start)
        done = self.command("apply")
        assert done.code == 0, done.output
        self.after, self.applied = snapshot(self.world.db), self.world.image()

    def command(self, way: Way) -> Ran:
        """Run `engine apply` or `engine rollback --to 0`; a traceback or a "bug" fails the test."""
        more = ["--to", "0"] if way == "rollback" else []
        size = str(self.world.scenario.batch)
        return run(way, "--db", str(self.world.db), "--yes", "--batch-size", size, *more, str(self.world.specs))

    def begin(self, way: Way) -> None:
        """Put the database that `way` starts from on the disk."""
        self.world.put(self.world.start if way == "apply" else self.applied)

    def operations(self, way: Way, kinds: tuple[str, ...] = ()) -> int:
        """Return how many operations an undisturbed run asks of the disk, of these kinds only."""
        self.begin(way)
        self.disk.arm(lambda operation: 0)
        assert self.command(way).code == 0
        return sum(1 for o in self.disk.operations if not kinds or o.kind in kinds)

    def spread(self, way: Way, kinds: tuple[str, ...], points: int) -> list[int]:
        """Return `points` numbers of operations, from the first to the last, evenly spread."""
        count = self.operations(way, kinds)
        points = min(points, count)
        return sorted({1 + round(n * (count - 1) / max(1, points - 1)) for n in range(points)})

    def strike(self, way: Way, number: int, variant: str) -> None:
        """Run `way` with a fault at operation `number`; see to its end, and then to the end of the next command."""
        self.begin(way)
        self.disk.arm(_decide(variant, number), torn=variant == "torn")
        ran = self.command(way)
        self.disk.heal()
        self.disk.torn = False
        where = f"{self.world.scenario.name} {way} {number} {variant}: {self.disk.failed[:1]}\n{ran.output}"
        assert self.disk.failed, f"{where}: nothing was hit"
        self.runs[f"{self.disk.failed[0].kind} {self.disk.failed[0].file}"] += 1
        self.codes[ran.code] += 1
        self.ends(way, ran, where)

    def ends(self, way: Way, ran: Ran, where: str) -> None:
        """See that `ran` ended clearly, and that what follows ends as an undisturbed run does."""
        if ran.code != 0:
            told_clearly(ran, where)
            # Forward or back: from wherever it stopped both must be open.
            way = "rollback" if way == "apply" and sum(self.codes.values()) % 3 == 0 else way
            again = self.command(way)
            assert again.code == 0, f"{where}\nand then:\n{again.output}"
        expected = self.after if way == "apply" else self.before
        differences = expected.differences(self.world.state().users)  # SQLite plays a journal back that was left
        assert not differences, "\n".join([where, *differences])
        sound(self.world.db)


def _decide(variant: str, number: int) -> Decide:
    match variant:
        case "full from then on":
            return full_at(number)
        case "full once":
            return full_at(number, sticky=False)
        case "torn":
            return at(number, kinds=("write",))
        case _:
            return at(number, sticky=variant == "from then on")


def told_clearly(ran: Ran, where: str) -> None:
    """A fault of the machine is exit 1 with one `error:` line that says what failed, and a next command."""
    assert ran.code == 1, where
    words = [line for line in ran.output.splitlines() if line.startswith("error: ")]
    assert len(words) == 1, where
    known = ("the disk failed", "the disk is full", "can't be opened", "is damaged", "can't be written", "memory")
    assert any(k in words[0] for k in known), where
    assert "\nhint: " in ran.output and "\nnow: " in ran.output and "\nnext: engine " in ran.output, where


def sound(path: Path) -> None:
    """SQLite finds nothing wrong with the file."""
    if path.exists():
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def faulted(disk: Disk, folder: Path, made: Scenario) -> Faulted:
    """Return the world of `made` below a folder of its own."""
    place = folder / f"{made.name}-{len(list(folder.iterdir()))}"
    place.mkdir()
    return Faulted(World(made, place), disk)
