"""Hand-made plans: the contract of `model/plan.py` without any dialect's planning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.dialects.sqlite.driver import SQLiteDriver, connect
from engine.dialects.sqlite.ledger import Ledger
from engine.model.plan import Loop, MigrationPlan, Statement, Unit

ROWS = 25


def ddl(sql: str, purpose: str = "change") -> Statement:
    return Statement(sql, "ddl", purpose)


def rows(
    sql: str, purpose: str = "change", count: Any = "", binds: tuple[str, ...] = ("lo1",), only: Any = ""
) -> Statement:
    return Statement(sql, "rows", purpose, binds, count, only)


def create_unit() -> Unit:
    """A table of this migration; rows of others in it are a conflict."""
    from engine.model.plan import Guard

    guard = Guard(
        "added",
        "notes",
        Statement(
            "SELECT max(0, count(*) - (SELECT coalesce(sum(rows_added), 0) FROM engine_step WHERE version = :version "
            "AND table_name = 'notes' AND direction = 'apply')) FROM notes",
            "check",
            "guard",
        ),
        Statement("SELECT id FROM notes ORDER BY id DESC LIMIT 5", "check", "sample"),
        "{count} rows of others are in notes",
    )
    return Unit(
        "1-create",
        "1-create",
        "create notes",
        "+",
        before=(ddl("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)"),),
        undo=(
            Unit(
                "1-create.undo",
                "1-create",
                "drop notes",
                "-",
                before=(ddl("DROP TABLE notes"),),
                guards=(guard,),
            ),
        ),
        touches=("notes",),
    )


def copy_unit(size: int | None = None, **more: Any) -> Unit:
    """A copy into the table of this migration: its way back is the table's drop."""
    return Unit(
        "2-copy",
        "2-copy",
        "copy items into notes",
        ">",
        loop=Loop(
            "items",
            ("id",),
            rows("SELECT min(id), max(id) FROM items", "bound", binds=()),
            rows(
                "SELECT id FROM items WHERE id >= :lo1 AND id <= :up1 ORDER BY id LIMIT 1 OFFSET :skip",
                "bound",
            ),
            (
                rows("SELECT count(*) FROM items WHERE id BETWEEN :lo1 AND :hi1", "count", "selected"),
                rows(
                    "INSERT INTO notes SELECT id, title || ' at ' || :now FROM items WHERE id BETWEEN :lo1 AND :hi1",
                    "insert",
                    "written",
                ),
            ),
            rows("SELECT id FROM items WHERE id > :hi1 AND id <= :up1 ORDER BY id LIMIT 1", "bound"),
            size,
        ),
        touches=("notes",),
        **more,
    )


def update_unit(size: int | None = None, **more: Any) -> Unit:
    """An update with a journal, undone from it backwards in batches."""
    from engine.model.plan import Guard

    journal = "engine_undo_1"
    changed = f"FROM {journal} j JOIN items i ON i.id = j.id WHERE i.title IS NOT j.new AND i.title IS NOT j.old"
    guard = Guard(
        "changed",
        "items",
        Statement(f"SELECT count(*) {changed}", "check", "guard"),
        Statement(f"SELECT j.id {changed} LIMIT 5", "check", "sample"),
        "{count} rows of items were changed since",
    )
    undo = Unit(
        "3-update.undo",
        "3-update",
        "put the old titles back",
        ">",
        guards=(guard,),
        loop=Loop(
            journal,
            ("seq",),
            rows(f"SELECT max(seq), min(seq) FROM {journal}", "bound", binds=()),
            rows(
                f"SELECT seq FROM {journal} WHERE seq <= :lo1 AND seq >= :up1 ORDER BY seq DESC LIMIT 1 OFFSET :skip",
                "bound",
            ),
            (
                rows(
                    f"UPDATE items SET title = j.old FROM {journal} j WHERE j.id = items.id AND j.seq BETWEEN :hi1 AND :lo1 "
                    "AND (items.title IS j.new OR :force)",
                    "restore",
                    "written",
                ),
                rows(f"DELETE FROM {journal} WHERE seq BETWEEN :hi1 AND :lo1", "cleanup"),
            ),
            rows(
                f"SELECT seq FROM {journal} WHERE seq < :hi1 AND seq >= :up1 ORDER BY seq DESC LIMIT 1",
                "bound",
            ),
            size,
        ),
        touches=("items",),
    )
    return Unit(
        "3-update",
        "3-update",
        "update items",
        ">",
        before=(ddl(f"CREATE TABLE {journal} (seq INTEGER PRIMARY KEY, batch, id, old, new)", "journal"),),
        loop=Loop(
            "items",
            ("id",),
            rows("SELECT min(id), max(id) FROM items", "bound", binds=()),
            rows(
                "SELECT id FROM items WHERE id >= :lo1 AND id <= :up1 ORDER BY id LIMIT 1 OFFSET :skip",
                "bound",
            ),
            (
                rows(
                    f"INSERT INTO {journal} (batch, id, old, new) SELECT :batch, id, title, upper(title) FROM items "
                    "WHERE id BETWEEN :lo1 AND :hi1 AND title <> upper(title)",
                    "journal",
                ),
                rows(
                    "UPDATE items SET title = upper(title) WHERE id BETWEEN :lo1 AND :hi1 AND title <> upper(title)",
                    "change",
                    "written",
                ),
            ),
            rows("SELECT id FROM items WHERE id > :hi1 AND id <= :up1 ORDER BY id LIMIT 1", "bound"),
            size,
        ),
        undo=(undo,),
        reversible="journal",
        touches=("items",),
        keeps=(journal,),
        **more,
    )


