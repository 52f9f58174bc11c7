"""`MigrationManager`: specs and classes in one history, in a file and in memory."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from shelf import Shelf

from engine import BaseMigration, MigrationManager
from engine.config import Config, LintConfig
from engine.errors import CheckFailed, DatabaseError, Drift, FindingsError, NotReversible, UsageError
from tests.support.database import same, snapshot

TABLE = "  - create: {table: notes, columns: {id: {type: integer, primary_key: true}, v: text}}\n"
ROW = "  - insert: {into: notes, rows: [{id: 1, v: x}], expect_rows: 1}\n"


class Fill(BaseMigration):
    """Put a row in.

    Only the first line is the description.
    """

    version = "002"

    def get_version(self) -> str:
        return self.version

    def up(self, conn: sqlite3.Connection) -> None:
        conn.execute("INSERT INTO notes VALUES (?, 'class')", (int(self.version) * 100,))

    def down(self, conn: sqlite3.Connection) -> None:
        conn.execute("DELETE FROM notes WHERE id = ?", (int(self.version) * 100,))


def numbered(version: str, **methods: Any) -> type[BaseMigration]:
    """Return a class like `Fill` with another version, and methods in place of its own."""
    made = type(f"Fill{version}", (Fill,), {"version": version, **methods})
    assert issubclass(made, BaseMigration)
    return made


@pytest.fixture(params=["app.db", ":memory:"])
def manager(request: pytest.FixtureRequest, shelf: Shelf) -> Iterator[MigrationManager]:
    """A manager of one spec, on a file and in memory."""
    shelf.spec("001", TABLE)
    made = MigrationManager(request.param, specs="specs")
    yield made
    made.close()


def notes(manager: MigrationManager) -> list[int]:
    """Return the keys in `notes`."""
    with manager._project.connect(read_only=True) as (driver, _):
        return [row[0] for row in driver.query("SELECT id FROM notes ORDER BY id")]


# ── a life ────────────────────────────────────────────────────────────────
def test_a_life_of_specs_and_classes(manager: MigrationManager, shelf: Shelf) -> None:
    assert manager.get_current_version() is None and manager.last_error is None
    shelf.spec("003", ROW)
    manager.register_migration(Fill)
    manager.register_migration(numbered("004"))
    pending = manager.get_pending_migrations()
    assert [m["version"] for m in pending] == ["001", "002", "003", "004"]
    assert pending[1]["description"] == "Put a row in."
    assert pending == manager.list_migrations()

    assert manager.migrate_to("002") and manager.get_current_version() == "002"
    assert notes(manager) == [200]
    assert manager.migrate_to_latest(), manager.last_error
    assert manager.get_current_version() == "004" and notes(manager) == [1, 200, 400]
    assert manager.get_pending_migrations() == []
    assert all(m["applied"] and m["applied_at"] for m in manager.list_migrations())

    assert manager.rollback() and manager.get_current_version() == "003"
    assert manager.rollback(steps=2) and manager.get_current_version() == "001"
    assert notes(manager) == []
    assert [m["version"] for m in manager.get_pending_migrations()] == ["002", "003", "004"]
    assert manager.list_migrations()[1]["rolled_back_at"]
    assert manager.migrate_to_latest() and notes(manager) == [1, 200, 400]
    assert manager.rollback(steps=9) and manager.get_current_version() is None
    assert manager.migrate_to_latest() and manager.migrate_to_latest(), "nothing to do is fine"


def test_a_class_that_was_registered_late_runs_in_its_place(manager: MigrationManager, shelf: Shelf) -> None:
    assert manager.migrate_to_latest()
    manager.register_migration(numbered("010"))
    manager.register_migration(numbered("9"))
    assert [m["version"] for m in manager.get_pending_migrations()] == ["9", "010"]
    assert manager.migrate_to_latest()
    assert notes(manager) == [900, 1000] and manager.get_current_version() == "010"


def test_an_instance_with_values_of_its_own_can_be_registered(manager: MigrationManager) -> None:
    class Named(Fill):
        def __init__(self, word: str) -> None:
            self.word = word

        def up(self, conn: sqlite3.Connection) -> None:
            conn.execute("INSERT INTO notes VALUES (200, ?)", (self.word,))

    manager.register_migration(Named("hello"))
    assert manager.migrate_to_latest() and notes(manager) == [200]


def test_variables_and_config_reach_the_specs(shelf: Shelf) -> None:
    shelf.spec("001", TABLE + ROW.replace("v: x", "v: '{{ word }}'"), vars="{word: a}")
    shelf.spec("002", '  - sql: "DELETE FROM notes WHERE id = 1"\n')
    assert not MigrationManager("app.db", "specs").migrate_to_latest()
    config = Config(lint=LintConfig(severity=(("RB101", "warning"),)))
    manager = MigrationManager("app.db", "specs", variables={"word": "b"}, config=config)
    assert manager.migrate_to("001"), manager.last_error
    assert shelf.rows("notes") == [(1, "b")]
    assert manager.migrate_to_latest(), manager.last_error


# ── failures ──────────────────────────────────────────────────────────────
def raises(self: Any, conn: sqlite3.Connection) -> None:
    conn.execute("CREATE TABLE left_over (a)")
    raise KeyError("no such luck")


def commits(self: Any, conn: sqlite3.Connection) -> None:
    conn.execute("CREATE TABLE left_over (a)")
    conn.commit()


def commits_by_sql(self: Any, conn: sqlite3.Connection) -> None:
    conn.execute("CREATE TABLE left_over (a)")
    conn.execute("COMMIT")


def fails_in_a_script(self: Any, conn: sqlite3.Connection) -> None:
    conn.executescript("CREATE TABLE left_over (a); CREATE TABLE more (a); SELECT * FROM never_was")


def commits_by_a_cursor_s_script(self: Any, conn: sqlite3.Connection) -> None:
    conn.cursor().executescript("CREATE TABLE left_over (a); CREATE TABLE more (a)")


@pytest.mark.parametrize(
    ("methods", "kind", "words"),
    [
        ({"up": raises}, DatabaseError, "002: `up` failed: KeyError"),
        ({"up": commits}, DatabaseError, "commit"),
        ({"up": commits_by_sql}, DatabaseError, ""),
        ({"up": fails_in_a_script}, DatabaseError, "never_was"),
        ({"up": commits_by_a_cursor_s_script}, DatabaseError, ""),
        ({"validate": lambda self, conn: False}, CheckFailed, "002: `validate` says"),
        ({"validate": lambda self, conn: 1 / 0}, DatabaseError, "002: `validate` failed: ZeroDivisionError"),
    ],
    ids=lambda value: getattr(next(iter(value.values())), "__name__", "") if isinstance(value, dict) else "",
)
def test_a_class_that_fails_leaves_nothing_behind(
    methods: dict[str, Any], kind: type[Exception], words: str, shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.spec("001", TABLE)
    manager = MigrationManager("app.db", specs="specs")
    assert manager.migrate_to_latest()
    before = snapshot("app.db")
    manager.register_migration(numbered("002", **methods))
    shelf.spec("003", ROW)
    with caplog.at_level(logging.ERROR, "engine"):
        assert not manager.migrate_to_latest()
    error = manager.last_error
    assert isinstance(error, kind) and words in str(error)
    assert error.kept == "nothing was kept: the database is as it was before"
    assert error.message in caplog.text
    same(before, snapshot("app.db"))
    assert manager.get_current_version() == "001" and manager.last_error is None


def test_a_down_that_fails_leaves_the_migration_applied(shelf: Shelf) -> None:
    shelf.spec("001", TABLE)
    manager = MigrationManager("app.db", specs="specs")
    manager.register_migration(numbered("002", down=raises))
    manager.register_migration(numbered("003", irreversible="the mail is sent"))
    assert manager.migrate_to_latest()
    before = snapshot("app.db")
    assert not manager.rollback()
    assert isinstance(manager.last_error, NotReversible) and "the mail is sent" in str(manager.last_error)
    same(before, snapshot("app.db"))
    assert manager.get_current_version() == "003"


def test_a_class_that_is_not_registered_any_more_can_t_be_taken_back(shelf: Shelf) -> None:
    shelf.spec("001", TABLE)
    manager = MigrationManager("app.db", specs="specs")
    manager.register_migration(Fill)
    assert manager.migrate_to_latest()
    other = MigrationManager("app.db", specs="specs")
    assert [m["version"] for m in other.list_migrations()] == ["001", "002"]
    assert not other.rollback()
    assert isinstance(other.last_error, Drift) and "its class is not registered" in str(other.last_error)
    assert other.get_current_version() == "002"
    other.register_migration(Fill)
    assert other.rollback(steps=2), other.last_error


def test_a_dry_run_shows_a_class_as_one(shelf: Shelf) -> None:
    from engine import app

    shelf.spec("001", TABLE)
    manager = MigrationManager("app.db", specs="specs")
    manager.register_migration(Fill)
    assert manager.migrate_to_latest()
    shown = app.plan_rollback(shelf.project(), to="0").plan.migrations
    assert [(m.version, m.code) for m in shown] == [("002", True), ("001", False)]


def test_migrate_to_goes_forward_only_and_to_versions_that_are_there(manager: MigrationManager) -> None:
    manager.register_migration(Fill)
    assert manager.migrate_to("002")
    assert not manager.migrate_to("001")
    assert isinstance(manager.last_error, UsageError)
    assert str(manager.last_error) == "the database is at 002, and 001 is older"
    assert "rollback" in manager.last_error.next
    assert manager.migrate_to("002"), "where it stands is no step back"
    assert not manager.migrate_to("007") and "there is no version `007`" in str(manager.last_error)


def test_findings_are_told_with_their_places(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    shelf.spec("001", "  - drop: {table: nowhere}\n")
    manager = MigrationManager("app.db", specs="specs")
    with caplog.at_level(logging.ERROR, "engine"):
        assert not manager.migrate_to_latest()
    assert isinstance(manager.last_error, FindingsError)
    assert "specs/001_spec.yaml:4:19: RF101: there is no table `nowhere`" in caplog.text


def test_a_spec_that_can_t_be_built_keeps_classes_from_running_too(shelf: Shelf) -> None:
    shelf.spec("001", TABLE)
    shelf.spec("003", "  - dorp: {table: notes}\n")
    manager = MigrationManager("app.db", specs="specs")
    manager.register_migration(Fill)
    assert not manager.migrate_to_latest()
    assert isinstance(manager.last_error, FindingsError)
    assert manager.get_current_version() is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (numbered("002"), "version 002 is registered already"),
        (numbered("2"), "version 2 is registered already"),
        (type("Half", (), {"get_version": lambda self: "5"}), "Half can't be a migration: it has no up, down"),
        (type("None_", (), {}), "it has no get_version, up, down"),
    ],
)
def test_what_can_t_be_registered_is_told_at_once(given: Any, words: str, shelf: Shelf) -> None:
    manager = MigrationManager("app.db")
    manager.register_migration(Fill)
    with pytest.raises(UsageError) as caught:
        manager.register_migration(given)
    assert words in str(caught.value)


def test_a_class_with_the_version_of_a_spec_is_refused(shelf: Shelf) -> None:
    shelf.spec("001", TABLE)
    shelf.spec("002", ROW)
    manager = MigrationManager("app.db", specs="specs")
    manager.register_migration(Fill)
    before = snapshot("app.db")
    assert not manager.migrate_to_latest(), "one of them would be passed over without a word"
    assert str(manager.last_error) == "specs/002_spec.yaml and the class Fill have the same version, 002"
    same(before, snapshot("app.db"))


def test_the_base_asks_for_what_a_class_must_have() -> None:
    base = BaseMigration()
    with sqlite3.connect(":memory:") as db:
        for method in (base.get_version, lambda: base.up(db), lambda: base.down(db)):
            with pytest.raises(NotImplementedError, match="BaseMigration has no"):
                method()
        assert base.validate(db)
    db.close()
    assert type("Bare", (BaseMigration,), {"__doc__": None})().get_description() == "Bare"


# ── quick ─────────────────────────────────────────────────────────────────
def test_the_current_version_is_told_quickly(manager: MigrationManager, capsys: pytest.CaptureFixture[str]) -> None:
    assert manager.migrate_to_latest()
    took = []
    for _ in range(50):
        start = time.perf_counter()
        assert manager.get_current_version() == "001"
        took.append(time.perf_counter() - start)
    with capsys.disabled():
        print(f" [get_current_version: {median(took) * 1000:.2f} ms]", end="")
    assert median(took) < 0.1


def test_a_database_in_memory_ends_with_its_manager(shelf: Shelf) -> None:
    shelf.spec("001", TABLE)
    manager = MigrationManager(":memory:", specs="specs")
    assert manager.migrate_to_latest() and manager.get_current_version() == "001"
    manager.close()
    assert manager.get_current_version() is None
    manager.close()
    assert sorted(p.name for p in Path().iterdir()) == ["app.db", "specs"]
