"""ALTER TABLE: each action in place, with what takes it back."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.dialects.base import StepContext
from engine.dialects.postgres import names
from engine.dialects.postgres.alteration import Alteration, spells_text
from engine.dialects.postgres.column_change import add_column, change_column, drop_column
from engine.dialects.postgres.constraint_change import (
    add_check,
    add_exclude,
    add_foreign_key,
    add_unique,
    drop_constraint,
    rename_constraint,
    set_primary_key,
    validate_constraint,
)
from engine.dialects.postgres.definition import comment_sql
from engine.dialects.postgres.expression import limited
from engine.dialects.postgres.forced import keep_forced
from engine.dialects.postgres.sql import DIALECT, quote
from engine.dialects.postgres.statements import ddl
from engine.dialects.postgres.tokens import renamed
from engine.dialects.shared.frames import LIMIT
from engine.dialects.shared.words import summary
from engine.errors import Path, Problem
from engine.model import changes as c
from engine.model.plan import Unit
from engine.model.state import fold, same_name

if TYPE_CHECKING:
    from engine.dialects.postgres.dialect import PostgresSession


def alter_table(session: PostgresSession, change: c.AlterTable, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that does all actions of one `alter`, and units that validate what it added.

    Raises:
        Problem: RF101–RF104, RF107, RF111, SP110, SP111; paths begin below the verb.
    """
    table = names.own_table(session.schema, change.table, ("table",))
    way_kept = not (context.irreversible or names.contains(session.scratch, table.name))
    rows = context.rows(limited(quote(table.name), "TRUE"))
    large = rows is not None and rows >= LIMIT and not context.together and not table.features
    # A key that a foreign key of the same step refers to has to be there at once.
    large = large and not any(isinstance(a, c.AddForeignKey) and _to(a, table.name) for a in change.actions)
    own = fold(table.name) in context.made_here
    alteration = Alteration(session.schema, table.name, way_kept, session.undo_number, large, own)
    counted: Counter[type] = Counter()
    for action in change.actions:
        place = counted[type(action)]
        counted[type(action)] += 1
        _take(alteration, action, place)
    session.schema = alteration.schema
    back: tuple[Unit, ...] = ()
    if way_kept:
        forced = (session.forced_name(),) if alteration.written else ()
        others = " OR ".join(alteration.written)
        back = (
            Unit(
                f"{context.step}.undo",
                context.step,
                f"undo: alter table {table.name}",
                "~",
                before=(*(s for into in forced for s in keep_forced(into, table.name, others)), *alteration.back),
                forced=forced,
                guards=tuple(alteration.guards),
                touches=(table.name,),
            ),
        )
    why = ["in place, the table is written anew" if alteration.rewrites else "in place"]
    if alteration.keeps:
        why.append(f"what it held is kept in {', '.join(alteration.keeps)}, for the way back")
    unit = Unit(
        context.step,
        context.step,
        f"alter table {table.name}: {summary(change.actions)}",
        "~",
        why="; ".join([*why, *dict.fromkeys(alteration.notes)]),
        checks=tuple(alteration.checks),
        before=tuple(alteration.forward),
        undo=back,
        reversible="journal" if alteration.keeps else "derived",
        rows=rows if alteration.rewrites or alteration.keeps or alteration.moves else 0,
        touches=(table.name,),
        keeps=tuple(alteration.keeps),
    )
    validations = (
        Unit(
            f"{context.step}.{number}",
            context.step,
            later.title,
            later.symbol,
            why=later.why,
            before=later.statements,
            outside=later.outside,
            touches=(table.name,),
            rows=rows if later.symbol == "?" or later.outside else 0,
        )
        for number, later in enumerate(alteration.later, 2)
    )
    return (unit, *validations)


def _to(action: c.AddForeignKey, table: str) -> bool:
    return same_name(action.foreign_key.references.table, table)


