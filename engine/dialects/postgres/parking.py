"""Values that move onto each other within a unique key: the server minds each row, so those in the way go aside first.

A row is in the way when the value it has is one that a row is to get. Before anything moves a list is made of the rows
that are written, with a value for each of those in the way that nothing else has or gets. Those rows get it, and then
all rows get their right values in one statement. The list lives as long as the transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.dialects.postgres.schema import PgColumn, PgSchema, PgTable
from engine.dialects.postgres.sql import base_type, cast_type, quote
from engine.dialects.postgres.statements import ddl, question, rows
from engine.dialects.postgres.walk import Key, column_definition
from engine.model.plan import Check, Statement
from engine.model.state import fold

_WHOLE = ("smallint", "integer", "bigint", "numeric")
_TEXT = ("text", "character varying", "character")


@dataclass(frozen=True, slots=True)
class Moves:
    """Rows of a table that may be set aside.

    Attributes:
        name: of the list.
        table: whose rows move.
        key: what they are known by.
        columns: those of which rows in the way get another value for a while: one of each unique key.
    """

    name: str
    table: PgTable
    key: Key
    columns: tuple[PgColumn, ...]

    def aside(self, source: str, image: str, condition: str) -> tuple[Statement, ...]:
        """Return the statements that make the list and set aside what is in the way.

        Args:
            source: table of the engine that holds the keys of the rows (`key_…`) and the values they are to get.
            image: `old` or `new`, which of its values those are.
            condition: which rows of it (`j`) are written; the live row is `t`.
        """
        name, table = quote(self.name), quote(self.table.name)
        keys = [quote(f"key_{n}") for n in self.key.names]
        wanted = [quote(f"wanted_{c.name}") for c in self.columns]
        made = [column_definition(f"{part}_{c.name}", c) for part in ("wanted", "aside") for c in self.columns]
        made = [*(column_definition(f"key_{c.name}", c) for c in self.key.columns), '"n" bigserial', *made]
        values = [f"j.{quote(f'{image}_{c.name}')}" for c in self.columns]
        listed = ", ".join([*(f"j.{k}" for k in keys), *values])
        found = (
            ddl(f"CREATE TABLE {name} ({', '.join(made)}, PRIMARY KEY ({', '.join(keys)}))", "aside"),
            rows(
                f"INSERT INTO {name} ({', '.join([*keys, *wanted])}) SELECT {listed}"
                f" FROM {quote(source)} AS j JOIN {table} AS t ON {self._ties('t', 'j')} WHERE {condition}",
                "aside",
            ),
        )
        if not self.columns:
            return found
        # Looked up one by one: of a list that was just made the server does not know enough to join it well.
        met = [f"EXISTS (SELECT 1 FROM {name} AS o WHERE o.{w} = t.{quote(c.name)})" for w, c in self._pairs(wanted)]
        marks = ", ".join(
            f"{quote(f'aside_{c.name}')} = CASE WHEN {meets} THEN {self._elsewhere(c, w)} END"
            for meets, (w, c) in zip(met, self._pairs(wanted), strict=True)
        )
        sets = ", ".join(
            f"{quote(c.name)} = coalesce(l.{quote(f'aside_{c.name}')}, t.{quote(c.name)})" for c in self.columns
        )
        some = " OR ".join(f"l.{quote(f'aside_{c.name}')} IS NOT NULL" for c in self.columns)
        return (
            *found,
            *(ddl(f"CREATE INDEX ON {name} ({value})", "aside") for value in wanted),
            rows(f"UPDATE {name} AS l SET {marks} FROM {table} AS t WHERE {self._ties('t', 'l')}", "aside"),
            rows(f"UPDATE {table} AS t SET {sets} FROM {name} AS l WHERE {self._ties('t', 'l')} AND ({some})", "aside"),
        )

    def home(self, columns: Sequence[tuple[str, str]], source: str, purpose: str = "update") -> tuple[Statement, ...]:
        """Return the statements that give all rows of the list their values, and end it.

        Args:
            columns: those that are written, each with its value in `source` (`j`).
        """
        away = {fold(c.name) for c in self.columns}
        sets = ", ".join(f"{quote(name)} = {value}" for name, value in columns)
        listed = " AND ".join(f"l.{quote(f'key_{n}')} = j.{quote(f'key_{n}')}" for n in self.key.names)
        there = []
        for name in self.key.names:
            key = f"l.{quote(f'key_{name}')}"
            where = f"coalesce(l.{quote(f'aside_{name}')}, {key})" if fold(name) in away else key
            there.append(f"t.{quote(name)} = {where}")
        return (
            rows(
                f"UPDATE {quote(self.table.name)} AS t SET {sets} FROM {quote(source)} AS j"
                f" JOIN {quote(self.name)} AS l ON {listed} WHERE {' AND '.join(there)}",
                purpose,
                "written",
            ),
            ddl(f"DROP TABLE {quote(self.name)}", "cleanup"),
        )

    def _pairs(self, wanted: Sequence[str]) -> list[tuple[str, PgColumn]]:
        return list(zip(wanted, self.columns, strict=True))

    def _ties(self, live: str, other: str) -> str:
        return " AND ".join(f"{live}.{quote(n)} = {other}.{quote(f'key_{n}')}" for n in self.key.names)

    def _elsewhere(self, column: PgColumn, wanted: str) -> str:
        """Return a value that no row has and none gets: beyond the highest, or with a character that begins no text."""
        base = base_type(column.type)
        if base == "uuid":
            return "gen_random_uuid()"
        if base in _TEXT:
            return "chr(1) || l.n"
        live = f"(SELECT max(m.{quote(column.name)}) FROM {quote(self.table.name)} AS m)"
        highest = f"greatest({live}, (SELECT max(m.{wanted}) FROM {quote(self.name)} AS m))"
        return f"{highest} + CAST(l.n AS {'integer' if base == 'date' else base})"


def list_name(helper: str) -> str:
    """Return the name of the list that goes with a journal or a work table."""
    return helper.replace("engine_undo_", "engine_moves_")


def moving(table: PgTable, changed: Sequence[PgColumn], schema: PgSchema) -> tuple[PgColumn, ...]:
    """Return the columns to set rows aside by, one for each unique key that holds one of those that change.

    None for a key that the server judges when the statement is through, and where no column takes just any value.
    """
    tied = {fold(n) for c in table.constraints if c.kind == "f" for n in c.columns}
    found: dict[str, PgColumn] = {}
    for key in _minded(table, schema):
        mine = {fold(n) for n in key}
        fit = [c for c in changed if fold(c.name) in mine and fold(c.name) not in tied and _fits(c)]
        if fit and not any(fold(c.name) in found for c in fit):
            found[fold(fit[0].name)] = fit[0]
    return tuple(found.values())


def judged_late(table: PgTable, changed: Sequence[PgColumn]) -> bool:
    """Tell whether a column is part of a unique key that the server judges when a statement, or all, is through."""
    mine = {fold(c.name) for c in changed}
    return any(c.kind in "pu" and c.deferrable and mine & {fold(n) for n in c.columns} for c in table.constraints)


def meeting(
    table: PgTable, own: Key, pairs: Sequence[tuple[PgColumn, str]], source: str, where: str, schema: PgSchema
) -> list[Check]:
    """Return the checks that no row gets a value which another one has.

    Args:
        pairs: columns that change, with the new value as SQL.
        source, where: the rows, as in a FROM and its condition.
    """
    name, found = quote(table.name), []
    new = {fold(c.name): f"CAST(({sql}) AS {cast_type(c.type)})" for c, sql in pairs}
    for key in _minded(table, schema):
        if not new.keys() & {fold(n) for n in key}:
            continue
        values = [f"{new.get(fold(n), f'{name}.{quote(n)}')} AS new_{place}" for place, n in enumerate(key, 1)]
        keys = [f"{name}.{quote(n)} AS key_{place}" for place, n in enumerate(own.names, 1)]
        met = " AND ".join(f"t.{quote(n)} = o.new_{place}" for place, n in enumerate(key, 1))
        itself = " AND ".join(f"t.{quote(n)} = o.key_{place}" for place, n in enumerate(own.names, 1))
        listing = f"FROM (SELECT {', '.join([*keys, *values])} FROM {source} WHERE {where}) AS o JOIN {name} AS t"
        listing += f" ON {met} AND NOT ({itself})"
        shown = ", ".join(f"t.{quote(n)}" for n in (*own.names, *(n for n in key if n not in own.names)))
        found.append(
            Check(
                f"{table.name}: no row gets a value of ({', '.join(key)}) that another one has",
                question(f"SELECT count(*) {listing}"),
                maximum=0,
                sample=question(f"SELECT {shown} {listing} LIMIT 5", "sample"),
                path=("set",),
                failure=f"{{count}} rows of {table.name} have values of {', '.join(key)} that other rows are to get: of"
                " more than 50,000 rows none is set aside; move them in two steps, over values that no row has",
            )
        )
    return found


def _minded(table: PgTable, schema: PgSchema) -> list[tuple[str, ...]]:
    """Return the column lists that the server minds row by row."""
    found = [c.columns for c in table.constraints if c.kind in "pu" and not c.deferrable]
    return found + [i.columns for i in schema.indexes_of(table.name) if i.unique and i.valid and "" not in i.columns]


def _fits(column: PgColumn) -> bool:
    return column.generated is None and base_type(column.type) in (*_WHOLE, *_TEXT, "uuid", "date")
