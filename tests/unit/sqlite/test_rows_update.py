"""Transforms: each row changed once, old values noted, and put back only where nobody changed them since."""

from __future__ import annotations

import sqlite3

import pytest

from engine.errors import Problem
from engine.model.changes import Expect, Join, UpdateRows
from engine.model.expression import Literal, Parse, Sql
from tests.unit.sqlite.rows_runner import NOW, CheckFailed, conflicts, database, plan, run, snapshot, undo

ODD = [None, "", " x ", "nul\0in", "🎬 ", b"\x00\xff ", 7, 1.5, 2**63 - 1, 1e308, -0.0, "007"]


def things(type_: str = "", options: str = "") -> sqlite3.Connection:
    db = database(f"CREATE TABLE things (id INTEGER PRIMARY KEY, v {type_}, w TEXT, g INT AS (id * 2)) {options}")
    for place, value in enumerate(ODD):
        try:
            db.execute("INSERT INTO things (id, v, w) VALUES (?, ?, 'w')", (place * 3 - 4, value))
        except sqlite3.IntegrityError:
            pass  # STRICT takes only its type
    return db


def update(set_: dict[str, object], where: str | None = None, **changes: object) -> UpdateRows:
    pairs = tuple((name, Sql(e) if isinstance(e, str) else e) for name, e in set_.items())
    return UpdateRows("things", pairs, Sql(where) if where else None, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize(
    "expression",
    [
        "trim(v)",
        "upper(v)",
        "v || 'x'",
        "typeof(v)",
        "NULL",
        "5",
        "'5'",
        "CAST(v AS TEXT)",
        "hex(randomblob(4))",
    ],
)
@pytest.mark.parametrize("type_", ["", "TEXT", "INTEGER", "REAL", "NUMERIC"])
def test_every_value_comes_back_with_its_type(size, expression, type_):
    db = things(type_)
    before = snapshot(db)
    unit = plan(db, update({"v": expression}))
    totals = run(db, unit, size=size)
    assert totals.counts["selected"] == len(ODD)
    assert conflicts(db, unit) == {}
    undo(db, unit, size=size)
    assert snapshot(db) == before


@pytest.mark.parametrize("type_", ["ANY", "INT", "TEXT", "REAL", "BLOB"])
def test_strict_tables_keep_their_values(type_):
    db = things(type_, "STRICT")
    before = snapshot(db)
    unit = plan(db, update({"w": "w || '!'", "v": Literal(None, "null")}))
    run(db, unit)
    undo(db, unit)
    assert snapshot(db) == before


def test_result_is_what_one_update_would_give():
    one, many = things(), things()
    one.execute("UPDATE things SET v = trim(v), w = v WHERE v <> trim(v)")
    run(many, plan(many, update({"v": "trim(v)", "w": "v"}, "v <> trim(v)")), size=2)
    mine, theirs = snapshot(many), snapshot(one)
    assert mine["table things"] == theirs["table things"]


def test_only_rows_that_really_change_are_noted():
    db = things()
    unit = plan(db, update({"w": Literal("w", "w")}))
    assert run(db, unit).counts == {"selected": len(ODD), "written": 0}
    assert db.execute(f'SELECT count(*) FROM "{unit.keeps[0]}"').fetchone() == (0,)


def test_a_change_of_type_alone_is_a_change():
    db = database("CREATE TABLE things (id INTEGER PRIMARY KEY, v);; INSERT INTO things VALUES (1, 1), (2, 'A')")
    db.execute("CREATE TABLE other (x TEXT COLLATE NOCASE)")
    before = snapshot(db)
    unit = plan(db, update({"v": "CASE WHEN v = 1 THEN 1.0 ELSE lower(v) END"}))
    assert run(db, unit).counts["written"] == 2
    undo(db, unit)
    assert snapshot(db) == before


def test_letters_differ_although_the_column_says_nocase():
    db = database(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, v TEXT COLLATE NOCASE);; INSERT INTO things VALUES (1, 'A')"
    )
    unit = plan(db, update({"v": "lower(v)"}))
    assert run(db, unit).counts["written"] == 1
    db.execute("UPDATE things SET v = 'A' WHERE id = 1")
    assert conflicts(db, unit) == {}  # it is already what the undo gives
    db.execute("UPDATE things SET v = 'aA' WHERE id = 1")
    assert conflicts(db, unit) == {("changed", "things"): 1}


