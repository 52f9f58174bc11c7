"""`transform`: new values for columns of rows that are there.

The journal of a batch is written first, old values beside new ones, of the rows that really
change; the update then takes the new values from the journal, so that what is noted is what is
written, whatever the expression calls. Where the step reads what it writes, the journal of all
rows is written before the first batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from engine.dialects.base import StepContext
from engine.dialects.shared.frames import Text
from engine.dialects.sqlite.effects import Effects, effects
from engine.dialects.sqlite.expression import Planning, expectation, join_and, limited
from engine.dialects.sqlite.failures import see
from engine.dialects.sqlite.in_the_way import Way, moving_keys, order_checks
from engine.dialects.sqlite.parking import park
from engine.dialects.sqlite.recording import Recording, recording_of
from engine.dialects.sqlite.sql import quote
from engine.dialects.sqlite.statements import question, rows
from engine.dialects.sqlite.update_parts import Update, from_journal, from_work, is_steady, note, prepare, retold
from engine.dialects.sqlite.walk import between, key_loop
from engine.dialects.sqlite.work import Work, reads_table
from engine.model.changes import UpdateRows
from engine.model.plan import Loop, Statement, Unit
from engine.model.state import fold, same_name

_ALONE = "in one transaction, because the table has no key to cut batches by"


def update_units(session: Planning, change: UpdateRows, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that changes rows, with its undo.

    Raises:
        Problem: a name that is not there, an expression that can't be had, a key that does not do.
    """
    update, where, checks = prepare(session, change)
    table = update.table
    blank = ", ".join(f"{quote(c.name)} = NULL" for c in update.columns)
    access = see(session.shadow, f"UPDATE {update.name} SET {blank}", ())
    found = effects(session.state, table, "update", access.writes, [c.name for c in update.columns])
    recording = recording_of(session, table, ("update",), found, context, update.columns)
    counted = f"SELECT count(*) FROM {update.source} WHERE {update.condition}"
    texts = [*update.texts, *([where] if where else [])]
    frozen, over = _frozen(update, texts, found), any(t.over for t in texts)
    steady = where is not None and is_steady(update, texts)
    if recording.planned is not None and not recording.recorded and steady and not (frozen or update.key.hidden):
        recording = replace(recording, planned=retold(update, recording.planned, session.state))
    work: Work | None = None
    keys, way = moving_keys(update, session.state), None
    if keys and not {fold(c.name) for c in update.columns} & set(map(fold, update.own.names)):
        if found.fired:
            checks += order_checks(update, keys, update.own if frozen else update.key, found.fired)
        elif recording.planned is not None or not frozen or over or not update.key.hidden:
            # Else one statement reads what it writes: what moved before it would be seen.
            helper = Work(f"engine_undo_{session.undo_number()}", update.own, update.columns, table.strict)
            way = Way(update, keys, helper, _in_order(update, where))
    if recording.planned is not None and (frozen or update.key.hidden):
        before, loop, walked = _noted_first(session, change, update, recording, way)
    elif frozen and (over or not update.key.hidden):
        work = Work(f"engine_undo_{session.undo_number()}", update.own, update.columns, table.strict)
        values = [t.sql for t in update.texts]
        before = (work.create(), work.fill(update.of(update.own), values, update.source, update.condition))
        if way is not None:
            ties = " AND ".join(
                f"{k} = engine_fixed.{quote(n)}" for k, n in zip(update.of(update.own), work.key_columns(), strict=True)
            )
            fixed = [f"engine_fixed.{quote(n)}" for n in work.value_columns()]
            before += way.find(fixed, f"{quote(work.name)} AS engine_fixed, {update.name}", ties)
            before += recording.around(way.clear("written"))
        body = recording.around((from_work(update, work, way.left_out if way else ""),))
        loop = key_loop(work.name, work.key_columns(), body, change.batch_size, work.key.names)
        walked = f"in batches by {work.key.words}; keys and values are fixed first in {work.name}"
    else:
        before, loop, walked = _by_range(change, update, recording, steady, way)
    count = (question(counted, "count", "selected"),) if frozen or loop is None else ()
    helpers = [helper for helper in (work, way.work if way else None) if helper]
    title = f"transform {', '.join(c.name for c in update.columns)} of {table.name}"
    unit = Unit(
        context.step,
        context.step,
        title,
        ">",
        why="; ".join(part for part in (walked, way.words if way else "", recording.words) if part),
        checks=tuple(checks),
        expectation=expectation(session, change.expect, counted),
        before=(*recording.create(), *count, *before),
        loop=loop,
        after=tuple(helper.drop() for helper in helpers),
        undo=recording.undo(context.step, title, session.state, tuple(helper.name for helper in helpers)),
        reversible=recording.reversible,
        reason=recording.reason,
        rows=context.rows(limited(update.source, update.plain)),
        touches=(table.name, *(t.name for t in found.tables if not same_name(t.name, table.name))),
        keeps=recording.keeps,
    )
    return (unit,)


