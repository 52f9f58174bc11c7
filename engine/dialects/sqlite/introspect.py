"""From the texts in SQLite's catalogue to the schema state. Pure; each text is read once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from engine.dialects.base import Catalogue, CatalogueObject
from engine.dialects.sqlite.index_text import index_of
from engine.dialects.sqlite.table_text import Constraint, TableText, TextError, parse
from engine.dialects.sqlite.tokens import tokens, unquote
from engine.model.state import (
    Check,
    Column,
    ForeignKey,
    Index,
    Key,
    SchemaState,
    Table,
    Trigger,
    View,
    fold,
    same_name,
)

ROW_IDS = ("rowid", "_rowid_", "oid")
_COLLATIONS = ("binary", "nocase", "rtrim")

# Tables that a virtual table makes for itself: its name, "_" and one of these.
_SHADOWS = {
    "fts3": ("content", "segments", "segdir", "docsize", "stat"),
    "fts4": ("content", "segments", "segdir", "docsize", "stat"),
    "fts5": ("data", "idx", "content", "docsize", "config"),
    "rtree": ("node", "rowid", "parent"),
    "rtree_i32": ("node", "rowid", "parent"),
    "geopoly": ("node", "rowid", "parent"),
}


@lru_cache(maxsize=8192)
def is_engines(name: str, sqlites: bool = True) -> bool:
    """Tell whether a table of this name is the engine's own or, unless told else, SQLite's own."""
    folded = fold(name)
    return folded == "migration_history" or folded.startswith("engine_") or (sqlites and folded.startswith("sqlite_"))


def users(catalogue: Catalogue) -> tuple[CatalogueObject, ...]:
    """Return the user's objects, automatic indexes aside."""
    return tuple(o for o in catalogue.objects if o.sql and not is_engines(o.name) and not is_engines(o.table))


@lru_cache(maxsize=8192)
def is_virtual(sql: str) -> bool:
    """Tell whether a text is that of a table made by an extension."""
    found = tokens(sql)
    return len(found) > 1 and found[1].is_word("VIRTUAL")


def unknown_collations(objects: Iterable[CatalogueObject]) -> tuple[str, ...]:
    """Return the names of the collations in the texts that SQLite does not bring along."""
    found: dict[str, str] = {}
    for o in objects:
        parts = tokens(o.sql)
        for at, token in enumerate(parts[:-1]):
            if token.is_word("COLLATE") and fold(parts[at + 1].name) not in _COLLATIONS:
                found.setdefault(fold(parts[at + 1].name), parts[at + 1].name)
    return tuple(found[key] for key in sorted(found))


def mark_untouchable(found: SchemaState, opaque: Iterable[CatalogueObject]) -> SchemaState:
    """Return the state with the tables in `opaque`, or with an index in it, marked as virtual."""
    names = {fold(o.table) for o in opaque if o.type in ("table", "index")}
    if not names:
        return found
    return replace(found, tables=tuple(replace(t, virtual=t.virtual or fold(t.name) in names) for t in found.tables))


def state(catalogue: Catalogue, columns: Mapping[str, tuple[Column, ...]] | None = None) -> SchemaState:
    """Return the schema state that the catalogue's texts describe.

    Left out are the engine's and SQLite's own tables, with what stands on them, and automatic
    indexes. A table that cannot be altered or rebuilt (of an extension, or one whose text can't
    be read) is `virtual`.

    Args:
        columns: folded name of a view or virtual table → its columns, which no text tells.
    """
    known = columns or {}
    objects = users(catalogue)
    reserved = {name for o in objects if o.type == "table" for name in _shadow_names(o.name, o.sql)}
    tables = tuple(
        _virtual(o, known.get(fold(o.name), ()))
        if is_virtual(o.sql)
        else table(o.sql, fold(o.name) in reserved, o.name)
        for o in objects
        if o.type == "table"
    )
    by_name = {fold(t.name): t for t in tables}
    return SchemaState(
        tables=tables,
        indexes=tuple(_index(o, by_name.get(fold(o.table))) for o in objects if o.type == "index"),
        views=tuple(View(o.name, known.get(fold(o.name), ()), o.sql) for o in objects if o.type == "view"),
        triggers=tuple(Trigger(o.name, o.table, o.sql) for o in objects if o.type == "trigger"),
        complete=catalogue.complete,
    )


def grown(before: SchemaState, added: Sequence[CatalogueObject]) -> SchemaState | None:
    """Return what `state` would of a catalogue in which `added` stand behind all that `before` holds.

    None where that is not for them alone to tell: a view that came to work has columns, a virtual table has tables.
    """
    if (
        before.views
        or any(o.type == "view" or is_virtual(o.sql) for o in added)
        or any(t.virtual for t in before.tables)
    ):
        return None
    tables = tuple(table(o.sql, False, o.name) for o in added if o.type == "table")
    by_name = {fold(t.name): t for t in tables}
    indexes = tuple(_index(o, by_name.get(fold(o.table)) or before.table(o.table)) for o in added if o.type == "index")
    triggers = tuple(Trigger(o.name, o.table, o.sql) for o in added if o.type == "trigger")
    return replace(
        before,
        tables=before.tables + tables,
        indexes=before.indexes + indexes,
        triggers=before.triggers + triggers,
    )


