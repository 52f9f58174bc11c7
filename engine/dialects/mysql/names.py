"""Names in a spec: found, free, allowed; and how they are told."""

from __future__ import annotations

from engine.dialects.mysql.schema import MyColumn, MySchema, MyTable, MyView
from engine.dialects.mysql.sql import MAX_NAME
from engine.dialects.shared.names import column_of, contains, listed, meant, real
from engine.errors import Path, Problem
from engine.model.state import fold

__all__ = [
    "RESERVED",
    "allowed",
    "columns_of",
    "contains",
    "free",
    "listed",
    "meant",
    "own_column",
    "own_table",
    "real",
    "relation",
]

RESERVED = ("engine_", "migration_history")


def own_table(schema: MySchema, name: str, path: Path) -> MyTable:
    """Return the table called `name` that a step changes.

    Raises:
        Problem: RF101 there is none, RF111 it is a view; SP111 it has what the engine does not model.
    """
    found = schema.table(name)
    if found is None:
        if schema.view(name):
            raise Problem("RF111", f"`{name}` is a view, and this step is for tables", path, subject=name)
        _schema_refused(name, path)
        hint = meant(name, (t.name for t in schema.tables))
        raise Problem("RF101", f"there is no table `{name}`", path, hint=hint, subject=name)
    if found.features:
        raise Problem(
            "SP111",
            f"`{found.name}` has {' and '.join(found.features)}, which the engine does not handle yet",
            path,
            hint="write `sql` with `undo` for it",
            subject=found.name,
        )
    return found


def _schema_refused(name: str, path: Path) -> None:
    if "." in name:
        raise Problem(
            "SP111",
            f"`{name}` names another database, and the engine works in the one that the URL names",
            path,
            hint="leave out what stands before the dot",
            subject=name,
        )


def relation(schema: MySchema, name: str, path: Path) -> MyTable | MyView:
    """Return the table or view called `name`.

    Raises:
        Problem: RF101 there is none.
    """
    found = schema.table(name) or schema.view(name)
    if found is None:
        _schema_refused(name, path)
        known = [t.name for t in schema.tables] + [v.name for v in schema.views]
        raise Problem("RF101", f"there is no table or view `{name}`", path, hint=meant(name, known), subject=name)
    return found


def columns_of(found: MyTable | MyView) -> tuple[MyColumn, ...]:
    """Return the columns of a table or view."""
    if isinstance(found, MyTable):
        return found.columns
    return tuple(MyColumn(name, type) for name, type in found.columns)


def own_column(table: MyTable, name: str, path: Path) -> MyColumn:
    """Return the column called `name` of `table`.

    Raises:
        Problem: RF102 there is none.
    """
    return column_of(table.name, table.columns, name, path)


def allowed(name: str, path: Path) -> None:
    """See to it that a new name may be given.

    Raises:
        Problem: RF113 the engine keeps the prefix for itself; SP110 it can't be a name.
    """
    if not name.strip() or "\0" in name:
        raise Problem("SP110", "a name can't be empty", path)
    if len(name) > MAX_NAME or name != name.rstrip():
        raise Problem("SP110", f"`{name}` is longer than {MAX_NAME} characters, or ends in a space", path)
    if not all(c <= "\uffff" for c in name):
        words = f"`{name}` has a character above U+FFFF (an emoji, say), which MariaDB has in no name"
        raise Problem("SP110", words, path, subject=name)
    _schema_refused(name, path)
    if fold(name).startswith(RESERVED):
        raise Problem("RF113", f"`{name}` begins as the names that the engine keeps for itself", path, subject=name)


def free(schema: MySchema, name: str, path: Path) -> None:
    """See to it that no table or view has the name.

    Raises:
        Problem: RF113 as in `allowed`; RF103 it is taken.
    """
    allowed(name, path)
    kind = "table" if schema.table(name) else "view" if schema.view(name) else ""
    if kind:
        raise Problem("RF103", f"there is a {kind} `{name}` already", path, subject=name)
