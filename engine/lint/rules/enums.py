"""DL112: lists of allowed values that get shorter, as a check or as an enum of MySQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.dialects.sqlite.tokens import tokens
from engine.errors import Path
from engine.lint.base import Found, Rule, SpecView
from engine.lint.story import Scene, actions, found
from engine.lint.types import walk
from engine.model.changes import AddCheck, AlterTable, ChangeColumn
from engine.model.state import fold, same_name

Values = tuple[str, ...]
Lost = tuple[Scene, str, str, Values, Path]
"""Scene, table, column, values that are no longer allowed, place."""

_AROUND = frozenset({"IN", "ANY", "ARRAY", "TEXT", "CHARACTER", "VARYING"})


def enum_of(text: str) -> Values:
    """Return the texts that a type (`enum('a', 'b')`) allows, () where it is no such type."""
    head, _, rest = text.strip().partition("(")
    if head.strip().lower() not in ("enum", "set") or not rest.endswith(")"):
        return ()
    return tuple(t.text for t in tokens(rest[:-1]) if t.kind == "string")


def list_of(check: str) -> tuple[str, Values]:
    """Return column and texts of a check that is nothing but such a list, as a spec or a database writes it."""
    parts = tokens(check)
    first = next((n for n, t in enumerate(parts) if t.is_name and t.text.upper() not in _AROUND), -1)
    if first < 0 or any(t.is_name and t.text.upper() not in _AROUND for t in parts[first + 1 :]):
        return "", ()
    says_list = any(t.is_word("IN", "ANY") for t in parts)
    values = tuple(t.text for t in parts if t.kind == "string")
    return (parts[first].name, values) if says_list and values else ("", ())


def _checks(view: SpecView) -> Iterator[Lost]:
    last = view.live[-1].after if view.live else None
    for scene, table, action in actions(view, AddCheck):
        column, allowed = list_of(action.check.sql.given_for(view.world.dialect) or action.check.sql.text or "")
        first = view.live[0].before.table(table)
        owner = last.table(table) if last else None
        if not column or scene.existing(table) is None or first is None or owner is None:
            continue
        kept = {c.sql for c in owner.checks if not same_name(c.name, action.check.name)}
        for old in first.checks:
            whose, values = list_of(old.sql)
            lost = tuple(v for v in values if v not in allowed)
            if same_name(whose, column) and old.sql not in kept and lost:
                yield scene, table, column, lost, ("alter", "add_checks", action.check.name)


def _enums(view: SpecView) -> Iterator[Lost]:
    for scene, declared in walk(view):
        altered = [(c.table, a) for c in scene.fact.changes if isinstance(c, AlterTable) for a in c.actions]
        for table, action in altered:
            owner = scene.existing(table)
            if isinstance(action, ChangeColumn) and action.type is not None and owner is not None:
                before = declared.get((fold(table), fold(action.name)))
                column = owner.column(action.name)
                for dialect in ("mysql", "mariadb"):
                    old = before.given_for(dialect) if before else column.type if column else ""
                    allowed = enum_of(action.type.given_for(dialect) or "")
                    lost = tuple(v for v in enum_of(old or "") if v not in allowed)
                    if allowed and lost:
                        yield scene, table, action.name, lost, ("alter", "change", action.name, "type")
                        break


def _shorter(view: SpecView) -> Iterable[Found]:
    for scene, table, column, lost, path in (*_checks(view), *_enums(view)):
        if scene.guarded(table, column):
            continue
        which = lost[0] if len(lost) == 1 else f"{', '.join(lost[:-1])} and {lost[-1]}"
        words = f"`{table}.{column}` no longer takes {which}, and rows that are there may"
        hint = "give these rows another value with `transform`, and look with a `validate` that none is left"
        subject = f"{table}.{path[-1]}" if path[1] == "add_checks" else f"{table}.{column}"
        yield found(scene, "DL112", words, path, hint, subject)


RULES = (
    Rule(
        "DL112",
        "enum-value-removed",
        "error",
        "A list of allowed values loses some, as a check or as an enum of MySQL.",
        "Rows that have such a value make the step fail, or get an empty text on MySQL where it is not strict.",
        "`transform` these rows first, and `validate` that none is left.",
        "steps:\n  - alter: {table: a, drop_constraints: [ck_b], add_checks: {ck_b: \"b IN ('x')\"}}",
        "steps:\n  - validate: [{accepted: {table: a, columns: [b], values: [x]}}]\n"
        "  - alter: {table: a, drop_constraints: [ck_b], add_checks: {ck_b: \"b IN ('x')\"}}",
        check_spec=_shorter,
        needs_reason=True,
        over=("DD104", "CN109"),
    ),
)
