"""Names in a spec: found, free, allowed; and how they are told."""

from __future__ import annotations

from engine.dialects.postgres.schema import PgColumn, PgSchema, PgTable, PgView
from engine.dialects.postgres.sql import MAX_NAME
from engine.dialects.shared.names import column_of, contains, listed, meant, real
from engine.dialects.shared.relations import Naming
from engine.errors import Path, Problem
from engine.model.state import same_name

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
    "refuse_loss",
    "relation",
]

NAMING = Naming(
    "names a schema, and the engine works in the first one of the search path",
    "name the schema in the URL: ?options=-csearch_path%3Dname",
    reserved=("engine_", "migration_history", "pg_"),
    owner=lambda name: "PostgreSQL" if name.startswith("pg_") else "the engine",
)
relation = NAMING.relation
# What stands in the way of changing a table's shape, and its rows. Other features stay as they are.
_SHAPE = ("partitions", "inheritance", "a foreign server")
_ROWS = ("rules", "inheritance", "a foreign server")


def own_table(schema: PgSchema, name: str, path: Path, *, rows: bool = False) -> PgTable:
    """Return the table called `name` that a step changes.

    Args:
        rows: only its rows change, and not its shape.

    Raises:
        Problem: RF101 there is none, RF111 it is a view; SP111 it has what the engine does not model.
    """
    return NAMING.own_table(schema, name, path, _ROWS if rows else _SHAPE)


def columns_of(found: PgTable | PgView) -> tuple[PgColumn, ...]:
    """Return the columns of a table or view."""
    if isinstance(found, PgTable):
        return found.columns
    return tuple(PgColumn(name, type) for name, type in found.columns)


def own_column(table: PgTable, name: str, path: Path) -> PgColumn:
    """Return the column called `name` of `table`.

    Raises:
        Problem: RF102 there is none.
    """
    return column_of(table.name, table.columns, name, path)


def allowed(name: str, path: Path) -> None:
    """See to it that a new name may be given.

    Raises:
        Problem: RF113 the engine or PostgreSQL keeps the prefix for itself; SP110 it can't be a name.
    """
    if not name.strip() or "\0" in name:
        raise Problem("SP110", "a name can't be empty", path)
    if len(name.encode("utf-8", "surrogatepass")) > MAX_NAME:
        raise Problem("SP110", f"`{name}` is longer than {MAX_NAME} bytes, and PostgreSQL would cut it", path)
    NAMING.see_allowed(name, path)


def free(schema: PgSchema, name: str, path: Path) -> None:
    """See to it that no table, view, index or type has the name: on PostgreSQL they share one list.

    Raises:
        Problem: RF113 as in `allowed`; RF103 it is taken.
    """
    allowed(name, path)
    kinds = (
        ("table", schema.table(name)),
        ("view", schema.view(name)),
        ("index", schema.index(name)),
        ("type", schema.enum(name)),
        ("sequence", contains(schema.others, name)),
        (
            "constraint",
            any(c.kind in "pux" and same_name(c.name, name) for t in schema.tables for c in t.constraints),
        ),
    )
    kind = next((kind for kind, found in kinds if found), "")
    if kind:
        raise Problem(
            "RF103", f"there is {'an' if kind == 'index' else 'a'} {kind} `{name}` already", path, subject=name
        )


def refuse_loss(what: str, extras: tuple[str, ...], path: Path, *, way_kept: bool = True) -> None:
    """Stop where an object would come back without something that it has.

    Raises:
        Problem: SP111 names it.
    """
    if extras and way_kept:
        raise Problem(
            "SP111",
            f"the {what} has {' and '.join(extras)}, which the way back would lose",
            path,
            hint="say `irreversible: <reason>` on the step, if it may be lost",
        )
