"""Keys, checks and foreign keys that come, go and are renamed."""

from __future__ import annotations

from dataclasses import replace

from engine.dialects.postgres import definition, names
from engine.dialects.postgres.alteration import Alteration, Later
from engine.dialects.postgres.schema import PgConstraint
from engine.dialects.postgres.sql import quote
from engine.dialects.postgres.statements import CONCURRENTLY, built_concurrently, ddl, question
from engine.errors import Path, Problem
from engine.model.changes import DropConstraint, RenameConstraint
from engine.model.definitions import CheckDef, ExcludeDef, ForeignKeyDef, KeyDef
from engine.model.plan import Check
from engine.model.state import fold, same_name


def _free(alteration: Alteration, constraint: PgConstraint, path: Path) -> None:
    names.allowed(constraint.name, path)
    if alteration.table.constraint(constraint.name):
        words = f"`{alteration.name}` has a constraint `{constraint.name}` already"
        raise Problem("RF103", words, path, subject=constraint.name)
    if constraint.kind in "pux":
        names.free(alteration.schema, constraint.name, path)


def _add(alteration: Alteration, constraint: PgConstraint, path: Path) -> None:
    _free(alteration, constraint, path)
    drop = f"DROP CONSTRAINT {quote(constraint.name)}"
    alteration.alter(f"ADD {definition.constraint_sql(constraint)}", drop)
    alteration.add_constraint(constraint)


def _validate(alteration: Alteration, constraint: PgConstraint) -> None:
    """Validate in a unit of its own: under a lock that lets others write."""
    statement = ddl(f"ALTER TABLE {quote(alteration.name)} VALIDATE CONSTRAINT {quote(constraint.name)}")
    alteration.later.append(Later(f"validate {constraint.name} of {alteration.name}", (statement,)))
    valid = replace(constraint, validated=True, sql=constraint.sql.removesuffix(" NOT VALID"))
    kept = tuple(valid if c.name == constraint.name else c for c in alteration.table.constraints)
    alteration.put(replace(alteration.table, constraints=kept))


