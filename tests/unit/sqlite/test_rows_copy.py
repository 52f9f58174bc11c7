"""Copies: what arrives, what is noted, and that the undo gives back what was there."""

from __future__ import annotations

import pytest

from engine.errors import Problem
from engine.model.changes import CopyRows, Expect, FirstOf, OrderPart
from engine.model.expression import Literal, Parse, Sql
from tests.unit.sqlite.rows_runner import NOW, CheckFailed, conflicts, database, plan, run, snapshot, undo

SHORTS = """
CREATE TABLE shorts (id INTEGER PRIMARY KEY, video_id TEXT NOT NULL, title TEXT, views);;
CREATE TABLE results (id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, source_id TEXT NOT NULL, title TEXT,
  views INTEGER, at TEXT DEFAULT 'never');;
CREATE UNIQUE INDEX uq ON results (source, source_id);;
INSERT INTO results (id, source, source_id, title) VALUES (7, 'old', 'a', 'here before'), (9, 'new', 'v3', 'taken');;
DELETE FROM results WHERE id = 99
"""
ODD = [
    (1, "v1", "", None),
    (2, "v2", "emoji 🎬", 2**63 - 1),
    (5, "v3", "nul\0inside", 1e308),
    (6, "v4", None, b"\x00\xff"),
    (8, "v1", " padded ", "007"),
    (100, "v6", "x", -0.0),
    (101, "v7", "y", -(2**63)),
]


def shorts():
    db = database(SHORTS)
    db.executemany("INSERT INTO shorts VALUES (?, ?, ?, ?)", ODD)
    return db


def copy(**changes):
    fields = {
        "source": "shorts",
        "query": None,
        "target": "results",
        "columns": (
            ("source", Literal("new", "new")),
            ("source_id", Sql("video_id")),
            ("title", Sql("title")),
            ("views", Sql("views")),
        ),
        "on_conflict": "skip",
        "conflict_key": ("source", "source_id"),
    }
    return CopyRows(**(fields | changes))


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_copy_brings_each_row_once_and_undo_leaves_no_trace(size):
    db = shorts()
    before = snapshot(db)
    unit = plan(db, copy())
    totals = run(db, unit, size=size)
    assert totals.counts == {"selected": 7, "written": 5}
    rows = db.execute("SELECT source_id, title, views FROM results WHERE source = 'new' ORDER BY id").fetchall()
    assert rows == [
        ("v3", "taken", None),
        ("v1", "", None),
        ("v2", "emoji 🎬", 2**63 - 1),
        ("v4", None, b"\x00\xff"),
        ("v6", "x", 0),
        ("v7", "y", -(2**63)),
    ]
    assert conflicts(db, unit) == {}
    undo(db, unit, size=size)
    assert snapshot(db) == before


def test_copy_into_a_table_of_the_same_migration_keeps_no_journal():
    db = shorts()
    unit = plan(db, copy(), made_here=frozenset({"results"}))
    assert unit.keeps == () and unit.undo == () and unit.reversible == "derived" and unit.before == ()
    run(db, unit)
    assert db.execute("SELECT count(*) FROM results").fetchone() == (7,)


def test_rows_changed_since_are_conflicts_and_stay_unless_forced():
    db = shorts()
    before = snapshot(db)
    unit = plan(db, copy())
    run(db, unit)
    db.execute("UPDATE results SET title = 'edited' WHERE source_id = 'v2'")
    db.execute("INSERT INTO results (source, source_id) VALUES ('mine', 'z')")
    assert conflicts(db, unit) == {("changed", "results"): 1}
    undo(db, unit, drop=False)
    assert db.execute("SELECT source, source_id FROM results ORDER BY id").fetchall() == [
        ("old", "a"), ("new", "v3"), ("new", "v2"), ("mine", "z"),
    ]  # fmt: skip
    undo(db, unit, force=1)
    assert db.execute("SELECT title FROM engine_forced_1").fetchall() == [("edited",)]  # what force took is kept
    db.execute("DROP TABLE engine_forced_1")
    db.execute("DELETE FROM results WHERE source = 'mine'")
    assert {k: v for k, v in snapshot(db).items() if k != "table sqlite_sequence"} == {
        k: v for k, v in before.items() if k != "table sqlite_sequence"
    }


def test_counter_stays_where_others_moved_it():
    db = shorts()
    unit = plan(db, copy())
    run(db, unit)
    db.execute("INSERT INTO results (source, source_id) VALUES ('mine', 'z')")
    db.execute("DELETE FROM results WHERE source = 'mine'")
    (mark,) = db.execute("SELECT seq FROM sqlite_sequence").fetchone()
    undo(db, unit)
    assert db.execute("SELECT seq FROM sqlite_sequence").fetchone() == (mark,)


