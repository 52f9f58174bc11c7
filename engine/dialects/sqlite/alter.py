"""ALTER TABLE: in place where SQLite can do it without loss, else one rebuild for all of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.dialects.base import StepContext
from engine.dialects.shared.words import summary
from engine.dialects.sqlite import names
from engine.dialects.sqlite.actions import take
from engine.dialects.sqlite.alter_undo import Way, orphans_before, way_back
from engine.dialects.sqlite.alteration import Alteration, Wanted
from engine.dialects.sqlite.definition import index_sql
from engine.dialects.sqlite.dependents import broken_by, refuse
from engine.dialects.sqlite.failures import see_condition
from engine.dialects.sqlite.kept import Kept, constant, row_key
from engine.dialects.sqlite.keys import violations, waiting_on
from engine.dialects.sqlite.rebuild import Rebuild, keep_counter
from engine.dialects.sqlite.rename import rename_column
from engine.dialects.sqlite.restore import run
from engine.dialects.sqlite.shadow import Shadow
from engine.dialects.sqlite.sql import columns_sql, quote
from engine.dialects.sqlite.statements import FOREIGN_KEYS_OFF, FOREIGN_KEYS_ON, ddl
from engine.dialects.sqlite.table_parts import TextError
from engine.dialects.sqlite.walk import is_row_id, row_id_alias
from engine.errors import Path, Problem
from engine.model import changes as c
from engine.model.plan import Statement, Unit
from engine.model.state import Column, SchemaState, Table, fold, same_name

if TYPE_CHECKING:
    from engine.dialects.sqlite.dialect import SQLiteSession


@dataclass(frozen=True, slots=True)
class Route:
    """How an alteration is done.

    Attributes:
        statements: all of them, renames first, settings outside of the transaction aside.
        rebuilt: True where the table is made anew, which wants foreign keys off.
        kept: the side table of what rows lose, None where nothing is kept.
        counter: table of the engine that keeps an AUTOINCREMENT that goes, "" for none.
        aside: name of the old table during a rebuild, "" without one.
        same_row_ids: False where rows have other row ids afterwards.
    """

    statements: tuple[Statement, ...]
    rebuilt: bool
    kept: Kept | None
    counter: str = ""
    aside: str = ""
    same_row_ids: bool = True

    @property
    def settings(self) -> tuple[Statement, ...]:
        """What is set before the transaction."""
        return (FOREIGN_KEYS_OFF,) if self.rebuilt else ()

    @property
    def resets(self) -> tuple[Statement, ...]:
        """What is set after it."""
        return (FOREIGN_KEYS_ON,) if self.rebuilt else ()

    @property
    def all(self) -> tuple[Statement, ...]:
        """Every statement in order."""
        return (*self.settings, *self.statements, *self.resets)


def alter_table(session: SQLiteSession, change: c.AlterTable, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that does all actions of one `alter` on one table.

    Raises:
        Problem: RF101–RF104, RF107, RF111, SP110, SP111, LT108; paths begin below the verb.
    """
    table = names.own_table(session.state, change.table, ("table",))
    renames = [action for action in change.actions if isinstance(action, c.RenameColumn)]
    rest = [action for action in change.actions if not isinstance(action, c.RenameColumn)]
    work = session.shadow.clone()
    renaming = tuple(_rename(table.name, action, work) for action in renames)
    middle = names.own_table(work.state, table.name, ("table",))
    alteration = _gather(session, middle, rest, work)
    pairs = [(action.name, action.to) for action in renames]
    way_kept = not context.irreversible and not names.contains(session.scratch, table.name)
    route = _route(session, alteration, renaming, way_kept)
    after = session.shadow.clone()
    run(after, route.all, ())
    if alteration.dropped or renames:
        broken = broken_by(session.shadow, route.all, (), about=table.name)
        refuse(f"what this step takes away from `{table.name}`", broken, (), table.name)
    checks = alteration.checks(pairs)
    fresh = waiting_on(alteration.state, alteration.before, dict.fromkeys(alteration.changed))
    back: tuple[Unit, ...] = ()
    marks: tuple[Statement, ...] = ()
    if way_kept:
        pending, numbers = tuple(session.pending), (session.undo_number, session.forced_name)
        way = Way(session.shadow, alteration, route, table, after, pairs, pending, *numbers)
        back = (way_back(way, context),)
        marks = orphans_before(way)
    session.pending += [key for key in fresh if key not in session.pending]
    rows = context.rows(f"SELECT count(*) FROM (SELECT 1 FROM {quote(table.name)} LIMIT 50001)")
    keeps = tuple(name for name in (route.kept.name if route.kept else "", route.counter) if name)
    return (
        Unit(
            context.step,
            context.step,
            f"alter table {table.name}: {summary(change.actions)}",
            "⟳" if route.rebuilt else "~",
            why=_why(alteration, route),
            settings=route.settings,
            resets=route.resets,
            checks=checks,
            marks=marks,
            before=route.statements,
            unchanged=_violations(session, after, table.name, route),
            undo=back,
            reversible="journal" if keeps else "derived",
            rows=rows if route.rebuilt or alteration.new_indexes or alteration.dropped else 0,
            touches=(table.name,),
            keeps=keeps,
        ),
    )


