"""`validate`: each check as a question that counts what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from engine.dialects.base import StepContext
from engine.dialects.shared.frames import Asking, Relation
from engine.dialects.shared.names import column_of
from engine.dialects.shared.same_rows import same_rows
from engine.errors import Path, Problem
from engine.model.changes import Amount, CheckRows, RowCheck
from engine.model.expression import Literal, Sql
from engine.model.plan import Check, Unit


def render_checks(asking: Asking, change: CheckRows, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that asks all checks of a `validate`.

    Raises:
        Problem: a name that is not there, SQL that can't be prepared.
    """
    checks = tuple(_check(asking, check) for check in change.checks)
    many = f"{len(checks)} checks" if len(checks) != 1 else "1 check"
    unit = Unit(
        context.step,
        context.step,
        f"validate: {many}" if len(checks) != 1 else f"validate: {checks[0].title}",
        "?",
        why="reads only; all are asked, and one that fails fails the step",
        checks=checks,
        rows=0,
    )
    return (unit,)


def _check(asking: Asking, check: RowCheck) -> Check:
    path: Path = (check.place, check.kind)
    made = _KINDS[check.kind](asking, check, path)
    return replace(made, title=check.description or made.title, path=path)


def _rows_of(asking: Asking, check: RowCheck, path: Path) -> tuple[Relation, list[str], str]:
    """Return the relation, its columns as SQL, and the condition of the rows that are looked at."""
    found = asking.relation(check.table, (*path, "table"))
    columns = [
        asking.syntax.quote(column_of(found.name, found.columns, name, (*path, "columns", place)).name)
        for place, name in enumerate(check.columns)
    ]
    return found, columns, _where(asking, found, check.where, (*path, "where"))


def _where(asking: Asking, found: Relation, where: Sql | None, path: Path) -> str:
    if where is None:
        return ""
    return f"({asking.plain(where, found, path)})"


def _and(asking: Asking, *conditions: str) -> str:
    return " AND ".join(c for c in conditions if c) or asking.syntax.always


def _from(asking: Asking, found: Relation, *conditions: str) -> str:
    return f"FROM {asking.syntax.quote(found.name)} WHERE {_and(asking, *conditions)}"


def _in(where: Sql | None) -> str:
    return f" where {where.text}" if where is not None and where.text else ""


def _key(asking: Asking, found: Relation) -> list[str]:
    """Return the columns that a sample names its rows by."""
    return [asking.syntax.quote(n) for n in found.identity]


def _sample(columns: Sequence[str], source: str) -> str:
    return f"SELECT {', '.join(dict.fromkeys(columns)) or '*'} {source} LIMIT 5"


# ── the kinds ─────────────────────────────────────────────────────────────
def _row_count(asking: Asking, check: RowCheck, path: Path) -> Check:
    found, _, where = _rows_of(asking, check, path)
    extra = dict(check.extra)
    query = asking.syntax.question(f"SELECT count(*) {_from(asking, found, where)}")
    words = f"{found.name}{_in(check.where)}"
    equals = extra.get("equals")
    if isinstance(equals, Amount):
        if equals.number is not None:
            n = equals.number
            return Check(
                f"{words} has {n:,} rows",
                query,
                minimum=n,
                maximum=n,
                failure=f"{words} has {{count}} rows, not {n:,}",
            )
        if equals.query is not None:
            other = asking.query(equals.query, (*path, "equals", "sql")).plain
            named = "the query"
        else:
            table = asking.relation(equals.table, (*path, "equals", "table"))
            condition = _where(asking, table, equals.where, (*path, "equals", "where"))
            other = f"SELECT count(*) {_from(asking, table, condition)}"
            named = f"{table.name}{_in(equals.where)}"
        return Check(
            f"{words} has as many rows as {named}",
            query,
            asking.syntax.question(other),
            failure=f"{words} has {{count}} rows, {named} gives {{other}}",
        )
    low, high = extra.get("min"), extra.get("max")
    minimum = low if isinstance(low, int) else None
    maximum = high if isinstance(high, int) else None
    bounds = [f"at least {minimum:,}"] if minimum is not None else []
    bounds += [f"at most {maximum:,}"] if maximum is not None else []
    between = " and ".join(bounds)
    return Check(
        f"{words} has {between} rows",
        query,
        minimum=minimum,
        maximum=maximum,
        failure=f"{words} has {{count}} rows, not {between}",
    )


def _unique(asking: Asking, check: RowCheck, path: Path) -> Check:
    found, columns, where = _rows_of(asking, check, path)
    names = ", ".join(columns)
    filled = " AND ".join(f"{c} IS NOT NULL" for c in columns)
    groups = _from(asking, found, where, filled) + f" GROUP BY {names} HAVING count(*) > 1"
    words = f"({', '.join(check.columns)})"
    quote = asking.syntax.quote
    return Check(
        f"{found.name}: {words} is unique{_in(check.where)}",
        asking.syntax.question(f"SELECT count(*) FROM {asking.syntax.derived(f'SELECT 1 {groups}', 'g')}"),
        maximum=0,
        sample=asking.syntax.question(f"SELECT {names}, count(*) AS {quote('rows')} {groups} LIMIT 5", "sample"),
        failure=f"{found.name}: {{count}} values of {words} stand in more than one row",
    )


def _not_null(asking: Asking, check: RowCheck, path: Path) -> Check:
    found, columns, where = _rows_of(asking, check, path)
    empty = " OR ".join(f"{c} IS NULL" for c in columns)
    source = _from(asking, found, where, f"({empty})")
    words = ", ".join(check.columns)
    return Check(
        f"{found.name}: {words} {'is' if len(columns) == 1 else 'are'} never NULL{_in(check.where)}",
        asking.syntax.question(f"SELECT count(*) {source}"),
        maximum=0,
        sample=asking.syntax.question(_sample([*_key(asking, found), *columns], source), "sample"),
        failure=f"{found.name}: {{count}} rows have NULL in {words}",
    )


