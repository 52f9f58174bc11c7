"""Portable SQL text → MariaDB's, token by token; what needs no change keeps every byte."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from engine.dialects.mysql.sql import DIALECT, base_type, canonical, literal_sql
from engine.dialects.mysql.tokens import Token, all_tokens, tokens
from engine.errors import Path, Problem
from engine.model.expression import Expression, Literal, Parse, Sql

_CLOCK = {
    "CURRENT_TIMESTAMP": "CAST(:now AS DATETIME(6))",
    "CURRENT_DATE": "CAST(:now AS DATE)",
    "CURRENT_TIME": "CAST(:now AS TIME(6))",
}


def check_fragment(text: str, path: Path = (), *, given: bool = False) -> None:
    """Make sure that `text` is closed in itself, so that it can't leak into what is put around it.

    Args:
        given: it was written for MariaDB: `::` may stand.

    Raises:
        Problem: SP110 at `path`.
    """
    if not tokens(text):
        raise Problem("SP110", "this SQL is empty", path)
    depth = 0
    for token in tokens(text):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth < 0:
            raise Problem("SP110", "this SQL closes a parenthesis that it does not open", path)
        _check_token(token, path, given)
    if depth:
        raise Problem("SP110", "this SQL opens a parenthesis that it does not close", path)
    last = all_tokens(text.rstrip())[-1]
    if last.kind == "comment" and last.text.startswith("--"):
        raise Problem("SP110", "this SQL ends in a comment", path, hint="put the comment on a line before it")
    if any(t.kind == "comment" and "/*" in t.text[2:] for t in all_tokens(text)) or "\0" in text:
        raise Problem("SP110", "a comment inside a comment can't stand here", path)


def _check_token(token: Token, path: Path, given: bool) -> None:
    if token.text == ";":
        raise Problem("SP110", "a `;` ends the SQL here, and only one expression fits", path, hint="take it out")
    if token.kind == "illegal":
        raise Problem("SP110", f"this SQL opens what it does not close, or has a sign that is none: {token.text}", path)
    if token.text == "::" and not given:
        raise Problem("SP110", "`::` is no SQL that every database reads", path, hint="write `cast(… as …)`")
    if token.kind == "parameter" and not (given and token.text == "?"):
        raise Problem(
            "SP110",
            f"`{token.text}` is a parameter, and nothing gives it a value",
            path,
            hint="put text in single quotes, or use a variable: {{ name | literal }}",
        )


def bind_clock(sql: str) -> str:
    """Return `sql` with CURRENT_TIMESTAMP and its kin bound to the step's start."""
    return "".join(_CLOCK.get(t.text.upper(), t.text) if t.kind == "word" else t.text for t in all_tokens(sql))


def is_name(sql: str) -> bool:
    """Tell whether `sql` is nothing but one identifier."""
    found = tokens(sql)
    return len(found) == 1 and found[0].is_name


def text_for(sql: Sql, names: Collection[str], path: Path = ()) -> str:
    """Return the text of `sql` for MariaDB, untranslated where it was written for it.

    Args:
        names: of tables and columns: those that are not in lower case are quoted where they stand bare.

    Raises:
        Problem: SP111 where the spec gives none, SP110 where it is no single expression or query.
    """
    given = sql.given_for(DIALECT)
    text = given if given is not None else sql.text
    if text is None:
        raise Problem("SP111", "there is no SQL for mariadb among those given", path, hint="add `mariadb: …`")
    check_fragment(text, path, given=given is not None)
    return text.strip() if given is not None else translate(text, names).strip()


def expression_sql(expression: Expression, names: Collection[str], path: Path = ()) -> str:
    """Return an expression as MariaDB's own text; see `text_for`.

    Raises:
        Problem: SP110, SP111 at `path`.
    """
    if isinstance(expression, Literal):
        return literal_sql(expression)
    if isinstance(expression, Parse):
        raise Problem("SP111", "`parse` is not there for MariaDB yet", path, hint="write an expression for `mariadb`")
    return text_for(expression, names, path)


def translate(text: str, names: Collection[str] = ()) -> str:
    """Return portable SQL as MariaDB reads it in the engine's session."""
    return _translate(all_tokens(text))


def _translate(found: Sequence[Token]) -> str:
    out: list[str] = []
    place = 0
    while place < len(found):
        token = found[place]
        opening = _skip(found, place + 1)
        if token.is_word("CAST") and opening < len(found) and found[opening].text == "(":
            end = _closing(found, opening)
            out.append(f"{token.text}({_cast(found[opening + 1 : end])})")
            place = end + 1
            continue
        if token.text == "==":
            out.append("=")
        elif token.is_word("LIKE"):
            # In the common subset it looks past the case, and what the engine makes compares every bit.
            if opening >= len(found) or found[opening].kind != "string":
                raise Problem("SP111", "LIKE takes a text in quotes on MariaDB", hint="write it for `mariadb`")
            out.append(f"{token.text} {found[opening].text} COLLATE utf8mb4_general_ci")
            place = opening
        else:
            out.append(token.text)
        place += 1
    return "".join(out)


def _skip(found: Sequence[Token], place: int) -> int:
    while place < len(found) and found[place].kind in ("space", "comment"):
        place += 1
    return place


def _closing(found: Sequence[Token], opening: int) -> int:
    depth = 0
    for place in range(opening, len(found)):
        depth += {"(": 1, ")": -1}.get(found[place].text, 0)
        if depth == 0:
            return place
    return len(found)


_CASTS = {"int": "SIGNED", "smallint": "SIGNED", "bigint": "SIGNED", "varchar": "CHAR", "text": "CHAR"}


def _cast(found: Sequence[Token]) -> str:
    depth = 0
    for place, token in enumerate(found):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.is_word("AS"):
            type = canonical("".join(t.text for t in found[place + 1 :]))
            return f"{_translate(found[:place])}AS {_CASTS.get(base_type(type), type)}"
    return _translate(found)
