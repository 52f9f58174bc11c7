"""Changes of rows: copy, insert, update, delete, check, and SQL as it was written."""

from __future__ import annotations

from dataclasses import dataclass

from engine.model.expression import Expression, Literal, Sql


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


DataChange = CopyRows | InsertRows | UpdateRows | DeleteRows
