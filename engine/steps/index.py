"""`index`: an index on columns or expressions of a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from engine.errors import Problem
from engine.model.changes import Change, CreateIndex
from engine.model.definitions import IndexColumnDef, IndexDef
from engine.model.expression import Sql
from engine.model.state import SchemaState
from engine.steps.base import field, step
from engine.steps.names import derive_name
from engine.steps.shapes import Flag, ListOf, MapOf, Name, Names, Record, Scalar, SqlText, Whole, Word


@dataclass(frozen=True, slots=True)
class IndexPart:
    """One part of an index: a column's name, or a mapping."""

    column: str = field("The column.", Name(), default="", short="any", example="title")
    sql: Sql | None = field("An expression in place of a column.", SqlText(), default=None, example="lower(title)")
    order: str = field("The order of this part.", Word(("asc", "desc")), default="")
    nulls: str = field("Where NULLs come, where the database can.", Word(("first", "last")), default="")
    collate: str = field("The collation it is compared by.", Name(), default="")
    opclass: str = field("The operator class (PostgreSQL).", Name(), default="")
    length: int | None = field("How many characters of it (MySQL).", Whole(1), default=None)

    def problems(self) -> Iterator[Problem]:
        """Yield an error unless it is a column or an expression."""
        if bool(self.column) == (self.sql is not None):
            words = "a part of an index is a `column` or `sql`, one of the two"
            yield Problem("SP102", words, ("sql", "<key>") if self.column else (), hint='{sql: "lower(title)"}')

    def definition(self) -> IndexColumnDef:
        """Return it as planning knows it."""
        return IndexColumnDef(self.column, self.sql, self.order, self.nulls, self.collate, self.opclass, self.length)


@step("index")
@dataclass(frozen=True, slots=True)
class Index:
    """Make an index.

    Writes to the table wait while it is made, unless the database can make it
    `concurrently`. A unique index is refused where rows are alike already.
    """

    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "index: {table: albums, columns: [artist_id]}",
        "index: {table: albums, columns: [artist_id, {column: title, order: desc}], name: idx_albums_artist}",
        'index: {table: albums, columns: {sql: "lower(title)"}, unique: true, where: "price > 0"}',
    )

    table: str = field("The table.", Name(), example="albums")
    columns: tuple[IndexPart, ...] = field(
        "Its parts, in this order: columns or {sql: …}.",
        ListOf(Record(IndexPart), bare=True),
        also=("column",),
        example=["artist_id", {"column": "title", "order": "desc"}],
    )
    unique: bool = field("Whether no two rows may be alike in it.", Flag(), default=False)
    where: Sql | None = field("The rows that are in it; without it all.", SqlText(), default=None, example="price > 0")
    name: str = field("Its name; without it idx_<table>_<columns>.", Name(), default="", example="idx_albums_artist_id")
    concurrently: str = field(
        "Whether it is made without blocking writes: auto for large tables that existed before.",
        Word(("auto", True, False)),
        default="auto",
    )
    method: str = field("The kind of index: btree, gin …, as the database calls it.", Name(), default="")
    include: tuple[str, ...] = field("Columns that it carries along, where the database can.", Names(), default=())
    with_: tuple[tuple[str, str | int | bool], ...] = field(
        "Storage parameters (PostgreSQL).",
        MapOf(Scalar()),
        default=(),
        key="with",
        example={"fillfactor": 70},
    )

    def changes(self, state: SchemaState) -> Iterator[Change]:
        """Return the index, with its name."""
        del state
        parts = [part.column or _text(part.sql) for part in self.columns]
        yield CreateIndex(
            IndexDef(
                self.table,
                tuple(part.definition() for part in self.columns),
                self.name or derive_name("idx", self.table, parts),
                self.unique,
                self.where,
                self.concurrently,
                self.method,
                self.include,
                self.with_,
            )
        )


def _text(sql: Sql | None) -> str:
    if sql is None:
        return ""
    return sql.text if sql.text is not None else sql.texts[0][1]
