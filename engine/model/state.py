"""What a database holds: the schema state, as the database itself prints it.

A state is read by a dialect from a live database, a snapshot file, or the
shadow in which planning folds the earlier specs; it is never guessed from a
spec. `sql` attributes are the database's own text of an object, verbatim.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeVar


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table or view.

    Attributes:
        type: the declared type, as written ("" for none).
        default: default expression as the database prints it, or None.
        generated: generated expression, or None; `stored` says which kind.
        key_position: place in the primary key from 1, 0 for none.
    """

    name: str
    type: str
    not_null: bool = False
    default: str | None = None
    generated: str | None = None
    stored: bool = False
    collate: str = ""
    key_position: int = 0
    auto_increment: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """A unique or primary key that stands in the table's own definition."""

    name: str
    columns: tuple[str, ...]
    primary: bool = False


@dataclass(frozen=True, slots=True)
class ForeignKey:
    name: str
    columns: tuple[str, ...]
    table: str
    references: tuple[str, ...]  # empty: the primary key of `table`
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"
    deferrable: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    sql: str
    column: str = ""  # set when written on a column


@dataclass(frozen=True, slots=True)
class Index:
    """An index with a definition of its own (automatic indexes of keys are not here).

    Attributes:
        columns: column names; "" where the part is an expression.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    unique: bool
    where: str | None
    sql: str


@dataclass(frozen=True, slots=True)
class Trigger:
    name: str
    table: str
    sql: str


@dataclass(frozen=True, slots=True)
class View:
    name: str
    columns: tuple[Column, ...]
    sql: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        keys: primary and unique keys in the table's text.
        row_id: name by which the database's hidden row id can be used, "" if
            there is none (SQLite: `rowid`, `_rowid_` or `oid`).
        strict: SQLite's STRICT.
        virtual: made by an extension: no alter, no rebuild.
    """

    name: str
    columns: tuple[Column, ...]
    keys: tuple[Key, ...]
    foreign_keys: tuple[ForeignKey, ...]
    checks: tuple[Check, ...]
    sql: str
    row_id: str = ""
    strict: bool = False
    virtual: bool = False

    def column(self, name: str) -> Column | None:
        """Return the column called `name` (ASCII case does not matter), or None."""
        return next((c for c in self.columns if same_name(c.name, name)), None)

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Names of the primary key's columns in key order; empty for none."""
        return tuple(c.name for c in sorted((c for c in self.columns if c.key_position), key=lambda c: c.key_position))

    @property
    def auto_increment(self) -> str:
        """Name of the column that numbers itself for good (AUTOINCREMENT), or ""."""
        return next((c.name for c in self.columns if c.auto_increment), "")


@dataclass(frozen=True, slots=True)
class SchemaState:
    """All tables, indexes, views and triggers of the user, without the engine's own.

    Attributes:
        complete: False where it is folded from specs without a baseline, so
            that a name it lacks may well exist.
    """

    tables: tuple[Table, ...] = ()
    indexes: tuple[Index, ...] = ()
    views: tuple[View, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    complete: bool = True
    _by_name: _Names = field(default_factory=lambda: _Names(), init=False, repr=False, compare=False)

    def table(self, name: str) -> Table | None:
        """Return the table called `name`, or None."""
        if self._by_name.tables is None:
            self._by_name.tables = _named(self.tables)
        return self._by_name.tables.get(fold(name))

    def view(self, name: str) -> View | None:
        """Return the view called `name`, or None."""
        return next((v for v in self.views if same_name(v.name, name)), None)

    def relation(self, name: str) -> Table | View | None:
        """Return the table or view called `name`, or None."""
        return self.table(name) or self.view(name)

    def index(self, name: str) -> Index | None:
        """Return the index called `name`, or None."""
        if self._by_name.indexes is None:
            self._by_name.indexes = _named(self.indexes)
        return self._by_name.indexes.get(fold(name))

    def trigger(self, name: str) -> Trigger | None:
        """Return the trigger called `name`, or None."""
        return next((t for t in self.triggers if same_name(t.name, name)), None)

    def indexes_of(self, table: str) -> tuple[Index, ...]:
        """Return the indexes on `table`, in the order in which they were made."""
        if self._by_name.indexes_of is None:
            groups: dict[str, list[Index]] = {}
            for index in self.indexes:
                groups.setdefault(fold(index.table), []).append(index)
            self._by_name.indexes_of = groups
        return tuple(self._by_name.indexes_of.get(fold(table), ()))

    def triggers_of(self, table: str) -> tuple[Trigger, ...]:
        """Return the triggers on `table` (or view)."""
        return tuple(t for t in self.triggers if same_name(t.table, table))

    def referring_to(self, table: str) -> tuple[Table, ...]:
        """Return the other tables that have a foreign key to `table`."""
        name = fold(table)
        return tuple(
            t
            for t in self.tables
            if t.foreign_keys and fold(t.name) != name and any(fold(f.table) == name for f in t.foreign_keys)
        )

    def fingerprint(self) -> str:
        """Return a SHA-256 over the objects as (type, name, table, text), order aside.

        Decision 21 defines equality so; it is what drift is judged by.
        """
        known = self._by_name.fingerprint
        if known:
            return known
        self._by_name.fingerprint = _digest(sorted(self._objects()))
        return self._by_name.fingerprint

    def digests(self) -> dict[tuple[str, str], str]:
        """Return the SHA-256 of each object's table and text by (type, name)."""
        return {(kind, name): _digest((table, sql)) for kind, name, table, sql in self._objects()}

    def _objects(self) -> list[tuple[str, str, str, str]]:
        return (
            [("table", t.name, t.name, t.sql) for t in self.tables]
            + [("index", i.name, i.table, i.sql) for i in self.indexes]
            + [("view", v.name, v.name, v.sql) for v in self.views]
            + [("trigger", t.name, t.table, t.sql) for t in self.triggers]
        )


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode("utf-8", "surrogateescape")).hexdigest()


@dataclass(slots=True)
class _Names:
    """What was asked of a state before: states are asked by name again and again, and never change."""

    tables: dict[str, Table] | None = None
    indexes: dict[str, Index] | None = None
    indexes_of: dict[str, list[Index]] | None = None
    fingerprint: str = ""


_Object = TypeVar("_Object", Table, Index)


def _named(objects: Iterable[_Object]) -> dict[str, _Object]:
    found: dict[str, _Object] = {}
    for one in objects:
        found.setdefault(fold(one.name), one)
    return found


_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def same_name(left: str, right: str) -> bool:
    """Tell whether two identifiers name the same thing (ASCII case folded, as SQLite does)."""
    return fold(left) == fold(right)


def fold(name: str) -> str:
    """Return `name` with A–Z lowered; other letters keep their case, as in SQLite."""
    return name.lower() if name.isascii() else name.translate(_LOWER)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that `name` is probably a slip of, or "" if none is close.

    Case, spaces and underscores are no difference; a letter or two that stand wrong, miss or are too many are a small
    one. Names that merely share letters are not close.
    """
    by_letters: dict[str, str] = {}
    for each in known:
        by_letters.setdefault(_letters(each), each)
    close = difflib.get_close_matches(_letters(name), by_letters, n=1, cutoff=_CLOSE)
    return by_letters[close[0]] if close else ""


# One wrong letter of four, or two that changed places, is 0.75; `last_name` is 0.71 of `first_name`.
_CLOSE = 0.74


def _letters(name: str) -> str:
    """Return a name's letters and digits in lower case, without those that stand twice in a row."""
    return "".join(c for c, _ in groupby(c for c in name.lower() if c.isalnum())) or name
