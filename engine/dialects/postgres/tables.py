"""CREATE, DROP and RENAME TABLE."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.dialects.base import StepContext
from engine.dialects.postgres import definition, names
from engine.dialects.postgres.access import look
from engine.dialects.postgres.expression import names_of
from engine.dialects.postgres.forced import keep_forced
from engine.dialects.postgres.schema import PgColumn, PgConstraint, PgSchema, PgTable
from engine.dialects.postgres.sql import DIALECT, columns_sql, literal_sql, quote
from engine.dialects.postgres.statements import ddl, here, question, rows, taken_guard
from engine.dialects.postgres.translate import expression_sql
from engine.errors import Path, Problem
from engine.model.changes import CreateTable, DropTable, RenameTable
from engine.model.definitions import CheckDef, ForeignKeyDef, KeyDef, TableDef
from engine.model.expression import Sql
from engine.model.plan import Check, Guard, Statement, Unit
from engine.model.state import fold, same_name
from engine.steps.names import derive_name

if TYPE_CHECKING:
    from engine.dialects.postgres.dialect import PostgresSession

_PATH: Path = ("create",)
ASIDE = "engine_aside"
MAKE_ASIDE = f"CREATE SCHEMA IF NOT EXISTS {ASIDE}"


def create_table(session: PostgresSession, change: CreateTable, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that makes a table.

    Raises:
        Problem: RF101–RF104, RF113, SP110, SP111 below `create`.
    """
    wanted = change.table
    if change.if_not_exists and session.schema.table(wanted.name):
        if fold(wanted.name) not in context.made_here:
            session.found.add(fold(wanted.name))
        title = f"table {wanted.name} is there already"
        return (Unit(context.step, context.step, title, "=", touches=(wanted.name,)),)
    names.free(session.schema, wanted.name, (*_PATH, "table"))
    session.found.discard(fold(wanted.name))
    table = _fold(session.schema, wanted)
    lines = [definition.column_sql(c) for c in table.columns]
    lines += [definition.constraint_sql(c) for c in table.constraints]
    name = quote(table.name)
    statements = [ddl(f"CREATE TABLE {name} ({', '.join(lines)})")]
    if table.comment:
        statements.append(ddl(definition.comment_sql("TABLE", name, table.comment)))
    for column in table.columns:
        if column.comment:
            statements.append(ddl(definition.comment_sql("COLUMN", f"{name}.{quote(column.name)}", column.comment)))
    session.schema = session.schema.put(table)
    why = "generated columns are stored" if any(c.generated and not c.stored for c in wanted.columns) else ""
    if wanted.scratch:
        session.scratch.append(table.name)
        why = "a helper: dropped when the migration ends or is undone"
        gone = ddl(f"DROP TABLE IF EXISTS {name}")
        back = Unit(
            f"{context.step}.undo",
            context.step,
            f"drop scratch table {table.name}",
            "-",
            before=(gone,),
            touches=(table.name,),
        )
    else:
        back = _drop_again(table, context.step, session.forced_name())
    unit = Unit(
        context.step,
        context.step,
        f"create {'scratch ' if wanted.scratch else ''}table {table.name}",
        "+",
        why=why,
        before=tuple(statements),
        undo=(back,),
        touches=(table.name,),
        rows=0,
    )
    return (unit,)


def _fold(schema: PgSchema, wanted: TableDef) -> PgTable:
    if not wanted.columns:
        raise Problem("SP110", "a table needs a column", (*_PATH, "columns"))
    for dialect, options in wanted.options:
        if dialect == DIALECT and options:
            raise Problem("SP111", "options of tables are not handled for PostgreSQL yet", (*_PATH, "options"))
    columns: list[PgColumn] = []
    for column in wanted.columns:
        path = (*_PATH, "columns", column.name)
        if names.contains((c.name for c in columns), column.name):
            raise Problem("RF103", f"the column `{column.name}` is there twice", path)
        if not column.name.strip() or "\0" in column.name or len(column.name.encode()) > 63:
            raise Problem("SP110", "a column's name must be from 1 to 63 bytes long", path)
        columns.append(definition.column_of(column, schema, path))
    keys = [c.name for c in wanted.columns if c.primary_key]
    key = wanted.primary_key or (KeyDef(tuple(keys)) if keys else None)
    if key is not None:
        columns = [replace(c, not_null=True) if names.contains(key.columns, c.name) else c for c in columns]
    table = PgTable(wanted.name, tuple(columns), (), wanted.comment)
    known = schema.put(table)
    found: list[PgConstraint] = []
    if key is not None:
        found.append(definition.primary(table, key, (*_PATH, "primary_key")))
    listed = {k.columns for k in wanted.uniques}
    uniques = [*wanted.uniques, *(KeyDef((c.name,)) for c in wanted.columns if c.unique and (c.name,) not in listed)]
    found += [definition.unique(table, k, (*_PATH, "unique", n)) for n, k in enumerate(uniques)]
    table = replace(table, constraints=tuple(found))
    for column in wanted.columns:
        path = (*_PATH, "columns", column.name)
        if column.references is not None:
            foreign = ForeignKeyDef((column.name,), column.references)
            found.append(definition.foreign(schema, table, foreign, path))
        if column.check is not None:
            named = CheckDef(derive_name("ck", table.name, (column.name,), 63), column.check)
            found.append(definition.check(table, named, expression(known, table, column.check, (*path, "check"))))
        if column.generated is not None:
            expression(known, table, column.generated, (*path, "generated"))
    for place, foreign in enumerate(wanted.foreign_keys):
        found.append(definition.foreign(schema, table, foreign, (*_PATH, "foreign_keys", place)))
    for check in wanted.checks:
        sql = expression(known, table, check.sql, (*_PATH, "checks", check.name))
        found.append(definition.check(table, check, sql))
    for place, one in enumerate(wanted.exclude):
        found.append(definition.exclude(table, one, (*_PATH, "exclude", place)))
    for constraint in found:
        if constraint.kind in "pux":
            names.free(schema, constraint.name, _PATH)
    double = next((c.name for n, c in enumerate(found) if names.contains((d.name for d in found[:n]), c.name)), "")
    if double:
        raise Problem("RF103", f"the constraint `{double}` is there twice", _PATH)
    return replace(table, constraints=tuple(found))


