"""What a data step does beyond its own words: triggers that fire, rows that foreign keys take along.

A function's text is read by its tokens alone, and whatever could write without being seen makes it blind:
SQL built while it runs, functions in another language, tables of other schemas.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from engine.dialects.postgres.schema import PgConstraint, PgSchema, PgTable, PgTrigger
from engine.dialects.postgres.tokens import Token, tokens
from engine.model.state import fold, same_name

LAST = "~"
"""What the names of the engine's own triggers begin with: one that comes after it sees more than they do."""
_NO_ACTION = ("NO ACTION", "RESTRICT")
_UNSEEN = ("EXECUTE", "CALL", "COPY", "MERGE", "TRUNCATE", "CREATE", "ALTER", "DROP", "SEARCH_PATH", "SET_CONFIG")


@dataclass(frozen=True, slots=True)
class Effects:
    """What else happens when a step writes to a table.

    Attributes:
        fired: triggers of the table that fire.
        tables: tables whose rows change with it; the table itself is among them where triggers or foreign
            keys change further rows of it.
        blind: why what happens can't be recorded, "" where it can.
    """

    fired: tuple[PgTrigger, ...] = ()
    tables: tuple[PgTable, ...] = ()
    blind: str = ""

    def includes(self, table: str) -> bool:
        """Tell whether rows of `table` change beyond the step's own words."""
        return any(same_name(t.name, table) for t in self.tables)


def effects(schema: PgSchema, table: PgTable, events: Iterable[str], changed: Iterable[str] = ()) -> Effects:
    """Return what else happens when rows of `table` see `events`.

    Args:
        schema: the schema so far.
        table: whose rows the step writes.
        events: insert, update, delete.
        changed: the columns that an update sets.
    """
    return _Search(schema, table, frozenset(fold(c) for c in changed)).run(set(events))


class _Search:
    """Follows triggers and foreign keys from one table to all that change with it."""

    def __init__(self, schema: PgSchema, table: PgTable, changed: frozenset[str]) -> None:
        self.schema = schema
        self.table = table
        self.changed = changed
        self.found: dict[str, PgTable] = {}
        self.blind = ""
        self._waiting: list[tuple[PgTable, str]] = []
        self._seen: set[tuple[str, str]] = set()

    def run(self, events: set[str]) -> Effects:
        fired = tuple(t for t in self.schema.triggers_of(self.table.name) if set(t.events) & events)
        if fired:
            self.found[fold(self.table.name)] = self.table
        self._waiting = [(self.table, event) for event in sorted(events)]
        while self._waiting and not self.blind:
            one, event = self._waiting.pop()
            if (fold(one.name), event) in self._seen:
                continue
            self._seen.add((fold(one.name), event))
            for trigger in self.schema.triggers_of(one.name):
                if event in trigger.events:
                    self._fires(trigger)
            self._along(one, event)
        tables = tuple(t for t in self.schema.tables if fold(t.name) in self.found)
        return Effects(fired, tables, self.blind or next(filter(None, map(_unfit, tables)), ""))

    def _along(self, parent: PgTable, event: str) -> None:
        if event == "insert":
            return
        for child, key in _referring(self.schema, parent):
            action = key.on_delete if event == "delete" else key.on_update
            if action in _NO_ACTION:
                continue
            if event == "update" and parent is self.table and not {fold(c) for c in key.to_columns} & self.changed:
                continue
            self.found[fold(child.name)] = child
            self._waiting.append((child, "delete" if event == "delete" and action == "CASCADE" else "update"))

    def _fires(self, trigger: PgTrigger) -> None:
        if trigger.name >= LAST:
            self.blind = f"`{trigger.name}` fires after all that the engine could note"
            return
        self._reads(trigger.name, trigger.body)

    def _reads(self, name: str, body: str, above: frozenset[str] = frozenset()) -> None:
        if not body:
            self.blind = f"`{name}` fires, and nobody can say what it writes"
            return
        text = tokens(body)
        unseen = next((t.text.upper() for t in text if t.is_word(*_UNSEEN)), "")
        if unseen:
            self.blind = f"`{name}` fires, and says {unseen}: nobody can say what it writes"
            return
        for event, written in _written(text):
            found = self.schema.table(written[-1].name)
            elsewhere = len(written) > 1 and written[0].name != self.schema.name
            if found is None or elsewhere:
                words = ".".join(t.name for t in written)
                self.blind = f"`{name}` fires, and writes to `{words}`, which is no table of {self.schema.name}"
                return
            self.found[fold(found.name)] = found
            self._waiting.append((found, event))
            if event == "insert":  # ON CONFLICT … DO UPDATE
                self._waiting.append((found, "update"))
        for called in _called(text):
            for function in self.schema.functions:
                if function.name == called and called not in above:
                    self._reads(called, function.body, above | {called})


def _written(text: Sequence[Token]) -> list[tuple[str, tuple[Token, ...]]]:
    """Return what a body inserts into, updates and deletes from: event and name, after its schema if that is said."""
    found: list[tuple[str, tuple[Token, ...]]] = []
    for place, token in enumerate(text):
        before = text[place - 1] if place else None
        rest = text[place + 1 :]
        if token.is_word("INSERT") and rest and rest[0].is_word("INTO"):
            found.append(("insert", _name(rest[1:])))
        elif token.is_word("DELETE") and rest and rest[0].is_word("FROM"):
            found.append(("delete", _name(rest[1:])))
        elif token.is_word("UPDATE") and rest and not rest[0].is_word("SET", "OF"):
            locks = before is not None and before.is_word("FOR", "KEY")  # FOR UPDATE, FOR NO KEY UPDATE
            if not locks and rest[0].is_name:
                found.append(("update", _name(rest)))
    return [(event, name) for event, name in found if name]


def _name(text: Sequence[Token]) -> tuple[Token, ...]:
    start = 1 if text and text[0].is_word("ONLY") else 0
    if len(text) > start + 2 and text[start + 1].text == ".":
        return (text[start], text[start + 2])
    return tuple(text[start : start + 1])


def _called(text: Sequence[Token]) -> list[str]:
    return [t.name for t, after in pairwise(text) if t.is_name and after.text == "("]


def _referring(schema: PgSchema, table: PgTable) -> tuple[tuple[PgTable, PgConstraint], ...]:
    """Return the foreign keys that refer to `table`, its own too."""
    mine = tuple((table, c) for c in table.constraints if c.kind == "f" and same_name(c.to_table, table.name))
    return (*schema.referring_to(table.name), *mine)


def _unfit(table: PgTable) -> str:
    if table.features:
        return f"rows of {table.name} change with it, which has {' and '.join(table.features)}"
    return ""
