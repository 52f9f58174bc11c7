"""The Python interface: what `MigrationManager` promises."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from engine import BaseMigration, MigrationManager, MigrationProtocol
from tests.support.database import rows_of, same, snapshot

SPECS = {
    "001_table.yaml": """
version: "001"
description: The table
steps:
  - create: {table: t, columns: {id: {type: integer, primary_key: true}, a: text}}
""",
    "002_rows.yaml": """
version: "002"
description: Its rows
steps:
  - insert: {into: t, rows: [{id: 1, a: x}, {id: 2, a: null}], expect_rows: 2}
""",
}


class Upper(BaseMigration):
    """Put text in capitals."""

    def get_version(self) -> str:
        return "003"

    def up(self, conn: sqlite3.Connection) -> None:
        conn.execute("UPDATE t SET a = upper(a)")

    def down(self, conn: sqlite3.Connection) -> None:
        conn.execute("UPDATE t SET a = lower(a)")

    def validate(self, conn: sqlite3.Connection) -> bool:
        return self._table_exists(conn, "t") and self._column_exists(conn, "t", "a")


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """A folder with two specs."""
    folder = tmp_path / "specs"
    folder.mkdir()
    for name, text in SPECS.items():
        (folder / name).write_text(text.lstrip(), encoding="utf-8")
    return folder


def test_goes_to_the_latest_and_back(tmp_path: Path, specs: Path) -> None:
    database = tmp_path / "app.db"
    manager = MigrationManager(database, specs=specs)
    assert manager.get_current_version() is None
    assert [m["version"] for m in manager.get_pending_migrations()] == ["001", "002"]
    assert manager.migrate_to_latest() and manager.last_error is None
    assert manager.get_current_version() == "002"
    assert manager.get_pending_migrations() == []
    assert rows_of(database, "t") == [{"id": 1, "a": "x"}, {"id": 2, "a": None}]
    assert manager.rollback(steps=2)
    assert manager.get_current_version() is None
    assert not snapshot(database).objects


def test_goes_up_to_a_version_and_forward_only(tmp_path: Path, specs: Path) -> None:
    manager = MigrationManager(tmp_path / "app.db", specs=specs)
    assert manager.migrate_to("001")
    assert manager.get_current_version() == "001"
    assert manager.migrate_to("002")
    assert not manager.migrate_to("001")
    assert "older" in str(manager.last_error)
    assert not manager.migrate_to("nine")
    assert "nine" in str(manager.last_error)


def test_lists_migrations_with_the_fields_of_the_contract(tmp_path: Path, specs: Path) -> None:
    manager = MigrationManager(str(tmp_path / "app.db"), specs=str(specs))
    manager.migrate_to("001")
    first, second = manager.list_migrations()
    assert first.keys() >= {"version", "description", "applied", "applied_at", "rolled_back_at", "reversible"}
    assert (first["version"], first["description"], first["applied"]) == ("001", "The table", True)
    assert first["applied_at"] and not second["applied"] and second["applied_at"] is None


def test_a_class_is_a_migration_in_its_place(tmp_path: Path, specs: Path) -> None:
    database = tmp_path / "app.db"
    manager = MigrationManager(database, specs=specs)
    manager.register_migration(Upper)
    assert isinstance(Upper(), MigrationProtocol)
    assert manager.migrate_to_latest(), manager.last_error
    assert manager.get_current_version() == "003"
    assert rows_of(database, "t")[0]["a"] == "X"
    assert manager.list_migrations()[2]["description"] == "Put text in capitals."
    assert manager.rollback(), manager.last_error
    assert rows_of(database, "t")[0]["a"] == "x"
    assert manager.get_current_version() == "002"


def test_only_registered_classes_need_no_folder_and_live_in_memory() -> None:
    manager = MigrationManager(":memory:")

    class Make(Upper):
        def up(self, conn: sqlite3.Connection) -> None:
            conn.execute("CREATE TABLE t (a TEXT)")

        def down(self, conn: sqlite3.Connection) -> None:
            conn.execute("DROP TABLE t")

    manager.register_migration(Make())
    assert manager.migrate_to_latest(), manager.last_error
    assert manager.get_current_version() == "003"
    assert manager.rollback(), manager.last_error
    assert manager.get_current_version() is None
    manager.close()


def failing(how: str) -> type[BaseMigration]:
    """Return a migration that does something and then goes wrong."""

    class Failing(Upper):
        def up(self, conn: sqlite3.Connection) -> None:
            super().up(conn)
            conn.execute("CREATE TABLE left_over (a)")
            if how == "raises":
                raise ValueError("no such luck")
            if how == "commits":
                conn.commit()
            if how == "sql":
                conn.execute("SELECT * FROM never_was")

        def validate(self, conn: sqlite3.Connection) -> bool:
            return how != "validates"

    return Failing


@pytest.mark.parametrize("how", ["raises", "commits", "sql", "validates"])
def test_a_class_that_fails_leaves_nothing_behind(how: str, tmp_path: Path, specs: Path) -> None:
    database = tmp_path / "app.db"
    manager = MigrationManager(database, specs=specs)
    assert manager.migrate_to_latest()
    before = snapshot(database)
    manager.register_migration(failing(how))
    assert not manager.migrate_to_latest()
    assert manager.last_error is not None and "003" in str(manager.last_error)
    same(before, snapshot(database))
    assert manager.get_current_version() == "002"


def test_a_version_is_taken_once_and_a_class_is_whole(tmp_path: Path) -> None:
    manager = MigrationManager(tmp_path / "app.db")
    manager.register_migration(Upper)
    with pytest.raises(Exception, match="003"):
        manager.register_migration(Upper)

    class Half:
        def get_version(self) -> str:
            return "1"

    half: Any = Half
    with pytest.raises(Exception, match="up"):
        manager.register_migration(half)


def test_what_goes_wrong_is_false_with_the_reason(tmp_path: Path, specs: Path) -> None:
    (specs / "003_wrong.yaml").write_text('version: "003"\ndescription: x\nsteps: [{drop: {table: nope}}]\n')
    manager = MigrationManager(tmp_path / "app.db", specs=specs)
    assert not manager.migrate_to_latest()
    assert "nope" in str(manager.last_error) or "finding" in str(manager.last_error)
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no database, " * 50)
    manager = MigrationManager(broken, specs=specs)
    assert manager.get_current_version() is None and manager.last_error is not None
    assert not manager.rollback()
    missing = MigrationManager(tmp_path / "app.db", specs=tmp_path / "nowhere")
    assert not missing.migrate_to_latest() and "nowhere" in str(missing.last_error)
