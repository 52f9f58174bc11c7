"""Triggers: a spec's trigger of several events is one trigger per event on SQLite.

The first event's trigger has the given name, the others `<name>_<event>`; a
drop takes those along that say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.dialects.base import StepContext
from engine.dialects.sqlite import names
from engine.dialects.sqlite.dependents import firing
from engine.dialects.sqlite.failures import problem_of
from engine.dialects.sqlite.restore import run
from engine.dialects.sqlite.shadow_connection import ShadowError
from engine.dialects.sqlite.sql import expression_sql, literal_sql, quote
from engine.dialects.sqlite.statements import ddl, question, text_guard
from engine.dialects.sqlite.tokens import tokens
from engine.errors import Path, Problem
from engine.model.changes import CreateTrigger, DropTrigger
from engine.model.definitions import TriggerDef
from engine.model.plan import Guard, Unit
from engine.model.state import Table, Trigger, View, fold, same_name

if TYPE_CHECKING:
    from engine.dialects.sqlite.dialect import SQLiteSession

_EVENTS = ("insert", "update", "delete")


def create_trigger(session: SQLiteSession, change: CreateTrigger, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that makes a trigger, one per event.

    Raises:
        Problem: RF101–RF103, RF111, RF113, SP110, SP111 below `create`.
    """
    trigger = change.trigger
    path: Path = ("create", "body")
    owner = names.relation(session.state, trigger.table, ("create", "table"))
    _see_timing(trigger, owner)
    texts = _texts(trigger, owner.name, path)
    old = _family(session, trigger.name, owner.name) if change.replace else ()
    for name, _ in texts:
        names.allowed(name, ("create", "trigger"))
        if session.state.trigger(name) and not names.contains((t.name for t in old), name):
            raise Problem("RF103", f"there is a trigger `{name}` already", ("create", "trigger"), subject=name)
    forward = (
        *(ddl(f"DROP TRIGGER {quote(t.name)}") for t in old),
        *(ddl(text) for _, text in texts),
    )
    trial = session.shadow.clone()
    run(trial, forward, path)
    for event in trigger.events:
        try:
            trial.prepare(firing(event.split()[0].lower(), owner))
        except ShadowError as error:
            raise problem_of(str(error), trial.state, path) from error
    back = (
        *(ddl(f"DROP TRIGGER IF EXISTS {quote(name)}") for name, _ in texts),
        *(ddl(t.sql) for t in old),
    )
    guards = tuple(
        text_guard("trigger", name, owner.name, text, f"the trigger `{name}` was changed or dropped since")
        for name, text in texts
    )
    many = f" (as {', '.join(name for name, _ in texts)}: SQLite takes one event each)" if len(texts) > 1 else ""
    return (
        Unit(
            context.step,
            context.step,
            f"{'replace' if old else 'create'} trigger {trigger.name} on {owner.name}",
            "~" if old else "+",
            why=f"{trigger.timing} {', '.join(trigger.events)}{many}",
            before=forward,
            undo=(
                Unit(
                    f"{context.step}.undo",
                    context.step,
                    f"{'put back' if old else 'drop'} trigger {trigger.name}",
                    "~" if old else "-",
                    before=back,
                    guards=guards,
                    touches=(owner.name,),
                    only=(),
                    rows=0,
                ),
            ),
            touches=(owner.name,),
            rows=0,
        ),
    )