def _take(alteration: Alteration, action: c.Action, place: int) -> None:
    match action:
        case c.RenameColumn():
            _rename(alteration, action, ("rename", action.name))
        case c.AddColumn(column=column):
            add_column(alteration, column, ("add", column.name))
        case c.ChangeColumn():
            change_column(alteration, action, ("change", action.name))
        case c.DropColumn(name=name):
            drop_column(alteration, name, ("drop", place))
        case c.AddUnique(key=key):
            add_unique(alteration, key, ("add_unique", place))
        case c.AddCheck(check=check):
            add_check(alteration, check, ("add_checks", check.name))
        case c.AddForeignKey(foreign_key=foreign_key):
            add_foreign_key(alteration, foreign_key, ("add_foreign_keys", place))
        case c.AddExclude(exclude=exclude):
            add_exclude(alteration, exclude, ("add_exclude", place))
        case c.DropConstraint():
            drop_constraint(alteration, action, ("drop_constraints", place))
        case c.RenameConstraint():
            rename_constraint(alteration, action)
        case c.ValidateConstraint(name=name):
            validate_constraint(alteration, name, ("validate_constraints", place))
        case c.SetPrimaryKey(key=key):
            set_primary_key(alteration, key, ("primary_key",))
        case c.SetComment(comment=comment):
            table, name = alteration.table, quote(alteration.name)
            alteration.do(ddl(comment_sql("TABLE", name, comment)))
            alteration.undo(ddl(comment_sql("TABLE", name, table.comment)))
            alteration.put(replace(table, comment=comment or ""))
        case c.SetOptions(options=options):
            if any(dialect == DIALECT and given for dialect, given in options):
                raise Problem("SP111", "options of tables are not handled for PostgreSQL yet", ("options",))


def _rename(alteration: Alteration, action: c.RenameColumn, path: Path) -> None:
    table = alteration.table
    column = names.own_column(table, action.name, path)
    old, new = column.name, action.to
    if not new.strip() or "\0" in new or len(new.encode()) > 63:
        raise Problem("SP110", "a column's name must be from 1 to 63 bytes long", path)
    if table.column(new) and not same_name(new, old):
        raise Problem("RF103", f"`{table.name}` has a column `{new}` already", path, subject=f"{table.name}.{new}")
    schema = alteration.schema
    users = [t.name for t in schema.triggers_of(table.name) if spells_text(t, old)]
    if users:
        raise Problem(
            "RF107",
            f"the function of trigger {names.listed(users)} names `{old}`, and PostgreSQL does not rename in it",
            path,
            hint="drop the trigger before this step and create it again after it",
            subject=f"{table.name}.{old}",
        )
    alteration.alter(f"RENAME COLUMN {quote(old)} TO {quote(new)}", f"RENAME COLUMN {quote(new)} TO {quote(old)}")

    def follow(columns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(new if n == old else n for n in columns)

    constraints = tuple(
        replace(
            k,
            columns=follow(k.columns),
            sql=_renamed_in(k.sql, old, new)
            if k.kind != "f" or same_name(k.to_table, table.name)
            else k.sql.replace(
                k.sql.partition(" REFERENCES ")[0], renamed(k.sql.partition(" REFERENCES ")[0], old, new), 1
            ),
            to_columns=follow(k.to_columns) if same_name(k.to_table, table.name) else k.to_columns,
        )
        for k in table.constraints
    )
    columns = tuple(
        replace(
            one,
            name=new if one.name == old else one.name,
            generated=renamed(one.generated, old, new) if one.generated is not None else None,
        )
        for one in table.columns
    )
    uses = tuple(replace(u, column=new if u.column == old else u.column) for u in table.uses)
    alteration.put(replace(table, columns=columns, constraints=constraints, uses=uses))
    schema = alteration.schema
    for other, key in schema.referring_to(table.name):
        head, middle, tail = key.sql.partition(" REFERENCES ")
        name, bracket, rest = tail.partition("(")
        moved = replace(
            key, to_columns=follow(key.to_columns), sql=head + middle + name + bracket + renamed(rest, old, new)
        )
        fresh = schema.table(other.name)
        assert fresh is not None
        kept = tuple(moved if k.name == key.name else k for k in fresh.constraints)
        schema = schema.put(replace(fresh, constraints=kept))
    alteration.schema = replace(
        schema,
        indexes=tuple(
            replace(
                i, columns=follow(i.columns), sql=_renamed_in(i.sql, old, new), where=_renamed_in(i.where, old, new)
            )
            if same_name(i.table, table.name)
            else i
            for i in schema.indexes
        ),
        views=tuple(replace(v, stale=True) if names.contains(v.reads, table.name) else v for v in schema.views),
    )


def _renamed_in(sql: str | None, old: str, new: str) -> str:
    """Return a definition with a column renamed where columns stand: after the first parenthesis."""
    if not sql:
        return sql or ""
    head, bracket, tail = sql.partition("(")
    return head + bracket + renamed(tail, old, new)
