"""Names in a spec: found, free, allowed; and how they are told."""

from __future__ import annotations

from engine.dialects.mysql.schema import MyColumn, MySchema, MyTable, MyView
from engine.dialects.mysql.sql import MAX_NAME
from engine.dialects.shared.names import column_of, contains, listed, meant, real
from engine.dialects.shared.relations import Naming
from engine.errors import Path, Problem

__all__ = [
    "NAMING",
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

NAMING = Naming(
    "names another database, and the engine works in the one that the URL names",
    "leave out what stands before the dot",
    reserved=("engine_", "migration_history"),
    owner=lambda name: "the engine",
)
own_table, relation = NAMING.own_table, NAMING.relation


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
    NAMING.see_allowed(name, path)


def free(schema: MySchema, name: str, path: Path) -> None:
    """See to it that no table or view has the name.

    Raises:
        Problem: RF113 as in `allowed`; RF103 it is taken.
    """
    allowed(name, path)
    kind = "table" if schema.table(name) else "view" if schema.view(name) else ""
    if kind:
        raise Problem("RF103", f"there is a {kind} `{name}` already", path, subject=name)
