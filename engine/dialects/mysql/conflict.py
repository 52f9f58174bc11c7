"""`on_conflict: skip`: by which key a row is there already."""

from __future__ import annotations

from engine.dialects.mysql.expression import Planning
from engine.dialects.mysql.names import own_column
from engine.dialects.mysql.schema import MyTable
from engine.dialects.mysql.walk import unique_keys
from engine.errors import Problem
from engine.model.state import fold


def conflict_key(session: Planning, table: MyTable, given: tuple[str, ...], written: set[str]) -> tuple[str, ...]:
    """Return the columns of the key that tells whether a row is there.

    Raises:
        Problem: RF102 a column that is not there; SP102 which key is not clear; SP111 it is no unique key.
    """
    names = tuple(own_column(table, n, ("conflict_key", place)).name for place, n in enumerate(given))
    keys = unique_keys(table, session.schema)
    if not names:
        found = [k for k in keys if {fold(n) for n in k} <= written]
        if len(found) != 1:
            raise Problem(
                "SP102",
                f"`skip` can't tell by which key rows of `{table.name}` are the same",
                ("on_conflict",),
                hint="name it: `conflict_key: […]`",
            )
        return found[0]
    if set(map(fold, names)) not in [set(map(fold, k)) for k in keys]:
        shown = ", ".join(f"[{', '.join(k)}]" for k in keys)
        raise Problem(
            "SP111",
            f"no primary key, unique key or unique index of `{table.name}` is over ({', '.join(names)})",
            ("conflict_key",),
            hint=f"`{table.name}` is unique by {shown}" if shown else "add a unique index first",
        )
    unwritten = [n for n in names if fold(n) not in written]
    if unwritten:
        words = f"`{unwritten[0]}` tells which row is there, and nothing is written into it"
        raise Problem("SP102", words, ("conflict_key",), hint=f"add `{unwritten[0]}: …` to `columns`")
    return names
