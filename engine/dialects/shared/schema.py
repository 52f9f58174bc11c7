"""A schema as frozen values: what is the same wherever the catalogue is read, and folded in Python (decision 004)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

from engine.dialects.base import CatalogueObject
from engine.dialects.shared.names import Named
from engine.model.state import same_name


class Constraint(Named, Protocol):
    """A constraint of a table; `kind` is p, u, c, f or x."""

    @property
    def kind(self) -> str: ...
    @property
    def columns(self) -> tuple[str, ...]: ...
    @property
    def to_table(self) -> str: ...


class Part(Named, Protocol):
    """What stands on a table: an index, a trigger."""

    @property
    def table(self) -> str: ...


class View(Named, Protocol):
    """A view, with the names and types of its columns."""

    @property
    def columns(self) -> tuple[tuple[str, str], ...]: ...


N = TypeVar("N", bound=Named)
C = TypeVar("C", bound=Named)
K = TypeVar("K", bound=Constraint)
T = TypeVar("T", bound="AnyTable[Any, Any]")
X = TypeVar("X", bound=Part)
V = TypeVar("V", bound=View)
G = TypeVar("G", bound=Part)
S = TypeVar("S", bound="AnySchema[Any, Any, Any, Any]")


def named(found: Iterable[N], name: str) -> N | None:
    """Return the one called `name`, or None."""
    return next((one for one in found if same_name(one.name, name)), None)


@dataclass(frozen=True, slots=True)
class AnyTable(Generic[C, K]):
    """A table; `features` names what it has that the engine does not model (partitions, policies …)."""

    name: str
    columns: tuple[C, ...]
    constraints: tuple[K, ...] = ()
    comment: str = ""
    features: tuple[str, ...] = ()

    def column(self, name: str) -> C | None:
        """Return the column called `name`, or None."""
        return named(self.columns, name)

    def constraint(self, name: str) -> K | None:
        """Return the constraint called `name`, or None."""
        return named(self.constraints, name)

    @property
    def key(self) -> K | None:
        """The primary key, or None."""
        return next((c for c in self.constraints if c.kind == "p"), None)


@dataclass(frozen=True, slots=True)
class AnySchema(Generic[T, X, V, G]):
    """All of one schema."""

    tables: tuple[T, ...] = ()
    indexes: tuple[X, ...] = ()
    views: tuple[V, ...] = ()
    triggers: tuple[G, ...] = ()
    complete: bool = True

    # ── looking ──
    @property
    def relations(self) -> tuple[T | V, ...]:
        """All tables, then all views."""
        return (*self.tables, *self.views)

    def table(self, name: str) -> T | None:
        """Return the table called `name`, or None."""
        return named(self.tables, name)

    def view(self, name: str) -> V | None:
        """Return the view called `name`, or None."""
        return named(self.views, name)

    def index(self, name: str, table: str = "") -> X | None:
        """Return the index called `name` (of `table`, where two tables may have one of the same name), or None."""
        return named((i for i in self.indexes if not table or same_name(i.table, table)), name)

    def trigger(self, name: str, table: str = "") -> G | None:
        """Return the trigger called `name` (on `table`), or None."""
        return named((t for t in self.triggers if not table or same_name(t.table, table)), name)

    def indexes_of(self, table: str) -> tuple[X, ...]:
        """Return the indexes on `table`."""
        return tuple(i for i in self.indexes if same_name(i.table, table))

    def triggers_of(self, table: str) -> tuple[G, ...]:
        """Return the triggers on `table`."""
        return tuple(t for t in self.triggers if same_name(t.table, table))

    def referring_to(self, table: str) -> tuple[tuple[T, Any], ...]:
        """Return the foreign keys of other tables that refer to `table`."""
        return tuple(
            (t, c)
            for t in self.tables
            for c in t.constraints
            if c.kind == "f" and same_name(c.to_table, table) and not same_name(t.name, table)
        )

    # ── changing ──
    def put(self: S, table: Any, old: str = "") -> S:
        """Return it with `table` in the place of the one called `old` (or by its own name), or new."""
        name = old or table.name
        if self.table(name) is None:
            return replace(self, tables=(*self.tables, table))
        return replace(self, tables=tuple(table if same_name(t.name, name) else t for t in self.tables))

    def without(self: S, table: str) -> S:
        """Return it without a table and what stands on it."""
        return replace(
            self,
            tables=tuple(t for t in self.tables if not same_name(t.name, table)),
            indexes=tuple(i for i in self.indexes if not same_name(i.table, table)),
            triggers=tuple(t for t in self.triggers if not same_name(t.table, table)),
        )


def column_names(relation: AnyTable[Any, Any] | View) -> tuple[str, ...]:
    """Return the names of the columns of a table or view."""
    if isinstance(relation, AnyTable):
        return tuple(c.name for c in relation.columns)
    return tuple(name for name, _ in relation.columns)


# ── ⇄ catalogue ───────────────────────────────────────────────────────────
def to_objects(groups: Mapping[str, Iterable[Any]]) -> list[CatalogueObject]:
    """Return what stands under each kind as catalogue rows; texts are JSON."""
    found = []
    for kind, group in groups.items():
        for one in group:
            text = json.dumps(asdict(one), ensure_ascii=False, sort_keys=True)
            found.append(CatalogueObject(kind, one.name, getattr(one, "table", one.name), text))
    return found


def from_objects(
    objects: Iterable[CatalogueObject], kinds: Mapping[str, Any], parts: Mapping[str, Any]
) -> dict[str, tuple[Any, ...]]:
    """Return what `to_objects` was given.

    Args:
        kinds: the class of each kind; others are passed over.
        parts: fields that hold values of a class.
    """
    groups: dict[str, list[Any]] = {kind: [] for kind in kinds}
    for entry in objects:
        if entry.type in groups:
            fields = {k: _frozen(v) for k, v in json.loads(entry.sql).items()}
            for key, part in parts.items():
                if fields.get(key) and isinstance(fields[key][0], dict):  # a view's columns are pairs
                    fields[key] = tuple(part(**{k: _frozen(v) for k, v in one.items()}) for one in fields[key])
            groups[entry.type].append(kinds[entry.type](**fields))
    return {kind: tuple(found) for kind, found in groups.items()}


def _frozen(value: Any) -> Any:
    return tuple(_frozen(v) for v in value) if isinstance(value, list) else value