def test_rows_changed_or_deleted_since_are_conflicts():
    db = things()
    unit = plan(db, update({"w": "'new'"}))
    run(db, unit)
    db.execute("UPDATE things SET w = 'mine' WHERE id = -4")
    db.execute("UPDATE things SET v = 'not ours' WHERE id = -1")
    db.execute("DELETE FROM things WHERE id = 2")
    assert conflicts(db, unit) == {("changed", "things"): 1, ("deleted", "things"): 1}
    undo(db, unit, drop=False)
    assert db.execute("SELECT DISTINCT w FROM things ORDER BY w").fetchall() == [("mine",), ("w",)]
    undo(db, unit, force=1)
    assert db.execute("SELECT DISTINCT w FROM things ORDER BY w").fetchall() == [("w",)]


def test_a_step_that_reads_what_it_writes_reads_it_as_it_was():
    db = database(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, n INTEGER);;"
        "INSERT INTO things VALUES (1, 1), (2, 2), (3, 3), (4, 4)"
    )
    before = snapshot(db)
    unit = plan(db, update({"n": "(SELECT sum(n) FROM things)"}, "n <= (SELECT avg(n) FROM things)"))
    assert run(db, unit, size=1).counts == {"selected": 2, "written": 2}
    assert db.execute("SELECT n FROM things ORDER BY id").fetchall() == [(10,), (10,), (3,), (4,)]
    undo(db, unit)
    assert snapshot(db) == before


def test_the_same_in_a_table_of_this_migration_needs_no_journal():
    db = database(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, n INTEGER);; INSERT INTO things VALUES (1, 1), (2, 2), (3, 3)"
    )
    unit = plan(db, update({"n": "(SELECT max(n) FROM things) + n"}), made_here=frozenset({"things"}))
    assert unit.keeps == () and unit.undo == ()
    run(db, unit, size=1)
    assert db.execute("SELECT n FROM things").fetchall() == [(4,), (5,), (6,)]
    assert db.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (1,)


def test_a_step_may_change_the_key_that_it_is_cut_by():
    db = database(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, v);;"
        "CREATE TABLE kids (t INTEGER REFERENCES things ON UPDATE CASCADE);;"
        "INSERT INTO things VALUES (1, 'a'), (2, 'b'), (30, 'c');; INSERT INTO kids VALUES (1), (30)"
    )
    before = snapshot(db)
    unit = plan(db, update({"id": "id + 100", "v": "v || id"}))
    run(db, unit, size=1)
    assert db.execute("SELECT id, v FROM things").fetchall() == [(101, "a1"), (102, "b2"), (130, "c30")]
    assert db.execute("SELECT t FROM kids").fetchall() == [(101,), (130,)]
    assert conflicts(db, unit) == {}
    undo(db, unit)
    assert snapshot(db) == before


@pytest.mark.parametrize("expression", ["id + 1", "id - 1", "CASE id WHEN 1 THEN 2 WHEN 2 THEN 1 ELSE id END", "-id"])
@pytest.mark.parametrize("column", ["id", "place", "code"])
def test_values_that_move_within_a_unique_key_do_not_meet(column, expression):
    db = database(
        "CREATE TABLE things (id INTEGER PRIMARY KEY CHECK (id > -100), place INTEGER UNIQUE, code TEXT NOT NULL);;"
        "CREATE UNIQUE INDEX u ON things (code);; CREATE TABLE kids (t INTEGER REFERENCES things ON UPDATE CASCADE);;"
        "INSERT INTO things VALUES (1, 1, '1'), (2, 2, '2'), (3, 3, '3'), (7, 7, '7');;"
        "INSERT INTO kids VALUES (2), (7)"
    )
    before = snapshot(db)
    unit = plan(db, update({column: expression}))
    run(db, unit, size=1)
    expected = [eval(expression) if "CASE" not in expression else {1: 2, 2: 1}.get(id, id) for id in (1, 2, 3, 7)]
    kind = str if column == "code" else int
    assert sorted(v for (v,) in db.execute(f"SELECT {column} FROM things")) == sorted(map(kind, expected))
    assert conflicts(db, unit) == {}
    undo(db, unit, size=1)
    assert snapshot(db) == before


