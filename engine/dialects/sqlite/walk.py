"""Which key the rows of a step are walked by, and the loop over it.

Ranges are written `a >= :lo1 AND (a > :lo1 OR b >= :lo2)`: SQLite reads them off the key's index,
which it does neither for the textbook OR form nor, everywhere, for row values.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from engine.dialects.shared.keys import Key as AnyKey
from engine.dialects.shared.keys import Walk, holds
from engine.dialects.shared.keys import key_checks as checks_of_key
from engine.dialects.sqlite.names import own_column
from engine.dialects.sqlite.sql import affinity, quote
from engine.dialects.sqlite.statements import SYNTAX
from engine.dialects.sqlite.tokens import has_word, tokens
from engine.errors import Path
from engine.model.plan import Loop, Statement
from engine.model.state import Column, SchemaState, Table, fold


class Key(AnyKey[Column]):
    """Columns that tell the rows of a table apart."""

    __slots__ = ()


key_checks = partial(checks_of_key, SYNTAX)


def is_row_id(table: Table, name: str) -> bool:
    """Tell whether column `name` is SQLite's row id under a name (`INTEGER PRIMARY KEY`)."""
    column = table.column(name)
    if column is None or table.primary_key != (column.name,) or not table.row_id:
        return False
    return column.type.strip().upper() == "INTEGER" and not _descending_key(table)


def _descending_key(table: Table) -> bool:
    """`INTEGER PRIMARY KEY DESC` on a column is, for old times' sake, no row id."""
    found = [t.text.upper() for t in tokens(table.sql)]
    return any(found[at : at + 3] == ["PRIMARY", "KEY", "DESC"] for at in range(len(found)))


def row_id_alias(table: Table) -> str:
    """Return the name of the column that is the row id, or ""."""
    key = table.primary_key
    return key[0] if len(key) == 1 and is_row_id(table, key[0]) else ""


def identity(table: Table, state: SchemaState) -> Key:
    """Return what a journal knows a table's rows by: primary key, unique key without NULLs, or row id."""
    primary = table.primary_key
    if primary:
        return _key(table, primary, unique=True)
    for columns in _unique_keys(table, state):
        key = _key(table, columns, unique=True)
        if not key.nullable:
            return key
    return Key((Column(table.row_id, "INTEGER", not_null=True),), hidden=True)


def walk_key(table: Table, given: tuple[str, ...], state: SchemaState, path: Path) -> Key:
    """Return the key that a step's batches are cut by.

    Raises:
        Problem: RF102 a given column that the table does not have.
    """
    if not given:
        return identity(table, state)
    columns = tuple(own_column(table, n, (*path, place)).name for place, n in enumerate(given))
    return _key(table, columns, unique=holds(columns, unique_keys(table, state)))


def _key(table: Table, names: tuple[str, ...], *, unique: bool) -> Key:
    columns = tuple(c for c in (table.column(n) for n in names) if c is not None)
    # Without ROWID or STRICT a primary key of SQLite may hold NULL unless it says otherwise.
    solid = {fold(n) for n in table.primary_key} if not table.row_id else set()
    nullable = tuple(
        c.name for c in columns if not c.not_null and not is_row_id(table, c.name) and fold(c.name) not in solid
    )
    return Key(columns, nullable=nullable, unique=unique)


def _unique_keys(table: Table, state: SchemaState) -> list[tuple[str, ...]]:
    """Return column lists that the schema keeps unique, by the columns' own collations."""
    found = [k.columns for k in table.keys if not k.primary]
    for index in state.indexes_of(table.name):
        if index.unique and index.where is None and "" not in index.columns and not has_word(index.sql, "COLLATE"):
            found.append(index.columns)
    return found


def unique_keys(table: Table, state: SchemaState) -> list[tuple[str, ...]]:
    """Return all column lists of `table` that are kept unique, the primary key first."""
    return [k for k in (table.primary_key, *_unique_keys(table, state)) if k]


# ── ranges ────────────────────────────────────────────────────────────────
def at_least(columns: Sequence[str], bound: str, place: int = 1) -> str:
    """Return the condition that the key is not below `:<bound>1…`; `columns` are SQL."""
    return _range(columns, bound, place, ">", ">=")


def at_most(columns: Sequence[str], bound: str, place: int = 1) -> str:
    """Return the condition that the key is not above `:<bound>1…`."""
    return _range(columns, bound, place, "<", "<=")


def above(columns: Sequence[str], bound: str) -> str:
    """Return the condition that the key is above `:<bound>1…`."""
    return _range(columns, bound, 1, ">", ">")


def _range(columns: Sequence[str], bound: str, place: int, beyond: str, last: str) -> str:
    column, value = columns[0], f":{bound}{place}"
    if len(columns) == 1:
        return f"{column} {last} {value}"
    rest = _range(columns[1:], bound, place + 1, beyond, last)
    inner = rest if len(columns) == 2 else f"({rest})"
    return f"{column} {beyond}= {value} AND ({column} {beyond} {value} OR {inner})"


def between(columns: Sequence[str]) -> str:
    """Return the condition of a batch: from `:lo` to `:hi`, both within."""
    return f"{at_least(columns, 'lo')} AND {at_most(columns, 'hi')}"


def key_loop(
    relation: str,
    columns: tuple[str, ...],
    body: Sequence[Statement],
    size: int | None,
    words: tuple[str, ...] = (),
) -> Loop:
    """Return the loop over a relation's key.

    Args:
        relation: table as it is named in the database.
        columns: key columns as they are named in it.
        body: statements of a batch.
        size: rows per batch, None for adaptive.
        words: the key for people where `columns` are a journal's.
    """
    names = tuple(map(quote, columns))
    ahead = f"{at_least(names, 'lo')} AND {at_most(names, 'up')}"
    beyond = f"{above(names, 'hi')} AND {at_most(names, 'up')}"
    return Walk(relation, words or columns, names, names, ahead, beyond).loop(SYNTAX, body, size)


def column_definition(name: str, column: Column, strict: bool) -> str:
    """Return a column of an engine table that keeps and compares values as `column` does."""
    collate = f" COLLATE {quote(column.collate)}" if column.collate else ""
    return f"{quote(name)} {affinity(column.type, strict)}{collate}"
