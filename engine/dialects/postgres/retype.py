"""A column's type, collation or values changed, with what it held kept for the way back."""

from __future__ import annotations

from dataclasses import replace

from engine.dialects.postgres import names
from engine.dialects.postgres.access import look
from engine.dialects.postgres.alteration import Alteration, refuse_column_users
from engine.dialects.postgres.expression import names_of
from engine.dialects.postgres.schema import PgColumn
from engine.dialects.postgres.sql import base_type, cast_type, differs, given_back, literal_for, quote
from engine.dialects.postgres.statements import ddl, question, rows
from engine.dialects.postgres.translate import expression_sql
from engine.dialects.postgres.walk import Key, column_definition, identity, image_definition
from engine.errors import Path, Problem
from engine.model import changes as c
from engine.model.expression import Expression, Literal, Parse
from engine.model.plan import Guard, Statement

_WIDER = (
    ("smallint", "integer"),
    ("smallint", "bigint"),
    ("integer", "bigint"),
    ("real", "double precision"),
    ("character varying", "text"),
    ("character varying", "character varying"),
)


def using_sql(alteration: Alteration, expression: Expression, path: Path, type: str) -> str:
    """Return the expression that fills a column, its names seen to exist."""
    schema, table = alteration.schema, alteration.table
    if isinstance(expression, Literal):
        return literal_for(expression, type)
    text = expression_sql(expression, names_of(schema), path)
    looked = text
    if isinstance(expression, Parse):
        looked = expression_sql(expression.column, names_of(schema), path)
    look(schema, f"SELECT ({looked}) FROM {quote(table.name)}", path, table.name)
    return text


def retype(alteration: Alteration, old: PgColumn, new: PgColumn, action: c.ChangeColumn, path: Path) -> None:
    """Change type, collation or (with `using`) the values, and keep what the old values were."""
    table = alteration.table
    if old.numbers_itself and base_type(new.type) not in ("smallint", "integer", "bigint"):
        raise Problem("SP111", f"`{old.name}` numbers itself, and stays a whole number", (*path, "type"))
    refuse_column_users(alteration, old.name, path, views_only=True)
    if any(names.contains(k.to_columns, old.name) for _, k in alteration.schema.referring_to(table.name)):
        raise Problem(
            "RF107",
            f"foreign keys of other tables refer to `{table.name}.{old.name}`",
            path,
            hint="drop them before this step and add them again after it",
        )
    stored = tuple(e for e in old.extras if e in ("a storage", "a compression"))
    if stored and new.type != old.type:
        names.refuse_loss(f"column `{old.name}`", stored, path)
    name = quote(old.name)
    widens = action.using is None and _widens(old.type, new.type)
    collate = f" COLLATE {quote(new.collate)}" if new.collate else ""
    fill = f"CAST({name} AS {cast_type(new.type)})"
    if action.using is not None:
        fill = using_sql(alteration, action.using, (*path, "using"), new.type)
    keep = alteration.way_kept and not widens and (new.type != old.type or action.using is not None)
    key = identity(table, alteration.schema)
    journal = ""
    if keep:
        if key is None or names.contains(key.names, old.name):
            raise Problem(
                "SP111",
                f"what `{old.name}` held can't be kept: "
                + ("it is in the key by which rows are known" if key else f"`{table.name}` has no key"),
                path,
                hint="say `irreversible: <reason>` on the step, if it may be lost",
            )
        journal = f"engine_undo_{alteration.number()}"
        _keep(alteration, journal, key, old, new)
    default = old.default
    if default is not None and new.type != old.type:
        alteration.alter(f"ALTER COLUMN {name} DROP DEFAULT")
    typed = f"ALTER COLUMN {name} TYPE {new.type}{collate} USING ({fill})"
    was = f" COLLATE {quote(old.collate)}" if old.collate else ""
    back = [
        ddl(
            f"ALTER TABLE {quote(table.name)} ALTER COLUMN {name} TYPE {old.type}{was}"
            f" USING (CAST({name} AS {cast_type(old.type)}))"
        )
    ]
    alteration.do(ddl(f"ALTER TABLE {quote(table.name)} {typed}"))
    if default is not None and new.type != old.type:
        alteration.alter(f"ALTER COLUMN {name} SET DEFAULT {default}")
        back = [
            ddl(f"ALTER TABLE {quote(table.name)} ALTER COLUMN {name} DROP DEFAULT"),
            *back,
            ddl(f"ALTER TABLE {quote(table.name)} ALTER COLUMN {name} SET DEFAULT {default}"),
        ]
    if journal and key is not None:
        _settle(alteration, journal, key, old, new, back)
    else:
        alteration.undo(*back)
    alteration.rewrites = alteration.rewrites or not widens or base_type(old.type) != base_type(new.type)
    alteration.moves = True
    alteration.put(table.with_column(replace(new, default=default)))


