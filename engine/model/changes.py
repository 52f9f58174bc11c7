"""The closed vocabulary of what steps mean. Frozen, free of dialect.

A step makes changes; a dialect's session renders them, with the way back taken
from the state before, and advances the state; nothing else may invent a kind
of change. Why the inverse lives in the session and not here:
`docs/decisions/001`.
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
from engine.model.row_changes import (
    Amount,
    CheckRows,
    CopyRows,
    DataChange,
    DeleteRows,
    Expect,
    FirstOf,
    InsertRows,
    Join,
    OrderPart,
    RowCheck,
    RunSql,
    UpdateRows,
)

__all__ = [
    "Action",
    "AddCheck",
    "AddColumn",
    "AddExclude",
    "AddForeignKey",
    "AddUnique",
    "AlterTable",
    "Amount",
    "Change",
    "ChangeColumn",
    "CheckRows",
    "CopyRows",
    "CreateIndex",
    "CreateTable",
    "CreateTrigger",
    "CreateType",
    "CreateView",
    "DataChange",
    "DeleteRows",
    "DropColumn",
    "DropConstraint",
    "DropIndex",
    "DropTable",
    "DropTrigger",
    "DropType",
    "DropView",
    "Expect",
    "FirstOf",
    "InsertRows",
    "Join",
    "OrderPart",
    "RenameColumn",
    "RenameConstraint",
    "RenameIndex",
    "RenameTable",
    "RenameType",
    "RenameView",
    "RowCheck",
    "RunSql",
    "SetComment",
    "SetOptions",
    "SetPrimaryKey",
    "UpdateRows",
    "ValidateConstraint",
]


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