def not_null_by_check(alteration: Alteration, column: str) -> None:
    """Make a column NOT NULL without a read of all rows under the strongest lock: a valid check says it already."""
    name, table = quote(column), quote(alteration.name)
    check = f"engine_not_null_{alteration.number()}"
    alteration.do(ddl(f"ALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({name} IS NOT NULL) NOT VALID", "prepare"))
    alteration.undo(
        ddl(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {check}", "cleanup"),
        ddl(f"ALTER TABLE {table} ALTER COLUMN {name} DROP NOT NULL"),
    )
    whole = f"{column} of {alteration.name}"
    alteration.later += [
        Later(
            f"validate that {whole} is never NULL", (ddl(f"ALTER TABLE {table} VALIDATE CONSTRAINT {check}", "check"),)
        ),
        Later(
            f"make {whole} NOT NULL",
            (
                ddl(f"ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL"),
                ddl(f"ALTER TABLE {table} DROP CONSTRAINT {check}", "cleanup"),
            ),
            "~",
            "a check that is valid says it already, so no row is read",
        ),
    ]


def _add_key(alteration: Alteration, constraint: PgConstraint, key: KeyDef, path: Path, *, large: bool) -> None:
    """Add a primary or unique key; in a large table its index is built first, while others write."""
    if not large:
        _add(alteration, constraint, path)
        return
    _free(alteration, constraint, path)
    name, table = quote(constraint.name), quote(alteration.name)
    kind = "PRIMARY KEY" if constraint.kind == "p" else "UNIQUE"
    add = f"ALTER TABLE {table} ADD CONSTRAINT {name} {kind} USING INDEX {name}"
    add += " DEFERRABLE" if key.deferrable else ""
    why = "its index is there already, so no row is read"
    build = built_concurrently(constraint.name, definition.key_index(alteration.table, constraint, key, path))
    alteration.later += [
        Later(f"build {constraint.name} of {alteration.name}", (), "+", CONCURRENTLY, build),
        Later(f"make {constraint.name} a key of {alteration.name}", (ddl(add),), "~", why),
    ]
    alteration.undo(
        ddl(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}"),
        ddl(f"DROP INDEX IF EXISTS {name}", "cleanup"),
    )
    alteration.add_constraint(constraint)


def unique_check(alteration: Alteration, columns: tuple[str, ...], path: Path, *, nulls: bool = False) -> None:
    """Look for duplicates first, so that they are shown."""
    if alteration.moves:
        return  # the rows are not yet what they will be: the server's own words must do
    listed = ", ".join(map(quote, columns))
    filled = "" if nulls else " WHERE " + " AND ".join(f"{quote(n)} IS NOT NULL" for n in columns)
    groups = f"FROM {quote(alteration.name)}{filled} GROUP BY {listed} HAVING count(*) > 1"
    if any(not alteration_has(alteration, n) for n in columns):
        return
    alteration.checks.append(
        Check(
            f"{alteration.name}: ({', '.join(columns)}) is unique",
            question(f"SELECT count(*) FROM (SELECT 1 {groups}) AS g"),
            maximum=0,
            sample=question(f"SELECT {listed}, count(*) {groups} LIMIT 5", "sample"),
            path=path,
            failure=f"{{count}} values of ({', '.join(columns)}) stand in more than one row of {alteration.name}",
        )
    )


def alteration_has(alteration: Alteration, column: str) -> bool:
    """Tell whether `column` is there before the step begins, under this name."""
    spelled = quote(column)
    return not any(f"ADD COLUMN {spelled} " in s.sql or f" TO {spelled}" in s.sql for s in alteration.forward)


def add_unique(alteration: Alteration, key: KeyDef, path: Path) -> None:
    """Add a unique key."""
    constraint = definition.unique(alteration.table, key, path)
    unique_check(alteration, constraint.columns, path, nulls=key.nulls_not_distinct)
    _add_key(alteration, constraint, key, path, large=alteration.large)


def add_check(alteration: Alteration, check: CheckDef, path: Path) -> None:
    """Add a check: at first for what is written from now on, then validated."""
    from engine.dialects.postgres.tables import expression

    sql = expression(alteration.schema, alteration.table, check.sql, path)
    constraint = definition.check(alteration.table, check, sql, valid=False)
    _add(alteration, constraint, path)
    if not check.validate_later:
        _validate(alteration, constraint)


def add_foreign_key(alteration: Alteration, key: ForeignKeyDef, path: Path) -> None:
    """Add a foreign key: at first for what is written from now on, then validated."""
    constraint = definition.foreign(alteration.schema, alteration.table, key, path, valid=False)
    _add(alteration, constraint, path)
    if key.validate != "later":
        _validate(alteration, constraint)


def add_exclude(alteration: Alteration, exclude: ExcludeDef, path: Path) -> None:
    """Add an exclusion constraint."""
    _add(alteration, definition.exclude(alteration.table, exclude, path), path)


def validate_constraint(alteration: Alteration, name: str, path: Path) -> None:
    """Validate what was added with `validate: later`; there is nothing to take back in that.

    Raises:
        Problem: RF104 there is none of the name.
    """
    found = alteration.table.constraint(name)
    if found is None:
        hint = names.meant(name, (c.name for c in alteration.table.constraints))
        raise Problem("RF104", f"`{alteration.name}` has no constraint `{name}`", path, hint=hint, subject=name)
    if not found.validated:
        _validate(alteration, found)
        alteration.do(*alteration.later.pop().statements)
        name_, table = quote(found.name), quote(alteration.name)
        alteration.undo(
            ddl(f"ALTER TABLE {table} DROP CONSTRAINT {name_}"),
            ddl(f"ALTER TABLE {table} ADD {definition.constraint_sql(found)}"),
        )


def drop_constraint(alteration: Alteration, action: DropConstraint, path: Path) -> None:
    """Drop a constraint, or the unique index that stands for one.

    Raises:
        Problem: RF104 there is none such; RF107 a foreign key of another table needs it.
    """
    found = _find(alteration, action)
    table = quote(alteration.name)
    if found is None:
        index = next(
            (
                i
                for i in alteration.schema.indexes_of(alteration.name)
                if i.unique and (same_name(i.name, action.name) or _alike(i.columns, action.unique))
            ),
            None,
        )
        if index is None or index.stale:
            what = action.name or action.check or ", ".join(action.unique or action.foreign_key)
            hint = names.meant(action.name, (c.name for c in alteration.table.constraints)) if action.name else ""
            raise Problem(
                "RF104", f"`{alteration.name}` has no constraint {what}", path, hint=hint, subject=action.name
            )
        names.refuse_loss(f"index `{index.name}`", index.extras, path, way_kept=alteration.way_kept)
        alteration.do(ddl(f"DROP INDEX {quote(index.name)}"))
        alteration.undo(ddl(index.sql))
        left = tuple(i for i in alteration.schema.indexes if i.name != index.name)
        alteration.schema = replace(alteration.schema, indexes=left)
        return
    if found.kind in "pu":
        _refuse_needed(alteration, found, path)
    names.refuse_loss(f"constraint `{found.name}`", found.extras, path, way_kept=alteration.way_kept)
    alteration.do(ddl(f"ALTER TABLE {table} DROP CONSTRAINT {quote(found.name)}"))
    alteration.undo(ddl(f"ALTER TABLE {table} ADD {definition.constraint_sql(found)}"))
    alteration.drop_constraint(found)


def _refuse_needed(alteration: Alteration, found: PgConstraint, path: Path) -> None:
    needing = [
        f"`{c.name}` of `{t.name}`"
        for t, c in alteration.schema.referring_to(alteration.name)
        if _alike(c.to_columns, found.columns)
    ]
    if needing:
        raise Problem(
            "RF107",
            f"the foreign key {', '.join(needing)} refers to `{found.name}`",
            path,
            hint="drop it before this step",
            subject=alteration.name,
        )


def _find(alteration: Alteration, action: DropConstraint) -> PgConstraint | None:
    for constraint in alteration.table.constraints:
        if action.name and same_name(constraint.name, action.name):
            return constraint
        if action.unique and constraint.kind == "u" and _alike(constraint.columns, action.unique):
            return constraint
        if action.foreign_key and constraint.kind == "f" and _alike(constraint.columns, action.foreign_key):
            return constraint
        if action.check and constraint.kind == "c" and _plain(constraint.sql) == _plain(f"CHECK ({action.check})"):
            return constraint
    return None


def _plain(sql: str) -> str:
    return "".join(sql.split()).lower().replace("(", "").replace(")", "").replace('"', "")


def _alike(left: tuple[str, ...], right: tuple[str, ...]) -> bool:
    return bool(left) and sorted(map(fold, left)) == sorted(map(fold, right))


def rename_constraint(alteration: Alteration, action: RenameConstraint) -> None:
    """Rename a constraint.

    Raises:
        Problem: RF103, RF104.
    """
    found = alteration.table.constraint(action.name)
    if found is None:
        hint = names.meant(action.name, (c.name for c in alteration.table.constraints))
        words = f"`{alteration.name}` has no constraint `{action.name}`"
        raise Problem("RF104", words, ("constraint",), hint=hint, subject=action.name)
    moved = replace(found, name=action.to)
    _free(alteration, moved, ("to",))
    old, new = quote(found.name), quote(action.to)
    alteration.alter(f"RENAME CONSTRAINT {old} TO {new}", f"RENAME CONSTRAINT {new} TO {old}")
    kept = tuple(moved if c.name == found.name else c for c in alteration.table.constraints)
    alteration.put(replace(alteration.table, constraints=kept))


def set_primary_key(alteration: Alteration, key: KeyDef, path: Path) -> None:
    """Give the table another primary key.

    Raises:
        Problem: RF102, RF107.
    """
    table = alteration.table
    large = alteration.large and table.key is None  # else it would be without a key meanwhile
    if table.key is not None:
        _refuse_needed(alteration, table.key, path)
        old = table.key
        names.refuse_loss(f"constraint `{old.name}`", old.extras, path, way_kept=alteration.way_kept)
        name = quote(table.name)
        alteration.do(ddl(f"ALTER TABLE {name} DROP CONSTRAINT {quote(old.name)}"))
        alteration.undo(ddl(f"ALTER TABLE {name} ADD {definition.constraint_sql(old)}"))
        alteration.drop_constraint(old)
    constraint = definition.primary(alteration.table, key, path)
    unique_check(alteration, constraint.columns, path)
    solid = [c.name for c in table.columns if not c.not_null and names.contains(constraint.columns, c.name)]
    for column in solid:
        if large:
            not_null_by_check(alteration, column)
        else:
            alteration.undo(ddl(f"ALTER TABLE {quote(table.name)} ALTER COLUMN {quote(column)} DROP NOT NULL"))
    _add_key(alteration, constraint, key, path, large=large)
    kept = tuple(replace(c, not_null=True) if c.name in solid else c for c in alteration.table.columns)
    alteration.put(replace(alteration.table, columns=kept))
