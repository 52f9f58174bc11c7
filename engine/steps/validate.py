"""`validate`: what must hold, or the migration fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import ClassVar

from engine.errors import Problem
from engine.model.changes import Change, CheckRows, RowCheck
from engine.model.state import SchemaState
from engine.steps.base import field, step
from engine.steps.fields_checks import (
    Accepted,
    Exists,
    NoRows,
    NotNull,
    Range,
    References,
    RowCount,
    SameRows,
    Unique,
)
from engine.steps.shapes import ListOf, Record


@dataclass(frozen=True, slots=True)
class Check:
    """One check: exactly one of these keys."""

    row_count: RowCount | None = field(
        "A table has so many rows.",
        Record(RowCount),
        default=None,
        example={"table": "albums", "equals": {"table": "old_albums"}},
    )
    unique: Unique | None = field(
        "No two rows are alike in these columns.",
        Record(Unique),
        default=None,
        example={"table": "albums", "columns": ["artist_id", "title"]},
    )
    not_null: NotNull | None = field(
        "None of these columns holds NULL.",
        Record(NotNull),
        default=None,
        example={"table": "albums", "columns": ["title"]},
    )
    references: References | None = field(
        "Each row has its partner in another table.",
        Record(References),
        default=None,
        example={"table": "albums", "columns": ["artist_id"], "to": {"table": "artists", "columns": ["id"]}},
    )
    accepted: Accepted | None = field(
        "A column holds nothing but these values.",
        Record(Accepted),
        default=None,
        example={"table": "task_queue", "column": "status", "values": ["QUEUED", "DONE"]},
    )
    range: Range | None = field(
        "A column holds values between two bounds.",
        Record(Range),
        default=None,
        example={"table": "albums", "column": "price", "min": 0, "max": 1000},
    )
    same_rows: SameRows | None = field(
        "Two tables hold the same rows.",
        Record(SameRows),
        default=None,
        example={"left": {"table": "a"}, "right": {"table": "b"}, "columns": "same", "key": ["id"]},
    )
    no_rows: NoRows | None = field(
        "A query finds no rows.",
        Record(NoRows),
        default=None,
        example={"sql": "SELECT id FROM albums WHERE title = ''"},
    )
    exists: Exists | None = field(
        "A table, column, index, view or constraint is there.",
        Record(Exists),
        default=None,
        example={"table": "albums", "columns": ["title"]},
    )

    def given(self) -> tuple[str, ...]:
        """Return the keys that are written."""
        return tuple(item.name for item in fields(self) if getattr(self, item.name) is not None)

    def problems(self) -> Iterator[Problem]:
        """Yield an error unless it is exactly one check."""
        given = self.given()
        if not given:
            yield Problem("SP102", "a check is missing here", (), hint="e.g. `- unique: {table: a, columns: [id]}`")
        elif len(given) > 1:
            words = f"`{given[0]}` and `{given[1]}` are two checks"
            yield Problem("SP102", words, (given[1], "<key>"), hint="write each as an item of its own")

    def row_check(self, place: int) -> RowCheck:
        """Return it as planning knows it."""
        check: RowCheck = getattr(self, self.given()[0]).row_check(place)
        return check


@step("validate")
@dataclass(frozen=True, slots=True)
class Validate:
    """Check what must hold; one check failing fails the step.

    Every check is reported. A failure ends with exit code 3, and the
    migration is undone unless `on_failure: stop`. Checks read whole tables.
    """

    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "validate:\n"
        "  - row_count: {table: albums, equals: {table: old_albums}}\n"
        "  - unique: {table: albums, columns: [artist_id, title]}\n",
        "validate:\n"
        "  - not_null: {table: albums, columns: [title]}\n"
        "  - references: {table: albums, column: artist_id, to: {table: artists, column: id}}\n"
        "  - accepted: {table: albums, column: size, values: [single, ep, lp]}\n"
        "  - range: {table: albums, column: price, min: 0, max: 1000}\n",
        "validate:\n"
        "  - same_rows: {left: {table: a}, right: {table: b}, columns: same, key: [id]}\n"
        "  - no_rows: {sql: \"SELECT id FROM albums WHERE title = ''\"}\n"
        "  - exists: {table: albums, columns: [title]}\n",
    )

    checks: tuple[Check, ...] = field("The checks.", ListOf(Record(Check)), key="", short="list")

    def changes(self, state: SchemaState) -> Iterator[Change]:
        """Return the checks, each with its place in the step."""
        del state
        yield CheckRows(tuple(check.row_check(place) for place, check in enumerate(self.checks)))
