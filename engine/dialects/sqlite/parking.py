"""Values that move within a unique key: SQLite minds each row, so those in the way are set aside first.

A row is in the way when the value it has is one that another row is to get. It is moved to a
value that nothing else has (made from its own, so it stays unique), and gets its right value last.
"""

from __future__ import annotations

from engine.dialects.sqlite.guards import holds
from engine.dialects.sqlite.journal import Journal
from engine.dialects.sqlite.sql import affinity, quote
from engine.dialects.sqlite.statements import rows
from engine.dialects.sqlite.walk import unique_keys
from engine.model.plan import Statement
from engine.model.state import Column, SchemaState, fold

_LENIENT = Statement("PRAGMA ignore_check_constraints = ON", "setting", "setting")
_STRICT_AGAIN = Statement("PRAGMA ignore_check_constraints = OFF", "setting", "setting")


def in_unique_keys(journal: Journal, state: SchemaState) -> tuple[str, ...]:
    """Return the columns that the step changes and that a unique key of the table holds."""
    held = {fold(name) for key in unique_keys(journal.table, state) for name in key}
    return tuple(c.name for c in journal.images if fold(c.name) in held)


def park(
    journal: Journal, state: SchemaState, live: str, wanted: str, condition: str = "1"
) -> tuple[tuple[Statement, ...], tuple[Statement, ...]]:
    """Return statements that set rows aside, and those that give them their values at the end.

    Rows set aside have `now` = 2 meanwhile.

    Args:
        live: the image that the rows have now, `old` or `new`.
        wanted: the image that they are to get.
        condition: which live rows (`t`, journal `j`) may be changed.
    """
    columns = in_unique_keys(journal, state)
    if not columns:
        return (), ()
    name, table = quote(journal.name), quote(journal.table.name)
    moving = {fold(c) for c in columns}
    images = {fold(c.name) for c in journal.images}
    kinds = {fold(c.name): c for c in journal.images}

    def away_from(value: str, column: str) -> str:
        return aside(value, kinds[fold(column)], journal.table.strict)

    def key(parked: bool) -> str:
        parts = []
        for column in journal.key.names:
            there = f"j.{quote(f'{live}_{column}' if fold(column) in images else f'key_{column}')}"
            moves = parked and fold(column) in moving
            parts.append(f"t.{quote(column)} = {away_from(there, column) if moves else there}")
        return " AND ".join(parts)

    def left(alias: str) -> str:
        # On the way back, what referred to nothing has its values by now.
        return f' AND {alias}."lost" = 0' if wanted == "old" and journal.ties else ""

    blocked = " OR ".join(
        f't.{quote(c)} IN (SELECT o.{quote(f"{wanted}_{c}")} FROM {name} AS o WHERE o."was" = 1 AND o."now" = 1'
        f"{left('o')} AND o.{quote(f'{wanted}_{c}')} IS NOT o.{quote(f'{live}_{c}')})"
        for c in columns
    )
    may = f"(:force OR ({holds(journal, live)}))" if condition == "live" else condition
    away = ", ".join(f"{quote(c)} = {away_from(f't.{quote(c)}', c)}" for c in columns)
    home = ", ".join(f"{quote(c.name)} = j.{quote(f'{wanted}_{c.name}')}" for c in journal.images)
    set_aside = (
        _LENIENT,
        rows(
            f'UPDATE {name} AS j SET "now" = 2 WHERE j."was" = 1 AND j."now" = 1{left("j")}'
            f" AND EXISTS (SELECT 1 FROM {table} AS t WHERE {key(False)} AND {may} AND ({blocked}))",
            "aside",
        ),
        rows(f'UPDATE {table} AS t SET {away} FROM {name} AS j WHERE {key(False)} AND j."now" = 2', "aside"),
        _STRICT_AGAIN,
    )
    back = (
        rows(
            f'UPDATE {table} AS t SET {home} FROM {name} AS j WHERE {key(True)} AND j."now" = 2',
            "update" if wanted == "new" else "restore",
            "written",
        ),
        rows(f'UPDATE {name} SET "now" = 1 WHERE "now" = 2', "aside"),
    )
    return set_aside, back


def leniently(*statements: Statement) -> tuple[Statement, ...]:
    """Return statements that set rows aside; no CHECK looks at values that stay in no row."""
    return (_LENIENT, *statements, _STRICT_AGAIN)


def aside(value: str, column: Column, strict: bool) -> str:
    """Return a value that nothing else has, made from one that is unique.

    A STRICT column takes its own type only. There a real goes to where no value in use stands; both ways of
    doing it (2 to the power of 600 times as much) lose no bit of it, so it stays unique.
    """
    kind = affinity(column.type, strict) if strict and column.type.upper() != "ANY" else ""
    if kind == "REAL":
        return f"CASE WHEN {value} = 0 THEN 1.7e308 ELSE {value} * 4.149515568880993e180 END"
    if kind == "BLOB":
        return f"CAST(char(1) || {value} AS BLOB)"
    return f"CASE typeof({value}) WHEN 'integer' THEN {value} - 4611686018427387904 ELSE char(1) || {value} END"
