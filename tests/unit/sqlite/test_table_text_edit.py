"""An edit of a table's text changes what it is meant to change, and no other byte."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.dialects.sqlite.table_edit import (
    add_column,
    add_constraint,
    drop_column,
    drop_constraint,
    drop_foreign_keys,
    rename_column,
    rename_constraint,
    rename_object,
    rename_table,
    set_auto_increment,
    set_collate,
    set_default,
    set_generated,
    set_not_null,
    set_options,
    set_primary_key,
    set_type,
)
from engine.dialects.sqlite.table_text import TextError, parse
from engine.dialects.sqlite.tokens import quote, tokens
from engine.model.state import fold
from tests.unit.sqlite.ddl_texts import accepted, connection, create, facts, text_of

ALBUMS = """CREATE TABLE albums(
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- the key
    "a b" TEXT NOT NULL DEFAULT 'x' COLLATE nocase REFERENCES p(x) ON DELETE CASCADE, /* ab */
    c INT CHECK (c > 0 AND albums.c < "a b"), -- c
    CONSTRAINT fk FOREIGN KEY (c, "a b") REFERENCES albums(c, id), UNIQUE(c)
) STRICT"""


def shape(sql: str) -> list[str]:
    """Return the tokens of a text, quotes and case of names aside."""
    return [fold(t.name) if t.is_name or t.kind == "string" else t.text for t in tokens(sql)]


def run_on(sql: str, statement: str, table: str = "t") -> tuple[str, dict[str, Any]] | None:
    """Return text and facts of a table after a statement of SQLite's own; None where it refuses."""
    made = connection()
    create(made, sql)
    try:
        made.execute(statement)
        return text_of(made, table), facts(made, table)
    except sqlite3.OperationalError:
        return None
    finally:
        made.close()


def again(sql: str) -> dict[str, Any]:
    """Return what PRAGMAs say of a table made from a text."""
    made = connection()
    assert create(made, sql) is not None, sql
    found = facts(made)
    made.close()
    return found


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    made = connection()
    yield made
    made.close()


# ── against SQLite's own ALTER TABLE ──
def test_renaming_a_column_gives_what_sqlite_gives() -> None:
    for seed, sql in accepted(400):
        for column in parse(sql).columns:
            name = column.name.value
            own = run_on(sql, f'ALTER TABLE t RENAME COLUMN {quote(name)} TO "new \'n"')
            assert own is None or shape(rename_column(sql, name, "new 'n")) == shape(own[0]), (seed, name)


def test_renaming_a_table_gives_what_sqlite_gives() -> None:
    for seed, sql in accepted(400):
        own = run_on(sql, 'ALTER TABLE t RENAME TO "u v"', "u v")
        assert own is None or shape(rename_table(sql, "u v")) == shape(own[0]), seed


def test_dropping_a_column_gives_what_sqlite_gives() -> None:
    for seed, sql in accepted(400):
        for column in parse(sql).columns:
            name = column.name.value
            own = run_on(sql, f"ALTER TABLE t DROP COLUMN {quote(name)}")
            assert own is None or again(drop_column(sql, name)) == own[1], (seed, name)


def test_adding_a_column_puts_it_where_it_is_wanted_and_changes_no_other() -> None:
    added = ("added", "INT", 0, "7", 0, 0)
    for seed, sql in accepted(400):
        before = again(sql)["columns"]
        for place, (name, *_) in enumerate(before, 1):
            have = again(add_column(sql, "added INT DEFAULT 7", name))["columns"]
            assert have == [*before[:place], added, *before[place:]], (seed, name)
        assert again(add_column(sql, "added INT DEFAULT 7", first=True))["columns"] == [added, *before], seed
        assert again(add_column(sql, "added INT DEFAULT 7"))["columns"] == [*before, added], seed


# ── by what PRAGMAs say ──
@pytest.mark.parametrize(
    ("edit", "field", "value"),
    [
        (lambda sql, name: set_type(sql, name, "REAL"), 1, "REAL"),
        (lambda sql, name: set_not_null(sql, name, True), 2, 1),
        (lambda sql, name: set_not_null(sql, name, False), 2, 0),
        (lambda sql, name: set_default(sql, name, "('x' || 1)"), 3, "'x' || 1"),
        (lambda sql, name: set_default(sql, name, None), 3, None),
        (lambda sql, name: set_collate(sql, name, "rtrim"), 1, None),
        (lambda sql, name: set_collate(sql, name, ""), 1, None),
    ],
    ids=["type", "not null", "null", "default", "no default", "collation", "no collation"],
)
def test_a_change_of_a_column_changes_that_column_alone(
    edit: Callable[[str, str], str], field: int, value: object
) -> None:
    for seed, sql in accepted(200):
        before = again(sql)
        for place, row in enumerate(before["columns"]):
            if row[4] or (row[5] and field == 3):  # a key has rules of its own, a generated column no default
                continue
            wanted = list(row)
            wanted[field] = row[field] if field == 1 and value is None else value
            columns = [*before["columns"][:place], tuple(wanted), *before["columns"][place + 1 :]]
            assert again(edit(sql, row[0])) == {**before, "columns": columns}, (seed, row[0])


