"""How PostgreSQL reads the names in a query; see `engine.dialects.shared.access`."""

from __future__ import annotations

from engine.dialects.postgres.schema import PgSchema
from engine.dialects.shared.access import Look, Reading, Schema

__all__ = ["Look", "look"]


def _elsewhere(schema: Schema, before: str, name: str) -> bool:
    if before:
        return not isinstance(schema, PgSchema) or before != schema.name
    return name.startswith("pg_")


_READING = Reading(
    "PostgreSQL",
    "postgres",
    prepared=str,
    exact=True,
    built_in=frozenset(
        "ctid xmin xmax tableoid oid current_user session_user user current_catalog current_schema localtime"
        " localtimestamp current_date current_time current_timestamp".split()
    ),
    rows=True,
    elsewhere=_elsewhere,
)
look = _READING.look
