"""Small constructors of statements; their parameters are found in their text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.model.plan import Count, Statement


def ddl(sql: str, purpose: str = "change") -> Statement:
    """Return a schema statement."""
    return Statement(sql, "ddl", purpose)


@dataclass(frozen=True, slots=True)
class Statements:
    """Constructors for one database.

    Attributes:
        binds_of: the names of the `:parameters` in a text (`Lexer.binds_of`).
    """

    binds_of: Callable[[str], tuple[str, ...]]

    def rows(self, sql: str, purpose: str = "change", count: Count = "") -> Statement:
        """Return a statement that moves rows."""
        return Statement(sql, "rows", purpose, self.binds_of(sql), count)

    def question(self, sql: str, purpose: str = "check", count: Count = "") -> Statement:
        """Return a query of a check, guard, bound or sample, whose answer is judged or counted."""
        return Statement(sql, "check", purpose, self.binds_of(sql), count)