def test_foreign_keys_go_and_nothing_else() -> None:
    for seed, sql in accepted(400):
        assert again(drop_foreign_keys(sql)) == {**again(sql), "foreign keys": []}, seed


def test_a_new_primary_key_takes_the_place_of_the_old() -> None:
    for seed, sql in accepted(400):
        chance = random.Random(seed)
        names = [row[0] for row in again(sql)["columns"] if row[5] == 0]
        if parse(sql).without_rowid or not names or "conflict" in sql.lower():
            continue  # it can't be without a key, or equal keys may differ in what a conflict does
        key = chance.sample(names, chance.randint(1, len(names)))
        have = again(set_primary_key(sql, tuple(key), chance.choice(["", "pk t"])))["columns"]
        assert [row[0] for row in sorted(have, key=lambda row: int(row[4])) if row[4]] == key, seed
        assert not any(row[4] for row in again(set_primary_key(sql, ()))["columns"]), seed


def test_each_constraint_can_be_dropped_alone() -> None:
    for seed, sql in accepted(400):
        all_of_them = parse(sql).constraints
        for gone in all_of_them:
            if gone.kind == "primary key":
                continue
            edited = drop_constraint(sql, gone)
            left = [(c.kind, c.name) for c in all_of_them if c is not gone]
            assert [(c.kind, c.name) for c in parse(edited).constraints] == left, seed
            assert again(edited)["columns"] == again(sql)["columns"], seed


# ── byte for byte ──
@pytest.mark.parametrize(
    ("edited", "before", "after"),
    [
        (add_column(ALBUMS, "z INT"), ", -- c\n    CONSTRAINT", ", -- c\n    z INT,\n    CONSTRAINT"),
        (add_column(ALBUMS, "z INT", first=True), "(\n    id", "(\n    z INT,\n    id"),
        (add_column(ALBUMS, "z INT", "ID"), 'key\n    "a b"', 'key\n    z INT,\n    "a b"'),
        (set_type(ALBUMS, "c", "REAL"), "c INT", "c REAL"),
        (set_type(ALBUMS, "c", ""), "c INT", "c"),
        (set_not_null(ALBUMS, "a b", False), "TEXT NOT NULL", "TEXT"),
        (set_not_null(ALBUMS, "c", True), "c INT", "c INT NOT NULL"),
        (set_not_null(ALBUMS, "a b", True), "", ""),
        (set_default(ALBUMS, "a b", "(1 + 1)"), "'x'", "(1 + 1)"),
        (set_default(ALBUMS, "a b", None), " DEFAULT 'x'", ""),
        (set_default(ALBUMS, "c", "1"), "c INT", "c INT DEFAULT 1"),
        (set_collate(ALBUMS, "a b", "odd one"), "nocase", '"odd one"'),
        (set_collate(ALBUMS, "a b", ""), " COLLATE nocase", ""),
        (set_collate(ALBUMS, "c", "rtrim"), "c INT", "c INT COLLATE rtrim"),
        (set_generated(ALBUMS, "c", "id + 1", True), "c INT", "c INT GENERATED ALWAYS AS (id + 1) STORED"),
        (set_generated(ALBUMS, "c", None), "", ""),
        (set_auto_increment(ALBUMS, "id", False), " AUTOINCREMENT", ""),
        (set_auto_increment(ALBUMS, "id", True), "", ""),
        (set_options(ALBUMS, strict=False), ") STRICT", ")"),
        (set_options(ALBUMS, without_rowid=True), "STRICT", "STRICT, WITHOUT ROWID"),
        (set_options(ALBUMS, strict=True), "", ""),
        (rename_object(ALBUMS, "b"), "TABLE albums", 'TABLE "b"'),
        (rename_constraint(ALBUMS, parse(ALBUMS).constraints[0], "k"), "CONSTRAINT fk", 'CONSTRAINT "k"'),
        (drop_constraint(ALBUMS, parse(ALBUMS).constraints[1]), ", UNIQUE(c)", ""),
        (drop_column(ALBUMS, "a b"), ALBUMS[ALBUMS.index('"a b"') : ALBUMS.index("/* ab")], ""),
        (add_constraint(ALBUMS, "CHECK (c)"), "UNIQUE(c)", "UNIQUE(c),\n    CHECK (c)"),
    ],
)
def test_nothing_but_the_tokens_concerned_changes(edited: str, before: str, after: str) -> None:
    assert edited == ALBUMS.replace(before, after, 1)


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        ("CREATE TABLE t(a INT, b INT -- last\n)", "CREATE TABLE t(a INT, b INT, -- last\nz)"),
        (
            "CREATE TABLE t(\n  a INT,\n  b INT -- last\n)",
            "CREATE TABLE t(\n  a INT,\n  b INT, -- last\n  z)",
        ),
        ("CREATE TABLE t(\n  a INT,\n  b INT\n)", "CREATE TABLE t(\n  a INT,\n  b INT,\n  z\n)"),
        ("CREATE TABLE t(a,b/* last */)", "CREATE TABLE t(a,b,/* last */ z)"),
    ],
)
def test_a_column_at_the_end_stands_clear_of_comments(sql: str, wanted: str) -> None:
    assert add_column(sql, "z") == wanted


