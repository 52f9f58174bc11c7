"""Definitions as a spec asks for them → MariaDB's text and the folded values."""

from __future__ import annotations

from engine.dialects.mysql.expression import names_of
from engine.dialects.mysql.introspect import foreign_key
from engine.dialects.mysql.names import contains, own_column, own_table, real
from engine.dialects.mysql.schema import MyColumn, MyConstraint, MyIndex, MySchema, MyTable
from engine.dialects.mysql.sql import (
    BINARY,
    MAX_NAME,
    PREFIX,
    base_type,
    collated,
    columns_sql,
    is_long,
    is_text,
    literal_for,
    literal_sql,
    quote,
    type_sql,
)
from engine.dialects.mysql.translate import expression_sql
from engine.errors import Path, Problem
from engine.model.definitions import ColumnDef, ForeignKeyDef, KeyDef
from engine.model.expression import Literal, Sql
from engine.steps.names import derive_name

_COLLATIONS = {"binary": BINARY, "nocase": "utf8mb4_general_nopad_ci", "": BINARY}


def collation(name: str, path: Path) -> str:
    """Return a collation's name.

    Raises:
        Problem: SP111 for one of SQLite's that MariaDB does not have.
    """
    if name.lower() == "rtrim":
        raise Problem("SP111", "MariaDB has no collation `rtrim`", path, hint="use `utf8mb4_bin`, which pads")
    return _COLLATIONS.get(name.lower(), name)


def default_sql(default: Literal | Sql, type: str, schema: MySchema, path: Path) -> str:
    """Return a default expression; the clock with the fraction that the column keeps."""
    if isinstance(default, Literal):
        return literal_for(default, type)
    text = expression_sql(default, names_of(schema), path)
    if text.upper() == "CURRENT_TIMESTAMP" and type.endswith("(6)"):
        return "current_timestamp(6)"
    return text if text.replace("_", "a").isalnum() else f"({text})"


def column_of(column: ColumnDef, schema: MySchema, path: Path) -> MyColumn:
    """Return the folded column of a definition.

    Raises:
        Problem: a type or expression that can't be had.
    """
    type = type_sql(column.type, (*path, "type"))
    if column.auto_increment and base_type(type) not in ("smallint", "int", "bigint", "tinyint", "mediumint"):
        raise Problem("SP111", f"a column of type {type} can't number itself", (*path, "auto_increment"))
    default = default_sql(column.default, type, schema, (*path, "default")) if column.default is not None else None
    default = None if default == "NULL" else default
    generated = (
        expression_sql(column.generated, names_of(schema) | {column.name}, (*path, "generated"))
        if column.generated is not None
        else None
    )
    solid = not column.nullable or column.primary_key or column.auto_increment
    collate = collation(column.collate, (*path, "collate")) if is_text(type) else ""
    return MyColumn(
        column.name, type, solid, default, column.auto_increment, generated, column.stored, collate, column.comment
    )


def column_sql(column: MyColumn) -> str:
    """Return a column's whole definition: what is left out where a column is changed would be lost."""
    parts = [quote(column.name), collated(column.type, column.collate)]
    if column.generated is not None:
        parts.append(f"GENERATED ALWAYS AS ({column.generated}) {'STORED' if column.stored else 'VIRTUAL'}")
    elif column.not_null:
        parts.append("NOT NULL")
    elif base_type(column.type) == "timestamp":
        parts.append("NULL")  # else it would be NOT NULL, on servers that are set so
    if column.default is not None:
        parts.append(f"DEFAULT {column.default}")
    if column.on_update:
        parts.append(f"ON UPDATE {column.on_update}")
    if column.auto:
        parts.append("AUTO_INCREMENT")
    if column.comment:
        parts.append(f"COMMENT {literal_sql(column.comment)}")
    return " ".join(parts)


def constraint_sql(constraint: MyConstraint) -> str:
    """Return a constraint with its name."""
    return constraint.sql if constraint.kind == "p" else f"CONSTRAINT {quote(constraint.name)} {constraint.sql}"


def index_sql(index: MyIndex) -> str:
    """Return an index as it stands in a table's definition."""
    return f"{'UNIQUE ' if index.unique else ''}KEY {quote(index.name)} ({index.parts})"


