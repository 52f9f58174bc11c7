"""Definitions as a spec asks for them → PostgreSQL's text and the folded values."""

from __future__ import annotations

import re

from engine.dialects.postgres.expression import names_of
from engine.dialects.postgres.names import contains, own_column, real
from engine.dialects.postgres.schema import PgColumn, PgConstraint, PgSchema, PgTable
from engine.dialects.postgres.sql import MAX_NAME, columns_sql, literal_for, literal_sql, quote, type_sql
from engine.dialects.postgres.translate import expression_sql
from engine.errors import Path, Problem
from engine.model.definitions import CheckDef, ColumnDef, ExcludeDef, ForeignKeyDef, KeyDef, ReferenceDef
from engine.model.expression import Literal, PerDialect, Sql
from engine.steps.names import derive_name

_COLLATIONS = {"binary": "C"}


def column_type(type: PerDialect, schema: PgSchema, path: Path) -> str:
    """Return a column's type as `format_type` prints it; an enum's name is quoted where it must be.

    Raises:
        Problem: SP111 where the spec gives none.
    """
    text = type_sql(type, path)
    enum = schema.enum(text)
    if (enum is not None and not enum.name.replace("_", "a").isalnum()) or (
        enum is not None and enum.name != enum.name.lower()
    ):
        return quote(enum.name)
    return enum.name if enum is not None else text


def collation(name: str, path: Path) -> str:
    """Return a collation's name, "" for none.

    Raises:
        Problem: SP111 for one of SQLite's that PostgreSQL does not have.
    """
    if name.lower() in ("nocase", "rtrim"):
        raise Problem(
            "SP111",
            f"PostgreSQL has no collation `{name}`",
            path,
            hint="use the type citext, or an index and a condition on lower(…)",
        )
    return _COLLATIONS.get(name.lower(), name)


def default_sql(default: Literal | Sql, type: str, schema: PgSchema, path: Path) -> str:
    """Return a default expression."""
    if isinstance(default, Literal):
        return literal_for(default, type)
    return expression_sql(default, names_of(schema), path)


def column_of(column: ColumnDef, schema: PgSchema, path: Path) -> PgColumn:
    """Return the folded column of a definition.

    Raises:
        Problem: a type or expression that can't be had.
    """
    type = column_type(column.type, schema, (*path, "type"))
    if column.auto_increment and type not in ("smallint", "integer", "bigint"):
        raise Problem("SP111", f"a column of type {type} can't number itself", (*path, "auto_increment"))
    default = default_sql(column.default, type, schema, (*path, "default")) if column.default is not None else None
    default = None if default == "NULL" else default  # which is what the server makes of it
    generated = (
        expression_sql(column.generated, names_of(schema) | {column.name}, (*path, "generated"))
        if column.generated is not None
        else None
    )
    solid = not column.nullable or column.primary_key or column.auto_increment
    return PgColumn(
        column.name,
        type,
        solid,
        default,
        "d" if column.auto_increment else "",
        generated,
        collation(column.collate, (*path, "collate")),
        column.comment,
    )


def column_sql(column: PgColumn) -> str:
    """Return a column's definition."""
    parts = [quote(column.name), column.type]
    if column.collate:
        parts.append(f"COLLATE {quote(column.collate)}")
    if column.generated is not None:
        parts.append(f"GENERATED ALWAYS AS ({column.generated}) STORED")
    if column.identity:
        parts.append(f"GENERATED {'ALWAYS' if column.identity == 'a' else 'BY DEFAULT'} AS IDENTITY")
    if column.not_null:
        parts.append("NOT NULL")
    if column.default is not None:
        parts.append(f"DEFAULT {column.default}")
    return " ".join(parts)


def constraint_sql(constraint: PgConstraint) -> str:
    """Return a constraint with its name."""
    return f"CONSTRAINT {quote(constraint.name)} {constraint.sql}"


def fitted(name: str, prefix: str, table: str, parts: tuple[str, ...]) -> str:
    """Return a derived name cut to what PostgreSQL holds; one that a person gave stays as it is."""
    if len(name.encode("utf-8", "surrogatepass")) > MAX_NAME and name == derive_name(prefix, table, parts):
        return derive_name(prefix, table, parts, MAX_NAME)
    return name


def primary(table: PgTable, key: KeyDef, path: Path) -> PgConstraint:
    """Return a primary key."""
    columns = _real(table, key.columns, path)
    name = key.name or f"{table.name}_pkey"
    if len(name.encode()) > MAX_NAME:
        name = derive_name("pk", table.name, (), MAX_NAME)
    return PgConstraint(name, "p", columns, f"PRIMARY KEY ({columns_sql(columns)}){_include(table, key, path)}")


def unique(table: PgTable, key: KeyDef, path: Path) -> PgConstraint:
    """Return a unique key."""
    columns = _real(table, key.columns, path)
    name = fitted(key.name or derive_name("uq", table.name, columns), "uq", table.name, key.columns)
    nulls = " NULLS NOT DISTINCT" if key.nulls_not_distinct else ""
    defer = " DEFERRABLE" if key.deferrable else ""
    sql = f"UNIQUE{nulls} ({columns_sql(columns)}){_include(table, key, path)}{defer}"
    return PgConstraint(name, "u", columns, sql, deferrable=key.deferrable)


