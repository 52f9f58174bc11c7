"""The check `same_rows`: two relations hold the same rows, by type and bytes."""

from __future__ import annotations

from engine.dialects.sqlite.expression import Frame, Planning, text_of
from engine.dialects.sqlite.names import listed, meant, relation
from engine.dialects.sqlite.sql import quote
from engine.dialects.sqlite.statements import question
from engine.errors import Path, Problem
from engine.model.changes import RowCheck
from engine.model.expression import Sql
from engine.model.plan import Check
from engine.model.state import Table, View, fold


def same_rows(session: Planning, check: RowCheck, path: Path) -> Check:
    """Return the check that counts rows of either side without an equal one on the other.

    Raises:
        Problem: a table or column that is not there, no key to tell rows apart by.
    """
    extra = dict(check.extra)
    left = relation(session.state, str(extra.get("left_table", "")), (*path, "left", "table"))
    right = relation(session.state, str(extra.get("right_table", "")), (*path, "right", "table"))
    key = _names(extra.get("key")) or (left.primary_key if isinstance(left, Table) else ())
    if not key:
        raise Problem("SP102", "rows are told apart by a key, and none is given", path, hint="add `key: […]`")
    known = {fold(c.name) for c in right.columns}
    columns = _names(extra.get("columns"))
    if extra.get("columns") is None:
        columns = tuple(c.name for c in left.columns if fold(c.name) in known)
    for side, name in ((left, "left"), (right, "right")):
        _see_columns(side, key, (*path, "key"))
        _see_columns(side, columns, (*path, "columns"))
        del name
    compared = tuple(dict.fromkeys([*key, *columns]))
    sides = {
        "l": _side(session, left, extra.get("left_where"), compared, (*path, "left", "where")),
        "r": _side(session, right, extra.get("right_where"), compared, (*path, "right", "where")),
    }
    ties = " AND ".join(f"l.{quote(k)} IS r.{quote(k)}" for k in key)
    equal = " AND ".join(
        f"l.{quote(c)} COLLATE BINARY IS r.{quote(c)} AND typeof(l.{quote(c)}) = typeof(r.{quote(c)})" for c in compared
    )
    source_l = f"{sides['l']} AS l WHERE NOT EXISTS (SELECT 1 FROM {sides['r']} AS r WHERE {ties} AND {equal})"
    source_r = f"{sides['r']} AS r WHERE NOT EXISTS (SELECT 1 FROM {sides['l']} AS l WHERE {ties} AND {equal})"
    shown_l = ", ".join(f"l.{quote(c)}" for c in compared)
    shown_r = ", ".join(f"r.{quote(c)}" for c in compared)
    words = f"{left.name} and {right.name} hold the same rows ({', '.join(columns)})"
    # A row that differs stands on both sides; it is one difference, counted by its key.
    keys = ", ".join(quote(k) for k in key)
    both = (
        f"SELECT {', '.join(f'l.{quote(k)}' for k in key)} FROM {source_l}"
        f" UNION SELECT {', '.join(f'r.{quote(k)}' for k in key)} FROM {source_r}"
    )
    sample = (
        f"SELECT 'left' AS side, * FROM (SELECT {shown_l} FROM {source_l} LIMIT 3)"
        f" UNION ALL SELECT 'right', * FROM (SELECT {shown_r} FROM {source_r} LIMIT 2)"
    )
    return Check(
        words,
        question(f"SELECT count(*) FROM (SELECT {keys} FROM ({both}))"),
        maximum=0,
        sample=question(sample, "sample"),
        failure=f"{{count}} rows differ between {listed((left.name, right.name))}",
    )


def _names(value: object) -> tuple[str, ...]:
    return tuple(str(n) for n in value) if isinstance(value, tuple) else ()


def _see_columns(side: Table | View, names: tuple[str, ...], path: Path) -> None:
    known = [c.name for c in side.columns]
    for place, name in enumerate(names):
        if fold(name) not in {fold(k) for k in known}:
            raise Problem(
                "RF102",
                f"`{side.name}` has no column `{name}`",
                (*path, place),
                hint=meant(name, known),
                subject=f"{side.name}.{name}",
            )


def _side(session: Planning, side: Table | View, where: object, columns: tuple[str, ...], path: Path) -> str:
    if not isinstance(where, Sql):
        return quote(side.name)
    frame = Frame(quote(side.name), side.name, tuple(c.name for c in side.columns))
    condition = text_of(session, where, frame, path).plain
    return f"(SELECT {', '.join(map(quote, columns))} FROM {quote(side.name)} WHERE {condition})"
