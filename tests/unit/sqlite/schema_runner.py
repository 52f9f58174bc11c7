"""A database, a session beside it, and a tiny loop that sends units: what `run` does, in forty lines."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.dialects.base import Catalogue, CatalogueObject, StepContext
from engine.dialects.sqlite.dialect import SQLite
from engine.dialects.sqlite.sql import quote
from engine.model.changes import Change
from engine.model.plan import Statement, Unit

BINDS = {"version": "1", "now": "2024-01-01 00:00:00"}
OWN = "name NOT LIKE 'engine\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND sql IS NOT NULL"


class Broken(Exception):
    """Checks that failed: (path, sentence, rows that show it)."""

    def __init__(self, found: list[tuple[tuple[str | int, ...], str, list[Any]]]) -> None:
        super().__init__(str(found))
        self.found = found


class InConflict(Exception):
    """Guards that found something: (kind, sentence)."""

    def __init__(self, found: list[tuple[str, str]]) -> None:
        super().__init__(str(found))
        self.found = found


class Bench:
    """One database and the session that plans for it.

    Args:
        script: SQL statements, parted by `;` at the end of a line before an empty one or `\\n;;\\n`.
        path: a file, where a second connection is wanted.
    """

    def __init__(self, script: str, path: Path | str = ":memory:") -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("PRAGMA foreign_keys = ON")
        for sql in script.split(";;"):
            if sql.strip():
                self.db.execute(sql.strip())
        self.db.execute("CREATE TABLE engine_step (version, direction, unit, table_name, rows_added)")
        self.session = SQLite().open(self.catalogue())
        self.ran: list[Unit] = []
        self.given: dict[str, Any] = {}
        self.marks: dict[str, dict[str, Any]] = {}  # step → what its unit read at its start

    def close(self) -> None:
        self.db.close()

    def catalogue(self) -> Catalogue:
        rows = self.db.execute(f"SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE {OWN} ORDER BY rowid")
        taken = self.db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'engine_%'")
        return Catalogue(tuple(CatalogueObject(*row) for row in rows), tuple(name for (name,) in taken))

    def plan(self, *changes: Change, made: frozenset[str] = frozenset(), irreversible: str = "") -> tuple[Unit, ...]:
        units: list[Unit] = []
        for number, change in enumerate(changes, 1):
            units += self.session.render(change, StepContext(f"{number}-step", irreversible, made))
        return tuple(units)

    def apply(self, *changes: Change, made: frozenset[str] = frozenset(), irreversible: str = "") -> tuple[Unit, ...]:
        """Plan and run changes; afterwards the shadow must be what the database is."""
        units = self.plan(*changes, made=made, irreversible=irreversible)
        self.run(units)
        self.ran += units
        shadow = {(o.type, o.name, o.table, o.sql) for o in self.session.shadow.catalogue().objects}
        assert shadow == {(o.type, o.name, o.table, o.sql) for o in self.catalogue().objects}
        return units

    def undo(self, force: int = 0, conflicts: bool = True) -> None:
        """Take back all that ran, in reverse."""
        for unit in reversed(self.ran):
            self.run(unit.undo, force, conflicts)
        self.ran = []

    def run(self, units: Sequence[Unit], force: int = 0, conflicts: bool = True) -> None:
        for unit in units:
            for statement in unit.settings:
                self._send(statement, force)
            try:
                self.db.execute("BEGIN IMMEDIATE")
                self._unit(unit, force, conflicts)
                self.db.execute("COMMIT")
            except BaseException:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise
            finally:
                for statement in unit.resets:
                    self._send(statement, force)

    def _unit(self, unit: Unit, force: int, conflicts: bool) -> None:
        if unit.undo or unit.marks:
            values = [value for statement in unit.marks for value in self._send(statement, force)[0]]
            self.marks[unit.step] = {f"mark{number}": value for number, value in enumerate(values, 1)}
        self.given = self.marks.get(unit.step, {})
        found = [
            (guard.kind, guard.words.replace("{count}", str(count)))
            for guard in unit.guards
            if (count := self._send(guard.count, force)[0][0])
        ]
        for guard in unit.guards:
            if guard.sample:
                self._send(guard.sample, force)
        if found and conflicts:
            raise InConflict(found)
        broken = []
        for check in unit.checks:
            count = self._send(check.query, force)[0][0]
            sample = self._send(check.sample, force) if check.sample else []
            if check.maximum is not None and count > check.maximum:
                broken.append((check.path, check.failure.replace("{count}", str(count)), sample))
        if broken:
            raise Broken(broken)
        first = [set(self._send(statement, force)) for statement in unit.unchanged]
        for statement in (*unit.before, *unit.after):
            if statement.only == "force" and not force:
                continue
            self._send(statement, force)
        last = [set(self._send(statement, force)) for statement in unit.unchanged]
        for before, after in zip(first, last, strict=True):
            assert after <= before, f"rows that refer to nothing: {after - before}"

    def _send(self, statement: Statement, force: int) -> list[Any]:
        given = {**BINDS, **self.given, "force": force}
        return self.db.execute(statement.sql, {name: given[name] for name in statement.binds}).fetchall()

    # ── what is there ──
    def snapshot(self) -> dict[str, Any]:
        """Return what "as before" means: texts, rows with their types, counters."""
        tables = [
            name
            for (name,) in self.db.execute(f"SELECT name FROM sqlite_schema WHERE type = 'table' AND {OWN} ORDER BY 1")
        ]
        has = self.db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_sequence'").fetchone()[0]
        return {
            "schema": set(self.db.execute(f"SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE {OWN}")),
            "rows": {table: self.rows(table) for table in tables},
            "counters": sorted(
                self.db.execute("SELECT name, seq FROM sqlite_sequence WHERE name NOT LIKE 'engine_%'") if has else ()
            ),
            "integrity": self.db.execute("PRAGMA integrity_check").fetchall(),
        }

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """Return rows with the type of each value, and the row id where there is one."""
        columns = [quote(row[1]) for row in self.db.execute(f"PRAGMA table_xinfo({quote(table)})")]
        parts = [f"{c}, typeof({c})" for c in columns]
        found = self.db.execute(f"PRAGMA table_list({quote(table)})").fetchall()
        if not found[0][4]:  # not WITHOUT ROWID
            parts.append("rowid")
        found = self.db.execute(f"SELECT {', '.join(parts)} FROM {quote(table)}").fetchall()
        return sorted(found, key=repr)

    def query(self, sql: str) -> list[Any]:
        return self.db.execute(sql).fetchall()


SHOP = """
CREATE TABLE "artists" (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL COLLATE NOCASE UNIQUE)
;;
CREATE TABLE [odd "table" 🎵] ( -- what a person wrote
  "id" integer PRIMARY KEY autoincrement /* the key */,
  [the title] VARCHAR(40) NOT NULL DEFAULT 'none' COLLATE nocase,
  'select' NUMERIC(10,2) CHECK ("select" >= 0),
  code, -- no type at all
  artist INTEGER REFERENCES artists(id) ON DELETE CASCADE ON UPDATE CASCADE,
  parent INT REFERENCES "odd ""table"" 🎵"(id) ON DELETE SET NULL,
  shout TEXT GENERATED ALWAYS AS (upper([the title])) VIRTUAL,
  CONSTRAINT "ck one" CHECK (length("the title") > 0),
  UNIQUE (code, artist)
)
;;
CREATE TABLE tracks (
  album INTEGER NOT NULL REFERENCES "odd ""table"" 🎵" ON DELETE CASCADE,
  pos INTEGER NOT NULL,
  name TEXT,
  PRIMARY KEY (album, pos)
) WITHOUT ROWID
;;
CREATE TABLE plain (a, b TEXT, c REAL DEFAULT 1.5)
;;
CREATE TABLE log (at INTEGER PRIMARY KEY, what TEXT)
;;
CREATE INDEX "idx title" ON [odd "table" 🎵] ([the title] DESC, code) WHERE artist IS NOT NULL
;;
CREATE INDEX idx_expr ON [odd "table" 🎵] (lower([the title]))
;;
CREATE VIEW "v titles" AS SELECT id, [the title] AS t FROM "odd ""table"" 🎵" WHERE code IS NOT NULL
;;
CREATE TRIGGER touched AFTER UPDATE ON "odd ""table"" 🎵" BEGIN
  INSERT INTO log(what) VALUES ('u' || new.id);
