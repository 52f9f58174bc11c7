"""`copy`: rows of a table, a view or a query into a table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from engine.errors import Problem
from engine.model.changes import Change, CopyRows
from engine.model.expression import Expression, Sql
from engine.model.state import SchemaState
from engine.steps.base import field, step
from engine.steps.fields_rows import (
    BATCH_DOC,
    BATCH_SIZE,
    EXPECT_ALL_DOC,
    KEY_DOC,
    ON_CONFLICT,
    ExpectRows,
    FirstRows,
    batch_size,
    expected,
    one_value_each,
)
from engine.steps.keywords import RESERVED
from engine.steps.shapes import Expr, MapOf, Name, Names, Record, SqlText, Word


@dataclass(frozen=True, slots=True)
class Origin:
    """Where rows come from: the name of a table or view, or {sql: …}."""

    table: str = field("A table or a view.", Name(), default="", short="any", example="youtube_shorts")
    sql: Sql | None = field(
        "A query; the step needs `key` then.",
        SqlText("query"),
        default=None,
        example="SELECT id, title FROM albums",
    )

    def problems(self) -> Iterator[Problem]:
        """Yield an error unless it is a table or a query."""
        if bool(self.table) == (self.sql is not None):
            yield Problem("SP102", "rows come from a table or from {sql: …}, one of the two", ())


@step("copy")
@dataclass(frozen=True, slots=True)
class Copy:
    """Copy rows of a table, a view or a query into a table, in batches that can be resumed.

    The rows are those that are there when the step starts. The way back takes
    out what was copied, and gives replaced rows their old values.
    """

    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "copy: {from: old_albums, into: albums, columns: same, expect_rows: all}",
        "copy:\n"
        "  from: youtube_shorts\n"
        "  into: youtube_results\n"
        "  columns:\n"
        "    source: {value: youtube_legacy}\n"
        "    source_id: video_id\n"
        '    title: "trim(title)"\n'
        "    view_count: {parse: views, as: bigint, otherwise: null}\n"
        '  where: "video_id IS NOT NULL"\n'
        "  on_conflict: skip\n"
        "  conflict_key: [source, source_id]\n"
        "  expect_rows: all\n",
        'copy: {from: {sql: "SELECT id, max(price) AS price FROM sales GROUP BY id"}, into: tops, '
        "columns: [id, price], key: id, expect_rows: all}",
    )

    source: Origin = field(
        "A table or a view, or {sql: …} with `key`.", Record(Origin), key="from", example="youtube_shorts"
    )
    into: str = field("The table that gets the rows.", Name(), example="youtube_results")
    columns: tuple[tuple[str, Expression], ...] | tuple[str, ...] | str = field(
        "What each column of the target gets: target and expression; or a list of names; or `same` for the "
        "names that both have.",
        MapOf(Expr(), or_names=True, word="same"),
        example={"source_id": "video_id", "title": "trim(title)"},
    )
    where: Sql | None = field(
        "The rows to copy; without it all.", SqlText(), default=None, example="video_id IS NOT NULL"
    )
    first_of: FirstRows | None = field(
        "Of rows alike in these columns only the first.",
        Record(FirstRows),
        default=None,
        example={"columns": ["video_id"], "order": [{"column": "id", "order": "desc"}]},
    )
    triggers: str = field(
        "Whether the target's triggers fire: fire, or skip where the database can.",
        Word(("fire", "skip")),
        default="fire",
    )
    key: tuple[str, ...] = field(KEY_DOC + " Required for {sql}.", Names(), default=(), example="id")
    on_conflict: str = field(
        "What is done with a row whose `conflict_key` is there already.", ON_CONFLICT, default="fail"
    )
    conflict_key: tuple[str, ...] = field(
        "Columns of the target by which rows are the same.",
        Names(),
        default=(),
        example=["source", "source_id"],
    )
    batch_size: int | str = field(BATCH_DOC, BATCH_SIZE, default="auto", example=10000)
    expect_rows: ExpectRows | None = field(EXPECT_ALL_DOC, Record(ExpectRows), default=None, example="all")

    def problems(self) -> Iterator[Problem]:
        """Yield keys that are missing for what is asked, and columns that get a value twice."""
        yield from one_value_each(self.columns, "columns")
        if self.source.sql is not None and not self.key:
            words = "a copy from a query needs `key`: columns of it that are unique and never NULL"
            yield Problem("SP102", words, ("from",), hint="add e.g. `key: id`")
        if self.on_conflict != "fail" and not self.conflict_key:
            words = f"`on_conflict: {self.on_conflict}` needs `conflict_key`: the columns that make rows the same"
            yield Problem("SP102", words, ("on_conflict",), hint="add e.g. `conflict_key: [id]`")

    def changes(self, state: SchemaState) -> Iterator[Change]:
        """Return the copy; `columns: same` is left to planning, which knows both tables."""
        del state
        yield CopyRows(
            self.source.table,
            self.source.sql,
            self.into,
            self._columns(),
            self.where,
            self.first_of.first_of() if self.first_of else None,
            self.key,
            self.on_conflict,
            self.conflict_key,
            self.triggers,
            batch_size(self.batch_size),
            expected(self.expect_rows),
        )

    def _columns(self) -> tuple[tuple[str, Expression], ...] | None:
        if isinstance(self.columns, str):
            return None
        return tuple((c, Sql(_as_sql(c))) if isinstance(c, str) else c for c in self.columns)


def _as_sql(name: str) -> str:
    """Return a name as it stands in SQL: quoted only where it must be."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and name.upper() not in RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'
