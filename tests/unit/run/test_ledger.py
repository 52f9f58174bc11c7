"""History and checkpoints: what is stored is what is read, and nobody else's table is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from run_samples import Database, plan

from engine.dialects.ledger import Progress
from engine.dialects.shared import ledger_sql
from engine.dialects.shared.ledger_rows import decode, encode
from engine.dialects.shared.ledger_sql import Texts
from engine.dialects.sqlite.driver import connect
from engine.dialects.sqlite.ledger import Ledger
from engine.dialects.sqlite.ledger_sql import SEALS, TEXTS
from engine.errors import DatabaseError, Drift, EngineError, LockHeld
from engine.model.plan import MigrationPlan
from engine.plan.serialise import loads
from engine.run.entries import opened, todo
from engine.run.executor import apply
from engine.run.options import RunOptions
from engine.run.rollback import rollback
from engine.run.unit import transaction

VALUE = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.binary()
    | st.text(st.characters(exclude_categories=["Cs"]))
)


@given(st.lists(VALUE))
def test_marks_come_back_as_they_were(values: list[Any]) -> None:
    back = decode(encode(values))
    assert [repr(v) for v in back] == [repr(v) for v in values]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(VALUE, VALUE), min_size=1, max_size=8))
def test_keys_of_any_type_come_back_as_they_were(pairs: list[tuple[Any, Any]]) -> None:
    driver = connect(":memory:")
    ledger = Ledger(driver)
    ledger.start()
    made = plan()
    steps = todo(made, "apply", made.units)
    lo, up = (tuple(pair[n] for pair in pairs) for n in (0, 1))
    with transaction(driver):
        ledger.open(opened(made, None), steps, plan="x", spec="y")
        ledger.checkpoint(
            steps[0],
            Progress("001", "apply", "1-create", "1-create", 0, lo=lo, up=up, state="doing", batch=3),
        )
    found = ledger.progress("001", "apply")[0]
    assert [repr(v) for v in (*found.lo, *found.up)] == [repr(v) for v in (*lo, *up)]
    assert (found.state, found.batch) == ("doing", 3)
    driver.close()


def test_without_the_engines_tables_everything_reads_as_empty(db: Database) -> None:
    driver = connect(db.path, read_only=True)
    ledger = Ledger(driver, db.path)
    assert ledger.records() == ledger.events() == ledger.progress("001", "apply") == ()
    assert ledger.record("001") is None and ledger.spec_text("001") == ""
    with pytest.raises(Drift, match="no plan of 001"):
        ledger.plan_text("001")
    driver.close()


def test_the_tables_are_made_once_use_no_autoincrement_and_are_no_part_of_the_catalogue(db: Database) -> None:
    before = db.driver.catalogue().objects
    for _ in range(2):
        with db.ledger.lock("apply"):
            db.ledger.start()
            db.ledger.start()
            assert db.ledger.fence == _ + 1
    assert db.driver.catalogue().objects == before
    assert db.driver.query("SELECT name FROM sqlite_schema WHERE name = 'sqlite_sequence'") == []
    assert db.engine_tables() == ["engine_event", "engine_meta", "engine_run", "engine_step"]
    assert [r[0] for r in db.driver.query("SELECT outcome FROM engine_run ORDER BY run")] == ["done", "done"]


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE migration_history (id INTEGER PRIMARY KEY, name TEXT)",
        "CREATE VIEW migration_history AS SELECT 1 AS version",
        "CREATE TABLE Migration_History (version TEXT, applied INTEGER)",
    ],
)
def test_a_history_of_somebody_else_is_refused_untouched(db: Database, text: str) -> None:
    db.driver.execute(text)
    before = db.content()
    with pytest.raises(DatabaseError, match="is not the engine's"):
        db.ledger.records()
    with db.ledger.lock("apply"):
        result = apply(db.driver, db.ledger, plan())
    assert result.state == "failed" and "touches nobody else's" in str(result.error and result.error.hint)
    assert db.content() == before and db.engine_tables() == []


def test_a_history_of_a_newer_engine_is_refused(db: Database) -> None:
    with db.ledger.lock("apply"):
        db.ledger.start()
    db.driver.execute("UPDATE engine_meta SET value = 99 WHERE key = 'format'")
    with pytest.raises(Drift, match="newer version"):
        db.ledger.records()


def test_history_keeps_the_plan_the_spec_and_who_did_it(db: Database) -> None:
    made = MigrationPlan(
        "002",
        "two",
        plan().units,
        checksum="1:x",
        spec_name="002_two.yaml",
        spec_text="steps: é",
        before="b",
        after="a",
    )
    with db.ledger.lock("apply"):
        apply(db.driver, db.ledger, made, RunOptions(now=lambda: "2026-01-31 12:00:00"))
    record = db.ledger.record("002")
    assert record is not None
    assert (record.description, record.checksum, record.spec_name) == ("two", "1:x", "002_two.yaml")
    assert (record.before, record.after, record.applied_at) == ("b", "a", "2026-01-31 12:00:00")
    assert record.direction == "apply" and record.reversible and record.engine_version
    assert loads(db.ledger.plan_text("002")) == made
    assert db.ledger.spec_text("002") == "steps: é"
    event = db.ledger.events()[-1]
    assert (event.version, event.outcome, event.command, event.rows) == ("002", "applied", "apply", 50)
    assert event.pid and event.by and event.host


def test_a_version_applied_again_keeps_one_row_and_counts_on(db: Database) -> None:
    for number in (1, 2):
        with db.ledger.lock("apply"):
            assert apply(db.driver, db.ledger, plan()).state == "applied"
        record = db.ledger.record("001")
        assert record is not None and record.number == number
        with db.ledger.lock("rollback"):
            assert rollback(db.driver, db.ledger, None, version="001").state == "rolled_back"
    assert len(db.ledger.records()) == 1
    assert [e.outcome for e in db.ledger.events()] == ["applied", "rolled_back"] * 2


def test_a_stale_fence_writes_nothing(db: Database) -> None:
    with db.ledger.lock("apply"):
        db.ledger.start()
        old = Ledger(db.driver)  # a process that thinks that it still holds the lock
        old.start()
        with pytest.raises(LockHeld, match="took over"), transaction(db.driver):
            db.ledger.open(opened(plan(), None), ())
        with pytest.raises(LockHeld), transaction(db.driver):
            db.ledger.take_over("001", "apply")
    assert db.ledger.records() == ()


def test_only_the_engines_own_tables_are_dropped(db: Database) -> None:
    for name in ("items", "migration_history"):
        with pytest.raises(EngineError, match="no table of the engine"):
            db.ledger.drop(name)
    db.ledger.drop("engine_undo_77")
    assert db.ledger.empty("engine_undo_77", 5) is False


def test_a_journal_without_rowid_goes_in_one_piece(db: Database) -> None:
    db.driver.execute("CREATE TABLE engine_undo_5 (k PRIMARY KEY) WITHOUT ROWID")
    assert db.ledger.empty("engine_undo_5", 5) is False


def housekeeping(sql: str) -> bool:
    """The closed list of what runs without standing in a plan, beside BEGIN, COMMIT and the catalogue."""
    texts = {text for text in vars(ledger_sql).values() if isinstance(text, str)}
    texts |= {*TEXTS.tables, *(text for name in Texts.__slots__ if isinstance(text := getattr(TEXTS, name), str))}
    protocol = {statement.sql for statement in ledger_sql.protocol()}
    journals = ('DROP TABLE IF EXISTS "engine_undo_', 'SELECT count(*) FROM "engine_undo_')
    seals = ('CREATE TRIGGER "engine_undo_1_sealed_', 'DROP TRIGGER IF EXISTS "engine_undo_1_sealed_')
    return sql in texts | protocol | {SEALS} or sql.startswith(journals + seals)


def test_what_runs_is_in_the_plan_or_on_the_closed_list(db: Database) -> None:
    sent: list[str] = []
    db.driver.listener = lambda sql, params: sent.append(sql)
    made = plan()
    with db.ledger.lock("apply"):
        apply(db.driver, db.ledger, made)
    planned = {s.sql for unit in made.units for s in unit.statements()}
    rest = {sql for sql in sent if sql not in planned and not housekeeping(sql)}
    assert rest == {"BEGIN IMMEDIATE", "COMMIT"}
    assert planned <= set(sent)
    sent.clear()
    with db.ledger.lock("rollback"):
        rollback(db.driver, db.ledger, None, version="001")
    planned = {s.sql for unit in made.units for back in unit.undo for s in back.statements()}
    rest = {sql for sql in sent if sql not in planned and not housekeeping(sql)}
    assert planned <= set(sent)
    catalogue = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid"
    assert rest == {"BEGIN IMMEDIATE", "BEGIN", "COMMIT", catalogue}


def test_the_guard_and_the_checkpoint_are_printed_and_sent_once_per_transaction(db: Database) -> None:
    guard, checkpoint = ledger_sql.protocol()
    sent: list[str] = []
    db.driver.listener = lambda sql, params: sent.append(sql)
    with db.ledger.lock("apply"):
        apply(db.driver, db.ledger, plan())
    assert sent.count(guard.sql) == sent.count(checkpoint.sql) == 4 + 7 + 9  # units, and batches of 4 and 3


def test_a_database_path_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    driver = connect("new.db")
    ledger = Ledger(driver, "new.db")
    with ledger.lock("apply"):
        ledger.start()
    driver.close()
    assert [f.name for f in tmp_path.iterdir()] == ["new.db"]
