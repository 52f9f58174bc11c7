"""Any sequence of data steps on any of these tables, with any batch size, is undone without a trace."""

from __future__ import annotations

import sqlite3

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.model.changes import CopyRows, DeleteRows, FirstOf, InsertRows, OrderPart, UpdateRows
from engine.model.expression import Literal, Sql
from tests.unit.sqlite.rows_runner import CheckFailed, conflicts, database, plan, run, snapshot, undo

TABLES = (
    "CREATE TABLE t (k INTEGER PRIMARY KEY, a, b TEXT COLLATE NOCASE)",
    "CREATE TABLE t (k INTEGER PRIMARY KEY AUTOINCREMENT, a NUMERIC, b TEXT)",
    "CREATE TABLE t (k TEXT PRIMARY KEY NOT NULL COLLATE NOCASE, a, b)",
    "CREATE TABLE t (k, a, b)",
    "CREATE TABLE t (a ANY, k ANY NOT NULL, b TEXT, PRIMARY KEY (k)) STRICT",
    "CREATE TABLE t (k INT, a REAL, b, PRIMARY KEY (k, b)) WITHOUT ROWID",
    "CREATE TABLE t (b, a, k NOT NULL UNIQUE, c AS (a || b) STORED)",
)
EXTRAS = (
    "",
    "CREATE TABLE kid (n INTEGER PRIMARY KEY, k REFERENCES t (k) ON DELETE CASCADE ON UPDATE CASCADE)",
    "CREATE TABLE log (n INTEGER PRIMARY KEY AUTOINCREMENT, a);;"
    "CREATE TRIGGER d AFTER DELETE ON t BEGIN INSERT INTO log (a) VALUES (old.a); END;;"
    "CREATE TRIGGER u AFTER UPDATE ON t"
    " BEGIN INSERT INTO log (a) VALUES (new.a); DELETE FROM log WHERE n % 3 = 0; END;;"
    "CREATE TRIGGER i BEFORE INSERT ON t"
    " BEGIN INSERT INTO log (a) VALUES (new.b); UPDATE log SET a = 1 WHERE n = 2; END",
)
VALUES = st.one_of(
    st.none(),
    st.integers(-3, 3),
    st.sampled_from(["", "x", "X", "007", " p ", "nul\0", "🎬", 1.5, -0.5, 1e308, 2**63 - 1, b"\x00\xff"]),
)
EXPRESSIONS = st.sampled_from(
    [
        "NULL",
        "a",
        "b",
        "trim(b)",
        "b || 'x'",
        "a + 1",
        "typeof(a)",
        "'5'",
        "(SELECT count(*) FROM t)",
        "hex(randomblob(3))",
    ]
)
WHERES = st.sampled_from([None, "a IS NULL", "b > 'a'", "typeof(a) = 'integer'", "a < (SELECT max(a) FROM t)", "true"])


def sql(text: str | None) -> Sql | None:
    return None if text is None else Sql(text)


CHANGES = st.one_of(
    st.builds(
        lambda e, f, w: UpdateRows("t", (("a", Sql(e)), ("b", Sql(f))), sql(w)), EXPRESSIONS, EXPRESSIONS, WHERES
    ),
    st.builds(lambda e, w: UpdateRows("t", (("a", Sql(e)),), sql(w)), EXPRESSIONS, WHERES),
    st.builds(lambda w: DeleteRows("t", sql(w or "true")), WHERES),
    st.just(DeleteRows("t", all_but_first_of=FirstOf((OrderPart("a"),), (OrderPart("b", order="desc"),)))),
    st.builds(lambda w, c: CopyRows("s", None, "t", None, sql(w), on_conflict=c), WHERES,
  st.sampled_from(["skip", "fail"])),
    st.builds(lambda w: CopyRows("t", None, "s", (("a", Sql("b")), ("b", Sql("a"))), sql(w)), WHERES),
    st.builds(
        lambda k, a: InsertRows("t", ("k", "a", "b"), ((Literal(k, k), Literal(a, a), Literal("i", "i")),), "skip"),
        st.sampled_from(["1", "x", "99"]),
        st.sampled_from(["q", "r"]),
    ),
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(TABLES),
    st.sampled_from(EXTRAS),
    st.lists(st.tuples(VALUES, VALUES, VALUES), max_size=7),
    st.lists(CHANGES, min_size=1, max_size=4),
    st.integers(1, 4),
)
def test_what_steps_did_is_undone_without_a_trace(table, extra, rows, changes, size):
    if "kid" in extra and ("(k, a, b)" in table or "(k, b)" in table):
        extra = ""  # nothing there that a foreign key could refer to
    db = database(table, "CREATE TABLE s (k INTEGER PRIMARY KEY, a, b)", extra)
    for place, row in enumerate(rows):
        for target in ("t", "s"):
            try:
                db.execute(f"INSERT INTO {target} (k, a, b) VALUES (?, ?, ?)", row)
                if "kid" in extra and target == "t":
                    db.execute("INSERT INTO kid SELECT ?, k FROM t WHERE k IS ?", (place, row[0]))
            except (sqlite3.IntegrityError, sqlite3.OperationalError):
                pass  # not a row of this table
    snapshots, units = [snapshot(db)], []
    for change in changes:
        unit = plan(db, change)
        try:
            run(db, unit, size=size)
        except CheckFailed:
            break  # row ids are used up: said before anything is written
        except (sqlite3.IntegrityError, sqlite3.OperationalError) as error:
            assert isinstance(error, sqlite3.IntegrityError) or "full" in str(error)
            if db.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", unit.keeps[:1]).fetchone():
                undo(db, unit, size=size)  # stopped half-way: as far as it came
            assert snapshot(db) == snapshots[-1]
            break
        units.append(unit)
        snapshots.append(snapshot(db))
    for unit in reversed(units):
        snapshots.pop()
        if unit.reversible != "no":
            assert conflicts(db, unit) == {}
            undo(db, unit, size=size)
            assert snapshot(db) == snapshots[-1]
    db.close()
