"""Expressions of data steps: MariaDB's text, its names seen to exist, its clock bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from engine.dialects.mysql.access import look
from engine.dialects.mysql.names import columns_of, meant, relation
from engine.dialects.mysql.schema import MySchema, MyTable
from engine.dialects.mysql.sql import DIALECT, literal_for, quote
from engine.dialects.mysql.statements import (
    SYNTAX,
    column_there,
    constraint_there,
    index_anywhere,
    index_there,
    table_there,
)
from engine.dialects.mysql.tokens import has_word
from engine.dialects.mysql.translate import bind_clock, expression_sql, is_name, text_for
from engine.dialects.mysql.walk import identity
from engine.dialects.shared.frames import NOTHING, Frame, Relation, Syntax, Text, Typed
from engine.dialects.shared.frames import expectation as expected
from engine.errors import Path, Problem
from engine.model.changes import Expect
from engine.model.expression import Expression, Literal, Sql
from engine.model.plan import Expectation


class Planning(Protocol):
    """What data steps ask of a session."""

    @property
    def schema(self) -> MySchema: ...

    def undo_number(self) -> int: ...


def names_of(schema: MySchema) -> frozenset[str]:
    """Return all names of tables and columns: those not in lower case are quoted where they stand bare."""
    found = {r.name for r in schema.relations}
    for known in schema.relations:
        found |= {c.name for c in columns_of(known)}
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
        return Text(plain, plain, NOTHING, frozenset())
    plain = expression_sql(expression, names_of(session.schema), path)
    given = isinstance(expression, Sql) and expression.given_for(DIALECT) is not None
    over = has_word(plain, "OVER")
    if over and not windows:
        raise Problem("SP110", "a window function needs all rows at once, and can't stand here", path)
    try:
        found = look(session.schema, f"SELECT ({plain}) FROM {frame.source}", path, frame.table, given=given)
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


limited, join_and = SYNTAX.limited, SYNTAX.join_and


@dataclass(frozen=True, slots=True)
class Asked:
    """What checks ask of a fold; see `engine.dialects.shared.frames.Asking`."""

    session: Planning
    syntax: Syntax = SYNTAX

    def relation(self, name: str, path: Path) -> Relation:
        """Return a table or view."""
        found = relation(self.session.schema, name, path)
        columns = tuple(Typed(c.name, c.type) for c in columns_of(found))
        if not isinstance(found, MyTable):
            return Relation(found.name, columns)
        key = identity(found, self.session.schema)
        return Relation(found.name, columns, found.key.columns if found.key else (), key.names if key else ())

    def plain(self, expression: Expression, relation: Relation, path: Path) -> str:
        """Return an expression on the rows of `relation`."""
        frame = Frame(quote(relation.name), relation.name, tuple(c.name for c in relation.columns))
        return text_of(self.session, expression, frame, path).plain

    def query(self, sql: Sql, path: Path) -> Text:
        """Return a query."""
        return query_of(self.session, sql, path)

    def lacking(self, kind: str, table: str, names: tuple[str, ...]) -> str:
        """Return the query that counts which of `names` are not there."""
        if kind in ("table", "view"):
            return f"SELECT 1 - ({table_there(names[0])})"
        if kind == "index":
            return f"SELECT 1 - ({index_there(table, names[0]) if table else index_anywhere(names[0])})"
        if kind == "constraint":
            return f"SELECT 1 - ({constraint_there(table, names[0])})"
        return f"SELECT {len(names)} - {' - '.join(f'({column_there(table, name)})' for name in names)}"


def expectation(session: Planning, expect: Expect | None, early: str) -> Expectation | None:
    """Return what `expect_rows` says; see `engine.dialects.shared.frames.expectation`."""
    return expected(Asked(session), expect, early)
