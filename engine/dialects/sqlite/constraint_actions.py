"""Actions of an `alter` on keys, checks, foreign keys and options, taken into an `Alteration`."""

from __future__ import annotations

from engine.dialects.sqlite import names, table_edit
from engine.dialects.sqlite.alteration import Alteration, Wanted
from engine.dialects.sqlite.create import see_reference
from engine.dialects.sqlite.definition import (
    STRICT_TYPES,
    check_sql,
    foreign_key_sql,
    refuse_key_extras,
    table_options,
    unique_indexes,
)
from engine.dialects.sqlite.keys import see_keys_stay
from engine.dialects.sqlite.sql import affinity, expression_sql, type_sql
from engine.dialects.sqlite.table_text import Constraint, TableText, parse
from engine.dialects.sqlite.tokens import tokens
from engine.errors import Path, Problem
from engine.model.changes import DropConstraint, RenameConstraint
from engine.model.definitions import CheckDef, ForeignKeyDef, IndexColumnDef, IndexDef, KeyDef
from engine.model.expression import PerDialect
from engine.model.state import Index, fold, same_name

_NAMED = ("primary key", "unique", "check", "foreign key")
_STRICT_WORDS = (
    ("BOOL", "INTEGER"),
    ("DEC", "REAL"),
    ("NUMERIC", "REAL"),
    ("DATE", "TEXT"),
    ("TIME", "TEXT"),
)


def add_unique(alteration: Alteration, key: KeyDef, path: Path) -> None:
    """Add a unique key as an index of its own (decision 22)."""
    now = alteration.now
    refuse_key_extras(key, path)
    for place, column in enumerate(key.columns):
        names.own_column(now, column, (*path, "columns", place))
    (index,) = unique_indexes(now.name, (), (key,))
    if not any(same_name(index.name, gone.name) for gone in alteration.gone_indexes):
        names.free(alteration.state, index.name, (*path, "name"))
    if any(same_name(index.name, other.name) for other, _ in alteration.new_indexes):
        raise Problem("RF103", f"the unique key `{index.name}` is there twice", (*path, "name"))
    alteration.new_indexes.append((index, path))
    alteration.wanted.append(Wanted("index", key.columns, path, index.name, index=index))
    if key.include:
        alteration.notes.append("`include` is left out: SQLite has no such thing, and it changes no result")


def add_check(alteration: Alteration, check: CheckDef, path: Path) -> None:
    """Add a check to the table's text."""
    now = alteration.now
    if check.name and any(same_name(c.name, check.name) for c in parse(alteration.text).all_constraints if c.name):
        raise Problem("RF103", f"`{now.name}` has a constraint `{check.name}` already", path)
    text = expression_sql(check.sql, path)
    alteration.text = table_edit.add_constraint(alteration.text, check_sql(check, path))
    alteration.expressions.append((text, path))
    columns = tuple(column.name for column in now.columns if fold(column.name) in _words(text))
    alteration.wanted.append(Wanted("check", columns, path, check.name, text))
    alteration.rebuild("add a check")
    if check.validate_later:
        alteration.notes.append(f"the check `{check.name}` holds from the start: SQLite has no `later`")


def add_foreign_key(alteration: Alteration, key: ForeignKeyDef, path: Path) -> None:
    """Add a foreign key to the table's text."""
    now = alteration.now
    for place, column in enumerate(key.columns):
        names.own_column(now, column, (*path, "columns", place))
    if key.name and any(same_name(c.name, key.name) for c in parse(alteration.text).all_constraints if c.name):
        raise Problem("RF103", f"`{now.name}` has a constraint `{key.name}` already", path)
    see_reference(alteration.state, key.references, key.columns, (*path, "references"))
    alteration.text = table_edit.add_constraint(alteration.text, foreign_key_sql(key))
    alteration.wanted.append(Wanted("reference", key.columns, path, key.name, reference=key.references))
    alteration.rebuild("add a foreign key")


