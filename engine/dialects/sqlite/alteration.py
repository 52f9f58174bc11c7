"""What the actions of one `alter` come to: an edited text, where values come from, what must hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.dialects.sqlite import names
from engine.dialects.sqlite.constraints import (
    Source,
    condition_check,
    duplicates_check,
    not_null_check,
    orphans_check,
    parsed_check,
    type_check,
    unique_check,
)
from engine.dialects.sqlite.definition import Types
from engine.dialects.sqlite.introspect import table as table_of
from engine.dialects.sqlite.sql import quote
from engine.dialects.sqlite.translate import names_in
from engine.errors import Path
from engine.model.definitions import IndexDef, ReferenceDef
from engine.model.plan import Check, Statement
from engine.model.state import Column, Index, SchemaState, Table, fold, same_name


@dataclass
class Alteration:
    """The change of one table, gathered action by action.

    Attributes:
        before: the table, its renames done already.
        state: the schema around it, likewise.
        types: enum types.
        text: the table's text so far.
        sources: folded name of a column of the new table → expression over the old row; a column
            that has none is carried under its own name, or gets its default if it is new.
        defaults: folded name of a new column → what its rows hold, for checks.
        added, dropped, changed: columns that come, go, or whose values may change.
        gone_indexes, new_indexes: unique indexes that go and come; the latter with their paths.
        index_texts: folded name of a new index → its text, where it is taken from another.
        in_place: statements by which SQLite does it all; None where it can't.
        obstacle: why not, in words.
        expressions: conditions over the new table, to be tried on it, with their paths.
        wanted: what rows must hold, asked before the first write.
        unparsed: (condition, columns, path): rows whose text does not parse.
        notes: what people want to know.
    """

    before: Table
    state: SchemaState
    types: Types
    text: str
    sources: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)
    dropped: list[Column] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    gone_indexes: list[Index] = field(default_factory=list)
    new_indexes: list[tuple[IndexDef, Path]] = field(default_factory=list)
    index_texts: dict[str, str] = field(default_factory=dict)
    in_place: list[Statement] | None = field(default_factory=list)
    obstacle: str = ""
    expressions: list[tuple[str, Path]] = field(default_factory=list)
    wanted: list[Wanted] = field(default_factory=list)
    unparsed: list[tuple[str, tuple[str, ...], Path]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def now(self) -> Table:
        """The table as the text so far describes it."""
        return table_of(self.text)

    def rebuild(self, why: str) -> None:
        """Note that SQLite can't do it in place."""
        if self.in_place is not None:
            self.in_place = None
            self.obstacle = why

    def value(self, column: str) -> str | None:
        """Return the expression over the old row that gives a column of the new table; None for its default."""
        given = self.sources.get(fold(column))
        if given is not None:
            return given
        own = self.before.column(column)
        return None if names.contains(self.added, column) or own is None or own.generated else quote(column)

    def indexes(self) -> tuple[Index, ...]:
        """Return the indexes that stay."""
        return tuple(i for i in self.state.indexes_of(self.before.name) if i not in self.gone_indexes)

    def checks(self, renames: Sequence[tuple[str, str]]) -> tuple[Check, ...]:
        """Return what rows must hold, asked of the table as it is before anything is done.

        Args:
            renames: (old, new) names of columns, in order.
        """
        found = []
        for condition, columns, path in self.unparsed:
            source = Source(self.before.name, self.before.primary_key, self._old_rows(renames))
            found.append(parsed_check(source, condition, columns, path))
        if self.wanted:
            source = self._source(renames)
            found += [wanted.check(source, self.state) for wanted in dict.fromkeys(self.wanted)]
        return tuple(found)

    def _old_rows(self, renames: Sequence[tuple[str, str]]) -> str:
        """Return the rows as they are under the columns' new names."""
        name = quote(self.before.name)
        if not renames:
            return name
        old = {fold(column.name): column.name for column in self.before.columns}
        for was, now in reversed(renames):
            old = {key: was if same_name(value, now) else value for key, value in old.items()}
        columns = [f"{quote(old[fold(c.name)])} AS {quote(c.name)}" for c in self.before.columns]
        hidden = [self.before.row_id] if self.before.row_id else []
        return f"(SELECT {', '.join([*columns, *hidden])} FROM {name})"

    def _source(self, renames: Sequence[tuple[str, str]]) -> Source:
        """Return the rows as they will be, as a query over the table as it is."""
        after, name = self.now, quote(self.before.name)
        row_id = self.before.row_id
        hidden = [row_id] if row_id and after.column(row_id) is None else []
        parts = []
        for column in after.columns:
            if column.generated is None:
                value = self.value(column.name) or self.defaults.get(fold(column.name), "NULL")
                parts.append(value if value == quote(column.name) else f"{value} AS {quote(column.name)}")
        rows = f"(SELECT {', '.join([*parts, *hidden])} FROM {self._old_rows(renames)} AS {name})"
        waiting = [column for column in after.columns if column.generated is not None]
        while waiting:  # each after those that its expression names
            names_left = {fold(column.name) for column in waiting}
            ready = [c for c in waiting if not (names_left - {fold(c.name)}) & names_in(c.generated or "")]
            for column in ready or waiting:
                rows = f"(SELECT *, ({column.generated}) AS {quote(column.name)} FROM {rows} AS {name})"
            waiting = [column for column in waiting if ready and column not in ready]
        return Source(self.before.name, after.primary_key or tuple(hidden), rows)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the rows of the new table must hold.

    Attributes:
        kind: not null, unique, index, check, reference, type.
        columns: those that it is about.
        name: of the constraint.
        text: the condition of a check, the type of a column.
    """

    kind: str
    columns: tuple[str, ...]
    path: Path
    name: str = ""
    text: str = ""
    index: IndexDef | None = None
    reference: ReferenceDef | None = None

    def check(self, source: Source, state: SchemaState) -> Check:
        """Return the question to ask of `source`."""
        if self.kind == "not null":
            return not_null_check(source, self.columns[0], self.path)
        if self.kind == "check":
            return condition_check(source, self.name, self.text, self.columns, self.path)
        if self.kind == "type":
            return type_check(source, self.columns[0], self.text, self.path)
        if self.index is not None:
            return unique_check(self.index, self.path, source)
        if self.reference is not None:
            return orphans_check(source, self.name, self.columns, self.reference, state, self.path)
        parts = tuple(quote(column) for column in self.columns)
        return duplicates_check(source, self.name, parts, self.path, nulls_alike=self.kind == "key")


def one_column(columns: Sequence[str], name: str) -> bool:
    """Tell whether `name` is all of `columns`."""
    return len(columns) == 1 and same_name(columns[0], name)
