"""`plan`: what apply would do, on the database as it is, changing nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from shelf import COLUMN, INDEX, UPPER, Shelf

from engine import app
from engine.config import Config
from engine.errors import Drift, EngineError, FindingsError, UsageError
from engine.run.options import RunOptions, Stop
from engine.run.progress import Happening, UnitDone
from tests.support.command import document, run

LOOKING = [
    ("plan",),
    ("plan", "--format", "json"),
    ("lint",),
    ("status",),
    ("list",),
    ("history",),
    ("rollback", "--dry-run"),
]


def files() -> dict[str, bytes]:
    """Return every file of the working folder with its bytes."""
    return {str(path): path.read_bytes() for path in sorted(Path().rglob("*")) if path.is_file()}


# ── it changes nothing ────────────────────────────────────────────────────
@pytest.fixture
def half_done(shelf: Shelf) -> Shelf:
    """One spec applied, one pending."""
    shelf.spec("001", UPPER)
    shelf.apply()
    shelf.spec("002", COLUMN)
    return shelf


@pytest.mark.parametrize("command", LOOKING, ids=" ".join)
def test_looking_changes_no_byte_of_a_wal_database(command: tuple[str, ...], half_done: Shelf) -> None:
    half_done.sql("PRAGMA journal_mode = WAL")
    before = files()
    assert sorted(before) == ["app.db", "specs/001_spec.yaml", "specs/002_spec.yaml"]
    assert run(*command, "--db", "app.db", "specs").code == 0
    assert files() == before


@pytest.mark.parametrize("command", LOOKING, ids=" ".join)
def test_looking_sees_and_keeps_what_another_has_in_the_wal(command: tuple[str, ...], half_done: Shelf) -> None:
    with closing(sqlite3.connect("app.db", isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("PRAGMA wal_autocheckpoint = 0")
        other.execute("CREATE TABLE fresh (id INTEGER PRIMARY KEY)")
        before = {name: data for name, data in files().items() if not name.endswith("-shm")}
        assert Path("app.db-wal").stat().st_size
        half_done.spec("003", "  - index: {table: fresh, columns: [id]}\n")
        assert run(*command, "--db", "app.db", "specs").code == 0
        after = {name: data for name, data in files().items() if not name.endswith(("-shm", "003_spec.yaml"))}
        assert after == before


def test_planning_a_database_that_is_not_there_makes_none(shelf: Shelf) -> None:
    shelf.database = Path("new.db")
    shelf.spec("001", "  - create: {table: a, columns: {id: {type: integer, primary_key: true}}}\n")
    assert len(shelf.plan().plan.migrations) == 1
    assert not Path("new.db").exists()


# ── what it holds ─────────────────────────────────────────────────────────
def test_only_what_is_pending_is_planned(half_done: Shelf) -> None:
    result = half_done.plan()
    assert [m.version for m in result.plan.migrations] == ["002"]
    assert not result.up_to_date
    assert result.texts == (("002", "specs/002_spec.yaml", Path("specs/002_spec.yaml").read_text()),)
    half_done.apply()
    assert half_done.plan().up_to_date


def test_a_plan_goes_up_to_a_version(shelf: Shelf) -> None:
    for version in ("001", "002", "010"):
        shelf.spec(version, f"  - alter: {{table: t, add: {{c{version}: text}}}}\n")
    assert [m.version for m in shelf.plan("002").plan.migrations] == ["001", "002"]
    shelf.apply("002")
    assert shelf.plan("002").up_to_date
    with pytest.raises(UsageError, match="there is no version `9`") as caught:
        shelf.plan("9")
    assert caught.value.hint == "the specs have 001, 002, 010"


def test_the_plan_is_made_for_the_schema_that_is_there(shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    first = shelf.plan().plan
    shelf.sql("ALTER TABLE t ADD COLUMN x TEXT")
    second = shelf.plan().plan
    assert first.schema != second.schema
    assert first.migrations[0].before == first.schema
    assert shelf.plan().plan == second, "the same input gives the same plan"


def test_rows_are_counted_on_the_database(shelf: Shelf) -> None:
    shelf.spec("001", "  - transform: {table: t, set: {v: upper(v)}, where: 'id > 1'}\n")
    (migration,) = shelf.plan().plan.migrations
    assert migration.units[0].rows == 2 and migration.single
    without = app.plan(shelf.project(url=None, dialect_name="sqlite", config=Config(schema=saved(shelf))))
    (migration,) = without.plan.migrations
    assert migration.units[0].rows is None and migration.mode_reason == "the number of rows is not known"


def saved(shelf: Shelf) -> Path:
    """Return a snapshot of the database."""
    path = Path("schema.snapshot.json")
    path.write_text(app.snapshot(shelf.project()), encoding="utf-8")
    return path


def test_a_count_that_the_database_refuses_is_unknown() -> None:
    from engine.checking import counter

    class Refuses:
        def query(self, sql: str) -> list[tuple[int]]:
            if "none" in sql:
                return []
            raise EngineError("no")

    assert counter(Refuses())("SELECT 1") is None
    assert counter(Refuses())("SELECT none") is None


def test_without_a_database_a_plan_starts_from_nothing(shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    project = shelf.project(url=None, dialect_name="sqlite")
    with pytest.raises(FindingsError):
        app.plan(project)
    shelf.spec("000", "  - create: {table: t, columns: {id: {type: integer, primary_key: true}, v: text}}\n")
    assert [m.version for m in app.plan(project).plan.migrations] == ["000", "001"]
    assert [m.version for m in app.plan(project, "000").plan.migrations] == ["000"]


def test_a_plan_needs_a_database_or_a_dialect(shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    with pytest.raises(UsageError, match="no database is named") as caught:
        app.plan(shelf.project(url=None))
    assert "--db" in caught.value.hint


def test_steps_that_are_passed_over_are_noted(shelf: Shelf) -> None:
    shelf.spec("001", "  - {when: {table_exists: nowhere}, drop: {table: nowhere}}\n" + INDEX)
    plan = shelf.plan().plan
    assert plan.notes == ("001 1-drop is passed over, not so: table nowhere exists",)
    assert "001 1-drop is passed over" in run("plan", "--db", "app.db", "specs").output


def test_a_spec_for_another_database_is_shown_as_passed_over_and_stays_pending(shelf: Shelf) -> None:
    shelf.spec("001", INDEX, dialects="[postgresql]")
    shelf.spec("002", INDEX)
    words = "meant for postgresql, and this is sqlite"
    found = document("plan", "--db", "app.db", "specs")["migrations"]
    assert [(m["skipped"], bool(m["statements"])) for m in found] == [(words, False), ("", True)]
    assert words in run("plan", "--db", "app.db", "specs").output
    done = shelf.apply()
    assert [(m.version, m.state) for m in done.migrations] == [("001", "skipped"), ("002", "applied")]


# ── what stands in the way ────────────────────────────────────────────────
def test_findings_of_severity_error_are_no_plan(shelf: Shelf) -> None:
    shelf.spec("001", "  - drop: {table: x}\n")
    shelf.spec("002", "  - drop: {table: y}\n")
    with pytest.raises(FindingsError) as caught:
        shelf.plan()
    assert [d.rule for d in caught.value.diagnostics] == ["RF101", "RF101"]
    assert str(caught.value) == "2 findings in the specs; nothing was done"


def test_warnings_come_with_the_plan(shelf: Shelf) -> None:
    shelf.spec("001", INDEX, ignore="[{rule: XX999, reason: none}]")
    result = shelf.plan()
    assert [d.rule for d in result.diagnostics] == ["SP116"]
    assert result.plan.migrations[0].units


def test_an_applied_spec_that_was_edited_is_drift(half_done: Shelf) -> None:
    half_done.spec("001", INDEX)
    with pytest.raises(Drift) as caught:
        half_done.plan()
    error = caught.value
    assert error.message == "specs/001_spec.yaml was changed after it was applied"
    assert str(error.span) == "specs/001_spec.yaml:1:10"
    assert (error.kept, error.next, error.details["rule"]) == ("nothing was done", "engine history", "VC105")


def test_only_the_meaning_of_an_applied_spec_counts(half_done: Shelf) -> None:
    path = Path("specs/001_spec.yaml")
    path.write_text(
        "# read again in spring\n" + path.read_text().replace("where: 'true'", 'where:   "true"'), encoding="utf-8"
    )
    assert [m.version for m in half_done.plan().plan.migrations] == ["002"]


def test_a_pending_spec_below_the_newest_applied_one_is_refused_unless_ignored(half_done: Shelf) -> None:
    half_done.spec("000", INDEX)
    with pytest.raises(FindingsError) as caught:
        half_done.plan()
    (found,) = caught.value.diagnostics
    assert (found.rule, str(found.span)) == ("VC104", "specs/000_spec.yaml:1:10")
    assert found.message == "version 000 is pending and sorts before 001, which is applied"
    half_done.spec("000", INDEX, ignore="[{rule: VC104, reason: it came from a branch}]")
    assert [m.version for m in half_done.plan().plan.migrations] == ["000", "002"]
    half_done.apply()
    assert app.current_version(half_done.project()) == "002"


# ── unfinished ────────────────────────────────────────────────────────────
IN_STEPS = "  - transform: {table: t, set: {v: upper(v)}, where: 'true', batch_size: 1}\n" + COLUMN


def test_what_is_left_of_an_interrupted_apply_is_the_plan(shelf: Shelf) -> None:
    shelf.spec("001", INDEX + IN_STEPS, transaction="step")
    shelf.spec("002", "  - drop: {table: t}\n")
    stopped = shelf.interrupted_apply()
    assert stopped.error is not None and stopped.error.exit_code == 6
    result = shelf.plan()
    (migration,) = result.plan.migrations
    assert (migration.version, migration.direction) == ("001", "apply")
    assert [u.step for u in migration.units] == ["2-transform", "3-alter"]
    assert "the apply of 001 has begun and not ended" in result.plan.notes[0]
    assert "`engine apply` goes on" in result.plan.notes[0]
    assert run("plan", "--db", "app.db", "--detailed-exitcode", "specs").code == 2
    shelf.apply("001")
    assert [m.version for m in shelf.plan().plan.migrations] == ["002"]


def test_what_is_left_of_an_interrupted_rollback_is_the_plan_and_apply_waits_for_it(shelf: Shelf) -> None:
    shelf.spec("001", IN_STEPS, transaction="step")
    shelf.apply()
    options = RunOptions(stop=Stop())

    def stop(event: Happening) -> None:
        if isinstance(event, UnitDone):
            options.stop.ask()

    stopped = app.rollback(shelf.project(), options=options, listener=stop)
    assert stopped.error is not None and stopped.error.exit_code == 6, stopped
    result = shelf.plan()
    (migration,) = result.plan.migrations
    assert migration.direction == "rollback"
    assert {u.step for u in migration.units} == {"1-transform"}
    assert "`engine rollback` goes on" in result.plan.notes[0]
    with pytest.raises(EngineError, match="the rollback of 001 has begun and not ended") as caught:
        app.apply(shelf.project())
    assert (caught.value.exit_code, caught.value.next) == (6, "engine rollback")
    shelf.rollback()
    assert shelf.rows() == [(1, "a"), (2, "b"), (3, "c")]
