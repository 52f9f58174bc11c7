"""Expressions of data steps where names are looked up by sqlglot: text, names seen to exist, the clock bound."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Protocol

from engine.dialects.shared.access import Look, Schema
from engine.dialects.shared.frames import NOTHING, Frame, Relation, Syntax, Text, Typed
from engine.dialects.shared.keys import Key
from engine.dialects.shared.names import meant
from engine.dialects.shared.relations import Naming
from engine.dialects.shared.schema import AnyTable, column_names
from engine.errors import Path, Problem
from engine.model.expression import Expression, Literal, Parse, Sql
from engine.model.plan import Check, Statement


class Folding(Protocol):
    """What expressions ask of a session."""

    @property
    def schema(self) -> Schema: ...


class Looking(Protocol):
    """`Reading.look`."""

    def __call__(self, schema: Schema, sql: str, path: Path, table: str = "", *, given: bool = False) -> Look: ...


@dataclass(frozen=True, slots=True)
class Query(Text):
    """A query, with the names of its columns ("*" where they are not known)."""

    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Speech:
    """How a database says expressions.

    Attributes:
        dialect: the key under which a spec gives SQL for it.
        look: what a text touches.
        text_for: SQL of a spec as its own text, with all names of tables and columns.
        expression_sql: the same of any expression.
        literal_for: a literal for a column of a type.
        bind_clock: the clock as the step's start.
        is_name: whether a text is one identifier.
        has_word: whether one of some words stands in a text.
    """

    dialect: str
    look: Looking
    text_for: Callable[[Sql, Collection[str], Path], str]
    expression_sql: Callable[[Expression, Collection[str], Path], str]
    literal_for: Callable[[Literal, str], str]
    bind_clock: Callable[[str], str]
    is_name: Callable[[str], bool]
    has_word: Callable[..., bool]

    def text_of(
        self,
        session: Folding,
        expression: Expression,
        frame: Frame,
        path: Path,
        *,
        windows: bool = False,
        type: str = "",
    ) -> Text:
        """Return an expression ready to be sent.

        Args:
            session: the fold.
            expression: as the spec has it.
            frame: where it stands.
            path: of the field.
            windows: True where a window function may stand, because all rows are read at once.
            type: of the column it goes to: a literal takes it.

        Raises:
            Problem: SP110, SP111, RF101, RF102 or RF110 at `path`.
        """
        if isinstance(expression, Literal):
            plain = self.literal_for(expression, type) if type else self.expression_sql(expression, (), path)
            return Text(plain, plain, NOTHING, frozenset())
        names = names_of(session.schema)
        plain = self.expression_sql(expression, names, path)
        given = isinstance(expression, Sql) and expression.given_for(self.dialect) is not None
        written = plain
        if isinstance(expression, Parse):
            written = self.text_for(expression.column, names, (*path, "parse"))
        over = self.has_word(written, "OVER")
        if over and not windows:
            raise Problem("SP110", "a window function needs all rows at once, and can't stand here", path)
        try:
            found = self.look(session.schema, f"SELECT ({written}) FROM {frame.source}", path, frame.table, given=given)
        except Problem as problem:
            raise self._explained(problem, expression, frame) from problem
        if found.aggregates:
            raise Problem("SP110", "an aggregate reads many rows, and here each row has a value of its own", path)
        return Text(self.bind_clock(plain), plain, found.access, found.nested, over)

    def _explained(self, problem: Problem, expression: Expression, frame: Frame) -> Problem:
        """Say of a bare name that is no column how text is written, beside the close name."""
        if problem.rule == "RF102" and isinstance(expression, Sql) and self.is_name(expression.text or ""):
            value = (expression.text or "").strip().strip('"')
            close = meant(value, frame.known)
            problem.hint = close or f"if the text is meant: {{value: {value}}}"
            problem.message = f"`{value}` is no column" + (f" of `{frame.table}`" if frame.table else " of the source")
        return problem

    def query_of(self, session: Folding, sql: Sql, path: Path) -> Query:
        """Return a query ready to be sent.

        Raises:
            Problem: it is no query, or names what is not there.
        """
        plain = self.text_for(sql, names_of(session.schema), path)
        writes = self.has_word(plain, "INSERT", "UPDATE", "DELETE", "MERGE")
        if writes or not self.has_word(plain, "SELECT", "VALUES", "TABLE"):
            raise Problem("SP110", "a query is wanted here, and this is none", path, hint="begin it with SELECT")
        found = self.look(session.schema, plain, path, given=sql.given_for(self.dialect) is not None)
        read = frozenset(name.lower() for name, _ in found.access.reads) | found.nested
        return Query(self.bind_clock(plain), plain, found.access, read, False, found.columns)


def names_of(schema: Schema) -> frozenset[str]:
    """Return all names of tables and columns."""
    found = {r.name for r in schema.relations}
    for known in schema.relations:
        found |= set(column_names(known))
    return frozenset(found)


def parse_check(question: Callable[..., Statement], parse: Parse, name: str, value: str, bad: str, path: Path) -> Check:
    """Return the check that every value parses.

    Args:
        question: makes the statement of a query.
        parse: as the spec has it.
        name: of the column that the values go to.
        value: the text that is parsed, as SQL.
        bad: FROM and WHERE of the rows whose text does not parse.
        path: of the field.
    """
    return Check(
        f"every value for {name} reads as {parse.type}",
        question(f"SELECT count(*) {bad}"),
        maximum=0,
        sample=question(f"SELECT DISTINCT ({value}) {bad} LIMIT 5", "sample"),
        path=path,
        failure=f"{{count}} values for {name} do not read as {parse.type}: give `otherwise`, or formats that fit",
    )


@dataclass(frozen=True, slots=True)
class AnyAsked(ABC):
    """What checks ask of a fold; see `engine.dialects.shared.frames.Asking`.

    Attributes:
        session: the fold.
        speech: how expressions are said.
        naming: how relations are found.
        syntax: what is spelled in the database's own way.
        identity: what the rows of a table are known by.
    """

    session: Folding
    speech: Speech
    naming: Naming
    syntax: Syntax
    identity: Callable[[Any, Any], Key[Any] | None]

    def relation(self, name: str, path: Path) -> Relation:
        """Return a table or view."""
        found: Any = self.naming.relation(self.session.schema, name, path)
        if not isinstance(found, AnyTable):
            return Relation(found.name, tuple(Typed(name, type) for name, type in found.columns))
        columns = tuple(Typed(c.name, c.type) for c in found.columns)
        key = self.identity(found, self.session.schema)
        return Relation(found.name, columns, found.key.columns if found.key else (), key.names if key else ())

    def plain(self, expression: Expression, relation: Relation, path: Path) -> str:
        """Return an expression on the rows of `relation`."""
        frame = Frame(self.syntax.quote(relation.name), relation.name, tuple(c.name for c in relation.columns))
        return self.speech.text_of(self.session, expression, frame, path).plain

    def query(self, sql: Sql, path: Path) -> Text:
        """Return a query."""
        return self.speech.query_of(self.session, sql, path)

    @abstractmethod
    def lacking(self, kind: str, table: str, names: tuple[str, ...]) -> str:
        """Return the query that counts which of `names` are not there."""
