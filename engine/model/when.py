"""`when`: conditions of a step, as written. Decided partly in planning, partly at the step's start."""

from __future__ import annotations

from dataclasses import dataclass

from engine.model.expression import Sql


@dataclass(frozen=True, slots=True)
class TableExists:
    table: str


@dataclass(frozen=True, slots=True)
class ColumnExists:
    table: str
    column: str


@dataclass(frozen=True, slots=True)
class IndexExists:
    index: str


@dataclass(frozen=True, slots=True)
class DialectIs:
    dialects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RowsAre:
    """Number of rows of `table` under `where` within bounds; alone: at least one."""

    table: str
    where: Sql | None
    minimum: int | None
    maximum: int | None


@dataclass(frozen=True, slots=True)
class SqlIsTrue:
    sql: Sql


@dataclass(frozen=True, slots=True)
class Not:
    when: When


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[When, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple[When, ...]


When = TableExists | ColumnExists | IndexExists | DialectIs | RowsAre | SqlIsTrue | Not | AnyOf | AllOf