def expression(schema: PgSchema, table: PgTable, sql: Sql, path: Path) -> str:
    """Return an expression over one row of `table`, its names seen to exist.

    Raises:
        Problem: SP110, SP111, RF102 at `path`.
    """
    text = expression_sql(sql, names_of(schema), path)
    look(
        schema,
        f"SELECT ({text}) FROM {quote(table.name)}",
        path,
        table.name,
        given=sql.given_for(DIALECT) is not None,
    )
    return text


def _drop_again(table: PgTable, step: str, forced: str) -> Unit:
    """Return the unit that drops a table that the migration made; rows of others in it stop it, or go to `forced`."""
    name, text = quote(table.name), literal_sql(table.name)
    keys = columns_sql(table.key.columns) if table.key else "*"
    children = (
        "FROM pg_catalog.pg_constraint AS r WHERE r.contype = 'f' AND r.conrelid <> r.confrelid"
        f" AND r.confrelid = (SELECT c.oid {here('rp', table.name)})"
    )
    others = (
        f"SELECT greatest(0, count(*) - (SELECT CAST(coalesce(sum(rows_added), 0) AS bigint)"
        f" FROM engine_step WHERE version = :version AND table_name = {text}"
        f" AND direction = 'apply')) FROM {name}"
    )
    return Unit(
        f"{step}.undo",
        step,
        f"drop table {table.name}",
        "-",
        before=(*keep_forced(forced, table.name, f"({others}) > 0"), ddl(f"DROP TABLE {name}")),
        forced=(forced,),
        guards=(
            Guard(
                "added",
                table.name,
                question(others, "guard"),
                question(f"SELECT {keys} FROM {name} ORDER BY 1 DESC LIMIT 5", "guard"),
                f"{{count}} rows of `{table.name}` are not this migration's, and would go with the table",
                loses=True,
            ),
        ),
        # A check and not a guard: it has to be asked when later tables of this migration are gone again.
        checks=(
            Check(
                f"{table.name}: no other table refers to it",
                question(f"SELECT count(*) {children}"),
                maximum=0,
                sample=question(f"SELECT r.conrelid::pg_catalog.regclass::text, r.conname {children} LIMIT 5"),
                failure=f"{{count}} foreign keys of other tables refer to `{table.name}`, which would go: "
                "drop those tables first",
            ),
        ),
        touches=(table.name,),
    )


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