@pytest.mark.parametrize("kind, values", [("REAL", (0.0, 1.5, 3.0)), ("BLOB", (b"", b"\0", b"\xff"))])
def test_keys_of_strict_tables_swap_and_swap_back(kind, values):
    db = database(f"CREATE TABLE things (k {kind} PRIMARY KEY NOT NULL, v TEXT) STRICT")
    db.executemany("INSERT INTO things VALUES (?, ?)", [(value, f"v{n}") for n, value in enumerate(values)])
    before = snapshot(db)
    first, last = ("0", "3") if kind == "REAL" else ("x''", "x'FF'")
    unit = plan(db, update({"k": f"CASE k WHEN {first} THEN {last} WHEN {last} THEN {first} ELSE k END"}))
    run(db, unit)
    assert db.execute("SELECT k FROM things ORDER BY v").fetchall() == [(value,) for value in reversed(values)]
    undo(db, unit)
    assert snapshot(db) == before


def test_a_sub_select_on_another_table_is_asked_batch_by_batch():
    db = things()
    db.execute("CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT)")
    db.execute("INSERT INTO names SELECT id, 'n' || id FROM things WHERE id > 5")
    before = snapshot(db)
    unit = plan(db, update({"w": "coalesce((SELECT name FROM names WHERE names.id = things.id), 'w')"}))
    assert unit.loop is not None and unit.loop.table == "things"
    assert run(db, unit, size=2).counts == {"selected": len(ODD), "written": 8}
    assert db.execute(f'SELECT count(*) FROM "{unit.keeps[0]}"').fetchone() == (8,)
    undo(db, unit)
    assert snapshot(db) == before


def test_a_window_function_sees_all_rows_as_they_were():
    db = things()
    before = snapshot(db)
    unit = plan(db, update({"v": "sum(id) OVER (ORDER BY id)"}))
    run(db, unit, size=2)
    ids = [id for (id,) in db.execute("SELECT id FROM things ORDER BY id")]
    assert [v for (v,) in db.execute("SELECT v FROM things ORDER BY id")] == [
        sum(ids[: n + 1]) for n in range(len(ids))
    ]
    undo(db, unit)
    assert snapshot(db) == before


def test_values_that_do_not_parse_stop_the_step_before_it_writes():
    db = things()
    with pytest.raises(CheckFailed, match=r"things\.v"):
        run(db, plan(db, update({"v": Parse(Sql("v"), "bigint")})))
    run(db, plan(db, update({"v": Parse(Sql("v"), "bigint", (), Literal(None, "null"))})))
    assert db.execute("SELECT v FROM things WHERE v IS NOT NULL").fetchall() == [(7,), (2**63 - 1,), (7,)]


def test_values_that_differ_when_asked_again_are_written_as_noted():
    db = things()
    before = snapshot(db)
    for expression in ("hex(randomblob(8))", "upper(w) || id"):
        unit = plan(db, update({"v": expression}, "id > 0"))
        assert run(db, unit, size=2).counts == {"selected": 10, "written": 10}
        assert conflicts(db, unit) == {}
        undo(db, unit)
        assert snapshot(db) == before
    unit = plan(db, update({"w": "trim(w)"}, "id > 0"))
    assert run(db, unit, size=2).counts == {"selected": 10, "written": 0}


