"""Where a database stands, and its schema as a file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from run_samples import Database, copy_unit, create_unit, plan

from engine.dialects.sqlite.driver import connect
from engine.dialects.sqlite.ledger import Ledger
from engine.dialects.sqlite.lock import FileLock
from engine.errors import EngineError
from engine.run import reading, snapshot
from engine.run.executor import apply
from engine.run.options import RunOptions, Stop
from engine.run.progress import BatchDone, Happening
from engine.run.records import Status
from engine.run.rollback import rollback


def stopped(db: Database, batch: int = 3, rows: int | None = 25) -> None:
    stop = Stop()

    def at(event: Happening) -> None:
        if isinstance(event, BatchDone) and event.batch == batch:
            stop.ask()

    with db.ledger.lock("apply"):
        apply(db.driver, db.ledger, plan(create_unit(), copy_unit(4, rows=rows)), RunOptions(stop=stop), at)


def status(db: Database) -> Status:
    driver = connect(db.path, read_only=True)
    found = reading.status(Ledger(driver, db.path), lambda version: version)
    driver.close()
    return found


def test_an_untouched_database_has_no_version(db: Database) -> None:
    before = hashlib.sha256(db.path.read_bytes()).hexdigest()
    assert status(db) == Status(None, (), None)
    assert reading.current_version(db.ledger, str) is None
    assert hashlib.sha256(db.path.read_bytes()).hexdigest() == before
    assert [f.name for f in db.path.parent.iterdir()] == ["app.db"]


def test_an_interrupted_apply_says_how_far_it_is_and_that_it_can_go_on(db: Database) -> None:
    stopped(db)
    now = status(db).in_progress
    assert now is not None
    assert (now.version, now.direction, now.step, now.batch) == ("001", "apply", "2-copy", 3)
    assert (now.rows_done, now.rows_total, now.resumable, now.holder) == (12, 25, True, None)


def test_while_somebody_works_it_is_not_resumable(db: Database) -> None:
    stopped(db, rows=None)
    lock = FileLock(str(db.path))
    assert lock.acquire("apply", 0)
    now = status(db).in_progress
    assert now is not None and not now.resumable and now.holder is not None and now.rows_total is None
    lock.release()


def test_applied_versions_stand_in_order_and_a_rollback_in_progress_is_told(db: Database) -> None:
    for version in ("002", "001"):
        unit = plan(create_unit() if version == "002" else copy_unit(4), version=version)
        with db.ledger.lock("apply"):
            assert apply(db.driver, db.ledger, unit).state == "applied"
    found = status(db)
    assert found.current_version == "002" == reading.current_version(db.ledger, str)
    assert [r.version for r in found.applied] == ["001", "002"]
    assert [e.version for e in reading.history(db.ledger)] == ["002", "001"]
    db.driver.execute("DROP TABLE notes")
    with db.ledger.lock("rollback"):
        assert rollback(db.driver, db.ledger, None, version="002").state == "failed"
    db.driver.execute("UPDATE migration_history SET state = 'rolling_back' WHERE version = '002'")
    now = status(db).in_progress
    assert now is not None and now.direction == "rollback" and now.rows_total is None


def test_a_plan_that_can_not_be_read_leaves_the_total_open(db: Database) -> None:
    stopped(db)
    db.driver.execute("UPDATE migration_history SET plan = '{'")
    now = status(db).in_progress
    assert now is not None and now.rows_total is None


# ── snapshots ─────────────────────────────────────────────────────────────
def test_a_snapshot_gives_the_catalogue_back(db: Database, tmp_path: Path) -> None:
    db.driver.execute('CREATE VIEW "wéird ""name" AS SELECT 1 AS a')
    catalogue = db.driver.catalogue()
    file = tmp_path / "schema.json"
    file.write_text(snapshot.text(catalogue, "sqlite"), encoding="utf-8")
    assert snapshot.load(file).objects == catalogue.objects
    assert snapshot.text(catalogue, "sqlite") == snapshot.text(snapshot.load(file), "sqlite")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"{", "it is not JSON"),
        (b"\xff", "it is not UTF-8"),
        (b"[]", "it is not a snapshot"),
        (b'{"engine_snapshot": 99}', "it is not a snapshot"),
        (b'{"engine_snapshot": 1, "objects": 3}', "`objects` is not a list"),
        (b'{"engine_snapshot": 1, "objects": [{"type": "table"}]}', "an object in it is damaged"),
        (b'{"engine_snapshot": 1, "objects": [7]}', "an object in it is damaged"),
    ],
)
def test_what_is_no_snapshot_is_told(tmp_path: Path, text: bytes, words: str) -> None:
    file = tmp_path / "schema.json"
    file.write_bytes(text)
    with pytest.raises(EngineError, match=words) as caught:
        snapshot.load(file)
    assert caught.value.next


def test_a_missing_snapshot_is_told(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="No such file"):
        snapshot.load(tmp_path / "none.json")
