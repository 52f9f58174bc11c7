"""Indexes: create, drop, rename."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.dialects.base import StepContext
from engine.dialects.postgres import names
from engine.dialects.postgres.definition import fitted
from engine.dialects.postgres.expression import limited
from engine.dialects.postgres.schema import PgIndex, PgTable
from engine.dialects.postgres.sql import columns_sql, quote
from engine.dialects.postgres.statements import CONCURRENTLY, built_concurrently, ddl, question, taken_guard
from engine.dialects.postgres.tables import expression, renamed_unit
from engine.dialects.shared.frames import LIMIT
from engine.errors import Path, Problem
from engine.model.changes import CreateIndex, DropIndex, RenameIndex
from engine.model.definitions import IndexColumnDef, IndexDef
from engine.model.plan import Check, Unit
from engine.model.state import fold, same_name

if TYPE_CHECKING:
    from engine.dialects.postgres.dialect import PostgresSession


def create_index(session: PostgresSession, change: CreateIndex, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that makes an index; a unique one is checked for duplicates first.

    Raises:
        Problem: RF101, RF102, RF103, RF111, SP110, SP111 below `index`.
    """
    wanted = change.index
    path: Path = ("index",)
    table = names.own_table(session.schema, wanted.table, (*path, "table"))
    parts = tuple(p.column or (p.sql.text or "" if p.sql else "") for p in wanted.columns)
    name = fitted(wanted.name, "idx", wanted.table, parts)
    names.free(session.schema, name, (*path, "name"))
    text, where = _text(session, table, wanted, name, path)
    columns = tuple(p.column and (table.column(p.column) or p).__getattribute__("name") for p in wanted.columns)
    index = PgIndex(name, table.name, tuple(columns), wanted.unique, where or None, text)
    session.schema = replace(session.schema, indexes=(*session.schema.indexes, index))
    rows = context.rows(limited(quote(table.name), "TRUE"))
    kind = "unique index" if wanted.unique else "index"
    made = fold(table.name) in context.made_here
    asked = str(wanted.concurrently).lower()
    large = rows is not None and rows >= LIMIT and not context.together
    alone = not made and (asked == "true" or (asked == "auto" and large))
    checks = (_unique(index),) if wanted.unique and "" not in index.columns and not made else ()
    drop = f"DROP INDEX {'CONCURRENTLY ' if alone else ''}IF EXISTS {quote(name)}"
    back = Unit(
        f"{context.step}.undo",
        context.step,
        f"drop {kind} {name}",
        "-",
        before=() if alone else (ddl(drop),),
        outside=(ddl(drop),) if alone else (),
        touches=(table.name,),
    )
    return (
        Unit(
            context.step,
            context.step,
            f"create {kind} {name} on {table.name}",
            "+",
            why=CONCURRENTLY if alone else "" if made else "writers of the table wait meanwhile",
            checks=checks,
            before=() if alone else (ddl(text),),
            outside=built_concurrently(name, text) if alone else (),
            undo=(back,),
            touches=(table.name,),
            rows=0 if made and rows is None else rows,
        ),
    )


def _text(session: PostgresSession, table: PgTable, wanted: IndexDef, name: str, path: Path) -> tuple[str, str]:
    parts = [_part(session, table, part, (*path, "columns", n)) for n, part in enumerate(wanted.columns)]
    method = f" USING {quote(wanted.method.lower())}" if wanted.method else ""
    text = f"CREATE {'UNIQUE ' if wanted.unique else ''}INDEX {quote(name)} ON {quote(table.name)}{method}"
    text += f" ({', '.join(parts)})"
    if wanted.include:
        included = tuple(names.own_column(table, n, (*path, "include")).name for n in wanted.include)
        text += f" INCLUDE ({columns_sql(included)})"
    if wanted.with_:
        options = ", ".join(f"{quote(k)} = {str(v).lower()}" for k, v in wanted.with_)
        text += f" WITH ({options})"
    where = expression(session.schema, table, wanted.where, (*path, "where")) if wanted.where is not None else ""
    return text + (f" WHERE ({where})" if where else ""), where


def _part(session: PostgresSession, table: PgTable, part: IndexColumnDef, path: Path) -> str:
    if part.length:
        words = "an index over the beginning of a text is an index over an expression here"
        raise Problem("SP111", words, path, hint=f'write {{sql: "left({part.column}, {part.length})"}}')
    if part.sql is not None:
        text = f"({expression(session.schema, table, part.sql, path)})"
    else:
        text = quote(names.own_column(table, part.column, path).name)
    if part.collate:
        from engine.dialects.postgres.definition import collation

        text += f" COLLATE {quote(collation(part.collate, path))}"
    if part.opclass and not re.fullmatch(r"\w+(\.\w+)?", part.opclass):
        raise Problem("SP110", f"`{part.opclass}` is no operator class", path)
    text += f" {part.opclass}" if part.opclass else ""
    text += f" {part.order.upper()}" if part.order else ""
    return text + (f" NULLS {part.nulls.upper()}" if part.nulls else "")


