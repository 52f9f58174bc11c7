"""Which key the rows of a step are walked by, and the loop over it.

Keys travel as text and are cast where they are compared: so a checkpoint holds a key of any type exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from engine.dialects.postgres.names import own_column
from engine.dialects.postgres.schema import PgColumn, PgSchema, PgTable
from engine.dialects.postgres.sql import cast_type, kept_type, quote
from engine.dialects.postgres.statements import SYNTAX
from engine.dialects.postgres.tokens import has_word
from engine.dialects.shared.keys import Key as AnyKey
from engine.dialects.shared.keys import Walk, holds
from engine.dialects.shared.keys import key_checks as checks_of_key
from engine.errors import Path
from engine.model.plan import Loop, Statement


class Key(AnyKey[PgColumn]):
    """Columns that tell the rows of a table apart."""

    __slots__ = ()


key_checks = partial(checks_of_key, SYNTAX)

Part = tuple[str, str]
"""A column as SQL and its type."""


def identity(table: PgTable, schema: PgSchema) -> Key | None:
    """Return what rows are known by: primary key, or a unique key without NULLs; None for neither."""
    for columns in unique_keys(table, schema):
        key = _key(table, columns, unique=True)
        if not key.nullable:
            return key
    return None


def walk_key(table: PgTable, given: tuple[str, ...], schema: PgSchema, path: Path) -> Key | None:
    """Return the key that a step's batches are cut by, None where there is none.

    Raises:
        Problem: RF102 a given column that the table does not have.
    """
    if not given:
        return identity(table, schema)
    columns = tuple(own_column(table, n, (*path, place)).name for place, n in enumerate(given))
    return _key(table, columns, unique=holds(columns, unique_keys(table, schema)))


def _key(table: PgTable, names: tuple[str, ...], *, unique: bool) -> Key:
    columns = tuple(c for c in (table.column(n) for n in names) if c is not None)
    return Key(columns, nullable=tuple(c.name for c in columns if not c.not_null), unique=unique)


def unique_keys(table: PgTable, schema: PgSchema) -> list[tuple[str, ...]]:
    """Return all column lists that are kept unique, the primary key first."""
    found = [c.columns for c in table.constraints if c.kind == "p"]
    found += [c.columns for c in table.constraints if c.kind == "u" and not c.deferrable]
    for index in schema.indexes_of(table.name):
        plain = index.where is None and "" not in index.columns and index.valid
        if index.unique and plain and not has_word(index.sql, "COLLATE"):
            found.append(index.columns)
    return found


# ── ranges ────────────────────────────────────────────────────────────────
def parts(key: Key, alias: str = "", prefix: str = "") -> tuple[Part, ...]:
    """Return a key's columns as SQL with their types; `prefix` as a journal has it."""
    dot = f"{alias}." if alias else ""
    return tuple((f"{dot}{quote(prefix + c.name)}", c.type) for c in key.columns)


def _bound(columns: Sequence[Part], sign: str, bound: str) -> str:
    values = [f"CAST(:{bound}{place} AS {cast_type(type)})" for place, (_, type) in enumerate(columns, 1)]
    if len(columns) == 1:
        return f"{columns[0][0]} {sign} {values[0]}"
    return f"({', '.join(sql for sql, _ in columns)}) {sign} ({', '.join(values)})"


def between(columns: Sequence[Part]) -> str:
    """Return the condition of a batch: from `:lo` to `:hi`, both within."""
    return f"{_bound(columns, '>=', 'lo')} AND {_bound(columns, '<=', 'hi')}"


def key_loop(
    relation: str,
    columns: Sequence[Part],
    body: Sequence[Statement],
    size: int | None,
    words: tuple[str, ...],
) -> Loop:
    """Return the loop over a relation's key.

    Args:
        relation: table as it is named in the database.
        columns: key columns in it, unqualified.
        body: statements of a batch.
        size: rows per batch, None for adaptive.
        words: the key for people.
    """
    table = quote(relation)
    # Qualified: a bare name after ORDER BY would be that of the text that is selected, in another order.
    names = tuple(f"{table}.{sql}" for sql, _ in columns)
    columns = [(f"{table}.{sql}", type) for sql, type in columns]
    shown = tuple(f"CAST({n} AS text)" for n in names)
    ahead = f"{_bound(columns, '>=', 'lo')} AND {_bound(columns, '<=', 'up')}"
    beyond = f"{_bound(columns, '>', 'hi')} AND {_bound(columns, '<=', 'up')}"
    return Walk(relation, words, names, shown, ahead, beyond).loop(SYNTAX, body, size)


def column_definition(name: str, column: PgColumn) -> str:
    """Return a column of an engine table that keeps and compares values as `column` does."""
    collate = f" COLLATE {quote(column.collate)}" if column.collate else ""
    return f"{quote(name)} {column.type}{collate}"


def image_definition(name: str, column: PgColumn) -> str:
    """Return a column of a journal that keeps values of `column`."""
    return column_definition(name, replace(column, type=kept_type(column.type)))
