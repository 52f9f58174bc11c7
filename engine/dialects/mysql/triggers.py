"""CREATE and DROP of triggers, and what a step must know of those that stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.dialects.base import StepContext
from engine.dialects.mysql import names
from engine.dialects.mysql.again import OWN, as_it_was, mentions, see_text, text_again
from engine.dialects.mysql.expression import names_of
from engine.dialects.mysql.schema import MySchema, MyTable, MyTrigger
from engine.dialects.mysql.sql import DIALECT, SQL_MODE, quote
from engine.dialects.mysql.stages import ddl_unit
from engine.dialects.mysql.statements import probed, trigger_gone, trigger_guard, trigger_there
from engine.dialects.mysql.tokens import all_tokens, tokens
from engine.dialects.mysql.translate import text_for
from engine.errors import Path, Problem
from engine.model import changes as c
from engine.model.plan import Unit
from engine.model.state import same_name

if TYPE_CHECKING:
    from engine.dialects.mysql.dialect import MySession

_EVENTS = ("insert", "update", "delete")


def create_trigger(session: MySession, change: c.CreateTrigger, context: StepContext) -> tuple[Unit, ...]:
    """Return the units that make a trigger, one for each event: a trigger has one here.

    Raises:
        Problem: RF101, RF103, RF111, SP110, SP111.
    """
    path: Path = ("create",)
    wanted = change.trigger
    table = names.own_table(session.schema, wanted.table, (*path, "table"))
    if wanted.timing == "instead of":
        raise Problem("SP111", "MariaDB has no `instead of` triggers", (*path, "timing"))
    several = len(wanted.events) > 1
    family = _family(session.schema, wanted.name) if change.replace else []
    units = list(drop_all(session, family, context, (*path, "trigger"), "old")) if family else []
    for place, event in enumerate(wanted.events):
        kind = event.lower()
        if kind not in _EVENTS:
            raise Problem("SP111", f"MariaDB has no trigger for `{event}`", (*path, "events", place))
        name = f"{wanted.name}_{kind}" if place else wanted.name
        names.allowed(name, (*path, "trigger"))
        if session.schema.trigger(name) and not any(same_name(t.name, name) for t in family):
            raise Problem("RF103", f"there is a trigger `{name}` already", (*path, "trigger"), subject=name)
        part = f"{context.step}.{place + 1}" if several else context.step
        text = _text(session.schema, change, table, name, kind)
        made = MyTrigger(name, table.name, kind, wanted.timing.lower(), text, SQL_MODE, *OWN)
        session.schema = replace(session.schema, triggers=(*session.schema.triggers, made))
        unit = ddl_unit(
            part,
            f"create trigger {name} on {table.name}",
            f"drop trigger {name}",
            (probed(text, trigger_there(name)),),
            (probed(f"DROP TRIGGER {quote(name)}", trigger_gone(name)),),
            table.name,
            why=f"{made.timing} {kind}, committed by itself",
        )
        back = replace(unit.undo[0], only=())
        if context.irreversible:
            unit = replace(unit, reversible="no", reason=context.irreversible)
        units.append(replace(unit, undo=() if context.irreversible else (back,)))
    return tuple(units)


def _text(schema: MySchema, change: c.CreateTrigger, table: MyTable, name: str, event: str) -> str:
    wanted = change.trigger
    body = wanted.body.given_for(DIALECT) or wanted.body.text
    if body is None:
        raise Problem("SP111", "there is no body for mariadb", ("create", "body"), hint="add `mariadb: …`")
    body = body.strip().rstrip(";")
    if not tokens(body) or any(t.kind == "illegal" for t in tokens(body)):
        raise Problem("SP110", "this body is empty, or opens what it does not close", ("create", "body"))
    rows = {"insert": ("NEW",), "delete": ("OLD",)}.get(event, ("NEW", "OLD"))
    _see_columns(body, table, rows, event, ("create", "body"))
    if wanted.when is not None:
        when = text_for(wanted.when, names_of(schema), ("create", "when"))
        _see_columns(when, table, rows, event, ("create", "when"))
        body = f"IF ({when}) THEN {body}; END IF"
    head = f"CREATE TRIGGER {quote(name)} {wanted.timing.upper()} {event.upper()} ON {quote(table.name)}"
    return f"{head} FOR EACH ROW BEGIN {body}; END"


def _see_columns(text: str, table: MyTable, rows: Sequence[str], event: str, path: Path) -> None:
    """See to it that NEW.x and OLD.x are there: the server would find out with the first row."""
    found = tokens(text)
    for row, dot, name in zip(found, found[1:], found[2:], strict=False):
        if dot.text != "." or not row.is_word("NEW", "OLD") or not name.is_name:
            continue
        if row.text.upper() not in rows:
            raise Problem("SP110", f"a trigger on {event} has no {row.text.upper()}", path)
        names.own_column(table, name.name, path)


def drop_trigger(session: MySession, change: c.DropTrigger, context: StepContext) -> tuple[Unit, ...]:
    """Return the units that drop a trigger, or those that were made for its events.

    Raises:
        Problem: RF104 there is none, or it is on another table; SP111.
    """
    path: Path = ("drop", "trigger")
    schema = session.schema
    found = _family(schema, change.name)
    if not found:
        if change.if_exists:
            return (Unit(context.step, context.step, f"there is no trigger {change.name} to drop", "="),)
        hint = names.meant(change.name, (t.name for t in schema.triggers))
        raise Problem("RF104", f"there is no trigger `{change.name}`", path, hint=hint, subject=change.name)
    if change.table and not all(names.contains([t.table], change.table) for t in found):
        words = f"the trigger `{found[0].name}` is on `{found[0].table}`, not on `{change.table}`"
        raise Problem("RF104", words, path)
    return drop_all(session, found, context, path)


def _family(schema: MySchema, name: str) -> list[MyTrigger]:
    """Return the trigger and those made with it for further events: alike but for name and event."""
    first = schema.trigger(name)
    if first is None:
        return []
    members = [schema.trigger(f"{name}_{event}") for event in _EVENTS]
    return [first, *(t for t in members if t and t.table == first.table and _body(t.sql) == _body(first.sql))]


def drop_all(
    session: MySession, found: Sequence[MyTrigger], context: StepContext, path: Path, part: str = ""
) -> tuple[Unit, ...]:
    """Return units that drop triggers, one each; one that stands alone has the step's own id."""
    ids = [f"{context.step}.{part}{n}" for n in range(1, len(found) + 1)]
    ids = [context.step] if len(found) == 1 and not part else ids
    pairs = zip(found, ids, strict=True)
    return tuple(_dropped(session, trigger, id, path, context.irreversible) for trigger, id in pairs)