END
;;
CREATE TRIGGER gone BEFORE DELETE ON tracks BEGIN
  UPDATE "odd ""table"" 🎵" SET code = code WHERE id = old.album;
END
;;
CREATE TRIGGER "on view" INSTEAD OF INSERT ON "v titles" BEGIN SELECT new.t; END
;;
INSERT INTO artists VALUES (1, 'AC/DC'), (7, 'Björk')
;;
DELETE FROM artists WHERE id = 7
;;
INSERT INTO [odd "table" 🎵] (id, [the title], "select", code, artist, parent) VALUES
  (1, 'Back', 9.99, '007', 1, NULL), (2, 'back in', 10, 7, 1, 1), (5, 'emoji 🎵', 0.1, x'00ff', NULL, 1),
  (9, 'last', 9007199254740993, NULL, 1, NULL)
;;
DELETE FROM [odd "table" 🎵] WHERE id = 9
;;
INSERT INTO tracks VALUES (1, 1, 'x'), (1, 2, NULL), (2, 1, 'y')
;;
INSERT INTO plain VALUES (1, '007', 2), ('1', NULL, -0.0), (x'31', '1e3', 1e308), (9223372036854775807, '', NULL)
;;
DELETE FROM log
"""
ODD = 'odd "table" 🎵'
