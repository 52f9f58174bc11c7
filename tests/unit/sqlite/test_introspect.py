"""The state read from texts says what SQLite's own PRAGMAs say."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from engine.dialects.base import Catalogue, CatalogueObject
from engine.dialects.sqlite.index_text import parse_index
from engine.dialects.sqlite.introspect import state
from engine.model.state import Check, Column, ForeignKey, Key, Table, Trigger, fold
from tests.unit.sqlite.ddl_texts import accepted, catalogue, connection, create, facts, plain


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    made = sqlite3.connect(":memory:", isolation_level=None)
    yield made
    made.close()


def as_facts(table: Table) -> dict[str, Any]:
    """Return a table of the state in the form of `facts`."""

    def key(found: Key) -> tuple[str, ...]:
        return tuple(next(c.name for c in table.columns if fold(c.name) == fold(name)) for name in found.columns)

    return {
        "columns": [
            (
                c.name,
                plain(c.type),
                int(c.not_null),
                c.default,
                c.key_position,
                0 if c.generated is None else 3 if c.stored else 2,
            )
            for c in table.columns
        ],
        "foreign keys": [
            [
                (f.table, column, f.references[at] if f.references else None, f.on_update, f.on_delete)
                for at, column in enumerate(f.columns)
            ]
            for f in table.foreign_keys
        ],
        "unique": {("pk" if k.primary else "u", key(k)) for k in table.keys},
    }


def test_random_tables_read_from_their_text_as_pragmas_tell_them() -> None:
    for seed, sql in accepted(600):
        made = connection()
        create(made, sql)
        found, wanted = state(catalogue(made)).table("t"), facts(made)
        made.close()
        assert found is not None
        have = as_facts(found)
        assert have["columns"] == wanted["columns"], seed
        assert fold(repr(have["foreign keys"])) == fold(repr(wanted["foreign keys"])), seed
        # SQLite makes one index for equal keys and none for a row id
        indexed = {columns for _, columns in wanted["unique"]}
        assert indexed <= {columns for _, columns in have["unique"]}, seed
        row_id = {columns for kind, columns in have["unique"] if kind == "pk"}
        assert {columns for _, columns in have["unique"]} - indexed <= row_id, seed


def test_a_table_has_all_that_its_text_says(database: sqlite3.Connection) -> None:
    database.execute(
        """CREATE TABLE albums(
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            title TEXT NOT NULL DEFAULT 'none' COLLATE NOCASE CONSTRAINT short CHECK (length(title) < 99),
            artist REFERENCES artists ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
            slug AS (lower(title)) STORED,
            CONSTRAINT both UNIQUE (artist, title), CHECK (id > 0),
            CONSTRAINT to_self FOREIGN KEY (id, slug) REFERENCES albums(id, title)
        )"""
    )
    table = state(catalogue(database)).table("ALBUMS")
    assert table is not None
    assert table.columns == (
        Column("id", "INTEGER", key_position=1, auto_increment=True),
        Column("title", "TEXT", not_null=True, default="'none'", collate="NOCASE"),
        Column("artist", ""),
        Column("slug", "", generated="lower(title)", stored=True),
    )
    assert table.keys == (Key("", ("id",), primary=True), Key("both", ("artist", "title")))
    assert table.foreign_keys == (
        ForeignKey("", ("artist",), "artists", (), "CASCADE", "NO ACTION", True),
        ForeignKey("to_self", ("id", "slug"), "albums", ("id", "title")),
    )
    assert table.checks == (Check("short", "length(title) < 99", "title"), Check("", "id > 0"))
    assert (table.row_id, table.strict, table.virtual, table.auto_increment) == ("rowid", False, False, "id")


def test_a_clause_of_deferring_goes_to_the_foreign_key_before_it(database: sqlite3.Connection) -> None:
    database.execute("CREATE TABLE t(a REFERENCES p NOT NULL, b DEFERRABLE INITIALLY DEFERRED)")
    table = state(catalogue(database)).table("t")
    assert table is not None and [f.deferrable for f in table.foreign_keys] == [True]


@pytest.mark.parametrize(
    ("columns", "row_id"),
    [
        ("(a)", "rowid"),
        ("(RowId)", "_rowid_"),
        ("('rowid', _rowid_)", "oid"),
        ("(rowid, _rowid_, oid)", ""),
        ("(a PRIMARY KEY) WITHOUT ROWID", ""),
    ],
)
def test_the_row_id_goes_by_the_first_name_that_no_column_has(
    database: sqlite3.Connection, columns: str, row_id: str
) -> None:
    database.execute(f"CREATE TABLE t{columns}")
    table = state(catalogue(database)).table("t")
    assert table is not None and table.row_id == row_id


def test_a_key_is_never_null_where_sqlite_sees_to_it(database: sqlite3.Connection) -> None:
    for name, text in {
        "plain": "(a TEXT PRIMARY KEY)",
        "strict": "(a TEXT PRIMARY KEY) STRICT",
        "alias": "(a INTEGER PRIMARY KEY) STRICT",
        "down": "(a INTEGER PRIMARY KEY DESC) STRICT",
        "bare": "(a, b, PRIMARY KEY (b, b, a)) WITHOUT ROWID",
    }.items():
        database.execute(f"CREATE TABLE {name}{text}")
    for table in state(catalogue(database)).tables:
        wanted = [(bool(row[3]), row[5]) for row in database.execute(f"PRAGMA table_xinfo({table.name})")]
        assert [(c.not_null, c.key_position) for c in table.columns] == wanted, table.name


def test_indexes_name_their_columns_and_leave_expressions_blank(database: sqlite3.Connection) -> None:
    for statement in (
        'CREATE TABLE t(a, "b c", rowid)',
        "CREATE INDEX plain ON t(a)",
        "create unique index if not exists main.[odd one] on t((A) desc, 'b c' COLLATE nocase ASC, lower(a), a+1)",
        "CREATE INDEX part ON t(a COLLATE rtrim) WHERE a > 1 AND a <> ')' -- some",
        'CREATE INDEX quoted ON t("no column", (a) collate nocase)',
    ):
        database.execute(statement)
    found = {i.name: i for i in state(catalogue(database)).indexes}
    assert found["plain"].columns == ("a",) and not found["plain"].unique and found["plain"].where is None
    assert found["odd one"].columns == ("A", "b c", "", "") and found["odd one"].unique
    assert found["part"].where == "a > 1 AND a <> ')'"
    assert found["quoted"].columns == ("", "a")
    for name, index in found.items():
        wanted = [row[2] or "" for row in database.execute(f'PRAGMA index_info("{name}")')]
        assert [fold(column) for column in index.columns] == wanted


def test_an_index_text_as_people_write_it_is_read_too() -> None:
    text = parse_index("CREATE INDEX IF NOT EXISTS main.i ON t(a)")
    assert text is not None and (text.name.value, text.table.value, text.columns) == ("i", "t", ("a",))


def test_what_is_not_the_users_is_left_out(database: sqlite3.Connection) -> None:
    for statement in (
        "CREATE TABLE kept(id INTEGER PRIMARY KEY AUTOINCREMENT, a UNIQUE)",
        "CREATE TABLE engine_undo_1(a)",
        "CREATE INDEX on_engines ON engine_undo_1(a)",
        "CREATE TABLE Migration_History(a)",
        "INSERT INTO kept DEFAULT VALUES",
        "ANALYZE",
        "CREATE VIEW v AS SELECT a FROM kept",
        "CREATE TRIGGER tr AFTER INSERT ON kept BEGIN SELECT 1; END",
    ):
        database.execute(statement)
    found = state(catalogue(database), {"v": (Column("a", ""),)})
    assert [t.name for t in found.tables] == ["kept"] and found.indexes == ()
    assert found.views[0].columns == (Column("a", ""),)
    assert found.triggers == (Trigger("tr", "kept", catalogue(database).objects[-1].sql),)
    assert found.complete


def test_tables_of_extensions_are_not_to_be_touched(database: sqlite3.Connection) -> None:
    database.execute("CREATE VIRTUAL TABLE notes USING fts5(body)")
    database.execute("CREATE TABLE notes_mine(a)")
    found = state(catalogue(database), {"notes": (Column("body", ""),)})
    assert {t.name: t.virtual for t in found.tables} == {
        **{f"notes{part}": True for part in ("", "_data", "_idx", "_content", "_docsize", "_config")},
        "notes_mine": False,
    }
    notes = found.table("notes")
    assert notes is not None and [c.name for c in notes.columns] == ["body"]


def test_a_text_that_no_sqlite_wrote_stays_as_text() -> None:
    odd = Catalogue(
        (
            CatalogueObject("table", "t", "t", "CREATE TABLE t OF THE FUTURE"),
            CatalogueObject("index", "i", "t", "CREATE INDEX i"),
            CatalogueObject("index", "j", "t", "CREATE CLEVER INDEX j ON t(a)"),
            CatalogueObject("index", "k", "t", "CREATE INDEX k USING x ON t(a)"),
        ),
        complete=False,
    )
    found = state(odd)
    assert found.tables == (Table("t", (), (), (), (), "CREATE TABLE t OF THE FUTURE", virtual=True),)
    assert [(i.name, i.table, i.columns) for i in found.indexes] == [
        ("i", "t", ()),
        ("j", "t", ()),
        ("k", "t", ()),
    ]
    assert not found.complete


def test_equal_texts_are_read_once(database: sqlite3.Connection) -> None:
    database.execute("CREATE TABLE t(a)")
    assert state(catalogue(database)).tables[0] is state(catalogue(database)).tables[0]
