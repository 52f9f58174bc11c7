"""Batches, marks, finalize, code, signals."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from dataclasses import replace
from typing import Any

from run_samples import Database, copy_unit, create_unit, ddl, plan, rows, update_unit

from engine.errors import CheckFailed, NotReversible, Stopped
from engine.model.plan import Loop, MigrationPlan, Statement, Unit
from engine.run.batches import BatchSize
from engine.run.code import apply_code, rollback_code
from engine.run.executor import apply
from engine.run.finalize import finalize
from engine.run.options import RunOptions, Stop
from engine.run.progress import BatchDone, Happening, MigrationDone, MigrationStarted, UnitDone, UnitStarted
from engine.run.records import MigrationResult, plain
from engine.run.rollback import rollback


def run(db: Database, what: MigrationPlan, **options: Any) -> MigrationResult:
    with db.ledger.lock("apply"):
        return apply(db.driver, db.ledger, what, RunOptions(**options))


# ── sizes ─────────────────────────────────────────────────────────────────
def test_the_size_grows_to_its_target_and_shrinks_at_once() -> None:
    size = BatchSize(None, None, target=0.5, most=250_000)
    assert size.rows == 1_000
    size.took(1_000, 0.01)  # 100,000 rows a second
    assert size.rows == 4_000
    size.took(4_000, 0.04)
    assert size.rows == 16_000
    size.took(16_000, 0.2)  # between a quarter and all of the target: at most twice
    assert 32_000 >= size.rows > 16_000
    before = size.rows
    size.took(before, before / 5_000)  # much slower: the new rate counts at once
    assert size.rows == 2_500
    size.took(2_500, 1_000)
    assert size.rows == 100


def test_the_size_stays_while_a_batch_takes_no_more_than_one_and_a_half_targets() -> None:
    size = BatchSize(None, 20_000, target=0.5, most=250_000)
    size.took(20_000, 0.74)  # the pages of an index are paid for by each batch: smaller ones would pay more often
    assert size.rows == 20_000
    size.took(20_000, 0.8)
    assert 10_000 < size.rows < 20_000
    dear = BatchSize(None, 20_000, target=0.5, most=250_000)
    for _ in range(20):  # a fixed share grows with the table, and the batches don't follow it down
        dear.took(dear.rows, 0.3 + dear.rows / 50_000)
    assert dear.rows == 20_000


def test_a_batch_may_be_twice_as_long_while_nobody_else_writes() -> None:
    size = BatchSize(None, 20_000, target=0.5, most=250_000)
    size.took(20_000, 0.5, alone=True)
    assert size.rows == 40_000
    size.took(40_000, 1.4, alone=True)
    assert size.rows == 40_000
    size.took(40_000, 1.4)  # somebody came: back to half a second
    assert size.rows < 20_000


def test_the_size_stays_where_it_was_asked_for_and_under_its_limit() -> None:
    fixed = BatchSize(7, 500, 0.5, 250_000)
    fixed.took(7, 0.0001)
    assert fixed.rows == 7
    limited = BatchSize(None, 9_999, 0.5, 50)
    assert limited.rows == 50
    limited.took(50, 0.0)
    limited.took(0, 1)
    assert limited.rows == 50


def test_a_size_given_for_the_run_wins_and_a_resume_begins_where_the_controller_was(db: Database) -> None:
    result = run(db, plan(), batch_size=10)
    assert {s.step: s.batches for s in result.steps} == {
        "1-create": 0,
        "2-copy": 3,
        "3-update": 3,
        "4-index": 0,
    }
    adaptive = run(db, plan(replace(copy_unit(), id="9-copy", step="9-copy", touches=()), version="002"))
    assert adaptive.state == "failed"  # the same notes again
    db.driver.execute("DELETE FROM notes")
    run(db, plan(copy_unit(), version="003"))
    (stored,) = db.ledger.progress("003", "apply")
    assert stored.batch == 1 and stored.size is not None


def test_an_empty_table_and_a_table_of_one_row_are_done_in_one_transaction(db: Database) -> None:
    db.driver.execute("DELETE FROM items WHERE id > 3")
    result = run(db, plan(create_unit(), copy_unit()))
    assert next(s for s in result.steps if s.step == "2-copy").rows_written == 1
    db.driver.execute("DELETE FROM items")
    after = (rows("INSERT INTO notes VALUES (99, 'after')", "insert", "written", ()),)
    result = run(db, plan(replace(copy_unit(), after=after), version="002"))
    assert result.state == "applied" and result.steps[0].batches == 0
    assert db.one("SELECT body FROM notes WHERE id = 99") == "after"


def test_composite_keys_walk_every_row_once(db: Database) -> None:
    db.driver.execute("CREATE TABLE pairs (a TEXT, b INTEGER, n INTEGER DEFAULT 0, PRIMARY KEY (a, b)) WITHOUT ROWID")
    db.driver.execute("INSERT INTO pairs (a, b) SELECT char(65 + id % 3), id FROM items")
    at_least = "a >= :lo1 AND (a > :lo1 OR b >= :lo2)"
    most = "a <= :{0}1 AND (a < :{0}1 OR b <= :{0}2)"
    loop = Loop(
        "pairs",
        ("a", "b"),
        rows(
            "SELECT l.a, l.b, u.a, u.b FROM (SELECT a, b FROM pairs ORDER BY a, b LIMIT 1) l, "
            "(SELECT a, b FROM pairs ORDER BY a DESC, b DESC LIMIT 1) u",
            "bound",
            binds=(),
        ),
        rows(f"SELECT a, b FROM pairs WHERE {at_least} AND {most.format('up')} ORDER BY a, b LIMIT 1 OFFSET :skip"),
        (rows(f"UPDATE pairs SET n = n + 1 WHERE {at_least} AND {most.format('hi')}", count="written"),),
        rows(
            f"SELECT a, b FROM pairs WHERE a >= :hi1 AND (a > :hi1 OR b > :hi2) AND {most.format('up')} ORDER BY a, b LIMIT 1"
        ),
        4,
    )
    result = run(db, plan(Unit("1-x", "1-x", "count", ">", loop=loop)))
    assert (result.state, result.steps[0].batches, result.steps[0].rows_written) == ("applied", 7, 25)
    assert db.driver.query("SELECT DISTINCT n FROM pairs") == [(1,)]


# ── marks and the step's start ────────────────────────────────────────────
def test_marks_are_taken_once_and_bound_in_the_undo_too(db: Database) -> None:
    mark = Statement("SELECT max(id), 'x' FROM items", "check", "mark")
    none = Statement("SELECT id FROM items WHERE 0", "check", "mark")
    db.driver.execute("CREATE TABLE seen (a, b)")
    unit = Unit(
        "1-x",
        "1-x",
        "marks",
        ">",
        marks=(none, mark),
        before=(rows("INSERT INTO items VALUES (1000, :mark2)", binds=("mark2",)),),
        after=(rows("INSERT INTO seen VALUES (:mark1, :mark2)", binds=("mark1", "mark2")),),
        undo=(
            Unit(
                "u",
                "1-x",
                "back",
                "<",
                before=(rows("INSERT INTO seen VALUES (:mark1, 'undo')", binds=("mark1",)),),
            ),
        ),
    )
    run(db, plan(unit))
    with db.ledger.lock("rollback"):
        rollback(db.driver, db.ledger, None, version="001")
    assert db.driver.query("SELECT * FROM seen") == [(75, "x"), (75, "undo")]


def test_the_start_of_a_step_is_one_for_all_its_rows_units_and_runs(db: Database) -> None:
    times = iter(f"2026-01-31 12:00:{n:02}" for n in range(60))
    stop = Stop()
    second = Unit(
        "2-copy.2",
        "2-copy",
        "again",
        ">",
        before=(rows("UPDATE notes SET body = body || :now", binds=("now",)),),
    )
    what = plan(create_unit(), copy_unit(4), second)

    def at(event: Happening) -> None:
        if isinstance(event, BatchDone) and event.batch == 3:
            stop.ask()

    with db.ledger.lock("apply"):
        apply(db.driver, db.ledger, what, RunOptions(now=lambda: next(times), stop=stop), at)
    run(db, what, now=lambda: next(times))
    found = {row[0][-43:].split(" at ")[1] for row in db.driver.query("SELECT body FROM notes")}
    assert len(found) == 1
    (one,) = found
    assert one[:19] == one[19:]


def test_settings_stand_around_the_transaction_and_are_taken_back_after_a_failure(db: Database) -> None:
    off, on = (Statement(f"PRAGMA foreign_keys = {word}", "setting", "setting") for word in ("OFF", "ON"))
    good = Unit("1-x", "1-x", "x", "~", settings=(off,), resets=(on,), before=(ddl("CREATE TABLE x (a)"),))
    sent: list[str] = []
    db.driver.listener = lambda sql, params: sent.append(sql)
    for single in (True, False):
        sent.clear()
        run(db, plan(good, replace(good, id="2", before=(ddl("BAD"),)), single=single))
        places = [n for n, sql in enumerate(sent) if sql == off.sql]
        assert sent[places[0] + 1] == "BEGIN IMMEDIATE"
        assert db.one("PRAGMA foreign_keys") == 1


# ── events ────────────────────────────────────────────────────────────────
def test_the_listener_is_told_what_happens(db: Database) -> None:
    heard: list[Happening] = []
    with db.ledger.lock("apply"):
        apply(db.driver, db.ledger, plan(create_unit(), copy_unit(10)), None, heard.append)
    kinds = [type(e) for e in heard]
    assert kinds == [
        MigrationStarted,
        UnitStarted,
        UnitDone,
        UnitStarted,
        BatchDone,
        BatchDone,
        BatchDone,
        UnitDone,
        MigrationDone,
    ]
    assert [e.rows for e in heard if isinstance(e, BatchDone)] == [10, 20, 25]


def test_a_migration_meant_for_another_database_is_passed_over(db: Database) -> None:
    assert run(db, plan(skipped="meant for mysql")).state == "skipped"
    assert db.ledger.records() == ()


def test_apply_twice_is_apply(db: Database) -> None:
    assert run(db, plan()).state == "applied"
    before = db.content()
    assert run(db, plan()).state == "applied"
    assert db.content() == before and len(db.ledger.events()) == 1


# ── finalize ──────────────────────────────────────────────────────────────
def finalized(db: Database, version: str = "001", options: RunOptions | None = None) -> MigrationResult:
    with db.ledger.lock("finalize"):
        return finalize(db.driver, db.ledger, version, options)


def test_finalize_gives_up_the_way_back(db: Database) -> None:
    run(db, plan())
    assert finalized(db).state == "finalized"
    assert "engine_undo_1" not in db.engine_tables()
    record = db.ledger.record("001")
    assert record is not None and record.applied and record.finalized_at
    with db.ledger.lock("rollback"):
        result = rollback(db.driver, db.ledger, None, version="001")
    assert isinstance(result.error, NotReversible) and "was finalized on" in result.error.message
    assert finalized(db).state == "finalized"


def test_finalize_stops_and_goes_on(db: Database) -> None:
    run(db, plan())
    stop = Stop()
    stop.ask()
    result = finalized(db, options=RunOptions(stop=stop))
    assert result.state == "interrupted" and isinstance(result.error, Stopped)
    assert result.error.next == "engine finalize 001"
    assert "engine_undo_1" in db.engine_tables()
    assert finalized(db).state == "finalized"


def test_what_is_not_applied_can_not_be_finalized(db: Database) -> None:
    result = finalized(db, "007")
    assert result.state == "failed" and "007 is not applied" in str(result.error)


# ── migrations in Python ──────────────────────────────────────────────────
class Titles:
    good = True
    irreversible = ""

    def up(self, conn: sqlite3.Connection) -> None:
        conn.execute("UPDATE items SET title = upper(title)")
        conn.execute("CREATE TABLE made (x)")

    def down(self, conn: sqlite3.Connection) -> None:
        conn.execute("UPDATE items SET title = lower(title)")
        conn.execute("DROP TABLE made")

    def validate(self, conn: sqlite3.Connection) -> bool:
        return self.good and conn.execute("SELECT count(*) FROM made").fetchone() == (0,)


def coded(db: Database, code: Any, way: Any = apply_code) -> MigrationResult:
    with db.ledger.lock("apply"):
        result = way(db.driver, db.ledger, MigrationPlan("005", "titles", (), code=True), code)
    assert isinstance(result, MigrationResult)
    return result


def test_a_class_goes_forward_and_back_in_one_transaction_each(db: Database) -> None:
    before = db.content()
    assert coded(db, Titles()).state == "applied"
    record = db.ledger.record("005")
    assert record is not None and record.code and record.applied and record.number == 1
    assert db.one("SELECT title FROM items WHERE id = 3") == "ITEM 1"
    assert coded(db, Titles(), rollback_code).state == "rolled_back"
    assert db.content() == before
    assert "is not applied" in str(coded(db, Titles(), rollback_code).error)


def test_a_class_that_fails_or_does_not_validate_leaves_nothing(db: Database) -> None:
    before = db.content()
    bad = Titles()
    bad.good = False
    result = coded(db, bad)
    assert result.state == "failed" and isinstance(result.error, CheckFailed)

    class Broken(Titles):
        def up(self, conn: sqlite3.Connection) -> None:
            super().up(conn)
            conn.commit()

    result = coded(db, Broken())
    assert "`up` failed: ProgrammingError: commit is not up to a migration" in str(result.error)
    assert db.content() == before and db.ledger.records() == ()
    assert [e.outcome for e in db.ledger.events()] == ["failed", "failed"]


def test_a_class_without_a_way_back_says_why(db: Database) -> None:
    class Final(Titles):
        irreversible = "sends letters"

    coded(db, Final())
    result = coded(db, Final(), rollback_code)
    assert isinstance(result.error, NotReversible) and "sends letters" in result.error.message


# ── signals ───────────────────────────────────────────────────────────────
def test_signals_ask_to_stop_and_then_at_once() -> None:
    stop = Stop()
    before = signal.getsignal(signal.SIGTERM)
    with stop.on_signals():
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.asked and stop.due and not stop.at_once
        assert stop.error().exit_code == 6
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.at_once
        assert stop.error().exit_code == 130
    assert signal.getsignal(signal.SIGTERM) is before


def test_in_another_thread_signals_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)

    def work() -> None:
        with Stop().on_signals():
            assert signal.getsignal(signal.SIGTERM) is before

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_blobs_are_shown_as_sql_spells_them() -> None:
    assert plain(b"\x00\xff") == "x'00ff'" and plain("t") == "t"


def test_a_rollback_that_fails_says_how_far_it_is_and_goes_on_when_mended(db: Database) -> None:
    run(
        db,
        plan(
            create_unit(),
            update_unit(3),
            Unit(
                "6",
                "6",
                "t",
                "+",
                before=(ddl("CREATE TABLE t (x)"),),
                undo=(Unit("6u", "6", "-", "-", before=(ddl("DROP TABLE gone"),)),),
            ),
        ),
    )
    with db.ledger.lock("rollback"):
        result = rollback(db.driver, db.ledger, None, version="001")
    assert result.state == "failed" and "step 6 failed: no such table: gone" in str(result.error)
    assert result.error is not None and result.error.kept == "0 of 3 parts of 001 are undone"
    db.driver.execute("CREATE TABLE gone (x)")
    with db.ledger.lock("rollback"):
        assert rollback(db.driver, db.ledger, None, version="001").state == "rolled_back"