@lru_cache(maxsize=8192)
def table(sql: str, untouchable: bool = False, name: str = "") -> Table:
    """Return the table that a CREATE TABLE text describes.

    Args:
        untouchable: mark it as `virtual`: it belongs to an extension.
        name: its name in the catalogue, "" to take that in the text.

    A text that can't be read gives a `virtual` table without columns.
    """
    try:
        text = parse(sql)
    except TextError:
        return Table(name, (), (), (), (), sql, virtual=True)
    found = tuple(_columns(text))
    return Table(
        name=name or text.name.value,
        columns=found,
        keys=tuple(_key(c) for c in text.all_constraints if c.kind in ("primary key", "unique")),
        foreign_keys=tuple(_foreign_keys(text)),
        checks=tuple(Check(c.name, text.text(c.body), c.column) for c in text.all_constraints if c.kind == "check"),
        sql=sql,
        row_id="" if text.without_rowid else _row_id(found),
        strict=text.strict,
        virtual=untouchable,
    )


def _columns(text: TableText) -> list[Column]:
    primary = next((c for c in text.all_constraints if c.kind == "primary key"), None)
    key = _names(primary) if primary is not None else ()
    if text.without_rowid:  # such a key is rid of its doubles, a plain one is not
        key = tuple(name for place, name in enumerate(key) if not _position(name, key[:place]))
    # here a key is never NULL, the row id aside; elsewhere SQLite takes NULLs in a key
    filled = text.without_rowid or (text.strict and not _is_row_id(text, primary, key))
    found = []
    for column in text.columns:
        name = column.name.value
        default, collate, generated = column.last("default"), column.last("collate"), column.last("generated")
        position = _position(name, key)
        found.append(
            Column(
                name=name,
                type=unquote(text.text(column.type)),
                not_null=column.last("not null") is not None or (position > 0 and filled),
                default=text.text(default.body) if default is not None else None,
                generated=text.text(generated.body) if generated is not None else None,
                stored=generated is not None and generated.stored,
                collate=unquote(text.text(collate.body)) if collate is not None else "",
                key_position=position,
                auto_increment=position > 0 and primary is not None and primary.auto_increment,
            )
        )
    return found


def _is_row_id(text: TableText, primary: Constraint | None, key: tuple[str, ...]) -> bool:
    """Tell whether the primary key is another name of the row id."""
    column = text.column(key[0]) if len(key) == 1 else None
    return (
        primary is not None
        and column is not None
        and fold(unquote(text.text(column.type))) == "integer"
        and not (primary.column and primary.descending)
    )


def _position(name: str, key: tuple[str, ...]) -> int:
    """Return the place of `name` in `key` from 1, or 0."""
    return next((place for place, part in enumerate(key, 1) if same_name(part, name)), 0)


def _names(constraint: Constraint) -> tuple[str, ...]:
    return (constraint.column,) if constraint.column else tuple(name.value for name in constraint.columns)


def _key(constraint: Constraint) -> Key:
    return Key(constraint.name, _names(constraint), primary=constraint.kind == "primary key")


def _foreign_keys(text: TableText) -> list[ForeignKey]:
    found: list[ForeignKey] = []
    for constraint in text.all_constraints:
        if constraint.kind == "deferrable" and found:  # SQLite gives it to the last one made
            found[-1] = replace(found[-1], deferrable=constraint.deferred)
        if constraint.target is not None:
            found.append(
                ForeignKey(
                    name=constraint.name,
                    columns=_names(constraint),
                    table=constraint.target.value,
                    references=tuple(name.value for name in constraint.references),
                    on_delete=constraint.on_delete,
                    on_update=constraint.on_update,
                    deferrable=constraint.deferred,
                )
            )
    return found


def _row_id(columns: tuple[Column, ...]) -> str:
    taken = {fold(column.name) for column in columns}
    return next((name for name in ROW_IDS if name not in taken), "")


@lru_cache(maxsize=8192)
def _shadow_names(name: str, sql: str) -> tuple[str, ...]:
    """Return folded names of the tables that the virtual table `name` makes for itself."""
    if not is_virtual(sql):
        return ()
    found = tokens(sql)
    module = next((found[i + 1].name for i, t in enumerate(found[:-1]) if t.is_word("USING")), "")
    return tuple(fold(f"{name}_{suffix}") for suffix in _SHADOWS.get(fold(module), ()))


def _virtual(row: CatalogueObject, columns: tuple[Column, ...]) -> Table:
    return Table(row.name, columns, (), (), (), row.sql, virtual=True)


def _index(row: CatalogueObject, on: Table | None) -> Index:
    return index_of(row.name, row.table, row.sql, _folded(on.sql) if on is not None else None)


@lru_cache(maxsize=8192)
def _folded(sql: str) -> frozenset[str]:
    """Return the folded names of the columns in a table's text."""
    return frozenset(fold(column.name) for column in table(sql).columns)
