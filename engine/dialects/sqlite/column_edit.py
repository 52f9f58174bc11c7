"""Changes of one column in the text of a CREATE TABLE; every other byte stays.

Each function takes the table's text and the column's name and returns the new text. They raise
`TextError` where the text has no such column; whether SQLite takes the result is not judged.
"""

from __future__ import annotations

import re

from engine.dialects.sqlite.cuts import cut, put
from engine.dialects.sqlite.table_parts import ColumnText, Constraint, ConstraintKind, TextError
from engine.dialects.sqlite.table_text import parse
from engine.dialects.sqlite.tokens import edit, quote, tokens
from engine.model.state import same_name

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def set_type(sql: str, column: str, type: str) -> str:
    """Return `sql` with another type of a column; "" takes the type away."""
    found = _column(sql, column)
    start, end = found.type
    if start == end:
        return put(sql, end, type) if type else sql
    return edit(sql, [(start, end, type)]) if type else cut(sql, start, end)


def set_not_null(sql: str, column: str, on: bool) -> str:
    """Return `sql` with or without NOT NULL on a column."""
    if not on:
        return _without(sql, column, "not null")
    sql = _without(sql, column, "null")
    found = _column(sql, column)
    return sql if found.last("not null") else put(sql, found.type[1], "NOT NULL")


def set_default(sql: str, column: str, text: str | None) -> str:
    """Return `sql` with another default of a column.

    Args:
        text: what follows DEFAULT: a literal, or an expression in its parentheses; None for none.
    """
    if text is None:
        return _without(sql, column, "default")
    found = _column(sql, column)
    present = found.last("default")
    if present is not None:
        word = next(t for t in tokens(sql) if t.start >= present.start and t.is_word("DEFAULT"))
        return put(cut(sql, word.end, present.end), word.end, text)
    constraint = found.last("not null")
    return put(sql, constraint.end if constraint else found.type[1], f"DEFAULT {text}")


def set_collate(sql: str, column: str, name: str) -> str:
    """Return `sql` with another collation of a column; "" takes the clause away."""
    if not name:
        return _without(sql, column, "collate")
    spelled = name if _PLAIN.fullmatch(name) else quote(name)
    found = _column(sql, column)
    present = found.last("collate")
    if present is not None:
        return edit(sql, [(*present.body, spelled)])
    return put(sql, found.type[1], f"COLLATE {spelled}")


def set_generated(sql: str, column: str, expression: str | None, stored: bool = False) -> str:
    """Return `sql` with a column generated from `expression` (its default goes), or plain for None."""
    if expression is None:
        return _without(sql, column, "generated")
    sql = _without(sql, column, "default")
    found = _column(sql, column)
    text = f"GENERATED ALWAYS AS ({expression}) {'STORED' if stored else 'VIRTUAL'}"
    present = found.last("generated")
    if present is not None:
        return edit(sql, [(_after_name(sql, present), present.end, text)])
    return put(sql, found.type[1], text)


def set_auto_increment(sql: str, column: str, on: bool) -> str:
    """Return `sql` with or without AUTOINCREMENT; the column must be the whole primary key.

    Raises:
        TextError: it is not.
    """
    _column(sql, column)
    for key in parse(sql).all_constraints:
        names = [key.column] if key.column else [name.value for name in key.columns]
        if key.kind != "primary key" or len(names) != 1 or not same_name(names[0], column):
            continue
        if key.auto_increment == on:
            return sql
        if on:
            closing = next((t.start for t in reversed(tokens(sql)) if t.end <= key.end and t.text == ")"), key.end)
            return put(sql, key.end if key.column else closing, "AUTOINCREMENT")
        word = next(t for t in tokens(sql) if t.start > key.start and t.is_word("AUTOINCREMENT"))
        return cut(sql, word.start, word.end)
    if not on:
        return sql
    raise TextError(f"{column} is not the whole primary key")


def _column(sql: str, name: str) -> ColumnText:
    found = parse(sql).column(name)
    if found is None:
        raise TextError(f"there is no column {name}")
    return found


def _without(sql: str, column: str, kind: ConstraintKind) -> str:
    """Return `sql` without all constraints of `kind` on a column."""
    while (found := _column(sql, column).last(kind)) is not None:
        sql = cut(sql, found.start, found.end)
    return sql


def _after_name(sql: str, constraint: Constraint) -> int:
    """Return the offset of the first word behind `CONSTRAINT x`."""
    found = [t for t in tokens(sql) if t.start >= constraint.start]
    return found[2].start if constraint.name and found[0].is_word("CONSTRAINT") else found[0].start
