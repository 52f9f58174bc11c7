"""Each action of an `alter`, taken into an `Alteration`. Problems' paths begin below `alter`."""

from __future__ import annotations

from engine.dialects.sqlite import names, table_edit
from engine.dialects.sqlite.alteration import Alteration, Wanted, one_column
from engine.dialects.sqlite.constraint_actions import (
    add_check,
    add_foreign_key,
    add_unique,
    drop_constraint,
    rename_constraint,
    set_options,
    set_primary_key,
    validate_constraint,
)
from engine.dialects.sqlite.create import see_reference
from engine.dialects.sqlite.definition import (
    column_sql,
    column_type,
    default_sql,
    enum_check,
    enum_sql,
    enum_values,
    unique_indexes,
)
from engine.dialects.sqlite.dependents import Broken, naming_column, refuse
from engine.dialects.sqlite.failures import see_condition
from engine.dialects.sqlite.parsing import unparsed_sql
from engine.dialects.sqlite.shadow import Shadow
from engine.dialects.sqlite.sql import affinity, expression_sql, quote
from engine.dialects.sqlite.statements import ddl
from engine.dialects.sqlite.tokens import has_word
from engine.dialects.sqlite.translate import names_in
from engine.dialects.sqlite.walk import is_row_id
from engine.errors import Path, Problem
from engine.model import changes as c
from engine.model.definitions import ColumnDef
from engine.model.expression import Expression, Literal, Parse
from engine.model.state import fold, same_name


def take(alteration: Alteration, action: c.Action, place: int, shadow: Shadow) -> None:
    """Take one action into `alteration`.

    Args:
        place: its position among the actions of its kind.
        shadow: the schema with the renames done.

    Raises:
        Problem: RF101–RF104, RF107, SP110, SP111, LT108.
    """
    match action:
        case c.AddColumn(column=column):
            _add(alteration, column, shadow)
        case c.ChangeColumn():
            _change(alteration, action, shadow)
        case c.DropColumn(name=name):
            _drop(alteration, name, ("drop", place), shadow)
        case c.AddUnique(key=key):
            add_unique(alteration, key, ("add_unique", place))
        case c.AddCheck(check=check):
            add_check(alteration, check, ("add_checks", check.name))
        case c.AddForeignKey(foreign_key=foreign_key):
            add_foreign_key(alteration, foreign_key, ("add_foreign_keys", place))
        case c.DropConstraint():
            drop_constraint(alteration, action, ("drop_constraints", place))
        case c.RenameConstraint():
            rename_constraint(alteration, action)
        case c.ValidateConstraint(name=name):
            validate_constraint(alteration, name, ("validate_constraints", place))
        case c.SetPrimaryKey(key=key):
            set_primary_key(alteration, key, ("primary_key",))
        case c.SetOptions(options=options):
            set_options(alteration, options, ("options",))
        case c.SetComment():
            alteration.notes.append("SQLite keeps no comments")
        case c.AddExclude():
            raise Problem("SP111", "SQLite has no exclusion constraints", ("add_exclude", place))
        case c.RenameColumn():
            raise Problem("SP110", "renames come before everything else in `alter`", ("rename", action.name))


