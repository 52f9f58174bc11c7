"""A MariaDB database as frozen values: read from the catalogue, or folded from specs (decision 004 holds here too).

The server prints expressions in its own words, which nobody can foretell. So an expression in the
state is the server's text where the state was read, and the spec's where it was folded; and the
text by which states are compared leaves expressions out. A unique key is an index here, as it is there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from engine.dialects.base import Catalogue, CatalogueObject
from engine.dialects.mysql.sql import plain_type
from engine.dialects.shared.schema import AnySchema, AnyTable, from_objects
from engine.dialects.shared.schema import to_objects as objects_of
from engine.model import state as s
from engine.model.state import fold


@dataclass(frozen=True, slots=True)
class MyColumn:
    """A column. `auto`: it numbers itself; `on_update`: what the server writes into it by itself."""

    name: str
    type: str
    not_null: bool = False
    default: str | None = None
    auto: bool = False
    generated: str | None = None
    stored: bool = False
    collate: str = ""
    comment: str = ""
    on_update: str = ""


@dataclass(frozen=True, slots=True)
class MyConstraint:
    """A constraint; `kind` is p, c or f, `sql` its definition without the name."""

    name: str
    kind: str
    columns: tuple[str, ...]
    sql: str
    to_table: str = ""
    to_columns: tuple[str, ...] = ()
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"


@dataclass(frozen=True, slots=True)
class MyTable(AnyTable[MyColumn, MyConstraint]):
    """A table; `features` names what it has that the engine does not model (another engine, partitions …)."""


@dataclass(frozen=True, slots=True)
class MyIndex:
    """An index. `parts` is what stands between its parentheses; `whole`: no column is cut to its beginning."""

    name: str
    table: str
    columns: tuple[str, ...]
    unique: bool
    parts: str
    whole: bool = True
    kind: str = ""


@dataclass(frozen=True, slots=True)
class MyView:
    """A view; `sql` makes it, read in the mode, character set and collation that it was written in."""

    name: str
    columns: tuple[tuple[str, str], ...]
    reads: tuple[str, ...] = ()
    sql: str = ""
    mode: str = ""
    charset: str = ""
    collation: str = ""

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of its columns, as far as they are known."""
        return tuple(name for name, _ in self.columns)


@dataclass(frozen=True, slots=True)
class MyTrigger:
    """A trigger; `sql` makes it, as for a view. Those of one table, event and time stand in the order they fire in."""

    name: str
    table: str
    event: str
    timing: str = ""
    sql: str = ""
    mode: str = ""
    charset: str = ""
    collation: str = ""


_KINDS: dict[str, Any] = {"table": MyTable, "index": MyIndex, "view": MyView, "trigger": MyTrigger}
_PARTS: dict[str, Any] = {"columns": MyColumn, "constraints": MyConstraint}


@dataclass(frozen=True, slots=True)
class MySchema(AnySchema[MyTable, MyIndex, MyView, MyTrigger]):
    """All of one database."""

    def with_index(self, index: MyIndex) -> MySchema:
        """Return it with one index more."""
        return replace(self, indexes=(*self.indexes, index))

    def without_index(self, index: MyIndex) -> MySchema:
        """Return it without an index."""
        return replace(self, indexes=tuple(i for i in self.indexes if i != index))

    # ── the common state ──
    def state(self) -> s.SchemaState:
        """Return it as the state that steps and lint look at."""
        return s.SchemaState(
            tables=tuple(_table(t) for t in self.tables),
            indexes=tuple(
                s.Index(i.name, i.table, i.columns, i.unique, None, f"{i.unique} {i.columns}") for i in self.indexes
            ),
            views=tuple(s.View(v.name, tuple(s.Column(n, t) for n, t in v.columns), v.name) for v in self.views),
            triggers=tuple(s.Trigger(t.name, t.table, t.name) for t in self.triggers),
            complete=self.complete,
        )


def _table(table: MyTable) -> s.Table:
    key = table.key.columns if table.key else ()
    place = {fold(name): n for n, name in enumerate(key, 1)}
    columns = tuple(
        s.Column(
            c.name, c.type, c.not_null, c.default, c.generated, c.stored, c.collate, place.get(fold(c.name), 0), c.auto
        )
        for c in table.columns
    )
    foreign = tuple(
        s.ForeignKey(c.name, c.columns, c.to_table, c.to_columns, c.on_delete, c.on_update)
        for c in table.constraints
        if c.kind == "f"
    )
    checks = tuple(s.Check(c.name, c.sql) for c in table.constraints if c.kind == "c")
    keys = tuple(s.Key(c.name, c.columns, True) for c in table.constraints if c.kind == "p")
    parts = [f"{c.name} {plain_type(c.type)} {c.not_null} {c.default is not None}" for c in table.columns]
    parts += sorted(
        f"{c.kind} {c.name} {c.columns if c.kind in 'pf' else ''} {c.to_table} {c.to_columns}"
        for c in table.constraints
    )
    return s.Table(table.name, columns, keys, foreign, checks, "; ".join(parts))


# ── ⇄ catalogue ───────────────────────────────────────────────────────────
def to_objects(schema: MySchema) -> tuple[CatalogueObject, ...]:
    """Return a schema as catalogue rows."""
    groups = {"table": schema.tables, "index": schema.indexes, "view": schema.views, "trigger": schema.triggers}
    return tuple(objects_of(groups))


def from_catalogue(catalogue: Catalogue) -> MySchema:
    """Return the schema that `to_objects` was given."""
    groups = from_objects(catalogue.objects, _KINDS, _PARTS)
    return MySchema(groups["table"], groups["index"], groups["view"], groups["trigger"], catalogue.complete)
