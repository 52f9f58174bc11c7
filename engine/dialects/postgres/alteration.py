"""An `alter` in the making: statements forward, statements back, and the table as it becomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

from engine.dialects.postgres.names import contains, listed
from engine.dialects.postgres.schema import PgConstraint, PgSchema, PgTable
from engine.dialects.postgres.sql import quote
from engine.dialects.postgres.statements import SETTLED, ddl, rows
from engine.dialects.postgres.tokens import tokens
from engine.errors import Path, Problem
from engine.model.plan import Check, Guard, Statement
from engine.model.state import same_name


@dataclass(frozen=True, slots=True)
class Later:
    """What comes in a unit of its own, after the `alter`, so that its lock is short.

    Attributes:
        title, symbol, why: of the unit.
        statements: sent in one transaction.
        outside: sent outside of any transaction, in their place.
    """

    title: str
    statements: tuple[Statement, ...]
    symbol: str = "?"
    why: str = "reads the rows, and others may go on writing meanwhile"
    outside: tuple[Statement, ...] = ()


@dataclass
class Alteration:
    """What the actions of one `alter` come to, in order.

    Attributes:
        schema: as it is so far; `table` in it is the one that changes.
        name: of the table.
        way_kept: False where no way back is wanted.
        number: takes the next number for a journal.
        forward, back: statements; `back` in the order in which they are sent.
        written: conditions of rows that hold values of others in a column which goes on the way back.
        large: True where a statement that reads all rows would hold up others for long.
        own: True for a table of the same migration: what is in it goes with it.
        later: units of their own that validate what was added.
        rewrites: True where the server writes the whole table anew.
    """

    schema: PgSchema
    name: str
    way_kept: bool
    number: Callable[[], int]
    large: bool = False
    own: bool = False
    forward: list[Statement] = field(default_factory=list)
    back: list[Statement] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    guards: list[Guard] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    keeps: list[str] = field(default_factory=list)
    later: list[Later] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rewrites: bool = False
    moves: bool = False

    @property
    def table(self) -> PgTable:
        """The table as it is so far."""
        found = self.schema.table(self.name)
        assert found is not None
        return found

    def put(self, table: PgTable) -> None:
        """Take the table as it is now."""
        self.schema = self.schema.put(table, self.name)

    def alter(self, forward: str, back: str = "") -> None:
        """Add `ALTER TABLE … forward`, and before all else on the way back `ALTER TABLE … back`."""
        self.do(ddl(f"ALTER TABLE {quote(self.name)} {forward}"))
        if back:
            self.undo(ddl(f"ALTER TABLE {quote(self.name)} {back}"))

    def do(self, *statements: Statement) -> None:
        """Add statements forward."""
        self.forward += statements

    def undo(self, *statements: Statement) -> None:
        """Put statements before all others on the way back."""
        self.back[:0] = statements

    def update(self, sql: str) -> tuple[Statement, ...]:
        """Return an UPDATE of the table during which the user's triggers hold still."""
        statement = rows(sql, "change")
        if not self.schema.triggers_of(self.name):
            return (statement,)
        name = quote(self.name)
        return (
            ddl(f"ALTER TABLE {name} DISABLE TRIGGER USER", "prepare"),
            statement,
            *((SETTLED,) if self.schema.puts_off else ()),
            ddl(f"ALTER TABLE {name} ENABLE TRIGGER USER", "cleanup"),
        )

    def add_constraint(self, constraint: PgConstraint) -> None:
        """Take a constraint in."""
        self.put(replace(self.table, constraints=(*self.table.constraints, constraint)))

    def drop_constraint(self, constraint: PgConstraint) -> None:
        """Take a constraint out."""
        left = tuple(c for c in self.table.constraints if c.name != constraint.name)
        self.put(replace(self.table, constraints=left))


def refuse_column_users(alteration: Alteration, column: str, path: Path, *, views_only: bool = False) -> None:
    """Stop where something else than the column itself would go or break with it.

    Raises:
        Problem: RF107 names what needs it.
    """
    schema, table = alteration.schema, alteration.table
    found: list[str] = []
    if not views_only:
        for constraint in table.constraints:
            if contains(constraint.columns, column) or (constraint.kind == "c" and spells(constraint.sql, column)):
                found.append(f"constraint {constraint.name}")
        found += [f"index {i.name}" for i in schema.indexes_of(table.name) if contains(i.columns, column)]
        found += [
            f"index {i.name}"
            for i in schema.indexes_of(table.name)
            if not contains(i.columns, column) and spells(i.sql.partition("(")[2], column)
        ]
        found += [
            f"foreign key {c.name} of {t.name}"
            for t, c in schema.referring_to(table.name)
            if contains(c.to_columns, column)
        ]
        found += [f"trigger {t.name}" for t in schema.triggers_of(table.name) if spells_text(t, column)]
    found += [f"column {c.name}" for c in table.columns if c.generated is not None and spells(c.generated, column)]
    found += [f"view {v.name}" for v in schema.views_of(table.name) if spells(v.sql, column) or takes_all(v.sql)]
    # The server builds statistics anew when a type changes, and lets them go with a column.
    found += [
        u.words for u in table.uses if u.column == column and not (views_only and u.words.startswith("statistics "))
    ]
    if found:
        raise Problem(
            "RF107",
            f"{listed(found)} need{'s' if len(found) == 1 else ''} `{table.name}.{column}`",
            path,
            hint="drop that before this step and create it again after it",
            subject=f"{table.name}.{column}",
        )


def spells(sql: str, name: str) -> bool:
    """Tell whether `sql` spells an identifier."""
    return any(t.is_name and same_name(t.name, name) for t in tokens(sql))


def takes_all(sql: str) -> bool:
    """Tell whether a query selects `*`; `count(*)` and a product do not count."""
    found = tokens(sql)
    return any(
        after.text == "*" and (before.text in (",", ".") or before.is_word("SELECT", "DISTINCT", "ALL"))
        for before, after in pairwise(found)
    )


def spells_text(trigger: object, name: str) -> bool:
    """Tell whether a trigger or its function spells a name: a function's body is text to the server."""
    text = f"{getattr(trigger, 'sql', '')} {getattr(trigger, 'function_sql', '')}"
    body = text.replace("$", " ").replace("'", " ")
    return spells(body, name)
