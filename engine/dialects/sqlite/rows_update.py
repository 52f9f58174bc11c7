"""`transform`: new values for columns of rows that are there.

The journal of a batch is written first, old values beside new ones, of the rows that really
change; the update then takes the new values from the journal, so that what is noted is what is
written, whatever the expression calls. Where the step reads what it writes, the journal of all
rows is written before the first batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.dialects.base import StepContext
from engine.dialects.sqlite.effects import Effects, effects
from engine.dialects.sqlite.expression import (
    Frame,
    Planning,
    Text,
    expectation,
    join_and,
    parse_check,
    query_of,
    text_of,
)
from engine.dialects.sqlite.failures import see
from engine.dialects.sqlite.journal import Journal
from engine.dialects.sqlite.names import own_column, own_table, relation
from engine.dialects.sqlite.recording import Recording, recording_of
from engine.dialects.sqlite.rows_copy import LIMIT
from engine.dialects.sqlite.sql import quote
from engine.dialects.sqlite.walk import Key, between, identity, key_checks, key_loop, question, rows, walk_key
from engine.dialects.sqlite.work import Work, reads_table
from engine.errors import Problem
from engine.model.changes import UpdateRows
from engine.model.expression import Parse
from engine.model.plan import Check, Loop, Statement, Unit
from engine.model.state import Column, Table, fold, same_name


@dataclass(frozen=True, slots=True)
class Update:
    """A transform, prepared.

    Attributes:
        partner: what stands after the table in FROM (a join), "" for none.
        condition: of the rows, the join's included.
    """

    table: Table
    columns: tuple[Column, ...]
    texts: tuple[Text, ...]
    partner: str
    condition: str
    plain: str
    key: Key
    own: Key

    @property
    def name(self) -> str:
        return quote(self.table.name)

    @property
    def source(self) -> str:
        return f"{self.name}, {self.partner}" if self.partner else self.name

    def of(self, key: Key) -> list[str]:
        """Return a key's columns as SQL."""
        return [f"{self.name}.{quote(n)}" for n in key.names]


