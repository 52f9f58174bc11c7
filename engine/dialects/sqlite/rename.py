"""ALTER TABLE … RENAME, by SQLite itself, so that views, triggers and foreign keys follow."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from engine.dialects.base import StepContext
from engine.dialects.sqlite import names
from engine.dialects.sqlite.restore import objects, run, with_texts
from engine.dialects.sqlite.sql import literal_sql, quote
from engine.dialects.sqlite.statements import ddl, rows, taken_guard, text_guard
from engine.errors import Path, Problem
from engine.model.changes import RenameTable
from engine.model.plan import Guard, Statement, Unit
from engine.model.state import fold, same_name

if TYPE_CHECKING:
    from engine.dialects.sqlite.dialect import SQLiteSession
    from engine.dialects.sqlite.shadow import Shadow


def rename_table(session: SQLiteSession, change: RenameTable, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that renames a table.

    Raises:
        Problem: RF101, RF103, RF111, RF113; RF107 a view or trigger is broken as it is.
    """
    path: Path = ("rename", "table")
    table = names.own_table(session.state, change.name, path)
    if names.contains(session.scratch, table.name):
        raise Problem("RF111", f"`{table.name}` is a scratch table, and keeps its name", path, subject=table.name)
    if same_name(table.name, change.to):
        names.allowed(change.to, ("rename", "to"))
    else:
        names.free(session.state, change.to, ("rename", "to"))
    # SQLite takes a name that differs in case only for one that is taken.
    between = f"engine_aside_{session.undo_number()}" if same_name(table.name, change.to) else ""
    forward = _renames(table.name, change.to, between)
    after = session.shadow.clone()
    run(after, forward, path)
    back = with_texts(session.shadow, after, _renames(change.to, table.name, between), path)
    if fold(table.name) in session.found:
        session.found.add(fold(change.to))
    if fold(table.name) in context.made_here:
        back = (*back, _ledger(change.to, table.name))
    guards = left_guards(session.shadow, after, change.to)
    if not between:
        guards = (taken_guard(table.name), *guards)
    return (
        Unit(
            context.step,
            context.step,
            f"rename table {table.name} to {change.to}",
            "~",
            why="in place; views, triggers and foreign keys follow",
            before=forward,
            undo=(
                Unit(
                    f"{context.step}.undo",
                    context.step,
                    f"rename table {change.to} to {table.name}",
                    "~",
                    before=back,
                    guards=guards,
                    touches=(table.name, change.to),
                    rows=0,
                ),
            ),
            touches=(table.name, change.to),
            rows=0,
        ),
    )


def rename_column(table: str, name: str, to: str) -> Statement:
    """Return the statement that renames a column."""
    return ddl(f"ALTER TABLE {quote(table)} RENAME COLUMN {quote(name)} TO {quote(to)}")


def left_guards(shadow: Shadow, after: Shadow, table: str) -> tuple[Guard, ...]:
    """Return guards that every object which a change leaves with another text still has that.

    Without that a way back which writes recorded texts could undo somebody else's change.
    """
    before = objects(shadow)
    return tuple(
        replace(
            text_guard(type, name, table, text, f"the {type} `{name}` was changed or dropped since", skippable=False),
            reads=(name, on),  # it may be on another table than the one that is renamed
        )
        for (type, name), (on, text) in objects(after).items()
        if before.get((type, name), ("", ""))[1] != text
    )


def _renames(name: str, to: str, between: str) -> tuple[Statement, ...]:
    hops = (name, between, to) if between else (name, to)
    return tuple(ddl(f"ALTER TABLE {quote(left)} RENAME TO {quote(right)}") for left, right in pairwise(hops))


def _ledger(name: str, to: str) -> Statement:
    """Return the statement by which rows written under one name count for the other.

    A table made by the migration is dropped on the way back only if it holds no rows of others.
    """
    return rows(
        f"UPDATE engine_step SET table_name = {literal_sql(to)}"
        f" WHERE version = :version AND table_name = {literal_sql(name)}",
        "ledger",
    )
