"""Where expressions of data steps stand, what they are as they are sent, and what is counted of their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from engine.dialects.base import Access
from engine.errors import Path
from engine.model.changes import Expect
from engine.model.expression import Expression, Literal, Sql
from engine.model.plan import Expectation, Statement
from engine.model.state import fold

LIMIT = 50_001
NOTHING = Access(frozenset(), frozenset(), frozenset())


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
        access: what it reads and calls.
        nested: the tables (folded) that its sub-selects may read: other rows than its own.
        over: True where it holds a window function, which needs all rows at once.
    """

    sql: str
    plain: str
    access: Access = NOTHING
    nested: frozenset[str] = frozenset()
    over: bool = False


@dataclass(frozen=True, slots=True)
class Syntax:
    """What data steps and checks spell in a database's own way.

    Attributes:
        quote: a name as SQL.
        literal: a literal as SQL, for a column of a type ("" where that is not known).
        question: makes the statement of a query (`Statements.question`).
        always: a condition that holds.
        names_derived: True where a query after FROM must have a name.
        equal: whether two texts of SQL are equal, NULL equal to NULL.
        same: whether they are the same by type and bytes.
    """

    quote: Callable[[str], str]
    literal: Callable[[Literal, str], str]
    question: Callable[..., Statement]
    always: str
    names_derived: bool
    equal: Callable[[str, str], str]
    same: Callable[[str, str], str]

    def derived(self, query: str, alias: str) -> str:
        """Return a query as it stands after FROM."""
        return f"({query}) AS {alias}" if self.names_derived else f"({query})"

    def limited(self, source: str, condition: str) -> str:
        """Return the query that counts rows for an estimate, at most one more than what is large."""
        found = self.derived(f"SELECT 1 FROM {source} WHERE {condition} LIMIT {LIMIT}", "counted")
        return f"SELECT count(*) FROM {found}"

    def join_and(self, conditions: Iterable[str]) -> str:
        """Return conditions in parentheses with AND between them, `always` for none."""
        return " AND ".join(f"({c})" for c in conditions if c) or self.always


@dataclass(frozen=True, slots=True)
class Typed:
    """A column of a relation and its type."""

    name: str
    type: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view as a check sees it.

    Attributes:
        key: its primary key.
        identity: what its rows are named by in a sample.
    """

    name: str
    columns: tuple[Typed, ...]
    key: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()

    def type_of(self, name: str) -> str:
        """Return the type of a column, "" where there is none of that name."""
        return next((c.type for c in self.columns if fold(c.name) == fold(name)), "")


class Asking(Protocol):
    """What is asked of a dialect on the state so far."""

    @property
    def syntax(self) -> Syntax: ...

    def relation(self, name: str, path: Path) -> Relation:
        """Return a table or view.

        Raises:
            Problem: RF101 there is none.
        """
        ...

    def plain(self, expression: Expression, relation: Relation, path: Path) -> str:
        """Return an expression on the rows of `relation`.

        Raises:
            Problem: SP110, SP111, RF101, RF102 or RF110 at `path`.
        """
        ...

    def query(self, sql: Sql, path: Path) -> Text:
        """Return a query; its names are seen to exist.

        Raises:
            Problem: it is no query, or can't be prepared.
        """
        ...

    def lacking(self, kind: str, table: str, names: tuple[str, ...]) -> str:
        """Return the query that counts which of `names` are not there.

        Args:
            kind: table, view, index, constraint or column.
            table: on which constraints and columns are looked for.
        """
        ...


def expectation(asking: Asking, expect: Expect | None, early: str, path: Path = ("expect_rows",)) -> Expectation | None:
    """Return what `expect_rows` says.

    Args:
        asking: the dialect.
        expect: as the spec has it.
        early: query that counts the rows selected, "" where that can't be said beforehand.
    """
    if expect is None:
        return None
    question = asking.syntax.question
    bounds = [f"at least {expect.minimum}"] if expect.minimum is not None else []
    bounds += [f"at most {expect.maximum}"] if expect.maximum is not None else []
    words = "all" if expect.every else str(expect.exact) if expect.exact is not None else " and ".join(bounds)
    found = Expectation(words, expect.exact, expect.minimum, expect.maximum, every=expect.every, path=path)
    if expect.query is not None:
        query = asking.query(expect.query, (*path, "sql"))
        found = replace(found, text=query.plain, query=question(query.sql, "expect"))
    judged = expect.exact is not None or expect.maximum is not None or expect.query is not None
    return replace(found, early=question(early, "count")) if judged and early else found
