"""What a spec asks for: tables, columns, keys, checks, as written. Free of dialect.

Names that the spec does not give are "" here; `names.py` derives them.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.model.expression import Expression, Literal, PerDialect, Sql


@dataclass(frozen=True, slots=True)
class ReferenceDef:
    """The target of a foreign key; no columns means the target's primary key."""

    table: str
    columns: tuple[str, ...] = ()
    on_delete: str = ""  # "", cascade, set null, set default, restrict, no action
    on_update: str = ""
    deferrable: bool = False


@dataclass(frozen=True, slots=True)
class ColumnDef:
    """A column as a spec asks for it. `type` is a portable type, or any text, or per dialect."""

    name: str
    type: PerDialect
    nullable: bool = True
    default: Literal | Sql | None = None  # None: no default; Literal(None) : DEFAULT NULL
    primary_key: bool = False
    auto_increment: bool = False
    unique: bool = False
    references: ReferenceDef | None = None
    check: Sql | None = None
    collate: str = ""  # nocase, binary, rtrim, or a collation of the database
    generated: Sql | None = None
    stored: bool = False
    comment: str = ""
    using: Expression | None = None  # alter.add: fills the rows that are there
    after: str = ""  # alter.add: position; "" at the end


@dataclass(frozen=True, slots=True)
class KeyDef:
    """A primary or unique key."""

    columns: tuple[str, ...]
    name: str = ""
    include: tuple[str, ...] = ()
    nulls_not_distinct: bool = False
    deferrable: bool = False


@dataclass(frozen=True, slots=True)
class CheckDef:
    name: str
    sql: Sql
    validate_later: bool = False


@dataclass(frozen=True, slots=True)
class ForeignKeyDef:
    columns: tuple[str, ...]
    references: ReferenceDef
    name: str = ""
    validate: str = "auto"  # auto, now, later


@dataclass(frozen=True, slots=True)
class ExcludeDef:
    name: str
    using: str
    elements: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TableDef:
    name: str
    columns: tuple[ColumnDef, ...]
    primary_key: KeyDef | None = None
    uniques: tuple[KeyDef, ...] = ()
    checks: tuple[CheckDef, ...] = ()
    foreign_keys: tuple[ForeignKeyDef, ...] = ()
    exclude: tuple[ExcludeDef, ...] = ()
    comment: str = ""
    options: tuple[tuple[str, tuple[tuple[str, str | int | bool], ...]], ...] = ()  # per dialect
    scratch: bool = False


@dataclass(frozen=True, slots=True)
class IndexColumnDef:
    """One part of an index: a column or an expression."""

    column: str = ""
    sql: Sql | None = None
    order: str = ""  # "", asc, desc
    nulls: str = ""
    collate: str = ""
    opclass: str = ""
    length: int | None = None


@dataclass(frozen=True, slots=True)
class IndexDef:
    table: str
    columns: tuple[IndexColumnDef, ...]
    name: str = ""
    unique: bool = False
    where: Sql | None = None
    concurrently: str = "auto"
    method: str = ""
    include: tuple[str, ...] = ()
    with_: tuple[tuple[str, str | int | bool], ...] = ()


@dataclass(frozen=True, slots=True)
class TriggerDef:
    name: str
    table: str
    timing: str  # before, after, instead of
    events: tuple[str, ...]
    body: PerDialect
    when: Sql | None = None
