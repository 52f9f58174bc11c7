"""CREATE TABLE, and the end of scratch tables."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.dialects.base import StepContext
from engine.dialects.sqlite import names
from engine.dialects.sqlite.definition import (
    primary_key,
    refuse_key_extras,
    table_sql,
    unique_indexes,
)
from engine.dialects.sqlite.failures import see_condition
from engine.dialects.sqlite.forced import keep_forced
from engine.dialects.sqlite.indexes import index_unit
from engine.dialects.sqlite.sql import columns_sql, expression_sql, literal_sql, quote
from engine.dialects.sqlite.statements import FOREIGN_KEYS_OFF, FOREIGN_KEYS_ON, ddl, question
from engine.errors import Path, Problem
from engine.model.changes import CreateTable
from engine.model.definitions import ReferenceDef, TableDef
from engine.model.expression import Sql
from engine.model.plan import Check, Guard, Unit
from engine.model.state import SchemaState, fold, same_name

if TYPE_CHECKING:
    from engine.dialects.sqlite.dialect import SQLiteSession

_PATH: Path = ("create",)


def create_table(session: SQLiteSession, change: CreateTable, context: StepContext) -> tuple[Unit, ...]:
    """Return the units that make a table and its unique indexes.

    Raises:
        Problem: RF101–RF104, RF113, SP110, SP111 below `create`.
    """
    table = change.table
    if change.if_not_exists and session.state.table(table.name):
        if fold(table.name) not in context.made_here:
            session.found.add(fold(table.name))
        title = f"table {table.name} is there already"
        return (Unit(context.step, context.step, title, "=", touches=(table.name,)),)
    names.free(session.state, table.name, (*_PATH, "table"))
    session.found.discard(fold(table.name))
    _see_columns(table)
    _see_references(session.state, table)
    for place, key in enumerate(table.uniques):
        refuse_key_extras(key, (*_PATH, "unique", place))
    if table.exclude:
        raise Problem(
            "SP111",
            "SQLite has no exclusion constraints",
            (*_PATH, "exclude"),
            hint="narrow `dialects`, or leave it out",
        )
    text = table_sql(table, session.types, _PATH)
    _see_expressions(session, table)
    indexes = unique_indexes(table.name, table.columns, table.uniques)
    if table.scratch:
        session.scratch.append(table.name)
        back = Unit(
            f"{context.step}.undo",
            context.step,
            f"drop scratch table {table.name}",
            "-",
            before=(ddl(f"DROP TABLE IF EXISTS {quote(table.name)}"),),
            touches=(table.name,),
        )
        why = "a helper: dropped when the migration ends or is undone"
    else:
        back = _drop_again(table, context.step, session.forced_name())
        why = _why(table)
    unit = Unit(
        context.step,
        context.step,
        f"create {'scratch ' if table.scratch else ''}table {table.name}",
        "+",
        why=why,
        before=(ddl(text),),
        undo=(back,),
        touches=(table.name,),
        rows=0,
    )
    keys = [
        index_unit(session, index, f"{context.step}.{number}", context, made=True)
        for number, index in enumerate(indexes, 2)
    ]
    if table.scratch:
        keys = [replace(key, undo=()) for key in keys]  # they go with the table
    return (unit, *keys)


def drop_scratch(name: str, id: str) -> Unit:
    """Return the unit that drops a scratch table at the migration's end."""
    return Unit(
        id,
        id,
        f"drop scratch table {name}",
        "-",
        why="it was a helper of this migration",
        before=(ddl(f"DROP TABLE IF EXISTS {quote(name)}", "cleanup"),),
        touches=(name,),
        rows=0,
    )


def _see_columns(table: TableDef) -> None:
    seen: dict[str, str] = {}
    if not table.columns:
        raise Problem("SP110", "a table needs a column", (*_PATH, "columns"))
    for column in table.columns:
        names_path = (*_PATH, "columns", column.name)
        if fold(column.name) in seen:
            raise Problem("RF103", f"the column `{column.name}` is there twice", names_path)
        names.sound(column.name, names_path)
        seen[fold(column.name)] = column.name
    keys = [("unique", place, key.columns) for place, key in enumerate(table.uniques)]
    keys += [("foreign_keys", place, key.columns) for place, key in enumerate(table.foreign_keys)]
    for word, place, columns in keys:
        for number, name in enumerate(columns):
            if fold(name) not in seen:
                raise Problem(
                    "RF102",
                    f"there is no column `{name}` in this table",
                    (*_PATH, word, place, "columns", number),
                    hint=names.meant(name, seen.values()),
                    subject=f"{table.name}.{name}",
                )


def _see_expressions(session: SQLiteSession, table: TableDef) -> None:
    """Try each expression on a table that has the columns and nothing else, so that a mistake has its place."""
    found: list[tuple[Sql, Path]] = []
    for column in table.columns:
        path = (*_PATH, "columns", column.name)
        found += [
            (sql, (*path, word)) for word, sql in (("check", column.check), ("generated", column.generated)) if sql
        ]
    found += [(check.sql, (*_PATH, "checks", check.name)) for check in table.checks]
    if found:
        trial = session.shadow.clone()
        trial.run(f"CREATE TABLE {quote(table.name)} ({columns_sql(tuple(c.name for c in table.columns))})")
        for sql, path in found:
            see_condition(trial, table.name, expression_sql(sql, path), path)


