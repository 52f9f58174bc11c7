"""The shadow behaves as the real connection does, and a failed change leaves no trace."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from engine.dialects.base import Access, Catalogue, CatalogueObject
from engine.dialects.sqlite.shadow import Shadow
from engine.dialects.sqlite.shadow_connection import ShadowError
from engine.dialects.sqlite.touches import Touch
from tests.unit.sqlite.ddl_texts import catalogue

SHOP = (
    "CREATE TABLE artists(id INTEGER PRIMARY KEY, name TEXT, born)",
    'CREATE TABLE "album list"(id INTEGER PRIMARY KEY, title, artist REFERENCES artists(id) ON DELETE CASCADE)',
    "CREATE TABLE log(what)",
    'CREATE INDEX by_title ON "album list"(title)',
    "CREATE VIEW names AS SELECT name, count(*) AS albums FROM artists"
    ' JOIN "album list" a ON a.artist = artists.id GROUP BY name',
    "CREATE VIEW loud AS SELECT upper(name) AS name FROM names",
    "CREATE TRIGGER renamed AFTER UPDATE OF name ON artists WHEN new.born > 1900 BEGIN"
    " INSERT INTO log VALUES (old.name); END",
)


def shop(*more: str) -> Shadow:
    made = Shadow(Catalogue())
    for statement in (*SHOP, *more):
        made.run(statement)
    return made


def texts(shadow: Shadow) -> dict[str, str]:
    return {o.name: o.sql for o in shadow.catalogue().objects}


def test_a_catalogue_comes_back_byte_for_byte() -> None:
    before = shop().catalogue()
    again = Shadow(before)
    assert set(again.catalogue().objects) == set(before.objects)
    assert again.state.fingerprint() == shop().state.fingerprint()
    assert again.opaque == () and again.collations == ()


def test_texts_written_into_the_catalogue_by_hand_are_kept(tmp_path: Path) -> None:
    made = sqlite3.connect(tmp_path / "odd.db", isolation_level=None)
    made.execute("CREATE TABLE t(a)")
    made.execute("PRAGMA writable_schema=ON")
    made.execute("UPDATE sqlite_schema SET sql = 'create  table t /* odd */ (a, b)'")
    shadow = Shadow(catalogue(made))
    made.close()
    assert texts(shadow) == {"t": "create  table t /* odd */ (a, b)"}
    shadow.prepare("SELECT b FROM t")
    table = shadow.state.table("t")
    assert table is not None and [c.name for c in table.columns] == ["a", "b"]


def test_what_needs_an_extension_that_is_not_here_stays_as_text() -> None:
    objects = (
        CatalogueObject("table", "far", "far", "CREATE VIRTUAL TABLE far USING no_such_module(a)"),
        CatalogueObject("table", "odd", "odd", "CREATE TABLE odd(a CHECK (no_such_function(a)))"),
        CatalogueObject("table", "t", "t", "CREATE TABLE t(a)"),
        CatalogueObject("index", "i", "t", "CREATE INDEX i ON t(no_such_function(a))"),
        CatalogueObject("trigger", "tr", "odd", "CREATE TRIGGER tr AFTER INSERT ON odd BEGIN SELECT 1; END"),
        CatalogueObject("table", "fine", "fine", "CREATE TABLE fine(a)"),
    )
    shadow = Shadow(Catalogue(objects, ("engine_undo_3",)))
    assert {o.name for o in shadow.opaque} == {"far", "odd", "i", "tr"}
    assert {t.name: t.virtual for t in shadow.state.tables} == {
        "far": True,
        "odd": True,
        "t": True,
        "fine": False,
    }
    assert set(shadow.catalogue().objects) == set(objects)
    assert shadow.catalogue().taken == ("engine_undo_3",)
    assert shadow.clone().opaque == shadow.opaque


def test_tables_of_a_full_text_index_come_with_it() -> None:
    made = sqlite3.connect(":memory:")
    made.execute("CREATE VIRTUAL TABLE notes USING fts5(body, tag)")
    shadow = Shadow(catalogue(made))
    made.close()
    notes = shadow.state.table("notes")
    assert notes is not None and notes.virtual and [c.name for c in notes.columns] == ["body", "tag"]
    assert shadow.opaque == () and len(shadow.state.tables) == 6


def test_an_unknown_collation_is_stood_in_for_and_named() -> None:
    shadow = Shadow(
        Catalogue((CatalogueObject("table", "t", "t", "CREATE TABLE t(a COLLATE German, b COLLATE nocase)"),))
    )
    assert shadow.collations == ("German",)
    shadow.clone().run("CREATE INDEX i ON t(a)")
    with pytest.raises(ShadowError, match="no such collation sequence: french"):
        shadow.prepare("SELECT a FROM t ORDER BY a COLLATE french")


def test_a_rename_rewrites_texts_as_sqlite_does() -> None:
    shadow = shop()
    shadow.run('ALTER TABLE artists RENAME TO "the artists"')
    assert 'REFERENCES "the artists"(id)' in texts(shadow)["album list"]
    assert 'JOIN "album list" a ON a.artist = "the artists".id' in texts(shadow)["names"]
    assert 'ON "the artists" WHEN' in texts(shadow)["renamed"]


def test_settings_act_as_on_the_real_connection() -> None:
    shadow = shop()
    shadow.run("PRAGMA foreign_keys=OFF")
    shadow.run("PRAGMA legacy_alter_table=ON")
    copy = shadow.clone()  # settings go along
    copy.run("ALTER TABLE artists RENAME TO aside")
    assert "REFERENCES artists(id)" in texts(copy)["album list"] and "FROM artists" in texts(copy)["names"]
    copy.run("PRAGMA legacy_alter_table=OFF")
    with pytest.raises(ShadowError, match="no such table"):
        copy.run("ALTER TABLE log RENAME TO journal")
    assert "aside" not in texts(shadow)


def test_undo_goes_back_to_a_savepoint_as_often_as_wanted() -> None:
    shadow = shop()
    before, state = shadow.catalogue(), shadow.state
    point = shadow.savepoint()
    for _ in range(2):
        shadow.run("PRAGMA foreign_keys=OFF")
        shadow.run("DROP TABLE log")
        assert shadow.state.table("log") is None
        shadow.undo(point)
        assert shadow.catalogue() == before and shadow.state == state
    with pytest.raises(ShadowError, match="FOREIGN KEY"):  # they are on again
        shadow.run("INSERT INTO \"album list\" VALUES (1, 'x', 99)")


def test_a_copy_is_independent() -> None:
    shadow = shop()
    copy = shadow.clone()
    copy.run("CREATE TABLE more(a)")
    assert copy.state.table("more") and not shadow.state.table("more")


def test_an_open_transaction_is_not_copied() -> None:
    shadow = shop()
    shadow.run("BEGIN")
    with pytest.raises(ShadowError, match="transaction is open"):
        shadow.clone()
    shadow.run("ROLLBACK")


def test_the_engines_own_tables_can_be_used_but_are_not_in_the_state() -> None:
    shadow = shop("CREATE TABLE engine_undo_1(seq INTEGER PRIMARY KEY, old)")
    shadow.prepare("INSERT INTO engine_undo_1(old) SELECT name FROM artists WHERE id >= :lo1 AND id <= :hi1")
    assert shadow.state.table("engine_undo_1") is None
    assert shadow.catalogue().taken == ("engine_undo_1",)


def test_views_tell_their_columns_and_a_broken_one_has_none() -> None:
    shadow = shop("CREATE VIEW broken AS SELECT * FROM nowhere")
    assert {v.name: [c.name for c in v.columns] for v in shadow.state.views} == {
        "names": ["name", "albums"],
        "loud": ["name"],
        "broken": [],
    }
    shadow.run("CREATE TABLE nowhere(a, b)")
    broken = shadow.state.view("broken")
    assert broken is not None and [c.name for c in broken.columns] == ["a", "b"]


def test_the_state_is_read_again_only_when_something_changed() -> None:
    shadow = shop()
    first = shadow.state
    shadow.run("PRAGMA foreign_key_check(artists)")
    assert shadow.state is first
    shadow.run("CREATE TABLE more(a)")
    assert shadow.state is not first and shadow.state.tables[0] is first.tables[0]


def test_a_query_is_seen_through_its_views() -> None:
    assert shop().access("SELECT name FROM loud WHERE name LIKE :p") == Access(
        reads=frozenset(
            {
                ("loud", "name"),
                ("names", "name"),
                ("artists", "name"),
                ("artists", "id"),
                ("album list", "artist"),
            }
        ),
        writes=frozenset(),
        functions=frozenset({"upper", "like", "count"}),
    )


def test_counting_rows_reads_a_table_without_a_column() -> None:
    shadow = shop()
    assert shadow.access("SELECT count(*) FROM Artists").reads == {("artists", "")}
    assert shadow.access("WITH w AS (SELECT 1) SELECT count(*) FROM w").reads == frozenset()


def test_what_triggers_and_foreign_keys_do_counts() -> None:
    shadow = shop()
    assert shadow.access("UPDATE artists SET name = trim(name)").writes == {"artists", "log"}
    assert shadow.access("UPDATE artists SET born = 1").writes == {"artists"}
    assert shadow.access("DELETE FROM artists").writes == {"artists", "album list"}
    by_trigger = [t for t in shadow.touches("UPDATE artists SET name = 1") if t.source == "renamed"]
    assert Touch("read", "artists", "born", "renamed") in by_trigger
    assert Touch("write", "log", "", "renamed") in by_trigger


@pytest.mark.parametrize(
    ("sql", "writes"),
    [
        ("CREATE TABLE new(a)", {"new"}),
        ("CREATE TABLE new AS SELECT * FROM log", {"new"}),
        ("DROP TABLE log", {"log"}),
        ("ALTER TABLE log ADD COLUMN b", {"log"}),
        ("ALTER TABLE log RENAME COLUMN what TO why", {"log"}),
        ("CREATE INDEX i ON log(what)", {"log"}),
        ("DROP INDEX by_title", {"album list"}),
        ("CREATE VIEW v AS SELECT 1", {"v"}),
        ("DROP VIEW loud", {"loud"}),
        ("DROP TRIGGER renamed", {"artists"}),
    ],
)
def test_ddl_writes_what_it_is_on_and_is_not_run(sql: str, writes: set[str]) -> None:
    shadow = shop()
    before = shadow.catalogue()
    assert shadow.access(sql).writes == writes
    assert shadow.catalogue() == before


@pytest.mark.parametrize(
    ("sql", "quoted"),
    [
        ('SELECT "name", "nmae" FROM artists WHERE "id" = "x"', ("nmae", "x")),
        ('SELECT "name" AS "shown" FROM "artists" "a" ORDER BY "shown"', ()),
        ('INSERT INTO log VALUES ("text")', ("text",)),
        ('CREATE INDEX "i" ON "log"("wat")', ("wat",)),
        ("SELECT name, '\"x\"' FROM artists", ()),
        ('SELECT "a""b`" FROM artists', ('a"b`',)),
    ],
)
def test_quoted_names_that_sqlite_would_take_for_text_are_found(sql: str, quoted: tuple[str, ...]) -> None:
    assert shop().access(sql).quoted_text == quoted


def test_a_query_tells_the_names_of_its_columns() -> None:
    shadow = shop()
    assert shadow.columns("SELECT name, name, count(*) AS n FROM artists WHERE id > :lo1") == (
        "name",
        "name",
        "n",
    )
    assert shadow.columns("SELECT * FROM artists WHERE id IN (?, ?7)") == ("id", "name", "born")
    assert shadow.columns("VALUES (1, 2)") == ("column1", "column2")


def test_a_query_without_an_end_tells_its_columns_too() -> None:
    endless = "WITH RECURSIVE c(x) AS (VALUES (:lo1) UNION ALL SELECT x + 1 FROM c) SELECT max(x) AS most FROM c"
    shadow = shop()
    assert shadow.columns(endless) == ("most",)
    assert shadow.columns("SELECT 1 AS one") == ("one",)


@pytest.mark.parametrize(
    ("sql", "words", "missing"),
    [
        ("SELECT nmae FROM artists", "no such column: nmae", ("column", "nmae")),
        ("SELECT artists.nmae FROM artists", "no such column: artists.nmae", ("column", "artists.nmae")),
        ("SELECT 1 FROM nowhere", "no such table: nowhere", ("table", "nowhere")),
        ("SELECT no_such(1)", "no such function: no_such", ("function", "no_such")),
        ("SELECT id FROM artists, log, artists b", "ambiguous column name: id", None),
        ("SELEC 1", 'near "SELEC": syntax error', None),
        ("SELECT 1; SELECT 2", "one statement at a time", None),
        ("SELECT '\ud800'", "a character that SQLite does not take", None),
        ("SELECT '\0'", "null character", None),
        (" -- nothing", "there is no statement", None),
        ("PRAGMA foreign_keys=OFF", "PRAGMA can't be looked into", None),
        ("EXPLAIN SELECT 1", "EXPLAIN can't be looked into", None),
    ],
)
def test_a_refusal_has_sqlites_words(sql: str, words: str, missing: tuple[str, str] | None) -> None:
    shadow = shop()
    for ask in (shadow.prepare, shadow.access, shadow.columns):
        with pytest.raises(ShadowError) as caught:
            ask(sql)
        assert words in caught.value.message and str(caught.value) == caught.value.message
        assert caught.value.missing == missing


@pytest.mark.parametrize("sql", ["DELETE FROM log", "INSERT INTO log VALUES (1) RETURNING what", "BEGIN"])
def test_only_a_query_has_columns(sql: str) -> None:
    shadow = shop()
    with pytest.raises(ShadowError, match="a query is wanted"):
        shadow.columns(sql)
    shadow.clone()  # no transaction was left open


def test_what_was_read_piece_by_piece_is_what_is_there() -> None:
    shadow = Shadow(Catalogue((), ()))
    for sql in (
        "CREATE TABLE a(id INTEGER PRIMARY KEY AUTOINCREMENT, b TEXT UNIQUE)",
        "CREATE INDEX a_b ON a(b)",
        "CREATE TABLE engine_undo_1(a)",
        "CREATE TRIGGER log AFTER INSERT ON a BEGIN DELETE FROM a WHERE b = 'x'; END",
        "CREATE TABLE c AS SELECT id, b FROM a",
        "ALTER TABLE a ADD COLUMN d TEXT",
        "CREATE INDEX a_d ON a(lower(d))",
        "CREATE VIEW v AS SELECT * FROM late",
        "CREATE TABLE late(x, y)",
        "CREATE TABLE later(z)",
        "DROP TABLE late",
        "CREATE TABLE late(y)",
        "DROP TABLE later",
        "DROP VIEW v",
        "CREATE VIRTUAL TABLE words USING fts5(text)",
        "CREATE TABLE last(a REFERENCES a)",
        "ALTER TABLE a RENAME TO aa",
    ):
        before, point = shadow.state, shadow.savepoint()
        shadow.run(sql)
        assert shadow.state == Shadow(shadow.catalogue()).state, sql
        after = shadow.state
        shadow.undo(point)
        assert shadow.state == before
        shadow.run(sql)
        assert shadow.state == after
    assert shadow.catalogue().taken == ("engine_undo_1",)
    (words,) = (t for t in shadow.state.tables if t.name == "words")
    assert words.virtual and [c.name for c in words.columns] == ["text"]
