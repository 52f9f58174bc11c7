"""VA: checks that can't fail are worse than none, because reviewers trust them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.errors import Problem
from engine.lint.base import Rule
from engine.lint.texts import never, words_of
from engine.model.changes import Amount, CheckRows, RowCheck
from engine.model.expression import Sql
from engine.model.state import fold, same_name
from engine.plan.compile import Fact

_COUNT = ("SELECT", "COUNT", "(", "*", ")", "FROM")
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
        if isinstance(equals, Amount) and equals.query is not None and check.where is None:
            words = words_of(equals.query.text or "")
            if words[:6] == _COUNT and len(words) == 7 and same_name(words[6], check.table):
                yield Problem(
                    "VA101",
                    f"this check can't fail: it compares `{check.table}` with itself",
                    (*path, "equals", "sql"),
                    hint="compare with the table the rows came from",
                    subject=check.table,
                )
    elif check.kind in ("unique", "not_null", "references", "accepted", "range") and _nothing(check.where):
        message = "this check can't fail: its `where` is true of no row"
        yield Problem("VA101", message, (*path, "where"), hint="take it out, or mend it", subject=check.table)
    elif check.kind == "references" and same_name(str(extra.get("to_table", "")), check.table):
        if tuple(map(fold, check.columns)) == tuple(map(fold, _names(extra.get("to_columns")))):
            message = f"this check can't fail: `{check.table}` refers to itself, column by column"
            yield Problem("VA101", message, (*path, "to"), hint="name the table referred to", subject=check.table)
    elif check.kind == "same_rows" and extra.get("left_table") == extra.get("right_table"):
        if extra.get("left_where") == extra.get("right_where"):
            message = f"this check can't fail: it compares `{extra.get('left_table')}` with itself"
            yield Problem("VA101", message, (*path, "right"), hint="name the other table")
    elif check.kind == "no_rows" and check.query is not None and _ALWAYS_EMPTY.search(check.query.text or ""):
        yield Problem(
            "VA101",
            "this check can't fail: its condition is never true, so it finds no rows",
            (*path, "sql"),
            hint="ask for the rows that must not be there",
        )


def _nothing(where: Sql | None) -> bool:
    return where is not None and never(where.text or "")


def _names(value: object) -> tuple[str, ...]:
    return tuple(str(v) for v in value) if isinstance(value, tuple) else ()


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
