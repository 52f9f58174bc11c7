"""Names, values, types and expressions as SQLite spells them."""

from __future__ import annotations

import sqlite3
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dialects.sqlite.sql import affinity, expression_sql, literal_sql, quote, type_sql
from engine.dialects.sqlite.tokens import binds_of
from engine.dialects.sqlite.translate import bind_clock, is_name, names_in
from engine.errors import Problem
from engine.model.expression import Literal, Parse, PerDialect, Sql


def value(sql: str, **params: object) -> object:
    db = sqlite3.connect(":memory:")
    try:
        return db.execute(f"SELECT {sql}", params).fetchone()[0]
    finally:
        db.close()


@given(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.text(st.characters(exclude_categories=["Cs"])),
    )
)
def test_literals_come_back_as_they_went(literal):
    assert value(literal_sql(literal)) == literal


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_quoted_names_are_the_names(name):
    db = sqlite3.connect(":memory:")
    db.execute(f"CREATE TABLE t ({quote(name)})")
    assert db.execute("PRAGMA table_info(t)").fetchone()[1] == name
    db.close()


def test_numbers_keep_their_spelling():
    assert literal_sql(Literal(Decimal("0.00"), "0.00")) == "0.00"
    assert literal_sql(Literal(Decimal("1.5"), "not a number")) == "1.5"
    assert literal_sql(Literal(True, "true")) == "1"
    assert literal_sql(1.5) == "1.5"


@pytest.mark.parametrize(
    ("portable", "plain", "strict"),
    [
        ("bigint", "INTEGER", "INTEGER"),
        ("decimal(10, 2)", "DECIMAL(10,2)", "REAL"),
        ("varchar(16)", "VARCHAR(16)", "TEXT"),
        ("boolean", "BOOLEAN", "INTEGER"),
        ("timestamp", "TEXT", "TEXT"),
        ("double", "REAL", "REAL"),
        ("geometry(point)", "geometry(point)", "geometry(point)"),
    ],
)
def test_portable_types(portable, plain, strict):
    assert (type_sql(PerDialect(portable)), type_sql(PerDialect(portable), strict=True)) == (plain, strict)


def test_types_and_texts_of_one_database_pass_as_written():
    assert type_sql(PerDialect("text", (("sqlite", "Any Thing"),))) == "Any Thing"
    assert expression_sql(Sql("left(a, 1)", (("sqlite", "left(a, 1)"),))) == "left(a, 1)"
    for call in (
        lambda: type_sql(PerDialect(None, (("mysql", "x"),))),
        lambda: expression_sql(Sql(None, (("mysql", "x"),))),
    ):
        with pytest.raises(Problem) as caught:
            call()
        assert caught.value.rule == "SP111"


@pytest.mark.parametrize(
    "type_",
    [
        "",
        "INT",
        "CHARINT",
        "FLOATING POINT",
        "STRING",
        "BLOB",
        "DOUBLE",
        "DECIMAL(10,2)",
        "nchar",
        "CLOB",
        "ANY",
    ],
)
def test_affinity_is_sqlites_own(type_):
    db = sqlite3.connect(":memory:")
    db.execute(f"CREATE TABLE t (mine {affinity(type_)}, theirs {type_})")
    db.executemany("INSERT INTO t VALUES (?1, ?1)", [("007",), (7,), (1.0,), ("1e3",), (b"7",), ("x",)])
    for mine, kind, theirs, other in db.execute("SELECT mine, typeof(mine), theirs, typeof(theirs) FROM t"):
        assert (mine, kind) == (theirs, other)
    assert affinity("ANY", strict=True) == "BLOB"
    db.close()


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("left('abc', 2) || right('abc', 2)", "abbc"),
        ("right('abc', 0)", ""),
        ("right('abc', 1 + 1)", "bc"),
        ("right('abc', 99)", "abc"),
        ("concat('a', NULL, concat('b', 1))", "ab1"),
        ("char_length(left('héé', 2)) + character_length('x')", 3),
        ("cast('2024-01-02' as date)", "2024-01-02"),
        ("cast(left('12', 1) as integer)", 1),
        ("cast('x' as varchar(3))", "x"),
        ("'left(a, 1)' /* left(b, 2) */", "left(a, 1)"),
        ("7 / 2", 3),
    ],
)
def test_the_common_subset_means_here_what_it_means_elsewhere(sql, expected):
    assert value(expression_sql(Sql(sql))) == expected


def test_what_needs_no_translation_keeps_every_byte():
    for text in ("a+ b /* c */", "left", "left(a)", "concat()", "char_length(a, b)", "right(a)", '"left"(1)'):
        assert expression_sql(Sql(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-- x",
        "a)",
        "(a",
        "a) OR (b",
        "'a",
        '"a',
        "[a",
        "a; b",
        ":x",
        "?",
        "?1",
        "@x",
        "a::int",
        "a -- end",
        "a /* open",
    ],
)
def test_fragments_that_could_leak_are_refused(text):
    with pytest.raises(Problem) as caught:
        expression_sql(Sql(text), ("where",))
    assert (caught.value.rule, caught.value.path) == ("SP110", ("where",))


