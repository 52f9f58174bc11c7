"""Portable SQL text → SQLite's: the few functions and types that it lacks."""

from __future__ import annotations

from engine.dialects.shared.translate import Rewrite, Translator
from engine.dialects.sqlite.sql import DIALECT
from engine.dialects.sqlite.tokens import LEXER, tokens
from engine.errors import Path
from engine.model.expression import Sql
from engine.model.state import fold

_TEXT_TYPES = frozenset({"date", "time", "timestamp", "timestamptz", "json", "uuid"})


def text_for(sql: Sql, path: Path = ()) -> str:
    """Return the text of `sql` for SQLite, untranslated where it was written for it.

    Raises:
        Problem: SP111 where the spec gives none, SP110 where it is no single expression or query.
    """
    return _TRANSLATOR.text_for(sql, translate, path)


def names_in(sql: str) -> frozenset[str]:
    """Return all identifiers in `sql`, folded, keywords among them."""
    return frozenset(fold(token.name) for token in tokens(sql) if token.is_name)


def translate(text: str) -> str:
    """Return portable SQL as SQLite reads it."""
    return _TRANSLATOR.translate(text)


def _cast(text: str) -> str | None:
    """Give the types that SQLite would take for numbers the type of the text they are kept as."""
    return "TEXT" if text.split("(")[0].strip().lower() in _TEXT_TYPES else None


def _left(arguments: list[str]) -> str | None:
    return f"substr({arguments[0]}, 1, {arguments[1]})" if len(arguments) == 2 else None


def _right(arguments: list[str]) -> str | None:
    if len(arguments) != 2:
        return None
    text, count = arguments
    if count.isdigit() and int(count) > 0:
        return f"substr({text}, -{count})"
    return f"CASE WHEN ({count}) > 0 THEN substr({text}, -({count})) WHEN ({count}) <= 0 THEN '' END"


def _concat(arguments: list[str]) -> str | None:
    if arguments == [""]:
        return None
    return "(" + " || ".join(f"coalesce({a}, '')" for a in arguments) + ")"


def _length(arguments: list[str]) -> str | None:
    return f"length({arguments[0]})" if len(arguments) == 1 else None


_REWRITES: dict[str, Rewrite] = {
    "left": _left,
    "right": _right,
    "concat": _concat,
    "char_length": _length,
    "character_length": _length,
}

_TRANSLATOR = Translator(
    DIALECT,
    LEXER,
    clock={"CURRENT_TIMESTAMP": ":now", "CURRENT_DATE": "date(:now)", "CURRENT_TIME": "time(:now)"},
    cast=_cast,
    rewrites=_REWRITES,
)
bind_clock, is_name = _TRANSLATOR.bind_clock, _TRANSLATOR.is_name