def test_rows_of_others_between_batches_are_not_taken_for_the_copys():
    db = shorts()
    unit = plan(db, copy())
    run(db, unit, between=["INSERT INTO results (source, source_id) VALUES ('other', 'o')"])
    assert conflicts(db, unit) == {}
    undo(db, unit)
    assert db.execute("SELECT source FROM results ORDER BY id").fetchall() == [("old",), ("new",), ("other",)]


def test_a_copy_that_broke_off_is_undone_as_far_as_it_came():
    db = shorts()
    before = snapshot(db)
    unit = plan(db, copy())
    run(db, unit, size=2, stop_after=2)
    undo(db, unit)
    assert snapshot(db) == before


def test_replace_changes_only_the_mapped_columns_and_the_last_row_counts():
    db = shorts()
    before = snapshot(db)
    db.execute("UPDATE results SET at = 'kept' WHERE source_id = 'v3'")
    before = snapshot(db)
    unit = plan(db, copy(on_conflict="replace"))
    totals = run(db, unit, size=2)
    assert totals.counts == {"selected": 7, "written": 7}
    assert db.execute("SELECT id, title, at FROM results WHERE source_id = 'v3'").fetchall() == [
        (9, "nul\0inside", "kept")
    ]
    assert db.execute("SELECT title FROM results WHERE source_id = 'v1'").fetchall() == [(" padded ",)]
    assert conflicts(db, unit) == {}
    undo(db, unit)
    assert snapshot(db) == before


def test_given_keys_are_noted_and_the_counter_stands_above_them():
    db = database(
        "CREATE TABLE a (id INTEGER PRIMARY KEY, t);; CREATE TABLE b (id INTEGER PRIMARY KEY AUTOINCREMENT, t);;"
        "INSERT INTO a VALUES (-5, 'minus'), (3, x'00'), (400, 1.5);; INSERT INTO b VALUES (2, 'mine')"
    )
    before = snapshot(db)
    unit = plan(db, CopyRows("a", None, "b", None))
    run(db, unit, size=1)
    assert db.execute("SELECT id, t FROM b ORDER BY id").fetchall() == [
        (-5, "minus"), (2, "mine"), (3, b"\x00"), (400, 1.5),
    ]  # fmt: skip
    assert db.execute("SELECT seq FROM sqlite_sequence").fetchone() == (400,)
    undo(db, unit)
    assert snapshot(db) == before


def test_first_of_takes_one_row_per_group_and_nulls_are_never_alike():
    db = database(
        "CREATE TABLE a (id INTEGER PRIMARY KEY, mail TEXT, n INTEGER);; CREATE TABLE b (a INTEGER, mail TEXT);;"
        "INSERT INTO a VALUES (1, 'X', 1), (2, 'x', 9), (3, NULL, 1), (4, NULL, 1), (5, 'y', 2), (6, 'y', 2)"
    )
    first = FirstOf((OrderPart(sql=Sql("lower(mail)")),), (OrderPart("n", order="desc"),))
    before = snapshot(db)
    unit = plan(db, CopyRows("a", None, "b", (("a", Sql("id")), ("mail", Sql("mail"))), first_of=first))
    assert run(db, unit, size=1).counts == {"selected": 4, "written": 4}
    assert db.execute("SELECT a FROM b ORDER BY a").fetchall() == [(2,), (3,), (4,), (5,)]
    undo(db, unit)
    assert snapshot(db) == before


def test_a_copy_into_its_own_table_ends():
    db = database(
        "CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER);; INSERT INTO a VALUES (1, 1), (2, 2), (3, 3), (9, 9)"
    )
    before = snapshot(db)
    unit = plan(db, CopyRows("a", None, "a", (("n", Sql("n * 10")),), where=Sql("n < 5")))
    assert run(db, unit, size=1).counts == {"selected": 3, "written": 3}
    assert db.execute("SELECT id, n FROM a").fetchall() == [
        (1, 1),
        (2, 2),
        (3, 3),
        (9, 9),
        (10, 10),
        (11, 20),
        (12, 30),
    ]
    undo(db, unit)
    assert snapshot(db) == before


