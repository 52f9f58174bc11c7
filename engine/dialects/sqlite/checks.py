"""`validate`: each check as a question that counts what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from engine.dialects.base import StepContext
from engine.dialects.sqlite.expression import Frame, Planning, query_of, text_of
from engine.dialects.sqlite.names import meant, relation
from engine.dialects.sqlite.same_rows import same_rows
from engine.dialects.sqlite.sql import literal_sql, quote
from engine.dialects.sqlite.statements import question
from engine.dialects.sqlite.walk import identity
from engine.errors import Path, Problem
from engine.model.changes import Amount, CheckRows, RowCheck
from engine.model.expression import Literal, Sql
from engine.model.plan import Check, Unit
from engine.model.state import Table, View, fold


def render_checks(session: Planning, change: CheckRows, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that asks all checks of a `validate`.

    Raises:
        Problem: a name that is not there, SQL that can't be prepared.
    """
    checks = tuple(_check(session, check) for check in change.checks)
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


def _check(session: Planning, check: RowCheck) -> Check:
    path: Path = (check.place, check.kind)
    made = _KINDS[check.kind](session, check, path)
    return replace(made, title=check.description or made.title, path=path)


def _rows_of(session: Planning, check: RowCheck, path: Path) -> tuple[Table | View, list[str], str]:
    """Return the relation, its columns as SQL, and the condition of the rows that are looked at."""
    found = relation(session.state, check.table, (*path, "table"))
    known = [c.name for c in found.columns]
    columns = []
    for place, name in enumerate(check.columns):
        real = next((k for k in known if fold(k) == fold(name)), None)
        if real is None:
            raise Problem(
                "RF102",
                f"`{found.name}` has no column `{name}`",
                (*path, "columns", place),
                hint=meant(name, known),
                subject=f"{found.name}.{name}",
            )
        columns.append(quote(real))
    return found, columns, _where(session, found, check.where, (*path, "where"))


def _where(session: Planning, found: Table | View, where: Sql | None, path: Path) -> str:
    if where is None:
        return ""
    frame = Frame(quote(found.name), found.name, tuple(c.name for c in found.columns))
    return f"({text_of(session, where, frame, path).plain})"


def _and(*conditions: str) -> str:
    return " AND ".join(c for c in conditions if c) or "1"


def _in(where: Sql | None) -> str:
    return f" where {where.text}" if where is not None and where.text else ""


def _key(session: Planning, found: Table | View) -> list[str]:
    """Return the columns that a sample names its rows by."""
    return [quote(n) for n in identity(found, session.state).names] if isinstance(found, Table) else []


def _sample(columns: Sequence[str], source: str) -> str:
    return f"SELECT {', '.join(dict.fromkeys(columns)) or '*'} {source} LIMIT 5"


