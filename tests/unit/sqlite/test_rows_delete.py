"""Deletes: the rows that go, and those that foreign keys take along, come back as they were."""

from __future__ import annotations

import pytest

from engine.errors import Problem
from engine.model.changes import DeleteRows, FirstOf, OrderPart
from engine.model.expression import Sql
from tests.unit.sqlite.rows_runner import conflicts, database, plan, run, snapshot, undo

SHOP = """
CREATE TABLE artists (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, up AS (upper(name)));;
CREATE TABLE albums (id TEXT PRIMARY KEY NOT NULL, artist INTEGER REFERENCES artists (id) ON DELETE CASCADE, title);;
CREATE TABLE tracks (album TEXT REFERENCES albums ON DELETE CASCADE, n INTEGER, v, PRIMARY KEY (album,
  n)) WITHOUT ROWID;;
CREATE TABLE likes (artist INTEGER REFERENCES artists ON DELETE SET NULL, who TEXT);;
INSERT INTO artists (id, name) VALUES (1, 'a'), (5, 'b'), (9, NULL), (12, 'd');;
INSERT INTO albums VALUES ('x', 1, 1.5), ('y', 5, x'00'), ('z', 5, '007'), ('q', 12, NULL);;
INSERT INTO tracks VALUES ('x', 1, 'one'), ('y', 1, 'two'), ('z', 2, 2), ('q', 1, NULL);;
INSERT INTO likes VALUES (1, 'me'), (5, 'you'), (NULL, 'none'), (5, 'me')
"""


@pytest.mark.parametrize("size", [1, 2, 50])
def test_cascades_are_noted_the_whole_way_down(size):
    db = database(SHOP)
    before = snapshot(db)
    unit = plan(db, DeleteRows("artists", Sql("id < 10")), rows=lambda sql: db.execute(sql).fetchone()[0])
    assert "deletes 3 rows of albums (artist)" in unit.why and "changes 3 rows of likes (artist)" in unit.why
    assert unit.rows == 3 and set(unit.touches) == {"artists", "albums", "tracks", "likes"}
    assert run(db, unit, size=size).counts == {"selected": 3, "written": 3}
    assert db.execute("SELECT count(*) FROM tracks").fetchone() == (1,)
    assert db.execute("SELECT count(*) FROM likes WHERE artist IS NULL").fetchone() == (4,)
    assert conflicts(db, unit) == {}
    undo(db, unit, size=size)
    assert snapshot(db) == before


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v)",
        "CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, v)",
        "CREATE TABLE t (id TEXT COLLATE NOCASE, v, PRIMARY KEY (id, v)) WITHOUT ROWID",
        "CREATE TABLE t (id, v)",
        "CREATE TABLE t (id INT NOT NULL UNIQUE, v ANY) STRICT",
    ],
)
def test_rows_come_back_with_their_place_and_type(text):
    db = database(text)
    values = ["a", "", "🎬", "nul\0", b"\x00", 7, 1.5, 2**63 - 1]
    for n, v in enumerate(values):
        db.execute("INSERT INTO t VALUES (?, ?)", (n * 7, v))
    db.execute("DELETE FROM t WHERE id = 14")
    before = snapshot(db)
    unit = plan(db, DeleteRows("t", Sql("v <> 7")))
    assert run(db, unit).counts["written"] == 6
    assert conflicts(db, unit) == {}
    undo(db, unit)
    assert snapshot(db) == before


def test_keys_taken_since_are_conflicts_and_stay_unless_forced():
    db = database("CREATE TABLE t (id INTEGER PRIMARY KEY, v);; INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    before = snapshot(db)
    unit = plan(db, DeleteRows("t", Sql("id <> 3")))
    run(db, unit)
    db.execute("INSERT INTO t VALUES (1, 'mine')")
    assert conflicts(db, unit) == {("taken", "t"): 1}
    undo(db, unit, drop=False)
    assert db.execute("SELECT v FROM t").fetchall() == [("mine",), ("b",), ("c",)]
    undo(db, unit, force=1)
    assert db.execute("SELECT * FROM engine_forced_1").fetchall() == [(1, "mine")]  # what force overwrote is kept
    db.execute("DROP TABLE engine_forced_1")
    assert snapshot(db) == before


def test_all_but_the_first_of_each_group_go():
    db = database(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT, n);; INSERT INTO t VALUES"
        " (1, 'A', 2), (2, 'a', 1), (3, NULL, 1), (4, NULL, 1), (5, 'b', 1), (6, 'a', 1)"
    )
    before = snapshot(db)
    first = FirstOf((OrderPart(sql=Sql("lower(mail)")),), (OrderPart("n"),))
    unit = plan(db, DeleteRows("t", all_but_first_of=first))
    assert run(db, unit, size=1).counts == {"selected": 2, "written": 2}
    assert db.execute("SELECT id FROM t").fetchall() == [(2,), (3,), (4,), (5,)]
    undo(db, unit)
    assert snapshot(db) == before
    db = database("CREATE TABLE t (mail TEXT);; INSERT INTO t VALUES ('a'), ('a'), ('b'), ('a')")
    before = snapshot(db)
    unit = plan(db, DeleteRows("t", all_but_first_of=FirstOf((OrderPart("mail"),))))
    assert unit.loop is None and run(db, unit).counts == {"selected": 2, "written": 2}
    undo(db, unit)
    assert snapshot(db) == before


