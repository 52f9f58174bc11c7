"""Definitions of a spec → SQLite's CREATE texts. Pure text; nothing is looked up but enum types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from engine.dialects.sqlite.names import contains
from engine.dialects.sqlite.sql import columns_sql, expression_sql, literal_sql, quote, type_sql
from engine.errors import Path, Problem
from engine.model.definitions import (
    CheckDef,
    ColumnDef,
    ForeignKeyDef,
    IndexColumnDef,
    IndexDef,
    KeyDef,
    ReferenceDef,
    TableDef,
)
from engine.model.expression import Literal, PerDialect, Sql
from engine.model.state import fold, same_name

STRICT_TYPES = ("INT", "INTEGER", "REAL", "TEXT", "BLOB", "ANY")
_KEYWORD_DEFAULTS = ("CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME")
_COLLATIONS = ("nocase", "binary", "rtrim")
_ACTIONS = ("cascade", "set null", "set default", "restrict", "no action")

Types = Mapping[str, tuple[str, ...]]  # folded name of an enum → its values


def column_type(type: PerDialect, strict: bool, types: Types, path: Path) -> str:
    """Return a declared type; an enum's column is TEXT (see `enum_check`).

    Raises:
        Problem: LT114 a STRICT table does not know the type; SP111 there is none for SQLite.
    """
    if enum_values(type, types):
        return "TEXT"
    try:
        text = type_sql(type, strict)
    except Problem as problem:
        problem.path = path
        raise
    if strict and text.upper() not in STRICT_TYPES:
        raise Problem(
            "LT114",
            f"a STRICT table does not know the type `{text}`",
            path,
            hint="one of INTEGER, REAL, TEXT, BLOB, ANY",
        )
    return text


def enum_values(type: PerDialect, types: Types) -> tuple[str, ...]:
    """Return the values of an enum type that this migration or an earlier one made, else ()."""
    text = type.given_for("sqlite") or type.text or ""
    return types.get(fold(text.strip()), ())


def enum_check(column: str, values: Iterable[str]) -> str:
    """Return the condition that stands for an enum type."""
    return f"{quote(column)} IN ({', '.join(literal_sql(value) for value in values)})"


def enum_sql(type: PerDialect, column: str, values: Iterable[str]) -> str:
    """Return the constraint that stands for an enum type, under its name: that is how it is known again."""
    name = (type.given_for("sqlite") or type.text or "").strip()
    return f"CONSTRAINT {quote(name)} CHECK ({enum_check(column, values)})"


def collation(name: str) -> str:
    """Return a collation's name as it is written after COLLATE."""
    return name.upper() if name.lower() in _COLLATIONS else quote(name)


def default_sql(default: Literal | Sql, path: Path) -> str:
    """Return what follows DEFAULT: a literal, a keyword, or an expression in parentheses."""
    if isinstance(default, Literal):
        return literal_sql(default)
    text = expression_sql(default, path)
    return text.upper() if text.upper() in _KEYWORD_DEFAULTS else f"({text})"


def reference_sql(reference: ReferenceDef) -> str:
    """Return a REFERENCES clause."""
    parts = [f"REFERENCES {quote(reference.table)}"]
    if reference.columns:
        parts.append(f"({columns_sql(reference.columns)})")
    for word, action in (("DELETE", reference.on_delete), ("UPDATE", reference.on_update)):
        if action.lower() in _ACTIONS:
            parts.append(f"ON {word} {action.upper()}")
    if reference.deferrable:
        parts.append("DEFERRABLE INITIALLY DEFERRED")
    return " ".join(parts)