def test_join_takes_values_of_another_table_and_leaves_rows_without_partner():
    db = database(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, customer_id INTEGER, country TEXT);;"
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, country TEXT);;"
        "INSERT INTO things VALUES (1, 10, NULL), (2, 11, 'x'), (3, 99, 'y'), (4, NULL, 'z');;"
        "INSERT INTO customers VALUES (10, 'PT'), (11, 'DE'), (12, 'FR')"
    )
    before = snapshot(db)
    join = Join(Sql("customers.id = things.customer_id"), "customers")
    unit = plan(db, update({"country": "customers.country"}, join=join))
    assert run(db, unit, size=1).counts == {"selected": 2, "written": 2}
    assert db.execute("SELECT country FROM things").fetchall() == [("PT",), ("DE",), ("y",), ("z",)]
    undo(db, unit)
    assert snapshot(db) == before
    query = Join(Sql("c.id = customer_id"), query=Sql("SELECT id, lower(country) AS low FROM customers"), alias="c")
    run(db, plan(db, update({"country": "low"}, join=query)))
    assert db.execute("SELECT country FROM things WHERE id < 3").fetchall() == [("pt",), ("de",)]


def test_a_partner_that_comes_from_the_table_itself_is_read_as_it_was():
    db = database(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, n INTEGER);;"
        "CREATE VIEW totals AS SELECT sum(n) AS total FROM things;;"
        "INSERT INTO things VALUES (1, 1), (2, 2), (3, 3)"
    )
    run(db, plan(db, update({"n": "total"}, join=Join(Sql("true"), "totals"))), size=1)
    assert db.execute("SELECT n FROM things").fetchall() == [(6,), (6,), (6,)]


def test_a_row_with_two_partners_stops_the_step_before_it_writes():
    db = things()
    db.execute("CREATE TABLE p (thing INTEGER, v)")
    db.execute("INSERT INTO p VALUES (-4, 1), (-4, 2), (2, 3)")
    with pytest.raises(CheckFailed) as caught:
        run(db, plan(db, update({"v": "p.v"}, join=Join(Sql("p.thing = things.id"), "p"))))
    assert caught.value.args[1:] == (1, [(-4, 2)])


def test_triggers_that_fire_are_noted_and_the_undo_fires_none():
    db = things()
    db.execute("CREATE TABLE log (n INTEGER PRIMARY KEY AUTOINCREMENT, what)")
    db.execute(
        "CREATE TRIGGER touch AFTER UPDATE OF v ON things BEGIN INSERT INTO log (what) VALUES (old.v);"
        " UPDATE things SET w = 'touched' WHERE id = new.id; END"
    )
    db.execute("INSERT INTO log (what) VALUES ('before')")
    before = snapshot(db)
    unit = plan(db, update({"v": "coalesce(v, '') || '!'"}))
    run(db, unit, size=2)
    assert db.execute("SELECT count(*) FROM log").fetchone() == (1 + len(ODD),)
    assert conflicts(db, unit) == {}
    undo(db, unit)
    assert snapshot(db) == before
    unit = plan(db, update({"v": "'x'"}))
    run(db, unit)
    db.execute("CREATE TRIGGER later AFTER UPDATE ON things BEGIN SELECT 1; END")
    assert conflicts(db, unit) == {("schema", "things"): 1}


def test_a_trigger_that_replaces_rows_makes_the_step_irreversible_and_says_so():
    db = things()
    db.execute("CREATE TABLE last (id INTEGER PRIMARY KEY, v)")
    db.execute("CREATE TRIGGER r AFTER UPDATE ON things BEGIN INSERT OR REPLACE INTO last VALUES (1, new.v); END")
    unit = plan(db, update({"v": "'x'"}))
    assert unit.reversible == "no" and "r replaces rows" in unit.reason
    run(db, unit)


