"""What `--on-conflict force` takes from others, kept: so that force can be undone too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.dialects.sqlite.sql import quote
from engine.dialects.sqlite.statements import ddl, rows
from engine.model.plan import Statement


def forced_name(journal: str) -> str:
    """Return the name of the table that stands for `engine_undo_<n>` where force overwrites rows."""
    return journal.replace("engine_undo_", "engine_forced_")


def keep_forced(into: str, table: str, row_id: str, wanted: Sequence[str]) -> tuple[Statement, ...]:
    """Return statements that put rows by, under `force` only, as others left them.

    Args:
        into: table of the engine.
        table: whose rows.
        row_id: name of the row id where only that tells the rows apart, else "".
        wanted: `FROM … WHERE …` of the rows, each; a row that is in several is kept once.
    """
    if not wanted:
        return ()
    key = f"{quote(table)}.{row_id} AS {quote(f'key_{row_id}')}, " if row_id else ""
    every = f"SELECT {key}{quote(table)}.*"
    made = ddl(f"CREATE TABLE IF NOT EXISTS {quote(into)} AS {every} FROM {quote(table)} WHERE 0", "keep")
    found = rows(f"INSERT INTO {quote(into)} {' UNION '.join(f'{every} {source}' for source in wanted)}", "keep")
    return (replace(made, only="force"), replace(found, only="force"))