def set_primary_key(alteration: Alteration, key: KeyDef, path: Path) -> None:
    """Give the table another primary key."""
    now = alteration.now
    for place, column in enumerate(key.columns):
        names.own_column(now, column, (*path, place))
    old = now.primary_key
    if old and not _alike(old, key.columns):
        see_keys_stay(alteration.state, now.name, (old,), path, f"the primary key of `{now.name}`")
    if now.auto_increment:
        alteration.notes.append(f"`{now.auto_increment}` no longer numbers itself")
    for column in key.columns:
        found = names.own_column(now, column, path)
        if not (len(key.columns) == 1 and found.type.upper() == "INTEGER"):
            alteration.text = table_edit.set_not_null(alteration.text, found.name, True)
        alteration.wanted.append(Wanted("not null", (found.name,), path))
    alteration.text = table_edit.set_primary_key(alteration.text, key.columns, key.name)
    if key.columns:
        alteration.wanted.append(Wanted("key", key.columns, path, key.name))
    alteration.rebuild("change the primary key")


def drop_constraint(alteration: Alteration, action: DropConstraint, path: Path) -> None:
    """Take a unique index away, or a constraint out of the table's text.

    Raises:
        Problem: RF104 there is none such; RF107 a foreign key of another table needs it.
    """
    now = alteration.now
    index = _unique_index(alteration, action)
    if index is not None:
        see_keys_stay(alteration.state, now.name, (index.columns,), path, f"the unique key `{index.name}`")
        alteration.gone_indexes.append(index)
        return
    found = _find(parse(alteration.text), action)
    if found is None:
        text = parse(alteration.text)
        known = [c.name for c in text.all_constraints if c.name] + [i.name for i in alteration.indexes() if i.unique]
        hint = names.meant(action.name, known) if action.name else ""
        raise Problem("RF104", f"`{now.name}` has no {_described(action)}", path, hint=hint, subject=action.name)
    if found.kind in ("unique", "primary key"):
        columns = tuple(c.value for c in found.columns) or (found.column,)
        see_keys_stay(alteration.state, now.name, (columns,), path, f"the key on ({', '.join(columns)})")
    alteration.text = table_edit.drop_constraint(alteration.text, found)
    alteration.rebuild("take a constraint out of a table's text")


def rename_constraint(alteration: Alteration, action: RenameConstraint) -> None:
    """Give a constraint another name: a unique index is built again, a text is edited.

    Raises:
        Problem: RF103, RF104.
    """
    path: Path = ("constraint",)
    now, text = alteration.now, parse(alteration.text)
    if any(same_name(c.name, action.to) for c in text.all_constraints if c.name):
        raise Problem("RF103", f"`{now.name}` has a constraint `{action.to}` already", ("to",))
    index = _unique_index(alteration, DropConstraint(action.name))
    if index is not None:
        names.free(alteration.state, action.to, ("to",))
        alteration.gone_indexes.append(index)
        parts = tuple(IndexColumnDef(column) for column in index.columns)
        renamed = IndexDef(now.name, parts, action.to, unique=True)
        alteration.new_indexes.append((renamed, path))
        alteration.index_texts[fold(action.to)] = table_edit.rename_object(index.sql, action.to)
        return
    found = _find(text, DropConstraint(action.name))
    if found is None:
        hint = names.meant(action.name, (c.name for c in text.all_constraints if c.name))
        words = f"`{now.name}` has no constraint `{action.name}`"
        raise Problem("RF104", words, path, hint=hint, subject=action.name)
    alteration.text = table_edit.rename_constraint(alteration.text, found, action.to)
    alteration.rebuild("rename a constraint")


def validate_constraint(alteration: Alteration, name: str, path: Path) -> None:
    """See to it that the constraint is there; on SQLite it holds already."""
    text = parse(alteration.text)
    if not any(same_name(c.name, name) for c in text.all_constraints if c.name):
        hint = names.meant(name, (c.name for c in text.all_constraints if c.name))
        words = f"`{alteration.before.name}` has no constraint `{name}`"
        raise Problem("RF104", words, path, hint=hint, subject=name)
    alteration.notes.append(f"`{name}` holds already: SQLite leaves no constraint unvalidated")


