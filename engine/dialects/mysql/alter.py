"""ALTER TABLE: all actions of one step as the clauses of one statement, which is done whole or not at all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engine.dialects.base import StepContext
from engine.dialects.mysql import definition, names
from engine.dialects.mysql.column_keep import keep_units
from engine.dialects.mysql.indexes import duplicates
from engine.dialects.mysql.others import columns_go
from engine.dialects.mysql.schema import MyColumn, MyConstraint, MySchema, MyTable
from engine.dialects.mysql.sql import literal_sql, quote
from engine.dialects.mysql.stages import ddl_unit, in_order
from engine.dialects.mysql.statements import (
    SYNTAX,
    column_gone,
    column_there,
    constraint_gone,
    constraint_there,
    index_gone,
    index_there,
    probed,
)
from engine.dialects.mysql.tables import expression, refuse_views
from engine.dialects.mysql.triggers import refuse_mentions
from engine.dialects.shared.words import summary
from engine.errors import Path, Problem
from engine.model import changes as c
from engine.model.expression import Sql
from engine.model.plan import Check, Unit
from engine.model.state import fold, same_name

if TYPE_CHECKING:
    from engine.dialects.mysql.dialect import MySession


@dataclass
class Alteration:
    """What the actions come to.

    Attributes:
        done, undone: questions whether all was done, or taken back; one clause that can be seen tells of all.
        dropped: columns whose values are kept.
        added: columns that hold the same in every row until somebody writes into them.
        fixed: names of columns that one clause speaks of: no other may.
        was: new names of columns → those that they have again when the step is taken back, "" for new columns.
    """

    schema: MySchema
    table: MyTable
    forward: list[str] = field(default_factory=list)
    back: list[str] = field(default_factory=list)
    done: str = ""
    undone: str = ""
    checks: list[Check] = field(default_factory=list)
    dropped: list[MyColumn] = field(default_factory=list)
    added: list[MyColumn] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    fixed: set[str] = field(default_factory=set)
    was: dict[str, str] = field(default_factory=dict)

    def put(self, table: MyTable) -> None:
        """Go on with the table as it is after an action."""
        self.table = table
        self.schema = self.schema.put(table)

    def seen(self, done: str, undone: str) -> None:
        """Note how it can be told whether an action was done."""
        if not self.done:
            self.done, self.undone = done, undone

    def claim(self, name: str, path: Path) -> None:
        """Stop where two clauses of one statement would speak of the same column.

        Raises:
            Problem: SP111.
        """
        if fold(name) in self.fixed:
            words = f"`{name}` is changed twice in one step, and all of a step is one statement on MariaDB"
            raise Problem("SP111", words, path, hint="write two steps")
        self.fixed.add(fold(name))


def alter_table(session: MySession, change: c.AlterTable, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that does all actions of one `alter`, before it those that keep what dropped columns hold.

    Raises:
        Problem: RF101–RF104, RF107, RF111, SP110, SP111; paths begin below the verb.
    """
    table = names.own_table(session.schema, change.table, ("table",))
    alteration = Alteration(session.schema, table)
    counted: Counter[type] = Counter()
    for action in change.actions:
        place = counted[type(action)]
        counted[type(action)] += 1
        _take(alteration, action, place)
    name = quote(table.name)
    unit = ddl_unit(
        context.step,
        f"alter table {table.name}: {summary(change.actions)}",
        f"undo: alter table {table.name}",
        (probed(f"ALTER TABLE {name} {', '.join(alteration.forward)}", alteration.done),),
        (probed(f"ALTER TABLE {name} {', '.join(reversed(alteration.back))}", alteration.undone),),
        table.name,
        "~",
        why="; ".join(["one statement, committed by itself", *dict.fromkeys(alteration.notes)]),
    )
    back = replace(unit.undo[0], symbol="~")
    rows = context.rows(SYNTAX.limited(name, "TRUE"))
    unit = replace(unit, checks=tuple(alteration.checks), undo=(back,), rows=rows)
    session.schema = alteration.schema
    if context.irreversible:
        return (replace(unit, undo=(), reversible="no", reason=context.irreversible),)
    ways: tuple[Unit, ...] = (back,)
    if alteration.added and fold(table.name) not in context.made_here:
        ways = columns_go(back, alteration.table, alteration.added, session.forced_name())
    if not alteration.dropped:
        return (replace(unit, undo=ways),)
    kept, give = keep_units(session, table, alteration.dropped, context)
    return in_order(replace(unit, undo=(*ways, give), reversible="journal"), *kept)


