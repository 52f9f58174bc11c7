"""Expressions of data steps in MariaDB's text; see `engine.dialects.shared.expression`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from engine.dialects.mysql.access import look
from engine.dialects.mysql.names import NAMING
from engine.dialects.mysql.schema import MySchema
from engine.dialects.mysql.sql import DIALECT, literal_for
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
from engine.dialects.shared.expression import AnyAsked, Query, Speech, names_of
from engine.dialects.shared.frames import Syntax
from engine.dialects.shared.frames import expectation as expected
from engine.dialects.shared.keys import Key
from engine.dialects.shared.relations import Naming
from engine.model.changes import Expect
from engine.model.plan import Expectation

__all__ = ["Asked", "Planning", "Query", "expectation", "join_and", "limited", "names_of", "query_of", "text_of"]


class Planning(Protocol):
    """What data steps ask of a session."""

    @property
    def schema(self) -> MySchema: ...

    def undo_number(self) -> int: ...


SPEECH = Speech(DIALECT, look, text_for, expression_sql, literal_for, bind_clock, is_name, has_word)
text_of, query_of = SPEECH.text_of, SPEECH.query_of
limited, join_and = SYNTAX.limited, SYNTAX.join_and


@dataclass(frozen=True, slots=True)
class Asked(AnyAsked):
    """What checks ask of a fold; see `engine.dialects.shared.frames.Asking`."""

    speech: Speech = SPEECH
    naming: Naming = NAMING
    syntax: Syntax = SYNTAX
    identity: Callable[[Any, Any], Key[Any] | None] = identity

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