def test_where_that_reads_the_target_means_the_target_as_it_was():
    db = database(
        "CREATE TABLE a (id INTEGER PRIMARY KEY, g TEXT);; CREATE TABLE b (id INTEGER PRIMARY KEY, g TEXT);;"
        "INSERT INTO a VALUES (1, 'x'), (2, 'x'), (3, 'x'), (4, 'y');; INSERT INTO b VALUES (1, 'y')"
    )
    unit = plan(
        db,
        CopyRows("a", None, "b", (("g", Sql("g")),), where=Sql("NOT EXISTS (SELECT 1 FROM b WHERE b.g = a.g)")),
    )
    assert run(db, unit, size=1).counts == {"selected": 3, "written": 3}
    assert unit.loop is not None and unit.loop.table not in unit.keeps
    assert not db.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (unit.loop.table,)).fetchone()


def test_a_query_is_copied_by_its_key_and_read_once():
    db = shorts()
    before = snapshot(db)
    query = Sql("SELECT video_id, max(title) AS title, count(*) AS n FROM shorts GROUP BY video_id")
    unit = plan(
        db,
        copy(
            source="",
            query=query,
            key=("video_id",),
            columns=(("source", Literal("q", "q")), ("source_id", Sql("video_id")), ("views", Sql("n"))),
            expect=Expect(exact=6),
        ),
    )
    assert unit.expectation is not None and unit.expectation.early is not None
    assert db.execute(unit.expectation.early.sql).fetchone() == (6,)
    run(db, unit, size=2)
    assert db.execute("SELECT source_id, views FROM results WHERE source = 'q' ORDER BY 1").fetchall() == [
        ("v1", 2), ("v2", 1), ("v3", 1), ("v4", 1), ("v6", 1), ("v7", 1),
    ]  # fmt: skip
    undo(db, unit)
    assert snapshot(db) == before


def test_triggers_of_the_target_are_noted_with_what_they_write():
    db = shorts()
    db.execute("CREATE TABLE log (at TEXT, id INTEGER, PRIMARY KEY (id, at)) WITHOUT ROWID")
    db.execute("CREATE TABLE sums (source TEXT PRIMARY KEY COLLATE NOCASE, n INTEGER)")
    db.execute("INSERT INTO sums VALUES ('OLD', 1)")
    db.execute(
        "CREATE TRIGGER noted AFTER INSERT ON results BEGIN INSERT INTO log VALUES ('t', new.id);"
        " INSERT OR IGNORE INTO sums VALUES (new.source, 0); UPDATE sums SET n = n + 1 WHERE source = new.source;"
        " UPDATE results SET at = 'touched' WHERE id = new.id; END"
    )
    before = snapshot(db)
    unit = plan(db, copy())
    run(db, unit, size=2)
    assert db.execute("SELECT n FROM sums WHERE source = 'new'").fetchone() == (5,)
    assert set(unit.touches) == {"results", "log", "sums"}
    assert conflicts(db, unit) == {}
    undo(db, unit)
    assert snapshot(db) == before


def test_triggers_skip_holds_them_still_and_leaves_their_texts():
    db = shorts()
    db.execute("CREATE TABLE log (id INTEGER)")
    db.execute("CREATE TRIGGER noted AFTER INSERT ON results BEGIN INSERT INTO log VALUES (new.id); END")
    before = snapshot(db)
    unit = plan(db, copy(triggers="skip"))
    run(db, unit)
    assert db.execute("SELECT count(*) FROM log").fetchone() == (0,)
    assert {s for s in snapshot(db)["schema"] if not s[1].startswith("engine_")} == before["schema"]
    undo(db, unit)
    assert snapshot(db) == before


def test_rows_that_others_refer_to_by_now_are_conflicts_and_are_not_cascaded_away():
    db = shorts()
    db.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, result INTEGER REFERENCES results ON DELETE CASCADE)")
    unit = plan(db, copy())
    run(db, unit)
    db.execute("INSERT INTO notes SELECT 1, id FROM results WHERE source_id = 'v2'")
    assert conflicts(db, unit) == {("added", "results"): 1}
    undo(db, unit)
    assert db.execute("SELECT count(*) FROM notes").fetchone() == (1,)
    assert db.execute("SELECT count(*) FROM results WHERE source_id = 'v2'").fetchone() == (1,)


def test_the_clock_is_the_steps_start_in_each_row():
    db = shorts()
    unit = plan(
        db,
        copy(
            columns=(
                ("source", Literal("n", "n")),
                ("source_id", Sql("video_id")),
                ("at", Sql("CURRENT_TIMESTAMP")),
            )
        ),
    )
    run(db, unit)
    assert db.execute("SELECT DISTINCT at FROM results WHERE source = 'n'").fetchall() == [(NOW,)]


