"""Sequences behind identity and serial columns, kept in step when rows bring their own numbers."""

from __future__ import annotations

from collections.abc import Sequence

from engine.dialects.postgres.schema import PgColumn, PgTable
from engine.dialects.postgres.sql import literal_sql, quote
from engine.dialects.postgres.statements import rows
from engine.model.plan import Statement


def in_step(table: PgTable, columns: Sequence[PgColumn]) -> tuple[Statement, ...]:
    """Return the statements that move the sequences of `columns`, which got given values, past the highest.

    A sequence never goes back: numbers that were given out once are not given out again.
    """
    found = []
    for column in columns:
        if not column.numbers_itself:
            continue
        name, of = quote(column.name), quote(table.name)
        sequence = f"pg_catalog.pg_get_serial_sequence({literal_sql(of)}, {literal_sql(column.name)})"
        found.append(
            rows(
                f"SELECT pg_catalog.setval({sequence}, (SELECT max({name}) FROM {of}))"
                f" WHERE (SELECT max({name}) FROM {of}) > coalesce("
                f"(SELECT s.last_value FROM pg_catalog.pg_sequences AS s WHERE"
                f" pg_catalog.format('%I.%I', s.schemaname, s.sequencename)::pg_catalog.regclass"
                f" = {sequence}::pg_catalog.regclass), 0)",
                "sequence",
            )
        )
    return tuple(found)
