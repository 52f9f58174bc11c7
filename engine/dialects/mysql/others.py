"""What others wrote into a table or column that the migration made, when that goes again.

It is a conflict that `skip` does not go past, for nothing can stay in what goes; where `force` takes it, a table of
the engine keeps it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.dialects.mysql.schema import MyColumn, MyTable
from engine.dialects.mysql.sql import columns_sql, differs, literal_sql, quote
from engine.dialects.mysql.statements import probed, question, rows, table_there
from engine.dialects.mysql.walk import column_definition
from engine.model.plan import Guard, Unit


def table_goes(back: Unit, table: MyTable, forced: str) -> tuple[Unit, ...]:
    """Return `back`, which drops a table that the migration made, with what looks for rows of others and keeps them.

    The ledger knows how many rows the migration added; what is beyond that is somebody else's, and nobody knows
    which: all are kept.
    """
    name, text = quote(table.name), literal_sql(table.name)
    others = (
        "SELECT greatest(0, count(*) - (SELECT CAST(coalesce(sum(rows_added), 0) AS SIGNED)"
        f" FROM engine_step WHERE version = :version AND table_name = {text}"
        f" AND direction = 'apply')) FROM {name}"
    )
    keys = columns_sql(table.key.columns) if table.key else "*"
    order = " ORDER BY 1 DESC" if table.key else ""
    guard = Guard(
        "added",
        table.name,
        question(others, "guard"),
        question(f"SELECT {keys} FROM {name}{order} LIMIT 5", "guard"),
        f"{{count}} rows of `{table.name}` are not this migration's, and would go with the table",
        loses=True,
    )
    return _keeping(replace(back, guards=(*back.guards, guard)), table, f"({others}) > 0", forced)


def columns_go(back: Unit, table: MyTable, columns: Sequence[MyColumn], forced: str) -> tuple[Unit, ...]:
    """Return `back`, which drops columns that the migration added, with what looks for values of others and keeps them.

    Args:
        back: the way back of the ALTER.
        table: as the ALTER leaves it.
        columns: each with a default that is the same for every row, which is what it holds if nobody wrote into it.
        forced: name of the table that keeps them.
    """
    name = quote(table.name)
    keys = columns_sql(table.key.columns) if table.key else "*"
    found: list[Guard] = []
    written: list[str] = []
    for column in columns:
        other = differs(quote(column.name), f"DEFAULT({quote(column.name)})", column.type)
        written.append(other)
        found.append(
            Guard(
                "changed",
                table.name,
                question(f"SELECT count(*) FROM {name} WHERE {other}", "guard"),
                question(f"SELECT {keys} FROM {name} WHERE {other} LIMIT 5", "guard"),
                f"{{count}} rows of `{table.name}` hold values of others in `{column.name}`, which would go",
                loses=True,
            )
        )
    return _keeping(replace(back, guards=(*back.guards, *found)), table, " OR ".join(written), forced)


def _keeping(back: Unit, table: MyTable, chosen: str, forced: str) -> tuple[Unit, ...]:
    """Return `back` behind the unit that makes `forced`; under `force` it puts the rows of `chosen` there first."""
    # Its columns are written out: where the step broke off, the table may never have been made.
    lines = ", ".join(column_definition(c.name, c) for c in table.columns)
    made = Unit(
        f"{back.id}.forced",
        back.step,
        f"make {forced}: for what --on-conflict force overwrites",
        "=",
        outside=(probed(f"CREATE TABLE {quote(forced)} ({lines})", table_there(forced), "keep"),),
    )
    keep = rows(f"INSERT INTO {quote(forced)} SELECT * FROM {quote(table.name)} WHERE {chosen}", "keep")
    return (made, replace(back, before=(replace(keep, only="force"), *back.before), forced=(forced,)))