def set_options(
    alteration: Alteration,
    options: tuple[tuple[str, tuple[tuple[str, str | int | bool], ...]], ...],
    path: Path,
) -> None:
    """Make a table STRICT or WITHOUT ROWID, or end that."""
    wanted = table_options(options, path)
    now = alteration.now
    strict = wanted.get("strict", now.strict)
    if strict and not now.strict:
        for column in now.columns:
            type = strict_type(column.type)
            if type.upper() != column.type.upper():
                alteration.text = table_edit.set_type(alteration.text, column.name, type)
            if affinity(type, True) != affinity(column.type):
                alteration.changed.append(column.name)
            if type != "ANY" and column.generated is None:
                here = (*path, "sqlite", "strict")
                alteration.wanted.append(Wanted("type", (column.name,), here, "", type))
    if now.strict and not strict:
        # ANY keeps each value as it is in a STRICT table only.
        alteration.changed += [c.name for c in now.columns if affinity(c.type, True) != affinity(c.type)]
    without = wanted.get("without_rowid", parse(alteration.text).without_rowid)
    if without and not now.primary_key:
        raise Problem(
            "SP111",
            f"`{now.name}` needs a primary key to be WITHOUT ROWID",
            (*path, "sqlite", "without_rowid"),
        )
    if without and now.auto_increment:
        words = "a table WITHOUT ROWID has no automatic numbers"
        raise Problem("LT113", words, (*path, "sqlite", "without_rowid"))
    if (strict and not now.strict) or (without and alteration.before.row_id):
        # Both make the key's columns NOT NULL without a word.
        for name in now.primary_key:
            alteration.wanted.append(Wanted("not null", (name,), (*path, "sqlite")))
    edited = table_edit.set_options(alteration.text, strict=strict, without_rowid=without)
    if edited != alteration.text or strict != now.strict:
        alteration.text = edited
        alteration.rebuild("change a table's options")


def strict_type(type: str) -> str:
    """Return the type of a STRICT table that holds what a column of `type` is meant for."""
    if type.upper() in STRICT_TYPES:
        return type.upper()
    try:
        portable = type_sql(PerDialect(type), True)
    except Problem:
        portable = type
    if portable.upper() in STRICT_TYPES:
        return portable
    for word, strict in _STRICT_WORDS:
        if word in type.upper():
            return strict
    found = affinity(type)
    return "ANY" if found == "NUMERIC" or not type.strip() else found


def _unique_index(alteration: Alteration, action: DropConstraint) -> Index | None:
    for index in alteration.indexes():
        if index.unique and action.name and same_name(index.name, action.name):
            return index
        if index.unique and action.unique and index.where is None and _alike(index.columns, action.unique):
            return index
    return None


def _find(text: TableText, action: DropConstraint) -> Constraint | None:
    """Return the constraint in a table's text that an action means."""
    for found in text.all_constraints:
        if found.kind not in _NAMED:
            continue
        columns = tuple(column.value for column in found.columns) or ((found.column,) if found.column else ())
        if action.name:
            if found.name and same_name(found.name, action.name):
                return found
        elif (
            (action.unique and found.kind == "unique" and _alike(columns, action.unique))
            or (action.check and found.kind == "check" and _words(text.text(found.body)) == _words(action.check))
            or (action.foreign_key and found.kind == "foreign key" and _alike(columns, action.foreign_key))
        ):
            return found
    return None


def _words(sql: str) -> list[str]:
    """Return the tokens of an expression, so that spacing, case and quoting of names do not count."""
    return [fold(token.name) if token.is_name else token.text for token in tokens(sql)]


def _described(action: DropConstraint) -> str:
    if action.name:
        return f"constraint or unique index `{action.name}`"
    if action.unique:
        return f"unique key on ({', '.join(action.unique)})"
    if action.check:
        return f"check ({action.check})"
    return f"foreign key on ({', '.join(action.foreign_key)})"


def _alike(left: tuple[str, ...], right: tuple[str, ...]) -> bool:
    return len(left) == len(right) and all(names.contains(right, name) for name in left)
