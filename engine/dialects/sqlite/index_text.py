"""The text of a CREATE INDEX as SQLite keeps it, taken apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from engine.dialects.sqlite.table_parts import Name
from engine.dialects.sqlite.tokens import Token, tokens
from engine.model.state import Index, fold


@dataclass(frozen=True, slots=True)
class IndexText:
    """A CREATE INDEX text taken apart.

    Attributes:
        parts: stretch of each part, with its collation and order.
        columns: for each part the name that it may be, "" for an expression.
        where: stretch of the condition, None for none.
        open, close: offsets of the parentheses around the parts.
    """

    sql: str
    name: Name
    table: Name
    unique: bool
    parts: tuple[tuple[int, int], ...]
    columns: tuple[str, ...]
    where: tuple[int, int] | None
    open: int
    close: int


@lru_cache(maxsize=8192)
def parse_index(sql: str) -> IndexText | None:
    """Take the text of a CREATE INDEX apart; None if it is none."""
    found = tokens(sql)
    try:
        return _parse(sql, found)
    except IndexError:
        return None


def _parse(sql: str, found: tuple[Token, ...]) -> IndexText | None:
    unique = found[1].is_word("UNIQUE")
    at = 2 if unique else 1
    if not (found[0].is_word("CREATE") and found[at].is_word("INDEX")):
        return None
    at += 1
    if found[at].is_word("IF") and found[at + 1].is_word("NOT"):
        at += 3
    if found[at + 1].text == ".":
        at += 2
    name, table, opened = found[at], found[at + 2], at + 3
    if not found[at + 1].is_word("ON") or found[opened].text != "(":
        return None
    depth, first = 1, opened + 1
    parts: list[tuple[int, int]] = []
    columns: list[str] = []
    at = opened
    while depth:
        at += 1
        depth += (found[at].text == "(") - (found[at].text == ")")
        if depth == 0 or (depth == 1 and found[at].text == ","):
            parts.append((found[first].start, found[at - 1].end))
            columns.append(_column(found[first:at]))
            first = at + 1
    closed = at
    where = (found[closed + 2].start, found[-1].end) if closed + 2 < len(found) else None
    return IndexText(
        sql,
        Name(name.name, name.start, name.end),
        Name(table.name, table.start, table.end),
        unique,
        tuple(parts),
        tuple(columns),
        where,
        found[opened].start,
        found[closed].start,
    )


def _column(part: tuple[Token, ...]) -> str:
    """Return the name that a part is, its parentheses, collation and order aside, or ""."""
    if part and part[-1].is_word("ASC", "DESC") and len(part) > 1:
        part = part[:-1]
    while len(part) > 2 and (part[-2].is_word("COLLATE") or (part[0].text == "(" and part[-1].text == ")")):
        part = part[:-2] if part[-2].is_word("COLLATE") else part[1:-1]
    return part[0].name if len(part) == 1 and (part[0].is_name or part[0].kind == "string") else ""


@lru_cache(maxsize=8192)
def index_of(name: str, table: str, sql: str, columns: frozenset[str] | None) -> Index:
    """Return the index that a text describes.

    Args:
        columns: folded names of the table's columns, None where they are not known: a part that
            names none of them is an expression (SQLite takes "x" for text then).
    """
    text = parse_index(sql)
    if text is None:
        return Index(name, table, (), False, None, sql)
    return Index(
        name=name,
        table=table,
        columns=tuple(c if columns is None or fold(c) in columns else "" for c in text.columns),
        unique=text.unique,
        where=sql[text.where[0] : text.where[1]] if text.where is not None else None,
        sql=sql,
    )