def test_a_source_without_a_key_is_copied_in_one_transaction():
    db = database("CREATE TABLE a (x);; CREATE TABLE b (x);; INSERT INTO a VALUES (1), ('1'), (NULL), (1)")
    before = snapshot(db)
    unit = plan(db, CopyRows("a", None, "b", None))
    assert unit.loop is None and "no key" in unit.why
    run(db, unit)
    assert db.execute("SELECT x, typeof(x) FROM b").fetchall() == [
        (1, "integer"),
        ("1", "text"),
        (None, "null"),
        (1, "integer"),
    ]
    undo(db, unit)
    assert snapshot(db) == before


def test_first_of_needs_no_key_in_a_table():
    db = database("CREATE TABLE a (x, y);; CREATE TABLE b (x, y);; INSERT INTO a VALUES (1, 'p'), (1, 'q'), (2, 'r')")
    unit = plan(db, CopyRows("a", None, "b", None, Sql("y <> '{}'"), FirstOf((OrderPart("x"),))))
    assert run(db, unit).counts == {"selected": 2, "written": 2}
    assert db.execute("SELECT y FROM b").fetchall() == [("p",), ("r",)]
    view = database("CREATE TABLE a (x);; CREATE TABLE b (x);; CREATE VIEW v AS SELECT x FROM a")
    with pytest.raises(Problem, match="ties"):
        plan(view, CopyRows("v", None, "b", None, first_of=FirstOf((OrderPart("x"),))))


def test_a_view_is_copied_with_and_without_a_key():
    db = shorts()
    db.execute("CREATE VIEW titled AS SELECT id AS n, title FROM shorts WHERE title IS NOT NULL")
    db.execute("CREATE TABLE titles (n INTEGER, title TEXT)")
    before = snapshot(db)
    for key in ((), ("n",)):
        unit = plan(db, CopyRows("titled", None, "titles", None, key=key))
        assert (unit.loop is None) == (not key)
        assert run(db, unit, size=2).counts == {"selected": 6, "written": 6}
        undo(db, unit)
        assert snapshot(db) == before
    with pytest.raises(Problem) as caught:
        plan(db, CopyRows("titled", None, "titles", None, key=("m",)))
    assert (caught.value.rule, caught.value.path) == ("RF102", ("key", 0))


def test_a_window_function_sees_all_rows_at_once():
    db = shorts()
    db.execute("CREATE TABLE ranks (id INTEGER, place INTEGER)")
    columns = (("id", Sql("id")), ("place", Sql("row_number() OVER (ORDER BY id DESC)")))
    run(db, plan(db, CopyRows("shorts", None, "ranks", columns)), size=2)
    assert db.execute("SELECT place FROM ranks ORDER BY id").fetchall() == [(n,) for n in range(7, 0, -1)]


def test_rows_that_a_foreign_key_defends_stay_even_when_forced():
    db = shorts()
    db.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, result INTEGER REFERENCES results)")
    unit = plan(db, copy())
    run(db, unit)
    db.execute("INSERT INTO notes SELECT 1, id FROM results WHERE source_id = 'v2'")
    assert conflicts(db, unit) == {("added", "results"): 1}
    undo(db, unit, force=1)
    assert db.execute("SELECT source_id FROM results WHERE source = 'new' ORDER BY id").fetchall() == [("v3",), ("v2",)]


def test_what_sqlite_does_without_telling_makes_a_copy_irreversible():
    db = database(
        "CREATE TABLE a (id INTEGER PRIMARY KEY, x);; CREATE TABLE b (x UNIQUE ON CONFLICT REPLACE)",
        "CREATE TABLE c (x);; CREATE VIRTUAL TABLE f USING fts5 (x);;"
        "CREATE TRIGGER tf AFTER INSERT ON c BEGIN INSERT INTO f VALUES (new.x); END",
    )
    unit = plan(db, CopyRows("a", None, "b", None))
    assert unit.reversible == "no" and "ON CONFLICT REPLACE" in unit.reason
    unit = plan(db, CopyRows("a", None, "c", None))  # a trigger that feeds a full-text index
    assert unit.reversible == "no" and "belongs to an extension" in unit.reason


def test_expect_rows_may_be_a_query_or_bounds():
    db = shorts()
    unit = plan(db, copy(expect=Expect(query=Sql("SELECT count(*) FROM shorts"))))
    assert unit.expectation is not None and unit.expectation.query is not None and unit.expectation.early is not None
    unit = plan(db, copy(expect=Expect(minimum=1, maximum=9)))
    assert unit.expectation is not None and unit.expectation.text == "at least 1 and at most 9"
    unit = plan(db, copy(expect=Expect(every=True)))
    assert unit.expectation is not None and unit.expectation.every and unit.on_conflict == "skip"


