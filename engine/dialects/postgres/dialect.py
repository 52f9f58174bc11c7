"""The pure half of PostgreSQL: a session folds changes over a schema and returns what will be sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from engine.dialects.base import Access, Catalogue, Features, StepContext
from engine.dialects.postgres.access import look
from engine.dialects.postgres.alter import alter_table
from engine.dialects.postgres.expression import Asked, names_of
from engine.dialects.postgres.indexes import create_index, drop_index, rename_index
from engine.dialects.postgres.objects import (
    create_trigger,
    create_type,
    create_view,
    drop_trigger,
    drop_type,
    drop_view,
    rename_type,
    rename_view,
)
from engine.dialects.postgres.rows_copy import copy_units, insert_units
from engine.dialects.postgres.rows_delete import delete_units
from engine.dialects.postgres.rows_update import update_units
from engine.dialects.postgres.run_sql import condition, render_sql
from engine.dialects.postgres.schema import PgSchema, from_catalogue, to_objects
from engine.dialects.postgres.sql import DIALECT, MAX_NAME, literal_sql, quote
from engine.dialects.postgres.statements import SETTLED
from engine.dialects.postgres.tables import create_table, drop_scratch, drop_table, rename_table
from engine.dialects.postgres.translate import expression_sql
from engine.dialects.shared.checks import render_checks
from engine.dialects.shared.fold import Fold
from engine.dialects.shared.ledger_sql import protocol
from engine.errors import Path
from engine.model import changes as c
from engine.model.expression import Expression
from engine.model.plan import Condition, Statement, Unit
from engine.model.state import SchemaState


class PostgreSQL:
    """PostgreSQL 13 and later, through psycopg 3."""

    name = DIALECT
    features = Features(
        transactional_ddl=True,
        keeps_column_order=False,
        partial_index=True,
        strict_tables=False,
        enum_types=True,
        materialized_views=True,
        exclusion=True,
        concurrent_index=True,
        max_identifier=MAX_NAME,
    )

    def open(self, catalogue: Catalogue) -> PostgresSession:
        """Begin a fold from what a database holds."""
        return PostgresSession(from_catalogue(catalogue), catalogue.taken)

    def protocol(self) -> tuple[Statement, ...]:
        """Return the guard and checkpoint statements, as they are sent."""
        return protocol()


class PostgresSession(Fold):
    """A fold in progress.

    Attributes:
        schema: as it is so far.
    """

    def __init__(self, schema: PgSchema, taken: Iterable[str] = ()) -> None:
        super().__init__(taken)
        self.schema = schema
        self._state: tuple[PgSchema, SchemaState] | None = None

    @property
    def state(self) -> SchemaState:
        """The schema so far, as steps and lint look at it."""
        if self._state is None or self._state[0] is not self.schema:
            self._state = (self.schema, self.schema.state())
        return self._state[1]

    def catalogue(self) -> Catalogue:
        """Return what the database would print about itself now."""
        return Catalogue(to_objects(self.schema), tuple(sorted(self._taken)), self.schema.complete)

    def _render(self, change: c.Change, context: StepContext) -> tuple[Unit, ...]:
        units = self._units(change, context)
        if isinstance(change, (c.AlterTable, c.RenameTable, c.DropTable, c.CreateIndex)):
            return self._settled(units)
        return units

    def _units(self, change: c.Change, context: StepContext) -> tuple[Unit, ...]:
        match change:
            case c.CreateTable():
                return create_table(self, change, context)
            case c.DropTable():
                return drop_table(self, change, context)
            case c.RenameTable():
                return rename_table(self, change, context)
            case c.AlterTable():
                return alter_table(self, change, context)
            case c.CreateIndex():
                return create_index(self, change, context)
            case c.DropIndex():
                return drop_index(self, change, context)
            case c.RenameIndex():
                return rename_index(self, change, context)
            case c.CreateView():
                return create_view(self, change, context)
            case c.DropView():
                return drop_view(self, change, context)
            case c.RenameView():
                return rename_view(self, change, context)
            case c.CreateTrigger():
                return create_trigger(self, change, context)
            case c.DropTrigger():
                return drop_trigger(self, change, context)
            case c.CreateType():
                return create_type(self, change, context)
            case c.DropType():
                return drop_type(self, change, context)
            case c.RenameType():
                return rename_type(self, change, context)
            case c.CheckRows():
                return render_checks(Asked(self), change, context)
            case c.RunSql():
                return render_sql(self, change, context)
            case c.CopyRows():
                return copy_units(self, change, context)
            case c.InsertRows():
                return insert_units(self, change, context)
            case c.UpdateRows():
                return update_units(self, change, context)
            case c.DeleteRows():
                return delete_units(self, change, context)

    def _settled(self, units: tuple[Unit, ...]) -> tuple[Unit, ...]:
        """Have deferred foreign keys judged before a table changes: the server refuses it while they are pending."""
        if not self.schema.puts_off:
            return units
        now = (SETTLED,)
        return tuple(
            replace(
                unit,
                before=(*now, *unit.before) if unit.before else (),
                undo=tuple(replace(back, before=(*now, *back.before) if back.before else ()) for back in unit.undo),
            )
            for unit in units
        )

    def condition(self, id: str, sql: str, text: str) -> Condition:
        """Return the question behind a `when`."""
        return condition(id, sql, text)

    def literal(self, value: str | float | bool | None) -> str:
        """Return `value` as a SQL literal."""
        return literal_sql(value)

    def quote(self, name: str) -> str:
        """Return `name` as a quoted identifier."""
        return quote(name)

    def expression(self, expression: Expression, path: Path) -> str:
        """Return PostgreSQL's own text of an expression.

        Raises:
            Problem: SP110, SP111 at `path`.
        """
        return expression_sql(expression, names_of(self.schema), path)

    def access(self, query: str) -> Access:
        """Return what a query or statement touches on the state so far.

        Raises:
            Problem: it can't be parsed, or names what is not there (SP110, RF101, RF102, RF110).
        """
        return look(self.schema, query, ()).access

    def fork(self) -> PostgresSession:
        """Return an independent copy of the fold as it stands."""
        copy = PostgresSession(self.schema)
        copy._recall(self._memory())
        return copy

    def finish(self, step: str) -> tuple[Unit, ...]:
        """Return the units that end a migration: scratch tables dropped."""
        # The last one made may refer to those before it.
        units = tuple(drop_scratch(name, f"{step}.{number}") for number, name in enumerate(reversed(self.scratch), 1))
        for name in self.scratch:
            self.schema = self.schema.without(name)
        self.scratch, self.found = [], set()
        return units

    def _memory(self) -> tuple[PgSchema, list[str], set[str], set[str]]:
        return self.schema, list(self.scratch), set(self.found), set(self._taken)

    def _recall(self, memory: tuple[PgSchema, list[str], set[str], set[str]]) -> None:
        self.schema, self.scratch, self.found, self._taken = memory
