"""CREATE, DROP and RENAME of views."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.dialects.base import StepContext
from engine.dialects.mysql import names
from engine.dialects.mysql.again import OWN, as_it_was, mentions, see_text, text_again
from engine.dialects.mysql.expression import query_of
from engine.dialects.mysql.schema import MySchema, MyView
from engine.dialects.mysql.sql import SQL_MODE, quote
from engine.dialects.mysql.stages import ddl_unit, rename_unit
from engine.dialects.mysql.statements import probed, table_gone, table_there, taken_guard
from engine.dialects.mysql.tokens import tokens
from engine.dialects.shared.statements import ddl
from engine.errors import Path, Problem
from engine.model import changes as c
from engine.model.plan import Unit
from engine.model.state import same_name

if TYPE_CHECKING:
    from engine.dialects.mysql.dialect import MySession

_ALONE = "committed by itself"


def create_view(session: MySession, change: c.CreateView, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that makes or replaces a view.

    Raises:
        Problem: RF103 the name is taken; the query can't be had.
    """
    schema = session.schema
    old = schema.view(change.name)
    if old is None or not change.replace:
        names.free(schema, change.name, ("create", "view"))
    query = query_of(session, change.query, ("create", "as"))
    said = [t.name for t in tokens(query.plain) if t.is_name]
    reads = tuple(sorted(r.name for r in schema.relations if names.contains(said, r.name)))
    name = old.name if old else change.name
    if names.contains(reads, name):
        raise Problem("SP110", f"the view `{name}` would read itself", ("create", "as"))
    text = f"VIEW {quote(name)} AS {query.plain}"
    view = MyView(name, tuple((n, "") for n in query.columns if n != "*"), reads, f"CREATE {text}", SQL_MODE, *OWN)
    if old is None:
        session.schema = replace(schema, views=(*schema.views, view))
        forward = (probed(f"CREATE {text}", table_there(name)),)
        back = (probed(f"DROP VIEW {quote(name)}", table_gone(name)),)
        return (ddl_unit(context.step, f"create view {name}", f"drop view {name}", forward, back, name, why=_ALONE),)
    see_text(old, "view", ("create", "view"))
    _unneeded(schema, old, set(old.column_names) - set(view.column_names), ("create", "view"))
    session.schema = replace(schema, views=tuple(view if v is old else v for v in schema.views))
    unit = ddl_unit(
        context.step,
        f"replace view {name}",
        f"view {name} as it was",
        (ddl(f"CREATE OR REPLACE {text}"),),
        (ddl(text_again(replace(old, sql=old.sql.replace("CREATE ", "CREATE OR REPLACE ", 1)))),),
        name,
        "~",
        why="at one stroke, committed by itself; sent again where it broke off",
    )
    return (replace(unit, undo=(as_it_was(replace(unit.undo[0], symbol="~"), old),)),)


def drop_view(session: MySession, change: c.DropView, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that drops a view; the way back makes it from the server's own text.

    Raises:
        Problem: RF101, RF107, SP111.
    """
    path: Path = ("drop", "view")
    schema = session.schema
    if change.if_exists and schema.view(change.name) is None:
        return (Unit(context.step, context.step, f"there is no view {change.name} to drop", "="),)
    view = _own(schema, change.name, path)
    _unneeded(schema, view, None, path)
    if not context.irreversible:
        see_text(view, "view", path)
    session.schema = replace(schema, views=tuple(v for v in schema.views if v is not view))
    unit = ddl_unit(
        context.step,
        f"drop view {view.name}",
        f"create view {view.name} again",
        (probed(f"DROP VIEW {quote(view.name)}", table_gone(view.name)),),
        (probed(text_again(view), table_there(view.name)),),
        view.name,
        "-",
        why=_ALONE,
    )
    if context.irreversible:
        return (replace(unit, undo=(), reversible="no", reason=context.irreversible),)
    back = as_it_was(replace(unit.undo[0], symbol="+", guards=(taken_guard(view.name),)), view)
    return (replace(unit, undo=(back,)),)


def rename_view(session: MySession, change: c.RenameView, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that renames a view.

    Raises:
        Problem: RF101, RF103; RF107 another view reads it.
    """
    schema = session.schema
    view = _own(schema, change.name, ("rename", "view"))
    if not same_name(view.name, change.to):
        names.free(schema, change.to, ("rename", "to"))
    _unneeded(schema, view, None, ("rename", "view"))
    old, new = view.name, change.to
    moved = replace(view, name=new, sql=view.sql.replace(f"VIEW {quote(old)} AS", f"VIEW {quote(new)} AS", 1))
    session.schema = replace(schema, views=tuple(moved if v is view else v for v in schema.views))
    return (rename_unit(context.step, "view", old, new),)


def _own(schema: MySchema, name: str, path: Path) -> MyView:
    found = schema.view(name)
    if found is None:
        hint = names.meant(name, (v.name for v in schema.views))
        raise Problem("RF101", f"there is no view `{name}`", path, hint=hint, subject=name)
    return found


def _unneeded(schema: MySchema, view: MyView, lost: set[str] | None, path: Path) -> None:
    """Stop where something else reads a view that goes, or columns that it loses.

    Raises:
        Problem: RF107 names what.
    """
    users = [(f"the view `{v.name}`", v.sql) for v in schema.views if names.contains(v.reads, view.name)]
    users += [(f"the trigger `{t.name}`", t.sql) for t in schema.triggers if mentions(t.sql, view.name)]
    needing = [what for what, sql in users if lost is None or mentions(sql, *lost) or "*" in sql]
    if needing and (lost is None or lost):
        words = f"{', '.join(needing)} need{'s' if len(needing) == 1 else ''} `{view.name}`"
        raise Problem("RF107", words, path, hint="drop that before this step", subject=view.name)