def _references(asking: Asking, check: RowCheck, path: Path) -> Check:
    found, columns, where = _rows_of(asking, check, path)
    extra = dict(check.extra)
    other = asking.relation(str(extra["to_table"]), (*path, "to", "table"))
    given = extra.get("to_columns")
    names = tuple(str(n) for n in given) if isinstance(given, tuple) else ()
    names = names or other.key
    for place, name in enumerate(names):
        column_of(other.name, other.columns, name, (*path, "to", "columns", place))
    if len(names) != len(columns):
        raise Problem("SP102", "as many columns must refer as are referred to", (*path, "to", "columns"))
    mine = [f"{asking.syntax.quote(found.name)}.{c}" for c in columns]
    ties = " AND ".join(f"other.{asking.syntax.quote(n)} = {m}" for n, m in zip(names, mine, strict=True))
    filled = " AND ".join(f"{m} IS NOT NULL" for m in mine)
    orphan = f"NOT EXISTS (SELECT 1 FROM {asking.syntax.quote(other.name)} AS other WHERE {ties})"
    source = _from(asking, found, where, filled, orphan)
    words = f"{found.name}: ({', '.join(check.columns)})"
    return Check(
        f"{words} is always in {other.name} ({', '.join(names)}){_in(check.where)}",
        asking.syntax.question(f"SELECT count(*) {source}"),
        maximum=0,
        sample=asking.syntax.question(_sample([*_key(asking, found), *columns], source), "sample"),
        failure=f"{words}: {{count}} rows refer to nothing in {other.name}",
    )


def _accepted(asking: Asking, check: RowCheck, path: Path) -> Check:
    found, (column, *_), where = _rows_of(asking, check, path)
    values = dict(check.extra).get("values")
    type = found.type_of(check.columns[0])
    given = [v for v in values if isinstance(v, Literal)] if isinstance(values, tuple) else []
    listed = ", ".join(asking.syntax.literal(v, type) for v in given)
    source = _from(asking, found, where, f"{column} NOT IN ({listed})")
    words = f"{found.name}.{check.columns[0]}"
    return Check(
        f"{words} is one of {listed}{_in(check.where)}",
        asking.syntax.question(f"SELECT count(*) {source}"),
        maximum=0,
        sample=asking.syntax.question(_sample([*_key(asking, found), column], source), "sample"),
        failure=f"{words}: {{count}} rows have another value than {listed}",
    )


def _range(asking: Asking, check: RowCheck, path: Path) -> Check:
    found, (column, *_), where = _rows_of(asking, check, path)
    extra = dict(check.extra)
    type = found.type_of(check.columns[0])
    outside, words = [], []
    for name, sign, word in (("min", "<", "from"), ("max", ">", "to")):
        bound = extra.get(name)
        if isinstance(bound, Literal):
            outside.append(f"{column} {sign} {asking.syntax.literal(bound, type)}")
            words.append(f"{word} {bound.spelling}")
    condition = f"({' OR '.join(outside)})"
    source = _from(asking, found, where, condition)
    named = f"{found.name}.{check.columns[0]}"
    return Check(
        f"{named} is {' '.join(words)}{_in(check.where)}",
        asking.syntax.question(f"SELECT count(*) {source}"),
        maximum=0,
        sample=asking.syntax.question(_sample([*_key(asking, found), column], source), "sample"),
        failure=f"{named}: {{count}} rows are not {' '.join(words)}",
    )


def _no_rows(asking: Asking, check: RowCheck, path: Path) -> Check:
    if check.query is None:
        raise Problem("SP102", "`no_rows` needs a query", path, hint='write {sql: "SELECT …"}')
    query = asking.query(check.query, (*path, "sql")).plain
    source = asking.syntax.derived(query, "found")
    return Check(
        f"no rows: {' '.join(query.split())}",
        asking.syntax.question(f"SELECT count(*) FROM {source}"),
        maximum=0,
        sample=asking.syntax.question(f"SELECT * FROM {source} LIMIT 5", "sample"),
        failure="{count} rows are there that must not be",
    )


def _exists(asking: Asking, check: RowCheck, path: Path) -> Check:
    extra = {name: str(value) for name, value in check.extra if value}
    for kind in ("index", "view"):
        if kind in extra:
            return _missing(asking, f"{kind} {extra[kind]}", kind, "", (extra[kind],))
    if "constraint" in extra:
        words = f"constraint {extra['constraint']} of {check.table}"
        return _missing(asking, words, "constraint", check.table, (extra["constraint"],))
    if not check.columns:
        return _missing(asking, f"table {check.table}", "table", "", (check.table,))
    words = f"{check.table} ({', '.join(check.columns)})"
    return _missing(asking, words, "column", check.table, check.columns)


def _missing(asking: Asking, words: str, kind: str, table: str, names: tuple[str, ...]) -> Check:
    query = asking.syntax.question(asking.lacking(kind, table, names))
    return Check(f"{words} exists", query, maximum=0, failure=f"{words} is not there")


_KINDS: dict[str, Callable[[Asking, RowCheck, Path], Check]] = {
    "row_count": _row_count,
    "unique": _unique,
    "not_null": _not_null,
    "references": _references,
    "accepted": _accepted,
    "range": _range,
    "same_rows": same_rows,
    "no_rows": _no_rows,
    "exists": _exists,
}
