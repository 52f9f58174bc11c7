"""Looking names up in the state: what is there, what is free, what was probably meant."""

from __future__ import annotations

from engine.dialects.shared.names import column_of, contains, listed, meant
from engine.errors import Path, Problem
from engine.model.naming import fault_of
from engine.model.state import Column, SchemaState, Table, View, fold

__all__ = [
    "RESERVED",
    "allowed",
    "contains",
    "free",
    "listed",
    "meant",
    "own_column",
    "own_table",
    "relation",
    "sound",
]

RESERVED = ("engine_", "sqlite_", "migration_history")


def own_table(state: SchemaState, name: str, path: Path) -> Table:
    """Return the table called `name` that a step changes.

    Raises:
        Problem: RF101 there is none, RF111 it is a view or belongs to an extension.
    """
    table = state.table(name)
    if table is None:
        if state.view(name):
            raise Problem("RF111", f"`{name}` is a view, and this step is for tables", path, subject=name)
        hint = meant(name, (t.name for t in state.tables))
        raise Problem("RF101", f"there is no table `{name}`", path, hint=hint, subject=name)
    if table.virtual:
        raise Problem(
            "RF111",
            f"`{name}` is made by an extension, or needs one that is not here: the engine does not change it",
            path,
            hint="write `sql` with `undo` for it",
            subject=name,
        )
    return table


def relation(state: SchemaState, name: str, path: Path) -> Table | View:
    """Return the table or view called `name`.

    Raises:
        Problem: RF101 there is none.
    """
    found = state.relation(name)
    if found is None:
        known = [t.name for t in state.tables] + [v.name for v in state.views]
        raise Problem("RF101", f"there is no table or view `{name}`", path, hint=meant(name, known), subject=name)
    return found


def own_column(table: Table, name: str, path: Path) -> Column:
    """Return the column called `name` of `table`.

    Raises:
        Problem: RF102 there is none.
    """
    return column_of(table.name, table.columns, name, path)


def allowed(name: str, path: Path) -> None:
    """See to it that a new name may be given.

    Raises:
        Problem: RF113 the engine or SQLite keeps the prefix for itself; SP110 it is empty, or
            holds what nobody sees.
    """
    sound(name, path)
    if fold(name).startswith(RESERVED):
        owner = "SQLite" if fold(name).startswith("sqlite_") else "the engine"
        raise Problem("RF113", f"`{name}` begins as the names that {owner} keeps for itself", path, subject=name)


def sound(name: str, path: Path) -> None:
    """See to it that a new name, of a column too, can be read by people as it is.

    Raises:
        Problem: SP110 it can't.
    """
    fault = fault_of(name)
    if fault:
        raise Problem("SP110", fault, path, hint="take it out", subject=name)


def free(state: SchemaState, name: str, path: Path) -> None:
    """See to it that no table, view or index has the name: on SQLite they share one list.

    Raises:
        Problem: RF113 as in `allowed`; RF103 it is taken.
    """
    allowed(name, path)
    kinds = (("table", state.table(name)), ("view", state.view(name)), ("index", state.index(name)))
    kind = next((kind for kind, found in kinds if found), "")
    if kind:
        article = "an" if kind == "index" else "a"
        raise Problem("RF103", f"there is {article} {kind} `{name}` already", path, subject=name)