def _see_references(state: SchemaState, table: TableDef) -> None:
    for column in table.columns:
        if column.references is not None:
            path = (*_PATH, "columns", column.name, "references")
            see_reference(state, column.references, (column.name,), path, table)
    for place, key in enumerate(table.foreign_keys):
        see_reference(state, key.references, key.columns, (*_PATH, "foreign_keys", place, "references"), table)


def see_reference(
    state: SchemaState,
    reference: ReferenceDef,
    columns: tuple[str, ...],
    path: Path,
    own: TableDef | None = None,
) -> None:
    """See to it that a foreign key has a target: table, columns, and a key that is unique.

    Args:
        own: the table that is being made, which may refer to itself.

    Raises:
        Problem: RF101, RF102; CN103 where the columns referred to are no key.
    """
    if own is not None and same_name(reference.table, own.name):
        known = tuple(c.name for c in own.columns)
        key = primary_key(own, _PATH)
        primary = key.columns if key else ()
        unique = [k.columns for k in own.uniques] + [(c.name,) for c in own.columns if c.unique]
        name = own.name
    else:
        target = names.own_table(state, reference.table, (*path, "table"))
        known = tuple(c.name for c in target.columns)
        primary = target.primary_key
        unique = [k.columns for k in target.keys]
        unique += [i.columns for i in state.indexes_of(target.name) if i.unique and i.where is None]
        name = target.name
    for place, column in enumerate(reference.columns):
        if not names.contains(known, column):
            raise Problem(
                "RF102",
                f"`{name}` has no column `{column}`",
                (*path, "columns", place),
                hint=names.meant(column, known),
                subject=f"{name}.{column}",
            )
    wanted = reference.columns or primary
    if not any(_same_set(wanted, have) for have in (primary, *unique)) or not wanted:
        raise Problem(
            "CN103",
            f"`{name}` has no primary or unique key on ({', '.join(wanted)}), which a foreign key needs to refer to",
            path,
            hint=f"refer to its primary key ({', '.join(primary)})" if primary else "give it a unique key first",
        )
    if len(wanted) != len(columns):
        raise Problem(
            "CN103",
            f"a foreign key of {len(columns)} columns can't refer to a key of {len(wanted)} ({', '.join(wanted)})",
            path,
        )


def _same_set(left: tuple[str, ...], right: tuple[str, ...]) -> bool:
    return len(left) == len(right) and all(names.contains(right, name) for name in left)


def _why(table: TableDef) -> str:
    notes = []
    if table.comment or any(column.comment for column in table.columns):
        notes.append("SQLite keeps no comments")
    if any(key.include for key in table.uniques):
        notes.append("`include` is left out: SQLite has no such thing, and it changes no result")
    if any(check.validate_later for check in table.checks):
        notes.append("checks hold from the start")
    return "; ".join(notes)


def _drop_again(table: TableDef, step: str, forced: str) -> Unit:
    """Return the unit that drops a table that the migration made.

    Rows that the migration itself wrote go with it; the ledger knows how many
    it added, and whatever is beyond that is somebody else's. Where `force` takes them, `forced` keeps all rows.
    """
    name = table.name
    text = literal_sql(name)
    key = primary_key(table, _PATH)
    keys = columns_sql(key.columns) if key else "*"
    others = (
        "SELECT max(0, count(*) - (SELECT coalesce(sum(rows_added), 0) FROM engine_step"
        f" WHERE version = :version AND table_name = {text} AND direction = 'apply')) FROM {quote(name)}"
    )
    every = f"FROM {quote(name)} WHERE ({others}) > 0"
    own = any(same_name(c.references.table, name) for c in table.columns if c.references)
    own = own or any(same_name(f.references.table, name) for f in table.foreign_keys)
    children = (
        "FROM sqlite_schema AS s, pragma_foreign_key_list(s.name) AS f"
        f" WHERE s.type = 'table' AND lower(f.\"table\") = lower({text}) AND s.name <> {text}"
    )
    return Unit(
        f"{step}.undo",
        step,
        f"drop table {name}",
        "-",
        settings=(FOREIGN_KEYS_OFF,) if own else (),
        resets=(FOREIGN_KEYS_ON,) if own else (),
        before=(*keep_forced(forced, name, "", (every,)), ddl(f"DROP TABLE {quote(name)}")),
        forced=(forced,),
        guards=(
            Guard(
                "added",
                name,
                question(others, "guard"),
                question(f"SELECT {keys} FROM {quote(name)} ORDER BY 1 DESC LIMIT 5", "guard"),
                f"{{count}} rows of `{name}` are not this migration's, and would go with the table",
                loses=True,
            ),
        ),
        # A check and not a guard: it has to be asked when later tables of this migration are gone again.
        checks=(
            Check(
                f"{name}: no other table refers to it",
                question(f"SELECT count(*) {children}"),
                maximum=0,
                sample=question(f"SELECT DISTINCT s.name {children} LIMIT 5"),
                failure=f"{{count}} foreign keys of other tables refer to `{name}`, which would go: "
                "drop those tables first",
            ),
        ),
        touches=(name,),
    )
