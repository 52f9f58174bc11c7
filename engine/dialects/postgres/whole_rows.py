"""The way back of rows that no key tells apart: they are known by all that they hold.

Such a journal has a line per row that came, changed or went. What came and went again cancels out, so
the way back is a sum: so many rows of each kind go, and so many come.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.dialects.postgres.sql import quote
from engine.dialects.postgres.statements import question, rows
from engine.model.plan import Guard, Statement

if TYPE_CHECKING:
    from engine.dialects.postgres.journal import Journal


def _row(columns: Sequence[str]) -> str:
    """Return all values of a row as one text: what two rows have alike if they are alike in everything."""
    return f"CAST(ROW({', '.join(columns)}) AS text)"


def _net(journal: Journal) -> str:
    """Return the query of how many rows of each kind there are more (or less) than before the step."""
    name = quote(journal.name)
    came = f'SELECT {_row(journal.of("new"))} AS "holds", 1 AS "n" FROM {name} WHERE "now" = 1'
    went = f'SELECT {_row(journal.of("old"))}, -1 FROM {name} WHERE "was" = 1'
    return f'SELECT "holds", sum("n") AS "n" FROM ({came} UNION ALL {went}) AS each GROUP BY "holds"'


def _live(journal: Journal) -> list[str]:
    return [f"t.{quote(c.name)}" for c in journal.images]


def restore(journal: Journal) -> tuple[Statement, ...]:
    """Return the statements that take away the rows which are too many, and bring back those which are missing."""
    table, live = quote(journal.table.name), _row(_live(journal))
    place = f'SELECT t.ctid AS "at", {live} AS "holds", row_number() OVER (PARTITION BY {live}) AS "place"'
    many = (
        f'SELECT live."at" FROM ({place} FROM {table} AS t) AS live'
        f' JOIN ({_net(journal)}) AS net ON net."holds" = live."holds" WHERE live."place" <= net."n"'
    )
    old = _row(journal.of("old", "j"))
    lost = (
        f'SELECT j.*, {old} AS "holds", row_number() OVER (PARTITION BY {old}) AS "place"'
        f' FROM {quote(journal.name)} AS j WHERE j."was" = 1'
    )
    names = ", ".join(quote(c.name) for c in journal.images)
    back = (
        f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE SELECT {', '.join(journal.values('old', 'lost'))}"
        f' FROM ({lost}) AS lost JOIN ({_net(journal)}) AS net ON net."holds" = lost."holds"'
        f' WHERE lost."place" <= -net."n"'
    )
    return (
        rows(f"DELETE FROM {table} WHERE ctid = ANY (ARRAY({many}))", "delete", "written"),
        rows(back, "insert", "written"),
    )


def guards(journal: Journal) -> list[Guard]:
    """Return the guard that all rows which are to go are there."""
    table = quote(journal.table.name)
    live = f'SELECT {_row(_live(journal))} AS "holds", count(*) AS "n" FROM {table} AS t GROUP BY 1'
    joined = (
        f'FROM ({_net(journal)}) AS net LEFT JOIN ({live}) AS live ON live."holds" = net."holds"'
        ' WHERE net."n" > coalesce(live."n", 0)'
    )
    return [
        Guard(
            "changed",
            journal.table.name,
            question(f'SELECT coalesce(sum(net."n" - coalesce(live."n", 0)), 0)::bigint {joined}', "guard"),
            question(f'SELECT net."holds" {joined} LIMIT 5', "sample"),
            f"{{count}} rows of {journal.table.name}, which have no key, were changed or deleted since",
            skippable=False,
        )
    ]
