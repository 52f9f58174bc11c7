"""Views, triggers and enum types: create, drop, rename."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.dialects.base import StepContext
from engine.dialects.postgres import names
from engine.dialects.postgres.expression import names_of, query_of
from engine.dialects.postgres.indexes import refuse_stale
from engine.dialects.postgres.schema import PgEnum, PgSchema, PgTrigger, PgView
from engine.dialects.postgres.sql import DIALECT, literal_sql, quote
from engine.dialects.postgres.statements import ddl, taken_guard
from engine.dialects.postgres.tables import renamed_unit
from engine.dialects.postgres.translate import text_for
from engine.errors import Path, Problem
from engine.model import changes as c
from engine.model.plan import Statement, Unit
from engine.model.state import same_name

if TYPE_CHECKING:
    from engine.dialects.postgres.dialect import PostgresSession


def _pair(
    context: StepContext,
    title: str,
    back_title: str,
    forward: tuple[Statement, ...],
    back: tuple[Statement, ...],
    touched: str,
    symbol: str = "+",
) -> Unit:
    undo = Unit(f"{context.step}.undo", context.step, back_title, "-", before=back, touches=(touched,))
    return Unit(context.step, context.step, title, symbol, before=forward, undo=(undo,), touches=(touched,), rows=0)


# ── views ─────────────────────────────────────────────────────────────────
def create_view(session: PostgresSession, change: c.CreateView, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that makes or replaces a view.

    Raises:
        Problem: RF103 the name is taken; the query can't be had.
    """
    path: Path = ("create",)
    schema = session.schema
    old = schema.view(change.name)
    if old is None or not change.replace:
        names.free(schema, change.name, (*path, "view"))
    query = query_of(session, change.query, (*path, "as"))
    name = quote(change.name)
    read = tuple(r.name for r in schema.relations if any(t == r.name for t, _ in query.access.reads))
    view = PgView(change.name, tuple((n, "") for n in query.columns if n != "*"), query.plain, reads=read)
    if old is None:
        session.schema = replace(schema, views=(*schema.views, view))
        return (
            _pair(
                context,
                f"create view {change.name}",
                f"drop view {change.name}",
                (ddl(f"CREATE VIEW {name} AS {query.plain}"),),
                (ddl(f"DROP VIEW {name}"),),
                change.name,
            ),
        )
    _refuse_special(schema, old, context, (*path, "view"))
    session.schema = replace(schema, views=tuple(view if v.name == old.name else v for v in schema.views))
    return (
        _pair(
            context,
            f"replace view {old.name}",
            f"view {old.name} as it was",
            (ddl(f"DROP VIEW {quote(old.name)}"), ddl(f"CREATE VIEW {name} AS {query.plain}")),
            (ddl(f"DROP VIEW {name}"), *_again(old)),
            old.name,
            "~",
        ),
    )


def _again(view: PgView) -> tuple[Statement, ...]:
    """Return the statements that make a view from its text."""
    comment = ddl(f"COMMENT ON VIEW {quote(view.name)} IS {literal_sql(view.comment)}")
    return (ddl(f"CREATE VIEW {quote(view.name)} AS {view.sql}"), *((comment,) if view.comment else ()))


def _refuse_special(schema: PgSchema, view: PgView, context: StepContext, path: Path) -> None:
    """Stop where a view is one that the engine can't make again.

    Raises:
        Problem: SP111, RF107.
    """
    if view.materialized or schema.triggers_of(view.name):
        what = "a materialized view" if view.materialized else "triggers"
        words = f"`{view.name}` {'is' if view.materialized else 'has'} {what}, which the engine does not handle yet"
        raise Problem("SP111", words, path, subject=view.name)
    refuse_stale(view.stale, "view", view.name, path)
    names.refuse_loss(f"view `{view.name}`", view.extras, path, way_kept=not context.irreversible)
    needing = [f"the view `{v.name}`" for v in schema.views if names.contains(v.reads, view.name)]
    needing += dict.fromkeys(f"the {u.words}" for u in view.uses if not u.own)
    if needing:
        words = f"{', '.join(needing)} need{'s' if len(needing) == 1 else ''} `{view.name}`"
        raise Problem("RF107", words, path, hint="drop it before this step", subject=view.name)