def _rename(table: str, action: c.RenameColumn, work: Shadow) -> Statement:
    """Return the statement that renames a column, run on `work`."""
    path: Path = ("rename", action.name)
    now = names.own_table(work.state, table, ("table",))
    column = names.own_column(now, action.name, path)
    if now.column(action.to) and not same_name(action.to, column.name):
        raise Problem("RF103", f"`{now.name}` has a column `{action.to}` already", path, subject=f"{table}.{action.to}")
    names.sound(action.to, path)
    statement = rename_column(now.name, column.name, action.to)
    run(work, (statement,), path)
    return statement


def _gather(session: SQLiteSession, table: Table, actions: Sequence[c.Action], work: Shadow) -> Alteration:
    """Return what `actions` come to, each expression tried."""
    alteration = Alteration(table, work.state, session.types, table.sql)
    counted: Counter[type] = Counter()
    for action in actions:
        place = counted[type(action)]
        counted[type(action)] += 1
        try:
            take(alteration, action, place, work)
        except TextError as error:
            raise Problem("SP111", f"the text of `{table.name}` can't be changed so: {error}", ()) from error
        if table.columns and not alteration.now.columns:  # a type is taken as it is given
            path: Path = ("add", action.column.name, "type") if isinstance(action, c.AddColumn) else ()
            raise Problem("SP110", f"SQLite can't read `{table.name}` with this definition in it", path)
    _want_integers(alteration, any(isinstance(action, c.SetPrimaryKey) for action in actions))
    if alteration.expressions:
        columns = columns_sql(tuple(column.name for column in alteration.now.columns))
        trial = work.clone()
        run(trial, (FOREIGN_KEYS_OFF, ddl(f"DROP TABLE {quote(table.name)}")), ())
        run(trial, (ddl(f"CREATE TABLE {quote(table.name)} ({columns})"),), ())
        for text, path in alteration.expressions:
            see_condition(trial, table.name, text, path)
    return alteration


def _want_integers(alteration: Alteration, new_key: bool) -> None:
    """Ask for integers where a column becomes the row id: SQLite takes nothing else there."""
    name = row_id_alias(alteration.now)
    if not name or names.contains(alteration.added, name):
        return
    path: Path = ("primary_key",) if new_key else ("change", name)
    if not is_row_id(alteration.before, name) or fold(name) in alteration.sources:
        alteration.wanted += [Wanted("not null", (name,), path), Wanted("type", (name,), path, "", "INTEGER")]


