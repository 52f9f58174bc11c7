"""How MariaDB reads the names in a query; see `engine.dialects.shared.access`."""

from __future__ import annotations

from engine.dialects.mysql.tokens import backticked
from engine.dialects.shared.access import Look, Reading

__all__ = ["Look", "look"]

_READING = Reading(
    "MariaDB",
    "mysql",
    prepared=backticked,
    exact=False,
    built_in=frozenset(
        "current_user current_date current_time current_timestamp localtime localtimestamp".split(),
    ),
    rows=False,
    elsewhere=lambda schema, before, name: bool(before),
)
look = _READING.look
