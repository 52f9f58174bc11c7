"""`on_conflict`: what an insert does with rows whose key is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.dialects.postgres.expression import Planning
from engine.dialects.postgres.names import own_column
from engine.dialects.postgres.recording import Recording
from engine.dialects.postgres.schema import PgColumn, PgTable
from engine.dialects.postgres.sql import cast_type, columns_sql, quote
from engine.dialects.postgres.statements import question, rows
from engine.errors import Problem
from engine.model.plan import Check, Statement
from engine.model.state import fold

if TYPE_CHECKING:
    from engine.dialects.postgres.rows_copy import Mapping


def conflict_clause(
    session: Planning,
    table: PgTable,
    on_conflict: str,
    conflict_key: tuple[str, ...],
    columns: tuple[PgColumn, ...],
) -> str:
    """Return the ON CONFLICT clause of an insert, "" for `fail`.

    Raises:
        Problem: RF102 a key column that is not there, SP111 a key that no unique index stands behind.
    """
    if on_conflict == "fail":
        return ""
    names = tuple(own_column(table, n, ("conflict_key", place)).name for place, n in enumerate(conflict_key))
    if not names and on_conflict == "skip":
        return "ON CONFLICT DO NOTHING"
    keys = _keys(session, table)
    if not names:
        written = {fold(c.name) for c in columns}
        found = [k for k, _ in keys if {fold(n) for n in k} <= written]
        if len(dict.fromkeys(found)) != 1:
            raise Problem(
                "SP102",
                f"`replace` can't tell by which key rows of `{table.name}` are the same",
                ("on_conflict",),
                hint="name it: `conflict_key: […]`",
            )
        names = found[0]
    unwritten = [n for n in names if fold(n) not in {fold(c.name) for c in columns}]
    if on_conflict == "replace" and unwritten:
        words = f"`{unwritten[0]}` tells which row is replaced, and nothing is written into it"
        raise Problem("SP102", words, ("conflict_key",), hint=f"add `{unwritten[0]}: …` to `columns`")
    where = next((w for k, w in keys if set(map(fold, k)) == set(map(fold, names))), None)
    if where is None:
        shown = ", ".join(f"[{', '.join(k)}]" for k, _ in keys)
        raise Problem(
            "SP111",
            f"no primary key, unique key or unique index of `{table.name}` is over ({', '.join(names)})",
            ("conflict_key",),
            hint=f"`{table.name}` is unique by {shown}"
            if shown
            else f"add a unique index on ({', '.join(names)}) first",
        )
    target = f"({columns_sql(names)}){f' WHERE {where}' if where else ''}"
    mine = {fold(n) for n in names}
    sets = ", ".join(f"{quote(c.name)} = excluded.{quote(c.name)}" for c in columns if fold(c.name) not in mine)
    if on_conflict == "skip" or not sets:
        return f"ON CONFLICT {target} DO NOTHING"
    return f"ON CONFLICT {target} DO UPDATE SET {sets}"


def _keys(session: Planning, table: PgTable) -> list[tuple[tuple[str, ...], str]]:
    """Return the column lists that are unique, each with its condition."""
    found = [(c.columns, "") for c in table.constraints if c.kind in "pu" and not c.deferrable]
    for index in session.schema.indexes_of(table.name):
        if index.unique and "" not in index.columns:
            found.append((index.columns, index.where or ""))
    return found


def _key_of(clause: str) -> list[str]:
    """Return the columns of a clause's conflict target, as SQL."""
    inside = clause[clause.index("(") + 1 : clause.index(")")]
    return [part.strip() for part in inside.split(",")]


def once_each(clause: str, mapping: Mapping, source: str, condition: str) -> Check:
    """Return the check that no two rows of the source replace the same row: one statement can't do that."""
    pairs = zip(mapping.columns, mapping.texts, strict=True)
    given = {quote(c.name): f"CAST(({t.sql}) AS {cast_type(c.type)})" for c, t in pairs}
    key = _key_of(clause)
    parts = [given[name] for name in key]
    filled = " AND ".join(f"{part} IS NOT NULL" for part in parts)
    groups = f"FROM {source} WHERE {condition} AND {filled} GROUP BY {', '.join(parts)} HAVING count(*) > 1"
    words = ", ".join(name.strip('"') for name in key)
    return Check(
        f"each ({words}) stands in one row of the source",
        question(f"SELECT count(*) FROM (SELECT 1 {groups}) AS g"),
        maximum=0,
        sample=question(f"SELECT {', '.join(parts)}, count(*) {groups} LIMIT 5", "sample"),
        path=("on_conflict",),
        failure=f"{{count}} values of ({words}) stand in more than one row of the source, "
        "and a row can't be replaced twice: say which is meant with `first_of`",
    )


def note_taken(recording: Recording, clause: str, mapping: Mapping, picked: str) -> tuple[Statement, ...]:
    """Return the statement that notes the rows which an upsert will overwrite, and locks them."""
    journal = recording.journal
    if journal is None:
        return ()
    table = quote(journal.table.name)
    wanted = _key_of(clause)
    names = [quote(c.name) for c in mapping.columns]
    types = {quote(c.name): cast_type(c.type) for c in mapping.columns}
    ties = " AND ".join(f"t.{name} = CAST(given.{name} AS {types[name]})" for name in wanted)
    keys = ", ".join(quote(n) for n in journal.key_columns())
    images = "".join(f", t.{quote(c.name)}" for c in journal.images)
    sql = (
        f"{journal.head('old', 'new')} SELECT {journal.live('t', 1, 1)}{images}"
        f" FROM {table} AS t WHERE EXISTS (SELECT 1 FROM ({picked}) AS given ({', '.join(names)}) WHERE {ties})"
        f" FOR UPDATE ON CONFLICT ({keys}) DO NOTHING"
    )
    return (rows(sql, "journal"),)