def _take(alteration: Alteration, action: c.Action, place: int) -> None:
    match action:
        case c.RenameColumn():
            _rename(alteration, action)
        case c.AddColumn():
            _add(alteration, action)
        case c.ChangeColumn():
            _change(alteration, action)
        case c.DropColumn(name=name):
            _drop(alteration, name, ("drop", place))
        case c.AddUnique(key=key):
            path: Path = ("add_unique", place)
            index = definition.unique(alteration.table, key, path)
            _free(alteration, index.name, path)
            alteration.forward.append(f"ADD {definition.index_sql(index)}")
            alteration.back.append(f"DROP KEY {quote(index.name)}")
            alteration.seen(
                index_there(alteration.table.name, index.name), index_gone(alteration.table.name, index.name)
            )
            alteration.checks.append(duplicates(alteration.table, index.columns, path))
            alteration.schema = alteration.schema.with_index(index)
        case c.AddCheck(check=check):
            path = ("add_checks", check.name)
            text = expression(alteration.schema, alteration.table, check.sql, path)
            _add_constraint(alteration, MyConstraint(check.name, "c", (), f"CHECK ({text})"), path)
        case c.AddForeignKey(foreign_key=key):
            path = ("add_foreign_keys", place)
            made = definition.foreign(alteration.schema, alteration.table, key, path)
            index_ = definition.index_for(made, alteration.table, alteration.schema.indexes_of(alteration.table.name))
            _add_constraint(alteration, made, path)
            if index_ is not None:
                alteration.forward.append(f"ADD {definition.index_sql(index_)}")
                alteration.back.insert(0, f"DROP KEY {quote(index_.name)}")
                alteration.schema = alteration.schema.with_index(index_)
        case c.DropConstraint(name=name):
            _drop_constraint(alteration, name, ("drop_constraints", place))
        case c.SetComment(comment=comment):
            alteration.forward.append(f"COMMENT = {literal_sql(comment or '')}")
            alteration.back.append(f"COMMENT = {literal_sql(alteration.table.comment)}")
            alteration.put(replace(alteration.table, comment=comment or ""))
        case _:
            raise Problem("SP111", "this part of `alter` is not there for MariaDB yet", ())


def _free(alteration: Alteration, name: str, path: Path) -> None:
    names.allowed(name, path)
    if alteration.table.constraint(name) or alteration.schema.index(name, alteration.table.name):
        raise Problem("RF103", f"`{alteration.table.name}` has a constraint or index `{name}` already", path)