# ── columns that come ─────────────────────────────────────────────────────
def _add(alteration: Alteration, column: ColumnDef, shadow: Shadow) -> None:
    path: Path = ("add", column.name)
    now = alteration.now
    if now.column(column.name):
        raise Problem("RF103", f"`{now.name}` has a column `{column.name}` already", path)
    names.sound(column.name, path)
    if column.after:
        names.own_column(now, column.after, (*path, "after"))
    if column.references is not None:
        see_reference(alteration.state, column.references, (column.name,), (*path, "references"))
    key = ""
    if column.primary_key:
        if now.primary_key:
            raise Problem("RF103", f"`{now.name}` has a primary key already", (*path, "primary_key"))
        key = f"PRIMARY KEY{' AUTOINCREMENT' if column.auto_increment else ''}"
    elif column.auto_increment:
        words = "on SQLite only a primary key of one column numbers itself"
        raise Problem("SP111", words, (*path, "auto_increment"))
    check = _check_name(alteration) if column.check is not None else ""
    definition = column_sql(column, now.name, now.strict, alteration.types, path, key=key, check=check)
    last = now.columns[-1].name
    after = "" if same_name(column.after, last) else column.after
    alteration.text = table_edit.add_column(alteration.text, definition, after)
    alteration.added.append(column.name)
    if column.using is not None:
        alteration.sources[fold(column.name)] = using(alteration, column.using, (*path, "using"), shadow)
    elif key and alteration.before.row_id:
        alteration.sources[fold(column.name)] = alteration.before.row_id
    if column.default is not None:
        alteration.defaults[fold(column.name)] = default_sql(column.default, (*path, "default"))
    _want_added(alteration, column, check, path)
    for index in unique_indexes(now.name, (column,), ()):
        alteration.new_indexes.append((index, path))
        alteration.wanted.append(Wanted("index", (column.name,), path, index.name, index=index))
    obstacle = _add_obstacle(column, after, key)
    if obstacle:
        alteration.rebuild(obstacle)
    elif alteration.in_place is not None:
        alteration.in_place.append(ddl(f"ALTER TABLE {quote(now.name)} ADD COLUMN {definition}"))


def _want_added(alteration: Alteration, column: ColumnDef, check: str, path: Path) -> None:
    for word, sql in (("check", column.check), ("generated", column.generated)):
        if sql is not None:
            alteration.expressions.append((expression_sql(sql, (*path, word)), (*path, word)))
    empty = column.default is None or (isinstance(column.default, Literal) and column.default.value is None)
    if not column.nullable and column.generated is None and (empty or column.using is not None):
        alteration.wanted.append(Wanted("not null", (column.name,), path))
    if column.check is not None:
        text = expression_sql(column.check, (*path, "check"))
        alteration.wanted.append(Wanted("check", (column.name,), (*path, "check"), check, text))
    values = enum_values(column.type, alteration.types)
    if values:
        alteration.wanted.append(Wanted("check", (column.name,), path, "", enum_check(column.name, values)))
    if column.references is not None and (column.using is not None or column.default is not None):
        alteration.wanted.append(
            Wanted("reference", (column.name,), (*path, "references"), "", reference=column.references)
        )


def _add_obstacle(column: ColumnDef, after: str, key: str) -> str:
    """Return why SQLite can't add the column in place, "" if it can; also where rows exist."""
    literal = isinstance(column.default, Literal)
    null = column.default is None or (isinstance(column.default, Literal) and column.default.value is None)
    reasons = (
        (bool(after), f"put `{column.name}` in the middle"),
        (bool(key), "add a primary key"),
        (column.using is not None, f"fill `{column.name}` while adding it"),
        (column.default is not None and not literal, "add a column with a default that is computed"),
        (column.generated is not None and column.stored, "add a stored generated column"),
        (not column.nullable and null, "add a NOT NULL column without a default"),
        (column.references is not None and not null, "add a foreign key with a default"),
    )
    return next((words for applies, words in reasons if applies), "")


def _check_name(alteration: Alteration) -> str:
    used = {fold(check.name) for check in alteration.now.checks}
    number = 1
    while fold(f"ck_{alteration.before.name}_{number}") in used:
        number += 1
    return f"ck_{alteration.before.name}_{number}"


def using(alteration: Alteration, expression: Expression, path: Path, shadow: Shadow) -> str:
    """Return the expression that fills a column, seen to work on the rows that are there.

    Raises:
        Problem: RF102, SP110, SP111, LT108.
    """
    table = alteration.before.name
    text = expression_sql(expression, path)
    see_condition(shadow, table, text, path)
    if has_word(text, "SELECT") and fold(table) in names_in(text):
        raise Problem(
            "SP111",
            f"`using` can't query `{table}` while `{table}` is rebuilt",
            path,
            hint="add the column first, and fill it with `transform`",
        )
    if isinstance(expression, Parse) and expression.otherwise is None:
        wrong = unparsed_sql(expression, path)
        used = [name for name in names_in(text) if alteration.before.column(name)]
        columns = tuple(column.name for column in alteration.before.columns if fold(column.name) in used)
        alteration.unparsed.append((wrong, columns, path))
    return f"({text})"


