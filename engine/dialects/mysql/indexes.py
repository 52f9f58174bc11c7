"""Indexes: create, drop, rename."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.dialects.base import StepContext
from engine.dialects.mysql import definition, names
from engine.dialects.mysql.schema import MyIndex, MyTable
from engine.dialects.mysql.sql import columns_sql, quote
from engine.dialects.mysql.stages import ddl_unit
from engine.dialects.mysql.statements import SYNTAX, index_gone, index_there, probed, question
from engine.errors import Path, Problem
from engine.model.changes import CreateIndex, DropIndex, RenameIndex
from engine.model.definitions import IndexDef
from engine.model.plan import Check, Unit
from engine.model.state import same_name
from engine.steps.names import derive_name

if TYPE_CHECKING:
    from engine.dialects.mysql.dialect import MySession

_ONLINE = "ALGORITHM=INPLACE LOCK=NONE"


def create_index(session: MySession, change: CreateIndex, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that makes an index while others read and write; a unique one is checked for duplicates first.

    Raises:
        Problem: RF101, RF102, RF103, RF111, SP110, SP111 below `index`.
    """
    wanted = change.index
    table = names.own_table(session.schema, wanted.table, ("index", "table"))
    index, cut = _fold(table, wanted)
    names.allowed(index.name, ("index", "name"))
    if session.schema.index(index.name, table.name):
        raise Problem("RF103", f"`{table.name}` has an index `{index.name}` already", ("index", "name"))
    session.schema = session.schema.with_index(index)
    kind = "UNIQUE INDEX" if index.unique else "INDEX"
    on = f"{quote(index.name)} ON {quote(table.name)}"
    why = "built in place while others read and write"
    if cut:
        why += f"; of {', '.join(cut)} it holds the beginning"
    unit = ddl_unit(
        context.step,
        f"create {kind.lower()} {index.name} on {table.name}",
        f"drop index {index.name}",
        (probed(f"CREATE {kind} {on} ({index.parts}) {_ONLINE}", index_there(table.name, index.name)),),
        (probed(f"DROP INDEX {on}", index_gone(table.name, index.name)),),
        table.name,
        why=why,
    )
    unit = replace(unit, undo=(replace(unit.undo[0], only=()),))
    if not index.unique:
        unit = replace(unit, rows=context.rows(SYNTAX.limited(quote(table.name), "TRUE")))
        return (unit,)
    return (replace(unit, checks=(duplicates(table, index.columns, ("index",)),)),)


def duplicates(table: MyTable, columns: tuple[str, ...], path: Path) -> Check:
    """Return the check that no two rows have the same values in `columns`."""
    listed = columns_sql(columns)
    filled = " AND ".join(f"{quote(name)} IS NOT NULL" for name in columns)
    groups = f"FROM {quote(table.name)} WHERE {filled} GROUP BY {listed} HAVING count(*) > 1"
    words = ", ".join(columns)
    return Check(
        f"{table.name}: ({words}) is unique",
        question(f"SELECT count(*) FROM (SELECT 1 {groups}) AS g"),
        maximum=0,
        sample=question(f"SELECT {listed}, count(*) {groups} LIMIT 5", "sample"),
        path=path,
        failure=f"{{count}} values of ({words}) stand in more than one row of {table.name}",
    )


def _fold(table: MyTable, wanted: IndexDef) -> tuple[MyIndex, list[str]]:
    if wanted.where is not None:
        raise Problem("SP111", "MariaDB has no partial indexes", ("index", "where"), hint="leave `where` out")
    if wanted.include or wanted.with_ or wanted.method.lower() not in ("", "btree"):
        raise Problem("SP111", "of indexes MariaDB gets plain ones only: btree, no include, no with", ("index",))
    parts, columns, cut = [], [], []
    for place, part in enumerate(wanted.columns):
        path: Path = ("index", "columns", place)
        if part.sql is not None or part.opclass or part.nulls or part.collate:
            words = "an index on an expression, a collation, an opclass or an order of NULLs is none of MariaDB's"
            raise Problem("SP111", words, path, hint="index a generated column")
        column = names.own_column(table, part.column, path)
        sql, short = definition.part_sql(column, part.length, part.order)
        if short and wanted.unique:
            words = f"a unique index would look at the beginning of `{column.name}` only ({column.type})"
            raise Problem("SP111", words, path, hint="make it varchar(n)")
        parts.append(sql)
        columns.append(column.name)
        cut += [column.name] if short else []
    prefix = "uq" if wanted.unique else "ix"
    name = definition.fitted(
        wanted.name or derive_name(prefix, table.name, tuple(columns)), prefix, table.name, tuple(columns)
    )
    return MyIndex(name, table.name, tuple(columns), wanted.unique, ", ".join(parts), not cut), cut