def _rename(alteration: Alteration, action: c.RenameColumn) -> None:
    path: Path = ("rename", action.name)
    table = alteration.table
    column = names.own_column(table, action.name, path)
    _untied(alteration, column.name, path, keys=False)
    if names.contains((k.name for k in table.columns if k is not column), action.to):
        raise Problem("RF103", f"`{table.name}` has a column `{action.to}` already", path)
    alteration.claim(column.name, path)
    alteration.claim(action.to, path)
    old, new = column.name, action.to
    alteration.forward.append(f"RENAME COLUMN {quote(old)} TO {quote(new)}")
    alteration.back.append(f"RENAME COLUMN {quote(new)} TO {quote(old)}")
    alteration.seen(column_there(table.name, new), column_there(table.name, old))
    alteration.was[new] = old

    def moved(columns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(new if same_name(n, old) else n for n in columns)

    constraints = tuple(
        replace(k, columns=moved(k.columns), sql=f"PRIMARY KEY ({', '.join(map(quote, moved(k.columns)))})")
        if k.kind == "p"
        else k
        for k in table.constraints
    )
    columns = tuple(replace(k, name=new) if k is column else k for k in table.columns)
    alteration.put(replace(table, columns=columns, constraints=constraints))
    indexes = tuple(
        replace(i, columns=moved(i.columns), parts=i.parts.replace(quote(old), quote(new)))
        if same_name(i.table, table.name)
        else i
        for i in alteration.schema.indexes
    )
    alteration.schema = replace(alteration.schema, indexes=indexes)


def _add(alteration: Alteration, action: c.AddColumn) -> None:
    wanted, table = action.column, alteration.table
    path: Path = ("add", wanted.name)
    if table.column(wanted.name):
        raise Problem("RF103", f"`{table.name}` has a column `{wanted.name}` already", path)
    if (
        wanted.unique
        or wanted.references
        or wanted.check
        or wanted.primary_key
        or wanted.using
        or wanted.auto_increment
    ):
        words = "a new column with a key, check, reference, counter or `using` is not there for MariaDB yet"
        raise Problem("SP111", words, path, hint="add the column, then that, in a step of its own")
    if not wanted.name.strip() or wanted.name != wanted.name.rstrip() or len(wanted.name) > 64:
        raise Problem("SP110", "a column's name must be from 1 to 64 characters long and not end in a space", path)
    column = definition.column_of(wanted, alteration.schema, path)
    if column.not_null and column.default is None and column.generated is None:
        words = f"`{column.name}` may not be NULL and has no default: the rows that are there would get a made-up value"
        raise Problem("SP111", words, path, hint="give it a default")
    alteration.claim(column.name, path)
    after, columns = "", list(table.columns)
    place = len(columns)
    if wanted.after:
        place = table.columns.index(names.own_column(table, wanted.after, (*path, "after"))) + 1
        after = f" AFTER {quote(columns[place - 1].name)}"
    columns.insert(place, column)
    alteration.forward.append(f"ADD COLUMN {definition.column_sql(column)}{after}")
    alteration.back.append(f"DROP COLUMN {quote(column.name)}")
    alteration.seen(column_there(table.name, column.name), column_gone(table.name, column.name))
    alteration.was[column.name] = ""
    if column.generated is None and not isinstance(wanted.default, Sql):
        alteration.added.append(column)
    alteration.put(replace(table, columns=tuple(columns)))
    if wanted.generated is not None:
        expression(alteration.schema, alteration.table, wanted.generated, (*path, "generated"))


def _change(alteration: Alteration, action: c.ChangeColumn) -> None:
    path: Path = ("change", action.name)
    table = alteration.table
    column = names.own_column(table, action.name, path)
    if action.type is not None or action.using is not None or action.generated is not None:
        words = "changing a column's type or how it is generated is not there for MariaDB yet"
        raise Problem("SP111", words, path, hint="add a column, transform it, drop the old one")
    if action.auto_increment is not None or action.collate is not None or action.stored is not None:
        raise Problem("SP111", "changing a column's counter or collation is not there for MariaDB yet", path)
    alteration.claim(column.name, path)
    if column.generated is not None:
        raise Problem("SP111", "changing a generated column is not there for MariaDB yet", path)
    changed = column
    if action.nullable is not None:
        if action.nullable and table.key and names.contains(table.key.columns, column.name):
            raise Problem("SP110", f"`{column.name}` is part of the primary key, which is never NULL", path)
        changed = replace(changed, not_null=not action.nullable)
        if not action.nullable and not column.not_null:
            alteration.checks.append(_filled(table, column, path))
    if action.drop_default:
        changed = replace(changed, default=None)
    if action.default is not None:
        default = definition.default_sql(action.default, column.type, alteration.schema, (*path, "default"))
        changed = replace(changed, default=None if default == "NULL" else default)
    if action.comment is not None:
        changed = replace(changed, comment=action.comment)
    alteration.forward.append(f"MODIFY COLUMN {definition.column_sql(changed)}")
    alteration.back.append(f"MODIFY COLUMN {definition.column_sql(column)}")
    alteration.put(replace(table, columns=tuple(changed if k is column else k for k in table.columns)))


def _filled(table: MyTable, column: MyColumn, path: Path) -> Check:
    source = f"FROM {quote(table.name)} WHERE {quote(column.name)} IS NULL"
    return Check(
        f"{table.name}.{column.name} is never NULL",
        SYNTAX.question(f"SELECT count(*) {source}"),
        maximum=0,
        sample=SYNTAX.question(f"SELECT * {source} LIMIT 5", "sample"),
        path=path,
        failure=f"{{count}} rows of {table.name} have no {column.name}: fill it first",
    )


def _drop(alteration: Alteration, name: str, path: Path) -> None:
    table = alteration.table
    column = names.own_column(table, name, path)
    _untied(alteration, column.name, path, keys=True)
    if len(table.columns) == 1:
        raise Problem("SP110", f"`{column.name}` is the last column of `{table.name}`", path)
    alteration.claim(column.name, path)
    before = [alteration.was.get(k.name, k.name) for k in table.columns[: table.columns.index(column)]]
    stand = next((f"AFTER {quote(name)}" for name in reversed(before) if name), "FIRST")
    alteration.forward.append(f"DROP COLUMN {quote(column.name)}")
    alteration.back.append(f"ADD COLUMN {definition.column_sql(column)} {stand}")
    alteration.seen(column_gone(table.name, column.name), column_there(table.name, column.name))
    alteration.put(replace(table, columns=tuple(k for k in table.columns if k is not column)))
    if column.generated is None:
        alteration.dropped.append(column)


def _untied(alteration: Alteration, name: str, path: Path, *, keys: bool) -> None:
    """Stop where something else names a column that goes or gets another name.

    Raises:
        Problem: RF107 names what.
    """
    table = alteration.table
    refuse_views(alteration.schema, table, path, column=name)
    refuse_mentions(alteration.schema, table, (name,), path)
    needing = [f"the foreign key `{k.name}`" for k in table.constraints if k.kind == "f" and _in(k.columns, name)]
    needing += [
        f"the foreign key `{k.name}` of `{t.name}`"
        for t, k in alteration.schema.referring_to(table.name)
        if _in(k.to_columns, name)
    ]
    needing += [f"the check `{k.name}`" for k in table.constraints if k.kind == "c" and name.lower() in k.sql.lower()]
    needing += [
        f"the generated column `{k.name}`"
        for k in table.columns
        if k.generated is not None and name.lower() in k.generated.lower()
    ]
    if keys:
        needing += ["the primary key"] if table.key and _in(table.key.columns, name) else []
        needing += [f"the index `{i.name}`" for i in alteration.schema.indexes_of(table.name) if _in(i.columns, name)]
    if needing:
        words = f"{', '.join(needing)} need{'s' if len(needing) == 1 else ''} `{table.name}.{name}`"
        raise Problem("RF107", words, path, hint="drop that before this step", subject=f"{table.name}.{name}")


def _in(columns: tuple[str, ...], name: str) -> bool:
    return names.contains(columns, name)


def _add_constraint(alteration: Alteration, made: MyConstraint, path: Path) -> None:
    _free(alteration, made.name, path)
    table = alteration.table
    alteration.forward.append(f"ADD {definition.constraint_sql(made)}")
    alteration.back.append(f"DROP {'FOREIGN KEY' if made.kind == 'f' else 'CONSTRAINT'} {quote(made.name)}")
    alteration.seen(constraint_there(table.name, made.name), constraint_gone(table.name, made.name))
    alteration.put(replace(table, constraints=(*table.constraints, made)))


def _drop_constraint(alteration: Alteration, name: str, path: Path) -> None:
    table = alteration.table
    found = table.constraint(name) if name else None
    if found is None or found.kind == "p":
        words = f"`{table.name}` has no check and no foreign key `{name}`" if name else "name the constraint"
        raise Problem("RF104", words, path, hint="a unique key goes by `drop: {index: …}`")
    alteration.forward.append(f"DROP {'FOREIGN KEY' if found.kind == 'f' else 'CONSTRAINT'} {quote(found.name)}")
    alteration.back.append(f"ADD {definition.constraint_sql(found)}")
    alteration.seen(constraint_gone(table.name, found.name), constraint_there(table.name, found.name))
    alteration.put(replace(table, constraints=tuple(k for k in table.constraints if k is not found)))
