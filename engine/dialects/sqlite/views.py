"""Views: create, replace, drop, rename."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.dialects.base import StepContext
from engine.dialects.sqlite import names
from engine.dialects.sqlite.dependents import broken_by, refuse
from engine.dialects.sqlite.failures import see
from engine.dialects.sqlite.restore import run
from engine.dialects.sqlite.sql import quote, text_for_sqlite
from engine.dialects.sqlite.statements import ddl, taken_guard, text_guard
from engine.dialects.sqlite.table_edit import rename_object
from engine.dialects.sqlite.tokens import edit, tokens
from engine.errors import Path, Problem
from engine.model.changes import CreateView, DropView, RenameView
from engine.model.plan import Guard, Statement, Unit
from engine.model.state import Trigger, View, same_name

if TYPE_CHECKING:
    from engine.dialects.sqlite.dialect import SQLiteSession


def create_view(session: SQLiteSession, change: CreateView, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that makes a view, or puts it in the place of one.

    Raises:
        Problem: RF101–RF103, RF107, RF110, RF113, SP110, SP111, LT108.
    """
    path: Path = ("create", "as")
    state = session.state
    old = state.view(change.name) if change.replace else None
    if old is None:
        names.free(state, change.name, ("create", "view"))
    query = text_for_sqlite(change.query, path)
    see(session.shadow, query, path)
    text = f"CREATE VIEW {quote(change.name)} AS {query}"
    triggers = state.triggers_of(old.name) if old else ()
    forward = (*_drop(old), ddl(text), *(ddl(trigger.sql) for trigger in triggers))
    run(session.shadow.clone(), forward, path)
    if old:
        broken = broken_by(session.shadow, forward, path, about=change.name)
        refuse(f"columns that `{old.name}` would no longer have", broken, path, old.name)
    back = (ddl(f"DROP VIEW IF EXISTS {quote(change.name)}"), *_create(old, triggers))
    return (
        Unit(
            context.step,
            context.step,
            f"{'replace' if old else 'create'} view {change.name}",
            "~" if old else "+",
            before=forward,
            undo=(
                _back(
                    context,
                    f"{'put back' if old else 'drop'} view {change.name}",
                    "~" if old else "-",
                    back,
                    (_view_guard(change.name, text),),
                    change.name,
                ),
            ),
            touches=(change.name,),
            rows=0,
        ),
    )


def drop_view(session: SQLiteSession, change: DropView, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that drops a view; the way back makes it from the database's own text.

    Raises:
        Problem: RF101 there is none; RF107 something reads it; RF111 it is a table.
    """
    path: Path = ("drop", "view")
    if change.if_exists and session.state.view(change.name) is None:
        return (Unit(context.step, context.step, f"there is no view {change.name} to drop", "="),)
    view = _own_view(session, change.name, path)
    triggers = session.state.triggers_of(view.name)
    forward = _drop(view)
    refuse(
        f"`{view.name}`",
        broken_by(session.shadow, forward, path, own=view.name, about=view.name),
        path,
        view.name,
    )
    back = _back(
        context,
        f"create view {view.name} again",
        "+",
        _create(view, triggers),
        (taken_guard(view.name),),
        view.name,
    )
    unit = Unit(
        context.step,
        context.step,
        f"drop view {view.name}",
        "-",
        before=forward,
        undo=(back,),
        touches=(view.name,),
        rows=0,
    )
    return (unit,)


def rename_view(session: SQLiteSession, change: RenameView, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that makes a view again under another name, its triggers with it.

    Raises:
        Problem: RF101, RF103, RF107 (SQLite follows no rename of a view), RF111, RF113.
    """
    path: Path = ("rename", "view")
    view = _own_view(session, change.name, path)
    only_case = same_name(view.name, change.to)
    if not only_case:
        names.free(session.state, change.to, ("rename", "to"))
    triggers = session.state.triggers_of(view.name)
    text = rename_object(view.sql, change.to)
    renamed = tuple(ddl(on_other(trigger.sql, change.to)) for trigger in triggers)
    forward = (*_drop(view), ddl(text), *renamed)
    broken = broken_by(session.shadow, forward, path, about=change.name)
    refuse(f"`{view.name}` under this name: SQLite follows no rename of a view, and", broken, path, view.name)
    back = _back(
        context,
        f"rename view {change.to} to {view.name}",
        "~",
        (ddl(f"DROP VIEW {quote(change.to)}"), *_create(view, triggers)),
        (_view_guard(change.to, text), *(() if only_case else (taken_guard(view.name),))),
        view.name,
    )
    unit = Unit(
        context.step,
        context.step,
        f"rename view {view.name} to {change.to}",
        "~",
        why="SQLite can't rename a view: it is made again under the new name",
        before=forward,
        undo=(back,),
        touches=(view.name, change.to),
        rows=0,
    )
    return (unit,)


def _own_view(session: SQLiteSession, name: str, path: Path) -> View:
    view = session.state.view(name)
    if view is None:
        if session.state.table(name):
            raise Problem("RF111", f"`{name}` is a table, not a view", path, hint="write `table:`", subject=name)
        hint = names.meant(name, (v.name for v in session.state.views))
        raise Problem("RF101", f"there is no view `{name}`", path, hint=hint, subject=name)
    return view


def _drop(view: View | None) -> tuple[Statement, ...]:
    return (ddl(f"DROP VIEW {quote(view.name)}"),) if view else ()


def _create(view: View | None, triggers: tuple[Trigger, ...]) -> tuple[Statement, ...]:
    return (ddl(view.sql), *(ddl(trigger.sql) for trigger in triggers)) if view else ()


def _view_guard(name: str, text: str) -> Guard:
    return text_guard("view", name, name, text, f"the view `{name}` was changed or dropped since")


def _back(
    context: StepContext,
    title: str,
    symbol: str,
    before: tuple[Statement, ...],
    guards: tuple[Guard, ...],
    table: str,
) -> Unit:
    return Unit(
        f"{context.step}.undo",
        context.step,
        title,
        symbol,
        before=before,
        guards=guards,
        touches=(table,),
        rows=0,
    )


def on_other(sql: str, name: str) -> str:
    """Return a trigger's text with another table or view after its ON."""
    found = tokens(sql)
    place = next(place for place, token in enumerate(found) if token.is_word("ON"))
    target = found[place + 1]
    return edit(sql, [(target.start, target.end, quote(name))])
