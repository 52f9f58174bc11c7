"""Columns that come, change and go."""

from __future__ import annotations

from dataclasses import replace

from engine.dialects.postgres import names
from engine.dialects.postgres.access import look
from engine.dialects.postgres.alteration import Alteration, refuse_column_users
from engine.dialects.postgres.constraint_change import (
    add_check,
    add_foreign_key,
    not_null_by_check,
    set_primary_key,
)
from engine.dialects.postgres.definition import (
    collation,
    column_of,
    column_sql,
    column_type,
    comment_sql,
    default_sql,
)
from engine.dialects.postgres.retype import retype, using_sql
from engine.dialects.postgres.schema import PgColumn, PgTable
from engine.dialects.postgres.sequences import in_step
from engine.dialects.postgres.sql import cast_type, differs, given_back, quote
from engine.dialects.postgres.statements import ddl, question, rows
from engine.dialects.postgres.walk import Key, column_definition, identity, image_definition
from engine.errors import Path, Problem
from engine.model import changes as c
from engine.model.definitions import CheckDef, ColumnDef, ForeignKeyDef, KeyDef
from engine.model.expression import Sql
from engine.model.plan import Check, Guard
from engine.steps.names import derive_name


# ── columns that come ─────────────────────────────────────────────────────
def add_column(alteration: Alteration, wanted: ColumnDef, path: Path) -> None:
    """Add a column; `using` fills the rows that are there.

    Raises:
        Problem: RF103 it is there already; a type or expression that can't be had.
    """
    table = alteration.table
    if table.column(wanted.name):
        raise Problem("RF103", f"`{table.name}` has a column `{wanted.name}` already", path)
    if not wanted.name.strip() or "\0" in wanted.name or len(wanted.name.encode()) > 63:
        raise Problem("SP110", "a column's name must be from 1 to 63 bytes long", path)
    if wanted.after:
        names.own_column(table, wanted.after, (*path, "after"))
        alteration.notes.append(f"{wanted.name} comes last: PostgreSQL has no other place for a new column")
    column = column_of(wanted, alteration.schema, path)
    fill = using_sql(alteration, wanted.using, (*path, "using"), column.type) if wanted.using is not None else ""
    if wanted.generated is not None:
        look(
            alteration.schema,
            f"SELECT ({column.generated}) FROM {quote(table.name)}",
            (*path, "generated"),
            table.name,
            given=True,
        )
        alteration.rewrites = True
        if not wanted.stored:
            alteration.notes.append(f"{wanted.name} is stored: a generated column always is")
    name = quote(column.name)
    first = replace(column, not_null=False) if fill else column
    alteration.alter(f"ADD COLUMN {column_sql(first)}", f"DROP COLUMN {name}")
    if column.comment:
        alteration.do(ddl(comment_sql("COLUMN", f"{quote(table.name)}.{name}", column.comment)))
    if fill:
        alteration.do(*alteration.update(f"UPDATE {quote(table.name)} SET {name} = ({fill})"))
        alteration.moves = True
        if column.not_null:
            alteration.alter(f"ALTER COLUMN {name} SET NOT NULL")
    else:
        _look_for_others(alteration, table, column, wanted)
    if column.identity or (column.not_null and column.default is None and not fill):
        alteration.rewrites = True
    alteration.put(table.with_column(column))
    if wanted.primary_key:
        if table.key is not None:
            raise Problem("RF103", f"`{table.name}` has a primary key already", (*path, "primary_key"))
        set_primary_key(alteration, KeyDef((column.name,)), path)
    if wanted.references is not None:
        add_foreign_key(alteration, ForeignKeyDef((column.name,), wanted.references), path)
    if wanted.check is not None:
        named = CheckDef(derive_name("ck", table.name, (column.name,), 63), wanted.check)
        add_check(alteration, named, (*path, "check"))


def _look_for_others(alteration: Alteration, table: PgTable, column: PgColumn, wanted: ColumnDef) -> None:
    """Note how to find what others wrote into a column that goes again."""
    if alteration.own or column.generated is not None or column.identity or isinstance(wanted.default, Sql):
        return
    given = f"CAST({column.default or 'NULL'} AS {cast_type(column.type)})"
    written = differs(quote(column.name), given, column.type)
    rest = f"FROM {quote(table.name)} WHERE {written}"
    keys = ", ".join(map(quote, table.key.columns)) if table.key else "*"
    alteration.written.append(written)
    alteration.guards.append(
        Guard(
            "changed",
            table.name,
            question(f"SELECT count(*) {rest}", "guard"),
            question(f"SELECT {keys} {rest} LIMIT 5", "guard"),
            f"{{count}} rows of `{table.name}` hold values of others in `{column.name}`, which would go",
            loses=True,
        )
    )


