"""Tokens: nothing of a text is lost, and each token is what SQLite takes it for."""

from __future__ import annotations

import re
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dialects.shared.tokens import ID, LETTER, WORD
from engine.dialects.sqlite.identifiers import names, references
from engine.dialects.sqlite.tokens import all_tokens, edit, quote, tokens, unquote


def kinds(sql: str) -> list[tuple[str, str]]:
    return [(token.kind, token.text) for token in tokens(sql)]


@given(st.text(alphabet="ab1 \n'\"`[]()-/*x.;?:@$#☃\u00a0é!=<>|", max_size=30))
def test_tokens_joined_give_the_text_again(sql: str) -> None:
    found = all_tokens(sql)
    assert "".join(token.text for token in found) == sql
    assert all(sql[token.start : token.end] == token.text for token in found)


@given(st.text(min_size=1, max_size=12).filter(lambda name: "\0" not in name and name.isprintable()))
def test_a_quoted_name_comes_back_and_is_one_token(name: str) -> None:
    assert unquote(quote(name)) == name
    assert [token.name for token in tokens(quote(name))] == [name]
    made = sqlite3.connect(":memory:")
    made.execute(f"CREATE TABLE t({quote(name)})")
    assert made.execute("PRAGMA table_info(t)").fetchone()[1] == name
    made.close()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('"a""b"', 'a"b'),
        ("[a b]", "a b"),
        ("`a``b`", "a`b"),
        ("'it''s'", "it's"),
        ("plain", "plain"),
        ('"', '"'),
    ],
)
def test_each_kind_of_quotes_is_taken_off(text: str, name: str) -> None:
    assert unquote(text) == name


def test_comments_and_blanks_are_no_tokens() -> None:
    assert kinds("a -- b ' c\n/* d \" */ , /* open") == [("word", "a"), ("operator", ",")]


def test_numbers_blobs_and_parameters_are_told_apart() -> None:
    assert kinds("1 .5 1e-3 0x1F x'0aFF' x'0' ?1 :a @b $c::d(e) 1abc") == [
        ("number", "1"),
        ("number", ".5"),
        ("number", "1e-3"),
        ("number", "0x1F"),
        ("blob", "x'0aFF'"),
        ("word", "x"),
        ("string", "'0'"),
        ("parameter", "?1"),
        ("parameter", ":a"),
        ("parameter", "@b"),
        ("parameter", "$c::d(e)"),
        ("illegal", "1"),
        ("word", "abc"),
    ]


def test_operators_of_several_signs_are_one_token() -> None:
    found = [text for kind, text in kinds("a->>b->c||d<>e<=f==g!=h<<i") if kind == "operator"]
    assert found == ["->>", "->", "||", "<>", "<=", "==", "!=", "<<"]


def test_an_edit_changes_its_stretches_only() -> None:
    assert edit("abc def", [(4, 7, "X"), (0, 1, "YY")]) == "YYbc X"


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("case when a then b else c end", ["a", "b", "c"]),
        ("end > 0 and not like = 1", ["end", "like"]),
        ("case end when like then match end + glob", ["end", "like", "match", "glob"]),
        ("a not like b escape c", ["a", "b", "c"]),
        ("t.c is not null and s.t.d isnull", ["c", "d"]),
        ("cast(x as text) = cast(y as varchar(10)) || z collate nocase", ["x", "y", "z"]),
        ("f(x, 'lit', \"d\") in (1, e)", ["x", "d", "e"]),
        ("k between l and m and n is not distinct from o", ["k", "l", "m", "n", "o"]),
        ("current_timestamp > a and b is null", ["a", "b"]),
        ("coalesce((a), -b) is not 'c'", ["a", "b"]),
    ],
)
def test_only_what_can_name_a_column_is_a_reference(expression: str, found: list[str]) -> None:
    assert [reference.token.name for reference in references(expression)] == found


def test_a_qualifier_of_another_table_is_no_reference_to_this_one() -> None:
    assert [token.start for token in names("t.a = u.a + a", "A", table="T")] == [2, 12]
    assert len(names("t.a = u.a + a", "a")) == 3


def test_the_characters_of_names_are_asciis_own_and_all_others() -> None:
    every = "".join(map(chr, range(0x110000)))
    for short, long in ((LETTER, "A-Za-z_"), (WORD, "A-Za-z0-9_"), (ID, "A-Za-z0-9_$")):
        assert re.findall(short, every) == re.findall(rf"[{long}\x80-\U0010ffff]", every)
