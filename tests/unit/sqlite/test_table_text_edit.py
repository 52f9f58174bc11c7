"""An edit of a table's text changes what it is meant to change, and no other byte."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

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
from tests.unit.sqlite.ddl_texts import Texts, connection, create, facts, text_of

CHANCE = st.randoms(use_true_random=False)
ALBUMS = """CREATE TABLE albums(
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- the key
    "a b" TEXT NOT NULL DEFAULT 'x' COLLATE nocase REFERENCES p(x) ON DELETE CASCADE, /* ab */
    c INT CHECK (c > 0 AND albums.c < "a b"), -- c
    CONSTRAINT fk FOREIGN KEY (c, "a b") REFERENCES albums(c, id), UNIQUE(c)
) STRICT"""


def shape(sql: str) -> list[str]:
    """Return the tokens of a text, quotes and case of names aside."""
    return [fold(t.name) if t.is_name or t.kind == "string" else t.text for t in tokens(sql)]


def taken(chance: random.Random) -> tuple[str, sqlite3.Connection]:
    """Return a random text that SQLite takes, and a database that has it."""
    made = connection()
    sql = create(made, Texts(chance).table())
    if sql is None:
        made.close()
    assume(sql is not None)
    return str(sql), made


def again(sql: str) -> dict[str, object] | None:
    """Return what PRAGMAs say of a table made from a text, None where SQLite refuses it."""
    made = connection()
    found = facts(made) if create(made, sql) else None
    made.close()
    return found


def columns(made: sqlite3.Connection) -> list[str]:
    return [row[1] for row in made.execute("PRAGMA table_xinfo(t)")]


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    made = connection()
    yield made
    made.close()


# ── against SQLite's own ALTER TABLE ──
@settings(max_examples=50, deadline=None)
@given(CHANCE)
def test_renaming_a_column_gives_what_sqlite_gives(chance: random.Random) -> None:
    sql, made = taken(chance)
    column = chance.choice(columns(made))
    try:
        made.execute(f'ALTER TABLE t RENAME COLUMN {quote(column)} TO "new \'n"')
    except sqlite3.OperationalError:  # text in double quotes in the table's own text
        return
    finally:
        wanted = text_of(made, "t")
        made.close()
    assert shape(rename_column(sql, column, "new 'n")) == shape(wanted)


@settings(max_examples=50, deadline=None)
@given(CHANCE)
def test_renaming_a_table_gives_what_sqlite_gives(chance: random.Random) -> None:
    sql, made = taken(chance)
    made.execute('ALTER TABLE t RENAME TO "u v"')
    wanted = text_of(made, "u v")
    made.close()
    assert shape(rename_table(sql, "u v")) == shape(wanted)


@settings(max_examples=50, deadline=None)
@given(CHANCE)
def test_dropping_a_column_gives_what_sqlite_gives(chance: random.Random) -> None:
    sql, made = taken(chance)
    column = chance.choice(columns(made))
    try:
        made.execute(f"ALTER TABLE t DROP COLUMN {quote(column)}")
        wanted = facts(made)
    except sqlite3.OperationalError:
        return
    finally:
        made.close()
    assert again(drop_column(sql, column)) == wanted


@settings(max_examples=50, deadline=None)
@given(CHANCE)
def test_adding_a_column_puts_it_where_it_is_wanted_and_changes_no_other(chance: random.Random) -> None:
    sql, made = taken(chance)
    before = facts(made)["columns"]
    names = columns(made)
    made.close()
    place = chance.randint(0, len(names))
    after = names[place - 1] if place and chance.random() < 0.8 else ""
    place = place if after or place == 0 else len(names)
    found = again(add_column(sql, "added INT DEFAULT 7", after, first=place == 0))
    assert found is not None
    have = found["columns"]
    assert isinstance(have, list) and isinstance(before, list)
    assert have[place] == ("added", "INT", 0, "7", 0, 0)
    assert have[:place] + have[place + 1 :] == before


# ── by what PRAGMAs say ──
def only(
    place: int, field: int, value: object
) -> Callable[[list[tuple[object, ...]]], list[tuple[object, ...]]]:
    """Return what makes the wanted columns out of those before: one field of one column differs."""

    def change(before: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
        row = list(before[place])
        row[field] = value
        return [*before[:place], tuple(row), *before[place + 1 :]]

    return change


@settings(max_examples=60, deadline=None)
@given(CHANCE, st.sampled_from(["type", "not null", "null", "default", "no default", "collate"]))
def test_a_change_of_a_column_changes_that_column_alone(chance: random.Random, what: str) -> None:
    sql, made = taken(chance)
    before = facts(made)["columns"]
    text = parse(sql)
    made.close()
    assert isinstance(before, list)
    place = chance.randint(0, len(before) - 1)
    name = str(before[place][0])
    generated = before[place][5] != 0
    key = before[place][4] != 0
    assume(not (key or (generated and "default" in what)))
    edits: dict[str, tuple[str, Callable[[list[tuple[object, ...]]], list[tuple[object, ...]]]]] = {
        "type": (set_type(sql, name, "REAL"), only(place, 1, "REAL")),
        "not null": (set_not_null(sql, name, True), only(place, 2, 1)),
        "null": (set_not_null(sql, name, False), only(place, 2, 0)),
        "default": (set_default(sql, name, "('x' || 1)"), only(place, 3, "'x' || 1")),
        "no default": (set_default(sql, name, None), only(place, 3, None)),
        "collate": (set_collate(sql, name, "rtrim"), only(place, 0, name)),
    }
    edited, wanted = edits[what]
    found = again(edited)
    assert found is not None and found["columns"] == wanted(before)
    assert [c.name.value for c in parse(edited).columns] == [c.name.value for c in text.columns]


@settings(max_examples=50, deadline=None)
@given(CHANCE)
def test_foreign_keys_go_and_nothing_else(chance: random.Random) -> None:
    sql, made = taken(chance)
    before = facts(made)
    made.close()
    assert again(drop_foreign_keys(sql)) == {**before, "foreign keys": []}


@settings(max_examples=50, deadline=None)
@given(CHANCE)
def test_a_new_primary_key_takes_the_place_of_the_old(chance: random.Random) -> None:
    sql, made = taken(chance)
    names = [str(row[1]) for row in made.execute("PRAGMA table_xinfo(t)") if row[6] == 0]
    made.close()
    assume(names and not parse(sql).without_rowid)
    key = tuple(chance.sample(names, chance.randint(1, len(names))))
    found = again(set_primary_key(sql, key, chance.choice(["", "pk t"])))
    assume(found is not None)  # a UNIQUE on the same columns may say otherwise what a conflict does
    assert found is not None
    have = found["columns"]
    assert isinstance(have, list)
    assert tuple(row[0] for row in sorted(have, key=lambda row: row[4]) if row[4]) == key
    assert again(set_primary_key(sql, ())) is not None


@settings(max_examples=30, deadline=None)
@given(CHANCE)
def test_each_constraint_can_be_dropped_alone(chance: random.Random) -> None:
    sql, made = taken(chance)
    made.close()
    constraints = [c for c in parse(sql).constraints if c.kind != "primary key"]
    assume(constraints)
    gone = chance.choice(constraints)
    left = [(c.kind, c.name) for c in parse(sql).constraints if c is not gone]
    edited = drop_constraint(sql, gone)
    assert [(c.kind, c.name) for c in parse(edited).constraints] == left
    assert again(edited) is not None


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
    assert set_not_null("CREATE TABLE t(a TEXT/**/NOT NULL/**/UNIQUE)", "a", False).endswith(
        "TEXT/**/ /**/UNIQUE)"
    )
    assert set_default("CREATE TABLE t(a DEFAULT(1)NOT NULL)", "a", None) == "CREATE TABLE t(a NOT NULL)"
    assert set_default('CREATE TABLE t(a "b"DEFAULT 1UNIQUE)'.replace("1U", "1 U"), "a", None) == (
        'CREATE TABLE t(a "b" UNIQUE)'
    )
    assert set_type('CREATE TABLE t("a"CHECK(a))', "a", "INT") == 'CREATE TABLE t("a" INT CHECK(a))'


def test_a_generated_column_can_become_another_and_a_plain_one() -> None:
    sql = "CREATE TABLE t(a, b INT CONSTRAINT g AS (a + 1) STORED, c DEFAULT 1)"
    assert set_generated(sql, "b", "a + 2") == sql.replace(
        "AS (a + 1) STORED", "GENERATED ALWAYS AS (a + 2) VIRTUAL"
    )
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
    assert (
        rename_object("create table if not exists main.t(a)", "u") == 'create table if not exists main."u"(a)'
    )
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
