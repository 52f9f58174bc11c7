"""Expressions of data steps: SQLite's text, its names seen to exist on the shadow, its clock bound."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from engine.dialects.base import Access
from engine.dialects.sqlite.failures import see
from engine.dialects.sqlite.names import meant
from engine.dialects.sqlite.parsing import unparsed_sql
from engine.dialects.sqlite.shadow import Shadow
from engine.dialects.sqlite.sql import expression_sql, text_for_sqlite
from engine.dialects.sqlite.statements import question
from engine.dialects.sqlite.tokens import has_word, tokens
from engine.dialects.sqlite.translate import bind_clock, is_name
from engine.errors import Path, Problem
from engine.model.changes import Expect
from engine.model.expression import Expression, Literal, Parse, Sql
from engine.model.plan import Check, Expectation
from engine.model.state import SchemaState, fold


class Planning(Protocol):
    """What data steps ask of a session."""

    @property
    def shadow(self) -> Shadow: ...

    @property
    def state(self) -> SchemaState: ...

    @property
    def scratch(self) -> list[str]: ...

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
        access: what it reads and calls.
        nested: the tables (folded) that its sub-selects may read: other rows than its own.
        over: True where it holds a window function, which needs all rows at once.
    """

    sql: str
    plain: str
    access: Access
    nested: frozenset[str]
    over: bool = False


LIMIT = 50_001
_COLUMN = re.compile(r"column `(.+?)`")
_NOTHING = Access(frozenset(), frozenset(), frozenset())


def text_of(session: Planning, expression: Expression, frame: Frame, path: Path, *, windows: bool = False) -> Text:
    """Return an expression ready to be sent.

    Args:
        windows: True where a window function may stand, because all rows are read at once.

    Raises:
        Problem: SP110, SP111, RF101, RF102, RF110 or LT108 at `path`.
    """
    plain = expression_sql(expression, path)
    if isinstance(expression, Literal):
        return Text(plain, plain, _NOTHING, frozenset())
    over = windows and has_word(plain, "OVER")
    # After WHERE an aggregate is refused, as it must be where each row has a value of its own.
    probe = f"SELECT ({plain}) FROM {frame.source}" if over else f"SELECT 1 FROM {frame.source} WHERE ({plain})"
    try:
        access = see(session.shadow, probe, path, frame.table)
    except Problem as problem:
        raise _explained(problem, expression, frame) from problem
    # What a `parse` makes is nested too, but only what the spec wrote can read other rows.
    written = text_for_sqlite(expression.column, path) if isinstance(expression, Parse) else plain
    return Text(bind_clock(plain), plain, access, _nested(session, written, access), over)


def _nested(session: Planning, written: str, access: Access) -> frozenset[str]:
    """Return the tables that sub-selects in `written` may read.

    A table that is only named before a dot is the one that the step works on; a view may read any.
    """
    if not has_word(written, "SELECT"):
        return frozenset()
    read = {fold(name) for name, _ in access.reads}
    if any(session.state.view(name) for name in read):
        return frozenset(read)
    found = tokens(written)
    after = [*(t.text for t in found[1:]), ""]
    return frozenset(read & {fold(t.name) for t, sign in zip(found, after, strict=True) if t.is_name and sign != "."})


def _explained(problem: Problem, expression: Expression, frame: Frame) -> Problem:
    """Say of a bare name that is no column how text is written, beside the close name."""
    if problem.rule == "RF102" and isinstance(expression, Sql) and is_name(expression.text or ""):
        name = (expression.text or "").strip()
        value = name.strip('"`[]')
        close = meant(value, frame.known)
        problem.hint = close or f"if the text is meant: {{value: {value}}}"
        problem.message = f"`{value}` is no column" + (f" of `{frame.table}`" if frame.table else " of the source")
    elif problem.rule == "RF102" and frame.known and not problem.hint.startswith("did you mean"):
        missing = _COLUMN.search(problem.message)
        if missing:
            problem.hint = meant(missing[1].rpartition(".")[2], frame.known) or problem.hint
    return problem


def query_of(session: Planning, sql: Sql, path: Path) -> Text:
    """Return a query ready to be sent.

    Raises:
        Problem: it is no query, or can't be prepared.
    """
    plain = text_for_sqlite(sql, path)
    access = see(session.shadow, plain, path)
    if access.writes or not has_word(plain, "SELECT", "VALUES"):
        rule = "VA106" if access.writes and {"no_rows", "equals"} & set(path) else "SP110"
        raise Problem(rule, "a query is wanted here, and this is none", path, hint="begin it with SELECT")
    return Text(bind_clock(plain), plain, access, frozenset(fold(name) for name, _ in access.reads))


def parse_check(parse: Parse, name: str, frame: str, where: str, path: Path) -> Check | None:
    """Return the check that every value parses, where the spec says nothing of those that do not."""
    if parse.otherwise is not None:
        return None
    bad = f"FROM {frame} WHERE {f'({where}) AND ' if where else ''}{unparsed_sql(parse, path)}"
    value = text_for_sqlite(parse.column, path)
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
        expect: as the spec has it.
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
    return f"SELECT count(*) FROM (SELECT 1 FROM {source} WHERE {condition} LIMIT {LIMIT})"


def join_and(conditions: Iterable[str]) -> str:
    """Return conditions in parentheses with AND between them, "1" for none."""
    return " AND ".join(f"({c})" for c in conditions if c) or "1"
