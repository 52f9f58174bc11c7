"""`apply`, `rollback`, `finalize` as use-cases: order, conditions, ways back, ends."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from shelf import COLUMN, GIVEN, INDEX, UPPER, Shelf

from engine import app
from engine.cli.main import cli
from engine.errors import CheckFailed, Drift, EngineError, FindingsError, NotReversible, UsageError
from tests.support.command import document, run
from tests.support.database import same, snapshot

DB = ("--db", "app.db")


# ── apply ─────────────────────────────────────────────────────────────────
def test_all_pending_ones_are_applied_in_natural_order(shelf: Shelf) -> None:
    for version in ("10", "9", "1"):
        shelf.spec(version, f"  - alter: {{table: t, add: {{c{version}: text}}}}\n")
    done = shelf.apply()
    assert [(m.version, m.state) for m in done.migrations] == [("1", "applied"), ("9", "applied"), ("10", "applied")]
    assert shelf.apply().migrations == ()


def test_apply_goes_up_to_a_version(shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    shelf.spec("002", COLUMN)
    assert [m.version for m in shelf.apply("001").migrations] == ["001"]
    assert shelf.apply("001").migrations == ()


def test_a_type_that_no_column_uses_yet_is_known_to_a_later_run(shelf: Shelf) -> None:
    shelf.spec("001", "  - create: {type: size, values: [s, m]}\n  - create: {type: tone, values: [dark]}\n")
    shelf.spec("002", "  - rename: {type: size, to: fit}\n  - drop: {type: tone}\n")
    shelf.apply("001")
    shelf.apply()
    shelf.spec("003", "  - alter: {table: t, add: {fit: fit}}\n")
    assert run("lint", *DB, "specs").code == 0
    assert [m.state for m in shelf.apply().migrations] == ["applied"]
    with closing(sqlite3.connect("app.db")) as db, pytest.raises(sqlite3.IntegrityError):
        db.execute("UPDATE t SET fit = 'dark'")


def test_a_table_that_create_found_there_keeps_its_rows_in_the_count(shelf: Shelf) -> None:
    with closing(sqlite3.connect("app.db")) as db:
        db.execute("CREATE TABLE big (id INTEGER PRIMARY KEY, v INT)")
        db.executemany("INSERT INTO big (v) VALUES (?)", ((n,) for n in range(60_000)))
        db.commit()
    columns = "{id: {type: integer, primary_key: true}, v: integer}"
    make = f"  - create: {{table: big, if_not_exists: true, columns: {columns}}}\n"
    shelf.spec("001", make + '  - transform: {table: big, set: {v: "v + 1"}, where: "true"}\n')
    planned = run("plan", *DB, "specs")
    assert "stepwise, resumable: more than 50,000 rows" in planned.output, planned.output
    assert "engine_undo_1" in planned.output


@pytest.mark.parametrize("broken", ["  - dorp: {table: t}\n", "  - {}\n", "  - drop: {table: nowhere}\n"])
@pytest.mark.parametrize("others", [True, False], ids=["beside others", "alone"])
def test_a_spec_with_an_error_keeps_all_from_being_applied(broken: str, others: bool, shelf: Shelf) -> None:
    if others:
        shelf.spec("001", UPPER)
    shelf.spec("002", broken)
    before = Path("app.db").read_bytes()
    with pytest.raises(FindingsError) as caught:
        app.apply(shelf.project())
    assert len(caught.value.diagnostics) == 1
    assert shelf.rows() == [(1, "a"), (2, "b"), (3, "c")]
    assert not others or Path("app.db").stat().st_size >= len(before)
    assert app.current_version(shelf.project()) is None


def test_an_error_in_a_spec_is_told_even_where_nothing_else_is_pending(shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    shelf.apply()
    shelf.spec("002", "  - dorp: {table: t}\n")
    ran = run("apply", *DB, "--yes", "specs")
    assert ran.code == 1 and "SP102" in ran.output, ran.output


@pytest.mark.parametrize("args", [(), ("--yes",), ("--yes", "--to", "009")], ids=str)
def test_a_refused_apply_makes_no_database(args: tuple[str, ...], shelf: Shelf) -> None:
    shelf.spec("001", "  - drop: {table: nowhere}\n")
    assert run("apply", "--db", "new.db", *args, "specs").code in (1, 2)
    assert sorted(p.name for p in Path().iterdir()) == ["app.db", "specs"]


def test_nothing_is_done_between_a_change_by_others_and_the_plan(shelf: Shelf) -> None:
    from engine.changing import _one
    from engine.run.options import RunOptions
    from engine.run.progress import ignore

    shelf.spec("001", UPPER)
    (migration,) = shelf.plan().plan.migrations
    shelf.sql("ALTER TABLE t ADD COLUMN x")
    with shelf.project().connect() as (driver, ledger):
        result = _one(driver, ledger, migration, RunOptions(), ignore)
    assert isinstance(result.error, Drift) and result.state == "failed"
    assert result.error.message == "the schema changed between planning and applying 001"
    assert shelf.rows()[0][:2] == (1, "a")


def test_a_failed_migration_leaves_the_earlier_ones_of_the_run(shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    shelf.spec("002", COLUMN + "  - validate: [{row_count: {table: t, equals: 5}}]\n")
    shelf.spec("003", INDEX)
    result = app.apply(shelf.project())
    assert [(m.version, m.state) for m in result.migrations] == [("001", "applied"), ("002", "failed")]
    assert isinstance(result.error, CheckFailed)
    assert result.error.span is not None and str(result.error.span).startswith("specs/002_spec.yaml:5:")
    assert shelf.rows() == [(1, "A"), (2, "B"), (3, "C")]


def test_a_statement_that_fails_is_shown_at_its_step(shelf: Shelf) -> None:
    shelf.sql("CREATE TRIGGER no BEFORE UPDATE ON t BEGIN SELECT raise(ABORT, 'not today'); END")
    shelf.spec("001", INDEX + UPPER)
    before = snapshot("app.db")
    result = app.apply(shelf.project())
    assert result.error is not None and "not today" in result.error.message
    assert str(result.error.span) == "specs/001_spec.yaml:5:5"
    same(before, snapshot("app.db"))


# ── resume ────────────────────────────────────────────────────────────────
BATCHES = "  - transform: {table: t, set: {v: upper(v)}, where: 'true', batch_size: 1, expect_rows: 3}\n"


@pytest.fixture
def interrupted(shelf: Shelf) -> Shelf:
    """A migration of which one batch of three is done, and one after it."""
    shelf.spec("001", BATCHES, transaction="step")
    shelf.spec("002", COLUMN)
    result = shelf.interrupted_apply()
    assert result.error is not None and result.error.exit_code == 6
    assert [v for _, v in shelf.rows()] == ["A", "b", "c"]
    return shelf


def test_apply_goes_on_with_what_was_interrupted_and_then_with_the_rest(interrupted: Shelf) -> None:
    done = interrupted.apply()
    assert [(m.version, m.state) for m in done.migrations] == [("001", "applied"), ("002", "applied")]
    (step,) = done.migrations[0].steps
    assert (step.rows_selected, step.rows_written, step.batches) == (3, 3, 3)
    assert interrupted.rows() == [(1, "A", 0), (2, "B", 0), (3, "C", 0)]


def test_rollback_undoes_what_was_interrupted_and_counts_it_as_one(interrupted: Shelf) -> None:
    done = interrupted.rollback()
    assert [(m.version, m.state) for m in done.migrations] == [("001", "rolled_back")]
    assert interrupted.rows() == [(1, "a"), (2, "b"), (3, "c")]


def test_a_half_applied_spec_that_is_gone_is_drift(interrupted: Shelf) -> None:
    Path("specs/001_spec.yaml").unlink()
    with pytest.raises(Drift, match="001 is half applied, and its spec is gone") as caught:
        app.apply(interrupted.project())
    assert "specs/001_spec.yaml" in caught.value.hint and caught.value.next == "engine rollback"
    interrupted.rollback()
    assert interrupted.rows() == [(1, "a"), (2, "b"), (3, "c")]


def test_a_half_applied_spec_that_was_edited_is_drift(interrupted: Shelf) -> None:
    interrupted.spec("001", BATCHES.replace("upper", "lower"), transaction="step")
    with pytest.raises(Drift, match="was changed since its apply began"):
        app.apply(interrupted.project())
    assert [v for _, v in interrupted.rows()] == ["A", "b", "c"]


def test_a_half_applied_migration_that_fails_ends_the_run(interrupted: Shelf) -> None:
    interrupted.sql("DELETE FROM t WHERE id = 3")
    result = app.apply(interrupted.project())
    assert isinstance(result.error, CheckFailed)
    assert [m.version for m in result.migrations] == ["001"]
    assert interrupted.rows() == [(1, "a"), (2, "b")]


# ── when ──────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("when", "runs"),
    [
        ("table_exists: t", True),
        ("table_exists: u", False),
        ("column_exists: t.v", True),
        ("column_exists: t.x", False),
        ("index_exists: i", False),
        ("dialect: [sqlite, mysql]", True),
        ("dialect: postgresql", False),
        ("rows: {table: t}", True),
        ("rows: {table: t, where: \"v = 'z'\"}", False),
        ("rows: {table: t, min: 4}", False),
        ("rows: {table: t, max: 3}", True),
        ('sql: "SELECT count(*) FROM t WHERE id = 3"', True),
        ('sql: "SELECT NULL"', False),
        ("not: {table_exists: u}", True),
        ("any: [{table_exists: u}, {rows: {table: t, min: 3}}]", True),
        ("{table_exists: t, rows: {table: t, min: 4}}", False),
    ],
)
def test_a_step_runs_when_it_is_so_and_what_ran_is_undone(when: str, runs: bool, shelf: Shelf) -> None:
    inner = when if when.startswith("{") else f"{{{when}}}"
    shelf.spec("001", UPPER.replace("  - ", f"  - when: {inner}\n    ") + COLUMN)
    before = snapshot("app.db")
    done = shelf.apply()
    assert [v for _, v, _ in shelf.rows()] == (["A", "B", "C"] if runs else ["a", "b", "c"])
    written = {s.step: s.rows_written for s in done.migrations[0].steps}
    assert written.get("1-transform", 0) == (3 if runs else 0)
    shelf.rollback()
    same(before, snapshot("app.db"))


def test_a_question_is_asked_once_and_its_answer_holds_over_a_resume(shelf: Shelf) -> None:
    shelf.spec(
        "001",
        "  - when: {rows: {table: t, where: \"v = 'a'\"}}\n" + BATCHES.replace("  - ", "    "),
        transaction="step",
    )
    assert shelf.interrupted_apply().error is not None
    assert [v for _, v in shelf.rows()] == ["A", "b", "c"], "by now the answer would be no"
    shelf.apply()
    assert [v for _, v in shelf.rows()] == ["A", "B", "C"]


@pytest.mark.parametrize(("where", "there"), [("v = 'a'", True), ("v = 'z'", False)])
def test_what_a_when_left_out_is_reckoned_with_in_later_specs(where: str, there: bool, shelf: Shelf) -> None:
    shelf.spec("001", '  - when: {rows: {table: t, where: "' + where + '"}}\n' + INDEX.replace("  - ", "    "))
    shelf.spec("002", COLUMN)
    before = snapshot("app.db")
    assert [m.state for m in shelf.apply().migrations] == ["applied", "applied"]
    assert any(kind == "index" for kind, *_ in snapshot("app.db").objects) is there
    shelf.rollback(steps=2)
    same(before, snapshot("app.db"))


def test_rows_that_a_when_left_out_change_no_later_plan(shelf: Shelf) -> None:
    delete = "  - when: {rows: {table: t, min: 4}}\n    delete: {from: t, where: id < 3}\n"
    shelf.spec("001", delete + COLUMN)
    shelf.spec("002", "  - drop: {table: t}\n")
    planned = document("plan", *DB, "specs")["migrations"][1]["statements"]
    ran = run("apply", *DB, "--yes", "specs")
    assert ran.code == 0, ran.output
    assert {s["sql"] for s in planned if s["sql"].startswith("ALTER")} <= set(ran.sent), ran.sent


def test_a_later_spec_that_needs_what_a_when_left_out_is_told_by_name(shelf: Shelf) -> None:
    shelf.spec("001", "  - when: {rows: {table: t, min: 4}}\n" + COLUMN.replace("  - ", "    "))
    shelf.spec("002", "  - transform: {table: t, set: {w: '1'}, where: 'true'}\n")
    ran = run("apply", *DB, "--yes", "specs")
    assert ran.code == 1 and "specs/002_spec.yaml:4:33: error[RF102]" in ran.output, ran.output
    assert "001 went well before, and nothing was done after that" in ran.output, ran.output


def test_a_question_is_sent_once(shelf: Shelf) -> None:
    shelf.spec("001", '  - when: {sql: "SELECT count(*) = 3 FROM t"}\n' + BATCHES.replace("  - ", "    "))
    ran = run("apply", *DB, "--yes", "specs")
    assert ran.code == 0
    assert len([sql for sql in ran.sent if "count(*) = 3" in sql]) == 1


# ── ways back ─────────────────────────────────────────────────────────────
def test_sql_without_a_way_back_is_refused(shelf: Shelf) -> None:
    shelf.spec("001", '  - sql: "UPDATE t SET v = 1"\n')
    ran = run("apply", *DB, "--yes", "specs")
    assert ran.code == 1 and "specs/001_spec.yaml:4:5: error[RB101]" in ran.output
    assert shelf.rows()[0] == (1, "a")


@pytest.mark.parametrize(
    "undo",
    [
        "\"UPDATE t SET v = lower(v) || '!'\"",
        "{sql: \"UPDATE t SET v = lower(v) || '!'\"}",
        "[{transform: {table: t, set: {v: lower(v)}, where: 'true'}}, {sql: \"UPDATE t SET v = v || '!'\"}]",
    ],
    ids=["text", "a step", "steps"],
)
def test_a_given_way_back_is_taken(undo: str, shelf: Shelf) -> None:
    shelf.spec("001", f'  - sql: "UPDATE t SET v = upper(v)"\n    undo: {undo}\n')
    found = document("plan", *DB, "specs")["migrations"][0]
    main = next(s for s in found["statements"] if s["sql"].startswith("UPDATE t"))
    assert (main["reversible"], found["reversible"]) == ("given", True)
    assert main["undo"] and any("UPDATE" in sql for sql in main["undo"])
    shelf.apply()
    assert shelf.rows()[0] == (1, "A")
    shelf.rollback()
    assert shelf.rows() == [(1, "a!"), (2, "b!"), (3, "c!")]


def test_a_given_way_back_of_what_was_not_done_is_not_taken(shelf: Shelf) -> None:
    shelf.spec(
        "001",
        "  - create: {table: t, if_not_exists: true, columns: {id: {type: integer, primary_key: true}}}\n"
        "    undo: {drop: {table: t}}\n",
    )
    before = snapshot("app.db")
    shelf.apply()
    shelf.rollback()
    same(before, snapshot("app.db"))


NO_WAY_BACK = "  - sql: \"UPDATE t SET v = 'x'\"\n    irreversible: the shop has been told\n"


def test_what_has_no_way_back_is_asked_about(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.spec("001", INDEX + NO_WAY_BACK)
    ran = run("apply", *DB, "specs")
    assert ran.code == 2, ran.output
    assert "this step has no way back:" in ran.output and "the shop has been told" in ran.output
    assert "--yes" in ran.output and "nothing was done" in ran.output
    assert shelf.rows()[0] == (1, "a")
    for answer, code in (("n\n", 1), ("y\n", 0)):
        monkeypatch.setattr("engine.cli.ask.sys", Terminal(answer))
        assert CliRunner().invoke(cli, ["apply", *DB, "specs"]).exit_code == code
    assert shelf.rows()[0] == (1, "x")


class Terminal:
    """What `ask` needs of `sys`: a person who answers."""

    def __init__(self, answer: str) -> None:
        import io
        import sys

        self.stdin = io.StringIO(answer)
        self.stdin.isatty = lambda: True  # type: ignore[method-assign]
        self.stderr = sys.stderr


def test_a_rollback_stops_at_what_has_no_way_back(shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    shelf.spec("002", NO_WAY_BACK)
    shelf.spec("003", COLUMN)
    shelf.apply()
    result = app.rollback(shelf.project(), to="0")
    assert [(m.version, m.state) for m in result.migrations] == [("003", "rolled_back"), ("002", "failed")]
    assert isinstance(result.error, NotReversible) and "the shop has been told" in str(result.error)
    assert app.current_version(shelf.project()) == "002"


# ── transaction ───────────────────────────────────────────────────────────
FAMILY = GIVEN + "CREATE TABLE child (id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t (id));"
REBUILD = "  - alter: {table: t, change: {v: {nullable: false}}}\n"
CHILD = "  - insert: {into: child, rows: [{id: 1, t_id: 1}], expect_rows: 1}\n"


def test_one_transaction_that_can_t_be_had_is_refused(shelf: Shelf) -> None:
    shelf.sql("CREATE TABLE child (id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t (id));")
    shelf.spec("001", REBUILD + CHILD, transaction="spec")
    ran = run("plan", *DB, "specs")
    assert ran.code == 1 and "specs/001_spec.yaml:3:14: error[TX101]" in ran.output
    shelf.spec("001", REBUILD + CHILD)
    (migration,) = document("plan", *DB, "specs")["migrations"]
    assert not migration["single"] and "foreign keys off" in migration["mode_reason"]
    before = snapshot("app.db")
    shelf.apply()
    shelf.rollback()
    same(before, snapshot("app.db"))


@pytest.mark.parametrize("transaction", ["spec", "step", "auto"])
def test_single_or_stepwise_gives_the_same_database(transaction: str, shelf: Shelf) -> None:
    shelf.spec("001", UPPER + COLUMN + INDEX, transaction=transaction)
    before = snapshot("app.db")
    ran = run("apply", *DB, "--yes", "specs")
    assert ran.code == 0
    commits = [n for n, sql in enumerate(ran.sent) if sql == "COMMIT"]
    changes = [n for n, sql in enumerate(ran.sent) if re.match(r'UPDATE "t"|ALTER|CREATE INDEX', sql)]
    between = [n for n in commits if changes[0] < n < changes[-1]]
    assert bool(between) is (transaction == "step")
    assert shelf.rows() == [(1, "A", 0), (2, "B", 0), (3, "C", 0)]
    shelf.rollback()
    same(before, snapshot("app.db"))


# ── rollback ──────────────────────────────────────────────────────────────
@pytest.fixture
def three(shelf: Shelf) -> Shelf:
    """Three specs, applied."""
    for version, steps in (("001", UPPER), ("002", COLUMN), ("003", INDEX)):
        shelf.spec(version, steps)
    shelf.apply()
    return shelf


def test_the_newest_is_taken_back_first(three: Shelf) -> None:
    assert [m.version for m in three.rollback(steps=2).migrations] == ["003", "002"]
    assert app.current_version(three.project()) == "001"
    assert [m.version for m in three.rollback(steps=9).migrations] == ["001"]
    assert three.rollback().migrations == ()


def test_rollback_ends_at_a_version(three: Shelf) -> None:
    assert [m.version for m in three.rollback(to="001").migrations] == ["003", "002"]
    assert three.rollback(to="001").migrations == ()
    with pytest.raises(UsageError, match="version 003 is not applied") as caught:
        app.rollback(three.project(), to="003")
    assert caught.value.hint == "applied: 001; 0: none"
    assert [m.version for m in three.rollback(to="0").migrations] == ["001"]
    with pytest.raises(UsageError) as caught:
        app.rollback(three.project(), to="001")
    assert caught.value.hint == "applied: none; 0: none"


def test_rollback_needs_no_specs(three: Shelf) -> None:
    for path in Path("specs").iterdir():
        path.unlink()
    assert len(three.rollback(to="0").migrations) == 3
    assert three.rows() == [(1, "a"), (2, "b"), (3, "c")]


def test_rollback_of_a_database_that_is_not_there_makes_none(shelf: Shelf) -> None:
    shelf.database = Path("new.db")
    for refused in (lambda: app.rollback(shelf.project()), lambda: app.finalize(shelf.project(), "001")):
        with pytest.raises(EngineError, match=r"there is no database new\.db"):
            refused()
    assert not Path("new.db").exists()


def test_a_dry_run_shows_the_way_back_in_order_and_takes_none(three: Shelf) -> None:
    before = Path("app.db").read_bytes()
    result = app.plan_rollback(three.project(), to="0")
    assert [(m.version, m.direction) for m in result.plan.migrations] == [
        ("003", "rollback"),
        ("002", "rollback"),
        ("001", "rollback"),
    ]
    assert all(m.units for m in result.plan.migrations)
    first, second, _ = result.plan.migrations
    assert first.after == second.before
    found = document("rollback", *DB, "--dry-run", "--to", "0", "specs")
    assert [m["direction"] for m in found["migrations"]] == ["rollback"] * 3
    assert Path("app.db").read_bytes() == before
    assert run("rollback", *DB, "--dry-run", "--to", "nine", "specs").code == 2


def test_a_dry_run_shows_exactly_what_is_sent(three: Shelf) -> None:
    printed = document("rollback", *DB, "--dry-run", "--to", "0", "specs")
    known = {s["sql"] for m in printed["migrations"] for s in m["statements"]}
    known |= {s["sql"] for s in printed["protocol"]}
    ran = run("rollback", *DB, "--yes", "--to", "0", "specs")
    assert ran.code == 0
    assert [sql for sql in ran.planned_kind if sql not in known] == []


def test_rows_that_changed_since_stop_a_rollback_before_it_writes(three: Shelf) -> None:
    three.sql("UPDATE t SET v = 'mine' WHERE id = 2")
    three.rollback(to="001")
    before = snapshot("app.db")
    result = app.rollback(three.project())
    assert result.error is not None and (result.error.exit_code, result.error.code) == (4, "conflict")
    (conflict,) = result.error.details["conflicts"]
    assert (conflict["table"], conflict["kind"], conflict["rows"], conflict["sample"]) == ("t", "changed", 1, [[2]])
    same(before, snapshot("app.db"))


def test_what_is_finalized_has_no_way_back(three: Shelf) -> None:
    done = app.finalize(three.project(), "001")
    assert (done.version, done.state) == ("001", "finalized")
    result = app.rollback(three.project(), to="0")
    assert [m.state for m in result.migrations] == ["rolled_back", "rolled_back", "failed"]
    assert result.error is not None and result.error.exit_code == 1
    with pytest.raises(EngineError):
        app.finalize(three.project(), "009")
