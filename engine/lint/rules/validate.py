"""VA: checks that can't fail are worse than none, because reviewers trust them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.errors import Problem
from engine.lint.base import Rule
from engine.model.changes import Amount, CheckRows, RowCheck
from engine.plan.compile import Fact

_ALWAYS_EMPTY = re.compile(r"\bwhere\s+(1\s*=\s*0|0|false|1\s*<>\s*1)\s*;?\s*$", re.IGNORECASE)


def _cannot_fail(fact: Fact) -> Iterable[Problem]:
    for change in fact.changes:
        if isinstance(change, CheckRows):
            for check in change.checks:
                yield from _one(check)


def _one(check: RowCheck) -> Iterable[Problem]:
    path = ("validate", check.place, check.kind)
    extra = dict(check.extra)
    if check.kind == "row_count":
        minimum, maximum, equals = extra.get("min"), extra.get("max"), extra.get("equals")
        if isinstance(minimum, int) and minimum <= 0 and maximum is None and equals is None:
            yield Problem(
                "VA101",
                f"this check can't fail: a count is never below {minimum}",
                (*path, "min"),
                hint="say what the count must be: `min: 1`, or `equals: {table: …}`",
                subject=check.table,
            )
        if isinstance(equals, Amount) and equals.table == check.table and equals.where == check.where:
            yield Problem(
                "VA101",
                f"this check can't fail: it compares `{check.table}` with itself",
                (*path, "equals"),
                hint="compare with the table the rows came from",
                subject=check.table,
            )
    elif check.kind == "no_rows" and check.query is not None and _ALWAYS_EMPTY.search(check.query.text or ""):
        yield Problem(
            "VA101",
            "this check can't fail: its condition is never true, so it finds no rows",
            (*path, "sql"),
            hint="ask for the rows that must not be there",
        )


RULES = (
    Rule(
        "VA101",
        "tautological-validate",
        "error",
        "A check is true for every possible result.",
        "It documents a safety that does not exist, and reviewers trust it.",
        "Compare source with target, or look for rows that must not be there.",
        "validate:\n  - row_count: {table: albums, min: 0}",
        "validate:\n  - row_count: {table: albums, equals: {table: old_albums}}",
        _cannot_fail,
    ),
)
