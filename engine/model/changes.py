"""The closed vocabulary of what steps mean. Frozen, free of dialect.

Each change says what it `touches` and how it is undone (`invert`), given the
state before it. A step makes changes; a dialect renders them; nothing else
may invent a kind of change.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.model.definitions import (
    CheckDef,
    ColumnDef,
    ExcludeDef,
    ForeignKeyDef,
    IndexDef,
    KeyDef,
    TableDef,
    TriggerDef,
)
from engine.model.expression import Expression, Literal, PerDialect, Sql


# ── tables ────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class CreateTable:
    table: TableDef
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class DropTable:
    """Put a table aside by rename (or drop it for good: `keep=False`)."""

    name: str
    if_exists: bool = False
    keep: bool = True


@dataclass(frozen=True, slots=True)
class RenameTable:
    name: str
    to: str


@dataclass(frozen=True, slots=True)
class RenameColumn:
    name: str
    to: str


@dataclass(frozen=True, slots=True)
class AddColumn:
    column: ColumnDef


@dataclass(frozen=True, slots=True)
class ChangeColumn:
    """What of a column changes; None means "stays". `drop_default` takes it away."""

    name: str
    type: PerDialect | None = None
    nullable: bool | None = None
    default: Literal | Sql | None = None
    drop_default: bool = False
    using: Expression | None = None
    collate: str | None = None
    comment: str | None = None
    generated: Sql | None = None
    stored: bool | None = None
    auto_increment: bool | None = None


@dataclass(frozen=True, slots=True)
class DropColumn:
    name: str


@dataclass(frozen=True, slots=True)
class AddUnique:
    key: KeyDef


@dataclass(frozen=True, slots=True)
class AddCheck:
    check: CheckDef


@dataclass(frozen=True, slots=True)
class AddForeignKey:
    foreign_key: ForeignKeyDef


@dataclass(frozen=True, slots=True)
class AddExclude:
    exclude: ExcludeDef


@dataclass(frozen=True, slots=True)
class DropConstraint:
    """By name, or by what it is (exactly one of the four is given)."""

    name: str = ""
    unique: tuple[str, ...] = ()
    check: str = ""
    foreign_key: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RenameConstraint:
    name: str
    to: str


@dataclass(frozen=True, slots=True)
class ValidateConstraint:
    name: str


@dataclass(frozen=True, slots=True)
class SetPrimaryKey:
    key: KeyDef


@dataclass(frozen=True, slots=True)
class SetComment:
    comment: str | None


@dataclass(frozen=True, slots=True)
class SetOptions:
    options: tuple[tuple[str, tuple[tuple[str, str | int | bool], ...]], ...]


Action = (
    RenameColumn
    | AddColumn
    | ChangeColumn
    | DropColumn
    | AddUnique
    | AddCheck
    | AddForeignKey
    | AddExclude
    | DropConstraint
    | RenameConstraint
    | ValidateConstraint
    | SetPrimaryKey
    | SetComment
    | SetOptions
)


@dataclass(frozen=True, slots=True)
class AlterTable:
    """All that one `alter` step (or column rename) does to one table, in the contract's order."""

    table: str
    actions: tuple[Action, ...]


# ── indexes, views, triggers, types ───────────────────────────────────────
@dataclass(frozen=True, slots=True)
class CreateIndex:
    index: IndexDef


@dataclass(frozen=True, slots=True)
class DropIndex:
    name: str
    table: str = ""
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class RenameIndex:
    name: str
    to: str


@dataclass(frozen=True, slots=True)
class CreateView:
    name: str
    query: Sql
    replace: bool = False


@dataclass(frozen=True, slots=True)
class DropView:
    name: str
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class RenameView:
    name: str
    to: str


@dataclass(frozen=True, slots=True)
class CreateTrigger:
    trigger: TriggerDef
    replace: bool = False


@dataclass(frozen=True, slots=True)
class DropTrigger:
    name: str
    table: str = ""
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class CreateType:
    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DropType:
    name: str
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class RenameType:
    name: str
    to: str