def _own(session: MySession, name: str, table: str, path: Path) -> MyIndex | None:
    found = [i for i in session.schema.indexes if same_name(i.name, name) and (not table or same_name(i.table, table))]
    if len(found) > 1:
        raise Problem("SP110", f"several tables have an index `{name}`", path, hint="say which with `table`")
    return found[0] if found else None


def drop_index(session: MySession, change: DropIndex, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that drops an index; the way back builds it again.

    Raises:
        Problem: RF104 there is none; RF107 a foreign key needs it; SP110 there are several.
    """
    path: Path = ("drop", "index")
    index = _own(session, change.name, change.table, path)
    if index is None:
        if change.if_exists:
            return (Unit(context.step, context.step, f"there is no index {change.name} to drop", "="),)
        hint = names.meant(change.name, (i.name for i in session.schema.indexes))
        raise Problem("RF104", f"there is no index `{change.name}`", path, hint=hint, subject=change.name)
    table = names.own_table(session.schema, index.table, path)
    if index.kind:
        raise Problem("SP111", f"`{index.name}` is a {index.kind} index, which is not handled yet", path)
    needing = next((c for c in table.constraints if c.kind == "f" and c.columns[:1] == index.columns[:1]), None)
    child = next(
        (c for _, c in session.schema.referring_to(table.name) if set(c.to_columns) == set(index.columns)), None
    )
    needing = needing or (child if index.unique else None)
    if needing is not None:
        words = f"the foreign key `{needing.name}` may need `{index.name}`"
        raise Problem("RF107", words, path, hint="drop it before this step", subject=index.name)
    session.schema = session.schema.without_index(index)
    kind = "UNIQUE INDEX" if index.unique else "INDEX"
    on = f"{quote(index.name)} ON {quote(table.name)}"
    unit = ddl_unit(
        context.step,
        f"drop index {index.name} of {table.name}",
        f"create index {index.name} again",
        (probed(f"DROP INDEX {on}", index_gone(table.name, index.name)),),
        (probed(f"CREATE {kind} {on} ({index.parts}) {_ONLINE}", index_there(table.name, index.name)),),
        table.name,
        "-",
        why="built again on the way back",
    )
    checks = (duplicates(table, index.columns, path),) if index.unique and index.whole else ()
    return (replace(unit, undo=(replace(unit.undo[0], symbol="+", only=(), checks=checks),)),)


def rename_index(session: MySession, change: RenameIndex, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that renames an index.

    Raises:
        Problem: RF103, RF104, SP110.
    """
    path: Path = ("rename", "index")
    index = _own(session, change.name, "", path)
    if index is None:
        hint = names.meant(change.name, (i.name for i in session.schema.indexes))
        raise Problem("RF104", f"there is no index `{change.name}`", path, hint=hint, subject=change.name)
    names.own_table(session.schema, index.table, path)
    names.allowed(change.to, ("rename", "to"))
    if session.schema.index(change.to, index.table):
        raise Problem("RF103", f"`{index.table}` has an index `{change.to}` already", ("rename", "to"))
    moved = replace(index, name=change.to)
    session.schema = replace(session.schema, indexes=tuple(moved if i == index else i for i in session.schema.indexes))
    head = f"ALTER TABLE {quote(index.table)} RENAME INDEX"
    old, new = quote(index.name), quote(change.to)
    unit = ddl_unit(
        context.step,
        f"rename index {index.name} to {change.to}",
        f"rename index {change.to} to {index.name}",
        (probed(f"{head} {old} TO {new}", index_there(index.table, change.to)),),
        (probed(f"{head} {new} TO {old}", index_there(index.table, index.name)),),
        index.table,
        "~",
        why="in the catalogue only",
    )
    return (replace(unit, undo=(replace(unit.undo[0], symbol="~", only=()),)),)
