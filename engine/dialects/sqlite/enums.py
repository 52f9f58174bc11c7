"""Enum types, which SQLite has none of: a session remembers them, columns get a check instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.dialects.base import StepContext
from engine.dialects.sqlite import names
from engine.dialects.sqlite.definition import enum_check
from engine.dialects.sqlite.dependents import refuse
from engine.errors import Path, Problem
from engine.model.changes import CreateType, DropType, RenameType
from engine.model.plan import Unit
from engine.model.state import fold

if TYPE_CHECKING:
    from engine.dialects.sqlite.dialect import SQLiteSession

_WHY = "SQLite has no types of its own: columns that use it get a check"


def create_type(session: SQLiteSession, change: CreateType, context: StepContext) -> tuple[Unit, ...]:
    """Remember an enum type for the columns that follow.

    Raises:
        Problem: RF103 it is there already; RF113.
    """
    names.allowed(change.name, ("create", "type"))
    if fold(change.name) in session.types:
        raise Problem("RF103", f"there is a type `{change.name}` already", ("create", "type"), subject=change.name)
    if not change.values:
        raise Problem("SP110", f"the type `{change.name}` has no values", ("create", "values"))
    session.types[fold(change.name)] = change.values
    return (
        Unit(
            context.step,
            context.step,
            f"type {change.name}: {', '.join(change.values)}",
            "=",
            why=_WHY,
            rows=0,
        ),
    )


def drop_type(session: SQLiteSession, change: DropType, context: StepContext) -> tuple[Unit, ...]:
    """Forget an enum type that no column uses any more.

    Raises:
        Problem: RF101 there is none; RF107 a column uses it.
    """
    path: Path = ("drop", "type")
    title = f"type {change.name} is gone"
    if fold(change.name) not in session.types and change.if_exists:
        return (Unit(context.step, context.step, title, "=", rows=0),)
    values = _values(session, change.name, path)
    users = tuple(
        ("table", table.name)
        for table in session.state.tables
        if any(check.sql.strip() == enum_check(check.column, values) for check in table.checks if check.column)
    )
    refuse(f"the type `{change.name}`", users, path, change.name)
    del session.types[fold(change.name)]
    return (Unit(context.step, context.step, title, "=", why=_WHY, rows=0),)


def rename_type(session: SQLiteSession, change: RenameType, context: StepContext) -> tuple[Unit, ...]:
    """Remember an enum type under another name; nothing in the database says it.

    Raises:
        Problem: RF101, RF103, RF113.
    """
    values = _values(session, change.name, ("rename", "type"))
    names.allowed(change.to, ("rename", "to"))
    if fold(change.to) in session.types and fold(change.to) != fold(change.name):
        raise Problem("RF103", f"there is a type `{change.to}` already", ("rename", "to"), subject=change.to)
    del session.types[fold(change.name)]
    session.types[fold(change.to)] = values
    return (Unit(context.step, context.step, f"type {change.name} is called {change.to}", "=", why=_WHY, rows=0),)


def _values(session: SQLiteSession, name: str, path: Path) -> tuple[str, ...]:
    values = session.types.get(fold(name))
    if values is None:
        hint = names.meant(name, session.types)
        raise Problem("RF101", f"there is no type `{name}` that a spec made", path, hint=hint, subject=name)
    return values
