"""Who needs a table or a column: found by trying the change on a copy of the shadow, not by guessing."""

from __future__ import annotations

from collections.abc import Sequence

from engine.dialects.sqlite.names import listed
from engine.dialects.sqlite.restore import run
from engine.dialects.sqlite.shadow import Shadow
from engine.dialects.sqlite.shadow_connection import ShadowError
from engine.dialects.sqlite.sql import quote
from engine.dialects.sqlite.statements import FOREIGN_KEYS_OFF, ddl
from engine.dialects.sqlite.tokens import tokens
from engine.dialects.sqlite.translate import names_in
from engine.errors import Path, Problem
from engine.model.plan import Statement
from engine.model.state import SchemaState, Table, Trigger, View, fold

Broken = tuple[str, str]  # kind, name


def broken_by(
    shadow: Shadow, statements: Sequence[Statement], path: Path, *, own: str = "", about: str = ""
) -> tuple[Broken, ...]:
    """Return the views and triggers that work now and would not after `statements`.

    Args:
        own: a table whose own triggers do not count, because they go with it.
        about: the table that changes: a trigger that only sets off one that is broken is not named
            beside it.
    """
    before = shadow.state
    if not before.views and not before.triggers:
        return ()
    copy = shadow.clone()
    run(copy, statements, path)
    after = copy.state
    found: list[Broken] = [
        ("view", view.name)
        for view in before.views
        if after.view(view.name) and _view_works(shadow, view.name) and not _view_works(copy, view.name)
    ]
    triggers: list[Trigger] = []
    for trigger in before.triggers:
        kept = after.trigger(trigger.name)
        if kept is None or fold(trigger.table) == fold(own):
            continue
        if _trigger_works(shadow, before, trigger) and not _trigger_works(copy, after, kept):
            triggers.append(trigger)
    direct = [t for t in triggers if fold(about) in names_in(t.sql)]
    found += [("trigger", trigger.name) for trigger in direct or triggers]
    return tuple(found)


def needing_table(shadow: Shadow, table: Table, path: Path) -> tuple[Broken, ...]:
    """Return what would break without `table`: foreign keys of other tables, views, their and others' triggers."""
    state = shadow.state
    keys: list[Broken] = [
        ("foreign key of table", other.name) for other in state.referring_to(table.name) if not other.virtual
    ]
    gone = (FOREIGN_KEYS_OFF, ddl(f"DROP TABLE {quote(table.name)}"))
    return (*keys, *broken_by(shadow, gone, path, own=table.name, about=table.name))


def naming_column(shadow: Shadow, table: Table, column: str) -> tuple[Broken, ...]:
    """Return the views and triggers whose text names a column in a way that SQLite would not miss.

    A view that says `"title"` goes on without the column: the name becomes a
    text. So a view that reads the column and spells it counts, and a trigger
    that has it in double quotes.
    """
    state = shadow.state
    found: list[Broken] = []
    for view in state.views:
        if fold(column) not in names_in(view.sql):
            continue
        try:
            reads = shadow.access(f"SELECT * FROM {quote(view.name)}").reads
        except ShadowError:
            continue
        if (fold(table.name), fold(column)) in {(fold(t), fold(c)) for t, c in reads}:
            found.append(("view", view.name))
    for trigger in state.triggers:
        about = fold(trigger.table) == fold(table.name) or fold(table.name) in names_in(trigger.sql)
        quoted = {fold(t.name) for t in tokens(trigger.sql) if t.kind == "quoted" and t.text.startswith('"')}
        if about and fold(column) in quoted:
            found.append(("trigger", trigger.name))
    return tuple(found)


def refuse(what: str, broken: Sequence[Broken], path: Path, subject: str, rule: str = "RF107") -> None:
    """Refuse to take away what others need.

    Raises:
        Problem: `rule` with the names of all that need it.
    """
    if not broken:
        return
    unique = tuple(dict.fromkeys(broken))
    words = " and ".join(
        f"the {kind}{'s' if len(found) > 1 else ''} {listed(found)}"
        for kind in dict.fromkeys(kind for kind, _ in unique)
        for found in [[name for k, name in unique if k == kind]]
    )
    verb = "need" if len(unique) > 1 else "needs"
    names = [name for _, name in unique]
    raise Problem(
        rule,
        f"{words} {verb} {what}",
        path,
        hint=f"drop or replace {listed(names)} first, in this spec",
        subject=subject,
    )


def _view_works(shadow: Shadow, name: str) -> bool:
    return _prepares(shadow, f"SELECT * FROM {quote(name)}")


def _trigger_works(shadow: Shadow, state: SchemaState, trigger: Trigger) -> bool:
    relation = state.relation(trigger.table)
    if relation is None or not relation.columns:
        return False
    return _prepares(shadow, firing(event_of(trigger.sql), relation))


def firing(event: str, relation: Table | View) -> str:
    """Return a statement that makes SQLite read every trigger of `relation` for `event`."""
    name = quote(relation.name)
    if event == "insert":
        return f"INSERT INTO {name} DEFAULT VALUES"
    if event == "delete":
        return f"DELETE FROM {name}"
    columns = [c.name for c in relation.columns if c.generated is None]
    return f"UPDATE {name} SET " + ", ".join(f"{quote(c)} = {quote(c)}" for c in columns)


def event_of(sql: str) -> str:
    """Return the event of a CREATE TRIGGER text: insert, update or delete."""
    words = (token.text.lower() for token in tokens(sql) if token.kind == "word")
    return next((word for word in words if word in ("insert", "update", "delete")), "update")


def _prepares(shadow: Shadow, sql: str) -> bool:
    try:
        shadow.prepare(sql)
    except ShadowError:
        return False
    return True
