"""Portable SQL text → MariaDB's: what it reads otherwise than the others."""

from __future__ import annotations

from collections.abc import Collection

from engine.dialects.mysql.sql import DIALECT, base_type, canonical, literal_sql
from engine.dialects.mysql.tokens import LEXER, Token
from engine.dialects.shared.translate import Translator
from engine.errors import Path, Problem
from engine.model.expression import Expression, Literal, Parse, Sql

_CASTS = {"int": "SIGNED", "smallint": "SIGNED", "bigint": "SIGNED", "varchar": "CHAR", "text": "CHAR"}


def _cast(text: str) -> str:
    type = canonical(text)
    return _CASTS.get(base_type(type), type)


_TRANSLATOR = Translator(
    DIALECT,
    LEXER,
    clock={
        "CURRENT_TIMESTAMP": "CAST(:now AS DATETIME(6))",
        "CURRENT_DATE": "CAST(:now AS DATE)",
        "CURRENT_TIME": "CAST(:now AS TIME(6))",
    },
    cast=_cast,
)
bind_clock, is_name = _TRANSLATOR.bind_clock, _TRANSLATOR.is_name


def text_for(sql: Sql, names: Collection[str], path: Path = ()) -> str:
    """Return the text of `sql` for MariaDB, untranslated where it was written for it.

    Args:
        names: of tables and columns; they stand as they are written here.

    Raises:
        Problem: SP111 where the spec gives none, SP110 where it is no single expression or query.
    """
    del names
    return _TRANSLATOR.text_for(sql, translate, path)


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


def translate(text: str) -> str:
    """Return portable SQL as MariaDB reads it in the engine's session."""
    return _TRANSLATOR.translate(text, _spelled)


def _spelled(token: Token, before: Token | None, after: Token | None) -> str:
    if token.text == "==":
        return "="
    # In the common subset LIKE looks past the case, and what the engine makes compares every bit.
    if token.is_word("LIKE") and (after is None or after.kind != "string"):
        raise Problem("SP111", "LIKE takes a text in quotes on MariaDB", hint="write it for `mariadb`")
    if token.kind == "string" and before is not None and before.is_word("LIKE"):
        return f"{token.text} COLLATE utf8mb4_general_ci"
    return token.text