def _dropped(session: MySession, trigger: MyTrigger, id: str, path: Path, irreversible: str) -> Unit:
    schema = session.schema
    if not irreversible:
        see_text(trigger, "trigger", path)
    session.schema = replace(schema, triggers=tuple(t for t in schema.triggers if t is not trigger))
    again = replace(trigger, sql=_before(trigger, _next(schema, trigger)))
    unit = ddl_unit(
        id,
        f"drop trigger {trigger.name} on {trigger.table}",
        f"create trigger {trigger.name} on {trigger.table} again",
        (probed(f"DROP TRIGGER {quote(trigger.name)}", trigger_gone(trigger.name)),),
        (probed(text_again(again), trigger_there(trigger.name)),),
        trigger.table,
        "-",
        why="committed by itself",
    )
    if irreversible:
        return replace(unit, undo=(), reversible="no", reason=irreversible)
    back = replace(unit.undo[0], symbol="+", only=(), guards=(trigger_guard(trigger.name, trigger.table),))
    return replace(unit, undo=(as_it_was(back, trigger),))


def _next(schema: MySchema, trigger: MyTrigger) -> str:
    """Return the trigger that fires right after this one, "" for none: its place is part of what it does."""
    same = [t for t in schema.triggers_of(trigger.table) if (t.event, t.timing) == (trigger.event, trigger.timing)]
    place = same.index(trigger) + 1
    return same[place].name if place < len(same) else ""


def _before(trigger: MyTrigger, other: str) -> str:
    if not other:
        return trigger.sql
    found = all_tokens(trigger.sql)
    words = [n for n, t in enumerate(found) if t.kind not in ("space", "comment")]
    for first, second, third in zip(words, words[1:], words[2:], strict=False):
        if found[first].is_word("FOR") and found[second].is_word("EACH") and found[third].is_word("ROW"):
            head = "".join(t.text for t in found[: third + 1])
            return f"{head} PRECEDES {_quoted(trigger, other)}{''.join(t.text for t in found[third + 1 :])}"
    return trigger.sql


def _quoted(trigger: MyTrigger, name: str) -> str:
    """Return a name as the trigger's own mode reads it."""
    sign = '"' if "ANSI_QUOTES" in trigger.mode else "`"
    return sign + name.replace(sign, sign * 2) + sign


def on_table(trigger: MyTrigger, table: str) -> MyTrigger:
    """Return a trigger as the server has it once its table has another name."""
    found = all_tokens(trigger.sql)
    on = next((n for n, t in enumerate(found) if t.is_word("ON")), None)
    name = next((n for n, t in enumerate(found) if on is not None and n > on and t.is_name), None)
    if name is None:
        return replace(trigger, table=table)
    quoted = _quoted(trigger, table)
    return replace(trigger, table=table, sql="".join(quoted if n == name else t.text for n, t in enumerate(found)))


def refuse_mentions(schema: MySchema, table: MyTable, columns: Sequence[str], path: Path) -> None:
    """Stop where a trigger's text names columns of a table that go or get another name.

    Raises:
        Problem: RF107 names it.
    """
    needing = [
        f"the trigger `{t.name}`"
        for t in schema.triggers
        if mentions(t.sql, *columns) and (names.contains([t.table], table.name) or mentions(t.sql, table.name))
    ]
    if needing:
        words = f"{', '.join(needing)} name{'s' if len(needing) == 1 else ''} `{table.name}.{columns[0]}`"
        raise Problem("RF107", words, path, hint="drop that before this step, and create it after")


def refuse_naming(schema: MySchema, table: MyTable, path: Path) -> None:
    """Stop where the body of a trigger names a table that goes or gets another name.

    Raises:
        Problem: RF107 names it.
    """
    needing = [f"the trigger `{t.name}`" for t in schema.triggers if mentions(_body(t.sql), table.name)]
    if needing:
        words = f"{', '.join(needing)} name{'s' if len(needing) == 1 else ''} `{table.name}`"
        raise Problem("RF107", words, path, hint="drop that before this step, and create it after", subject=table.name)


def _body(sql: str) -> str:
    found = tokens(sql)
    place = next((n for n, t in enumerate(found) if t.is_word("ROW") and found[n - 1].is_word("EACH")), 0)
    return " ".join(t.text for t in found[place:])
