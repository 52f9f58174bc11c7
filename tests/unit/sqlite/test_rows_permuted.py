"""Values of a unique key may change places in any way: a transform succeeds where what it leaves is unique."""

from __future__ import annotations

import sqlite3
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.model.changes import UpdateRows
from engine.model.expression import Sql
from tests.unit.sqlite.rows_runner import conflicts, database, plan, run, snapshot, undo

CHILD = ";;CREATE TABLE kid (n INTEGER PRIMARY KEY, u REFERENCES t (u) ON UPDATE CASCADE);;"
# The table, and what a row's number becomes in its column u.
TABLES: tuple[tuple[str, str], ...] = (
    ("CREATE TABLE t (id INTEGER PRIMARY KEY, u INT UNIQUE, v)", "{}"),
    ("CREATE TABLE t (id INTEGER PRIMARY KEY, u INT NOT NULL UNIQUE, v ANY) STRICT", "{}"),
    ("CREATE TABLE t (id INTEGER PRIMARY KEY, u REAL NOT NULL UNIQUE, v ANY) STRICT", "({} - 2) / 4.0"),
    ("CREATE TABLE t (id INTEGER PRIMARY KEY, u BLOB NOT NULL UNIQUE, v ANY) STRICT", "CAST(char({}) AS BLOB)"),
    ("CREATE TABLE t (id INTEGER PRIMARY KEY, u ANY NOT NULL UNIQUE, v ANY) STRICT", "CASE {0} WHEN 2 THEN x'00' ELSE {0} END"),
    ("CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT NOT NULL UNIQUE, v TEXT) STRICT", "char({})"),
    ("CREATE TABLE t (id INT PRIMARY KEY, u TEXT COLLATE NOCASE UNIQUE CHECK (length(u) = 1), v) WITHOUT ROWID", "char(65 + {})"),
    ("CREATE TABLE t (id, u INT UNIQUE, v)", "{}"),
    ("CREATE TABLE t (id INTEGER PRIMARY KEY, u INT, v);;CREATE UNIQUE INDEX i ON t (u) WHERE id <> 2", "{}"),
    ("CREATE TABLE t (id INTEGER PRIMARY KEY, u, v, UNIQUE (v, u))", "{}"),
    ("CREATE TABLE t (id INTEGER PRIMARY KEY, u INT UNIQUE, v)" + CHILD, "{}"),
    ("CREATE TABLE t (id INTEGER PRIMARY KEY, u INT UNIQUE REFERENCES p (id), v);;"
     "CREATE TABLE p (id INTEGER PRIMARY KEY);;INSERT INTO p VALUES (0), (1), (2), (3), (4), (5)", "{}"),
)  # fmt: skip
NUMBERS = st.one_of(st.integers(0, 5), st.integers(0, 5), st.none())
KINDS = ("case", "beside", "own")


def expression(kind: str, wanted: dict[int, str]) -> str:
    """Return what u becomes: steady, read from another table, or read from the table itself."""
    if kind == "case":
        return (
            f"CASE id WHEN NULL THEN u {' '.join(f'WHEN {id} THEN {value}' for id, value in wanted.items())} ELSE u END"
        )
    beside = "(SELECT w.u FROM wanted AS w WHERE w.id = t.id)"
    return beside if kind == "beside" else f"CASE WHEN (SELECT count(*) FROM t AS x) < 0 THEN u ELSE {beside} END"


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(TABLES),
    st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=6),
    st.sampled_from(KINDS),
    st.sampled_from([None, "id <> 3"]),
    st.booleans(),
    st.integers(1, 3),
)
@example(TABLES[2], [(2, 0), (0, 2), (1, 3)], "case", None, False, 1)
@example(TABLES[3], [(1, 2), (2, 1)], "own", None, False, 1)
@example(TABLES[8], [(1, 2), (2, 5), (2, 1)], "beside", None, False, 1)
@example(TABLES[10], [(1, 2), (2, 1)], "case", None, True, 1)
@example(TABLES[11], [(1, 2), (2, 1)], "beside", None, False, 1)
def test_a_permutation_goes_there_and_back(
    table: tuple[str, str],
    pairs: list[tuple[int | None, int | None]],
    kind: str,
    where: str | None,
    made: bool,
    size: int,
) -> None:
    ddl, form = table
    db = database(ddl, "CREATE TABLE wanted (id PRIMARY KEY, u)")
    wanted: dict[int, str] = {}
    for id, (was, becomes) in enumerate(pairs, 1):
        values = ["NULL" if n is None else form.format(n) for n in (was, becomes)]
        try:
            db.execute(f"INSERT INTO t (id, u, v) VALUES ({id}, {values[0]}, 'v')")
        except sqlite3.IntegrityError:
            continue  # not a row of this table
        wanted[id] = values[1]
        db.execute(f"INSERT INTO wanted VALUES ({id}, {values[1]})")
        if CHILD in ddl:
            db.execute(f"INSERT INTO kid VALUES ({id}, {values[0]})")
    before = snapshot(db)
    left = remaining(db, ddl, where)
    change = UpdateRows("t", (("u", Sql(expression(kind, wanted))),), Sql(where) if where else None)
    unit = plan(db, change, made_here=frozenset({"t", "kid"}) if made else frozenset())
    try:
        done = run(db, unit, size=size)
    except sqlite3.IntegrityError:
        assert left is None
        if unit.keeps and db.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", unit.keeps[:1]).fetchone():
            undo(db, unit, size=size)
        if not made:
            assert snapshot(db) == before
    else:
        assert db.execute("SELECT id, u, typeof(u) FROM t ORDER BY id").fetchall() == left
        assert done.counts.get("selected", done.counts.get("written")) == len(wanted) - bool(where and 3 in wanted)
        if not made:
            assert conflicts(db, unit) == {}
            undo(db, unit, size=size)
            assert snapshot(db) == before
    db.close()


def remaining(db: sqlite3.Connection, ddl: str, where: str | None) -> list[Any] | None:
    """Return the rows that must be there afterwards, None where they break a key: asked of a table made anew."""
    fresh = database(ddl)
    try:
        for id, u, v, w in db.execute(
            "SELECT t.id, t.u, t.v, w.u FROM t JOIN wanted AS w ON w.id = t.id ORDER BY t.id"
        ).fetchall():
            fresh.execute("INSERT INTO t (id, u, v) VALUES (?, ?, ?)", (id, u if where and id == 3 else w, v))
    except sqlite3.IntegrityError:
        return None
    return fresh.execute("SELECT id, u, typeof(u) FROM t ORDER BY id").fetchall()