def test_foreign_keys_that_are_set_null_by_a_changed_key_come_back():
    db = database(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, code TEXT UNIQUE);;"
        "CREATE TABLE kids (id INTEGER PRIMARY KEY, code TEXT REFERENCES things (code) ON UPDATE SET NULL);;"
        "INSERT INTO things VALUES (1, 'a'), (2, 'b');; INSERT INTO kids VALUES (1, 'a'), (2, 'b'), (3, NULL)"
    )
    before = snapshot(db)
    unit = plan(db, update({"code": "code || code"}))
    run(db, unit, size=1)
    assert db.execute("SELECT code FROM kids").fetchall() == [(None,), (None,), (None,)]
    undo(db, unit)
    assert snapshot(db) == before


def test_a_table_without_a_key_is_changed_in_one_transaction():
    db = database("CREATE TABLE things (v);; INSERT INTO things VALUES ('a'), ('a'), (NULL)")
    before = snapshot(db)
    unit = plan(db, update({"v": "upper(v)"}))
    assert unit.loop is None and "no key" in unit.why
    assert run(db, unit).counts == {"selected": 3, "written": 2}
    undo(db, unit)
    assert snapshot(db) == before


def test_keys_of_every_kind_lead_back():
    for text in (
        "CREATE TABLE things (k TEXT PRIMARY KEY COLLATE NOCASE NOT NULL, v)",
        "CREATE TABLE things (k TEXT COLLATE NOCASE, l INTEGER, v, PRIMARY KEY (k, l)) WITHOUT ROWID",
        "CREATE TABLE things (v, k TEXT NOT NULL UNIQUE, rowid TEXT)",
        'CREATE TABLE things ("odd ""key" TEXT NOT NULL PRIMARY KEY, v)',
        "CREATE TABLE things (k INTEGER PRIMARY KEY DESC NOT NULL, v)",
    ):
        db = database(text)
        columns = [row[1] for row in db.execute("PRAGMA table_info(things)")]
        for n in range(8):
            values = ["v" if c == "v" else n * 5 - 3 if c == "l" else f"K{n}" if n % 2 else f"k{n}" for c in columns]
            if "DESC" in text:
                values = [n, "v"]
            db.execute(f"INSERT INTO things VALUES ({', '.join('?' * len(values))})", values)
        before = snapshot(db)
        unit = plan(db, update({"v": "v || 'x'"}))
        assert unit.loop is not None
        assert run(db, unit, size=3).counts["written"] == 8
        undo(db, unit)
        assert snapshot(db) == before


def test_a_given_key_that_is_not_the_tables_own_cuts_the_batches():
    db = things()
    db.execute("UPDATE things SET w = 'w' || id")
    before = snapshot(db)
    unit = plan(db, update({"v": "1"}, key=("w",)))
    assert unit.loop is not None and unit.loop.keys == ("w",)
    run(db, unit, size=2)
    assert db.execute("SELECT DISTINCT v FROM things").fetchall() == [(1,)]
    undo(db, unit)
    assert snapshot(db) == before
    db.execute("UPDATE things SET w = 'same'")
    with pytest.raises(CheckFailed, match="unique"):
        run(db, plan(db, update({"v": "2"}, key=("w",))))


def test_a_value_that_is_taken_in_a_unique_key_stops_the_undo():
    db = database(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, v TEXT UNIQUE);; INSERT INTO things VALUES (1, 'a'), (2, 'b')"
    )
    unit = plan(db, update({"v": "v || '2'"}))
    run(db, unit)
    assert conflicts(db, unit) == {}
    db.execute("INSERT INTO things VALUES (3, 'a')")
    assert conflicts(db, unit) == {("taken", "things"): 1}


def test_expectations_and_estimates_are_asked_in_the_databases_words():
    db = things()
    asked = []

    def rows(sql: str) -> int:
        asked.append(sql)
        return db.execute(sql).fetchone()[0]

    unit = plan(
        db,
        update({"w": "CURRENT_TIMESTAMP"}, "w < CURRENT_TIMESTAMP OR id > 0", expect=Expect(maximum=5)),
        rows=rows,
    )
    assert unit.rows == len(ODD) - 2 and "CURRENT_TIMESTAMP" in asked[0]
    assert unit.expectation is not None and unit.expectation.text == "at most 5"
    run(db, unit)
    assert db.execute("SELECT DISTINCT w FROM things WHERE id > 0").fetchall() == [(NOW,)]


