"""Enum types, which SQLite has none of: columns that use one get a check under its name.

That check is how a later migration knows the type again; one that no column
uses is known from the applied spec that made it (`Catalogue.types`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.dialects.base import StepContext
from engine.dialects.sqlite import names
from engine.dialects.sqlite.definition import enum_check
from engine.dialects.sqlite.dependents import refuse
from engine.dialects.sqlite.statements import restore_texts, text_guard
from engine.dialects.sqlite.table_edit import rename_constraint
from engine.dialects.sqlite.table_text import parse
from engine.dialects.sqlite.tokens import tokens, unquote
from engine.errors import Path, Problem
from engine.model.changes import CreateType, DropType, RenameType
from engine.model.plan import Unit
from engine.model.state import SchemaState, Table, fold, same_name

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
    if fold(change.name) not in session.types and not names.meant(change.name, session.types):
        # No column uses it any more, and nothing else tells of a type here.
        return (Unit(context.step, context.step, title, "=", why=_WHY, rows=0),)
    _values(session, change.name, path)
    users = tuple(("table", table.name) for table in session.state.tables if _uses(table, change.name))
    refuse(f"the type `{change.name}`", users, path, change.name)
    del session.types[fold(change.name)]
    return (Unit(context.step, context.step, title, "=", why=_WHY, rows=0),)


def rename_type(session: SQLiteSession, change: RenameType, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that gives the checks of an enum type its new name, in their tables' texts.

    Raises:
        Problem: RF101, RF103, RF113.
    """
    values = _values(session, change.name, ("rename", "type"))
    names.allowed(change.to, ("rename", "to"))
    if fold(change.to) in session.types and fold(change.to) != fold(change.name):
        raise Problem("RF103", f"there is a type `{change.to}` already", ("rename", "to"), subject=change.to)
    del session.types[fold(change.name)]
    session.types[fold(change.to)] = values
    users = [table for table in session.state.tables if not table.virtual and _uses(table, change.name)]
    after = {table.name: _renamed(table.sql, change.name, change.to) for table in users}
    title = f"rename type {change.name} to {change.to}"
    back = Unit(
        f"{context.step}.undo",
        context.step,
        f"rename type {change.to} to {change.name}",
        "~",
        before=restore_texts(("table", table.name, table.sql) for table in users),
        guards=tuple(
            text_guard("table", name, name, text, f"the table `{name}` was changed or dropped since", skippable=False)
            for name, text in after.items()
        ),
        touches=tuple(after),
        rows=0,
    )
    return (
        Unit(
            context.step,
            context.step,
            title,
            "~",
            why=_WHY,
            before=restore_texts(("table", name, text) for name, text in after.items()),
            undo=(back,) if users else (),
            touches=tuple(after),
            rows=0,
        ),
    )


def known_types(state: SchemaState) -> dict[str, tuple[str, ...]]:
    """Return the enum types that checks tell of: folded name → values."""
    found = {}
    for table in state.tables:
        for check in table.checks:
            values = _listed(check.sql)
            if check.name and values:
                found[fold(check.name)] = values
    return found


def _listed(condition: str) -> tuple[str, ...]:
    """Return the values of `"column" IN ('a', 'b')`, () for any other condition."""
    found = tokens(condition)
    texts = tuple(unquote(token.text) for token in found[3:-1] if token.kind == "string")
    column = found[0].name if found and found[0].is_name else ""
    return texts if texts and condition.strip() == enum_check(column, texts) else ()


def _uses(table: Table, name: str) -> bool:
    return any(check.name and same_name(check.name, name) and _listed(check.sql) for check in table.checks)


def _renamed(sql: str, name: str, to: str) -> str:
    """Return a table's text with the type's checks under another name."""
    places = [
        place
        for place, found in enumerate(parse(sql).all_constraints)
        if found.kind == "check" and same_name(found.name, name) and _listed(parse(sql).text(found.body))
    ]
    for place in places:
        sql = rename_constraint(sql, parse(sql).all_constraints[place], to)
    return sql


def _values(session: SQLiteSession, name: str, path: Path) -> tuple[str, ...]:
    values = session.types.get(fold(name))
    if values is None:
        hint = names.meant(name, session.types)
        raise Problem("RF101", f"there is no type `{name}` that a spec made", path, hint=hint, subject=name)
    return values