# ── columns that change ───────────────────────────────────────────────────
def _change(alteration: Alteration, action: c.ChangeColumn, shadow: Shadow) -> None:
    path: Path = ("change", action.name)
    now = alteration.now
    column = names.own_column(now, action.name, path)
    name = column.name
    start = alteration.text
    if action.type is not None:
        _change_type(alteration, action, path)
    if action.using is not None:
        alteration.sources[fold(name)] = using(alteration, action.using, (*path, "using"), shadow)
        alteration.changed.append(name)
    if action.nullable is not None:
        alteration.text = table_edit.set_not_null(alteration.text, name, not action.nullable)
    if not action.nullable and (action.nullable is False or (column.not_null and action.using is not None)):
        alteration.wanted.append(Wanted("not null", (name,), (*path, "nullable")))
    if action.drop_default:
        alteration.text = table_edit.set_default(alteration.text, name, None)
    elif action.default is not None:
        alteration.text = table_edit.set_default(alteration.text, name, default_sql(action.default, (*path, "default")))
    if action.collate is not None:
        alteration.text = table_edit.set_collate(alteration.text, name, action.collate)
    if action.generated is not None or action.stored is not None:
        _change_generated(alteration, action, path)
    if action.auto_increment is not None:
        if action.auto_increment and not is_row_id(alteration.now, name):
            words = "on SQLite only a primary key of one integer column numbers itself"
            raise Problem("SP111", words, (*path, "auto_increment"))
        if action.auto_increment != bool(column.auto_increment):
            alteration.text = table_edit.set_auto_increment(alteration.text, name, action.auto_increment)
    if action.comment is not None:
        alteration.notes.append("SQLite keeps no comments")
    if alteration.text != start:
        alteration.rebuild(f"change `{name}`")
    elif action.using is not None:
        alteration.rebuild(f"fill `{name}` again")
    if action.collate is not None or name in alteration.changed:
        _want_again(alteration, name, path)


def _change_type(alteration: Alteration, action: c.ChangeColumn, path: Path) -> None:
    assert action.type is not None
    now = alteration.now
    column = names.own_column(now, action.name, path)
    here = (*path, "type")
    type = column_type(action.type, now.strict, alteration.types, here)
    if column.auto_increment and type.upper() != "INTEGER":
        alteration.text = table_edit.set_auto_increment(alteration.text, column.name, False)
        alteration.notes.append(f"`{column.name}` no longer numbers itself")
    if one_column(now.primary_key, column.name) and column.type.upper() == "INTEGER" and type.upper() != "INTEGER":
        alteration.text = table_edit.set_not_null(alteration.text, column.name, True)
    alteration.text = table_edit.set_type(alteration.text, column.name, type)
    values = enum_values(action.type, alteration.types)
    if values:
        condition = enum_check(column.name, values)
        constraint = enum_sql(action.type, column.name, values)
        alteration.text = table_edit.add_constraint(alteration.text, constraint)
        alteration.wanted.append(Wanted("check", (column.name,), here, "", condition))
    if now.strict and type.upper() != "ANY":
        alteration.wanted.append(Wanted("type", (column.name,), here, "", type))
    if affinity(type, now.strict) != affinity(column.type, now.strict):
        alteration.changed.append(column.name)
    if action.default is None and not action.drop_default and column.default is not None:
        _see_default_fits(column.default, type, now.strict, column.name, here)


def _see_default_fits(default: str, type: str, strict: bool, name: str, path: Path) -> None:
    """Refuse a default that the new type would not take as what it is."""
    if affinity(type, strict) not in ("INTEGER", "REAL", "NUMERIC") or not default.startswith("'"):
        return
    text = default.strip("'").strip()
    try:
        float(text)
    except ValueError:
        raise Problem(
            "SP110",
            f"the default {default} of `{name}` does not fit the type {type}",
            path,
            hint="give a `default` beside `type`, or `default: null` to take it away",
        ) from None


