"""VA: checks that promise more than they hold. VA102 VA103 VA104 VA105 VA107 VA108 VA109 VA110."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from engine.errors import Path
from engine.lint.base import Found, Rule, SpecView
from engine.lint.story import Scene, covers, each, found
from engine.lint.texts import QUERY, calls, check_fragments, never, top_level
from engine.model.changes import (
    CheckRows,
    CopyRows,
    DeleteRows,
    DropTable,
    InsertRows,
    RowCheck,
    UpdateRows,
)
from engine.model.expression import Literal
from engine.model.row_changes import Amount
from engine.model.state import fold, same_name

AGGREGATES = ("count", "sum", "min", "max", "avg", "total", "group_concat")


def each_check(view: SpecView) -> Iterator[tuple[Scene, RowCheck, Path]]:
    """Yield all checks of a spec with their paths."""
    for scene, rows in each(view, CheckRows):
        for check in rows.checks:
            yield scene, check, ("validate", check.place, check.kind)


# ── VA102 ─────────────────────────────────────────────────────────────────
def _impossible(view: SpecView) -> Iterable[Found]:
    for scene, check, path in each_check(view):
        extra = dict(check.extra)
        if check.kind == "no_rows" and check.query is not None and _one_row(check.query.text or ""):
            words = "this check always fails: its query returns one row, whatever is there"
            hint = "select the rows that must not be there, or write `row_count`"
            yield found(scene, "VA102", words, (*path, "sql"), hint)
        low, high = extra.get("min"), extra.get("max")
        if check.kind == "range" and isinstance(low, Literal) and isinstance(high, Literal):
            numbers = [v.value for v in (low, high) if isinstance(v.value, int | Decimal)]
            if len(numbers) == 2 and numbers[0] > numbers[1]:
                words = f"this check always fails: no value is from {low.spelling} to {high.spelling}"
                yield found(scene, "VA102", words, (*path, "min"), "turn them round", check.table)
        equals = extra.get("equals")
        wanted = equals.number if isinstance(equals, Amount) else low
        nothing = check.where is not None and never(check.where.text or "")
        if check.kind == "row_count" and isinstance(wanted, int) and wanted > 0 and nothing:
            words = "this check always fails: its `where` is true of no row"
            yield found(scene, "VA102", words, (*path, "where"), "take it out, or mend it", check.table)


def _one_row(text: str) -> bool:
    words = top_level(text)
    if words[:1] != ("SELECT",) or {"GROUP", "HAVING", "UNION", "LIMIT", "OVER", "EXCEPT", "INTERSECT"} & set(words):
        return False
    if "FROM" not in words:
        return "WHERE" not in words
    return _selects_aggregate(text)


def _selects_aggregate(text: str) -> bool:
    """Tell whether what stands between SELECT and FROM is nothing but one call of an aggregate."""
    words = top_level(text)
    items = words[1 : words.index("FROM")] if "FROM" in words else words[1:]
    if len(items) > 3 and "AS" in items:
        return False
    return len(items) >= 2 and items[0].lower() in AGGREGATES and items[1] == "()"


# ── VA103 ─────────────────────────────────────────────────────────────────
def _nullable(view: SpecView) -> Iterable[Found]:
    for scene, check, path in each_check(view):
        for name, value in check.extra:
            if isinstance(value, Amount) and value.query is not None:
                words = top_level(value.query.text or "")
                if words[1:3] in (("SUM", "()"), ("AVG", "()"), ("MAX", "()"), ("MIN", "()")) and "GROUP" not in words:
                    message = f"{words[1].lower()}() of no rows is NULL, and the check fails then, not compares with 0"
                    hint = f"coalesce({words[1].lower()}(…), 0)"
                    yield found(scene, "VA103", message, (*path, name, "sql"), hint, check.table)


# ── VA104, VA105, VA110 ───────────────────────────────────────────────────
def _pairs(check: RowCheck) -> tuple[str, str] | None:
    extra = dict(check.extra)
    equals = extra.get("equals")
    if isinstance(equals, Amount) and equals.table:
        return check.table, equals.table
    if check.kind == "same_rows":
        return str(extra.get("left_table")), str(extra.get("right_table"))
    return None


def _misplaced(view: SpecView) -> Iterable[Found]:
    for scene, check, path in each_check(view):
        pair = _pairs(check)
        if pair is None:
            continue
        before = any(_joins(copy, pair) for _, copy in scene.earlier(CopyRows))
        later = next((f for f, copy in scene.later(CopyRows) if _joins(copy, pair)), None)
        if later is not None and not before:
            words = f"this compares `{pair[0]}` with `{pair[1]}` before step {later.step.id} copies between them"
            yield found(scene, "VA104", words, path, "move it behind that step", pair[0])


def _joins(copy: CopyRows, pair: tuple[str, str]) -> bool:
    sides = {fold(copy.source), fold(copy.target)}
    return {fold(pair[0]), fold(pair[1])} == sides


def _unvalidated(view: SpecView) -> Iterable[Found]:
    for kind, word in ((UpdateRows, "transform"), (DeleteRows, "delete")):
        for scene, change in each(view, kind):
            table = change.table  # type: ignore[attr-defined]
            if change.expect is not None or scene.existing(table) is None:  # type: ignore[attr-defined]
                continue
            if any(covers(c, table) for _, rows in scene.later(CheckRows) for c in rows.checks):
                continue
            words = f"nothing tells whether this changed any row of `{table}`"
            yield found(scene, "VA105", words, (word, "<key>"), "add `expect_rows: {min: 1}`, or a `validate`", table)


def _counts_only(view: SpecView) -> Iterable[Found]:
    for scene, drop in each(view, DropTable):
        targets = [c.target for _, c in scene.earlier(CopyRows) if same_name(c.source, drop.name)]
        checks = [c for _, rows in scene.earlier(CheckRows) for c in rows.checks if covers(c, drop.name)]
        if targets and checks and all(c.kind == "row_count" for c in checks):
            words = f"only counts speak for `{drop.name}`: values that were swapped or cut keep the count"
            hint = f"same_rows: {{left: {{table: {drop.name}}}, right: {{table: {targets[0]}}}, columns: same, key: …}}"
            yield found(scene, "VA110", words, ("drop", "table"), hint, drop.name)


# ── VA107, VA108, VA109 ───────────────────────────────────────────────────
_CHANCE = ("random", "rand", "randomblob", "uuid", "gen_random_uuid")


def _by_chance(view: SpecView) -> Iterable[Found]:
    for scene, check, _ in each_check(view):
        for said in check_fragments(check):
            chance = next((c for c in calls(said.text) if c in _CHANCE), "")
            limited = said.kind == QUERY and said.says("LIMIT") and not said.says("ORDER", "BY")
            if chance or (limited and "LIMIT" not in top_level(said.text)):
                words = (
                    f"{chance}() gives another answer each time" if chance else "LIMIT without ORDER BY takes any rows"
                )
                yield found(scene, "VA107", words, said.path, "look at all rows, or at a sample by key", check.table)


def _hard_coded(view: SpecView) -> Iterable[Found]:
    for scene, check, path in each_check(view):
        equals = dict(check.extra).get("equals")
        number = equals.number if isinstance(equals, Amount) else None
        if check.kind != "row_count" or number is None or number < 2 or scene.existing(check.table) is None:
            continue
        if any(same_name(i.target, check.table) for _, i in scene.earlier(InsertRows)):
            continue
        words = f"`{check.table}` has {number} rows in your database, and maybe not in the next one"
        hint = "compare with another table or a query, or say `min` and `max`"
        yield found(scene, "VA108", words, (*path, "equals"), hint, check.table)


def _too_wide(view: SpecView) -> Iterable[Found]:
    for scene, change in each(view, object):
        expect = getattr(change, "expect", None)
        if expect is not None and expect.minimum == 0 and expect.maximum is None:
            words = "a minimum of 0 is no expectation: every number of rows meets it"
            verb = scene.fact.step.verb
            yield found(scene, "VA109", words, (verb, "expect_rows", "min"), "say {min: 1}, or {max: …}")


RULES = (
    Rule(
        "VA102",
        "impossible-validate",
        "error",
        "A check is false for every possible result.",
        "The migration can never finish.",
        "Mend the comparison.",
        "validate:\n  - no_rows: {sql: \"SELECT count(*) FROM a WHERE b = ''\"}",
        "validate:\n  - no_rows: {sql: \"SELECT id FROM a WHERE b = ''\"}",
        check_spec=_impossible,
    ),
    Rule(
        "VA103",
        "nullable-validate",
        "warning",
        "What a check compares with may be NULL.",
        "sum(), avg(), min() and max() of no rows are NULL, and a comparison with NULL is never true.",
        "Wrap it in coalesce(…, 0), or compare counts.",
        'validate:\n  - row_count: {table: a, equals: {sql: "SELECT sum(id) FROM c"}}',
        'validate:\n  - row_count: {table: a, equals: {sql: "SELECT coalesce(sum(id), 0) FROM c"}}',
        check_spec=_nullable,
    ),
    Rule(
        "VA104",
        "validate-misplaced",
        "warning",
        "A check compares two tables before the copy between them.",
        "It looks at the world of before, and says nothing of the copy.",
        "Move it behind the copy.",
        "steps:\n  - validate: [{row_count: {table: c, equals: {table: a}}}]\n"
        "  - copy: {from: a, into: c, columns: same, expect_rows: all}",
        "steps:\n  - copy: {from: a, into: c, columns: same, expect_rows: all}\n"
        "  - validate: [{row_count: {table: c, equals: {table: a}}}]",
        check_spec=_misplaced,
    ),
    Rule(
        "VA105",
        "data-step-unvalidated",
        "info",
        "A `transform` or `delete` has neither `expect_rows` nor a `validate` after it.",
        "A filter that is wrong and meets no row looks like success.",
        "Add `expect_rows: {min: 1}`, or a `validate`.",
        "transform: {table: a, set: {b: trim(b)}}",
        "transform: {table: a, set: {b: trim(b)}, expect_rows: {min: 1}}",
        check_spec=_unvalidated,
        off=True,
    ),
    Rule(
        "VA107",
        "validate-nondeterministic",
        "warning",
        "A check asks by chance: random(), or LIMIT without ORDER BY.",
        "It passes today and fails tomorrow on the same rows.",
        "Look at all rows, or at a sample that goes by key.",
        "validate:\n  - no_rows: {sql: \"SELECT id FROM a WHERE b = '' AND random() % 10 = 0\"}",
        "validate:\n  - no_rows: {sql: \"SELECT id FROM a WHERE b = '' AND id % 10 = 0\"}",
        check_spec=_by_chance,
    ),
    Rule(
        "VA108",
        "hard-coded-row-count",
        "warning",
        "A check compares the rows of a table that was there with a number.",
        "It is true in the author's database only.",
        "Compare with another table or a query, or say `min` and `max`.",
        "validate:\n  - row_count: {table: a, equals: 275}",
        "validate:\n  - row_count: {table: a, equals: {table: c}}",
        check_spec=_hard_coded,
    ),
    Rule(
        "VA109",
        "tolerance-too-wide",
        "warning",
        "`expect_rows` has a minimum of 0 and nothing else.",
        "Every number of rows meets it.",
        "Say {min: 1}, or {max: …}.",
        "transform: {table: a, set: {b: trim(b)}, expect_rows: {min: 0}}",
        "transform: {table: a, set: {b: trim(b)}, expect_rows: {min: 0, max: 100}}",
        check_spec=_too_wide,
    ),
    Rule(
        "VA110",
        "validate-ignores-content",
        "info",
        "A table that was copied is dropped, and only counts speak for it.",
        "Columns that were swapped and values that were cut keep the count.",
        "Add `same_rows`.",
        "steps:\n  - copy: {from: a, into: c, columns: same, expect_rows: all}\n"
        "  - validate: [{row_count: {table: c, equals: {table: a}}}]\n  - drop: {table: a}",
        "steps:\n  - copy: {from: a, into: c, columns: same, expect_rows: all}\n"
        "  - validate: [{same_rows: {left: {table: a}, right: {table: c}, columns: same, key: id}}]\n"
        "  - drop: {table: a}",
        check_spec=_counts_only,
    ),
)
