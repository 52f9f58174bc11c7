"""DT and RB: data steps without a count, steps without a way back."""

from __future__ import annotations

from collections.abc import Iterable

from engine.errors import Diagnostic, Problem
from engine.lint.base import Rule
from engine.lint.edits import Edit, add_key
from engine.lint.story import Scene, Told, by_statement
from engine.lint.texts import Fragment, always, last_where, target
from engine.model.changes import CheckRows, CopyRows, DeleteRows, RunSql
from engine.model.state import fold, same_name
from engine.plan.compile import Fact


def _copy_without_count(fact: Fact) -> Iterable[Problem]:
    for change in fact.changes:
        if isinstance(change, CopyRows) and change.expect is None and not _counted_later(fact, change):
            yield Problem(
                "DT107",
                f"nothing says how many rows this copy must bring into `{change.target}`",
                ("copy", "<key>"),
                hint="add `expect_rows: all`",
                subject=change.target,
            )


def _all_counted(diagnostic: Diagnostic) -> Iterable[Edit]:
    return add_key(diagnostic.span, "expect_rows", "all") if diagnostic.span else ()


def _counted_later(fact: Fact, copy: CopyRows) -> bool:
    """Tell whether a later `validate` of the spec counts or compares the copy's target."""
    later = fact.spec.steps[fact.spec.steps.index(fact.step) + 1 :]
    for step in later:
        if step.verb != "validate":
            continue
        for change in step.body.changes(fact.after):
            if isinstance(change, CheckRows) and any(
                c.kind in ("row_count", "same_rows") and same_name(c.table, copy.target) for c in change.checks
            ):
                return True
    return False


def _no_way_back(fact: Fact) -> Iterable[Problem]:
    step = fact.step
    if any(isinstance(c, RunSql) for c in fact.changes) and step.undo is None and not step.irreversible:
        yield Problem(
            "RB101",
            "this `sql` has no way back: the engine can't derive one from free SQL",
            ("sql", "<key>"),
            hint="add `undo:` with the SQL that takes it back, or `irreversible:` with the reason",
        )


_EVERY_ROW = ("true", "1", "1=1", "1 = 1")


def _everything_deleted(fact: Fact) -> Iterable[Problem]:
    for change in fact.changes:
        if not isinstance(change, DeleteRows) or change.where is None or change.expect is not None:
            continue
        if (change.where.text or "").strip().lower() in _EVERY_ROW:
            yield Problem(
                "DL104",
                f"every row of `{change.table}` is deleted",
                ("delete", "where"),
                hint="say so with `expect_rows`, or narrow `where`",
                subject=change.table,
            )


def _truncates(said: Fragment, scene: Scene) -> Told:
    name = target(said)
    if not name or fold(name) in scene.made or scene.guarded(name):
        return None
    where = last_where(said.text)
    every = said.begins("DELETE") and (not said.says("WHERE") or always(where))
    if said.begins("TRUNCATE") or every:
        return (
            f"every row of `{name}` is deleted",
            "write `delete` with `expect_rows`, or look with `validate` before",
            name,
        )
    return None


RULES = (
    Rule(
        "DT107",
        "copy-without-count-assertion",
        "error",
        "A copy has neither `expect_rows` nor a later `validate` that counts its target.",
        "A copy that lost rows would report success.",
        "Add `expect_rows: all`.",
        "copy: {from: a, into: b, columns: same}",
        "copy: {from: a, into: b, columns: same, expect_rows: all}",
        _copy_without_count,
        fix="auto",
        mend=_all_counted,
    ),
    Rule(
        "RB101",
        "irreversible-undeclared",
        "error",
        "A `sql` step has neither `undo` nor `irreversible`.",
        "That there is no way back would be discovered on the worst day.",
        "Give `undo`, or say `irreversible: why`.",
        'sql: "UPDATE a SET b = 1"',
        'sql: "UPDATE a SET b = 1"\nundo:\n  - sql: "UPDATE a SET b = 0"',
        _no_way_back,
        needs_reason=True,
        over=("SP113",),
    ),
    Rule(
        "DL104",
        "delete-without-filter",
        "error",
        "A delete takes every row of a table, and nothing says how many there should be.",
        "A whole table is lost to a filter that was forgotten.",
        "Narrow `where`, or state `expect_rows`.",
        'delete: {from: sessions, where: "true"}',
        "delete: {from: sessions, where: \"expires_at < '2024-01-01'\"}",
        _everything_deleted,
        needs_reason=True,
        check_spec=by_statement("DL104", _truncates),
        over=("DT101", "SP113"),
    ),
)