def _unique(index: PgIndex) -> Check:
    listed = ", ".join(map(quote, index.columns))
    filled = " AND ".join(f"{quote(n)} IS NOT NULL" for n in index.columns)
    where = f"({index.where}) AND {filled}" if index.where else filled
    groups = f"FROM {quote(index.table)} WHERE {where} GROUP BY {listed} HAVING count(*) > 1"
    words = ", ".join(index.columns)
    return Check(
        f"{index.table}: ({words}) is unique",
        question(f"SELECT count(*) FROM (SELECT 1 {groups}) AS g"),
        maximum=0,
        sample=question(f"SELECT {listed}, count(*) {groups} LIMIT 5", "sample"),
        path=("index", "columns"),
        failure=f"{{count}} values of ({words}) stand in more than one row of {index.table}",
    )


def drop_index(session: PostgresSession, change: DropIndex, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that drops an index; the way back builds it from the database's own text.

    Raises:
        Problem: RF104 there is none, or it belongs to another table; RF107 a foreign key needs it.
    """
    path: Path = ("drop", "index")
    index = session.schema.index(change.name)
    if index is None and change.if_exists:
        return (Unit(context.step, context.step, f"there is no index {change.name} to drop", "="),)
    index = _own_index(session, change.name, path)
    if change.table and not same_name(change.table, index.table):
        raise Problem("RF104", f"the index `{index.name}` is on `{index.table}`, not on `{change.table}`", path)
    if index.unique and any(
        sorted(map(fold, c.to_columns)) == sorted(map(fold, index.columns))
        for _, c in session.schema.referring_to(index.table)
    ):
        raise Problem("RF107", f"a foreign key may need the index `{index.name}`", path, hint="drop it first")
    _refuse_stale(index.stale, "index", index.name, path)
    names.refuse_loss(f"index `{index.name}`", index.extras, path, way_kept=not context.irreversible)
    session.schema = replace(session.schema, indexes=tuple(i for i in session.schema.indexes if i.name != index.name))
    back = Unit(
        f"{context.step}.undo",
        context.step,
        f"create index {index.name} on {index.table} again",
        "+",
        before=(ddl(index.sql),),
        guards=(taken_guard(index.name),),
        touches=(index.table,),
        rows=context.rows(limited(quote(index.table), "TRUE")),
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


def _refuse_stale(stale: bool, kind: str, name: str, path: Path) -> None:
    """Stop where the text of an object is not known: something in it was renamed by this plan."""
    if stale:
        raise Problem(
            "SP111",
            f"what PostgreSQL makes of the {kind} `{name}` after the rename before this is not known in planning",
            path,
            hint="apply the rename first (`--to`), then this",
        )


refuse_stale = _refuse_stale


def rename_index(session: PostgresSession, change: RenameIndex, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that renames an index.

    Raises:
        Problem: RF103, RF104, RF113.
    """
    index = _own_index(session, change.name, ("rename", "index"))
    if not same_name(index.name, change.to):
        names.free(session.schema, change.to, ("rename", "to"))
    old, new = quote(index.name), quote(change.to)
    moved = replace(index, name=change.to, sql=index.sql.replace(f"INDEX {index.name} ON", f"INDEX {new} ON", 1))
    moved = replace(moved, sql=moved.sql.replace(f"INDEX {old} ON", f"INDEX {new} ON", 1))
    session.schema = replace(
        session.schema, indexes=tuple(moved if i.name == index.name else i for i in session.schema.indexes)
    )
    return (
        renamed_unit(
            context,
            "index",
            index.name,
            change.to,
            f"ALTER INDEX {old} RENAME TO {new}",
            f"ALTER INDEX {new} RENAME TO {old}",
            index.table,
        ),
    )


def _own_index(session: PostgresSession, name: str, path: Path) -> PgIndex:
    index = session.schema.index(name)
    if index is None:
        hint = names.meant(name, (i.name for i in session.schema.indexes))
        if any(t.constraint(name) for t in session.schema.tables):
            hint = "it belongs to a constraint: `alter` with `drop_constraints` takes it away"
        raise Problem("RF104", f"there is no index `{name}`", path, hint=hint, subject=name)
    return index