def _change_generated(alteration: Alteration, action: c.ChangeColumn, path: Path) -> None:
    column = names.own_column(alteration.now, action.name, path)
    if action.generated is not None:
        text = expression_sql(action.generated, (*path, "generated"))
        alteration.expressions.append((text, (*path, "generated")))
    elif column.generated is not None:
        text = column.generated
    else:
        raise Problem("SP110", f"`{column.name}` is not generated", (*path, "stored"))
    stored = column.stored if action.stored is None else action.stored
    alteration.text = table_edit.set_generated(alteration.text, column.name, text, stored)
    if column.generated is None:
        alteration.dropped.append(column)  # its own values go


def _want_again(alteration: Alteration, name: str, path: Path) -> None:
    """Ask that keys and checks still hold with a column's changed values."""
    now = alteration.now
    for key in now.keys:
        if names.contains(key.columns, name):
            kind = "key" if key.primary else "unique"
            alteration.wanted.append(Wanted(kind, key.columns, path, key.name))
    for index in alteration.indexes():
        if index.unique and index.where is None and "" not in index.columns and names.contains(index.columns, name):
            alteration.wanted.append(Wanted("unique", index.columns, path, index.name))
    for check in now.checks:
        if fold(name) in names_in(check.sql):
            alteration.wanted.append(Wanted("check", (name,), path, check.name, check.sql))


# ── columns that go ───────────────────────────────────────────────────────
def _drop(alteration: Alteration, name: str, path: Path, shadow: Shadow) -> None:
    now = alteration.now
    column = names.own_column(now, name, path)
    what = f"the column `{column.name}` of `{now.name}`"
    needing = [*_needing(alteration, column.name), *naming_column(shadow, now, column.name)]
    by_triggers = all(kind == "trigger" for kind, _ in needing)
    refuse(what, needing, path, f"{now.name}.{column.name}", "LT107" if by_triggers else "RF107")
    if len(now.columns) == 1:
        raise Problem("RF107", f"`{column.name}` is the only column of `{now.name}`", path, hint="drop the table")
    alteration.text = table_edit.drop_column(alteration.text, column.name)
    alteration.dropped.append(column)
    if any(names.contains(key.columns, column.name) for key in now.foreign_keys):
        alteration.rebuild("drop a column with a foreign key")
    elif alteration.in_place is not None:
        alteration.in_place.append(ddl(f"ALTER TABLE {quote(now.name)} DROP COLUMN {quote(column.name)}"))


def _needing(alteration: Alteration, name: str) -> list[Broken]:
    """Return what in and on the table itself needs a column."""
    now = alteration.now
    found: list[Broken] = []
    for index in alteration.indexes():
        hidden = "" in index.columns or index.where is not None
        if names.contains(index.columns, name) or (hidden and fold(name) in names_in(index.sql)):
            found.append(("index", index.name))
    for key in now.keys:
        if names.contains(key.columns, name):
            kind = "primary key" if key.primary else "unique key"
            found.append((kind, key.name or f"({', '.join(key.columns)})"))
    for foreign_key in now.foreign_keys:
        if names.contains(foreign_key.columns, name) and not one_column(foreign_key.columns, name):
            found.append(("foreign key", foreign_key.name or f"({', '.join(foreign_key.columns)})"))
    for check in now.checks:
        others = {fold(column.name) for column in now.columns} & names_in(check.sql)
        goes_along = same_name(check.column, name) and others == {fold(name)}
        if (fold(name) in others or same_name(check.column, name)) and not goes_along:
            found.append(("check", check.name or f"({check.sql})"))
    for column in now.columns:
        if (
            column.generated is not None
            and not same_name(column.name, name)
            and fold(name) in names_in(column.generated)
        ):
            found.append(("generated column", column.name))
    for child in alteration.state.tables:
        for foreign_key in child.foreign_keys:
            if same_name(foreign_key.table, now.name) and names.contains(foreign_key.references, name):
                found.append(("foreign key of table", child.name))
    return found