# ── the kinds ─────────────────────────────────────────────────────────────
def _row_count(session: Planning, check: RowCheck, path: Path) -> Check:
    found, _, where = _rows_of(session, check, path)
    extra = dict(check.extra)
    query = question(f"SELECT count(*) FROM {quote(found.name)} WHERE {_and(where)}")
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
            other = query_of(session, equals.query, (*path, "equals", "sql")).plain
            named = "the query"
        else:
            table = relation(session.state, equals.table, (*path, "equals", "table"))
            condition = _where(session, table, equals.where, (*path, "equals", "where"))
            other = f"SELECT count(*) FROM {quote(table.name)} WHERE {_and(condition)}"
            named = f"{table.name}{_in(equals.where)}"
        return Check(
            f"{words} has as many rows as {named}",
            query,
            question(other),
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


def _unique(session: Planning, check: RowCheck, path: Path) -> Check:
    found, columns, where = _rows_of(session, check, path)
    names = ", ".join(columns)
    filled = " AND ".join(f"{c} IS NOT NULL" for c in columns)
    groups = f"FROM {quote(found.name)} WHERE {_and(where, filled)} GROUP BY {names} HAVING count(*) > 1"
    words = f"({', '.join(check.columns)})"
    return Check(
        f"{found.name}: {words} is unique{_in(check.where)}",
        question(f"SELECT count(*) FROM (SELECT 1 {groups})"),
        maximum=0,
        sample=question(f"SELECT {names}, count(*) AS rows {groups} LIMIT 5", "sample"),
        failure=f"{found.name}: {{count}} values of {words} stand in more than one row",
    )


def _not_null(session: Planning, check: RowCheck, path: Path) -> Check:
    found, columns, where = _rows_of(session, check, path)
    empty = " OR ".join(f"{c} IS NULL" for c in columns)
    source = f"FROM {quote(found.name)} WHERE {_and(where, f'({empty})')}"
    words = ", ".join(check.columns)
    return Check(
        f"{found.name}: {words} {'is' if len(columns) == 1 else 'are'} never NULL{_in(check.where)}",
        question(f"SELECT count(*) {source}"),
        maximum=0,
        sample=question(_sample([*_key(session, found), *columns], source), "sample"),
        failure=f"{found.name}: {{count}} rows have NULL in {words}",
    )


def _references(session: Planning, check: RowCheck, path: Path) -> Check:
    found, columns, where = _rows_of(session, check, path)
    extra = dict(check.extra)
    other = relation(session.state, str(extra["to_table"]), (*path, "to", "table"))
    given = extra.get("to_columns")
    names = tuple(str(n) for n in given) if isinstance(given, tuple) else ()
    if not names and isinstance(other, Table):
        names = other.primary_key
    for place, name in enumerate(names):
        if fold(name) not in {fold(c.name) for c in other.columns}:
            raise Problem(
                "RF102",
                f"`{other.name}` has no column `{name}`",
                (*path, "to", "columns", place),
                hint=meant(name, (c.name for c in other.columns)),
                subject=f"{other.name}.{name}",
            )
    if len(names) != len(columns):
        raise Problem("SP102", "as many columns must refer as are referred to", (*path, "to", "columns"))
    mine = [f"{quote(found.name)}.{c}" for c in columns]
    ties = " AND ".join(f"other.{quote(n)} = {m}" for n, m in zip(names, mine, strict=True))
    filled = " AND ".join(f"{m} IS NOT NULL" for m in mine)
    orphan = f"NOT EXISTS (SELECT 1 FROM {quote(other.name)} AS other WHERE {ties})"
    source = f"FROM {quote(found.name)} WHERE {_and(where, filled, orphan)}"
    words = f"{found.name}: ({', '.join(check.columns)})"
    return Check(
        f"{words} is always in {other.name} ({', '.join(names)}){_in(check.where)}",
        question(f"SELECT count(*) {source}"),
        maximum=0,
        sample=question(_sample([*_key(session, found), *columns], source), "sample"),
        failure=f"{words}: {{count}} rows refer to nothing in {other.name}",
    )


def _accepted(session: Planning, check: RowCheck, path: Path) -> Check:
    found, (column, *_), where = _rows_of(session, check, path)
    values = dict(check.extra).get("values")
    listed = ", ".join(literal_sql(v) for v in values if isinstance(v, Literal)) if isinstance(values, tuple) else ""
    source = f"FROM {quote(found.name)} WHERE {_and(where, f'{column} NOT IN ({listed})')}"
    words = f"{found.name}.{check.columns[0]}"
    return Check(
        f"{words} is one of {listed}{_in(check.where)}",
        question(f"SELECT count(*) {source}"),
        maximum=0,
        sample=question(_sample([*_key(session, found), column], source), "sample"),
        failure=f"{words}: {{count}} rows have another value than {listed}",
    )


def _range(session: Planning, check: RowCheck, path: Path) -> Check:
    found, (column, *_), where = _rows_of(session, check, path)
    extra = dict(check.extra)
    outside, words = [], []
    for name, sign, word in (("min", "<", "from"), ("max", ">", "to")):
        bound = extra.get(name)
        if isinstance(bound, Literal):
            outside.append(f"{column} {sign} {literal_sql(bound)}")
            words.append(f"{word} {bound.spelling}")
    condition = f"({' OR '.join(outside)})"
    source = f"FROM {quote(found.name)} WHERE {_and(where, condition)}"
    named = f"{found.name}.{check.columns[0]}"
    return Check(
        f"{named} is {' '.join(words)}{_in(check.where)}",
        question(f"SELECT count(*) {source}"),
        maximum=0,
        sample=question(_sample([*_key(session, found), column], source), "sample"),
        failure=f"{named}: {{count}} rows are not {' '.join(words)}",
    )


def _no_rows(session: Planning, check: RowCheck, path: Path) -> Check:
    if check.query is None:
        raise Problem("SP102", "`no_rows` needs a query", path, hint='write {sql: "SELECT …"}')
    query = query_of(session, check.query, (*path, "sql")).plain
    return Check(
        f"no rows: {' '.join(query.split())}",
        question(f"SELECT count(*) FROM ({query})"),
        maximum=0,
        sample=question(f"SELECT * FROM ({query}) LIMIT 5", "sample"),
        failure="{count} rows are there that must not be",
    )


def _exists(session: Planning, check: RowCheck, path: Path) -> Check:
    extra = {name: str(value) for name, value in check.extra if value}
    for kind in ("index", "view"):
        if kind in extra:
            name = literal_sql(extra[kind])
            named = f"type = '{kind}' AND lower(name) = lower({name})"
            return _missing(f"{kind} {extra[kind]}", f"SELECT 1 - count(*) FROM sqlite_schema WHERE {named}")
    table = literal_sql(check.table)
    there = f"FROM sqlite_schema WHERE type = 'table' AND lower(name) = lower({table})"
    if "constraint" in extra:
        name = extra["constraint"].lower()
        spellings = [name, f'"{name}"', f"[{name}]", f"`{name}`"]
        stands = " OR ".join(f"instr(lower(sql), {literal_sql(f'constraint {s}')})" for s in spellings)
        index = f"type = 'index' AND lower(tbl_name) = lower({table}) AND lower(name) = {literal_sql(name)}"
        as_index = f"EXISTS (SELECT 1 FROM sqlite_schema WHERE {index})"
        sql = f"SELECT NOT (EXISTS (SELECT 1 {there} AND ({stands})) OR {as_index})"
        return _missing(f"constraint {extra['constraint']} of {check.table}", sql)
    if not check.columns:
        return _missing(f"table {check.table}", f"SELECT 1 - count(*) {there}")
    names = ", ".join(f"lower({literal_sql(c)})" for c in check.columns)
    columns = f"pragma_table_xinfo({table}) WHERE lower(name) IN ({names})"
    words = f"{check.table} ({', '.join(check.columns)})"
    return _missing(words, f"SELECT {len(check.columns)} - count(*) FROM {columns}")


def _missing(words: str, sql: str) -> Check:
    return Check(f"{words} exists", question(sql), maximum=0, failure=f"{words} is not there")


_KINDS: dict[str, Callable[[Planning, RowCheck, Path], Check]] = {
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