def test_words_do_not_run_together_where_something_goes() -> None:
    assert set_not_null("CREATE TABLE t(a TEXT/**/NOT NULL/**/UNIQUE)", "a", False).endswith("TEXT/**/ /**/UNIQUE)")
    assert set_default("CREATE TABLE t(a DEFAULT(1)NOT NULL)", "a", None) == "CREATE TABLE t(a NOT NULL)"
    assert set_default('CREATE TABLE t(a "b"DEFAULT 1UNIQUE)'.replace("1U", "1 U"), "a", None) == (
        'CREATE TABLE t(a "b" UNIQUE)'
    )
    assert set_type('CREATE TABLE t("a"CHECK(a))', "a", "INT") == 'CREATE TABLE t("a" INT CHECK(a))'


def test_a_generated_column_can_become_another_and_a_plain_one() -> None:
    sql = "CREATE TABLE t(a, b INT CONSTRAINT g AS (a + 1) STORED, c DEFAULT 1)"
    assert set_generated(sql, "b", "a + 2") == sql.replace("AS (a + 1) STORED", "GENERATED ALWAYS AS (a + 2) VIRTUAL")
    assert set_generated(sql, "b", None) == "CREATE TABLE t(a, b INT, c DEFAULT 1)"
    assert set_generated(sql, "c", "a").endswith("c GENERATED ALWAYS AS (a) VIRTUAL)")


def test_numbering_is_put_on_a_key_in_either_place(database: sqlite3.Connection) -> None:
    inline = "CREATE TABLE t(a INTEGER PRIMARY KEY ON CONFLICT FAIL, b)"
    table = "CREATE TABLE t(a INTEGER, b, PRIMARY KEY (a) ON CONFLICT FAIL)"
    for sql in (inline, table):
        numbered = set_auto_increment(sql, "a", True)
        database.execute(numbered)
        database.execute("DROP TABLE t")
        assert parse(set_auto_increment(numbered, "a", False)) == parse(sql)
    assert set_auto_increment(inline, "b", False) == inline
    with pytest.raises(TextError, match="not the whole primary key"):
        set_auto_increment(inline, "b", True)


@pytest.mark.parametrize("first", ["STRICT, WITHOUT ROWID", "WITHOUT ROWID,STRICT"])
def test_options_go_one_by_one(first: str) -> None:
    sql = f"CREATE TABLE t(a INT PRIMARY KEY) {first}"
    assert shape(set_options(sql, strict=False))[-2:] == ["without", "rowid"]
    assert shape(set_options(sql, without_rowid=False))[-1] == "strict"
    assert set_options(sql, False, False) == "CREATE TABLE t(a INT PRIMARY KEY)"


def test_other_objects_get_another_name_too() -> None:
    assert rename_object("CREATE UNIQUE INDEX [i] ON t(a)", "j") == 'CREATE UNIQUE INDEX "j" ON t(a)'
    assert rename_object("CREATE VIEW v(a) AS SELECT 1", "w") == 'CREATE VIEW "w"(a) AS SELECT 1'
    assert rename_object("create table if not exists main.t(a)", "u") == 'create table if not exists main."u"(a)'
    with pytest.raises(TextError):
        rename_object("SELECT 1", "x")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: drop_column(ALBUMS, "zz"),
        lambda: drop_column("CREATE TABLE t(a)", "a"),
        lambda: set_type(ALBUMS, "zz", "INT"),
        lambda: set_primary_key(ALBUMS, ("zz",)),
        lambda: add_column(ALBUMS, "z", "zz"),
        lambda: rename_constraint(ALBUMS, parse(ALBUMS).constraints[1], "k"),
    ],
)
def test_what_is_not_there_is_said(wrong: Callable[[], str]) -> None:
    with pytest.raises(TextError, match=r"no column|only column|no name"):
        wrong()