def drop_trigger(session: SQLiteSession, change: DropTrigger, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that drops a trigger; the way back makes it from the database's own text.

    Raises:
        Problem: RF104 there is none, or it is on another table.
    """
    path: Path = ("drop", "trigger")
    trigger = session.state.trigger(change.name)
    if trigger is None:
        if change.if_exists:
            return (Unit(context.step, context.step, f"there is no trigger {change.name} to drop", "="),)
        hint = names.meant(change.name, (t.name for t in session.state.triggers))
        raise Problem("RF104", f"there is no trigger `{change.name}`", path, hint=hint, subject=change.name)
    if change.table and not same_name(change.table, trigger.table):
        raise Problem("RF104", f"the trigger `{trigger.name}` is on `{trigger.table}`, not on `{change.table}`", path)
    family = _family(session, trigger.name, trigger.table)
    unit = Unit(
        context.step,
        context.step,
        f"drop trigger {trigger.name} on {trigger.table}",
        "-",
        before=tuple(ddl(f"DROP TRIGGER {quote(t.name)}") for t in family),
        undo=(
            Unit(
                f"{context.step}.undo",
                context.step,
                f"create trigger {trigger.name} on {trigger.table} again",
                "+",
                before=tuple(ddl(t.sql) for t in family),
                guards=tuple(_taken(t.name, t.table) for t in family),
                touches=(trigger.table,),
                only=(),
                rows=0,
            ),
        ),
        touches=(trigger.table,),
        rows=0,
    )
    return (unit,)


def _see_timing(trigger: TriggerDef, owner: Table | View) -> None:
    path: Path = ("create", "timing")
    if trigger.timing == "instead of" and isinstance(owner, Table):
        raise Problem("RF111", f"`{owner.name}` is a table, and `instead of` is for views", path)
    if trigger.timing != "instead of" and isinstance(owner, View):
        raise Problem("RF111", f"`{owner.name}` is a view: only `instead of` fires there", path)
    for place, event in enumerate(trigger.events):
        if event.split()[0].lower() not in _EVENTS:
            raise Problem("SP111", f"SQLite has no trigger for `{event}`", ("create", "events", place))
        for column in _event_columns(event):
            if not names.contains((c.name for c in owner.columns), column):
                raise Problem(
                    "RF102",
                    f"`{owner.name}` has no column `{column}`",
                    ("create", "events", place),
                    hint=names.meant(column, (c.name for c in owner.columns)),
                    subject=f"{owner.name}.{column}",
                )


def _event_columns(event: str) -> tuple[str, ...]:
    """Return the columns of `update of a, b`."""
    found = tokens(event)
    if len(found) < 3 or not found[1].is_word("OF"):
        return ()
    return tuple(token.name for token in found[2:] if token.is_name)


def _texts(trigger: TriggerDef, owner: str, path: Path) -> tuple[tuple[str, str], ...]:
    """Return (name, CREATE text) per event."""
    body = trigger.body.given_for("sqlite")
    body = trigger.body.text if body is None else body
    if body is None:
        raise Problem("SP111", "there is no body for sqlite among those given", path, hint="add `sqlite: …`")
    body = body.strip()
    if not body:
        raise Problem("SP110", "the trigger's body is empty", path)
    end = "" if body.endswith(";") else ";"
    when = f" WHEN {expression_sql(trigger.when, ('create', 'when'))}" if trigger.when is not None else ""
    found = []
    for place, event in enumerate(trigger.events):
        kind = event.split()[0].lower()
        name = trigger.name if place == 0 else f"{trigger.name}_{kind}"
        columns = _event_columns(event)
        of = f" OF {', '.join(quote(c) for c in columns)}" if columns else ""
        found.append(
            (
                name,
                f"CREATE TRIGGER {quote(name)} {trigger.timing.upper()} {kind.upper()}{of} ON {quote(owner)}"
                f" FOR EACH ROW{when}\nBEGIN\n{body}{end}\nEND",
            )
        )
    return tuple(found)


def _family(session: SQLiteSession, name: str, table: str) -> tuple[Trigger, ...]:
    """Return the trigger and those made with it for further events: alike but for name and event."""
    first = session.state.trigger(name)
    if first is None or not same_name(first.table, table):
        return ()
    members = {fold(f"{name}_{event}") for event in _EVENTS}
    return (
        first,
        *(t for t in session.state.triggers_of(table) if fold(t.name) in members and _rest(t.sql) == _rest(first.sql)),
    )


def _rest(sql: str) -> str:
    """Return a trigger's text from ON onwards."""
    start = next((token.start for token in tokens(sql) if token.is_word("ON")), 0)
    return sql[start:]


def _taken(name: str, table: str) -> Guard:
    return Guard(
        "taken",
        table,
        question(
            f"SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND lower(name) = lower({literal_sql(name)})",
            "guard",
        ),
        None,
        f"there is a trigger `{name}` again",
        skippable=False,
    )