def test_a_target_whose_row_ids_are_used_up_stops_the_copy():
    db = database(
        "CREATE TABLE a (id INTEGER PRIMARY KEY, x);; CREATE TABLE b (id INTEGER PRIMARY KEY, x)",
        "INSERT INTO a VALUES (1, 1)",
        "INSERT INTO b VALUES (9223372036854775807, 'last')",
    )
    with pytest.raises(CheckFailed, match="room"):
        run(db, plan(db, CopyRows("a", None, "b", (("x", Sql("x")),))))


def test_composite_text_keys_under_nocase_are_walked_without_loss():
    db = database(
        "CREATE TABLE a (x TEXT COLLATE NOCASE NOT NULL, y INTEGER NOT NULL, v, PRIMARY KEY (x, y)) WITHOUT ROWID;;"
        "CREATE TABLE b (x TEXT, y INTEGER, v)"
    )
    rows = [(chr(97 + n % 5).upper() if n % 2 else chr(97 + n % 5), n * 7 % 23, n) for n in range(40)]
    db.executemany("INSERT OR IGNORE INTO a VALUES (?, ?, ?)", rows)
    (count,) = db.execute("SELECT count(*) FROM a").fetchone()
    for size in (1, 2, 7):
        unit = plan(db, CopyRows("a", None, "b", None))
        assert run(db, unit, size=size).counts["written"] == count
        undo(db, unit)
    assert db.execute("SELECT count(*) FROM b").fetchone() == (0,)


def test_null_keys_stop_the_copy_before_it_writes():
    db = database(
        "CREATE TABLE a (code TEXT PRIMARY KEY, v);; CREATE TABLE b (code, v);;INSERT INTO a VALUES ('x', 1), (NULL, 2)"
    )
    with pytest.raises(CheckFailed, match="code"):
        run(db, plan(db, CopyRows("a", None, "b", None)))
    assert db.execute("SELECT count(*) FROM b").fetchone() == (0,)


def test_values_that_do_not_parse_stop_the_copy_before_it_writes():
    db = database(
        "CREATE TABLE a (id INTEGER PRIMARY KEY, v);; CREATE TABLE b (v INTEGER);;"
        "INSERT INTO a VALUES (1, ' 12 '), (2, 'x')"
    )
    with pytest.raises(CheckFailed, match="bigint"):
        run(db, plan(db, CopyRows("a", None, "b", (("v", Parse(Sql("v"), "bigint")),))))
    unit = plan(db, CopyRows("a", None, "b", (("v", Parse(Sql("v"), "bigint", (), Literal(None, "null"))),)))
    run(db, unit)
    assert db.execute("SELECT v FROM b").fetchall() == [(12,), (None,)]


@pytest.mark.parametrize(
    ("changes", "rule", "path", "hint"),
    [
        ({"source": "short"}, "RF101", ("from",), "did you mean `shorts`?"),
        ({"target": "result"}, "RF101", ("into",), "did you mean `results`?"),
        ({"where": Sql("vidoe_id = 1")}, "RF102", ("where",), "did you mean `video_id`?"),
        ({"where": Sql('"nope" = 1')}, "LT108", ("where",), "single quotes"),
        ({"where": Sql("title = = 1")}, "SP110", ("where",), ""),
        ({"conflict_key": ("title",)}, "SP111", ("conflict_key",), "source, source_id"),
        ({"key": ("idd",)}, "RF102", ("key", 0), "did you mean `id`?"),
        ({"columns": (("source", Sql("youtube")), ("source_id", Sql("video_id")))}, "RF102", ("columns",
            "source"), "{value: youtube}"),
        ({"columns": (("source", Sql("video_id")),)}, "DT109", ("columns", "<key>"), "source_id"),
        ({"columns": (("sourc", Sql("video_id")),)}, "RF102", ("columns", "sourc", "<key>"), "did you mean `source`?"),
        ({"first_of": FirstOf((OrderPart("vid"),))}, "RF102", ("first_of", "columns", 0), ""),
    ],
)  # fmt: skip
def test_what_can_not_be_is_said_at_its_place(changes, rule, path, hint):
    db = shorts()
    with pytest.raises(Problem) as caught:
        plan(db, copy(**changes))
    assert (caught.value.rule, caught.value.path) == (rule, path)
    assert hint in caught.value.hint
