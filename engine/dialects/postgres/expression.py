"""Expressions of data steps: PostgreSQL's text, its names seen to exist, its clock bound."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from engine.dialects.base import Access
from engine.dialects.postgres.access import look
from engine.dialects.postgres.names import columns_of, meant
from engine.dialects.postgres.schema import PgSchema
from engine.dialects.postgres.sql import DIALECT, literal_for
from engine.dialects.postgres.statements import question
from engine.dialects.postgres.tokens import has_word
from engine.dialects.postgres.translate import bind_clock, expression_sql, is_name, text_for
from engine.errors import Path, Problem
from engine.model.changes import Expect
from engine.model.expression import Expression, Literal, Parse, Sql
from engine.model.plan import Check, Expectation

LIMIT = 50_001
_NOTHING = Access(frozenset(), frozenset(), frozenset())


class Planning(Protocol):
    """What data steps ask of a session."""

    @property
    def schema(self) -> PgSchema: ...

    def undo_number(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Frame:
    """Where an expression stands.

    Attributes:
        source: what stands after FROM.
        table: the relation whose columns are meant, for hints; "" for a query.
        known: names of the columns in scope, for hints.
    """

    source: str
    table: str = ""
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """An expression as it is sent.

    Attributes:
        sql: its text, CURRENT_TIMESTAMP bound as `:now`.
        plain: the same with the clock as the spec writes it, for counts in planning.
        nested: the tables (folded) that its sub-selects may read: other rows than its own.
        over: True where it holds a window function, which needs all rows at once.
    """

    sql: str
    plain: str
    access: Access
    nested: frozenset[str]
    over: bool = False


def names_of(schema: PgSchema) -> frozenset[str]:
    """Return all names of tables and columns: those not in lower case are quoted where they stand bare."""
    found = {r.name for r in schema.relations}
    for relation in schema.relations:
        found |= {c.name for c in columns_of(relation)}
    return frozenset(found)


def text_of(
    session: Planning,
    expression: Expression,
    frame: Frame,
    path: Path,
    *,
    windows: bool = False,
    type: str = "",
) -> Text:
    """Return an expression ready to be sent.

    Args:
        windows: True where a window function may stand, because all rows are read at once.
        type: of the column it goes to: a literal takes it.

    Raises:
        Problem: SP110, SP111, RF101, RF102 or RF110 at `path`.
    """
    if isinstance(expression, Literal):
        plain = literal_for(expression, type) if type else expression_sql(expression, ())
        return Text(plain, plain, _NOTHING, frozenset())
    plain = expression_sql(expression, names_of(session.schema), path)
    given = isinstance(expression, Sql) and expression.given_for(DIALECT) is not None
    written = plain
    if isinstance(expression, Parse):
        written = text_for(expression.column, names_of(session.schema), (*path, "parse"))
    over = has_word(written, "OVER")
    if over and not windows:
        raise Problem("SP110", "a window function needs all rows at once, and can't stand here", path)
    try:
        found = look(session.schema, f"SELECT ({written}) FROM {frame.source}", path, frame.table, given=given)
    except Problem as problem:
        raise _explained(problem, expression, frame) from problem
    if found.aggregates:
        raise Problem("SP110", "an aggregate reads many rows, and here each row has a value of its own", path)
    return Text(bind_clock(plain), plain, found.access, found.nested, over)


def _explained(problem: Problem, expression: Expression, frame: Frame) -> Problem:
    """Say of a bare name that is no column how text is written, beside the close name."""
    if problem.rule == "RF102" and isinstance(expression, Sql) and is_name(expression.text or ""):
        value = (expression.text or "").strip().strip('"')
        close = meant(value, frame.known)
        problem.hint = close or f"if the text is meant: {{value: {value}}}"
        problem.message = f"`{value}` is no column" + (f" of `{frame.table}`" if frame.table else " of the source")
    return problem


@dataclass(frozen=True, slots=True)
class Query(Text):
    """A query, with the names of its columns ("*" where they are not known)."""

    columns: tuple[str, ...] = ()


def query_of(session: Planning, sql: Sql, path: Path) -> Query:
    """Return a query ready to be sent.

    Raises:
        Problem: it is no query, or names what is not there.
    """
    plain = text_for(sql, names_of(session.schema), path)
    if not has_word(plain, "SELECT", "VALUES", "TABLE") or has_word(plain, "INSERT", "UPDATE", "DELETE", "MERGE"):
        raise Problem("SP110", "a query is wanted here, and this is none", path, hint="begin it with SELECT")
    found = look(session.schema, plain, path, given=sql.given_for(DIALECT) is not None)
    read = frozenset(name.lower() for name, _ in found.access.reads) | found.nested
    return Query(bind_clock(plain), plain, found.access, read, False, found.columns)


def parse_check(session: Planning, parse: Parse, name: str, frame: str, where: str, path: Path) -> Check | None:
    """Return the check that every value parses, where the spec says nothing of those that do not."""
    if parse.otherwise is not None:
        return None
    from engine.dialects.postgres.parsing import unparsed_sql

    names = names_of(session.schema)
    bad = f"FROM {frame} WHERE {f'({where}) AND ' if where else ''}{unparsed_sql(parse, names, path)}"
    value = text_for(parse.column, names, path)
    return Check(
        f"every value for {name} reads as {parse.type}",
        question(f"SELECT count(*) {bind_clock(bad)}"),
        maximum=0,
        sample=question(f"SELECT DISTINCT ({value}) {bind_clock(bad)} LIMIT 5", "sample"),
        path=path,
        failure=f"{{count}} values for {name} do not read as {parse.type}: give `otherwise`, or formats that fit",
    )


def expectation(
    session: Planning, expect: Expect | None, early: str, path: Path = ("expect_rows",)
) -> Expectation | None:
    """Return what `expect_rows` says.

    Args:
        early: query that counts the rows selected, "" where that can't be said beforehand.
    """
    if expect is None:
        return None
    bounds = [f"at least {expect.minimum}"] if expect.minimum is not None else []
    bounds += [f"at most {expect.maximum}"] if expect.maximum is not None else []
    words = "all" if expect.every else str(expect.exact) if expect.exact is not None else " and ".join(bounds)
    found = Expectation(words, expect.exact, expect.minimum, expect.maximum, every=expect.every, path=path)
    if expect.query is not None:
        query = query_of(session, expect.query, (*path, "sql"))
        found = replace(found, text=query.plain, query=question(query.sql, "expect"))
    judged = expect.exact is not None or expect.maximum is not None or expect.query is not None
    return replace(found, early=question(early, "count")) if judged and early else found


def limited(source: str, condition: str) -> str:
    """Return the query that counts rows for an estimate, at most one more than what is large."""
    return f"SELECT count(*) FROM (SELECT 1 FROM {source} WHERE {condition} LIMIT {LIMIT}) AS counted"


def join_and(conditions: Iterable[str]) -> str:
    """Return conditions in parentheses with AND between them, TRUE for none."""
    return " AND ".join(f"({c})" for c in conditions if c) or "TRUE"
