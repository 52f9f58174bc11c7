"""CREATE, DROP and RENAME TABLE."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.dialects.base import StepContext
from engine.dialects.mysql import definition, names
from engine.dialects.mysql.access import look
from engine.dialects.mysql.again import mentions
from engine.dialects.mysql.expression import names_of
from engine.dialects.mysql.others import table_goes
from engine.dialects.mysql.schema import MyColumn, MyConstraint, MyIndex, MySchema, MyTable
from engine.dialects.mysql.sql import BINARY, DIALECT, literal_sql, quote
from engine.dialects.mysql.stages import ddl_unit, rename_unit
from engine.dialects.mysql.statements import probed, question, rows, table_gone, table_there, taken_guard
from engine.dialects.mysql.translate import expression_sql
from engine.dialects.mysql.triggers import drop_all, on_table, refuse_naming
from engine.errors import Path, Problem
from engine.model.changes import CreateTable, DropTable, RenameTable
from engine.model.definitions import ForeignKeyDef, KeyDef, TableDef
from engine.model.expression import Sql
from engine.model.plan import Check, Unit
from engine.model.state import fold, same_name
from engine.steps.names import derive_name

if TYPE_CHECKING:
    from engine.dialects.mysql.dialect import MySession

_PATH: Path = ("create",)


def create_table(session: MySession, change: CreateTable, context: StepContext) -> tuple[Unit, ...]:
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
    if wanted.scratch:
        raise Problem("SP111", "scratch tables are not there for MariaDB yet", (*_PATH, "scratch"))
    names.free(session.schema, wanted.name, (*_PATH, "table"))
    session.found.discard(fold(wanted.name))
    table, indexes = _fold(session.schema, wanted)
    lines = [definition.column_sql(c) for c in table.columns]
    lines += [definition.constraint_sql(c) for c in table.constraints if c.kind == "p"]
    lines += [definition.index_sql(i) for i in indexes]
    lines += [definition.constraint_sql(c) for c in table.constraints if c.kind != "p"]
    comment = f" COMMENT={literal_sql(table.comment)}" if table.comment else ""
    end = f"ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE={BINARY}{comment}"
    session.schema = session.schema.put(table)
    for index in indexes:
        session.schema = session.schema.with_index(index)
    name = quote(table.name)
    unit = ddl_unit(
        context.step,
        f"create table {table.name}",
        f"drop table {table.name}",
        (probed(f"CREATE TABLE {name} ({', '.join(lines)}) {end}", table_there(table.name)),),
        (probed(f"DROP TABLE {name}", table_gone(table.name)),),
        table.name,
        why="committed by itself",
    )
    return (replace(unit, undo=_guarded(unit.undo[0], table, session.forced_name())),)


def _fold(schema: MySchema, wanted: TableDef) -> tuple[MyTable, tuple[MyIndex, ...]]:
    if not wanted.columns:
        raise Problem("SP110", "a table needs a column", (*_PATH, "columns"))
    for dialect, options in wanted.options:
        if dialect in (DIALECT, "mysql") and options:
            raise Problem("SP111", "options of tables are not handled for MariaDB yet", (*_PATH, "options"))
    if wanted.exclude:
        raise Problem("SP111", "MariaDB has no exclusion constraints", (*_PATH, "exclude"))
    columns: list[MyColumn] = []
    for column in wanted.columns:
        path = (*_PATH, "columns", column.name)
        if names.contains((c.name for c in columns), column.name):
            raise Problem("RF103", f"the column `{column.name}` is there twice", path)
        if not column.name.strip() or column.name != column.name.rstrip() or len(column.name) > 64:
            words = "a column's name must be from 1 to 64 characters long and not end in a space"
            raise Problem("SP110", words, path)
        columns.append(definition.column_of(column, schema, path))
    keys = [c.name for c in wanted.columns if c.primary_key]
    key = wanted.primary_key or (KeyDef(tuple(keys)) if keys else None)
    if key is not None:
        columns = [replace(c, not_null=True) if names.contains(key.columns, c.name) else c for c in columns]
    table = MyTable(wanted.name, tuple(columns), (), wanted.comment)
    known = schema.put(table)
    found: list[MyConstraint] = []
    if key is not None:
        found.append(definition.primary(table, key, (*_PATH, "primary_key")))
        table = replace(table, constraints=tuple(found))
    listed = {k.columns for k in wanted.uniques}
    uniques = [*wanted.uniques, *(KeyDef((c.name,)) for c in wanted.columns if c.unique and (c.name,) not in listed)]
    indexes = [definition.unique(table, k, (*_PATH, "unique", n)) for n, k in enumerate(uniques)]
    counter = next((c.name for c in table.columns if c.auto), "")
    firsts = [i.columns[0] for i in indexes] + ([table.key.columns[0]] if table.key else [])
    if counter and counter not in firsts:
        words = f"`{counter}` numbers itself, and so it must be the first column of a key on MariaDB"
        raise Problem("SP111", words, (*_PATH, "columns", counter, "auto_increment"), hint="make it the primary key")
    foreign: list[tuple[ForeignKeyDef, Path]] = []
    for column in wanted.columns:
        path = (*_PATH, "columns", column.name)
        if column.references is not None:
            foreign.append((ForeignKeyDef((column.name,), column.references), path))
        if column.check is not None:
            text = expression(known, table, column.check, (*path, "check"))
            name = derive_name("ck", table.name, (column.name,), 64)
            found.append(MyConstraint(name, "c", (), f"CHECK ({text})"))
        if column.generated is not None:
            expression(known, table, column.generated, (*path, "generated"))
    foreign += [(one, (*_PATH, "foreign_keys", place)) for place, one in enumerate(wanted.foreign_keys)]
    for one, path in foreign:
        made = definition.foreign(schema, table, one, path)
        found.append(made)
        needed = definition.index_for(made, table, tuple(indexes))
        indexes += [needed] if needed else []
    for check in wanted.checks:
        text = expression(known, table, check.sql, (*_PATH, "checks", check.name))
        found.append(MyConstraint(check.name, "c", (), f"CHECK ({text})"))
    every = [*(c.name for c in found if c.kind != "f"), *(i.name for i in indexes)]
    double = next((name for n, name in enumerate(every) if names.contains(every[:n], name)), "")
    if double:
        raise Problem("RF103", f"the constraint `{double}` is there twice", _PATH)
    return replace(table, constraints=tuple(found)), tuple(indexes)


def expression(schema: MySchema, table: MyTable, sql: Sql, path: Path) -> str:
    """Return an expression over one row of `table`, its names seen to exist.

    Raises:
        Problem: SP110, SP111, RF102 at `path`.
    """
    text = expression_sql(sql, names_of(schema), path)
    given = sql.given_for(DIALECT) is not None
    look(schema, f"SELECT ({text}) FROM {quote(table.name)}", path, table.name, given=given)
    return text


def _guarded(back: Unit, table: MyTable, forced: str) -> tuple[Unit, ...]:
    """Return the unit that drops a table which the migration made; rows of others in it stop it."""
    text = literal_sql(table.name)
    children = (
        "FROM information_schema.referential_constraints WHERE constraint_schema = database()"
        f" AND referenced_table_name = {text} AND table_name <> {text}"
    )
    check = Check(
        f"{table.name}: no other table refers to it",
        question(f"SELECT count(*) {children}"),
        maximum=0,
        sample=question(f"SELECT table_name, constraint_name {children} LIMIT 5"),
        failure=f"{{count}} foreign keys of other tables refer to `{table.name}`, which would go: "
        "drop those tables first",
    )
    return table_goes(replace(back, checks=(check,)), table, forced)


# ── DROP ──────────────────────────────────────────────────────────────────
def drop_table(session: MySession, change: DropTable, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that puts a table aside by rename, or really drops it.

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
    refuse_naming(schema.without(table.name), table, path)
    name = quote(table.name)
    if not change.keep or context.irreversible:
        session.schema = schema.without(table.name)
        return (
            Unit(
                context.step,
                context.step,
                f"drop table {table.name} for good",
                "-",
                why="its rows are not kept",
                outside=(probed(f"DROP TABLE {name}", table_gone(table.name)),),
                reversible="no",
                reason=context.irreversible or "the table is dropped with its rows",
                touches=(table.name,),
                rows=0,
            ),
        )
    # A trigger would go with the table where it is put, and its name be taken.
    before = drop_all(session, schema.triggers_of(table.name), context, path, "trigger")
    aside = f"engine_aside_{session.undo_number()}"
    foreign = [c for c in table.constraints if c.kind == "f"]
    off = "".join(f"DROP FOREIGN KEY {quote(c.name)}, " for c in foreign)
    on = "".join(f"ADD {definition.constraint_sql(c)}, " for c in foreign)
    unit = ddl_unit(
        context.step,
        f"drop table {table.name}",
        f"bring table {table.name} back from {aside}",
        (probed(f"ALTER TABLE {name} {off}RENAME TO {quote(aside)}", table_there(aside)),),
        (probed(f"ALTER TABLE {quote(aside)} {on}RENAME TO {name}", table_gone(aside)),),
        table.name,
        "-",
        why=f"put aside as {aside} with its rows and indexes, for the way back",
    )
    back = replace(unit.undo[0], symbol="+", guards=(taken_guard(table.name),), rows=0)
    session.schema = session.schema.without(table.name)
    return (*before, replace(unit, undo=(back,), reversible="journal", keeps=(aside,)))


def refuse_dependents(schema: MySchema, table: MyTable, path: Path) -> None:
    """Stop where something would break without `table`, or under another name of it.

    Raises:
        Problem: RF107 names what.
    """
    needing = [f"the foreign key `{c.name}` of `{t.name}`" for t, c in schema.referring_to(table.name)]
    refuse_views(schema, table, path, needing)


def refuse_views(
    schema: MySchema, table: MyTable, path: Path, needing: list[str] | None = None, column: str = ""
) -> None:
    """Stop where a view reads `table` (and `column` of it): it would break, and nobody would be told.

    Raises:
        Problem: RF107 names it.
    """
    views = [v for v in schema.views if names.contains(v.reads, table.name)]
    views = [v for v in views if not column or not v.sql or "*" in v.sql or mentions(v.sql, column)]
    needing = [*(needing or []), *(f"the view `{v.name}`" for v in views)]
    if needing:
        what = f"{table.name}.{column}" if column else table.name
        words = f"{', '.join(needing)} need{'s' if len(needing) == 1 else ''} `{what}`"
        raise Problem("RF107", words, path, hint="drop that before this step", subject=what)


# ── RENAME ────────────────────────────────────────────────────────────────
def rename_table(session: MySession, change: RenameTable, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that renames a table; foreign keys follow by themselves.

    Raises:
        Problem: RF101, RF103; RF107 a view names it, or the body of a trigger.
    """
    schema = session.schema
    table = names.own_table(schema, change.name, ("rename", "table"))
    if not same_name(table.name, change.to):
        names.free(schema, change.to, ("rename", "to"))
    refuse_views(schema, table, ("rename", "table"))
    refuse_naming(schema, table, ("rename", "table"))
    old, new = table.name, change.to

    def followed(constraint: MyConstraint) -> MyConstraint:
        if constraint.kind != "f" or not same_name(constraint.to_table, old):
            return constraint
        sql = constraint.sql.replace(f" REFERENCES {quote(constraint.to_table)} (", f" REFERENCES {quote(new)} (", 1)
        return replace(constraint, to_table=new, sql=sql)

    schema = schema.put(replace(table, name=new), old)
    session.schema = replace(
        schema,
        tables=tuple(replace(t, constraints=tuple(map(followed, t.constraints))) for t in schema.tables),
        indexes=tuple(replace(i, table=new) if same_name(i.table, old) else i for i in schema.indexes),
        triggers=tuple(on_table(t, new) if same_name(t.table, old) else t for t in schema.triggers),
    )
    unit = rename_unit(context.step, "table", old, new)
    if fold(old) in context.made_here:
        # Rows written under one name count for the other, when the table that the migration made goes again.
        ledger = rows(
            f"UPDATE engine_step SET table_name = {literal_sql(old)}"
            f" WHERE version = :version AND table_name = {literal_sql(new)}",
            "ledger",
        )
        unit = replace(unit, undo=(replace(unit.undo[0], before=(ledger,)),))
    return (unit,)
