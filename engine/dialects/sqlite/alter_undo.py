"""The way back of an `alter`: in place where that gives the recorded texts, else a rebuild to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.dialects.base import StepContext
from engine.dialects.sqlite import names
from engine.dialects.sqlite.constraints import (
    Source,
    as_guard,
    condition_check,
    duplicate_guard,
    duplicates_check,
    not_null_check,
    orphans_check,
)
from engine.dialects.sqlite.dependents import broken_by
from engine.dialects.sqlite.forced import forced_name, keep_forced
from engine.dialects.sqlite.kept import constant, default_guard, default_lost, fallback
from engine.dialects.sqlite.keys import PendingKey, primary_of, violations
from engine.dialects.sqlite.rebuild import Rebuild
from engine.dialects.sqlite.rename import rename_column
from engine.dialects.sqlite.restore import with_texts
from engine.dialects.sqlite.shadow import Shadow
from engine.dialects.sqlite.sql import literal_sql, quote
from engine.dialects.sqlite.statements import FOREIGN_KEYS_OFF, FOREIGN_KEYS_ON, ddl, question
from engine.errors import Problem
from engine.model.definitions import ReferenceDef
from engine.model.plan import Check, Guard, Statement, Unit
from engine.model.state import Column, ForeignKey, SchemaState, Table, fold, same_name

if TYPE_CHECKING:
    from engine.dialects.sqlite.alter import Route
    from engine.dialects.sqlite.alteration import Alteration


@dataclass(frozen=True, slots=True)
class Way:
    """What the way back is worked out from.

    Attributes:
        shadow: the schema before the step.
        first: the table before the step, before its columns' renames.
        after: the schema after the step.
        renames: (old, new) names of columns.
        pending: foreign keys that waited before the step already.
        number: takes a free number, for the table that stands aside meanwhile.
        forced: takes a free name, for what force takes from columns that the step added.
    """

    shadow: Shadow
    alteration: Alteration
    route: Route
    first: Table
    after: Shadow
    renames: Sequence[tuple[str, str]]
    pending: tuple[PendingKey, ...]
    number: Callable[[], int]
    forced: Callable[[], str]

    @property
    def live(self) -> Table:
        """The table as the step leaves it."""
        found = self.after.state.table(self.first.name)
        assert found is not None, "an altered table is still there"
        return found


def way_back(way: Way, context: StepContext) -> Unit:
    """Return the unit that takes an `alter` back.

    Raises:
        Problem: SP111 no way back can be shown to end where the step begins.
    """
    statements, rebuilt = _in_place(way), False
    if statements is None:
        statements, rebuilt = _rebuilt(way), True
    name = way.first.name
    # A table that this migration made goes with its rows, so no step keeps what it wrote there: nothing is lost here.
    gone = fold(name) in context.made_here
    forced, keeping = ((), ()) if gone else _forced(way)
    ours = () if gone else _value_guards(way, rebuilt)
    guards = (*_schema_guards(way), *ours, *(_row_guards(way) if rebuilt else ()), *_key_guards(way))
    return Unit(
        f"{context.step}.undo",
        context.step,
        f"take back the change of table {name}",
        "⟳" if rebuilt else "~",
        why="rebuild to the recorded text" if rebuilt else "in place",
        settings=(FOREIGN_KEYS_OFF,) if rebuilt else (),
        resets=(FOREIGN_KEYS_ON,) if rebuilt else (),
        before=(*keeping, *statements),
        forced=forced,
        unchanged=_violations(way) if rebuilt else (),
        guards=guards,
        touches=(name,),
    )


def _violations(way: Way) -> tuple[Statement, ...]:
    return violations(
        way.after,
        way.shadow,
        way.first.name,
        but=way.pending,
        same_row_ids=way.route.same_row_ids,
        own=not _keys_back(way),
    )


def _keys_back(way: Way) -> tuple[ForeignKey, ...]:
    """Return the foreign keys that the step took away and that come back."""
    left = {(key.columns, fold(key.table), key.references) for key in way.live.foreign_keys}
    return tuple(
        key for key in way.alteration.before.foreign_keys if (key.columns, fold(key.table), key.references) not in left
    )


def _names_back(way: Way) -> tuple[Statement, ...]:
    name = way.first.name
    return tuple(rename_column(name, new, old) for old, new in reversed(way.renames))


def _in_place(way: Way) -> tuple[Statement, ...] | None:
    """Return statements that do it in place, None where SQLite can't."""
    alteration = way.alteration
    if way.route.rebuilt or alteration.dropped:
        return None
    back = (
        *(ddl(f"DROP INDEX {quote(index.name)}") for index, _ in reversed(alteration.new_indexes)),
        *(
            ddl(f"ALTER TABLE {quote(way.first.name)} DROP COLUMN {quote(column)}")
            for column in reversed(alteration.added)
        ),
        *(ddl(index.sql) for index in alteration.gone_indexes),
        *_names_back(way),
    )
    try:
        statements = with_texts(way.shadow, way.after, back, ())
    except Problem:
        return None
    return None if broken_by(way.after, statements, ()) else statements


