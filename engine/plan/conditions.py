"""`when`: decided in planning where existence and dialect tell, else a query for the step's start."""

from __future__ import annotations

from engine.dialects.base import Session
from engine.errors import Path, Problem
from engine.model.when import (
    AllOf,
    AnyOf,
    ColumnExists,
    DialectIs,
    IndexExists,
    Not,
    RowsAre,
    SqlIsTrue,
    TableExists,
    When,
)


def decide(when: When, session: Session, dialect: str, path: Path = ("when",)) -> bool | str:
    """Return True or False where planning can tell, else a SQL expression that tells at the start.

    Args:
        when: the condition as written.
        session: gives the state so far and the database's spelling.
        dialect: name of the database's kind.
        path: where the condition stands in the step.

    Raises:
        Problem: SQL in it can't be prepared, or a table it counts does not exist.
    """
    match when:
        case TableExists(table=table):
            return session.state.relation(table) is not None
        case ColumnExists(table=table, column=column):
            relation = session.state.relation(table)
            return relation is not None and any(c.name.lower() == column.lower() for c in relation.columns)
        case IndexExists(index=index):
            return session.state.index(index) is not None
        case DialectIs(dialects=names):
            return dialect in names or (dialect == "mariadb" and "mysql" in names)
        case RowsAre():
            return _rows(when, session, path)
        case SqlIsTrue(sql=sql):
            query = session.expression(sql, (*path, "sql"))
            session.access(query)
            return f"({query})"
        case Not(when=inner):
            found = decide(inner, session, dialect, (*path, "not"))
            return (not found) if isinstance(found, bool) else f"(NOT {found})"
        case AnyOf(parts=parts):
            return _join(parts, session, dialect, path, stop=True, word="OR")
        case AllOf(parts=parts):
            return _join(parts, session, dialect, path, stop=False, word="AND")


def _join(parts: tuple[When, ...], session: Session, dialect: str, path: Path, *, stop: bool, word: str) -> bool | str:
    """Fold parts joined by AND or OR; a part that decides alone spares the ones after it."""
    open_parts: list[str] = []
    for part in parts:
        found = decide(part, session, dialect, path)
        if found is stop:
            return stop
        if isinstance(found, str):
            open_parts.append(found)
    if not open_parts:
        return not stop
    return open_parts[0] if len(open_parts) == 1 else "(" + f" {word} ".join(open_parts) + ")"


def _rows(when: RowsAre, session: Session, path: Path) -> str:
    if session.state.relation(when.table) is None:
        raise Problem(
            "RF101",
            f"`when` counts rows of `{when.table}`, and there is no such table at this point",
            (*path, "rows", "table"),
            hint="add `table_exists` beside it where the table may be missing",
            subject=when.table,
        )
    where = f" WHERE {session.expression(when.where, (*path, 'rows', 'where'))}" if when.where else ""
    source = f"FROM {session.quote(when.table)}{where}"
    session.access(f"SELECT 1 {source}")
    minimum, maximum = when.minimum, when.maximum
    if minimum is None and maximum is None:
        minimum = 1
    tests = []
    if minimum is not None:
        tests.append(f"(SELECT count(*) {source}) >= {minimum}")
    if maximum is not None:
        tests.append(f"(SELECT count(*) {source}) <= {maximum}")
    return "(" + " AND ".join(tests) + ")"


def describe(when: When, dialect: str = "") -> str:
    """Return `when` in words, for plan and messages; of texts per database that of `dialect`."""
    match when:
        case TableExists(table=table):
            return f"table {table} exists"
        case ColumnExists(table=table, column=column):
            return f"column {table}.{column} exists"
        case IndexExists(index=index):
            return f"index {index} exists"
        case DialectIs(dialects=names):
            return f"the database is {' or '.join(names)}"
        case RowsAre(table=table, minimum=minimum, maximum=maximum):
            bounds = [f"at least {minimum}"] if minimum is not None else []
            bounds += [f"at most {maximum}"] if maximum is not None else []
            return f"{table} has {' and '.join(bounds) or 'at least 1'} matching rows"
        case SqlIsTrue(sql=sql):
            return f"true: {sql.given_for(dialect) or sql.text or sql.texts[0][1]}"
        case Not(when=inner):
            return f"not ({describe(inner, dialect)})"
        case AnyOf(parts=parts):
            return " or ".join(describe(p, dialect) for p in parts)
        case AllOf(parts=parts):
            return " and ".join(describe(p, dialect) for p in parts)