# ── DROP ──────────────────────────────────────────────────────────────────
def drop_table(session: PostgresSession, change: DropTable, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that puts a table aside in the schema `engine_aside`, or really drops it.

    Put aside it keeps rows, indexes and counters; its foreign keys are taken off, so that it holds nobody up.

    Raises:
        Problem: RF101 there is none; RF107 something needs it.
    """
    path: Path = ("drop", "table")
    schema = session.schema
    if change.if_exists and schema.table(change.name) is None and schema.view(change.name) is None:
        return (Unit(context.step, context.step, f"there is no table {change.name} to drop", "="),)
    table = names.own_table(schema, change.name, path)
    refuse_dependents(schema, table, path)
    scratch = names.contains(session.scratch, table.name)
    session.schema = schema.without(table.name)
    name = quote(table.name)
    if not change.keep or context.irreversible or scratch:
        session.scratch = [n for n in session.scratch if not same_name(n, table.name)]
        return (
            Unit(
                context.step,
                context.step,
                f"drop table {table.name} for good",
                "-",
                why="its rows are not kept",
                before=(ddl(f"DROP TABLE {name}"),),
                reversible="no",
                reason=context.irreversible or "the table is dropped with its rows",
                touches=(table.name,),
                rows=0,
            ),
        )
    aside = f"engine_aside_{session.undo_number()}"
    foreign = [c for c in table.constraints if c.kind == "f"]
    forward = [ddl(MAKE_ASIDE)]
    forward += [ddl(f"ALTER TABLE {name} DROP CONSTRAINT {quote(c.name)}") for c in foreign]
    forward += [
        ddl(f"ALTER TABLE {name} RENAME TO {quote(aside)}"),
        ddl(f"ALTER TABLE {quote(aside)} SET SCHEMA {ASIDE}"),
    ]
    back = [
        ddl(f"ALTER TABLE {ASIDE}.{quote(aside)} SET SCHEMA {quote(schema.name)}"),
        ddl(f"ALTER TABLE {quote(aside)} RENAME TO {name}"),
    ]
    back += [ddl(f"ALTER TABLE {name} ADD {definition.constraint_sql(c)}") for c in foreign]
    indexes = schema.indexes_of(table.name)
    return (
        Unit(
            context.step,
            context.step,
            f"drop table {table.name}",
            "-",
            why=f"put aside as {ASIDE}.{aside} with its rows and indexes, for the way back",
            before=tuple(forward),
            undo=(
                Unit(
                    f"{context.step}.undo",
                    context.step,
                    f"bring table {table.name} back from {ASIDE}.{aside}",
                    "+",
                    before=tuple(back),
                    guards=(taken_guard(table.name), *(taken_guard(i.name) for i in indexes)),
                    touches=(table.name,),
                    rows=0,
                ),
            ),
            reversible="journal",
            touches=(table.name,),
            keeps=(aside,),
            rows=0,
        ),
    )


def refuse_dependents(schema: PgSchema, table: PgTable, path: Path) -> None:
    """Stop where something would break without `table`.

    Raises:
        Problem: RF107 names what.
    """
    needing = [f"the foreign key `{c.name}` of `{t.name}`" for t, c in schema.referring_to(table.name)]
    needing += [f"the view `{v.name}`" for v in schema.views_of(table.name)]
    needing += dict.fromkeys(f"the {u.words}" for u in table.uses if not u.own)
    if needing:
        raise Problem(
            "RF107",
            f"{', '.join(needing)} need{'s' if len(needing) == 1 else ''} `{table.name}`",
            path,
            hint="drop that before this step",
            subject=table.name,
        )


# ── RENAME ────────────────────────────────────────────────────────────────
def rename_table(session: PostgresSession, change: RenameTable, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that renames a table; foreign keys and views follow by themselves.

    Raises:
        Problem: RF101, RF103; RF107 a trigger's function names it.
    """
    schema = session.schema
    table = names.own_table(schema, change.name, ("rename", "table"))
    if not same_name(table.name, change.to):
        names.free(schema, change.to, ("rename", "to"))
    old, new = table.name, change.to
    schema = schema.put(replace(table, name=new), old)
    schema = replace(
        schema,
        tables=tuple(
            replace(t, constraints=tuple(_followed(c, old, new) for c in t.constraints)) for t in schema.tables
        ),
        indexes=tuple(replace(i, table=new, stale=True) if same_name(i.table, old) else i for i in schema.indexes),
        triggers=tuple(replace(t, table=new, stale=True) if same_name(t.table, old) else t for t in schema.triggers),
        views=tuple(
            replace(v, stale=True, reads=tuple(new if same_name(r, old) else r for r in v.reads))
            if names.contains(v.reads, old)
            else v
            for v in schema.views
        ),
    )
    session.schema = schema
    session.scratch = [new if same_name(n, old) else n for n in session.scratch]
    unit = _renamed(
        context,
        "table",
        old,
        new,
        f"ALTER TABLE {quote(old)} RENAME TO {quote(new)}",
        f"ALTER TABLE {quote(new)} RENAME TO {quote(old)}",
        new,
    )
    if fold(old) in context.made_here:
        # Rows written under one name count for the other, when the table that the migration made goes again.
        ledger = rows(
            f"UPDATE engine_step SET table_name = {literal_sql(old)}"
            f" WHERE version = :version AND table_name = {literal_sql(new)}",
            "ledger",
        )
        unit = replace(unit, undo=tuple(replace(back, before=(*back.before, ledger)) for back in unit.undo))
    return (unit,)


def _followed(constraint: PgConstraint, old: str, new: str) -> PgConstraint:
    if constraint.kind != "f" or not same_name(constraint.to_table, old):
        return constraint
    from engine.dialects.postgres.tokens import renamed

    head, middle, tail = constraint.sql.partition(" REFERENCES ")
    name, bracket, rest = tail.partition("(")
    return replace(constraint, to_table=new, sql=head + middle + renamed(name, old, new) + bracket + rest)


def _renamed(context: StepContext, kind: str, old: str, new: str, forward: str, back: str, touched: str) -> Unit:
    statement: Statement = ddl(forward)
    return Unit(
        context.step,
        context.step,
        f"rename {kind} {old} to {new}",
        "~",
        before=(statement,),
        undo=(
            Unit(
                f"{context.step}.undo",
                context.step,
                f"rename {kind} {new} to {old}",
                "~",
                before=(ddl(back),),
                guards=(taken_guard(old),) if not same_name(old, new) else (),
                touches=(old, touched),
            ),
        ),
        touches=(old, touched),
        rows=0,
    )


renamed_unit = _renamed