def _noted_first(
    session: Planning, change: UpdateRows, update: Update, recording: Recording, way: Way | None
) -> tuple[tuple[Statement, ...], Loop | None, str]:
    """All old and new values are noted in one statement, before the first row changes."""
    journal = recording.planned
    assert journal is not None
    noted = note(update, journal, "")
    if journal.moved:
        # Keys that move may meet each other: all in one transaction, those in the way set aside first.
        aside, back = park(journal, session.state, "old", "new")
        write = (*aside, from_journal(update, journal, 'j."now" = 1' if aside else ""), *back)
        return (*noted, *recording.around(write)), None, "in one transaction, because keys move"
    rest = ""
    if way is not None:
        ties = " AND ".join(
            f"{k} = j.{quote(n)}" for k, n in zip(update.of(update.own), journal.key_columns(), strict=True)
        )
        noted += way.find(journal.of("new", "j"), f"{quote(journal.name)} AS j, {update.name}", ties)
        noted += recording.around(way.clear("written"))
        rest = way.left_out
    if update.key.hidden:
        return (*noted, *recording.around((from_journal(update, journal, rest),))), None, _ALONE
    range_ = between([f"j.{quote(n)}" for n in journal.key_columns()])
    body = recording.around((from_journal(update, journal, _also(range_, rest)),))
    loop = key_loop(journal.name, journal.key_columns(), body, change.batch_size, journal.key.names)
    return noted, loop, f"in batches by {journal.key.words}; keys and values are fixed first in {journal.name}"


def _by_range(
    change: UpdateRows, update: Update, recording: Recording, steady: bool, way: Way | None
) -> tuple[tuple[Statement, ...], Loop | None, str]:
    """Each batch is read and changed where the walk stands.

    Args:
        steady: True where the expressions give the same when asked again: the update then need not
            take its values from the journal, which is quicker where they are long.
    """
    journal = recording.planned
    before: tuple[Statement, ...] = ()
    if way is not None:
        before, update = _way_made(update, recording, steady, way)
    sets = ", ".join(f"{quote(c.name)} = ({t.sql})" for c, t in zip(update.columns, update.texts, strict=True))
    direct = f"UPDATE {update.name} SET {sets}" + (f" FROM {update.partner}" if update.partner else "")
    if update.key.hidden:
        write = rows(f"{direct} WHERE {update.condition}", "update", "written")
        return (*before, *recording.around((write,))), None, _ALONE
    range_ = between(update.of(update.key))
    chosen = f"{range_} AND {update.condition}"
    if journal is None:
        body = recording.around((rows(f"{direct} WHERE {chosen}", "update", "written"),))
    else:
        same_walk = update.key.names == update.own.names
        narrow = between([f"j.{quote(n)}" for n in journal.key_columns()]) if same_walk else range_
        noted = note(update, journal, range_, counting=steady)
        # The direct update touches every row that is selected, so its count is theirs.
        write = (
            rows(f"{direct} WHERE {chosen}", "update", "selected")
            if steady
            else from_journal(update, journal, _also(narrow, way.left_out if way else ""))
        )
        body = recording.around((*noted, write))
    if journal is not None and not steady:
        body = (question(f"SELECT count(*) FROM {update.source} WHERE {chosen}", "count", "selected"), *body)
    loop = key_loop(update.table.name, update.key.names, body, change.batch_size)
    return before, loop, f"in batches by {update.key.words}"


def _way_made(update: Update, recording: Recording, steady: bool, way: Way) -> tuple[tuple[Statement, ...], Update]:
    """Return the statements that move rows in the way, counted as those of a batch are, and the update of the rest."""
    journal = recording.planned
    found = way.find([f"({t.sql})" for t in update.texts], update.source, update.condition)
    if journal is not None and not steady:
        found += (question(f"SELECT count(*) FROM {quote(way.work.name)}", "count", "selected"),)
    count: Literal["selected", "written"] = "selected" if journal is not None and steady else "written"
    before = (*found, *recording.around(way.clear(count, journal, counting=steady)))
    return before, replace(update, condition=join_and([update.condition, way.left_out]))


def _in_order(update: Update, where: Text | None) -> bool:
    """Tell whether rows change in the order of the table's key: nothing else can lead SQLite to them."""
    reads = where.access.reads if where else ()
    mine = any(same_name(name, update.table.name) for name, _ in reads)
    return not (mine or update.partner) and update.key.names == update.own.names


def _also(range_: str, rest: str) -> str:
    return f"{range_} AND {rest}" if rest else range_


def _frozen(update: Update, texts: Sequence[Text], found: Effects) -> bool:
    """Tell whether keys and values must be fixed before the first batch.

    So where a batch could change what a later one reads: sub-selects on tables that the step
    writes, a key that it changes, triggers and foreign keys that write to the table itself.
    """
    changed = {fold(c.name) for c in update.columns}
    if changed & {fold(n) for n in (*update.key.names, *update.own.names)} or any(t.over for t in texts):
        return True
    moving = [update.table, *found.tables]
    if any(reads_table(texts, t.name) for t in moving):
        return True
    if any(fold(t.name) in update.beside for t in moving):
        return True
    read = {fold(c) for t in texts for name, c in t.access.reads if same_name(name, update.table.name)}
    return bool(found.fired) and found.includes(update.table.name) and bool(read)
