"""Indexes: create, drop, rename; on SQLite a rename is a drop and a create from the edited text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.dialects.base import StepContext
from engine.dialects.sqlite import names
from engine.dialects.sqlite.constraints import duplicate_guard, unique_check
from engine.dialects.sqlite.definition import index_sql
from engine.dialects.sqlite.failures import see_condition
from engine.dialects.sqlite.sql import expression_sql, quote
from engine.dialects.sqlite.statements import ddl, taken_guard, text_guard
from engine.dialects.sqlite.table_edit import rename_object
from engine.errors import Path, Problem
from engine.model.changes import CreateIndex, DropIndex, RenameIndex
from engine.model.definitions import IndexDef
from engine.model.plan import Guard, Unit
from engine.model.state import Index, Table, same_name

if TYPE_CHECKING:
    from engine.dialects.sqlite.dialect import SQLiteSession


def create_index(session: SQLiteSession, change: CreateIndex, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that makes an index; a unique one is checked for duplicates first.

    Raises:
        Problem: RF101, RF102, RF103, RF111, SP110, SP111 below `index`.
    """
    index = change.index
    path: Path = ("index",)
    table = names.own_table(session.state, index.table, (*path, "table"))
    names.free(session.state, index.name, (*path, "name"))
    for place, part in enumerate(index.columns):
        here = (*path, "columns", place)
        if part.sql is not None:
            see_condition(session.shadow, table.name, expression_sql(part.sql, here), here)
        else:
            names.own_column(table, part.column, here)
    if index.where is not None:
        see_condition(session.shadow, table.name, expression_sql(index.where, (*path, "where")), (*path, "where"))
    if index.method.lower() not in ("", "btree"):
        raise Problem("SP111", f"SQLite has no `{index.method}` index", (*path, "method"), hint="leave `method` out")
    if index.unique and any(part.length for part in index.columns):
        raise Problem("SP111", "SQLite has no unique index over a part of a text", (*path, "columns"))
    return (index_unit(session, index, context.step, context, rows=context.rows(_count(table.name))),)


def index_unit(
    session: SQLiteSession,
    index: IndexDef,
    id: str,
    context: StepContext,
    *,
    made: bool = False,
    rows: int | None = None,
    path: Path = ("index",),
) -> Unit:
    """Return the unit that makes an index, without looking names up.

    Args:
        made: the table was made by the same change and is empty.
        rows: rows of the table, None if unknown.
    """
    del session
    text = index_sql(index, path)
    kind = "unique index" if index.unique else "index"
    checks = (unique_check(index, path),) if index.unique and not made else ()
    return Unit(
        id,
        context.step,
        f"create {kind} {index.name} on {index.table}",
        "+",
        why=_why(index),
        checks=checks,
        before=(ddl(text),),
        undo=(
            Unit(
                f"{id}.undo",
                context.step,
                f"drop {kind} {index.name}",
                "-",
                before=(ddl(f"DROP INDEX IF EXISTS {quote(index.name)}"),),
                guards=(index_guard(index.name, index.table, text),),
                touches=(index.table,),
                only=(),
            ),
        ),
        touches=(index.table,),
        rows=0 if made else rows,
    )


def drop_index(session: SQLiteSession, change: DropIndex, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that drops an index; the way back builds it from the database's own text.

    Raises:
        Problem: RF104 there is none, or it belongs to another table; RF107 a foreign key needs it.
    """
    path: Path = ("drop", "index")
    index = session.state.index(change.name)
    if index is None and change.if_exists:
        return (Unit(context.step, context.step, f"there is no index {change.name} to drop", "="),)
    index = _own_index(session, change.name, path)
    if change.table and not same_name(change.table, index.table):
        raise Problem("RF104", f"the index `{index.name}` is on `{index.table}`, not on `{change.table}`", path)
    session.see_keys_stay(index.table, (index.columns,) if index.unique else (), path, f"the index `{index.name}`")
    rows = context.rows(_count(index.table))
    back = Unit(
        f"{context.step}.undo",
        context.step,
        f"create index {index.name} on {index.table} again",
        "+",
        before=(ddl(index.sql),),
        guards=(taken_guard(index.name), *_duplicates(session, index)),
        touches=(index.table,),
        only=(),
        rows=rows,
    )
    return (
        Unit(
            context.step,
            context.step,
            f"drop index {index.name} on {index.table}",
            "-",
            before=(ddl(f"DROP INDEX {quote(index.name)}"),),
            undo=(back,),
            touches=(index.table,),
            rows=0,
        ),
    )


def rename_index(session: SQLiteSession, change: RenameIndex, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that drops an index and creates it under another name.

    Raises:
        Problem: RF103, RF104, RF113.
    """
    index = _own_index(session, change.name, ("rename", "index"))
    if not same_name(index.name, change.to):
        names.free(session.state, change.to, ("rename", "to"))
    text = rename_object(index.sql, change.to)
    rows = context.rows(_count(index.table))
    drop, make = (ddl(f"DROP INDEX {quote(index.name)}"), ddl(text))
    back = Unit(
        f"{context.step}.undo",
        context.step,
        f"rename index {change.to} to {index.name}",
        "~",
        before=(ddl(f"DROP INDEX {quote(change.to)}"), ddl(index.sql)),
        guards=(index_guard(change.to, index.table, text, skippable=False),),
        touches=(index.table,),
        only=(),
        rows=rows,
    )
    return (
        Unit(
            context.step,
            context.step,
            f"rename index {index.name} to {change.to}",
            "~",
            why="SQLite can't rename an index: it is built again under the new name",
            before=(drop, make),
            undo=(back,),
            touches=(index.table,),
            rows=rows,
        ),
    )


def index_guard(name: str, table: str, text: str, *, skippable: bool = True) -> Guard:
    """Return a guard that an index is still what the migration left."""
    words = f"the index `{name}` was changed or dropped since"
    return text_guard("index", name, table, text, words, skippable=skippable)


def _own_index(session: SQLiteSession, name: str, path: Path) -> Index:
    index = session.state.index(name)
    if index is None:
        hint = names.meant(name, (i.name for i in session.state.indexes))
        if any(names.contains((k.name for k in t.keys), name) for t in session.state.tables):
            hint = "it is a constraint in the table's own text: `alter` with `drop_constraints` takes it away"
        raise Problem("RF104", f"there is no index `{name}`", path, hint=hint, subject=name)
    return index


def _duplicates(session: SQLiteSession, index: Index) -> tuple[Guard, ...]:
    """Return the guard that a unique index can be built again on what the rows have become."""
    table = session.state.table(index.table)
    if not index.unique or "" in index.columns or not isinstance(table, Table):
        return ()
    return (duplicate_guard(index.name, table.name, index.columns, index.where or ""),)


def _why(index: IndexDef) -> str:
    left_out = [
        word
        for word, given in (
            ("include", index.include),
            ("with", index.with_),
            ("opclass", any(part.opclass for part in index.columns)),
            ("nulls", any(part.nulls for part in index.columns)),
            ("length", any(part.length for part in index.columns)),
        )
        if given
    ]
    return f"SQLite has no {', '.join(left_out)}: left out, no result changes by it" if left_out else ""


def _count(table: str) -> str:
    return f"SELECT count(*) FROM (SELECT 1 FROM {quote(table)} LIMIT 50001)"
