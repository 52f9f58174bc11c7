"""What fails, what is true then, and what goes on from there (decisions 12 and 13)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from run_samples import Database, copy_unit, create_unit, ddl, index_unit, plan, rows, update_unit

from engine.errors import (
    CheckFailed,
    Conflict,
    DatabaseError,
    Drift,
    EngineError,
    LockHeld,
    NotReversible,
    Stopped,
)
from engine.model.plan import Check, Condition, Expectation, MigrationPlan, Statement, Unit
from engine.run.executor import apply
from engine.run.options import RunOptions, Stop
from engine.run.progress import Happening, Undoing
from engine.run.records import MigrationResult
from engine.run.rollback import rollback


def run(
    db: Database,
    what: MigrationPlan,
    options: RunOptions | None = None,
    heard: Callable[[Happening], None] = lambda e: None,
) -> MigrationResult:
    with db.ledger.lock("apply"):
        return apply(db.driver, db.ledger, what, options, heard)


def back(db: Database, options: RunOptions | None = None, version: str = "001") -> MigrationResult:
    with db.ledger.lock("rollback"):
        return rollback(db.driver, db.ledger, None, options, version=version)


def failing(sql: str = "INSERT INTO nowhere VALUES (1)") -> Unit:
    return Unit("9-sql", "9-sql", "a statement that fails", ">", before=(rows(sql, binds=()),))


def asked(sql: str, purpose: str = "check") -> Statement:
    return Statement(sql, "check", purpose)


ALL = (create_unit(), copy_unit(4), update_unit(3), index_unit())


# ── statements ────────────────────────────────────────────────────────────
@pytest.mark.parametrize("single", [True, False])
def test_a_failed_statement_leaves_the_database_as_it_was(db: Database, single: bool) -> None:
    before = db.content()
    heard: list[Happening] = []
    result = run(db, plan(*ALL, failing(), single=single), heard=heard.append)
    assert result.state == "failed" and isinstance(result.error, DatabaseError)
    assert result.error.message == "step 9-sql failed: no such table: nowhere"
    assert result.error.details["step"] == "9-sql"
    assert "the database is as it was before" in result.error.kept
    assert any(isinstance(e, Undoing) for e in heard) is not single
    assert db.content() == before
    assert "engine_undo_1" not in db.engine_tables()
    record = db.ledger.record("001")
    assert record is None if single else (record is not None and record.state == "failed" and not record.applied)
    assert [e.outcome for e in db.ledger.events()] == ["failed"]
    # mended, it goes through
    assert run(db, plan(*ALL, single=single)).state == "applied"


def test_with_stop_what_is_done_stays_and_apply_goes_on(db: Database) -> None:
    what = plan(*ALL, failing("INSERT INTO later VALUES (1)"), on_failure="stop")
    result = run(db, what)
    assert result.state == "failed" and result.error is not None
    assert result.error.kept == "4 of 5 parts of 001 are done; 50 rows are written"
    assert result.error.next == "engine apply"
    db.driver.execute("CREATE TABLE later (x)")
    assert run(db, what).state == "applied"
    assert db.one("SELECT count(*) FROM later") == 1


def test_an_undo_stops_before_a_committed_step_without_a_way_back(db: Database) -> None:
    stuck = replace(copy_unit(4), reversible="no", reason="calls the billing system")
    what = plan(create_unit(), stuck, update_unit(3), failing("INSERT INTO later VALUES (1)"))
    result = run(db, what)
    assert result.error is not None
    assert "undone back to step 2-copy, which has no way back (calls the billing system)" in result.error.kept
    assert db.one("SELECT count(*) FROM notes") == 25
    assert db.one("SELECT count(*) FROM items WHERE title = upper(title)") == 0
    assert "engine_undo_1" not in db.engine_tables()
    db.driver.execute("CREATE TABLE later (x)")
    assert run(db, what).state == "applied"
    assert db.one("SELECT count(*) FROM items WHERE title = upper(title)") == 25


def test_rows_that_break_a_new_constraint_are_exit_3(db: Database) -> None:
    db.driver.execute("UPDATE items SET title = 'same' WHERE id < 10")
    unit = Unit("1-index", "1-index", "unique titles", "+", before=(ddl("CREATE UNIQUE INDEX u ON items (title)"),))
    result = run(db, plan(unit, single=True))
    assert isinstance(result.error, CheckFailed)
    assert "step 1-index: the rows break the new constraint" in result.error.message


def test_a_full_disk_is_an_interruption_and_the_next_apply_goes_on(db: Database) -> None:
    db.driver.execute(f"PRAGMA max_page_count = {db.one('PRAGMA page_count') + 10}")
    fat = copy_unit(4)
    assert fat.loop is not None
    body = (
        rows(
            "INSERT INTO notes SELECT id, hex(zeroblob(4000)) FROM items WHERE id BETWEEN :lo1 AND :hi1",
            "insert",
            "written",
        ),
    )
    what = plan(create_unit(), replace(fat, loop=replace(fat.loop, body=body)))
    result = run(db, what)
    assert result.state == "interrupted" and result.error is not None and result.error.exit_code == 1
    assert "the disk is full" in result.error.message and result.error.next == "engine apply"
    db.driver.execute("PRAGMA max_page_count = 100000")
    assert run(db, what).state == "applied"
    assert db.one("SELECT count(*) FROM notes") == 25


# ── checks and expectations ───────────────────────────────────────────────
def validate(*checks: Check) -> Unit:
    return Unit("5-validate", "5-validate", "validate", "?", checks=checks)


@pytest.mark.parametrize("single", [True, False])
def test_every_check_that_fails_is_reported_and_fails_the_migration(db: Database, single: bool) -> None:
    before = db.content()
    good = Check("titles are there", asked("SELECT count(*) FROM items WHERE title IS NULL"), maximum=0)
    bad = Check(
        "items: no odd ids",
        asked("SELECT count(*) FROM items WHERE id % 2 = 1"),
        maximum=0,
        sample=asked("SELECT id, x'0aff' FROM items WHERE id % 2 = 1 LIMIT 2"),
        path=("validate", 1),
        failure="{count} ids are odd {really}",
    )
    worse = Check("as many", asked("SELECT count(*) FROM items"), asked("SELECT 7"), path=("validate", 2))
    few = Check("enough", asked("SELECT NULL"), minimum=1)
    none = Check("none at all", asked("SELECT 3"))
    result = run(db, plan(create_unit(), validate(good, bad, worse, few, none), single=single))
    assert isinstance(result.error, CheckFailed) and result.error.exit_code == 3
    assert result.error.message.splitlines() == [
        "step 5-validate: 13 ids are odd {really} (and 3 more)",
        "  - 13 ids are odd {really}",
        "  - as many: found 25, wanted 7",
        "  - enough: found 0, wanted at least 1",
        "  - none at all: found 3, wanted none",
    ]
    assert result.error.hint == "for example: 3, x'0aff'; 9, x'0aff'"
    assert result.error.details["path"] == ["validate", 1]
    assert [c["count"] for c in result.error.details["checks"]] == [13, 25, 0, 3]
    assert db.content() == before


def test_a_check_that_only_reads_holds_up_no_writer_and_runs_at_its_place(db: Database) -> None:
    sent: list[str] = []
    check = Check("notes are full", asked("SELECT count(*) FROM notes"), asked("SELECT count(*) FROM items"))
    what = plan(create_unit(), copy_unit(4), validate(check), replace(index_unit(), id="6-index", step="6-index"))
    db.driver.listener = lambda sql, params: sent.append(sql)
    assert run(db, what).state == "applied"
    place = sent.index("SELECT count(*) FROM notes")
    assert sent[place - 1] == "BEGIN" and sent[place + 1 : place + 3] == [
        "SELECT count(*) FROM items",
        "COMMIT",
    ]


@pytest.mark.parametrize(
    ("expectation", "words"),
    [
        (Expectation("24", exact=24), "`expect_rows` says 24, and 25 rows were selected"),
        (Expectation("at least 26", minimum=26), "says at least 26, and 25 rows were selected"),
        (Expectation("at most 5", maximum=5), "says at most 5, and 8 rows were selected so far"),
        (Expectation("{sql}", query=asked("SELECT 26")), "says 26, and 25 rows were selected"),
        (
            Expectation("24", exact=24, early=asked("SELECT count(*) FROM items")),
            "says 24, and 25 rows would be selected",
        ),
    ],
)
@pytest.mark.parametrize("single", [True, False])
def test_another_number_of_rows_than_expected_fails(
    db: Database, expectation: Expectation, words: str, single: bool
) -> None:
    before = db.content()
    what = plan(
        create_unit(),
        copy_unit(4, expectation=replace(expectation, path=("copy", "expect_rows"))),
        single=single,
    )
    result = run(db, what)
    assert isinstance(result.error, CheckFailed) and words in result.error.message
    assert result.error.details["path"] == ["copy", "expect_rows"]
    assert db.content() == before


@pytest.mark.parametrize(
    "expectation",
    [
        Expectation("25", exact=25, early=asked("SELECT count(*) FROM items")),
        Expectation("all", every=True),
        Expectation("10 to 30", minimum=10, maximum=30),
        Expectation("{sql}", query=asked("SELECT count(*) FROM items")),
    ],
)
def test_the_number_of_rows_expected_lets_it_pass(db: Database, expectation: Expectation) -> None:
    assert run(db, plan(create_unit(), copy_unit(4, expectation=expectation))).state == "applied"


def partial_copy(on_conflict: str) -> Unit:
    """Of the rows selected one is there already."""
    unit = copy_unit(10, on_conflict=on_conflict, expectation=Expectation("all", every=True))
    assert unit.loop is not None
    count, insert = unit.loop.body
    return replace(
        unit,
        loop=replace(unit.loop, body=(count, replace(insert, sql=insert.sql + " ON CONFLICT DO NOTHING"))),
    )


def test_all_counts_rows_that_are_there_already_under_skip_only(make: Callable[[str], Database]) -> None:
    seed = Unit(
        "1-seed",
        "1-seed",
        "one note",
        ">",
        before=(rows("INSERT INTO notes VALUES (3, 'mine')", "insert", "written", ()),),
    )
    skipping = run(make("skip.db"), plan(create_unit(), seed, partial_copy("skip")))
    assert skipping.state == "applied"
    copied = next(s for s in skipping.steps if s.step == "2-copy")
    assert (copied.rows_selected, copied.rows_written, copied.rows_skipped) == (25, 24, 1)
    failed = run(make("fail.db"), plan(create_unit(), seed, partial_copy("fail")))
    assert failed.error is not None and "of 25 rows selected 24 were written" in failed.error.message


def test_a_new_foreign_key_violation_fails_the_unit_and_an_old_one_does_not(db: Database) -> None:
    db.driver.execute("CREATE TABLE kids (id INTEGER PRIMARY KEY, item REFERENCES items (id))")
    db.driver.execute("PRAGMA foreign_keys = OFF")
    db.driver.execute("INSERT INTO kids VALUES (1, 999)")
    check = asked("PRAGMA foreign_key_check")
    off, on = (Statement(f"PRAGMA foreign_keys = {word}", "setting", "setting") for word in ("OFF", "ON"))

    def unit(sql: str) -> Unit:
        return Unit(
            "1-x",
            "1-x",
            "x",
            "~",
            settings=(off,),
            resets=(on,),
            before=(rows(sql, binds=()),),
            unchanged=(check,),
        )

    for single in (True, False):
        result = run(db, plan(unit("INSERT INTO kids VALUES (2, 998)"), single=single))
        assert isinstance(result.error, CheckFailed)
        assert "would leave 1 rows that break a foreign key" in result.error.message
        assert db.one("PRAGMA foreign_keys") == 1
    assert run(db, plan(unit("INSERT INTO kids VALUES (2, 3)"))).state == "applied"


# ── when ──────────────────────────────────────────────────────────────────
def test_a_condition_is_asked_once_per_step_and_its_answer_outlives_a_stop(db: Database) -> None:
    heard: list[str] = []
    condition = Condition("2-copy", asked("SELECT count(*) = 25 FROM items"), "25 items")
    stop = Stop()

    def at(event: Happening) -> None:
        if type(event).__name__ == "BatchDone":
            stop.ask()

    again = replace(index_unit(), step="2-copy", id="2-copy.2", condition=condition)
    what = plan(create_unit(), copy_unit(4, condition=condition), again)
    result = run(db, what, RunOptions(stop=stop), at)
    assert result.state == "interrupted" and isinstance(result.error, Stopped) and result.error.exit_code == 6
    db.reopen()
    db.driver.listener = lambda sql, params: heard.append(sql)
    db.driver.execute("DELETE FROM items WHERE id > 60")
    assert run(db, what).state == "applied"
    assert condition.query.sql not in heard
    assert db.one("SELECT count(*) FROM sqlite_schema WHERE name = 'items_title'") == 1


@pytest.mark.parametrize(
    ("sql", "runs"),
    [
        ("SELECT 0", False),
        ("SELECT NULL", False),
        ("SELECT 'abc'", False),
        ("SELECT '2'", True),
        ("SELECT 1 WHERE 0", False),
        ("SELECT 0.5", True),
    ],
)
@pytest.mark.parametrize("single", [True, False])
def test_a_step_that_is_passed_over_is_not_undone(db: Database, sql: str, runs: bool, single: bool) -> None:
    before = db.content()
    condition = Condition("4-index", asked(sql), "so")
    check = replace(
        validate(Check("x", asked("SELECT 1"), maximum=0 if not runs else 1)),
        condition=Condition("5", asked(sql), "so"),
    )
    assert (
        run(db, plan(create_unit(), replace(index_unit(), condition=condition), check, single=single)).state
        == "applied"
    )
    assert db.one("SELECT count(*) FROM sqlite_schema WHERE name = 'items_title'") == int(runs)
    assert back(db).state == "rolled_back"
    assert db.content() == before


# ── drift and order ───────────────────────────────────────────────────────
def stopped_midway(db: Database) -> None:
    stop = Stop()

    def at(event: Happening) -> None:
        if type(event).__name__ == "BatchDone":
            stop.ask()

    assert run(db, plan(), RunOptions(stop=stop), at).state == "interrupted"


def test_a_spec_that_changed_midway_is_drift(db: Database) -> None:
    stopped_midway(db)
    result = run(db, replace(plan(), checksum="1:other"))
    assert isinstance(result.error, Drift) and result.error.exit_code == 4
    assert result.error.next == "engine rollback"


def test_apply_during_an_unfinished_rollback_names_rollback(db: Database) -> None:
    assert run(db, plan()).state == "applied"
    stop = Stop()
    stop.ask()
    # the wish comes before the first write: nothing has begun
    assert back(db, RunOptions(stop=stop)).state == "interrupted"
    assert db.ledger.record("001").state == "applied"  # type: ignore[union-attr]
    options = RunOptions(stop=Stop())

    def at(event: Happening) -> None:
        if type(event).__name__ == "UnitDone":
            options.stop.ask()

    with db.ledger.lock("rollback"):
        result = rollback(db.driver, db.ledger, None, options, at, version="001")
    assert result.state == "interrupted" and result.error is not None
    assert result.error.kept == "1 of 3 parts of 001 are undone" and result.error.next == "engine rollback"
    result = run(db, plan())
    assert isinstance(result.error, Stopped) and result.error.next == "engine rollback"
    assert back(db).state == "rolled_back"


def test_damaged_checkpoints_are_never_taken_for_none(db: Database) -> None:
    stopped_midway(db)
    db.driver.execute("UPDATE engine_step SET marks = '[[\"z\"]]'")
    result = run(db, plan())
    assert isinstance(result.error, Drift) and "damaged" in result.error.message
    db.driver.execute("DELETE FROM engine_step WHERE unit = '3-update'")
    db.driver.execute("UPDATE engine_step SET marks = '[]'")
    assert "do not fit its stored plan" in str(run(db, plan()).error)
    assert "checkpoints are missing" in str(back(db).error)


# ── rollback: what stands in the way ──────────────────────────────────────
def applied(db: Database, single: bool = False) -> Any:
    assert run(db, plan(single=single)).state == "applied"
    return db.content()


@pytest.mark.parametrize("single", [True, False])
def test_conflicts_are_found_before_the_first_write_and_named(db: Database, single: bool) -> None:
    applied(db, single)
    db.driver.execute("UPDATE items SET title = 'changed since' WHERE id IN (3, 6)")
    db.driver.execute("INSERT INTO notes VALUES (1000, 'of somebody else')")
    before = db.content()
    result = back(db)
    assert result.state == "failed" and isinstance(result.error, Conflict) and result.error.exit_code == 4
    assert result.error.details["conflicts"] == [
        {
            "table": "items",
            "kind": "changed",
            "rows": 2,
            "sample": [[3], [6]],
            "message": "2 rows of items were changed since",
        },
        {
            "table": "notes",
            "kind": "added",
            "rows": 1,
            "sample": [[1000], [75], [72], [69], [66]],
            "message": "1 rows of others are in notes",
        },
    ]
    assert result.error.kept == "nothing was rolled back"
    assert db.content() == before
    assert db.ledger.record("001").state == "applied"  # type: ignore[union-attr]


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize(("policy", "title"), [("skip", "changed since"), ("force", "item 1")])
def test_skip_leaves_changed_rows_and_force_puts_the_old_values_back(
    db: Database, single: bool, policy: Any, title: str
) -> None:
    applied(db, single)
    db.driver.execute("UPDATE items SET title = 'changed since' WHERE id = 3")
    result = back(db, RunOptions(on_conflict=policy))
    assert (result.state, result.error) == ("rolled_back", None)
    assert [(c.table, c.kind, c.rows) for c in result.conflicts] == [("items", "changed", 1)]
    assert db.one("SELECT title FROM items WHERE id = 3") == title
    assert db.one("SELECT title FROM items WHERE id = 6") == "item 2"
    assert '"changed"' in db.ledger.events()[-1].details


def test_a_conflict_that_can_not_be_skipped_stops_skip_and_force_too(db: Database) -> None:
    unit = update_unit(3)
    (undo,) = unit.undo
    hard = replace(undo, guards=tuple(replace(g, skippable=False) for g in undo.guards))
    run(db, plan(replace(unit, undo=(hard,))))
    db.driver.execute("UPDATE items SET title = 'changed since' WHERE id = 3")
    for policy in ("skip", "force"):
        assert isinstance(back(db, RunOptions(on_conflict=policy)).error, Conflict)  # type: ignore[arg-type]


def test_a_guard_that_must_wait_is_asked_when_its_turn_comes(db: Database) -> None:
    unit = create_unit()
    (undo,) = unit.undo
    late = replace(unit, undo=(replace(undo, guards=tuple(replace(g, early=False) for g in undo.guards)),))
    back_copy = Unit(
        "2-copy.undo",
        "2-copy",
        "take the copy out",
        "-",
        before=(rows("DELETE FROM notes WHERE id <= 75", "delete", "written", ()),),
    )
    run(db, plan(late, copy_unit(4, undo=(back_copy,))))
    db.driver.execute("INSERT INTO notes VALUES (1000, 'of somebody else')")
    result = back(db)
    assert isinstance(result.error, Conflict) and result.error.details["conflicts"][0]["rows"] == 1
    assert "stays so" in result.error.kept
    assert db.one("SELECT count(*) FROM notes") == 1
    assert back(db, RunOptions(on_conflict="skip")).state == "rolled_back"


def test_a_step_without_a_way_back_stops_the_rollback_before_it_begins(db: Database) -> None:
    run(db, plan(create_unit(), replace(copy_unit(4), reversible="no", reason="sends letters")))
    before = db.content()
    result = back(db)
    assert isinstance(result.error, NotReversible) and result.error.exit_code == 1
    assert "step 2-copy has no way back (sends letters)" in result.error.message
    assert db.content() == before


def test_a_missing_journal_is_drift_before_the_first_write(db: Database) -> None:
    applied(db)
    db.driver.execute("DROP TABLE engine_undo_1")
    before = db.content()
    result = back(db)
    assert isinstance(result.error, Drift) and "`engine_undo_1` of step 3-update is missing" in result.error.message
    assert db.content() == before


def test_what_is_not_applied_can_not_be_rolled_back(db: Database) -> None:
    applied(db)
    assert back(db).state == "rolled_back"
    result = back(db)
    assert result.state == "failed" and "001 is not applied" in str(result.error)
    with db.ledger.lock("rollback"), pytest.raises(Drift, match="no plan of 777"):
        rollback(db.driver, db.ledger, None, version="777")


def test_a_conflict_while_a_failure_is_undone_is_told_with_the_failure(db: Database) -> None:
    meddle = Unit(
        "8-meddle",
        "8-meddle",
        "changes what 3-update wrote",
        ">",
        before=(rows("UPDATE items SET title = 'x' WHERE id = 3", binds=()),),
    )
    result = run(db, plan(create_unit(), update_unit(3), meddle, failing()))
    assert result.state == "failed" and isinstance(result.error, DatabaseError)
    assert "could not be undone" in result.error.kept and result.error.next == "engine rollback --on-conflict skip"
    assert back(db, RunOptions(on_conflict="skip")).state == "rolled_back"


# ── stopping ──────────────────────────────────────────────────────────────
def test_a_wish_to_stop_ends_a_long_statement_of_a_single_transaction(db: Database) -> None:
    before = db.content()
    stop = Stop()
    endless = "INSERT INTO notes WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x, 'x' FROM n"
    unit = Unit("9-sql", "9-sql", "endless", ">", before=(rows(endless, binds=()),))

    def at(event: Happening) -> None:
        if getattr(event, "unit", "") == "9-sql":
            stop.ask()

    result = run(db, plan(create_unit(), unit, single=True), RunOptions(stop=stop), at)
    assert result.state == "interrupted" and isinstance(result.error, Stopped) and result.error.exit_code == 6
    assert db.content() == before and db.ledger.record("001") is None


def test_asked_twice_it_stops_at_once_with_130(db: Database) -> None:
    stop = Stop()
    endless = "INSERT INTO notes WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x, 'x' FROM n"
    unit = Unit("9-sql", "9-sql", "endless", ">", before=(rows(endless, binds=()),))

    def at(event: Happening) -> None:
        if getattr(event, "unit", "") == "9-sql":
            stop.ask()
            stop.ask()

    result = run(db, plan(create_unit(), unit), RunOptions(stop=stop), at)
    assert isinstance(result.error, Stopped) and result.error.exit_code == 130
    assert db.one("SELECT count(*) FROM notes") == 0
    assert back(db).state == "rolled_back"


def test_a_time_limit_ends_at_a_batch_and_the_next_apply_goes_on(db: Database) -> None:
    seconds = iter(range(10_000))
    stop = Stop(10, monotonic=lambda: next(seconds))
    result = run(db, plan(), RunOptions(stop=stop))
    assert result.state == "interrupted" and "10 s are over" in str(result.error)
    assert 0 < db.one("SELECT count(*) FROM notes") < 25
    assert run(db, plan()).state == "applied"


def test_an_edited_fence_stops_the_old_process(db: Database) -> None:
    def steal(event: Happening) -> None:
        if type(event).__name__ == "BatchDone":
            db.driver.execute("UPDATE engine_step SET fence = fence + 1")

    result = run(db, plan(), heard=steal)
    assert isinstance(result.error, LockHeld) and result.state == "interrupted"
    assert db.one("SELECT count(*) FROM notes") == 4


def test_an_unexpected_error_rolls_back_and_stays_itself(db: Database) -> None:
    def broken(event: Happening) -> None:
        if type(event).__name__ == "BatchDone":
            raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"), db.ledger.lock("apply"):
        apply(db.driver, db.ledger, plan(single=True), None, broken)
    assert not db.driver.in_transaction
    assert db.ledger.record("001") is None


def test_a_key_of_too_many_columns_is_refused(db: Database) -> None:
    unit = copy_unit(4)
    assert unit.loop is not None
    wide = replace(unit, loop=replace(unit.loop, keys=tuple("abcdefghi")))
    result = run(db, plan(create_unit(), wide))
    assert isinstance(result.error, EngineError) and "8 are the most" in result.error.message


def test_a_commit_that_was_kept_though_it_seemed_to_fail_is_believed(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk failed to sync: whether it was kept is not known, so the database is asked (I1)."""
    plain = db.driver.commit

    def commit() -> None:
        plain()
        monkeypatch.setattr(db.driver, "commit", plain)
        raise DatabaseError("the disk failed", details={"reason": "io"})

    with db.ledger.lock("apply"):
        db.ledger.start()
        monkeypatch.setattr(db.driver, "commit", commit)
        assert apply(db.driver, db.ledger, plan(single=True)).state == "applied"
    # step by step: the batch is not done twice
    with db.ledger.lock("apply"):
        db.ledger.start()
        monkeypatch.setattr(db.driver, "commit", commit)
        result = apply(db.driver, db.ledger, plan(replace(copy_unit(4), touches=()), version="002", on_failure="stop"))
    assert result.state == "interrupted"
