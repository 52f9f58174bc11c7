"""A MariaDB database as frozen values: read from the catalogue, or folded from specs (decision 004 holds here too).

The server prints expressions in its own words, which nobody can foretell. So an expression in the
state is the server's text where the state was read, and the spec's where it was folded; and the
text by which states are compared leaves expressions out. A unique key is an index here, as it is there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from engine.dialects.base import Catalogue, CatalogueObject
from engine.dialects.mysql.sql import plain_type
from engine.model import state as s
from engine.model.state import fold, same_name


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
class MyTable:
    """A table; `features` names what it has that the engine does not model (another engine, partitions …)."""

    name: str
    columns: tuple[MyColumn, ...]
    constraints: tuple[MyConstraint, ...] = ()
    comment: str = ""
    features: tuple[str, ...] = ()

    def column(self, name: str) -> MyColumn | None:
        """Return the column called `name`, or None."""
        return next((c for c in self.columns if same_name(c.name, name)), None)

    def constraint(self, name: str) -> MyConstraint | None:
        """Return the constraint called `name`, or None."""
        return next((c for c in self.constraints if same_name(c.name, name)), None)

    @property
    def key(self) -> MyConstraint | None:
        """The primary key, or None."""
        return next((c for c in self.constraints if c.kind == "p"), None)


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
    """A view."""

    name: str
    columns: tuple[tuple[str, str], ...]
    reads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MyTrigger:
    """A trigger; known so that what it would do is not done unseen."""

    name: str
    table: str
    event: str


_KINDS: dict[str, Any] = {"table": MyTable, "index": MyIndex, "view": MyView, "trigger": MyTrigger}


@dataclass(frozen=True, slots=True)
class MySchema:
    """All of one database."""

    tables: tuple[MyTable, ...] = ()
    indexes: tuple[MyIndex, ...] = ()
    views: tuple[MyView, ...] = ()
    triggers: tuple[MyTrigger, ...] = ()
    complete: bool = True

    # ── looking ──
    @property
    def relations(self) -> tuple[MyTable | MyView, ...]:
        """All tables, then all views."""
        return (*self.tables, *self.views)

    def table(self, name: str) -> MyTable | None:
        """Return the table called `name`, or None."""
        return next((t for t in self.tables if same_name(t.name, name)), None)

    def view(self, name: str) -> MyView | None:
        """Return the view called `name`, or None."""
        return next((v for v in self.views if same_name(v.name, name)), None)

    def index(self, name: str, table: str = "") -> MyIndex | None:
        """Return the index called `name` (of `table`: two tables may have one of the same name), or None."""
        return next(
            (i for i in self.indexes if same_name(i.name, name) and (not table or same_name(i.table, table))), None
        )

    def indexes_of(self, table: str) -> tuple[MyIndex, ...]:
        """Return the indexes on `table`."""
        return tuple(i for i in self.indexes if same_name(i.table, table))

    def triggers_of(self, table: str) -> tuple[MyTrigger, ...]:
        """Return the triggers on `table`."""
        return tuple(t for t in self.triggers if same_name(t.table, table))

    def referring_to(self, table: str) -> tuple[tuple[MyTable, MyConstraint], ...]:
        """Return the foreign keys of other tables that refer to `table`."""
        return tuple(
            (t, c)
            for t in self.tables
            for c in t.constraints
            if c.kind == "f" and same_name(c.to_table, table) and not same_name(t.name, table)
        )

    # ── changing ──
    def put(self, table: MyTable, old: str = "") -> MySchema:
        """Return it with `table` in the place of the one called `old` (or by its own name), or new."""
        name = old or table.name
        if self.table(name) is None:
            return replace(self, tables=(*self.tables, table))
        return replace(self, tables=tuple(table if same_name(t.name, name) else t for t in self.tables))

    def without(self, table: str) -> MySchema:
        """Return it without a table and what stands on it."""
        return replace(
            self,
            tables=tuple(t for t in self.tables if not same_name(t.name, table)),
            indexes=tuple(i for i in self.indexes if not same_name(i.table, table)),
            triggers=tuple(t for t in self.triggers if not same_name(t.table, table)),
        )

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
    """Return a schema as catalogue rows; texts are JSON."""
    found = []
    groups: tuple[tuple[str, Iterable[Any]], ...] = (
        ("table", schema.tables),
        ("index", schema.indexes),
        ("view", schema.views),
        ("trigger", schema.triggers),
    )
    for kind, group in groups:
        for one in group:
            text = json.dumps(asdict(one), ensure_ascii=False, sort_keys=True)
            found.append(CatalogueObject(kind, one.name, getattr(one, "table", one.name), text))
    return tuple(found)


def from_catalogue(catalogue: Catalogue) -> MySchema:
    """Return the schema that `to_objects` was given."""
    groups: dict[str, list[Any]] = {kind: [] for kind in _KINDS}
    for entry in catalogue.objects:
        if entry.type in groups:
            raw = json.loads(entry.sql)
            fields = {k: _frozen(v) for k, v in raw.items()}
            if entry.type == "table":
                fields["columns"] = tuple(MyColumn(**c) for c in raw["columns"])
                fields["constraints"] = tuple(
                    MyConstraint(**{k: _frozen(v) for k, v in c.items()}) for c in raw["constraints"]
                )
            groups[entry.type].append(_KINDS[entry.type](**fields))
    return MySchema(
        tuple(groups["table"]),
        tuple(groups["index"]),
        tuple(groups["view"]),
        tuple(groups["trigger"]),
        catalogue.complete,
    )


def _frozen(value: Any) -> Any:
    return tuple(_frozen(v) for v in value) if isinstance(value, list) else value
