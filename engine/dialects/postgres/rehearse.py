"""A plan rehearsed on the server: its DDL runs in a mirror, its other statements are prepared there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

from engine.dialects.postgres.mirror import mirrored, opening
from engine.dialects.postgres.schema import PgSchema
from engine.dialects.postgres.tokens import numbered, tokens
from engine.dialects.rehearsal import Refused
from engine.model.plan import Statement, Unit
from engine.model.state import fold

_PREPARE = "PREPARE engine_rehearsed AS "
# What can't be otherwise with rows and rights: names of functions, types, grammar, constants that can't be read.
_SURE = frozenset(
    "42883 42804 42846 42601 42725 42P17 42P21 42P22 42803 42P20 42P10 42809 428C9 22P02 22007 22008 22003".split()
)
_SHAPE = ("CREATE", "ALTER", "DROP", "COMMENT")
_ASKED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "VALUES", "MERGE")


def rehearse(connection: Any, refusal: type[Exception], schema: PgSchema, units: Sequence[Unit]) -> tuple[Refused, ...]:
    """Return what the server would refuse of `units`, whatever the rows are.

    Nothing is written, and no table of the user is locked. Where a mirror can't be made (no right to make a
    schema, say), nothing is found: the statements are judged when they run.

    Args:
        connection: psycopg's, with no transaction open.
        refusal: the class of its errors.
        schema: as the units find it.
    """
    found: list[Refused] = []
    texts = [(n, s) for n, unit in enumerate(units) for s in unit.statements()]
    spelled = {fold(t.name) for _, s in texts for t in tokens(s.sql) if t.is_name}
    try:
        for sql in (*opening(connection.info.backend_pid), *mirrored(schema, spelled)):
            connection.execute(cast(Any, sql))
        for number, statement in texts:
            sql, prefix = _trial(statement)
            if not sql:
                continue
            connection.execute("SAVEPOINT engine_rehearsed")
            try:
                connection.execute(cast(Any, sql))
            except refusal as error:
                connection.execute("ROLLBACK TO SAVEPOINT engine_rehearsed")
                if getattr(error, "sqlstate", "") in _SURE:
                    found.append(_refused(number, error, sql, prefix))
                if not prefix:
                    break  # what comes after it would stand on another schema
            else:
                connection.execute("DEALLOCATE engine_rehearsed" if prefix else "RELEASE SAVEPOINT engine_rehearsed")
    except refusal:
        pass  # no right to make a schema, a wait that is too long, a connection that is gone: it is told when it runs
    finally:
        with suppress(refusal):
            connection.execute("ROLLBACK")
    return tuple(found)


def _trial(statement: Statement) -> tuple[str, int]:
    """Return what is sent to try a statement, "" for nothing, and how many characters stand before its own text."""
    words = [t.text.upper() for t in tokens(statement.sql)[:3]]
    if not words or statement.only:
        return "", 0
    if words[0] in _SHAPE and words[:2] not in (["DROP", "FUNCTION"], ["DROP", "TYPE"]):
        return re.sub(r"\bCONCURRENTLY ", "", statement.sql, count=1), 0
    return (_PREPARE + numbered(statement.sql)[0], len(_PREPARE)) if words[0] in _ASKED else ("", 0)


def _refused(unit: int, error: Any, sql: str, prefix: int) -> Refused:
    at = int(error.diag.statement_position or 0) - 1 - prefix
    words, hint = error.diag.message_primary or str(error), error.diag.message_hint or ""
    return Refused(unit, words, hint, sql[prefix:], max(at, -1))
