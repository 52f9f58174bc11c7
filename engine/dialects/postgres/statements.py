"""Small constructors of statements."""

from __future__ import annotations

from engine.dialects.postgres.sql import literal_for, literal_sql, quote
from engine.dialects.postgres.tokens import binds_of
from engine.dialects.shared.frames import Syntax
from engine.dialects.shared.statements import Statements, ddl
from engine.model.plan import Guard, Statement

__all__ = ["CONCURRENTLY", "SETTLED", "SYNTAX", "built_concurrently", "ddl", "here", "question", "rows", "taken_guard"]

_MADE = Statements(binds_of)
rows, question = _MADE.rows, _MADE.question


def _exactly(a: str, b: str) -> str:
    return f'CAST({a} AS text) COLLATE "C" IS NOT DISTINCT FROM CAST({b} AS text) COLLATE "C"'


SYNTAX = Syntax(
    quote=quote,
    literal=literal_for,
    question=question,
    always="TRUE",
    names_derived=True,
    equal=lambda a, b: f"{a} IS NOT DISTINCT FROM {b}",
    same=_exactly,
)


# The server refuses to change a table while deferred foreign keys of it are still to be judged.
SETTLED = Statement("SET CONSTRAINTS ALL IMMEDIATE", "setting", "setting")
CONCURRENTLY = "built concurrently: others go on writing, and it waits for transactions older than it"


def built_concurrently(name: str, text: str) -> tuple[Statement, ...]:
    """Return what builds an index outside of any transaction; `text` is its `CREATE [UNIQUE] INDEX`."""
    return (
        # What a build that broke off leaves behind is an index that is maintained and never used.
        Statement(f"DROP INDEX CONCURRENTLY IF EXISTS {quote(name)}", "setting", "cleanup", only="again"),
        ddl(text.replace("INDEX ", "INDEX CONCURRENTLY ", 1)),
    )


def here(kinds: str, name: str) -> str:
    """Return the FROM and WHERE by which a relation of the current schema is found; `kinds` as in relkind."""
    listed = ", ".join(literal_sql(kind) for kind in kinds)
    return (
        f"FROM pg_catalog.pg_class AS c WHERE c.relname = {literal_sql(name)} AND c.relkind IN ({listed})"
        " AND c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace"
        " WHERE nspname = pg_catalog.current_schema())"
    )


def taken_guard(name: str) -> Guard:
    """Return a guard that counts what stands under a name that is to be used again."""
    return Guard(
        "taken",
        name,
        question(f"SELECT count(*) {here('rpvmifS', name)}", "guard"),
        None,
        f"the name `{name}` is taken again",
        skippable=False,
    )