# ── columns that change ───────────────────────────────────────────────────
def change_column(alteration: Alteration, action: c.ChangeColumn, path: Path) -> None:
    """Change what the action names of a column.

    Raises:
        Problem: RF102, RF107, SP110, SP111.
    """
    table = alteration.table
    column = names.own_column(table, action.name, path)
    if action.generated is not None or action.stored is not None or column.generated is not None:
        raise Problem(
            "SP111",
            "a generated column can't be changed, and none can be made of a plain one",
            path,
            hint="drop it and add it anew",
        )
    name = quote(column.name)
    new = column
    if action.type is not None:
        new = replace(new, type=column_type(action.type, alteration.schema, (*path, "type")))
    if action.collate is not None:
        new = replace(new, collate=collation(action.collate, (*path, "collate")))
    if new != column or action.using is not None:
        retype(alteration, column, new, action, path)
        new = alteration.table.column(new.name) or new
    if action.drop_default and new.default is not None:
        alteration.alter(f"ALTER COLUMN {name} DROP DEFAULT", f"ALTER COLUMN {name} SET DEFAULT {new.default}")
        new = replace(new, default=None)
    elif action.default is not None:
        default = default_sql(action.default, new.type, alteration.schema, (*path, "default"))
        default_ = None if default == "NULL" else default
        was = f"SET DEFAULT {new.default}" if new.default is not None else "DROP DEFAULT"
        alteration.alter(f"ALTER COLUMN {name} SET DEFAULT {default}", f"ALTER COLUMN {name} {was}")
        new = replace(new, default=default_)
    if action.nullable is not None and action.nullable == new.not_null:
        _nullable(alteration, new, action.nullable, path)
        new = replace(new, not_null=not action.nullable)
    if action.auto_increment is not None:
        _numbering(alteration, new, action.auto_increment, path)
        new = replace(new, identity="d" if action.auto_increment else "")
    if action.comment is not None:
        whole = f"{quote(table.name)}.{name}"
        alteration.do(ddl(comment_sql("COLUMN", whole, action.comment)))
        alteration.undo(ddl(comment_sql("COLUMN", whole, column.comment)))
        new = replace(new, comment=action.comment)
    alteration.put(alteration.table.with_column(new))


def _nullable(alteration: Alteration, column: PgColumn, nullable: bool, path: Path) -> None:
    name, table = quote(column.name), alteration.table
    if nullable:
        if table.key and names.contains(table.key.columns, column.name):
            raise Problem("SP111", f"`{column.name}` is in the primary key, which holds no NULL", (*path, "nullable"))
        alteration.alter(f"ALTER COLUMN {name} DROP NOT NULL", f"ALTER COLUMN {name} SET NOT NULL")
        return
    rest = f"FROM {quote(table.name)} WHERE {name} IS NULL"
    keys = ", ".join(map(quote, table.key.columns)) if table.key else "*"
    if not alteration.moves:  # else the rows are not yet what they will be
        alteration.checks.append(
            Check(
                f"{table.name}.{column.name} is never NULL",
                question(f"SELECT count(*) {rest}"),
                maximum=0,
                sample=question(f"SELECT {keys} {rest} LIMIT 5", "sample"),
                path=(*path, "nullable"),
                failure=f"{{count}} rows of {table.name} have NULL in {column.name}",
            )
        )
    if alteration.large:
        not_null_by_check(alteration, column.name)
        return
    alteration.alter(f"ALTER COLUMN {name} SET NOT NULL", f"ALTER COLUMN {name} DROP NOT NULL")


def _numbering(alteration: Alteration, column: PgColumn, wanted: bool, path: Path) -> None:
    name = quote(column.name)
    if wanted == column.numbers_itself:
        return
    if not wanted or not column.not_null or column.default is not None:
        words = "only a column that is NOT NULL and has no default can begin to number itself"
        if not wanted:
            words = "a column can't stop to number itself: the way back would lose where it stood"
        raise Problem("SP111", words, (*path, "auto_increment"))
    alteration.alter(f"ALTER COLUMN {name} ADD GENERATED BY DEFAULT AS IDENTITY", f"ALTER COLUMN {name} DROP IDENTITY")
    alteration.do(*in_step(alteration.table, (replace(column, identity="d"),)))


