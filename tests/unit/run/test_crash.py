"""A crash before or after any statement, forward and back: the end is that of the undisturbed run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from run_samples import Crash, CrashingDriver, Database, copy_unit, create_unit, index_unit, plan, quick, update_unit

from engine.dialects.sqlite.ledger import Ledger
from engine.model.plan import MigrationPlan
from engine.run.executor import apply
from engine.run.finalize import finalize
from engine.run.options import RunOptions
from engine.run.records import MigrationResult
from engine.run.rollback import rollback

FIXED = RunOptions(now=lambda: "2026-01-31 12:00:00")


def small(single: bool) -> MigrationPlan:
    """DDL, a copy and a journaled update of three batches each, an index."""
    return plan(create_unit(), copy_unit(10), update_unit(9), index_unit(), single=single)


def crashing(db: Database, at: int, after: bool) -> CrashingDriver:
    db.driver.close()
    driver = quick(db.path)
    driver.__class__ = CrashingDriver
    assert isinstance(driver, CrashingDriver)
    driver.at, driver.after = at, after
    db.driver, db.ledger = driver, Ledger(driver, db.path)
    return driver


def forward(db: Database, single: bool) -> MigrationResult:
    with db.ledger.lock("apply"):
        return apply(db.driver, db.ledger, small(single), FIXED)


def back(db: Database) -> MigrationResult:
    with db.ledger.lock("rollback"):
        return rollback(db.driver, db.ledger, None, FIXED, version="001")


def disturbed(
    make: Callable[[str], Database],
    name: str,
    prepare: Callable[[Database], object],
    act: Callable[[Database], MigrationResult],
    after: bool,
    check: Callable[[Database], None],
) -> int:
    """Crash at every call in turn until a run ends by itself; return how many there were."""
    at = 0
    while True:
        at += 1
        db = make(f"{name}{at}.db")
        prepare(db)
        driver = crashing(db, at, after)
        ended = True
        try:
            result = act(db)
            assert result.error is None, result.error
        except Crash:
            ended = False
        db.reopen()
        if not ended:
            result = act(db)
            assert result.error is None, result.error
        check(db)
        assert db.one("PRAGMA integrity_check") == "ok"
        db.driver.close()
        db.path.unlink()
        if ended and driver.calls < at:
            return at - 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("single", [True, False], ids=["single", "stepwise"])
def test_apply_ends_the_same_wherever_it_crashed(make: Callable[[str], Database], single: bool, after: bool) -> None:
    undisturbed = make("clean.db")
    forward(undisturbed, single)
    wanted = undisturbed.content()
    steps = [replace(p, seconds=0.0, size=None) for p in undisturbed.ledger.progress("001", "apply")]

    def check(db: Database) -> None:
        assert db.content() == wanted
        found = [replace(p, seconds=0.0, size=None) for p in db.ledger.progress("001", "apply")]
        assert found == steps
        # I7: each changed row has exactly one journal row
        assert (
            db.one("SELECT count(*) FROM engine_undo_1") == db.one("SELECT count(DISTINCT id) FROM engine_undo_1") == 25
        )

    assert disturbed(make, "a", lambda db: None, lambda db: forward(db, single), after, check) > 60


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("single", [True, False], ids=["single", "stepwise"])
def test_rollback_ends_the_same_wherever_it_crashed(make: Callable[[str], Database], single: bool, after: bool) -> None:
    wanted = make("clean.db").content()

    def act(db: Database) -> MigrationResult:
        record = db.ledger.record("001")
        if record is not None and record.state == "rolled_back":
            return MigrationResult("001", "rolled_back")  # the crash came after the end
        return back(db)

    def check(db: Database) -> None:
        assert db.content() == wanted
        assert "engine_undo_1" not in db.engine_tables()

    assert disturbed(make, "b", lambda db: forward(db, single), act, after, check) > 40


def test_an_interrupted_apply_can_be_rolled_back_from_every_point(make: Callable[[str], Database]) -> None:
    wanted = make("clean.db").content()
    at, ended = 0, False
    while not ended:
        at += 1
        db = make(f"c{at}.db")
        crashing(db, at, True)
        try:
            forward(db, False)
            ended = True
        except Crash:
            pass
        db.reopen()
        record = db.ledger.record("001")
        if record is not None:
            assert record.unfinished or record.applied
            assert back(db).error is None
        assert db.content() == wanted
        db.driver.close()
        db.path.unlink()


def test_finalize_goes_on_where_it_crashed(make: Callable[[str], Database]) -> None:
    def act(db: Database) -> MigrationResult:
        with db.ledger.lock("finalize"):
            return finalize(db.driver, db.ledger, "001", FIXED)

    def check(db: Database) -> None:
        assert "engine_undo_1" not in db.engine_tables()
        record = db.ledger.record("001")
        assert record is not None and record.state == "finalized" and record.applied

    disturbed(make, "d", lambda db: forward(db, False), act, True, check)
