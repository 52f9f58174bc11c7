"""The pure half of MariaDB: a session folds changes over a schema and returns what will be sent."""

from __future__ import annotations

from collections.abc import Iterable

from engine.dialects.base import Access, Catalogue, Features, StepContext
from engine.dialects.mysql.access import look
from engine.dialects.mysql.alter import alter_table
from engine.dialects.mysql.expression import Asked, names_of
from engine.dialects.mysql.indexes import create_index, drop_index, rename_index
from engine.dialects.mysql.rows_copy import copy_units, insert_units
from engine.dialects.mysql.rows_delete import delete_units
from engine.dialects.mysql.rows_update import update_units
from engine.dialects.mysql.schema import MySchema, from_catalogue, to_objects
from engine.dialects.mysql.sql import DIALECT, MAX_NAME, literal_sql, quote
from engine.dialects.mysql.statements import question
from engine.dialects.mysql.tables import create_table, drop_table, rename_table
from engine.dialects.mysql.translate import expression_sql
from engine.dialects.mysql.triggers import create_trigger, drop_trigger
from engine.dialects.mysql.views import create_view, drop_view, rename_view
from engine.dialects.shared.checks import render_checks
from engine.dialects.shared.fold import Fold
from engine.dialects.shared.ledger_sql import protocol
from engine.errors import Path, Problem
from engine.model import changes as c
from engine.model.expression import Expression
from engine.model.plan import Condition, Statement, Unit
from engine.model.state import SchemaState

_LATER = {
    c.CreateType: "types of their own, which MariaDB does not have,",
    c.DropType: "types of their own, which MariaDB does not have,",
    c.RenameType: "types of their own, which MariaDB does not have,",
    c.RunSql: "statements as written",
}


class MySQL:
    """MariaDB 10.6 and later, through PyMySQL."""

    name = DIALECT
    features = Features(
        transactional_ddl=False,
        keeps_column_order=True,
        partial_index=False,
        strict_tables=False,
        enum_types=False,
        materialized_views=False,
        exclusion=False,
        concurrent_index=False,
        max_identifier=MAX_NAME,
    )

    def open(self, catalogue: Catalogue) -> MySession:
        """Begin a fold from what a database holds."""
        return MySession(from_catalogue(catalogue), catalogue.taken)

    def protocol(self) -> tuple[Statement, ...]:
        """Return the guard and checkpoint statements, as they are sent."""
        return protocol()


class MySession(Fold):
    """A fold in progress.

    Attributes:
        schema: as it is so far.
    """

    def __init__(self, schema: MySchema, taken: Iterable[str] = ()) -> None:
        super().__init__(taken)
        self.schema = schema
        self._state: tuple[MySchema, SchemaState] | None = None

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
            case c.CheckRows():
                return render_checks(Asked(self), change, context)
            case c.CopyRows():
                return copy_units(self, change, context)
            case c.InsertRows():
                return insert_units(self, change, context)
            case c.UpdateRows():
                return update_units(self, change, context)
            case c.DeleteRows():
                return delete_units(self, change, context)
            case _:
                raise Problem("SP111", f"{_LATER[type(change)]} are not there for MariaDB yet", ())

    def condition(self, id: str, sql: str, text: str) -> Condition:
        """Return the question behind a `when`."""
        return Condition(id, question(f"SELECT {sql}", "condition"), text)

    def literal(self, value: str | float | bool | None) -> str:
        """Return `value` as a SQL literal."""
        return literal_sql(value)

    def quote(self, name: str) -> str:
        """Return `name` as a quoted identifier."""
        return quote(name)

    def expression(self, expression: Expression, path: Path) -> str:
        """Return MariaDB's own text of an expression.

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

    def fork(self) -> MySession:
        """Return an independent copy of the fold as it stands."""
        copy = MySession(self.schema)
        copy._recall(self._memory())
        return copy

    def _memory(self) -> tuple[MySchema, set[str], set[str]]:
        return self.schema, set(self.found), set(self._taken)

    def _recall(self, memory: tuple[MySchema, set[str], set[str]]) -> None:
        self.schema, self.found, self._taken = memory

    def finish(self, step: str) -> tuple[Unit, ...]:
        """Return the units that end a migration: none, as there are no scratch tables yet."""
        del step
        self.found = set()
        return ()