def key_index(table: PgTable, constraint: PgConstraint, key: KeyDef, path: Path) -> str:
    """Return the text of the index of a key, to be built before the key is made of it."""
    nulls = " NULLS NOT DISTINCT" if key.nulls_not_distinct else ""
    head = f"CREATE UNIQUE INDEX {quote(constraint.name)} ON {quote(table.name)}"
    return f"{head} ({columns_sql(constraint.columns)}){_include(table, key, path)}{nulls}"


def _include(table: PgTable, key: KeyDef, path: Path) -> str:
    return f" INCLUDE ({columns_sql(_real(table, key.include, path))})" if key.include else ""


def check(table: PgTable, definition: CheckDef, sql: str, *, valid: bool = True) -> PgConstraint:
    """Return a check, `sql` its expression."""
    later = "" if valid else " NOT VALID"
    return PgConstraint(definition.name, "c", (), f"CHECK ({sql}){later}", validated=valid)


def exclude(table: PgTable, definition: ExcludeDef, path: Path) -> PgConstraint:
    """Return an exclusion constraint."""
    strange = next((sign for _, sign in definition.elements if not re.fullmatch(r"[-+*/<>=~!@#%^&|`?]+", sign)), "")
    if strange:
        raise Problem("SP110", f"`{strange}` is no operator", path)
    parts = ", ".join(
        f"{quote(own_column(table, column, path).name)} WITH {sign}" for column, sign in definition.elements
    )
    columns = tuple(own_column(table, column, path).name for column, _ in definition.elements)
    return PgConstraint(definition.name, "x", columns, f"EXCLUDE USING {quote(definition.using)} ({parts})")


def foreign(
    schema: PgSchema, table: PgTable, definition: ForeignKeyDef, path: Path, *, valid: bool = True
) -> PgConstraint:
    """Return a foreign key whose target is seen to: table, columns, and a key that is unique.

    Raises:
        Problem: RF101, RF102; RF104 where the columns referred to are no key.
    """
    columns = _real(table, definition.columns, path)
    name = fitted(definition.name or derive_name("fk", table.name, columns), "fk", table.name, definition.columns)
    target = table if contains([table.name], definition.references.table) else None
    target = target or schema.table(definition.references.table)
    if target is None:
        from engine.dialects.postgres.names import own_table

        target = own_table(schema, definition.references.table, (*path, "references", "table"))
    to = _target(schema, target, definition.references, columns, (*path, "references"))
    reference = definition.references
    on_delete, on_update = (reference.on_delete or "no action").upper(), (reference.on_update or "no action").upper()
    sql = f"FOREIGN KEY ({columns_sql(columns)}) REFERENCES {quote(target.name)} ({columns_sql(to)})"
    sql += "" if on_update == "NO ACTION" else f" ON UPDATE {on_update}"
    sql += "" if on_delete == "NO ACTION" else f" ON DELETE {on_delete}"
    sql += " DEFERRABLE INITIALLY DEFERRED" if reference.deferrable else ""
    sql += "" if valid else " NOT VALID"
    return PgConstraint(
        name, "f", columns, sql, target.name, to, on_delete, on_update, reference.deferrable, validated=valid
    )


def _target(
    schema: PgSchema, target: PgTable, reference: ReferenceDef, columns: tuple[str, ...], path: Path
) -> tuple[str, ...]:
    to = tuple(own_column(target, c, (*path, "columns", n)).name for n, c in enumerate(reference.columns))
    to = to or (target.key.columns if target.key else ())
    keys = [set(c.columns) for c in target.constraints if c.kind in "pu" and not c.deferrable]
    keys += [set(i.columns) for i in schema.indexes_of(target.name) if i.unique and i.where is None]
    if not to or set(to) not in keys:
        shown = target.key.columns if target.key else ()
        raise Problem(
            "CN103",
            f"`{target.name}` has no primary or unique key on ({', '.join(to)}), which a foreign key needs to refer to",
            path,
            hint=f"refer to its primary key ({', '.join(shown)})" if shown else "give it a unique key first",
        )
    if len(to) != len(columns):
        raise Problem(
            "CN103",
            f"a foreign key of {len(columns)} columns can't refer to a key of {len(to)} ({', '.join(to)})",
            path,
        )
    return to


def _real(table: PgTable, names: tuple[str, ...], path: Path) -> tuple[str, ...]:
    found = []
    for place, name in enumerate(names):
        spelled = real((c.name for c in table.columns), name)
        if not spelled:
            own_column(table, name, (*path, "columns", place))
        found.append(spelled)
    return tuple(found)


def comment_sql(kind: str, name: str, comment: str | None) -> str:
    """Return COMMENT ON; `name` is SQL."""
    return f"COMMENT ON {kind} {name} IS {literal_sql(comment or None)}"