def _route(session: SQLiteSession, alteration: Alteration, renaming: tuple[Statement, ...], way_kept: bool) -> Route:
    """Return the statements that do it all."""
    gone = tuple(ddl(f"DROP INDEX {quote(index.name)}") for index in alteration.gone_indexes)
    new = tuple(
        ddl(alteration.index_texts.get(fold(index.name)) or index_sql(index, path))
        for index, path in alteration.new_indexes
    )
    untouched = alteration.text == alteration.before.sql and not alteration.changed
    if alteration.in_place is not None or (untouched and not alteration.sources):
        in_place = tuple(alteration.in_place or ())
        kept = _kept(session, alteration, alteration.now, rebuilt=False) if way_kept else None
        journal = (kept.make(), kept.fill()) if kept else ()
        return Route((*renaming, *gone, *journal, *in_place, *new), False, kept)
    after, before = alteration.now, alteration.before
    aside = f"engine_aside_{session.undo_number()}"
    kept = _kept(session, alteration, after, rebuilt=True) if way_kept else None
    counter = ""
    if way_kept and before.auto_increment and not after.auto_increment:
        counter = f"engine_undo_{session.undo_number()}"
    values = tuple(
        (column.name, value)
        for column in after.columns
        if column.generated is None and (value := alteration.value(column.name)) is not None
    )
    rebuild = Rebuild(
        before,
        after,
        values,
        aside,
        dropped=alteration.state.indexes_of(before.name),
        made=(*(index.sql for index in alteration.indexes()), *(statement.sql for statement in new)),
        triggers=alteration.state.triggers_of(before.name),
    )
    between = (kept.make(), kept.fill_between(aside, rebuild.carries_row_ids, values)) if kept else ()
    keeping = keep_counter(before, counter) if counter else ()
    return Route((*renaming, *keeping, *rebuild.statements(between)), True, kept, counter, aside, rebuild.same_row_ids)


def _kept(session: SQLiteSession, alteration: Alteration, after: Table, *, rebuilt: bool) -> Kept | None:
    """Return the side table that the way back needs, None where it needs none."""
    before = alteration.before
    changed = tuple(
        column
        for column in before.columns
        if names.contains(alteration.changed, column.name) and _holds(after, column.name) and column.generated is None
    )
    dropped = tuple(column for column in alteration.dropped if column.generated is None and before.column(column.name))
    filled = tuple(
        column
        for column in after.columns
        if rebuilt
        and names.contains(alteration.added, column.name)
        and column.generated is None
        and (fold(column.name) in alteration.sources or not constant(column.default or "NULL"))
    )
    if not (changed or dropped or filled):
        return None
    key = row_key(before, after, SchemaState(indexes=alteration.indexes()))
    if key is None:
        raise Problem(
            "SP111",
            f"the rows of `{before.name}` can't be known again when their key goes and others change in one step",
            (),
            hint="change the key in a step of its own",
        )
    return Kept(f"engine_undo_{session.undo_number()}", before, after, key, changed, dropped, filled)


def _holds(table: Table, name: str) -> bool:
    column = table.column(name)
    return column is not None and column.generated is None


def _violations(session: SQLiteSession, after: Shadow, table: str, route: Route) -> tuple[Statement, ...]:
    if not route.rebuilt:
        return ()
    return violations(session.shadow, after, table, but=session.pending, same_row_ids=route.same_row_ids)


def _why(alteration: Alteration, route: Route) -> str:
    parts = ["in place"]
    if route.rebuilt:
        parts = [f"rebuild: SQLite can't {alteration.obstacle} in place; rows are carried over, no trigger fires"]
    if route.kept:
        lost: list[Column] = [*route.kept.changed, *route.kept.dropped]
        if lost:
            listed = names.listed(column.name for column in lost)
            parts.append(f"what {listed} held is kept in {route.kept.name}, for the way back")
    return "; ".join([*parts, *dict.fromkeys(alteration.notes)])
