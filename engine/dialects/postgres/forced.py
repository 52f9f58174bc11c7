"""What `--on-conflict force` puts by, as others left it, before it goes."""

from __future__ import annotations

from dataclasses import replace

from engine.dialects.postgres.sql import quote
from engine.dialects.postgres.statements import ddl, rows
from engine.model.plan import Statement


def keep_forced(into: str, table: str, wanted: str) -> tuple[Statement, ...]:
    """Return statements that put rows by, under `force` only.

    Args:
        into: table of the engine.
        table: whose rows.
        wanted: condition of the rows.
    """
    made = ddl(f"CREATE TABLE IF NOT EXISTS {quote(into)} AS SELECT * FROM {quote(table)} WHERE FALSE", "keep")
    found = rows(f"INSERT INTO {quote(into)} SELECT * FROM {quote(table)} WHERE {wanted}", "keep")
    return (replace(made, only="force"), replace(found, only="force"))
