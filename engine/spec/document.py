"""The keys of a file, and those that go beside every verb. Described like the verbs themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import Problem
from engine.model.expression import Sql
from engine.model.when import (
    AllOf,
    AnyOf,
    ColumnExists,
    DialectIs,
    IndexExists,
    Not,
    RowsAre,
    SqlIsTrue,
    TableExists,
)
from engine.model.when import When as Condition
from engine.spec.nodes import Node
from engine.steps.base import field
from engine.steps.shapes import (
    ListOf,
    Name,
    Names,
    Part,
    Record,
    SqlText,
    Text,
    Whole,
    Word,
    Words,
)

DATABASES = ("sqlite", "postgresql", "mysql", "mariadb")


@dataclass(frozen=True, slots=True)
class Ignore:
    """A lint rule that does not apply here, and why."""

    rule: str = field("The rule: its id, its name, or two letters for a family.", Text(), example="DT107")
    reason: str = field("Why it is right here.", Text(), default="")
    until: str = field("The day after which it applies again.", Text(), default="", example="2027-01-31")


@dataclass(frozen=True, slots=True)
class Rows:
    """The number of rows of a table; alone: at least one."""

    table: str = field("The table or view.", Name(), short="any", example="albums")
    where: Sql | None = field("The rows that count; without it all.", SqlText(), default=None)
    min: int | None = field("At least so many.", Whole(0), default=None)
    max: int | None = field("At most so many.", Whole(0), default=None)


@dataclass(frozen=True, slots=True)
class When:
    """A condition; several keys must all hold."""

    table_exists: str = field("A table or view that must be there.", Name(), default="", example="albums")
    column_exists: str = field(
        "A column that must be there, as table.column.", Name(), default="", example="albums.title"
    )
    index_exists: str = field("An index that must be there.", Name(), default="")
    dialect: tuple[str, ...] = field("The databases it runs on.", Words(DATABASES), default=(), example=["sqlite"])
    rows: Rows | None = field(
        "The number of rows of a table; asked once, when the step starts.",
        Record(Rows),
        default=None,
        example={"table": "albums", "where": "price IS NULL"},
    )
    sql: Sql | None = field(
        "A query; true if it returns a true value. Asked once, when the step starts.",
        SqlText("query"),
        default=None,
        example="SELECT count(*) > 5 FROM albums",
    )
    not_: "When | None" = field(
        "What must not hold.",
        Record(lambda: When),
        default=None,
        key="not",
        example={"table_exists": "albums"},
    )
    any: "tuple[When, ...]" = field("Conditions of which one is enough.", ListOf(Record(lambda: When)), default=())

    def problems(self) -> Iterator[Problem]:
        """Yield a condition that says nothing, or names no column."""
        if self == When():
            yield Problem("SP102", "nothing is asked here", (), hint="e.g. {table_exists: albums}")
        table, _, column = self.column_exists.rpartition(".")
        if self.column_exists and not (table and column):
            words = f"`{self.column_exists}` names no table: it is written table.column"
            yield Problem("SP102", words, ("column_exists",), hint=f"e.g. `albums.{self.column_exists}`")

    def condition(self) -> Condition:
        """Return it as planning knows it."""
        parts: list[Condition] = []
        if self.dialect:
            parts.append(DialectIs(self.dialect))
        if self.table_exists:
            parts.append(TableExists(self.table_exists))
        if self.column_exists:
            table, _, column = self.column_exists.rpartition(".")
            parts.append(ColumnExists(table, column))
        if self.index_exists:
            parts.append(IndexExists(self.index_exists))
        if self.not_ is not None:
            parts.append(Not(self.not_.condition()))
        if self.any:
            parts.append(AnyOf(tuple(part.condition() for part in self.any)))
        if self.rows is not None:
            parts.append(RowsAre(self.rows.table, self.rows.where, self.rows.min, self.rows.max))
        if self.sql is not None:
            parts.append(SqlIsTrue(self.sql))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


@dataclass(frozen=True, slots=True)
class Beside:
    """What goes beside the verb of a step."""

    id: str = field(
        "A stable name of the step, unique in the file; without it position and verb, e.g. 3-copy.",
        Text(),
        default="",
        example="transfer",
    )
    description: str = field("Words shown in plan, progress and history.", Text(), default="")
    when: When | None = field(
        "The step runs only if this holds.", Record(When), default=None, example={"table_exists": "albums"}
    )
    for_each: Node | None = field(
        "Repeat the step for each item of a list, which templates read under this name.",
        Part("for_each"),
        default=None,
        example={"table": ["orders", "invoices"]},
    )
    undo: Node | None = field(
        "The way back where the derived one is not wanted: SQL, a step, or a list of steps.",
        Part("undo"),
        default=None,
        example="DELETE FROM genres WHERE id > 10",
    )
    irreversible: str = field(
        "Why there is no way back, in words; shown in the plan and agreed to on apply.",
        Text(hint="say why there is no way back, in words"),
        default="",
        example="the old values are not kept, as the law wants",
    )
    ignore: tuple[Ignore, ...] = field(
        "Lint rules that do not apply to this step.", ListOf(Record(Ignore), least=0), default=()
    )
    steps: Node | None = field(
        "In place of a verb: a group of steps under one `when`, `for_each` or `description`.",
        Part("steps"),
        default=None,
    )


@dataclass(frozen=True, slots=True)
class Document:
    """One file is one migration: a version, what it is for, and its steps in order."""

    version: str = field("The version: quoted text, equal to the one in the file's name.", Text(), example="001")
    description: str = field("What it is for, in one sentence.", Text(), example="Create the worker queue")
    steps: Node = field("The steps, run in this order.", Part("steps"))
    requires: tuple[str, ...] | None = field(
        "Versions that must be applied first; without it the one before in version order.",
        Names(least=0),
        default=None,
        example=["001"],
    )
    vars: Node | None = field(
        "Named values for {{ name }} in any string below: a value, or one per database.",
        Part("variables"),
        default=None,
        example={"legacy": "youtube_legacy"},
    )
    dialects: tuple[str, ...] = field(
        "The databases it is meant for; without it those of the project's config.",
        Words(DATABASES),
        default=(),
        example=["sqlite", "postgresql"],
    )
    on_failure: str = field(
        "What a failed apply does: rollback undoes its finished steps, stop keeps them and apply resumes.",
        Word(("rollback", "stop")),
        default="rollback",
    )
    transaction: str = field(
        "One transaction for all (spec, or it is refused), one per step and batch (step), or auto.",
        Word(("auto", "spec", "step")),
        default="auto",
    )
    ignore: tuple[Ignore, ...] = field(
        "Lint rules that do not apply to this file.", ListOf(Record(Ignore), least=0), default=()
    )
