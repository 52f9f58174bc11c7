"""The disk fails or is full at any operation of SQLite's: a clear end or success, and then the same end as ever."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.faulting import FULL, IO, Faulted, Way, counted, faulted
from tests.support.disk import Disk, failing_disk
from tests.support.factor import scaled

NAMES = ("heart", "copy", "transform", "delete", "drop", "rename", "rebuild", "conditions", "specs")
WAYS: tuple[Way, ...] = ("apply", "rollback")


@pytest.fixture
def disk() -> Iterator[Disk]:
    """The disk under all databases of this test."""
    with failing_disk() as made:
        yield made


def strike(found: Faulted, variants: tuple[str, ...], points: int) -> int:
    """Let a fault hit `points` operations of each way, the variants in turn; return how often one hit."""
    for way in WAYS:
        for n, variant in enumerate(variants):
            kinds = () if variant in IO[:2] else ("write",)
            for number in found.spread(way, kinds, -(-(points - n) // len(variants))):
                found.strike(way, number, variant)
    return sum(found.runs.values())


@pytest.mark.parametrize("wal", [False, True], ids=["journal", "wal"])
def test_a_disk_that_fails_anywhere_ends_clearly_and_then_as_ever(wal: bool, disk: Disk, tmp_path: Path) -> None:
    found = faulted(disk, tmp_path, counted("rename", wal=wal))
    assert strike(found, IO, 6) == 12
    assert found.codes[1] > 5


def test_a_disk_that_is_full_anywhere_ends_clearly_and_then_as_ever(disk: Disk, tmp_path: Path) -> None:
    found = faulted(disk, tmp_path, counted("transform", "auto"))
    assert strike(found, FULL, 4) == 8


@pytest.mark.slow
@pytest.mark.parametrize("wal", [False, True], ids=["journal", "wal"])
@pytest.mark.parametrize("name", NAMES)
def test_hundreds_of_io_faults(name: str, wal: bool, disk: Disk, tmp_path: Path) -> None:
    mode = "auto" if (NAMES.index(name) + wal) % 4 == 3 else "step"
    found = faulted(disk, tmp_path, counted(name, mode, wal=wal, pages=None))
    hits = strike(found, IO, scaled(21))
    print(f"{found.world.scenario.name}: {hits} I/O faults, exit codes {dict(found.codes)}, {dict(found.runs)}")
    assert hits == 2 * scaled(21)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_more_than_a_hundred_full_disks(name: str, disk: Disk, tmp_path: Path) -> None:
    wal = NAMES.index(name) % 2 == 1
    found = faulted(disk, tmp_path, counted(name, "auto" if name in ("drop", "copy") else "step", wal=wal))
    hits = strike(found, FULL, scaled(8))
    print(f"{found.world.scenario.name}: {hits} full disks, exit codes {dict(found.codes)}")
    assert hits == 2 * scaled(8)
