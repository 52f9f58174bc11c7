"""Expressions of data steps in PostgreSQL's text; see `engine.dialects.shared.expression`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from engine.dialects.postgres.access import look
from engine.dialects.postgres.names import NAMING
from engine.dialects.postgres.schema import PgSchema
from engine.dialects.postgres.sql import DIALECT, literal_for, literal_sql
from engine.dialects.postgres.statements import SYNTAX, here, question
from engine.dialects.postgres.tokens import has_word
from engine.dialects.postgres.translate import bind_clock, expression_sql, is_name, text_for
from engine.dialects.postgres.walk import identity
from engine.dialects.shared.expression import AnyAsked, Query, Speech, names_of
from engine.dialects.shared.expression import parse_check as check_of_parse
from engine.dialects.shared.frames import Syntax
from engine.dialects.shared.frames import expectation as expected
from engine.dialects.shared.keys import Key
from engine.dialects.shared.relations import Naming
from engine.errors import Path
from engine.model.changes import Expect
from engine.model.expression import Parse
from engine.model.plan import Check, Expectation

__all__ = [
    "Asked",
    "Planning",
    "Query",
    "expectation",
    "join_and",
    "limited",
    "names_of",
    "parse_check",
    "query_of",
    "text_of",
]


class Planning(Protocol):
    """What data steps ask of a session."""

    @property
    def schema(self) -> PgSchema: ...

    @property
    def scratch(self) -> list[str]: ...

    def undo_number(self) -> int: ...


SPEECH = Speech(DIALECT, look, text_for, expression_sql, literal_for, bind_clock, is_name, has_word)
text_of, query_of = SPEECH.text_of, SPEECH.query_of
limited, join_and = SYNTAX.limited, SYNTAX.join_and
_RELATIONS = {"index": "iI", "view": "vm", "table": "rpf"}


def parse_check(session: Planning, parse: Parse, name: str, frame: str, where: str, path: Path) -> Check | None:
    """Return the check that every value parses, where the spec says nothing of those that do not."""
    if parse.otherwise is not None:
        return None
    from engine.dialects.postgres.parsing import unparsed_sql

    names = names_of(session.schema)
    bad = f"FROM {frame} WHERE {f'({where}) AND ' if where else ''}{unparsed_sql(parse, names, path)}"
    return check_of_parse(question, parse, name, text_for(parse.column, names, path), bind_clock(bad), path)


@dataclass(frozen=True, slots=True)
class Asked(AnyAsked):
    """What checks ask of a fold; see `engine.dialects.shared.frames.Asking`."""

    speech: Speech = SPEECH
    naming: Naming = NAMING
    syntax: Syntax = SYNTAX
    identity: Callable[[Any, Any], Key[Any] | None] = identity

    def lacking(self, kind: str, table: str, names: tuple[str, ...]) -> str:
        """Return the query that counts which of `names` are not there."""
        if kind in _RELATIONS:
            return f"SELECT 1 - count(*) {here(_RELATIONS[kind], names[0])}"
        oid = f"(SELECT c.oid {here(_RELATIONS['table'], table)})"
        listed = ", ".join(literal_sql(name) for name in names)
        if kind == "constraint":
            on = "pg_catalog.pg_constraint AS r"
            return f"SELECT 1 - count(*) FROM {on} WHERE r.conrelid = {oid} AND r.conname = {listed}"
        columns = f"pg_catalog.pg_attribute AS a WHERE a.attrelid = {oid} AND NOT a.attisdropped"
        return f"SELECT {len(names)} - count(*) FROM {columns} AND a.attname IN ({listed})"


def expectation(session: Planning, expect: Expect | None, early: str) -> Expectation | None:
    """Return what `expect_rows` says; see `engine.dialects.shared.frames.expectation`."""
    return expected(Asked(session), expect, early)
