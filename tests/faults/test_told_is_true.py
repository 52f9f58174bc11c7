"""Whatever fails between two migrations, the document of the run tells what the history holds."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.cli.main import cli
from tests.faults.faulting import Faulted, Way, counted, faulted, told_clearly
from tests.support.command import run as command
from tests.support.disk import at, failing_disk
from tests.support.factor import scaled


@pytest.mark.parametrize("way", ["apply", "rollback"])
def test_a_fault_between_two_migrations_hides_no_migration_that_was_done(way: Way, tmp_path: Path) -> None:
    told = tell(way, tmp_path, 7, ("read", "access"))
    assert 1 in told or 2 in told, "no fault came between two migrations"


@pytest.mark.slow
@pytest.mark.parametrize("way", ["apply", "rollback"])
def test_at_any_operation(way: Way, tmp_path: Path) -> None:
    assert len(tell(way, tmp_path, scaled(60), ())) == scaled(60)


def tell(way: Way, folder: Path, points: int, kinds: tuple[str, ...]) -> list[int]:
    """Let `points` operations of these kinds fail; return how many migrations each run says that it did."""
    told = []
    state = "applied" if way == "apply" else "rolled_back"
    with failing_disk() as disk:
        found = faulted(disk, folder, counted("specs"))
        for number in found.spread(way, kinds, points):
            found.begin(way)
            before = ended(found, state)
            disk.arm(at(number, kinds=kinds))
            document = run(found, way)
            disk.heal()
            done = [m["version"] for m in document["migrations"] if m["state"] == state]
            assert set(done) == ended(found, state) - before, f"{way} {number}: {document}"
            error = document.get("error")
            assert error is None or (error["next"].startswith(f"engine {way}") and error["kept"] != ""), error
            told.append(len(done))
    return told


def run(found: Faulted, way: Way) -> dict[str, object]:
    """Return the document of a run."""
    more = ["--to", "0"] if way == "rollback" else []
    args = [way, "--db", str(found.world.db), "--yes", "--format", "json", *more, str(found.world.specs)]
    result = CliRunner().invoke(cli, args)
    assert result.exit_code in (0, 1), result.output
    document: dict[str, object] = json.loads(result.stdout)
    return document


def ended(found: Faulted, state: str) -> set[str]:
    """Return the versions that the history holds in this state."""
    found.world.state()
    with closing(sqlite3.connect(found.world.db)) as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'migration_history'").fetchone():
            return set()
        return {v for (v,) in db.execute("SELECT version FROM migration_history WHERE state = ?", (state,))}


@pytest.mark.slow
@pytest.mark.parametrize("sticky", [False, True], ids=["once", "from then on"])
def test_a_finalize_on_a_failing_disk_says_what_is_true_and_goes_on(sticky: bool, tmp_path: Path) -> None:
    with failing_disk() as disk:
        found = faulted(disk, tmp_path, counted("drop"))
        args = ["finalize", "001", "--db", str(found.world.db), "--yes"]
        number, failed = 0, 0
        while True:
            number += 7
            found.begin("rollback")
            disk.arm(at(number, sticky=sticky))
            ran = command(*args)
            disk.heal()
            if not disk.failed:
                break
            if ran.code:
                failed += 1
                told_clearly(ran, f"{number}: {ran.output}")
                marked = bool(ended(found, "finalized"))
                assert "can still be rolled back" not in ran.output or not marked, ran.output
                assert "is marked as finalized" not in ran.output or marked, ran.output
                assert command(*args).code == 0
            assert ended(found, "finalized") == {"001"}
            assert not found.after.differences(found.world.state().users)
        assert failed > 10
