"""Expressions of data steps: SQLite's text, its names seen to exist on the shadow, its clock bound."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from engine.dialects.base import Access
from engine.dialects.shared.expression import parse_check as check_of_parse
from engine.dialects.shared.frames import NOTHING, Frame, Relation, Syntax, Text, Typed
from engine.dialects.shared.frames import expectation as expected
from engine.dialects.sqlite.failures import see
from engine.dialects.sqlite.names import meant, relation
from engine.dialects.sqlite.parsing import unparsed_sql
from engine.dialects.sqlite.shadow import Shadow
from engine.dialects.sqlite.sql import expression_sql, literal_sql, quote, text_for_sqlite
from engine.dialects.sqlite.statements import SYNTAX, question
from engine.dialects.sqlite.tokens import has_word, tokens
from engine.dialects.sqlite.translate import bind_clock, is_name
from engine.dialects.sqlite.walk import identity
from engine.errors import Path, Problem
from engine.model.changes import Expect
from engine.model.expression import Expression, Literal, Parse, Sql
from engine.model.plan import Check, Expectation
from engine.model.state import SchemaState, View, fold


class Planning(Protocol):
    """What data steps ask of a session."""

    @property
    def shadow(self) -> Shadow: ...

    @property
    def state(self) -> SchemaState: ...

    @property
    def scratch(self) -> list[str]: ...

    def undo_number(self) -> int: ...


_COLUMN = re.compile(r"column `(.+?)`")


def text_of(session: Planning, expression: Expression, frame: Frame, path: Path, *, windows: bool = False) -> Text:
    """Return an expression ready to be sent.

    Args:
        windows: True where a window function may stand, because all rows are read at once.

    Raises:
        Problem: SP110, SP111, RF101, RF102, RF110 or LT108 at `path`.
    """
    plain = expression_sql(expression, path)
    if isinstance(expression, Literal):
        return Text(plain, plain, NOTHING, frozenset())
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
    return check_of_parse(question, parse, name, text_for_sqlite(parse.column, path), bind_clock(bad), path)


limited, join_and = SYNTAX.limited, SYNTAX.join_and


@dataclass(frozen=True, slots=True)
class Asked:
    """What checks ask of a fold; see `engine.dialects.shared.frames.Asking`."""

    session: Planning
    syntax: Syntax = SYNTAX

    def relation(self, name: str, path: Path) -> Relation:
        """Return a table or view."""
        found = relation(self.session.state, name, path)
        columns = tuple(Typed(c.name, c.type) for c in found.columns)
        if isinstance(found, View):
            return Relation(found.name, columns)
        return Relation(found.name, columns, found.primary_key, identity(found, self.session.state).names)

    def plain(self, expression: Expression, relation: Relation, path: Path) -> str:
        """Return an expression on the rows of `relation`."""
        frame = Frame(quote(relation.name), relation.name, tuple(c.name for c in relation.columns))
        return text_of(self.session, expression, frame, path).plain

    def query(self, sql: Sql, path: Path) -> Text:
        """Return a query."""
        return query_of(self.session, sql, path)

    def lacking(self, kind: str, table: str, names: tuple[str, ...]) -> str:
        """Return the query that counts which of `names` are not there."""
        on = literal_sql(table)
        if kind == "column":
            listed = ", ".join(f"lower({literal_sql(name)})" for name in names)
            columns = f"pragma_table_xinfo({on}) WHERE lower(name) IN ({listed})"
            return f"SELECT {len(names)} - count(*) FROM {columns}"
        if kind == "constraint":
            name = names[0].lower()
            there = f"FROM sqlite_schema WHERE type = 'table' AND lower(name) = lower({on})"
            spellings = [name, f'"{name}"', f"[{name}]", f"`{name}`"]
            stands = " OR ".join(f"instr(lower(sql), {literal_sql(f'constraint {s}')})" for s in spellings)
            index = f"type = 'index' AND lower(tbl_name) = lower({on}) AND lower(name) = {literal_sql(name)}"
            as_index = f"EXISTS (SELECT 1 FROM sqlite_schema WHERE {index})"
            return f"SELECT NOT (EXISTS (SELECT 1 {there} AND ({stands})) OR {as_index})"
        named = f"type = '{kind}' AND lower(name) = lower({literal_sql(names[0])})"
        return f"SELECT 1 - count(*) FROM sqlite_schema WHERE {named}"


def expectation(session: Planning, expect: Expect | None, early: str) -> Expectation | None:
    """Return what `expect_rows` says; see `engine.dialects.shared.frames.expectation`."""
    return expected(Asked(session), expect, early)