def test_the_clock_is_bound_outside_of_quotes_only():
    sql = bind_clock("coalesce(a, current_timestamp, 'CURRENT_TIMESTAMP') || CURRENT_DATE || Current_Time")
    assert sql == "coalesce(a, :now, 'CURRENT_TIMESTAMP') || date(:now) || time(:now)"
    assert binds_of(sql + " || ':no'") == ("now",)
    assert value(sql.replace("a,", "NULL,"), now="2024-05-06 07:08:09") == "2024-05-06 07:08:092024-05-0607:08:09"


def test_names_in_a_text():
    assert is_name('"a b"') and is_name(" x ") and not is_name("x.y")
    assert names_in('"A" + b.[C] -- d') == {"a", "b", "c"}


FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "unix")


@pytest.mark.parametrize(
    ("type_", "formats", "text", "expected"),
    [
        ("bigint", (), " 12\t", 12),
        ("bigint", (), "-9223372036854775808", -(2**63)),
        ("bigint", (), "9223372036854775808", None),
        ("bigint", (), "0009223372036854775807", 2**63 - 1),
        ("bigint", (), "1.5", None),
        ("bigint", (), "--3", None),
        ("bigint", (), "", None),
        ("integer", (), "2147483648", None),
        ("smallint", (), "-32768", -32768),
        ("double", (), "1e3", 1000.0),
        ("double", (), "1e400", None),
        ("double", (), ".5", 0.5),
        ("double", (), "e5", None),
        ("real", (), "1.2.3", None),
        ("decimal(5,2)", (), "12.345", 12.35),
        ("decimal(5,2)", (), "1000", None),
        ("decimal(5)", (), "99999.4", 99999),
        ("decimal", (), "12.50", 12.5),
        ("boolean", (), " Yes", 1),
        ("boolean", (), "off", 0),
        ("boolean", (), "maybe", None),
        ("text", (), "x ", "x "),
        ("uuid", (), "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("uuid", (), "a0eebc99", None),
        ("json", (), '{"a": 1}', '{"a": 1}'),
        ("json", (), "{a", None),
        ("date", FORMATS, "2024-02-29", "2024-02-29"),
        ("date", FORMATS, "2023-02-29", None),
        ("date", FORMATS, "3/7/2024", "2024-07-03"),
        ("date", FORMATS, "1700000000", "2023-11-14"),
        ("date", FORMATS, "99999999999999", None),
        ("date", ("%d %B %Y", "%d %b %y"), "5 March 2024", "2024-03-05"),
        ("date", ("%d %B %Y", "%d %b %y"), "05 may 70", "1970-05-05"),
        ("date", (), "2024-1-2", "2024-01-02"),
        ("date", ("100%% %F",), "100% 2024-01-02", "2024-01-02"),
        ("timestamp", (), "2024-02-29T10:11:12.5", "2024-02-29 10:11:12.500000"),
        ("timestamp", (), "2024-02-29", "2024-02-29 00:00:00"),
        ("timestamp", (), "2024-02-29 24:00:00", None),
        ("timestamptz", ("unix",), "-1", "1969-12-31 23:59:59"),
        ("time", ("%I:%M %p",), "1:05 PM", "13:05:00"),
        ("time", ("%I:%M %p",), "12:00 am", "00:00:00"),
        ("time", ("%T", "unix"), "10:11:12", "10:11:12"),
        ("bigint", (), None, None),
    ],
)  # fmt: skip
def test_dirty_text_is_read_or_it_is_not(type_, formats, text, expected):
    parse = Parse(Sql("x"), type_, formats)
    kept = Parse(Sql("x"), type_, formats, Sql("'as it was: ' || x"))
    source = "FROM (SELECT CAST(:x AS TEXT) AS x)"
    found = value(f"{expression_sql(parse)} {source}", x=text)
    assert (found, type(found)) == (expected, type(expected))
    fallback = None if text is None else expected if expected is not None else f"as it was: {text}"
    assert value(f"{expression_sql(kept)} {source}", x=text) == fallback


@pytest.mark.parametrize(
    ("type_", "formats"),
    [("colour", ()), ("date", ("%Q",)), ("date", ("%Y",)), ("time", ("%H%H",)), ("(", ())],
)
def test_types_and_formats_that_can_not_be_read_are_refused(type_, formats):
    with pytest.raises(Problem) as caught:
        expression_sql(Parse(Sql("x"), type_, formats))
    assert caught.value.rule == "SP110"