def column_sql(
    column: ColumnDef, table: str, strict: bool, types: Types, path: Path, *, key: str = "", check: str = ""
) -> str:
    """Return a column's definition as it stands in CREATE TABLE.

    Args:
        column: as the spec asks for it.
        table: its table, for derived names.
        strict: True in a STRICT table.
        types: enum types.
        path: field path of the column, for problems.
        key: the PRIMARY KEY clause that stands on the column, or "".
        check: name for the column's check.
    """
    parts = [quote(column.name), column_type(column.type, strict, types, (*path, "type"))]
    if key:
        parts.append(key)
    rowid_alias = bool(key) and parts[1].upper() == "INTEGER"
    if (not column.nullable or column.primary_key or key) and not rowid_alias:
        parts.append("NOT NULL")
    if column.collate:
        parts.append(f"COLLATE {collation(column.collate)}")
    if column.default is not None:
        parts.append(f"DEFAULT {default_sql(column.default, (*path, 'default'))}")
    if column.generated is not None:
        kind = "STORED" if column.stored else "VIRTUAL"
        parts.append(f"GENERATED ALWAYS AS ({expression_sql(column.generated, (*path, 'generated'))}) {kind}")
    if column.check is not None:
        name = f"CONSTRAINT {quote(check)} " if check else ""
        parts.append(f"{name}CHECK ({expression_sql(column.check, (*path, 'check'))})")
    values = enum_values(column.type, types)
    if values:
        parts.append(enum_sql(column.type, column.name, values))
    if column.references is not None:
        parts.append(f"CONSTRAINT {quote(f'fk_{table}_{column.name}')} {reference_sql(column.references)}")
    return " ".join(part for part in parts if part)


def key_sql(key: KeyDef) -> str:
    """Return a table-level PRIMARY KEY."""
    return f"{_named(key.name)}PRIMARY KEY ({columns_sql(key.columns)})"


def check_sql(check: CheckDef, path: Path) -> str:
    """Return a table-level CHECK."""
    return f"{_named(check.name)}CHECK ({expression_sql(check.sql, path)})"


def foreign_key_sql(key: ForeignKeyDef) -> str:
    """Return a table-level FOREIGN KEY."""
    return f"{_named(key.name)}FOREIGN KEY ({columns_sql(key.columns)}) {reference_sql(key.references)}"


def table_sql(table: TableDef, types: Types, path: Path) -> str:
    """Return the CREATE TABLE text of a table as a spec asks for it.

    Unique keys are not in it: they become indexes of their own (see `unique_indexes`).

    Raises:
        Problem: SP110, SP111, RF102, RF103 at `path` below the verb.
    """
    options = table_options(table.options, (*path, "options"))
    strict = options.get("strict", False)
    key = primary_key(table, path)
    inline = key_on_column(table, key)
    names = _check_names(table)
    lines = []
    for column in table.columns:
        here = (*path, "columns", column.name)
        clause = ""
        if same_name(column.name, inline):
            clause = f"{_named(key.name if key else '')}PRIMARY KEY"
            clause += " AUTOINCREMENT" if column.auto_increment else ""
        if column.auto_increment:
            _see_auto_increment(column, inline, options, strict, types, here)
        if key and not inline and contains(key.columns, column.name):
            column = replace(column, nullable=False)
        named = names.pop(0) if column.check is not None else ""
        lines.append(column_sql(column, table.name, strict, types, here, key=clause, check=named))
    if key and not inline:
        lines.append(key_sql(key))
    lines += [check_sql(check, (*path, "checks", check.name)) for check in table.checks]
    lines += [foreign_key_sql(foreign_key) for foreign_key in table.foreign_keys]
    tail = ", ".join(
        word for word, wanted in (("STRICT", strict), ("WITHOUT ROWID", options.get("without_rowid"))) if wanted
    )
    body = ",\n  ".join(lines)
    return f"CREATE TABLE {quote(table.name)} (\n  {body}\n){' ' + tail if tail else ''}"


def primary_key(table: TableDef, path: Path) -> KeyDef | None:
    """Return the primary key, whichever way it was written.

    Raises:
        Problem: RF103 it is there twice, RF102 it names no column.
    """
    marked = tuple(column.name for column in table.columns if column.primary_key)
    key = table.primary_key
    if key is None:
        return KeyDef(marked) if marked else None
    if marked and {fold(c) for c in marked} != {fold(c) for c in key.columns}:
        raise Problem(
            "RF103",
            f"the primary key is given twice: by {', '.join(marked)} and by {', '.join(key.columns)}",
            (*path, "primary_key"),
            hint="keep one of them",
        )
    known = [column.name for column in table.columns]
    for place, name in enumerate(key.columns):
        if not contains(known, name):
            raise Problem("RF102", f"there is no column `{name}` in this table", (*path, "primary_key", place))
    return key