# ── rows ──────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Expect:
    """What `expect_rows` says of the rows that a step selects.

    Exactly one of `exact`, `every`, `query` is set, or a bound, or several bounds.
    """

    exact: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    every: bool = False  # `all`
    query: Sql | None = None


@dataclass(frozen=True, slots=True)
class OrderPart:
    column: str = ""
    sql: Sql | None = None
    order: str = ""


@dataclass(frozen=True, slots=True)
class FirstOf:
    """Of rows alike in `columns` only the first in `order`; ties go by the key."""

    columns: tuple[OrderPart, ...]
    order: tuple[OrderPart, ...] = ()


@dataclass(frozen=True, slots=True)
class Join:
    """Rows of another table beside each row; `query` and `alias` in place of `table`."""

    match: Sql
    table: str = ""
    query: Sql | None = None
    alias: str = ""


@dataclass(frozen=True, slots=True)
class CopyRows:
    """Rows of `source` (table or view) or `query` into `target`.

    Attributes:
        columns: target column → expression, in order; None stands for `same`.
        batch_size: rows per batch, None for adaptive.
    """

    source: str
    query: Sql | None
    target: str
    columns: tuple[tuple[str, Expression], ...] | None
    where: Sql | None = None
    first_of: FirstOf | None = None
    key: tuple[str, ...] = ()
    on_conflict: str = "fail"  # fail, skip, replace
    conflict_key: tuple[str, ...] = ()
    triggers: str = "fire"
    batch_size: int | None = None
    expect: Expect | None = None


@dataclass(frozen=True, slots=True)
class InsertRows:
    """Rows written in the spec. Every row has the same columns; a missing one is None."""

    target: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Literal | Sql | None, ...], ...]
    on_conflict: str = "fail"
    conflict_key: tuple[str, ...] = ()
    expect: Expect | None = None


@dataclass(frozen=True, slots=True)
class UpdateRows:
    table: str
    set: tuple[tuple[str, Expression], ...]
    where: Sql | None = None
    join: Join | None = None
    key: tuple[str, ...] = ()
    batch_size: int | None = None
    expect: Expect | None = None


@dataclass(frozen=True, slots=True)
class DeleteRows:
    table: str
    where: Sql | None = None
    all_but_first_of: FirstOf | None = None
    key: tuple[str, ...] = ()
    batch_size: int | None = None
    expect: Expect | None = None


@dataclass(frozen=True, slots=True)
class Amount:
    """A number in a check: literal, query, or the count of a table."""

    number: int | None = None
    query: Sql | None = None
    table: str = ""
    where: Sql | None = None


@dataclass(frozen=True, slots=True)
class RowCheck:
    """One check of `validate`.

    Attributes:
        kind: row_count, unique, not_null, references, accepted, range,
            same_rows, no_rows, exists.
        place: its position in the step (0-based), for messages and spans.
        extra: what only some kinds have, as `(name, value)` pairs:
            row_count: equals (Amount), min, max (int);
            references: to_table (str), to_columns (tuple of str);
            accepted: values (tuple of Literal); range: min, max (Literal);
            same_rows: left_table, left_where, right_table, right_where,
            key (tuple), columns (tuple or None);
            exists: index, view, constraint (str).
    """

    kind: str
    place: int
    table: str = ""
    columns: tuple[str, ...] = ()
    where: Sql | None = None
    query: Sql | None = None
    description: str = ""
    extra: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class CheckRows:
    checks: tuple[RowCheck, ...]


@dataclass(frozen=True, slots=True)
class RunSql:
    """The way out: statements as written; `reads` and `writes` where the engine can't see them."""

    statements: tuple[Sql, ...]
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()


Change = (
    CreateTable
    | DropTable
    | RenameTable
    | AlterTable
    | CreateIndex
    | DropIndex
    | RenameIndex
    | CreateView
    | DropView
    | RenameView
    | CreateTrigger
    | DropTrigger
    | CreateType
    | DropType
    | RenameType
    | CopyRows
    | InsertRows
    | UpdateRows
    | DeleteRows
    | CheckRows
    | RunSql
)
DataChange = CopyRows | InsertRows | UpdateRows | DeleteRows