def _rebuilt(way: Way) -> tuple[Statement, ...]:
    """Return the rebuild to the recorded text, which reads what is kept by key."""
    alteration, kept, live = way.alteration, way.route.kept, way.live
    aside = _free_aside(way)
    rebuild = Rebuild(
        live,
        alteration.before,
        _values(way, ":force"),
        aside,
        join=kept.join(quote(live.name)) if kept else "",
        dropped=way.after.state.indexes_of(live.name),
        made=tuple(index.sql for index in alteration.state.indexes_of(live.name)),
        triggers=alteration.state.triggers_of(live.name),
        counter=way.route.counter,
    )
    back = (*rebuild.statements(), *_names_back(way))
    outside = ((FOREIGN_KEYS_OFF,), (FOREIGN_KEYS_ON,))
    found = with_texts(way.shadow, way.after, (*outside[0], *back, *outside[1]), ())
    # The restore belongs in the transaction, before foreign keys are on again.
    return tuple(s for s in found if s not in (FOREIGN_KEYS_OFF, FOREIGN_KEYS_ON))


def _free_aside(way: Way) -> str:
    """Return the name for the live table meanwhile: that of the step's own rebuild is free again."""
    if way.route.aside:
        return way.route.aside
    kept = way.route.kept
    return kept.name.replace("engine_undo_", "engine_aside_") if kept else f"engine_aside_{way.number()}"


def _values(way: Way, force: str) -> tuple[tuple[str, str], ...]:
    """Return column of the old table → expression over the live row."""
    kept, live = way.route.kept, quote(way.live.name)
    found = []
    for column in way.alteration.before.columns:
        if column.generated is not None:
            continue
        if kept:
            found.append((column.name, kept.value(column, live, force)))
        elif (here := way.live.column(column.name)) is not None and here.generated is None:
            found.append((column.name, f"{live}.{quote(column.name)}"))
    return tuple(found)


# ── guards ────────────────────────────────────────────────────────────────
def _schema_guards(way: Way) -> tuple[Guard, ...]:
    """Return the guard that the table and what is on it still are what the step left."""
    live, state = way.live, way.after.state
    texts = [
        live.sql,
        *(i.sql for i in state.indexes_of(live.name)),
        *(t.sql for t in state.triggers_of(live.name)),
    ]
    listed = ", ".join(literal_sql(text) for text in texts)
    name = literal_sql(live.name)
    kinds = "type IN ('table', 'index', 'trigger') AND sql > ''"
    own = f"FROM sqlite_schema WHERE lower(tbl_name) = lower({name}) AND {kinds}"
    return (
        Guard(
            "schema",
            live.name,
            question(
                f"SELECT {len(texts)} - count(*) FILTER (WHERE sql IN ({listed}))"
                f" + count(*) FILTER (WHERE sql NOT IN ({listed})) {own}",
                "guard",
            ),
            question(f"SELECT type, name {own} AND sql NOT IN ({listed}) LIMIT 5", "guard"),
            f"the table `{live.name}`, its indexes or its triggers were changed since ({{count}})",
            skippable=False,
        ),
        *_elsewhere(way),
    )


def _elsewhere(way: Way) -> tuple[Guard, ...]:
    """Return guards for objects elsewhere whose texts followed a rename, and are put back."""
    if not way.renames:
        return ()
    before = {(o.type, o.name): o.sql for o in way.shadow.catalogue().objects}
    name = way.live.name
    return tuple(
        Guard(
            "schema",
            name,
            question(
                f"SELECT 1 - count(*) FROM sqlite_schema WHERE type = {literal_sql(o.type)}"
                f" AND name = {literal_sql(o.name)} AND sql = {literal_sql(o.sql)}",
                "guard",
            ),
            None,
            f"the {o.type} `{o.name}` was changed or dropped since",
            skippable=False,
        )
        for o in way.after.catalogue().objects
        if not same_name(o.table, name) and before.get((o.type, o.name), o.sql) != o.sql
    )


def _added_guards(way: Way) -> tuple[Guard, ...]:
    """Return guards for columns that go again: values of others would go with them."""
    live = way.live
    keys = live.primary_key or ((live.row_id,) if live.row_id else ())
    return tuple(default_guard(live, column, keys) for column in _added(way))


def _added(way: Way) -> tuple[Column, ...]:
    """Return the columns that the step added with a constant default: what differs from it is of others."""
    found = []
    for name in way.alteration.added:
        column = way.live.column(name)
        if column is None or column.generated is not None or fold(name) in way.alteration.sources:
            continue
        if constant(column.default or "NULL"):
            found.append(column)
    return tuple(found)


