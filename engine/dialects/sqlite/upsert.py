"""`on_conflict`: what an insert does with rows whose key is taken."""

from __future__ import annotations

from engine.dialects.sqlite.expression import Planning
from engine.dialects.sqlite.names import own_column
from engine.dialects.sqlite.shadow_connection import ShadowError
from engine.dialects.sqlite.sql import columns_sql, quote
from engine.errors import Problem
from engine.model.state import Column, Table, fold

_COLLATIONS = ("", " COLLATE BINARY", " COLLATE NOCASE", " COLLATE RTRIM")


def conflict_clause(
    session: Planning,
    table: Table,
    on_conflict: str,
    conflict_key: tuple[str, ...],
    columns: tuple[Column, ...],
) -> str:
    """Return the ON CONFLICT clause of an insert, "" for `fail`.

    Args:
        columns: what the insert writes; `replace` replaces just these.

    Raises:
        Problem: RF102 a key column that is not there, SP111 a key that no unique index stands behind.
    """
    if on_conflict == "fail":
        return ""
    names = tuple(own_column(table, n, ("conflict_key", place)).name for place, n in enumerate(conflict_key))
    if not names and on_conflict == "skip":
        return "ON CONFLICT DO NOTHING"
    if not names:
        names = _only_key(session, table, columns)
    target = _target(session, table, names)
    mine = {fold(n) for n in names}
    sets = ", ".join(f"{quote(c.name)} = excluded.{quote(c.name)}" for c in columns if fold(c.name) not in mine)
    if on_conflict == "skip" or not sets:
        return f"ON CONFLICT {target} DO NOTHING"
    return f"ON CONFLICT {target} DO UPDATE SET {sets}"


def _only_key(session: Planning, table: Table, columns: tuple[Column, ...]) -> tuple[str, ...]:
    """Return the one unique key that the insert writes."""
    written = {fold(c.name) for c in columns}
    keys = [table.primary_key, *(k.columns for k in table.keys if not k.primary)]
    keys += [i.columns for i in session.state.indexes_of(table.name) if i.unique]
    found = list(dict.fromkeys(k for k in keys if k and {fold(n) for n in k} <= written))
    if len(found) != 1:
        raise Problem(
            "SP102",
            f"`replace` can't tell by which key rows of `{table.name}` are the same",
            ("on_conflict",),
            hint="name it: `conflict_key: […]`",
        )
    return found[0]


def _target(session: Planning, table: Table, names: tuple[str, ...]) -> str:
    """Return the conflict target as SQLite takes it: collation and condition of the index belong to it."""
    wheres = [
        "",
        *(f" WHERE {i.where}" for i in session.state.indexes_of(table.name) if i.unique and i.where),
    ]
    some = quote(next(c.name for c in table.columns if c.generated is None))
    for where in wheres:
        for collation in _COLLATIONS:
            target = f"({', '.join(f'{quote(n)}{collation}' for n in names)}){where}"
            try:
                session.shadow.prepare(
                    f"INSERT INTO {quote(table.name)} ({some}) VALUES (NULL) ON CONFLICT {target} DO NOTHING"
                )
            except ShadowError:
                continue
            return target
    known = [table.primary_key, *(i.columns for i in session.state.indexes_of(table.name) if i.unique)]
    known += [k.columns for k in table.keys if not k.primary]
    shown = ", ".join(f"[{', '.join(k)}]" for k in dict.fromkeys(known) if k)
    raise Problem(
        "SP111",
        f"no primary key, unique key or unique index of `{table.name}` is over ({', '.join(names)})",
        ("conflict_key",),
        hint=f"`{table.name}` is unique by {shown}" if shown else f"add a unique index on ({columns_sql(names)}) first",
    )
