"""A PostgreSQL schema as frozen values: read from the catalogue, or folded from specs.

PostgreSQL prints expressions in its own words, which nobody can foretell. So an expression in the
state is the server's text where the state was read, and the spec's where it was folded; and the
text by which states are compared (`Table.sql` and its like) leaves expressions out.

`extras` names what an object has that the way back would lose if it were dropped (grants, comments,
settings): such an object is dropped only where nothing is to come back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from engine.dialects.base import Catalogue, CatalogueObject
from engine.dialects.postgres.sql import plain_type
from engine.dialects.shared.schema import AnySchema, AnyTable, from_objects, named
from engine.dialects.shared.schema import to_objects as objects_of
from engine.model import state as s
from engine.model.state import fold, same_name


@dataclass(frozen=True, slots=True)
class PgColumn:
    """A column. `identity` is "", `a` (always) or `d` (by default); a `nextval` default makes it serial."""

    name: str
    type: str
    not_null: bool = False
    default: str | None = None
    identity: str = ""
    generated: str | None = None
    collate: str = ""
    comment: str = ""
    extras: tuple[str, ...] = ()

    @property
    def numbers_itself(self) -> bool:
        """True where it takes its values from a sequence of its own."""
        return bool(self.identity) or (self.default or "").startswith("nextval(")


@dataclass(frozen=True, slots=True)
class PgConstraint:
    """A constraint; `kind` is p, u, c, f or x, `sql` its definition without the name."""

    name: str
    kind: str
    columns: tuple[str, ...]
    sql: str
    to_table: str = ""
    to_columns: tuple[str, ...] = ()
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"
    deferrable: bool = False
    validated: bool = True
    extras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PgUse:
    """Something not modelled that needs a relation, or its `column`: a policy, a statistics object, a rule …

    Attributes:
        own: it belongs to the relation, and goes where that goes; else it is elsewhere, and would break.
    """

    column: str
    words: str
    own: bool = False


@dataclass(frozen=True, slots=True)
class PgTable(AnyTable[PgColumn, PgConstraint]):
    """A table; `features` names what it has that the engine does not model (partitions, policies …)."""

    uses: tuple[PgUse, ...] = ()

    def with_column(self, column: PgColumn) -> PgTable:
        """Return it with `column` in the place of the one of its name, or at the end."""
        if self.column(column.name) is None:
            return replace(self, columns=(*self.columns, column))
        return replace(self, columns=tuple(column if same_name(c.name, column.name) else c for c in self.columns))


@dataclass(frozen=True, slots=True)
class PgIndex:
    """An index that is no constraint's; a column is "" where the part is an expression. `stale`: as of a view."""

    name: str
    table: str
    columns: tuple[str, ...]
    unique: bool
    where: str | None
    sql: str
    valid: bool = True
    stale: bool = False
    extras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PgView:
    """A view. `stale`: something that its text names was renamed since the text was read."""

    name: str
    columns: tuple[tuple[str, str], ...]
    sql: str
    materialized: bool = False
    stale: bool = False
    comment: str = ""
    reads: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    uses: tuple[PgUse, ...] = ()


@dataclass(frozen=True, slots=True)
class PgTrigger:
    """A trigger with the function that it calls.

    Attributes:
        function_sql: "" where others call it too.
        body: what it does in PL/pgSQL as whoever fires it; "" where that can't be read.
    """

    name: str
    table: str
    sql: str
    function: str = ""
    function_sql: str = ""
    events: tuple[str, ...] = ()
    stale: bool = False
    extras: tuple[str, ...] = ()
    body: str = ""


@dataclass(frozen=True, slots=True)
class PgFunction:
    """A function of users, which a trigger's may call; `body` as there."""

    name: str
    body: str = ""


@dataclass(frozen=True, slots=True)
class PgEnum:
    """An enum type."""

    name: str
    values: tuple[str, ...]
    extras: tuple[str, ...] = ()


_KINDS: dict[str, Any] = {
    "table": PgTable,
    "index": PgIndex,
    "view": PgView,
    "trigger": PgTrigger,
    "type": PgEnum,
    "function": PgFunction,
}