def update_units(session: Planning, change: UpdateRows, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that changes rows, with its undo.

    Raises:
        Problem: a name that is not there, an expression that can't be had, a key that does not do.
    """
    update, where_text, checks = _prepare(session, change)
    table = update.table
    sets = ", ".join(
        f"{quote(c.name)} = ({t.sql})" for c, t in zip(update.columns, update.texts, strict=True)
    )
    direct = f"UPDATE {update.name} SET {sets}" + (f" FROM {update.partner}" if update.partner else "")
    blank = ", ".join(f"{quote(c.name)} = NULL" for c in update.columns)
    access = see(session.shadow, f"UPDATE {update.name} SET {blank}", ())
    names = [c.name for c in update.columns]
    found = effects(session.state, table, "update", access.writes, names)
    recording = recording_of(session, table, ("update",), found, context, update.columns)
    texts = [*update.texts, *([where_text] if where_text else [])]
    frozen = _frozen(update, texts, found)
    alone = update.key.hidden
    counted = f"SELECT count(*) FROM {update.source} WHERE {update.condition}"
    before, loop, after = list(recording.create()), None, tuple[Statement, ...]()
    planned = recording.planned
    if planned is not None and (frozen or alone):
        before += [question(counted, "count", "selected"), *_note(update, planned, "")]
        if alone:
            before += recording.around((_from_journal(update, planned, ""),))
        else:
            range_ = between([f"j.{quote(n)}" for n in planned.key_columns()])
            body = recording.around((_from_journal(update, planned, range_),))
            loop = key_loop(planned.name, planned.key_columns(), body, change.batch_size, planned.key.names)
    elif planned is not None:
        range_ = between(update.of(update.key))
        narrow = range_
        if update.key.names == update.own.names:
            narrow = between([f"j.{quote(n)}" for n in planned.key_columns()])
        body = (
            question(
                f"SELECT count(*) FROM {update.source} WHERE {range_} AND {update.condition}",
                "count",
                "selected",
            ),
            *recording.around((*_note(update, planned, range_), _from_journal(update, planned, narrow))),
        )
        loop = key_loop(table.name, update.key.names, body, change.batch_size)
    elif frozen and not alone:
        work = Work(f"engine_undo_{session.undo_number()}", update.own, update.columns, table.strict)
        before += [
            question(counted, "count", "selected"),
            work.create(),
            work.fill(update.of(update.own), [t.sql for t in update.texts], update.source, update.condition),
        ]
        body = recording.around((_from_work(update, work),))
        loop = key_loop(work.name, work.key_columns(), body, change.batch_size, work.key.names)
        after = (work.drop(),)
        return (
            _unit(
                session, change, context, update, recording, checks, counted, before, loop, after, found, work
            ),
        )
    elif alone:
        write = rows(f"{direct} WHERE {update.condition}", "update", "written")
        before += [question(counted, "count", "selected"), *recording.around((write,))]
    else:
        range_ = between(update.of(update.key))
        body = (
            question(
                f"SELECT count(*) FROM {update.source} WHERE {range_} AND {update.condition}",
                "count",
                "selected",
            ),
            *recording.around(
                (rows(f"{direct} WHERE {range_} AND {update.condition}", "update", "written"),)
            ),
        )
        loop = key_loop(table.name, update.key.names, body, change.batch_size)
    return (
        _unit(session, change, context, update, recording, checks, counted, before, loop, after, found, None),
    )


def _unit(
    session: Planning,
    change: UpdateRows,
    context: StepContext,
    update: Update,
    recording: Recording,
    checks: Sequence[Check],
    counted: str,
    before: Sequence[Statement],
    loop: Loop | None,
    after: tuple[Statement, ...],
    found: Effects,
    work: Work | None,
) -> Unit:
    table = update.table
    title = f"transform {', '.join(c.name for c in update.columns)} of {table.name}"
    if loop is None:
        walked = "in one transaction, because the table has no key to cut batches by"
    elif same_name(loop.table, table.name):
        walked = f"in batches by {', '.join(loop.keys)}"
    else:
        walked = f"in batches by {', '.join(loop.keys)}; keys and values are fixed first in {loop.table}"
    return Unit(
        context.step,
        context.step,
        title,
        ">",
        why=f"{walked}; {recording.words}",
        checks=tuple(checks),
        expectation=expectation(session, change.expect, counted),
        before=tuple(before),
        loop=loop,
        after=after,
        undo=recording.undo(context.step, title, session.state, (work.name,) if work else ()),
        reversible=recording.reversible,
        reason=recording.reason,
        rows=context.rows(
            f"SELECT count(*) FROM (SELECT 1 FROM {update.source} WHERE {update.plain} LIMIT {LIMIT})"
        ),
        touches=(table.name, *(t.name for t in found.tables if not same_name(t.name, table.name))),
        keeps=recording.keeps,
    )


def _prepare(session: Planning, change: UpdateRows) -> tuple[Update, Text | None, list[Check]]:
    table = own_table(session.state, change.table, ("table",))
    known = tuple(c.name for c in table.columns)
    frame, partner, match = Frame(quote(table.name), table.name, known), "", None
    if change.join is not None:
        partner, columns = _partner(session, change, table)
        frame = Frame(f"{quote(table.name)}, {partner}", "", (*known, *columns))
        match = text_of(session, change.join.match, frame, ("join", "match"))
    where = text_of(session, change.where, frame, ("where",)) if change.where is not None else None
    columns_: list[Column] = []
    texts: list[Text] = []
    checks: list[Check] = []
    condition = join_and([match.sql if match else "", where.sql if where else ""])
    plain = join_and([match.plain if match else "", where.plain if where else ""])
    for name, expression in change.set:
        column = own_column(table, name, ("set", name, "<key>"))
        if column.generated is not None:
            raise Problem(
                "SP110",
                f"`{table.name}.{column.name}` is generated: it takes no value",
                ("set", name, "<key>"),
            )
        columns_.append(column)
        texts.append(text_of(session, expression, frame, ("set", name), windows=True))
        if isinstance(expression, Parse):
            check = parse_check(expression, f"{table.name}.{name}", frame.source, condition, ("set", name))
            checks += [check] if check else []
    if not columns_:
        raise Problem("SP102", "nothing says which columns change", ("set",))
    key = walk_key(table, change.key, session.state, ("key",))
    own = identity(table, session.state)
    update = Update(table, tuple(columns_), tuple(texts), partner, condition, plain, key, own)
    only = where.sql if where and not match else ""
    for one in {key.names: key, own.names: own}.values():
        checks += [] if one.hidden else key_checks(one, table.name, quote(table.name), only, ("key",))
    if match is not None:
        checks.append(_one_partner(update))
    return update, where, checks


def _partner(session: Planning, change: UpdateRows, table: Table) -> tuple[str, tuple[str, ...]]:
    """Return what stands beside the table in FROM, and the names of its columns."""
    join = change.join
    assert join is not None
    if join.query is not None:
        query = query_of(session, join.query, ("join", "sql"))
        if not join.alias:
            raise Problem("SP102", "a query in `join` needs a name", ("join",), hint="add `as: …`")
        return f"({query.sql}) AS {quote(join.alias)}", session.shadow.columns(query.plain)
    other = relation(session.state, join.table, ("join", "table"))
    if same_name(other.name, table.name) and not join.alias:
        raise Problem(
            "RF110",
            f"`{table.name}` stands beside itself, and both have the same name",
            ("join", "table"),
            hint=f'write {{sql: "SELECT * FROM {table.name}", as: other, match: …}}',
        )
    alias = f" AS {quote(join.alias)}" if join.alias else ""
    return quote(other.name) + alias, tuple(c.name for c in other.columns)


def _one_partner(update: Update) -> Check:
    keys = ", ".join(update.of(update.own))
    groups = f"FROM {update.source} WHERE {update.condition} GROUP BY {keys} HAVING count(*) > 1"
    return Check(
        f"each row of {update.table.name} has at most one partner",
        question(f"SELECT count(*) FROM (SELECT 1 {groups})"),
        maximum=0,
        sample=question(f"SELECT {keys}, count(*) {groups} LIMIT 5", "sample"),
        path=("join", "match"),
        failure=f"{{count}} rows of {update.table.name} have more than one partner: which value is meant?",
    )


def _frozen(update: Update, texts: Sequence[Text], found: Effects) -> bool:
    """Tell whether keys and values must be fixed before the first batch.

    So where a batch could change what a later one reads: sub-selects on tables that the step
    writes, a key that it changes, triggers and foreign keys that write to the table itself.
    """
    changed = {fold(c.name) for c in update.columns}
    if changed & {fold(n) for n in (*update.key.names, *update.own.names)} or any(t.over for t in texts):
        return True
    partner_reads = bool(update.partner) and any(
        same_name(name, update.table.name) for t in texts for name, _ in t.access.reads if t.nested
    )
    moving = [update.table, *found.tables]
    if partner_reads or any(reads_table(texts, t.name, nested=True) for t in moving):
        return True
    if update.partner and any(_names(update.partner, t.name) for t in moving):
        return True
    read = {fold(c) for t in texts for name, c in t.access.reads if same_name(name, update.table.name)}
    return bool(found.fired) and found.includes(update.table.name) and bool(read)


def _names(partner: str, table: str) -> bool:
    return fold(table) in fold(partner)


def _note(update: Update, journal: Journal, range_: str) -> tuple[Statement, ...]:
    """Return the statements that write the journal: old and new values of rows that really change."""
    pairs = [
        (f"{update.name}.{quote(c.name)}", f"({t.sql})")
        for c, t in zip(update.columns, update.texts, strict=True)
    ]
    where = f"{range_} AND {update.condition}" if range_ else update.condition
    once = not any(t.nested or t.over for t in update.texts)
    if once:
        differ = " OR ".join(f"{o} COLLATE BINARY IS NOT {n} OR typeof({o}) <> typeof({n})" for o, n in pairs)
        where += f" AND ({differ})"
    values = [*update.of(update.own), "1", "1", *(o for o, _ in pairs), *(n for _, n in pairs)]
    fill = rows(
        f"{journal.head('old', 'new')} SELECT {', '.join(values)} FROM {update.source} WHERE {where}",
        "journal",
    )
    if once:
        return (fill,)
    # A sub-select is dear: asked once per row, and rows that stay as they are taken out afterwards.
    same = " AND ".join(
        f"{o} COLLATE BINARY IS {n} AND typeof({o}) = typeof({n})"
        for o, n in zip(journal.of("old"), journal.of("new"), strict=True)
    )
    of_batch = ""
    if range_:
        keys = ", ".join(quote(n) for n in journal.key_columns())
        of_batch = (
            f"({keys}) IN (SELECT {', '.join(update.of(update.own))} FROM {update.name} WHERE {range_}) AND "
        )
    return (fill, rows(f"DELETE FROM {quote(journal.name)} WHERE {of_batch}{same}", "journal"))


def _from_journal(update: Update, journal: Journal, range_: str) -> Statement:
    sets = ", ".join(f"{quote(c.name)} = j.{quote(f'new_{c.name}')}" for c in journal.images)
    ties = " AND ".join(
        f"{k} = j.{quote(n)}" for k, n in zip(update.of(update.own), journal.key_columns(), strict=True)
    )
    also = f" AND {range_}" if range_ else ""
    return rows(
        f"UPDATE {update.name} SET {sets} FROM {quote(journal.name)} AS j WHERE {ties}{also}",
        "update",
        "written",
    )


def _from_work(update: Update, work: Work) -> Statement:
    sets = ", ".join(f"{quote(c.name)} = work.{quote(f'new_{c.name}')}" for c in work.values)
    ties = " AND ".join(
        f"{k} = work.{quote(n)}" for k, n in zip(update.of(update.own), work.key_columns(), strict=True)
    )
    range_ = between([f"work.{quote(n)}" for n in work.key_columns()])
    return rows(
        f"UPDATE {update.name} SET {sets} FROM {quote(work.name)} AS work WHERE {ties} AND {range_}",
        "update",
        "written",
    )
