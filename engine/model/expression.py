"""What a spec may write where a value or an expression is expected."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class PerDialect:
    """Text that may differ per database (SQL, a type).

    Attributes:
        text: the portable text; None where every database has its own.
        texts: `(dialect, text)` pairs as the spec gives them; dialects are
            `sqlite`, `postgresql`, `mysql`, `mariadb`, `other`.
    """

    text: str | None
    texts: tuple[tuple[str, str], ...] = ()

    def given_for(self, dialect: str) -> str | None:
        """Return the text written for `dialect` alone (mariadb falls back to mysql, all to other)."""
        have = dict(self.texts)
        names = [dialect, "mysql", "other"] if dialect == "mariadb" else [dialect, "other"]
        return next((have[name] for name in names if name in have), None)


@dataclass(frozen=True, slots=True)
class Sql(PerDialect):
    """SQL text: an expression, a query or a statement, depending on where it stands.

    `text` is in the common subset and may be translated; a text from
    `given_for` goes through as written.
    """


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that the engine quotes for the database.

    Attributes:
        value: None, bool, int, Decimal (numbers with a point) or str.
        spelling: how the spec writes it (`0.00` stays `0.00`).
    """

    value: str | int | bool | Decimal | None
    spelling: str


@dataclass(frozen=True, slots=True)
class Parse:
    """Dirty text read the same way on every database.

    Attributes:
        column: the column (a bare name) or expression that holds the text.
        type: portable type to read it as.
        formats: strptime formats or `unix`, tried in order; empty for numbers.
        otherwise: the value where it does not parse; None: such a row is an error.
    """

    column: Sql
    type: str
    formats: tuple[str, ...] = ()
    otherwise: Literal | Sql | None = None


Expression = Sql | Literal | Parse