def fitted(name: str, prefix: str, table: str, parts: tuple[str, ...]) -> str:
    """Return a derived name cut to what MariaDB holds; one that a person gave stays as it is."""
    if len(name) > MAX_NAME and name == derive_name(prefix, table, parts):
        return derive_name(prefix, table, parts, MAX_NAME)
    return name


def primary(table: MyTable, key: KeyDef, path: Path) -> MyConstraint:
    """Return a primary key; on MariaDB each is called PRIMARY."""
    columns = _real(table, key.columns, path)
    _short(table, columns, path)
    return MyConstraint("PRIMARY", "p", columns, f"PRIMARY KEY ({columns_sql(columns)})")


def unique(table: MyTable, key: KeyDef, path: Path) -> MyIndex:
    """Return a unique key.

    Raises:
        Problem: SP111 it asks for what MariaDB does not have.
    """
    columns = _real(table, key.columns, path)
    if key.include or key.nulls_not_distinct or key.deferrable:
        words = "MariaDB has no unique keys with `include`, `nulls_not_distinct` or `deferrable`"
        raise Problem("SP111", words, path)
    _short(table, columns, path)
    name = fitted(key.name or derive_name("uq", table.name, columns), "uq", table.name, key.columns)
    return MyIndex(name, table.name, columns, True, columns_sql(columns))


def _short(table: MyTable, columns: tuple[str, ...], path: Path) -> None:
    for name in columns:
        column = table.column(name)
        if column is not None and is_long(column.type):
            raise Problem(
                "SP111",
                f"`{table.name}.{name}` is of type {column.type}, of which a key would hold the beginning only",
                path,
                hint="make it varchar(n)",
            )


def part_sql(column: MyColumn, length: int | None, order: str) -> tuple[str, bool]:
    """Return a part of an index, and whether it holds the beginning of the value only."""
    cut = length or (PREFIX if is_long(column.type) else None)
    return quote(column.name) + (f"({cut})" if cut else "") + (" DESC" if order == "desc" else ""), cut is not None


def foreign(schema: MySchema, table: MyTable, definition: ForeignKeyDef, path: Path) -> MyConstraint:
    """Return a foreign key whose target is seen to: table, columns, and a key that is unique.

    Raises:
        Problem: RF101, RF102; RF104 where the columns referred to are no key; SP111.
    """
    columns = _real(table, definition.columns, path)
    reference = definition.references
    if reference.deferrable or "default" in (reference.on_delete + reference.on_update).lower():
        raise Problem("SP111", "MariaDB's foreign keys are never deferred and set no default", (*path, "references"))
    name = fitted(definition.name or derive_name("fk", table.name, columns), "fk", table.name, definition.columns)
    target = table if contains([table.name], reference.table) else None
    target = target or own_table(schema, reference.table, (*path, "references", "table"))
    to = tuple(own_column(target, c, (*path, "references", "columns", n)).name for n, c in enumerate(reference.columns))
    to = to or (target.key.columns if target.key else ())
    keys = [target.key.columns] if target.key else []
    keys += [i.columns for i in schema.indexes_of(target.name) if i.unique and i.whole]
    if not to or to not in keys or len(to) != len(columns):
        raise Problem(
            "CN103",
            f"`{target.name}` has no primary or unique key on ({', '.join(to)}), which a foreign key needs to refer to",
            (*path, "references"),
            hint="refer to its primary key, in its order",
        )
    on_delete, on_update = (reference.on_delete or "restrict").upper(), (reference.on_update or "restrict").upper()
    return foreign_key(name, columns, target.name, to, on_delete, on_update)


def index_for(constraint: MyConstraint, table: MyTable, known: tuple[MyIndex, ...]) -> MyIndex | None:
    """Return the index that a foreign key needs, None where there is one; made by name, it is nobody's to take away."""
    wide = [i.columns for i in known] + ([table.key.columns] if table.key else [])
    if any(columns[: len(constraint.columns)] == constraint.columns for columns in wide):
        return None
    return MyIndex(constraint.name, table.name, constraint.columns, False, columns_sql(constraint.columns))


def _real(table: MyTable, names: tuple[str, ...], path: Path) -> tuple[str, ...]:
    found = []
    for place, name in enumerate(names):
        spelled = real((c.name for c in table.columns), name)
        if not spelled:
            own_column(table, name, (*path, "columns", place))
        found.append(spelled)
    return tuple(found)
