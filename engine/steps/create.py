"""`create`: a table, a view, a trigger or an enum type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from engine.errors import Problem
from engine.model.changes import Change, CreateTable, CreateTrigger, CreateType, CreateView
from engine.model.definitions import CheckDef, ColumnDef, KeyDef, TableDef, TriggerDef
from engine.model.expression import Sql
from engine.model.state import SchemaState
from engine.steps.base import field, step
from engine.steps.fields_table import (
    OPTIONS,
    UNIQUE_HINT,
    Column,
    Exclusion,
    ForeignKey,
    Options,
    PrimaryKey,
    UniqueKey,
)
from engine.steps.forms import Form, form_problems
from engine.steps.names import derive_name
from engine.steps.shapes import Flag, ListOf, MapOf, Name, Record, SqlText, Text, Word, Words

_FORMS = (
    Form("view", ("query",), ("replace",)),
    Form("trigger", ("table", "timing", "events", "body"), ("when", "replace")),
    Form("type", ("values",), ()),
    Form(
        "table",
        ("columns",),
        (
            "primary_key",
            "unique",
            "checks",
            "foreign_keys",
            "exclude",
            "comment",
            "if_not_exists",
            "options",
            "scratch",
        ),
    ),
)


@step("create")
@dataclass(frozen=True, slots=True)
class Create:
    """Make a table, a view, a trigger or an enum type.

    What is made is told by `view`, `trigger` or `type` where one of them is
    named, else by `table`. On the way back it is dropped; rows that others
    have put into a table meanwhile are a conflict then.
    """

    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "create:\n"
        "  table: albums\n"
        "  columns:\n"
        "    id: {type: integer, primary_key: true, auto_increment: true}\n"
        "    title: {type: text, nullable: false}\n"
        "    note: text\n",
        'create: {view: album_titles, as: "SELECT id, title FROM albums"}',
        "create:\n"
        "  trigger: albums_touch\n"
        "  table: albums\n"
        "  timing: after\n"
        "  events: [update]\n"
        '  body: {sqlite: "UPDATE albums SET title = trim(title) WHERE id = new.id;"}\n',
        "create: {type: album_size, values: [single, ep, lp]}",
    )

    table: str = field("The table to make; for a trigger the table it is on.", Name(), default="", example="albums")
    columns: tuple[tuple[str, Column], ...] = field(
        "The columns, in this order: name and definition, or name and type.",
        MapOf(Record(Column)),
        default=(),
        example={"id": {"type": "integer", "primary_key": True}, "title": "text"},
    )
    primary_key: PrimaryKey | None = field(
        "The primary key, where it is not on a column; composite keys stand here.",
        Record(PrimaryKey),
        default=None,
        example=["id"],
    )
    unique: tuple[UniqueKey, ...] = field(
        "Unique keys: [[a, b]] is one over both, [[a], [b]] are two.",
        ListOf(Record(UniqueKey, UNIQUE_HINT)),
        default=(),
        example=[["artist_id", "title"]],
    )
    checks: tuple[tuple[str, Sql], ...] = field(
        "Checks: name and what must hold of every row.",
        MapOf(SqlText()),
        default=(),
        example={"ck_title": "title <> ''"},
    )
    foreign_keys: tuple[ForeignKey, ...] = field(
        "Foreign keys, where they do not stand on a column.", ListOf(Record(ForeignKey)), default=()
    )
    exclude: tuple[Exclusion, ...] = field("Exclusion constraints (PostgreSQL).", ListOf(Record(Exclusion)), default=())
    comment: str = field("Words kept in the database, where it keeps any.", Text(), default="")
    if_not_exists: bool = field("Whether a table that is there already is left as it is.", Flag(), default=False)
    options: Options = field(
        "What only some databases have, per database.",
        OPTIONS,
        default=(),
        example={"sqlite": {"strict": True}},
    )
    scratch: bool = field(
        "Whether it is a helper of this migration: dropped at its end, kept over a resume, without a way back.",
        Flag(),
        default=False,
    )
    view: str = field("The view to make.", Name(), default="", example="album_titles")
    query: Sql | None = field(
        "The query of a view.",
        SqlText("query"),
        default=None,
        key="as",
        example="SELECT id, title FROM albums",
    )
    replace: bool = field("Whether a view or trigger of that name is replaced.", Flag(), default=False)
    trigger: str = field("The trigger to make.", Name(), default="", example="albums_touch")
    timing: str = field("When a trigger fires.", Word(("before", "after", "instead of")), default="", example="after")
    events: tuple[str, ...] = field(
        "What a trigger fires on.",
        Words(("insert", "update", "delete")),
        default=(),
        also=("event",),
        example=["insert", "update"],
    )
    when: Sql | None = field(
        "The condition on a row under which a trigger fires.",
        SqlText(),
        default=None,
        example="new.price > 0",
    )
    body: Sql | None = field(
        "What stands between BEGIN and END, per database; for PostgreSQL the body of the function that the "
        "engine makes. It fires for each row.",
        SqlText("body"),
        default=None,
    )
    type: str = field("The enum type to make.", Name(), default="", example="album_size")
    values: tuple[str, ...] = field(
        "The values of an enum type; where the database has none, a check on the columns that use it.",
        ListOf(Text()),
        default=(),
        example=["single", "ep", "lp"],
    )

    def problems(self) -> Iterator[Problem]:
        """Yield keys that are missing or do not belong to what is made."""
        yield from form_problems(self, _FORMS)
        inline = [name for name, column in self.columns if column.primary_key]
        if self.primary_key is not None:
            if inline and sorted(inline) != sorted(self.primary_key.columns):
                words = f"the primary key is `{inline[0]}` by its column, and another here"
                yield Problem("SP102", words, ("primary_key",), hint="keep one of the two")
        elif len(inline) > 1:
            words = f"columns {', '.join(f'`{name}`' for name in inline)} are each marked as the primary key"
            path = ("columns", inline[1], "primary_key")
            yield Problem("SP102", words, path, hint=f"one key over all: primary_key: [{', '.join(inline)}]")

    def changes(self, state: SchemaState) -> Iterator[Change]:
        """Return the one thing that is made."""
        del state
        if self.view and self.query is not None:
            yield CreateView(self.view, self.query, self.replace)
        elif self.trigger and self.body is not None:
            trigger = TriggerDef(self.trigger, self.table, self.timing, self.events, self.body, self.when)
            yield CreateTrigger(trigger, self.replace)
        elif self.type:
            yield CreateType(self.type, self.values)
        else:
            yield CreateTable(self._definition(), self.if_not_exists)

    def _definition(self) -> TableDef:
        key = self.primary_key.definition() if self.primary_key else None
        inline = [name for name, column in self.columns if column.primary_key]
        if key is not None and not key.name and list(key.columns) == inline:
            key = None  # said twice; on the column it is the simpler text
        columns: list[ColumnDef] = []
        uniques = [key.definition(self.table) for key in self.unique]
        for name, column in self.columns:
            definition = column.definition(name)
            if definition.unique:
                # A key of its own, so that it has a name and can go again without the column.
                uniques.append(KeyDef((name,), derive_name("uq", self.table, (name,))))
            columns.append(replace(definition, unique=False, primary_key=column.primary_key and key is None))
        return TableDef(
            self.table,
            tuple(columns),
            key,
            tuple(uniques),
            tuple(CheckDef(name, sql) for name, sql in self.checks),
            tuple(key.definition(self.table) for key in self.foreign_keys),
            tuple(exclusion.definition() for exclusion in self.exclude),
            self.comment,
            self.options,
            self.scratch,
        )
