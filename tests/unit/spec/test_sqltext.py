"""SQL as far as one can look at it without a database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.spec.sqltext import fault, statements, tokens


@pytest.mark.parametrize(
    "sql",
    [
        "a = 'it''s' AND \"b c\" <> [d e] OR `f` = ''",
        "x'00ff' || 'a -- b' || '/* ? :x */' || ';'",
        "a::int + 1.5e3 - .5",
        "coalesce(a, (b))",
        "länge > 5",
    ],
)
def test_good_fragments_pass(sql: str) -> None:
    assert fault(sql, "expression") is None


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("'it\\'s'", "mysql"),
        ("E'it\\'s'", "postgresql"),
        ("a[1] ? 'b'", "postgresql"),
        ("a @> b", ""),
        ("@user", "mysql"),
        ("$$it's; -- here$$", "postgresql"),
        ("$x$ ) $x$", "postgresql"),
    ],
)
def test_each_database_has_its_spellings(sql: str, dialect: str) -> None:
    assert fault(sql, "expression", dialect) is None


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("", "there is no SQL here"),
        ("  \n", "there is no SQL here"),
        ("'a", "the quote ' that opens"),
        ('"a', 'the quote " that opens'),
        ("[a", "the quote [ that opens"),
        ("a /* b", "the comment that opens"),
        ("a -- b", "a comment can't stand"),
        ("a /* b */", "a comment can't stand"),
        ("((a)", "1 `(` is never closed"),
        ("((a", "2 `(` are never closed"),
        ("a)(", "closes what was never opened"),
        ("a;", "one piece of SQL"),
        ("a = $x", "is a parameter"),
        ("a = @x", "is a parameter"),
        ("a = ?1", "is a parameter"),
    ],
)
def test_faults(sql: str, words: str) -> None:
    found = fault(sql, "expression")
    assert found is not None
    assert words in found.message


def test_a_script_takes_comments_and_statements() -> None:
    assert fault("-- first\nUPDATE a SET b = 1; /* then */ DELETE FROM c;", "script") is None
    assert fault("UPDATE a SET b = 1 -- here", "body") is None
    assert fault("-- only words\n;", "script") is not None


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("a; b", ("a", "b")),
        ("a;", ("a",)),
        (";; a ;;", ("a",)),
        ("a 'x;y' \"p;q\" ; -- c; d\n b", ("a 'x;y' \"p;q\"", "-- c; d\n b")),
        (
            "CREATE TRIGGER t AFTER UPDATE ON a BEGIN UPDATE b SET c = CASE WHEN 1 THEN 2 END; DELETE FROM d; END; e",
            (
                "CREATE TRIGGER t AFTER UPDATE ON a BEGIN UPDATE b SET c = CASE WHEN 1 THEN 2 END; DELETE FROM d; END",
                "e",
            ),
        ),
        ("BEGIN; a; END", ("BEGIN", "a", "END")),
        ("SELECT CASE WHEN a THEN b END; c", ("SELECT CASE WHEN a THEN b END", "c")),
        ("-- nothing", ()),
    ],
)
def test_statements_are_parted_where_they_end(sql: str, expected: tuple[str, ...]) -> None:
    assert statements(sql) == expected


def test_dollar_quotes_hold_statements_together() -> None:
    sql = "CREATE FUNCTION f() AS $$ a; b; $$ LANGUAGE sql; c"
    assert statements(sql, "postgresql") == ("CREATE FUNCTION f() AS $$ a; b; $$ LANGUAGE sql", "c")


@given(st.text(alphabet="ab'\"`[]();-/*$:?@\\ \n.1é", max_size=30), st.sampled_from(["", "mysql", "postgresql"]))
def test_tokens_lose_nothing_but_white_space(sql: str, dialect: str) -> None:
    found = list(tokens(sql, dialect))
    assert all(sql[t.start : t.start + len(t.text)] == t.text for t in found)
    between = list(sql)
    for token in found:
        between[token.start : token.start + len(token.text)] = " " * len(token.text)
    assert not "".join(between).strip()