def test_irreversible_steps_keep_no_journal():
    db = things()
    unit = plan(db, update({"w": "'x'"}), irreversible="asked for")
    assert (unit.keeps, unit.undo, unit.reversible, unit.reason) == ((), (), "no", "asked for")


@pytest.mark.parametrize(
    ("change", "rule", "path"),
    [
        (update({"nope": "1"}), "RF102", ("set", "nope", "<key>")),
        (update({"g": "1"}), "RF109", ("set", "g", "<key>")),
        (update({"v": "vv"}), "RF102", ("set", "v")),
        (update({"v": "(SELECT x FROM nowhere)"}), "RF101", ("set", "v")),
        (update({"v": "nosuch(v)"}), "RF112", ("set", "v")),
        (update({"v": "max(v)"}), "SP110", ("set", "v")),
        (update({"v": Parse(Sql("v"), "colour")}), "SP110", ("set", "v", "as")),
        (update({"v": "1"}, join=Join(Sql("1"), "things")), "RF110", ("join", "table")),
        (update({"v": "1"}, join=Join(Sql("1"), query=Sql("SELECT 1"))), "SP102", ("join",)),
    ],
)
def test_what_can_not_be_is_said_at_its_place(change, rule, path):
    db = things()
    with pytest.raises(Problem) as caught:
        plan(db, change)
    assert (caught.value.rule, caught.value.path) == (rule, path)


def test_new_values_that_follow_from_the_old_ones_are_not_stored_and_changes_since_are_still_seen():
    db = database("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT, n INTEGER);; INSERT INTO t VALUES "
                  "(1, ' x ', 'q', 1), (2, 'y', NULL, 2), (3, ' z', 'r', 3), (4, ' w', 's', 4), (5, 7, 't', 5)")  # fmt: skip
    before = snapshot(db)
    unit = plan(
        db, UpdateRows("t", (("a", Sql("upper(trim(a)) || coalesce(b, '')")), ("b", Sql("length(a)"))), Sql("id > 0"))
    )
    assert not any('"new_a"' in s.sql for s in unit.statements())
    run(db, unit)
    assert db.execute("SELECT a, b, typeof(b) FROM t").fetchall() == [
        ("Xq", "3", "text"), ("Y", "1", "text"), ("Zr", "2", "text"), ("Ws", "2", "text"), ("7t", "1", "text"),
    ]  # fmt: skip
    assert conflicts(db, unit) == {}
    db.execute("UPDATE t SET a = 'mine' WHERE id = 3")
    db.execute("UPDATE t SET b = 2 WHERE id = 4")  # text again: the same value
    assert conflicts(db, unit) == {("changed", "t"): 1}
    undo(db, unit, drop=False)
    assert db.execute("SELECT a FROM t WHERE id = 3").fetchone() == ("mine",)
    undo(db, unit, force=1)
    assert db.execute("SELECT id, a FROM engine_forced_1").fetchall() == [(3, "mine")]
    db.execute("DROP TABLE engine_forced_1")
    assert snapshot(db) == before


def test_new_values_are_stored_where_they_need_more_than_the_old_ones():
    script = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT COLLATE NOCASE, n INTEGER);; INSERT INTO t VALUES (1, 'x', 'y', 2)"
    for given in (
        (("a", Sql("a || b")),),
        (("n", Sql("n + 1")),),
        (("b", Sql("upper(b)")),),
        (("a", Sql("CURRENT_TIMESTAMP")),),
    ):
        db = database(script)
        unit = plan(db, UpdateRows("t", given, Sql("id > 0")))
        assert any(f'"new_{given[0][0]}"' in s.sql for s in unit.statements()), given
