"""What the text of a CREATE TABLE is made of: its columns and constraints, each with its offsets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.model.state import same_name

ConstraintKind = Literal[
    "primary key",
    "unique",
    "check",
    "foreign key",
    "not null",
    "null",
    "default",
    "collate",
    "generated",
    "deferrable",
    "name",
]


class TextError(ValueError):
    """A text that is no CREATE TABLE as SQLite would keep it."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name without its quotes, and the stretch of text that spells it."""

    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Constraint:
    """A constraint of a column or of the table; whatever else hangs on a column, too.

    Attributes:
        kind: "name" is a `CONSTRAINT x` with nothing behind it; "deferrable" a clause that stands
            away from its REFERENCES.
        name: "" for none.
        start, end: from `CONSTRAINT x`, or the first word, to the end.
        body: stretch of what matters inside: the expression between the parentheses (check,
            generated), the default, the collation's name; (0, 0) for none.
        column: name of the column that it is written on, "" for a table constraint.
        columns: column names in a table constraint's list; a default order or collation aside.
        target: the table that a foreign key refers to.
        references: columns that it refers to; empty for the target's primary key.
        deferred: DEFERRABLE INITIALLY DEFERRED, the only form that acts on SQLite.
        parenthesised: the default is an expression in parentheses.
        conflict: word of ON CONFLICT in capitals, "" for none.
    """

    kind: ConstraintKind
    name: str
    start: int
    end: int
    body: tuple[int, int] = (0, 0)
    column: str = ""
    columns: tuple[Name, ...] = ()
    target: Name | None = None
    references: tuple[Name, ...] = ()
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"
    deferred: bool = False
    parenthesised: bool = False
    descending: bool = False
    auto_increment: bool = False
    stored: bool = False
    conflict: str = ""


@dataclass(frozen=True, slots=True)
class ColumnText:
    """A column's definition.

    Attributes:
        type: stretch of the type; empty, at the end of the name, for none.
        start, end: the whole definition, without a comma.
    """

    name: Name
    type: tuple[int, int]
    constraints: tuple[Constraint, ...]
    start: int
    end: int

    def last(self, kind: ConstraintKind) -> Constraint | None:
        """Return the last constraint of `kind`, the one that SQLite goes by, or None."""
        return next((c for c in reversed(self.constraints) if c.kind == kind), None)


@dataclass(frozen=True, slots=True)
class TableText:
    """A CREATE TABLE text taken apart.

    Attributes:
        constraints: table constraints in their order.
        open, close: offsets of the parentheses around the columns.
        options: stretches of STRICT and WITHOUT ROWID, in capitals with one space.
    """

    sql: str
    name: Name
    columns: tuple[ColumnText, ...]
    constraints: tuple[Constraint, ...]
    open: int
    close: int
    options: tuple[Name, ...]

    @property
    def strict(self) -> bool:
        """True for a STRICT table."""
        return any(option.value == "STRICT" for option in self.options)

    @property
    def without_rowid(self) -> bool:
        """True for a WITHOUT ROWID table."""
        return any(option.value == "WITHOUT ROWID" for option in self.options)

    @property
    def all_constraints(self) -> tuple[Constraint, ...]:
        """All constraints, those on columns first, as they stand in the text."""
        return tuple(c for column in self.columns for c in column.constraints) + self.constraints

    def text(self, stretch: tuple[int, int]) -> str:
        """Return the text of a stretch."""
        return self.sql[stretch[0] : stretch[1]]

    def column(self, name: str) -> ColumnText | None:
        """Return the column called `name`, or None."""
        return next((c for c in self.columns if same_name(c.name.value, name)), None)
