"""Values of a unique key that change places in one transform: rows that hold what others are to get move first.

Such rows are found by one query before the first batch. What they are to get is free or held by one of them, so they
can all move in one transaction: set aside, then to their new values. The batches leave them out, and meet nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from engine.dialects.sqlite.journal import Journal
from engine.dialects.sqlite.names import listed
from engine.dialects.sqlite.parents import DEFER
from engine.dialects.sqlite.parking import aside, leniently
from engine.dialects.sqlite.sql import quote
from engine.dialects.sqlite.statements import question, rows
from engine.dialects.sqlite.tokens import has_word
from engine.dialects.sqlite.update_parts import Update, note
from engine.dialects.sqlite.walk import Key, unique_keys
from engine.dialects.sqlite.work import Work
from engine.model.plan import Check, Statement
from engine.model.state import SchemaState, Trigger, fold, same_name


@dataclass(frozen=True, slots=True)
class Keys:
    """The unique keys of a table in which a transform may move values.

    Attributes:
        full: column lists that an index holds for all rows.
        partial: those of partial indexes.
        tied: True where a foreign key begins or ends in one of their columns that change.
    """

    full: tuple[tuple[str, ...], ...]
    partial: tuple[tuple[str, ...], ...]
    tied: bool

    def __bool__(self) -> bool:
        return bool(self.full or self.partial)


def moving_keys(update: Update, state: SchemaState) -> Keys:
    """Return the unique keys that `update` changes columns of."""
    table, changed = update.table, {fold(c.name) for c in update.columns}
    partial = [
        index.columns
        for index in state.indexes_of(table.name)
        if index.unique and index.where is not None and "" not in index.columns and not has_word(index.sql, "COLLATE")
    ]
    full = tuple(dict.fromkeys(k for k in unique_keys(table, state) if changed & set(map(fold, k))))
    loose = tuple(dict.fromkeys(tuple(k) for k in partial if changed & set(map(fold, k))))
    moved = changed & {fold(name) for key in (*full, *loose) for name in key}
    ends = [c for key in table.foreign_keys for c in key.columns]
    for child in state.tables:
        for key in child.foreign_keys:
            if same_name(key.table, table.name):
                ends += key.references or table.primary_key
    return Keys(full, loose, bool(moved & set(map(fold, ends))))


@dataclass(frozen=True, slots=True)
class Way:
    """How way is made for one transform.

    Attributes:
        keys: in which values move.
        work: table of the rows in the way, with what they are to get.
        ordered: True where rows change in the order of the table's key, so that who moves out of the way in time stays
            in the batches.
    """

    update: Update
    keys: Keys
    work: Work
    ordered: bool

    def find(self, values: Sequence[str], source: str, condition: str) -> tuple[Statement, ...]:
        """Return the statements that write down the rows in the way.

        Args:
            values: SQL in `source` of what the changed columns are to get.
            source: what stands after FROM, the table among it.
            condition: of the rows.
        """
        keys = ", ".join(self.update.of(self.update.own))
        found = [_holders(self.update, key, values, source, condition) for key in self.keys.full]
        found += [_alike(self.update, key, values, source, condition) for key in self.keys.partial]
        chosen = f"{condition} AND ({keys}) IN ({' UNION ALL '.join(found)})"
        if self.ordered and not self.keys.partial:
            late = [_late(self.update, key, values, source, condition, self.update.own) for key in self.keys.full]
            chosen += f" AND ({' OR '.join(f'EXISTS (SELECT 1 {one})' for one in late)})"
        return (self.work.create(), self.work.fill(self.update.of(self.update.own), values, source, chosen))

    def clear(
        self, count: Literal["", "selected", "written"], journal: Journal | None = None, *, counting: bool = False
    ) -> tuple[Statement, ...]:
        """Return the statements that move the rows in the way.

        Args:
            count: what their number is added to, "" for nothing.
            journal: where their old and new values are to be noted, if they are not yet.
            counting: see `note`.
        """
        update, work = self.update, f"{quote(self.work.name)} AS engine_way"
        moved = {fold(name) for key in (*self.keys.full, *self.keys.partial) for name in key}
        away = [
            f"{quote(c.name)} = {aside(f'{update.name}.{quote(c.name)}', c, update.table.strict)}"
            for c in update.columns
            if fold(c.name) in moved
        ]
        new = [f"engine_way.{quote(n)}" for n in self.work.value_columns()]
        home = ", ".join(f"{quote(c.name)} = {n}" for c, n in zip(update.columns, new, strict=True))
        noted: tuple[Statement, ...] = ()
        if journal is not None:
            texts = tuple(
                replace(t, sql=n, nested=frozenset(), over=False) for t, n in zip(update.texts, new, strict=True)
            )
            fixed = replace(update, texts=texts, partner=work, condition=self._ties)
            noted = note(fixed, journal, "", counting=counting)
        return (
            *noted,
            *((DEFER,) if self.keys.tied else ()),
            *leniently(rows(f"UPDATE {update.name} SET {', '.join(away)} FROM {work} WHERE {self._ties}", "aside")),
            rows(f"UPDATE {update.name} SET {home} FROM {work} WHERE {self._ties}", "update", count),
        )

    @property
    def left_out(self) -> str:
        """The condition that a row was not in the way."""
        return f"NOT EXISTS (SELECT 1 FROM {quote(self.work.name)} AS engine_way WHERE {self._ties})"

    @property
    def words(self) -> str:
        """What happens, for people."""
        names = ", ".join(dict.fromkeys(f"({', '.join(key)})" for key in (*self.keys.full, *self.keys.partial)))
        return f"rows that hold values of {names} which others are to get move first, in one transaction"

    @property
    def _ties(self) -> str:
        keys = zip(self.update.of(self.update.own), self.work.key_columns(), strict=True)
        return " AND ".join(f"{key} = engine_way.{quote(n)}" for key, n in keys)


def order_checks(update: Update, keys: Keys, walk: Key, triggers: Sequence[Trigger]) -> tuple[Check, ...]:
    """Return the checks that values move in an order in which nobody is in the way: `triggers` would see rows aside.

    Args:
        walk: the key in whose order rows change.
    """
    values = [f"({t.sql})" for t in update.texts]
    changed = [c.name for c in update.columns]
    found = []
    for key in keys.full:
        late = _late(update, key, values, update.source, update.condition, walk)
        column = next(c for c in changed if fold(c) in set(map(fold, key)))
        found.append(
            Check(
                f"values of ({', '.join(key)}) move without meeting",
                question(f"SELECT count(*) {late}"),
                maximum=0,
                sample=question(
                    f"SELECT {_columns('engine_row', walk.names)}, {_columns('engine_row', key)} {late} LIMIT 5",
                    "sample",
                ),
                path=("set", column),
                failure=f"{{count}} rows of {update.table.name} hold values of ({', '.join(key)}) that rows before"
                f" them are to get, and can't be set aside: {listed(t.name for t in triggers)} would see it",
            )
        )
    return tuple(found)


def _late(update: Update, key: Sequence[str], values: Sequence[str], source: str, condition: str, walk: Key) -> str:
    """Return `FROM … WHERE …` of rows that hold what rows before them, in the order of `walk`, are to get."""
    pairs, _ = _pairs(update, key, values, source, condition, walk)
    return f"FROM {pairs} WHERE ({_columns('engine_row', walk.names)}) > ({', '.join(_walked(len(walk.names)))})"


def _holders(update: Update, key: Sequence[str], values: Sequence[str], source: str, condition: str) -> str:
    """Return a query for the keys of rows that hold what other rows are to get, by the index behind `key`."""
    pairs, same = _pairs(update, key, values, source, condition, update.own)
    return f"SELECT {_columns('engine_row', update.own.names)} FROM {pairs} WHERE NOT ({same})"


def _pairs(
    update: Update, key: Sequence[str], values: Sequence[str], source: str, condition: str, by: Key
) -> tuple[str, str]:
    """Return FROM of rows that are to get something, beside `engine_row` that holds it; and when both are one."""
    given = dict(zip((fold(c.name) for c in update.columns), values, strict=True))
    wanted = [given.get(fold(c), f"{update.name}.{quote(c)}") for c in key]
    parts = [f'{column} AS "engine_key_{n}"' for n, column in enumerate(update.of(by), 1)]
    parts += [f'{value} AS "engine_new_{n}"' for n, value in enumerate(wanted, 1)]
    # `+` takes the value's own affinity away: it is compared as the column will have it.
    held = " AND ".join(f'engine_row.{quote(c)} = +engine_next."engine_new_{n}"' for n, c in enumerate(key, 1))
    pairs = (
        f"(SELECT {', '.join(parts)} FROM {source} WHERE {condition}) AS engine_next"
        f" CROSS JOIN {update.name} AS engine_row ON {held}"
    )
    mine = zip((f"engine_row.{quote(n)}" for n in by.names), _walked(len(by.names)), strict=True)
    return pairs, " AND ".join(f"{row} = {other}" for row, other in mine)


def _alike(update: Update, key: Sequence[str], values: Sequence[str], source: str, condition: str) -> str:
    """Return the query of `_holders` where no index holds all rows."""
    given = dict(zip((fold(c.name) for c in update.columns), values, strict=True))
    wanted = [f"+{given.get(fold(c), f'{update.name}.{quote(c)}')}" for c in key]
    moves = " OR ".join(f"{update.name}.{quote(c)} IS NOT {given[fold(c)]}" for c in key if fold(c) in given)
    held = f"SELECT {', '.join(wanted)} FROM {source} WHERE {condition} AND ({moves})"
    keys = _columns("engine_row", update.own.names)
    return f"SELECT {keys} FROM {update.name} AS engine_row WHERE ({_columns('engine_row', key)}) IN ({held})"


def _columns(alias: str, names: Sequence[str]) -> str:
    return ", ".join(f"{alias}.{quote(n)}" for n in names)


def _walked(number: int) -> list[str]:
    return [f'engine_next."engine_key_{n}"' for n in range(1, number + 1)]
