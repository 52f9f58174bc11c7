"""Portable SQL as PostgreSQL reads it: token by token, names and literals unharmed."""

from __future__ import annotations

import pytest

from engine.dialects.postgres.sql import canonical, differs, literal_for, literal_sql, type_sql
from engine.dialects.postgres.tokens import all_tokens, numbered, renamed
from engine.dialects.postgres.translate import bind_clock, text_for, translate
from engine.errors import Problem
from engine.model.expression import Literal, PerDialect, Sql


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("trim(title)", "trim(title)"),
        ("instr(a, 'x')", "strpos(a, 'x')"),
        ("substr(a, -3)", "right(a, 3)"),
        ("substr(a, 2, 3)", "substr(a, 2, 3)"),
        ("substr(a, -3, 2)", "substr(a, length(a) - 2, 2)"),
        ("round(a)", "round(CAST((a) AS numeric))"),
        ("round(a, 2)", "round(CAST((a) AS numeric), 2)"),
        ("ifnull(instr(a, b), 0)", "coalesce(strpos(a, b), 0)"),
        ("a LIKE 'x%' AND b == 1", "a ILIKE 'x%' AND b = 1"),
        ("cast(a as blob)", "cast(a AS bytea)"),
        ("cast(instr(a, 'b') as json)", "cast(strpos(a, 'b') AS jsonb)"),
        ("'like instr(a, b) :x'", "'like instr(a, b) :x'"),
        ("Total + user", '"Total" + "user"'),
        ("total_of(Total)", 'total_of("Total")'),
    ],
)
def test_the_common_subset_is_spelled_as_the_server_wants_it(text: str, expected: str) -> None:
    assert translate(text, {"Total", "user", "a", "b"}) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a; DROP TABLE t", "a `;` ends the SQL here"),
        ("a) FROM t --", "closes a parenthesis"),
        ("(a", "opens a parenthesis"),
        ("a -- end", "ends in a comment"),
        ("a /* b /* c */", "a comment inside a comment"),
        ("'open", "opens a quote that it does not close"),
        ("a /* b", "opens a comment that it does not close"),
        ("a::text", "`::` is no SQL that every database reads"),
        ("a = :x", "`:x` is a parameter"),
        ("  ", "this SQL is empty"),
    ],
)
def test_sql_that_would_leak_out_of_its_place_is_refused(text: str, words: str) -> None:
    with pytest.raises(Problem, match=words.replace("(", "\\(")) as caught:
        text_for(Sql(text), ())
    assert caught.value.rule == "SP110"


def test_text_given_for_postgresql_passes_untouched() -> None:
    given = "data ? 'a' AND b::int LIKE $$x;y$$"
    assert text_for(Sql(None, (("postgresql", given),)), {"Data"}) == given


def test_parameters_are_numbered_outside_of_text_and_casts_only() -> None:
    sql = """SELECT ':no', $x$ :no $x$, a::text, :lo1, E'\\':no' -- :no\n, ":no" WHERE b = :hi AND c = :lo1"""
    text, names = numbered(sql)
    assert names == ("lo1", "hi")
    assert text == sql.replace(":lo1", "$1").replace(":hi", "$2")
    assert "".join(t.text for t in all_tokens(sql)) == sql


def test_a_name_is_renamed_where_it_is_one() -> None:
    assert (
        renamed("lower(a) || 'a' || \"a\" || a.b || A", "a", "b c")
        == """lower("b c") || 'a' || "b c" || "b c".b || "b c\""""
    )
    assert renamed("a(1)", "a", "b") == "a(1)" and renamed("", "a", "b") == ""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("integer", "integer"),
        ("VARCHAR(10)", "character varying(10)"),
        ("decimal(10, 2)", "numeric(10,2)"),
        ("numeric(5)", "numeric(5,0)"),
        ("timestamp(3)", "timestamp(3) without time zone"),
        ("timestamptz", "timestamp with time zone"),
        ("int4[]", "integer[]"),
        ("blob", "bytea"),
        ("json", "jsonb"),
        ("double", "double precision"),
        ("citext", "citext"),
    ],
)
def test_types_are_spelled_as_the_catalogue_prints_them(given: str, expected: str) -> None:
    assert type_sql(PerDialect(given)) == expected
    assert canonical(canonical(given)) == canonical(given)


@pytest.mark.parametrize("given", ["serial", "integer); DROP TABLE t; --", "text DEFAULT 'x'"])
def test_a_type_that_is_more_than_a_type_is_refused(given: str) -> None:
    with pytest.raises(Problem):
        type_sql(PerDialect(None, (("postgresql", given),)))


def test_a_literal_takes_the_type_of_its_column() -> None:
    assert literal_for(Literal(1, "1"), "boolean") == "TRUE"
    assert literal_for(Literal(True, "true"), "integer") == "1"
    assert literal_for(Literal(7, "7"), "text") == "'7'"
    assert literal_for(Literal("it's", "it's"), "jsonb") == "'it''s'"
    with pytest.raises(Problem):
        literal_sql("a\0b")


def test_values_are_compared_by_their_bytes_where_equal_is_not_the_same() -> None:
    assert differs("a", "b", "integer") == "a IS DISTINCT FROM b"
    assert 'COLLATE "C"' in differs("a", "b", "numeric(10,2)")


def test_the_clock_is_the_start_of_the_step() -> None:
    assert bind_clock("CURRENT_TIMESTAMP || 'CURRENT_TIMESTAMP'") == "CAST(:now AS timestamptz) || 'CURRENT_TIMESTAMP'"
