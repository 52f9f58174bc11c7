"""Names and values as all of the databases spell them. Pure text."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from engine.model.expression import Literal

Value = Literal | str | int | float | bool | Decimal | None
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def quote(name: str) -> str:
    """Return `name` as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def columns_sql(names: tuple[str, ...]) -> str:
    """Return `names` quoted, with commas between them."""
    return ", ".join(quote(name) for name in names)


def quoted_text(value: str) -> str:
    """Return a text in single quotes."""
    return "'" + value.replace("'", "''") + "'"


def literal(value: Value, booleans: tuple[str, str], text: Callable[[str], str] = quoted_text) -> str:
    """Return a value as a SQL literal; a `Literal` keeps its spelling where that is a number.

    Args:
        value: it.
        booleans: how true and false are spelled.
        text: how a text is.
    """
    if isinstance(value, Literal):
        plain = value.value
        if isinstance(plain, (int, Decimal)) and not isinstance(plain, bool):
            spelling = value.spelling.strip()
            return spelling if _NUMBER.fullmatch(spelling) else str(plain)
        return literal(plain, booleans, text)
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return booleans[0] if value else booleans[1]
    if isinstance(value, (int, float, Decimal)):
        return repr(value) if isinstance(value, float) else str(value)
    return text(value)