# ── columns that go ───────────────────────────────────────────────────────
def drop_column(alteration: Alteration, name: str, path: Path) -> None:
    """Drop a column; its values go by key to a typed side table.

    Raises:
        Problem: RF102; RF107 something else needs it; SP111 there is no key to know the rows by.
    """
    table = alteration.table
    column = names.own_column(table, name, path)
    refuse_column_users(alteration, column.name, path)
    names.refuse_loss(f"column `{column.name}`", column.extras, path, way_kept=alteration.way_kept)
    if len(table.columns) == 1:
        raise Problem("SP110", f"`{column.name}` is the only column of `{table.name}`", path)
    spelled = quote(column.name)
    back = [ddl(f"ALTER TABLE {quote(table.name)} ADD COLUMN {column_sql(replace(column, not_null=False))}")]
    if alteration.way_kept and column.generated is None:
        if column.numbers_itself:
            raise Problem(
                "SP111",
                f"`{column.name}` numbers itself, and the way back would lose where it stood",
                path,
                hint="say `irreversible: <reason>` on the step, if it may be lost",
            )
        key = identity(table, alteration.schema)
        if key is None:
            raise Problem(
                "SP111",
                f"what `{column.name}` held can't be kept: `{table.name}` has no key",
                path,
                hint="give it a primary key first, or say `irreversible: <reason>`",
            )
        journal = f"engine_undo_{alteration.number()}"
        alteration.keeps.append(journal)
        alteration.guards += _gone(alteration, journal, key)
        parts = [*(column_definition(f"key_{k.name}", k) for k in key.columns), image_definition("old", column)]
        keys = ", ".join(quote(f"key_{n}") for n in key.names)
        live = ", ".join(quote(n) for n in key.names)
        fallback = column.default if column.default is not None and column.default.startswith(("'", "-")) else ""
        differ = differs(spelled, fallback, column.type) if fallback else f"{spelled} IS NOT NULL"
        if column.default is not None and not fallback:
            differ = "TRUE"  # rows of others get the default, so every old value has to be known
        old = given_back('j."old"', column.type)
        alteration.do(
            ddl(f"CREATE TABLE {quote(journal)} ({', '.join(parts)}, PRIMARY KEY ({keys}))", "journal"),
            rows(
                f'INSERT INTO {quote(journal)} ({keys}, "old") SELECT {live}, {spelled}'
                f" FROM {quote(table.name)} WHERE {differ}",
                "journal",
            ),
        )
        ties = " AND ".join(f"t.{quote(n)} = j.{quote(f'key_{n}')}" for n in key.names)
        back += alteration.update(
            f"UPDATE {quote(table.name)} AS t SET {spelled} = {old} FROM {quote(journal)} AS j WHERE {ties}"
        )
    if column.not_null:
        back.append(ddl(f"ALTER TABLE {quote(table.name)} ALTER COLUMN {spelled} SET NOT NULL"))
    if column.comment:
        back.append(ddl(comment_sql("COLUMN", f"{quote(table.name)}.{spelled}", column.comment)))
    alteration.alter(f"DROP COLUMN {spelled}")
    alteration.undo(*back)
    alteration.notes.append(f"{column.name} comes back as the last column")
    alteration.put(replace(table, columns=tuple(k for k in table.columns if k.name != column.name)))


def _gone(alteration: Alteration, journal: str, key: Key) -> list[Guard]:
    ties = " AND ".join(f"t.{quote(n)} = j.{quote(f'key_{n}')}" for n in key.names)
    keys = ", ".join(f"j.{quote(f'key_{n}')}" for n in key.names)
    rest = f"FROM {quote(journal)} AS j WHERE NOT EXISTS (SELECT 1 FROM {quote(alteration.name)} AS t WHERE {ties})"
    return [
        Guard(
            "deleted",
            alteration.name,
            question(f"SELECT count(*) {rest}", "guard"),
            question(f"SELECT {keys} {rest} LIMIT 5", "guard"),
            f"{{count}} rows of `{alteration.name}` were deleted since: their old values have no place",
        )
    ]
