"""`first_of`: which of the rows that are alike in some columns is the first."""

from __future__ import annotations

from engine.dialects.postgres.expression import Planning, text_of
from engine.dialects.postgres.names import meant, real
from engine.dialects.postgres.sql import quote
from engine.dialects.shared.frames import Frame, Text
from engine.errors import Path, Problem
from engine.model.changes import FirstOf, OrderPart
from engine.model.expression import Sql


def rank_sql(session: Planning, first: FirstOf, key: list[str], frame: Frame, path: Path) -> tuple[str, list[Text]]:
    """Return the expression that is 1 for the first of each group, and the texts it is made of.

    NULLs are never alike, come first in `order` as on SQLite, and ties go by the key.

    Raises:
        Problem: a column or expression that the rows do not have.
    """
    alike = [_part(session, part, frame, (*path, "columns", n)) for n, part in enumerate(first.columns)]
    order = [_part(session, part, frame, (*path, "order", n)) for n, part in enumerate(first.order)]
    if not alike:
        raise Problem("SP110", "nothing says in what the rows are alike", (*path, "columns"))
    by = [
        f"({text.sql}){' DESC NULLS LAST' if part.order.lower() == 'desc' else ' NULLS FIRST'}"
        for text, part in zip(order, first.order, strict=True)
    ]
    missing = " OR ".join(f"({text.sql}) IS NULL" for text in alike)
    window = f"PARTITION BY {', '.join(f'({t.sql})' for t in alike)} ORDER BY {', '.join([*by, *key])}"
    return f"CASE WHEN {missing} THEN 1 ELSE row_number() OVER ({window}) END", [*alike, *order]


def ranked_sql(rank: str, source: str, condition: str) -> str:
    """Return the query of the rows with their `rank`."""
    return f'SELECT {rank} AS "rank" FROM {source} WHERE {condition}'


def _part(session: Planning, part: OrderPart, frame: Frame, path: Path) -> Text:
    if part.sql is not None:
        return text_of(session, part.sql, frame, path)
    found = real(frame.known, part.column)
    if not found:
        owner = f" of `{frame.table}`" if frame.table else ""
        raise Problem(
            "RF102",
            f"`{part.column}` is no column{owner}",
            path,
            hint=meant(part.column, frame.known),
            subject=f"{frame.table}.{part.column}" if frame.table else "",
        )
    return text_of(session, Sql(quote(found), (("postgresql", quote(found)),)), frame, path)
