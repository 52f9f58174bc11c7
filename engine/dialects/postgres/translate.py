"""Portable SQL text → PostgreSQL's: what it lacks or reads otherwise than the others."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from engine.dialects.postgres.sql import DIALECT, canonical, literal_sql, quote
from engine.dialects.postgres.tokens import LEXER, Token
from engine.dialects.shared.translate import Rewrite, Translator
from engine.errors import Path
from engine.model.expression import Expression, Literal, Parse, Sql


def text_for(sql: Sql, names: Collection[str], path: Path = ()) -> str:
    """Return the text of `sql` for PostgreSQL, untranslated where it was written for it.

    Args:
        names: of tables and columns: those that are not in lower case are quoted where they stand bare.

    Raises:
        Problem: SP111 where the spec gives none, SP110 where it is no single expression or query.
    """
    return _TRANSLATOR.text_for(sql, partial(translate, names=names), path)


def expression_sql(expression: Expression, names: Collection[str], path: Path = ()) -> str:
    """Return an expression as PostgreSQL's own text; see `text_for`.

    Raises:
        Problem: SP110, SP111 at `path`.
    """
    if isinstance(expression, Literal):
        return literal_sql(expression)
    if isinstance(expression, Parse):
        from engine.dialects.postgres.parsing import parse_sql

        return parse_sql(expression, names, path)
    return text_for(expression, names, path)


def translate(text: str, names: Collection[str] = ()) -> str:
    """Return portable SQL as PostgreSQL reads it."""
    odd = {name.lower(): name for name in names if name != name.lower() or name in ("user", "end", "order")}
    for name in names:  # a name in lower case wins: that is what PostgreSQL would look for
        if name == name.lower() and name not in ("user",):
            odd.pop(name, None)
    return _TRANSLATOR.translate(text, partial(_spelled, odd))


def _spelled(odd: dict[str, str], token: Token, before: Token | None, after: Token | None) -> str:
    del before
    name = token.text.lower() if token.kind == "word" else ""
    if name == "like":
        return "ILIKE"  # in the common subset it looks past the case, as SQLite and MySQL do
    if token.text == "==":
        return "="
    if name in odd and (after is None or after.text != "("):
        return quote(odd[name])
    return token.text


def _cast(text: str) -> str:
    type = canonical(text)
    return "jsonb" if type == "json" else type


def _instr(arguments: list[str]) -> str | None:
    return f"strpos({arguments[0]}, {arguments[1]})" if len(arguments) == 2 else None


def _substr(arguments: list[str]) -> str | None:
    """From the end, which PostgreSQL's own substr does not count from."""
    if len(arguments) < 2 or not (arguments[1].startswith("-") and arguments[1][1:].isdigit()):
        return None
    text, back = arguments[0], int(arguments[1][1:])
    if len(arguments) == 2:
        return f"right({text}, {back})"
    return f"substr({text}, length({text}) - {back - 1}, {arguments[2]})" if back and len(arguments) == 3 else None


def _round(arguments: list[str]) -> str | None:
    """Half away from zero, as the others do: PostgreSQL rounds a double to the even one."""
    if not arguments[0]:
        return None
    return f"round({', '.join([f'CAST(({arguments[0]}) AS numeric)', *arguments[1:]])})"


def _ifnull(arguments: list[str]) -> str | None:
    return f"coalesce({', '.join(arguments)})"


_REWRITES: dict[str, Rewrite] = {
    "instr": _instr,
    "substr": _substr,
    "round": _round,
    "ifnull": _ifnull,
}

_TRANSLATOR = Translator(
    DIALECT,
    LEXER,
    clock={
        "CURRENT_TIMESTAMP": "CAST(:now AS timestamptz)",
        "CURRENT_DATE": "CAST(:now AS date)",
        "CURRENT_TIME": "CAST(CAST(:now AS timestamp) AS time)",
    },
    cast=_cast,
    rewrites=_REWRITES,
    own=frozenset({"::", "?"}),
    nests=True,
)
bind_clock, is_name = _TRANSLATOR.bind_clock, _TRANSLATOR.is_name
