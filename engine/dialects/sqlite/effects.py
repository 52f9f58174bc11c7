"""What a data step does beyond its own words: triggers that fire, rows that foreign keys take along."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.dialects.sqlite.tokens import tokens
from engine.model.state import SchemaState, Table, Trigger, fold, same_name

_NO_ACTION = ("", "NO ACTION", "RESTRICT")


@dataclass(frozen=True, slots=True)
class Effects:
    """What else happens when a step writes to a table.

    Attributes:
        fired: triggers of the table that fire.
        tables: other tables whose rows change with it; the table itself is
            among them where triggers or foreign keys change further rows of it.
        blind: why what happens can't be recorded, "" where it can.
    """

    fired: tuple[Trigger, ...] = ()
    tables: tuple[Table, ...] = ()
    blind: str = ""

    def includes(self, table: str) -> bool:
        """Tell whether rows of `table` change beyond the step's own words."""
        return any(same_name(t.name, table) for t in self.tables)


def fires_on(trigger: Trigger) -> str:
    """Return the event of a trigger: insert, update or delete."""
    found = tokens(trigger.sql)
    after_name = 4  # CREATE TRIGGER name …: the event can't stand earlier
    for token in found[after_name - 1 :]:
        if token.is_word("INSERT", "UPDATE", "DELETE"):
            return token.text.lower()
    return ""


def effects(
    state: SchemaState, table: Table, event: str, written: Iterable[str], changed: Iterable[str] = ()
) -> Effects:
    """Return what else happens when rows of `table` see `event`.

    Args:
        state: the schema.
        table: whose rows the step writes.
        event: insert, update or delete.
        written: tables that the step's statement writes by SQLite's own account.
        changed: for an update, the columns that it sets.
    """
    columns = {fold(c) for c in changed}
    fired = tuple(t for t in state.triggers_of(table.name) if fires_on(t) == event)
    names = {fold(w) for w in written if state.table(w) is not None} - {fold(table.name)}
    names |= _taken_along(state, table, event, columns)
    if fired:
        names.add(fold(table.name))
    tables = tuple(t for t in state.tables if fold(t.name) in names)
    return Effects(fired, tables, _blind(state, (table, *tables), fired))


def _taken_along(state: SchemaState, table: Table, event: str, columns: set[str]) -> set[str]:
    """Return the tables whose rows foreign keys delete or change, the whole way down."""
    found: set[str] = set()
    if event == "insert":
        return found
    waiting = [(table, event)]
    seen: set[tuple[str, str]] = set()
    while waiting:
        parent, what = waiting.pop()
        if (fold(parent.name), what) in seen:
            continue
        seen.add((fold(parent.name), what))
        for child in state.tables:
            for key in child.foreign_keys:
                if not same_name(key.table, parent.name):
                    continue
                action = (key.on_delete if what == "delete" else key.on_update).upper()
                if action in _NO_ACTION:
                    continue
                referred = {fold(c) for c in key.references or parent.primary_key}
                if what == "update" and parent is table and not referred & columns:
                    continue
                found.add(fold(child.name))
                waiting.append((child, "delete" if what == "delete" and action == "CASCADE" else "update"))
    return found


def _blind(state: SchemaState, tables: Iterable[Table], fired: tuple[Trigger, ...]) -> str:
    triggers = {t.name: t for table in tables for t in state.triggers_of(table.name)} if fired else {}
    for trigger in triggers.values():
        if _replaces(trigger.sql):
            return f"the trigger {trigger.name} replaces rows, which SQLite does without telling"
    for table in tables:
        if table.virtual:
            return f"rows of {table.name}, which belongs to an extension, change with it"
        if _replaces(table.sql):
            return f"{table.name} says ON CONFLICT REPLACE, which removes rows without telling"
    return ""


def _replaces(sql: str) -> bool:
    """Tell whether OR REPLACE, REPLACE INTO or ON CONFLICT REPLACE stands in a text."""
    found = tokens(sql)
    for place, token in enumerate(found):
        if token.is_word("REPLACE"):
            before = found[place - 1] if place else None
            after = found[place + 1] if place + 1 < len(found) else None
            if (before is not None and before.is_word("OR", "CONFLICT")) or (
                after is not None and after.is_word("INTO")
            ):
                return True
    return False