def _forced(way: Way) -> tuple[tuple[str, ...], tuple[Statement, ...]]:
    """Return the table that keeps what `force` takes from others, and the statements that fill it."""
    kept, live = way.route.kept, way.live
    wanted = [default_lost(live, column) for column in _added(way)]
    if kept:
        wanted += [rest for rest in (kept.overwritten(), kept.lost()) if rest]
    if not wanted:
        return (), ()
    name = forced_name(kept.name) if kept else way.forced()
    row_id = live.row_id if live.row_id and not live.primary_key else ""
    return (name,), keep_forced(name, live.name, row_id, wanted)


def _value_guards(way: Way, rebuilt: bool) -> tuple[Guard, ...]:
    """Return guards for values of others, which would go or be overwritten."""
    kept = way.route.kept
    return (*_added_guards(way), *(kept.guards() if kept and rebuilt else ()))


def _row_guards(way: Way) -> tuple[Guard, ...]:
    """Return guards for rows that are not fit for what comes back."""
    before, live, kept = way.alteration.before, way.live, way.route.kept
    found: list[Guard] = []
    source = _source(way)
    for column in before.columns:
        here = live.column(column.name)
        if column.generated is not None or not column.not_null:
            continue
        loose = here is None or here.generated is not None or not here.not_null
        if loose and (here is not None or fallback(column).upper() == "NULL"):
            found.append(_guard(not_null_check(source, column.name, ()), live.name))
    touched = {fold(c.name) for c in (*kept.changed, *kept.dropped)} if kept else set()
    keys = {tuple(map(fold, key.columns)) for key in live.keys}
    for key in before.keys:
        parts = tuple(map(fold, key.columns))
        if parts not in keys or touched & set(parts):
            quoted = tuple(quote(column) for column in key.columns)
            check = duplicates_check(source, key.name, quoted, (), nulls_alike=key.primary)
            found.append(_guard(check, live.name))
    checks = {check.sql for check in live.checks}
    for one in before.checks:
        if one.sql not in checks:
            columns = (one.column,) if one.column else ()
            found.append(_guard(condition_check(source, one.name, one.sql, columns, ()), live.name))
    for number, foreign_key in enumerate(_judged_keys(way), 1):
        guard = _guard(_orphans(source, foreign_key, way.after.state), live.name)
        # As many as there were before the step are no conflict; a person may let others pass too.
        sql = guard.count.sql.replace("SELECT count(*)", f"SELECT max(0, count(*) - :mark{number})", 1)
        counted = replace(guard.count, sql=sql, binds=(f"mark{number}",))
        found.append(replace(guard, count=counted, skippable=True, reads=(foreign_key.table,)))
    return tuple(found)


def orphans_before(way: Way) -> tuple[Statement, ...]:
    """Return how many rows refer to nothing before the step already, for each key that it takes away."""
    first = dict(zip(way.alteration.before.foreign_keys, way.first.foreign_keys, strict=True))
    source = Source(way.first.name)
    asked = (_orphans(source, first[key], way.shadow.state).query for key in _judged_keys(way))
    return tuple(replace(statement, purpose="mark") for statement in asked)


def _judged_keys(way: Way) -> tuple[ForeignKey, ...]:
    """Return the keys that come back and whose parents can be looked for."""
    found = []
    for key in _keys_back(way):
        parent = way.after.state.table(key.table)
        targets = primary_of(key, way.after.state)
        if parent and len(targets) == len(key.columns) and all(parent.column(name) for name in targets):
            found.append(key)
    return tuple(found)


def _orphans(source: Source, key: ForeignKey, state: SchemaState) -> Check:
    return orphans_check(source, key.name, key.columns, ReferenceDef(key.table, key.references), state, ())


def _guard(check: Check, table: str) -> Guard:
    guard = as_guard(check, "changed", table)
    return replace(guard, words=f"{guard.words}, and that comes back")


def _source(way: Way) -> Source:
    """Return the rows as the undo would give them, as a query over the live table."""
    live, kept = way.live, way.route.kept
    name = quote(live.name)
    values = [f"{value} AS {quote(column)}" for column, value in _values(way, "0")]
    keys = way.alteration.before.primary_key
    row_id = way.alteration.before.row_id
    if not keys and row_id and live.row_id:
        values.append(f"{name}.{live.row_id} AS {row_id}")
        keys = (row_id,)
    join = kept.join(name) if kept else ""
    return Source(live.name, keys, f"(SELECT {', '.join(values)} FROM {name}{join})")


def _key_guards(way: Way) -> tuple[Guard, ...]:
    """Return guards for unique indexes that come back."""
    live = way.live
    return tuple(
        duplicate_guard(index.name, live.name, index.columns, index.where or "")
        for index in way.alteration.gone_indexes
        if "" not in index.columns and all(names.contains((c.name for c in live.columns), n) for n in index.columns)
    )