def key_on_column(table: TableDef, key: KeyDef | None) -> str:
    """Return the column that carries the primary key by itself, or ""."""
    if key is None or len(key.columns) != 1:
        return ""
    return next((c.name for c in table.columns if same_name(c.name, key.columns[0])), "")


def table_options(
    options: tuple[tuple[str, tuple[tuple[str, str | int | bool], ...]], ...], path: Path
) -> dict[str, bool]:
    """Return the options meant for SQLite: `strict`, `without_rowid`.

    Raises:
        Problem: SP111 another option.
    """
    found: dict[str, bool] = {}
    for dialect, pairs in options:
        if dialect != "sqlite":
            continue
        for name, value in pairs:
            if name not in ("strict", "without_rowid") or not isinstance(value, bool):
                raise Problem(
                    "SP111",
                    f"SQLite has no table option `{name}: {value}`",
                    (*path, "sqlite", name),
                    hint="`strict` and `without_rowid`, each true or false",
                )
            found[name] = value
    return found


def unique_indexes(table: str, columns: Iterable[ColumnDef], keys: Iterable[KeyDef]) -> tuple[IndexDef, ...]:
    """Return the unique indexes that stand for unique columns and keys, each once."""
    wanted = list(keys)
    for column in columns:
        if column.unique and not any(len(k.columns) == 1 and same_name(k.columns[0], column.name) for k in wanted):
            wanted.append(KeyDef((column.name,)))
    return tuple(
        IndexDef(
            table,
            tuple(IndexColumnDef(column) for column in key.columns),
            key.name or f"uq_{table}_{'_'.join(key.columns)}",
            unique=True,
        )
        for key in wanted
    )


def index_sql(index: IndexDef, path: Path) -> str:
    """Return the CREATE INDEX text."""
    parts = []
    for place, part in enumerate(index.columns):
        if part.sql is not None:
            text = f"({expression_sql(part.sql, (*path, 'columns', place))})"
        else:
            text = quote(part.column)
        if part.collate:
            text += f" COLLATE {collation(part.collate)}"
        if part.order:
            text += f" {part.order.upper()}"
        parts.append(text)
    where = f" WHERE {expression_sql(index.where, (*path, 'where'))}" if index.where is not None else ""
    kind = "UNIQUE INDEX" if index.unique else "INDEX"
    return f"CREATE {kind} {quote(index.name)} ON {quote(index.table)} ({', '.join(parts)}){where}"


def refuse_key_extras(key: KeyDef, path: Path) -> None:
    """Refuse what would change the meaning of a unique key and SQLite does not have.

    Raises:
        Problem: SP111.
    """
    for wanted, word, words in (
        (key.nulls_not_distinct, "nulls_not_distinct", "takes NULLs in a unique key for different, always"),
        (key.deferrable, "deferrable", "has no deferrable unique key"),
    ):
        if wanted:
            raise Problem("SP111", f"SQLite {words}", (*path, word), hint="leave it out, or narrow `dialects`")


def _named(name: str) -> str:
    return f"CONSTRAINT {quote(name)} " if name else ""


def _check_names(table: TableDef) -> list[str]:
    """Return a free name `ck_<table>_<n>` for each check that stands on a column."""
    used = {fold(check.name) for check in table.checks}
    count = sum(1 for column in table.columns if column.check is not None)
    names: list[str] = []
    number = 0
    while len(names) < count:
        number += 1
        name = f"ck_{table.name}_{number}"
        if fold(name) not in used:
            names.append(name)
    return names


def _see_auto_increment(
    column: ColumnDef, inline: str, options: Mapping[str, bool], strict: bool, types: Types, path: Path
) -> None:
    if options.get("without_rowid"):
        hint = "leave `auto_increment` out"
        raise Problem("LT113", "a table WITHOUT ROWID has no automatic numbers", (*path, "auto_increment"), hint=hint)
    if not same_name(column.name, inline):
        words = "on SQLite only a primary key of one column numbers itself"
    elif column_type(column.type, strict, types, path).upper() != "INTEGER":
        words = "on SQLite only an integer column numbers itself"
    else:
        return
    raise Problem("SP111", words, (*path, "auto_increment"), hint="leave `auto_increment` out")