def drop_view(session: PostgresSession, change: c.DropView, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that drops a view; the way back makes it from the database's own text.

    Raises:
        Problem: RF101, RF107, SP111.
    """
    path: Path = ("drop", "view")
    view = session.schema.view(change.name)
    if view is None:
        if change.if_exists:
            return (Unit(context.step, context.step, f"there is no view {change.name} to drop", "="),)
        hint = names.meant(change.name, (v.name for v in session.schema.views))
        raise Problem("RF101", f"there is no view `{change.name}`", path, hint=hint, subject=change.name)
    _refuse_special(session.schema, view, context, path)
    session.schema = replace(session.schema, views=tuple(v for v in session.schema.views if v.name != view.name))
    unit = _pair(
        context,
        f"drop view {view.name}",
        f"create view {view.name} again",
        (ddl(f"DROP VIEW {quote(view.name)}"),),
        _again(view),
        view.name,
        "-",
    )
    guarded = replace(unit.undo[0], symbol="+", guards=(taken_guard(view.name),))
    return (replace(unit, undo=(guarded,)),)


def rename_view(session: PostgresSession, change: c.RenameView, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that renames a view.

    Raises:
        Problem: RF101, RF103.
    """
    schema = session.schema
    view = schema.view(change.name)
    if view is None:
        hint = names.meant(change.name, (v.name for v in schema.views))
        words = f"there is no view `{change.name}`"
        raise Problem("RF101", words, ("rename", "view"), hint=hint, subject=change.name)
    if not same_name(view.name, change.to):
        names.free(schema, change.to, ("rename", "to"))
    old, new = view.name, change.to

    def follow(one: PgView) -> PgView:
        if one.name == old:
            return replace(one, name=new)
        if names.contains(one.reads, old):
            return replace(one, stale=True, reads=tuple(new if r == old else r for r in one.reads))
        return one

    session.schema = replace(schema, views=tuple(follow(v) for v in schema.views))
    kind = "MATERIALIZED VIEW" if view.materialized else "VIEW"
    forward = f"ALTER {kind} {quote(old)} RENAME TO {quote(new)}"
    back = f"ALTER {kind} {quote(new)} RENAME TO {quote(old)}"
    return (renamed_unit(context, "view", old, new, forward, back, new),)


# ── triggers ──────────────────────────────────────────────────────────────
def create_trigger(session: PostgresSession, change: c.CreateTrigger, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that makes a trigger and the function of its name.

    Raises:
        Problem: RF101, RF103, SP111.
    """
    path: Path = ("create",)
    wanted, schema = change.trigger, session.schema
    table = names.own_table(schema, wanted.table, (*path, "table"))
    names.allowed(wanted.name, (*path, "trigger"))
    old = schema.trigger(wanted.name, table.name)
    if old is not None:
        if not change.replace:
            raise Problem("RF103", f"there is a trigger `{old.name}` on `{table.name}` already", (*path, "trigger"))
        raise Problem(
            "SP111", "a trigger is not replaced in one step", (*path, "replace"), hint="drop it, then create it"
        )
    if any(same_name(t.function, wanted.name) for t in schema.triggers):
        words = f"there is a function `{wanted.name}` already: a trigger's function gets its name"
        raise Problem("RF103", words, (*path, "trigger"))
    body = wanted.body.given_for(DIALECT)
    if body is None:
        raise Problem("SP111", "there is no body for postgresql", (*path, "body"), hint="add `postgresql: …`")
    text = body.strip()
    if "$engine$" in text:
        raise Problem("SP110", "a body can't hold $engine$", (*path, "body"))
    function = (
        f"CREATE FUNCTION {quote(wanted.name)}() RETURNS trigger LANGUAGE plpgsql AS $engine$"
        f" BEGIN {text.rstrip(';')}; END $engine$"
    )
    when = ""
    if wanted.when is not None:
        when = f" WHEN ({text_for(wanted.when, names_of(schema), (*path, 'when'))})"
    events = " OR ".join(e.upper() for e in wanted.events)
    trigger = (
        f"CREATE TRIGGER {quote(wanted.name)} {wanted.timing.upper()} {events} ON {quote(table.name)}"
        f" FOR EACH ROW{when} EXECUTE FUNCTION {quote(wanted.name)}()"
    )
    kinds = tuple(e.lower().split()[0] for e in wanted.events)
    made = PgTrigger(wanted.name, table.name, trigger, wanted.name, function, kinds, body=text)
    session.schema = replace(schema, triggers=(*schema.triggers, made))
    on = f"{quote(wanted.name)} ON {quote(table.name)}"
    return (
        _pair(
            context,
            f"create trigger {wanted.name} on {table.name}",
            f"drop trigger {wanted.name}",
            (ddl(function), ddl(trigger)),
            (ddl(f"DROP TRIGGER {on}"), ddl(f"DROP FUNCTION {quote(wanted.name)}()")),
            table.name,
        ),
    )


def drop_trigger(session: PostgresSession, change: c.DropTrigger, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that drops a trigger, and its function where that has its name and no other user.

    Raises:
        Problem: RF104 there is none; SP110 there are several of the name.
    """
    path: Path = ("drop", "trigger")
    schema = session.schema
    found = [
        t
        for t in schema.triggers
        if same_name(t.name, change.name) and (not change.table or same_name(t.table, change.table))
    ]
    if not found:
        if change.if_exists:
            return (Unit(context.step, context.step, f"there is no trigger {change.name} to drop", "="),)
        hint = names.meant(change.name, (t.name for t in schema.triggers))
        raise Problem("RF104", f"there is no trigger `{change.name}`", path, hint=hint, subject=change.name)
    if len(found) > 1:
        words = f"several tables have a trigger `{change.name}`"
        raise Problem("SP110", words, path, hint="say which with `table`")
    trigger = found[0]
    refuse_stale(trigger.stale, "trigger", trigger.name, path)
    names.refuse_loss(f"trigger `{trigger.name}`", trigger.extras, path, way_kept=not context.irreversible)
    session.schema = replace(schema, triggers=tuple(t for t in schema.triggers if t != trigger))
    forward = [ddl(f"DROP TRIGGER {quote(trigger.name)} ON {quote(trigger.table)}")]
    back = [ddl(trigger.sql)]
    if trigger.function_sql and same_name(trigger.function, trigger.name):
        forward.append(ddl(f"DROP FUNCTION {quote(trigger.function)}()"))
        back.insert(0, ddl(trigger.function_sql))
    unit = _pair(
        context,
        f"drop trigger {trigger.name} on {trigger.table}",
        f"create trigger {trigger.name} again",
        tuple(forward),
        tuple(back),
        trigger.table,
        "-",
    )
    return (unit,)


# ── types ─────────────────────────────────────────────────────────────────
def create_type(session: PostgresSession, change: c.CreateType, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that makes an enum type.

    Raises:
        Problem: RF103, RF113.
    """
    names.free(session.schema, change.name, ("create", "type"))
    made = PgEnum(change.name, change.values)
    session.schema = replace(session.schema, enums=(*session.schema.enums, made))
    name = quote(change.name)
    return (
        _pair(
            context,
            f"create type {change.name}",
            f"drop type {change.name}",
            (ddl(_enum(made)),),
            (ddl(f"DROP TYPE {name}"),),
            change.name,
        ),
    )


def _enum(enum: PgEnum) -> str:
    return f"CREATE TYPE {quote(enum.name)} AS ENUM ({', '.join(literal_sql(v) for v in enum.values)})"


def _own_type(session: PostgresSession, name: str, path: Path) -> PgEnum:
    found = session.schema.enum(name)
    if found is None:
        hint = names.meant(name, (e.name for e in session.schema.enums))
        raise Problem("RF104", f"there is no enum type `{name}`", path, hint=hint, subject=name)
    return found


def _used(schema: PgSchema, enum: PgEnum) -> list[str]:
    spellings = (enum.name, quote(enum.name), f"{enum.name}[]", f"{quote(enum.name)}[]")
    return [f"{t.name}.{c.name}" for t in schema.tables for c in t.columns if c.type in spellings]


def drop_type(session: PostgresSession, change: c.DropType, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that drops an enum type that nothing uses.

    Raises:
        Problem: RF104, RF107.
    """
    path: Path = ("drop", "type")
    if change.if_exists and session.schema.enum(change.name) is None:
        return (Unit(context.step, context.step, f"there is no type {change.name} to drop", "="),)
    found = _own_type(session, change.name, path)
    users = _used(session.schema, found)
    if users:
        words = f"{names.listed(users)} {'is' if len(users) == 1 else 'are'} of type `{found.name}`"
        raise Problem("RF107", words, path, hint="change their type first", subject=found.name)
    names.refuse_loss(f"type `{found.name}`", found.extras, path, way_kept=not context.irreversible)
    session.schema = replace(session.schema, enums=tuple(e for e in session.schema.enums if e != found))
    unit = _pair(
        context,
        f"drop type {found.name}",
        f"create type {found.name} again",
        (ddl(f"DROP TYPE {quote(found.name)}"),),
        (ddl(_enum(found)),),
        found.name,
        "-",
    )
    return (unit,)


def rename_type(session: PostgresSession, change: c.RenameType, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that renames an enum type; columns follow by themselves.

    Raises:
        Problem: RF103, RF104; SP111 where columns use it in this plan's state.
    """
    found = _own_type(session, change.name, ("rename", "type"))
    names.free(session.schema, change.to, ("rename", "to"))
    schema = session.schema
    moved = replace(found, name=change.to)
    plain = change.to == change.to.lower() and change.to.replace("_", "a").isalnum()
    spelled = {found.name: change.to if plain else quote(change.to), quote(found.name): quote(change.to)}
    tables = tuple(
        replace(t, columns=tuple(replace(k, type=spelled.get(k.type, k.type)) for k in t.columns))
        for t in schema.tables
    )
    session.schema = replace(schema, tables=tables, enums=tuple(moved if e == found else e for e in schema.enums))
    old, new = quote(found.name), quote(change.to)
    unit = renamed_unit(
        context,
        "type",
        found.name,
        change.to,
        f"ALTER TYPE {old} RENAME TO {new}",
        f"ALTER TYPE {new} RENAME TO {old}",
        change.to,
    )
    return (replace(unit, undo=tuple(replace(u, guards=()) for u in unit.undo)),)
