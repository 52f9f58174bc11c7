"""DT102: keys by which batches are cut."""

from __future__ import annotations

from collections.abc import Iterable

from engine.errors import Problem
from engine.lint.base import Rule
from engine.model.changes import CopyRows, DeleteRows, UpdateRows
from engine.model.state import SchemaState, Table, fold
from engine.plan.compile import Fact


def _key_not_known_unique(fact: Fact) -> Iterable[Problem]:
    for change in fact.changes:
        if not isinstance(change, CopyRows | UpdateRows | DeleteRows) or not change.key:
            continue
        name = change.source if isinstance(change, CopyRows) else change.table
        table = fact.before.table(name)
        if table is None or _unique(fact.before, table, change.key):
            continue
        listed, primary = ", ".join(change.key), ", ".join(table.primary_key)
        yield Problem(
            "DT102",
            f"nothing keeps ({listed}) of `{table.name}` unique and filled, and batches are cut by it",
            (fact.step.verb, "key"),
            hint=f"use its primary key ({primary})" if primary else "make a unique key first",
            subject=f"{table.name}.{','.join(change.key)}",
        )


def _unique(state: SchemaState, table: Table, key: tuple[str, ...]) -> bool:
    """Tell whether the schema itself keeps the rows apart by `key`, without NULLs."""
    wanted = {fold(c) for c in key}
    primary = {fold(c) for c in table.primary_key}
    if primary and primary <= wanted:
        return True
    uniques = [k.columns for k in table.keys]
    uniques += [i.columns for i in state.indexes_of(table.name) if i.unique and i.where is None]
    return any(
        columns
        and {fold(c) for c in columns} <= wanted
        and all((column := table.column(c)) is not None and column.not_null for c in columns)
        for columns in uniques
    )


RULES = (
    Rule(
        "DT102",
        "no-stable-batch-key",
        "warning",
        "The key that is given to cut batches by is not kept unique and filled by the schema.",
        "The engine looks at the rows when the step starts and stops at a NULL or at two that are alike.",
        "Take the primary key, or a unique key over NOT NULL columns.",
        'transform: {table: a, set: {b: "upper(b)"}, key: [b]}',
        'transform: {table: a, set: {b: "upper(b)"}, key: [id]}',
        _key_not_known_unique,
    ),
)