def _widens(old: str, new: str) -> bool:
    if (base_type(old), base_type(new)) == ("character varying", "character varying"):
        size = [int(t[t.index("(") + 1 : -1]) if "(" in t else 10**9 for t in (old, new)]
        return size[0] <= size[1]
    return old == new or (base_type(old), base_type(new)) in _WIDER[:-1]


def _keep(alteration: Alteration, journal: str, key: Key, old: PgColumn, new: PgColumn) -> None:
    alteration.keeps.append(journal)
    columns = [column_definition(f"key_{k.name}", k) for k in key.columns]
    columns += [image_definition("old", old), image_definition("new", new)]
    keys = ", ".join(quote(f"key_{n}") for n in key.names)
    live = ", ".join(quote(n) for n in key.names)
    alteration.do(
        ddl(f"CREATE TABLE {quote(journal)} ({', '.join(columns)}, PRIMARY KEY ({keys}))", "journal"),
        rows(
            f'INSERT INTO {quote(journal)} ({keys}, "old")'
            f" SELECT {live}, {quote(old.name)} FROM {quote(alteration.name)}",
            "journal",
        ),
    )


def _settle(
    alteration: Alteration, journal: str, key: Key, old: PgColumn, new: PgColumn, back: list[Statement]
) -> None:
    """Note the new values beside the old ones, forget rows that stayed as they were, and write the way back."""
    name, table = quote(old.name), quote(alteration.name)
    ties = " AND ".join(f"t.{quote(n)} = j.{quote(f'key_{n}')}" for n in key.names)
    source = f"{quote(journal)} AS j"
    alteration.do(
        rows(f'UPDATE {quote(journal)} AS j SET "new" = t.{name} FROM {table} AS t WHERE {ties}', "journal"),
        rows(
            f'DELETE FROM {source} WHERE CAST("old" AS text) COLLATE "C"'
            ' IS NOT DISTINCT FROM CAST("new" AS text) COLLATE "C"',
            "journal",
        ),
    )
    other = differs(f"t.{name}", 'j."new"', new.type)
    stays = f"NOT ({other})"
    loose = old.not_null or new.not_null
    statements: list[Statement] = []
    if loose:
        statements.append(ddl(f"ALTER TABLE {table} ALTER COLUMN {name} DROP NOT NULL", "prepare"))
    # A value that has no place in the old type goes first; NULL has one in every type.
    statements += alteration.update(
        f"UPDATE {table} AS t SET {name} = NULL FROM {source} WHERE {ties} AND ({stays} OR :force = 1)"
    )
    statements += back
    was = given_back('j."old"', old.type)
    statements += alteration.update(
        f"UPDATE {table} AS t SET {name} = {was} FROM {source} WHERE {ties} AND t.{name} IS NULL"
    )
    if old.not_null:
        statements.append(ddl(f"ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL", "restore"))
    alteration.undo(*statements)
    keys = ", ".join(f"j.{quote(f'key_{n}')}" for n in key.names)
    condition = f"FROM {source} JOIN {table} AS t ON {ties} WHERE {other}"
    alteration.guards.append(
        Guard(
            "changed",
            alteration.name,
            question(f"SELECT count(*) {condition}", "guard"),
            question(f"SELECT {keys} {condition} LIMIT 5", "guard"),
            f"{{count}} rows of `{alteration.name}` were changed since in `{old.name}`",
        )
    )
