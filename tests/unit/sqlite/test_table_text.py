"""Every CREATE TABLE that SQLite takes can be taken apart, with the right names and offsets."""

from __future__ import annotations

import pytest

from engine.dialects.sqlite.table_text import TextError, parse
from tests.unit.sqlite.ddl_texts import accepted

ODD = """CREATE TABLE "t 1" -- the "table" (
( id /* ( */ INTEGER CONSTRAINT pk PRIMARY KEY DESC ON CONFLICT ABORT,
  [b c] varchar ( 10 ) not null on conflict fail DEFAULT ( 'a)' ) COLLATE "nocase",
  'c' GENERATED ALWAYS AS ( id || ',' ) STORED CHECK ( c <> ')' ) UNIQUE,
  d REFERENCES p ( x ) ON DELETE SET NULL ON UPDATE NO ACTION MATCH full NOT DEFERRABLE INITIALLY DEFERRED,
  e DEFAULT - 5 NULL CONSTRAINT loose,
  CONSTRAINT u UNIQUE ( [b c] COLLATE rtrim DESC, d ) CONSTRAINT nothing CHECK ( e > 0 ) ON CONFLICT IGNORE,
  FOREIGN KEY ( d, e ) REFERENCES "p q" ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
) WITHOUT ROWID , strict;"""


def test_every_part_of_an_odd_text_is_found() -> None:
    text = parse(ODD)
    assert text.name.value == "t 1" and (text.strict, text.without_rowid) == (True, True)
    assert [(c.name.value, text.text(c.type)) for c in text.columns] == [
        ("id", "INTEGER"),
        ("b c", "varchar ( 10 )"),
        ("c", ""),
        ("d", ""),
        ("e", ""),
    ]
    found = [(c.kind, c.name, text.text(c.body)) for column in text.columns for c in column.constraints]
    assert found == [
        ("primary key", "pk", ""),
        ("not null", "", ""),
        ("default", "", "'a)'"),
        ("collate", "", '"nocase"'),
        ("generated", "", "id || ','"),
        ("check", "", "c <> ')'"),
        ("unique", "", ""),
        ("foreign key", "", ""),
        ("default", "", "- 5"),
        ("null", "", ""),
        ("name", "loose", ""),
    ]
    key = text.columns[0].constraints[0]
    assert (key.descending, key.conflict, text.text((key.start, key.end))) == (
        True,
        "ABORT",
        "CONSTRAINT pk PRIMARY KEY DESC ON CONFLICT ABORT",
    )
    reference = text.columns[3].constraints[0]
    assert reference.target and reference.target.value == "p" and not reference.deferred
    assert (reference.on_delete, reference.on_update) == ("SET NULL", "NO ACTION")
    unique, check, foreign = text.constraints
    assert (unique.name, [c.value for c in unique.columns]) == ("u", ["b c", "d"])
    assert (check.name, check.conflict, text.text(check.body)) == ("nothing", "IGNORE", "e > 0")
    assert [c.value for c in foreign.columns] == ["d", "e"] and foreign.deferred
    assert foreign.target and foreign.target.value == "p q" and foreign.references == ()


def test_table_constraints_need_no_commas_and_may_be_empty_names() -> None:
    text = parse("create temp table if not exists main.t(a, constraint x constraint y check(a)check(b)unique(a))")
    assert [(c.kind, c.name) for c in text.constraints] == [
        ("name", "x"),
        ("check", "y"),
        ("check", ""),
        ("unique", ""),
    ]


def test_a_clause_of_deferring_may_stand_away_from_its_foreign_key() -> None:
    column = parse("CREATE TABLE t(a REFERENCES p NOT NULL DEFERRABLE INITIALLY DEFERRED)").columns[0]
    assert [(c.kind, c.deferred) for c in column.constraints] == [
        ("foreign key", False),
        ("not null", False),
        ("deferrable", True),
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE VIRTUAL TABLE f USING fts5(a)",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TABLE t",
        "CREATE TABLE t(a",
        "CREATE TABLE t(a INT,)",
        "CREATE TABLE t(a NOT)",
        "CREATE TABLE t(a DEFAULT ,)",
        "CREATE TABLE t(a DEFAULT -)",
        "CREATE TABLE t(a) WITHOUT ROWID STRICT",
        "CREATE TABLE t(a, CONSTRAINT x 1)",
        "CREATE TABLE t(a); SELECT 1",
        "",
    ],
)
def test_what_is_no_create_table_is_refused_in_words(sql: str) -> None:
    with pytest.raises(TextError, match=r"expected|too early"):
        parse(sql)


def test_whatever_sqlite_takes_parses_into_spans_that_fit() -> None:
    for seed, sql in accepted(600):
        text = parse(sql)
        assert text.sql[text.open] == "(" and text.sql[text.close] == ")", seed
        ends = [text.open]
        for item in (*text.columns, *text.constraints):
            assert ends[-1] <= item.start < item.end <= text.close, seed
            ends.append(item.end)
        for column in text.columns:
            alone = parse(f"CREATE TABLE t({sql[column.start : column.end]})").columns[0]
            assert alone.name.value == column.name.value, seed
            for constraint in column.constraints:
                assert column.type[1] <= constraint.start < constraint.end <= column.end, seed
