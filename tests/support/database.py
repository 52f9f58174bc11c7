"""A SQLite database as a value, to compare before and after.

"Equal" is what the README promises of a rollback: the same set of (type, name, table, text) in the
catalogue, the same rows with the same storage types, the same counters; without the engine's own tables.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Cell = tuple[str, Any]


@dataclass(frozen=True)
class Snapshot:
    """Everything that a user can see of a database.

    Attributes:
        objects: (type, name, table, text) of the catalogue.
        rows: table → its rows in rowid (or key) order, each with its rowid, each cell as (type, value).
        counters: table → `sqlite_sequence.seq`.
    """

    objects: frozenset[tuple[str, str, str, str | None]]
    rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)

    def differences(self, other: Snapshot) -> list[str]:
        """Return in words what `other` has that this one has not, and the other way round."""
        found = [f"gone: {o}" for o in sorted(self.objects - other.objects, key=str)]
        found += [f"new: {o}" for o in sorted(other.objects - self.objects, key=str)]
        for table in sorted(self.rows.keys() | other.rows.keys()):
            mine, theirs = self.rows.get(table, []), other.rows.get(table, [])
            if mine == theirs:
                continue
            pairs = [(a, b) for a, b in zip(mine, theirs, strict=False) if a != b][:3]
            found.append(f"rows of {table}: {len(mine)} before, {len(theirs)} after; {pairs}")
        if self.counters != other.counters:
            found.append(f"counters: {self.counters} before, {other.counters} after")
        return found


def snapshot(path: Path | str) -> Snapshot:
    """Read the database at `path`; a file that is not there is an empty database."""
    if not Path(path).exists():
        return Snapshot(frozenset())
    with closing(_open(path)) as db:
        objects = list(_objects(db))
        tables = [(name, sql or "") for kind, name, _, sql in objects if kind == "table"]
        rows = {name: _rows(db, name, sql) for name, sql in tables if not _virtual(sql)}
        counters = {}
        if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone():
            counters = {n: seq for n, seq in db.execute("SELECT name, seq FROM sqlite_sequence") if not own(n)}
    return Snapshot(frozenset(objects), rows, counters)


def same(before: Snapshot, after: Snapshot) -> None:
    """Fail, in words, unless the two are equal."""
    found = before.differences(after)
    assert not found, "\n".join(["the database is not as it was:", *found])


def content_hash(path: Path | str) -> str:
    """Return SHA-256 (hex) over all that `snapshot` compares, row by row: for databases too large to hold."""
    digest = hashlib.sha256()
    with closing(_open(path)) as db:
        for item in sorted(_objects(db), key=repr):
            digest.update(repr(item).encode())
        for kind, name, _, sql in sorted(_objects(db), key=repr):
            if kind == "table" and not _virtual(sql or ""):
                digest.update(name.encode())
                for row in db.execute(_select(db, name, sql or "")):
                    digest.update(repr(row).encode())
        digest.update(repr(sorted(_counters(db).items())).encode())
    return digest.hexdigest()


def rows_of(path: Path | str, table: str) -> list[dict[str, Any]]:
    """Return the rows of `table` in key order, as plain values."""
    with closing(_open(path)) as db:
        cursor = db.execute(f"SELECT * FROM {_quote(table)}")
        names = [d[0] for d in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def script(path: Path | str, text: str) -> None:
    """Run SQL statements on the database at `path`, made where it is missing."""
    with closing(sqlite3.connect(path)) as db:
        db.executescript(text)
        db.commit()


def own(name: str) -> bool:
    """Tell whether a table is the engine's."""
    return name == "migration_history" or name.startswith("engine_")


# ── parts ─────────────────────────────────────────────────────────────────
def _open(path: Path | str) -> sqlite3.Connection:
    db = sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)
    # Text that is no UTF-8 is a value too; it must come back as it was.
    db.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    return db


def _objects(db: sqlite3.Connection) -> Iterator[tuple[str, str, str, str | None]]:
    for kind, name, table, sql in db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"):
        if not (own(name) or own(table) or name == "sqlite_sequence" or name.startswith("sqlite_stat")):
            yield kind, name, table, sql


def _counters(db: sqlite3.Connection) -> dict[str, int]:
    """Return the counters; a table of counters that is empty is as good as none (it can't be dropped)."""
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone():
        return {}
    return {name: seq for name, seq in db.execute("SELECT name, seq FROM sqlite_sequence") if not own(name)}


def _select(db: sqlite3.Connection, table: str, sql: str) -> str:
    names = [row[1] for row in db.execute(f"PRAGMA table_xinfo({_quote(table)})")]
    cells = ", ".join(f"typeof({_quote(n)}), {_quote(n)}" for n in names)
    keys = [r[1] for r in sorted(db.execute(f"PRAGMA table_xinfo({_quote(table)})"), key=lambda r: r[5]) if r[5]]
    taken = {n.lower() for n in names}
    row_id = next((n for n in ("rowid", "_rowid_", "oid") if n not in taken), "")
    listed = (
        db.execute("SELECT wr FROM pragma_table_list WHERE name = ? AND schema = 'main'", (table,))
        if (sqlite3.sqlite_version_info >= (3, 37))
        else ()
    )
    without = any(row[0] for row in listed) or "WITHOUT ROWID" in sql.upper()
    if row_id and not without:
        return f"SELECT {row_id}, {cells} FROM {_quote(table)} ORDER BY {row_id}"
    order = ", ".join(_quote(k) for k in keys) or "1"
    return f"SELECT {cells} FROM {_quote(table)} ORDER BY {order}"


def _rows(db: sqlite3.Connection, table: str, sql: str) -> list[tuple[Any, ...]]:
    # repr tells -0.0 from 0.0 and 1 from 1.0, which == does not.
    return [tuple(repr(cell) for cell in row) for row in db.execute(_select(db, table, sql))]


def _virtual(sql: str) -> bool:
    return sql.upper().startswith("CREATE VIRTUAL")


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