def index_unit() -> Unit:
    return Unit(
        "4-index",
        "4-index",
        "index items",
        "+",
        before=(ddl("CREATE INDEX items_title ON items (title)"),),
        undo=(Unit("4-index.undo", "4-index", "drop it", "-", before=(ddl("DROP INDEX items_title"),)),),
        touches=("items",),
    )


def plan(*units: Unit, single: bool = False, version: str = "001", **more: Any) -> MigrationPlan:
    """A migration of `units`, or of all four kinds above, in batches of 4 and 3."""
    chosen = units or (create_unit(), copy_unit(4), update_unit(3), index_unit())
    return MigrationPlan(version, f"migration {version}", chosen, single=single, checksum=f"1:{version}", **more)


@dataclass
class Database:
    """A file with 25 items, and what a test wants to know of it."""

    path: Path
    driver: SQLiteDriver
    ledger: Ledger

    def content(self) -> dict[str, Any]:
        """Return everything that is the user's: texts, rows, counters."""
        schema = sorted(
            tuple(r)
            for r in self.driver.query("SELECT type, name, tbl_name, sql FROM sqlite_schema")
            if not (r[2].startswith("engine_") or r[2] == "migration_history" or r[1].startswith("sqlite_"))
        )
        tables = [name for kind, name, _, _ in schema if kind == "table"]
        found: dict[str, Any] = {"schema": schema}
        for table in tables:
            found[table] = [tuple(r) for r in self.driver.query(f'SELECT rowid, * FROM "{table}" ORDER BY rowid')]
        return found

    def engine_tables(self) -> list[str]:
        return sorted(
            r[0]
            for r in self.driver.query("SELECT name FROM sqlite_schema WHERE name GLOB 'engine_*' AND type = 'table'")
        )

    def reopen(self) -> None:
        self.driver.close()
        self.driver = quick(self.path)
        self.ledger = Ledger(self.driver, self.path)

    def one(self, sql: str) -> Any:
        return self.driver.query(sql)[0][0]


def quick(path: Path) -> SQLiteDriver:
    """Open without waiting for the disk: a process that dies loses nothing by it."""
    driver = connect(path)
    driver.execute("PRAGMA synchronous = OFF")
    return driver


def fill(path: Path) -> None:
    driver = quick(path)
    driver.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, title TEXT)")
    driver.begin()
    for n in range(1, ROWS + 1):
        driver.execute("INSERT INTO items VALUES (:id, :title)", {"id": n * 3, "title": f"item {n}"})
    driver.commit()
    driver.close()


class Crash(BaseException):
    """The process is gone."""


class CrashingDriver(SQLiteDriver):
    """Dies before or after call number `at`; nothing works after that."""

    at = 0
    after = False
    calls = 0
    dead = False

    def _send(self, sql: str, params: Mapping[str, Any] | None) -> Any:
        if self.dead:
            raise Crash(sql)
        self.calls += 1
        if self.calls == self.at and not self.after:
            self.dead = True
            raise Crash(sql)
        result = super()._send(sql, params)
        if self.calls == self.at:
            if result.description is not None:
                result.fetchall()
            result.close()
            self.dead = True
            raise Crash(sql)
        return result