_PARTS: dict[str, Any] = {"columns": PgColumn, "constraints": PgConstraint, "uses": PgUse}


@dataclass(frozen=True, slots=True)
class PgSchema(AnySchema[PgTable, PgIndex, PgView, PgTrigger]):
    """All of one schema. `others`: names that stand for what is not modelled, so that they count as taken."""

    name: str = "public"
    enums: tuple[PgEnum, ...] = ()
    others: tuple[str, ...] = ()
    functions: tuple[PgFunction, ...] = ()

    # ── looking ──
    def enum(self, name: str) -> PgEnum | None:
        """Return the enum called `name`, or None."""
        return named(self.enums, name)

    @property
    def puts_off(self) -> bool:
        """True if a foreign key may be judged later than the statement that broke it."""
        return any(k.kind == "f" and k.deferrable for t in self.tables for k in t.constraints)

    def views_of(self, table: str) -> tuple[PgView, ...]:
        """Return the views that read `table`."""
        return tuple(v for v in self.views if any(same_name(r, table) for r in v.reads))

    # ── the common state ──
    def state(self) -> s.SchemaState:
        """Return it as the state that steps and lint look at."""
        return s.SchemaState(
            tables=tuple(_table(t) for t in self.tables),
            indexes=tuple(
                s.Index(i.name, i.table, i.columns, i.unique, i.where, f"{i.unique} {i.columns}") for i in self.indexes
            ),
            views=tuple(s.View(v.name, tuple(s.Column(n, t) for n, t in v.columns), v.name) for v in self.views),
            triggers=tuple(s.Trigger(t.name, t.table, t.name) for t in self.triggers),
            complete=self.complete,
        )


def _table(table: PgTable) -> s.Table:
    key = table.key.columns if table.key else ()
    place = {fold(name): n for n, name in enumerate(key, 1)}
    columns = tuple(
        s.Column(
            c.name,
            c.type,
            c.not_null,
            c.default,
            c.generated,
            c.generated is not None,
            c.collate,
            place.get(fold(c.name), 0),
            c.numbers_itself,
        )
        for c in table.columns
    )
    foreign = tuple(
        s.ForeignKey(c.name, c.columns, c.to_table, c.to_columns, c.on_delete, c.on_update, c.deferrable)
        for c in table.constraints
        if c.kind == "f"
    )
    checks = tuple(s.Check(c.name, c.sql) for c in table.constraints if c.kind == "c")
    keys = tuple(s.Key(c.name, c.columns, c.kind == "p") for c in table.constraints if c.kind in "pu")
    # Sorted: a column that an undo brings back stands last. Without expressions: see above.
    parts = sorted(f"{c.name} {plain_type(c.type)} {c.not_null} {c.default is not None}" for c in table.columns)
    parts += sorted(
        f"{c.kind} {c.name} {c.columns if c.kind in 'puf' else ''} {c.to_table} {c.to_columns}"
        for c in table.constraints
    )
    return s.Table(table.name, columns, keys, foreign, checks, "; ".join(parts))


# ── ⇄ catalogue ───────────────────────────────────────────────────────────
def to_objects(schema: PgSchema) -> tuple[CatalogueObject, ...]:
    """Return a schema as catalogue rows."""
    groups = {
        "type": schema.enums,
        "table": schema.tables,
        "index": schema.indexes,
        "view": schema.views,
        "trigger": schema.triggers,
        "function": schema.functions,
    }
    others = (CatalogueObject("other", name, "", "") for name in schema.others)
    return (CatalogueObject("schema", schema.name, "", ""), *objects_of(groups), *others)


def from_catalogue(catalogue: Catalogue) -> PgSchema:
    """Return the schema that `to_objects` was given."""
    groups = from_objects(catalogue.objects, _KINDS, _PARTS)
    return PgSchema(
        groups["table"],
        groups["index"],
        groups["view"],
        groups["trigger"],
        catalogue.complete,
        next((o.name for o in catalogue.objects if o.type == "schema"), "public"),
        groups["type"],
        tuple(o.name for o in catalogue.objects if o.type == "other"),
        groups["function"],
    )
