"""Which key the rows of a step are walked by, and the loop over it.

Keys travel as text and are cast where they are compared: so a checkpoint holds a key of any type exactly. Text is
compared and ordered by its column's collation, which is also what the key's index goes by.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from engine.dialects.mysql.names import own_column
from engine.dialects.mysql.schema import MyColumn, MySchema, MyTable
from engine.dialects.mysql.sql import base_type, can_be_key, collated, key_bound, key_shown, quote
from engine.dialects.mysql.statements import SYNTAX
from engine.dialects.shared.keys import Key as AnyKey
from engine.dialects.shared.keys import Walk, holds
from engine.dialects.shared.keys import key_checks as checks_of_key
from engine.errors import Path, Problem
from engine.model.plan import Loop, Statement


class Key(AnyKey[MyColumn]):
    """Columns that tell the rows of a table apart."""

    __slots__ = ()


key_checks = partial(checks_of_key, SYNTAX)

Part = tuple[str, str]
"""A column as SQL and its type."""


def identity(table: MyTable, schema: MySchema) -> Key | None:
    """Return what rows are known by: primary key, or a unique key without NULLs; None for neither."""
    for columns in unique_keys(table, schema):
        key = _key(table, columns, unique=True)
        if not key.nullable and all(can_be_key(c.type) for c in key.columns):
            return key
    return None


def walk_key(table: MyTable, given: tuple[str, ...], schema: MySchema, path: Path) -> Key | None:
    """Return the key that a step's batches are cut by, None where there is none.

    Raises:
        Problem: RF102 a given column that the table does not have.
    """
    if not given:
        return identity(table, schema)
    columns = tuple(own_column(table, n, (*path, place)).name for place, n in enumerate(given))
    for place, name in enumerate(columns):
        column = own_column(table, name, path)
        if not can_be_key(column.type):
            raise Problem("SP111", f"rows can't be walked by `{name}`, of type {column.type}", (*path, place))
    return _key(table, columns, unique=holds(columns, unique_keys(table, schema)))


def _key(table: MyTable, names: tuple[str, ...], *, unique: bool) -> Key:
    columns = tuple(c for c in (table.column(n) for n in names) if c is not None)
    return Key(columns, nullable=tuple(c.name for c in columns if not c.not_null), unique=unique)


def unique_keys(table: MyTable, schema: MySchema) -> list[tuple[str, ...]]:
    """Return all column lists that are kept unique, the primary key first."""
    found = [table.key.columns] if table.key else []
    return found + [i.columns for i in schema.indexes_of(table.name) if i.unique and i.whole]


# ── ranges ────────────────────────────────────────────────────────────────
def parts(key: Key, alias: str = "", prefix: str = "") -> tuple[Part, ...]:
    """Return a key's columns as SQL with their types; `prefix` as a journal has it."""
    dot = f"{alias}." if alias else ""
    return tuple((f"{dot}{quote(prefix + c.name)}", c.type) for c in key.columns)


def _bound(columns: Sequence[Part], sign: str, bound: str, place: int = 1) -> str:
    """Return `(a, b) >= (:lo1, :lo2)` in the form that uses an index here: a >= ? AND (a > ? OR b >= ?)."""
    (column, type), rest = columns[0], columns[1:]
    value = key_bound(f":{bound}{place}", type)
    if not rest:
        return f"{column} {sign} {value}"
    strict = sign[0]
    return f"({column} {strict}= {value} AND ({column} {strict} {value} OR {_bound(rest, sign, bound, place + 1)}))"


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
    names = tuple(sql for sql, _ in columns)
    shown = tuple(key_shown(sql, type) for sql, type in columns)
    ahead = f"{_bound(columns, '>=', 'lo')} AND {_bound(columns, '<=', 'up')}"
    beyond = f"{_bound(columns, '>', 'hi')} AND {_bound(columns, '<=', 'up')}"
    return Walk(relation, words, names, shown, ahead, beyond).loop(SYNTAX, body, size)


def column_definition(name: str, column: MyColumn) -> str:
    """Return a column of an engine table that keeps and compares values as `column` does."""
    null = " NULL" if base_type(column.type) == "timestamp" else ""
    return f"{quote(name)} {collated(column.type, column.collate)}{null}"
