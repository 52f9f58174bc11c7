"""What a dropped column held: kept by key in a table of the engine, and given back."""

from __future__ import annotations

from collections.abc import Sequence

from engine.dialects.base import StepContext
from engine.dialects.mysql.expression import Planning
from engine.dialects.mysql.schema import MyColumn, MyTable
from engine.dialects.mysql.sql import quote
from engine.dialects.mysql.stages import helper_unit
from engine.dialects.mysql.statements import rows
from engine.dialects.mysql.walk import between, column_definition, identity, key_loop, parts
from engine.errors import Problem
from engine.model.plan import Unit


def keep_units(
    session: Planning, table: MyTable, columns: Sequence[MyColumn], context: StepContext
) -> tuple[tuple[Unit, ...], Unit]:
    """Return the units that make the table and fill it, and the one that gives back.

    That is a way back of the column's own unit, behind the one that makes the column again: where the column was
    never dropped, nothing is given back, as others may have written to it since.

    Raises:
        Problem: SP111 the table has no key to know its rows by, or a trigger that would see the way back.
    """
    key = identity(table, session.schema)
    if key is None:
        words = f"`{table.name}` has no key, so nobody can say which row had which value"
        raise Problem("SP111", words, ("drop",), hint="say `irreversible: <reason>` on the step, if it may be lost")
    fired = next((t.name for t in session.schema.triggers_of(table.name) if t.event == "update"), "")
    if fired:
        words = f"the way back writes the values again, and that would fire the trigger `{fired}` of `{table.name}`"
        raise Problem("SP111", words, ("drop",), hint="drop it before this step, and create it after")
    name = f"engine_undo_{session.undo_number()}"
    lines = [column_definition(f"key_{c.name}", c) for c in key.columns]
    lines += [column_definition(f"old_{c.name}", c) for c in columns]
    keys = [f"key_{n}" for n in key.names]
    create = f"CREATE TABLE {quote(name)} ({', '.join(lines)}, PRIMARY KEY ({', '.join(map(quote, keys))}))"
    held = ", ".join(c.name for c in columns)
    into = ", ".join(map(quote, [*keys, *(f"old_{c.name}" for c in columns)]))
    values = ", ".join(f"{quote(table.name)}.{quote(n)}" for n in [*key.names, *(c.name for c in columns)])
    range_ = between(parts(key, quote(table.name)))
    body = (
        rows(
            f"INSERT INTO {quote(name)} ({into}) SELECT {values} FROM {quote(table.name)} WHERE {range_} FOR UPDATE",
            "journal",
        ),
    )
    ties = " AND ".join(f"t.{quote(n)} = j.{quote(f'key_{n}')}" for n in key.names)
    sets = ", ".join(f"t.{quote(c.name)} = j.{quote(f'old_{c.name}')}" for c in columns)
    back = rows(
        f"UPDATE {quote(table.name)} AS t JOIN {quote(name)} AS j ON {ties} SET {sets}"
        f" WHERE {between(parts(key, 'j', 'key_'))}",
        "update",
    )
    give = Unit(
        f"{context.step}.undo",
        context.step,
        f"give back {held} of {table.name}",
        ">",
        loop=key_loop(name, parts(key, "", "key_"), (back,), None, key.names),
        touches=(table.name,),
    )
    keep = Unit(
        f"{context.step}.keep",
        context.step,
        f"keep what {held} of {table.name} holds",
        ">",
        why=f"in batches by {key.words}, in {name}, for the way back",
        loop=key_loop(table.name, parts(key), body, None, key.names),
        reversible="journal",
        touches=(table.name,),
        keeps=(name,),
        rows=context.rows(f"SELECT count(*) FROM (SELECT 1 FROM {quote(table.name)} LIMIT 50001) AS counted"),
    )
    return (helper_unit(context.step, f"{context.step}.journal", name, create, f"for what {held} holds"), keep), give
