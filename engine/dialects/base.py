"""The two seams to a database: `Dialect` plans (pure), `Driver` and `Ledger` act.

Planning never touches a user's database: it works on a catalogue that was read
once. The effect half lives beside the pure one in each dialect's folder, in
`driver.py` and `ledger.py`, and is imported by `run` and `app` only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from engine.model.changes import Change
from engine.model.expression import Expression
from engine.model.plan import Condition, Statement, Unit
from engine.model.state import SchemaState


@dataclass(frozen=True, slots=True)
class CatalogueObject:
    """A row of the database's own catalogue: type, name, the table it is on, its text."""

    type: str
    name: str
    table: str
    sql: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a database prints about itself, without the engine's own tables.

    Attributes:
        objects: in the order in which they were made.
        taken: names of the engine's own tables that exist (`engine_undo_7` …).
        types: enum types that specs made, with their values, where the database has none to tell of; those that
            objects use are known from them.
    """

    objects: tuple[CatalogueObject, ...] = ()
    taken: tuple[str, ...] = ()
    complete: bool = True
    types: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Features:
    """Facts about a database that code asks for instead of its name."""

    transactional_ddl: bool
    keeps_column_order: bool
    partial_index: bool
    strict_tables: bool
    enum_types: bool
    materialized_views: bool
    exclusion: bool
    concurrent_index: bool
    max_identifier: int  # bytes; 0 for no limit


@dataclass(frozen=True, slots=True)
class StepContext:
    """What a session needs to know to render one change of one step.

    Attributes:
        step: the step's id; `unit` ids begin with it.
        irreversible: the reason, or "" where a way back is kept.
        made_here: names of the tables that earlier steps of this migration
            created (their rows need no journal), after renames.
        rows: estimates rows by a query on the database as it is now, at most
            50,001; None without a database or where the query can't run.
        together: the spec asks for one transaction: where there is a choice, nothing that can't be in one.
    """

    step: str
    irreversible: str = ""
    made_here: frozenset[str] = frozenset()
    rows: Callable[[str], int | None] = lambda sql: None
    together: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """What a statement reads, writes and calls, views seen through.

    Attributes:
        reads: (table, column) pairs; column "" for a bare count(*).
        quoted_text: double-quoted tokens that name nothing and would be text.
    """

    reads: frozenset[tuple[str, str]]
    writes: frozenset[str]
    functions: frozenset[str]
    quoted_text: tuple[str, ...] = ()


class Session(Protocol):
    """A fold in progress: the state so far, advanced change by change. Pure."""

    @property
    def state(self) -> SchemaState: ...

    def render(self, change: Change, context: StepContext) -> tuple[Unit, ...]:
        """Return the units that do `change` (with their undo), and advance the state.

        Raises:
            Problem: the change can't be done; the state is as it was.
        """
        ...

    def condition(self, id: str, sql: str, text: str) -> Condition: ...

    def literal(self, value: str | float | bool | None) -> str:
        """Return `value` as a SQL literal."""
        ...

    def quote(self, name: str) -> str:
        """Return `name` as a quoted identifier."""
        ...

    def expression(self, expression: Expression, path: tuple[str | int, ...]) -> str:
        """Return the database's own text of an expression (literals quoted, subset translated).

        Raises:
            Problem: SP110, SP111 at `path`.
        """
        ...

    def access(self, query: str) -> Access:
        """Return what a query or statement touches on the state so far.

        Raises:
            Problem: it can't be prepared (SP110, RF101, RF102, RF110).
        """
        ...

    def catalogue(self) -> Catalogue:
        """Return what the database would print about itself now; `Dialect.open` goes on from it."""
        ...

    def fork(self) -> Session:
        """Return an independent copy of the fold as it stands."""
        ...

    def finish(self, step: str) -> tuple[Unit, ...]:
        """Return the units that end a migration: scratch tables dropped."""
        ...


class Dialect(Protocol):
    """The pure half of a dialect."""

    name: str
    features: Features

    def open(self, catalogue: Catalogue) -> Session:
        """Begin a fold from what a database holds."""
        ...

    def protocol(self) -> tuple[Statement, ...]:
        """Return the guard and checkpoint statements, as they are sent."""
        ...


Row = Sequence[Any]


class Driver(Protocol):
    """The effect half: one connection. The only caller of the database library's execute.

    Every statement goes through `execute`, so that a test can record or crash it.

    Attributes:
        dialect: name of the database's kind.
        stop_requested: asked again and again while a statement runs; True ends
            it with a `DatabaseError` whose `details["reason"]` is `interrupted`.
    """

    dialect: str
    stop_requested: Callable[[], bool]

    def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> int:
        """Send one statement; return the number of rows it changed, or for a query the number it returns."""
        ...

    def query(self, sql: str, params: Mapping[str, Any] | None = None) -> list[Row]:
        """Send one query; return its rows."""
        ...

    def begin(self) -> None:
        """Begin a transaction that writes; waits for others at most `lock_timeout`."""
        ...

    def snapshot(self) -> None:
        """Begin a transaction that only reads, so that all its queries see one state."""
        ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    @property
    def in_transaction(self) -> bool: ...

    @property
    def alone(self) -> bool:
        """True where nobody else was seen to write lately: locks may be held longer. False where that can't be told."""
        ...

    def catalogue(self) -> Catalogue: ...

    def close(self) -> None: ...
