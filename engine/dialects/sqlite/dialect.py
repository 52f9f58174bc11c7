"""The pure half of SQLite: a session folds changes over a shadow and returns what will be sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from engine.dialects.base import Access, Catalogue, Features, StepContext
from engine.dialects.shared.checks import render_checks
from engine.dialects.shared.fold import Fold
from engine.dialects.sqlite.enums import known_types
from engine.dialects.sqlite.expression import Asked
from engine.dialects.sqlite.failures import problem_of, see
from engine.dialects.sqlite.keys import PendingKey, pending_units, see_keys_stay, undone_while_waiting
from engine.dialects.sqlite.query import condition, render_sql
from engine.dialects.sqlite.shadow import Shadow
from engine.dialects.sqlite.shadow_connection import ShadowError
from engine.dialects.sqlite.sql import expression_sql, literal_sql, quote
from engine.errors import Path, Problem
from engine.model import changes as c
from engine.model.expression import Expression
from engine.model.plan import Condition, Statement, Unit
from engine.model.state import SchemaState, fold

_Memory = tuple[dict[str, tuple[str, ...]], list[str], list[PendingKey], set[str], set[str]]


class SQLite:
    """SQLite 3.35 and later, through the standard library."""

    name = "sqlite"
    features = Features(
        transactional_ddl=True,
        keeps_column_order=True,
        partial_index=True,
        strict_tables=True,
        enum_types=False,
        materialized_views=False,
        exclusion=False,
        concurrent_index=False,
        max_identifier=0,
    )

    def open(self, catalogue: Catalogue) -> SQLiteSession:
        """Begin a fold from what a database holds."""
        return SQLiteSession(Shadow(catalogue), catalogue.taken, catalogue.types)

    def protocol(self) -> tuple[Statement, ...]:
        """Return the guard and checkpoint statements, as they are sent."""
        from engine.dialects.shared.ledger_sql import protocol

        return protocol()


class SQLiteSession(Fold):
    """A fold in progress.

    Attributes:
        shadow: the schema so far, in a database without rows.
        types: enum types that specs made: folded name → values.
        pending: foreign keys that wait for the other side of a change of key.
    """

    def __init__(
        self, shadow: Shadow, taken: Iterable[str] = (), types: Iterable[tuple[str, tuple[str, ...]]] = ()
    ) -> None:
        super().__init__(taken)
        self.shadow = shadow
        # What columns tell of a type goes before what was said when it was made.
        self.types: dict[str, tuple[str, ...]] = {fold(name): values for name, values in types}
        self.types |= known_types(shadow.state)
        self.pending: list[PendingKey] = []

    @property
    def state(self) -> SchemaState:
        """The schema so far."""
        return self.shadow.state

    def catalogue(self) -> Catalogue:
        """Return what the database would print about itself now."""
        return replace(self.shadow.catalogue(), types=tuple(self.types.items()))

    def _render(self, change: c.Change, context: StepContext) -> tuple[Unit, ...]:
        mark = self.shadow.savepoint()
        try:
            units = self._units(change, context)
            self._advance(units)
        except Problem:
            self.shadow.undo(mark)
            raise
        return units

    def _units(self, change: c.Change, context: StepContext) -> tuple[Unit, ...]:
        # Imported where it is met: a lint of one changed spec needs few of these, and they are most of its time.
        match change:
            case c.CreateTable():
                from engine.dialects.sqlite.create import create_table

                return create_table(self, change, context)
            case c.DropTable():
                from engine.dialects.sqlite.aside import drop_table

                return drop_table(self, change, context)
            case c.RenameTable():
                from engine.dialects.sqlite.rename import rename_table

                return rename_table(self, change, context)
            case c.AlterTable():
                from engine.dialects.sqlite.alter import alter_table

                return alter_table(self, change, context)
            case c.CreateIndex():
                from engine.dialects.sqlite.indexes import create_index

                return create_index(self, change, context)
            case c.DropIndex():
                from engine.dialects.sqlite.indexes import drop_index

                return drop_index(self, change, context)
            case c.RenameIndex():
                from engine.dialects.sqlite.indexes import rename_index

                return rename_index(self, change, context)
            case c.CreateView():
                from engine.dialects.sqlite.views import create_view

                return create_view(self, change, context)
            case c.DropView():
                from engine.dialects.sqlite.views import drop_view

                return drop_view(self, change, context)
            case c.RenameView():
                from engine.dialects.sqlite.views import rename_view

                return rename_view(self, change, context)
            case c.CreateTrigger():
                from engine.dialects.sqlite.triggers import create_trigger

                return create_trigger(self, change, context)
            case c.DropTrigger():
                from engine.dialects.sqlite.triggers import drop_trigger

                return drop_trigger(self, change, context)
            case c.CreateType():
                from engine.dialects.sqlite.enums import create_type

                return create_type(self, change, context)
            case c.DropType():
                from engine.dialects.sqlite.enums import drop_type

                return drop_type(self, change, context)
            case c.RenameType():
                from engine.dialects.sqlite.enums import rename_type

                return rename_type(self, change, context)
            case c.CheckRows():
                return render_checks(Asked(self), change, context)
            case c.RunSql():
                return render_sql(self, change, context)
            case _:
                from engine.dialects.sqlite.rows import render_rows

                return undone_while_waiting(render_rows(self, change, context), self.pending)

    def _advance(self, units: Sequence[Unit]) -> None:
        """Run what changes the schema on the shadow, settings too."""
        for unit in units:
            body = unit.loop.body if unit.loop else ()
            for statement in (*unit.settings, *unit.before, *body, *unit.after, *unit.resets):
                if statement.kind in ("ddl", "setting"):
                    try:
                        self.shadow.run(statement.sql)
                    except ShadowError as error:
                        raise problem_of(str(error), self.state, ()) from error

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
        """Return SQLite's own text of an expression.

        Raises:
            Problem: SP110, SP111 at `path`.
        """
        return expression_sql(expression, path)

    def access(self, query: str) -> Access:
        """Return what a query or statement touches on the state so far.

        Raises:
            Problem: it can't be prepared (SP110, RF101, RF102, RF110), or takes a name for text (LT108).
        """
        return see(self.shadow, query, ())

    def see_keys_stay(self, table: str, gone: Sequence[tuple[str, ...]], path: Path, what: str) -> None:
        """See to it that no foreign key refers to a unique key that goes.

        Raises:
            Problem: RF107 with the tables whose foreign keys need it.
        """
        see_keys_stay(self.state, table, gone, path, what)

    def fork(self) -> SQLiteSession:
        """Return an independent copy of the fold as it stands."""
        copy = SQLiteSession(self.shadow.clone())
        copy._recall(self._memory())
        return copy

    def finish(self, step: str) -> tuple[Unit, ...]:
        """Return the units that end a migration: keys that waited are checked, scratch tables dropped."""
        units = [*pending_units(self.pending, step)]
        if self.scratch:
            from engine.dialects.sqlite.create import drop_scratch

            # The last one made may refer to those before it.
            last_first = enumerate(reversed(self.scratch), len(units) + 1)
            units += [drop_scratch(name, f"{step}.{number}") for number, name in last_first]
        self._advance(units)
        self.scratch, self.pending, self.found = [], [], set()
        return tuple(units)

    def _memory(self) -> _Memory:
        return dict(self.types), list(self.scratch), list(self.pending), set(self._taken), set(self.found)

    def _recall(self, memory: _Memory) -> None:
        self.types, self.scratch, self.pending, self._taken, self.found = memory
