"""The check `same_rows`: two relations hold the same rows, by type and bytes."""

from __future__ import annotations

from engine.dialects.shared.frames import Asking, Relation
from engine.dialects.shared.names import column_of, listed
from engine.errors import Path, Problem
from engine.model.changes import RowCheck
from engine.model.expression import Sql
from engine.model.plan import Check
from engine.model.state import fold


def same_rows(asking: Asking, check: RowCheck, path: Path) -> Check:
    """Return the check that counts rows of either side without an equal one on the other.

    Raises:
        Problem: a table or column that is not there, no key to tell rows apart by.
    """
    syntax, quote = asking.syntax, asking.syntax.quote
    extra = dict(check.extra)
    left = asking.relation(str(extra.get("left_table", "")), (*path, "left", "table"))
    right = asking.relation(str(extra.get("right_table", "")), (*path, "right", "table"))
    key = _names(extra.get("key")) or left.key
    if not key:
        raise Problem("SP102", "rows are told apart by a key, and none is given", path, hint="add `key: […]`")
    known = {fold(c.name) for c in right.columns}
    columns = _names(extra.get("columns"))
    if extra.get("columns") is None:
        columns = tuple(c.name for c in left.columns if fold(c.name) in known)
    for side in (left, right):
        _see_columns(side, key, (*path, "key"))
        _see_columns(side, columns, (*path, "columns"))
    compared = tuple(dict.fromkeys([*key, *columns]))
    sides = {
        "l": _side(asking, left, extra.get("left_where"), compared, (*path, "left", "where")),
        "r": _side(asking, right, extra.get("right_where"), compared, (*path, "right", "where")),
    }
    ties = " AND ".join(syntax.equal(f"l.{quote(k)}", f"r.{quote(k)}") for k in key)
    equal = " AND ".join(syntax.same(f"l.{quote(c)}", f"r.{quote(c)}") for c in compared)
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
    sides_l = syntax.derived(f"SELECT {shown_l} FROM {source_l} LIMIT 3", "a")
    sides_r = syntax.derived(f"SELECT {shown_r} FROM {source_r} LIMIT 2", "b")
    sample = f"SELECT 'left' AS side, * FROM {sides_l} UNION ALL SELECT 'right', * FROM {sides_r}"
    differing = syntax.derived(f"SELECT {keys} FROM {syntax.derived(both, 'each')}", "found")
    return Check(
        words,
        syntax.question(f"SELECT count(*) FROM {differing}"),
        maximum=0,
        sample=syntax.question(sample, "sample"),
        failure=f"{{count}} rows differ between {listed((left.name, right.name))}",
    )


def _names(value: object) -> tuple[str, ...]:
    return tuple(str(n) for n in value) if isinstance(value, tuple) else ()


def _see_columns(side: Relation, names: tuple[str, ...], path: Path) -> None:
    for place, name in enumerate(names):
        column_of(side.name, side.columns, name, (*path, place))


def _side(asking: Asking, side: Relation, where: object, columns: tuple[str, ...], path: Path) -> str:
    quote = asking.syntax.quote
    if not isinstance(where, Sql):
        return quote(side.name)
    condition = asking.plain(where, side, path)
    return f"(SELECT {', '.join(map(quote, columns))} FROM {quote(side.name)} WHERE {condition})"