def test_a_given_key_cuts_the_batches():
    db = database(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER);; INSERT INTO t VALUES (1, 9), (2, 8), (3, 7), (4, 1)"
    )
    before = snapshot(db)
    unit = plan(db, DeleteRows("t", Sql("n > 5"), key=("n",)))
    assert unit.loop is not None and unit.loop.keys == ("n",)
    assert run(db, unit, size=2).counts == {"selected": 3, "written": 3}
    assert db.execute("SELECT id FROM t").fetchall() == [(4,)]
    undo(db, unit)
    assert snapshot(db) == before


def test_where_that_reads_the_table_means_it_as_it_was():
    db = database("CREATE TABLE t (id INTEGER PRIMARY KEY, n);; INSERT INTO t VALUES (1, 1), (2, 2), (3, 3), (4, 10)")
    unit = plan(db, DeleteRows("t", Sql("n < (SELECT avg(n) FROM t)")))
    assert run(db, unit, size=1).counts == {"selected": 3, "written": 3}
    assert not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'engine_undo_2'").fetchone()


def test_a_tree_that_refers_to_itself_comes_back():
    db = database(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, up INTEGER REFERENCES t ON DELETE CASCADE, v);;"
        "INSERT INTO t VALUES (9, NULL, 'root'), (1, 9, 'a'), (2, 1, 'b'), (3, NULL, 'other'), (4, 2, 'c')"
    )
    before = snapshot(db)
    unit = plan(db, DeleteRows("t", Sql("v = 'root' OR v = 'b'")))
    run(db, unit, size=1)
    assert db.execute("SELECT id FROM t").fetchall() == [(3,)]
    undo(db, unit)
    assert snapshot(db) == before


def test_delete_triggers_are_noted_and_the_undo_fires_none():
    db = database(SHOP)
    db.execute("CREATE TABLE gone (n INTEGER PRIMARY KEY AUTOINCREMENT, id)")
    db.execute("CREATE TRIGGER g AFTER DELETE ON artists BEGIN INSERT INTO gone (id) VALUES (old.id); END")
    db.execute("CREATE TRIGGER i AFTER INSERT ON artists BEGIN INSERT INTO gone (id) VALUES (-new.id); END")
    before = snapshot(db)
    unit = plan(db, DeleteRows("artists", Sql("true")))
    run(db, unit, size=2)
    assert db.execute("SELECT id FROM gone").fetchall() == [(1,), (5,), (9,), (12,)]
    undo(db, unit)
    assert snapshot(db) == before


def test_tables_of_this_migration_and_irreversible_steps_keep_no_journal():
    db = database("CREATE TABLE t (id INTEGER PRIMARY KEY);; INSERT INTO t VALUES (1), (2)")
    assert plan(db, DeleteRows("t", Sql("id = 1")), made_here=frozenset({"t"})).keeps == ()
    unit = plan(db, DeleteRows("t", Sql("id = 1")), irreversible="because")
    assert (unit.reversible, unit.undo) == ("no", ())
    run(db, unit)
    assert db.execute("SELECT id FROM t").fetchall() == [(2,)]


def test_a_child_that_forbids_the_delete_is_the_databases_to_say():
    db = database(
        "CREATE TABLE p (id INTEGER PRIMARY KEY);; CREATE TABLE c (p REFERENCES p);; INSERT INTO p VALUES (1);;"
        "INSERT INTO c VALUES (1)"
    )
    with pytest.raises(Exception, match="FOREIGN KEY"):
        run(db, plan(db, DeleteRows("p", Sql("1"))))


@pytest.mark.parametrize(
    ("change", "rule", "path"),
    [
        (DeleteRows("artist", Sql("1")), "RF101", ("from",)),
        (DeleteRows("artists", Sql("nme = 1")), "RF102", ("where",)),
        (DeleteRows("artists", Sql("1"), key=("nme",)), "RF102", ("key", 0)),
        (DeleteRows("artists", all_but_first_of=FirstOf(())), "SP110", ("all_but_first_of", "columns")),
    ],
)
def test_what_can_not_be_is_said_at_its_place(change, rule, path):
    with pytest.raises(Problem) as caught:
        plan(database(SHOP), change)
    assert (caught.value.rule, caught.value.path) == (rule, path)
