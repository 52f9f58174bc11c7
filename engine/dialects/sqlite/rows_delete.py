"""`delete`: rows go, and with them those that foreign keys take along."""

from __future__ import annotations

from engine.dialects.base import StepContext
from engine.dialects.shared.frames import LIMIT, Frame
from engine.dialects.sqlite.effects import effects
from engine.dialects.sqlite.expression import Planning, expectation, limited, text_of
from engine.dialects.sqlite.failures import see
from engine.dialects.sqlite.journal import images_of
from engine.dialects.sqlite.names import own_table
from engine.dialects.sqlite.picks import rank_sql, ranked_sql
from engine.dialects.sqlite.recording import Recording, recording_of
from engine.dialects.sqlite.sql import quote
from engine.dialects.sqlite.statements import question, rows
from engine.dialects.sqlite.walk import between, identity, key_checks, key_loop, walk_key
from engine.dialects.sqlite.work import Work, reads_table
from engine.model.changes import DeleteRows
from engine.model.plan import Loop, Statement, Unit
from engine.model.state import SchemaState, Table, same_name


def delete_units(session: Planning, change: DeleteRows, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that deletes rows, with its undo.

    Raises:
        Problem: a name that is not there, an expression that can't be had, a key that does not do.
    """
    state = session.state
    table = own_table(state, change.table, ("from",))
    name = quote(table.name)
    frame = Frame(name, table.name, tuple(c.name for c in table.columns))
    key, own = walk_key(table, change.key, state, ("key",)), identity(table, state)
    key_sql = [f"{name}.{quote(n)}" for n in key.names]
    where = text_of(session, change.where, frame, ("where",)) if change.where is not None else None
    condition, plain = (f"({where.sql})", f"({where.plain})") if where else ("1", "1")
    rank, texts = "", [where] if where else []
    if change.all_but_first_of is not None:
        rank, more = rank_sql(session, change.all_but_first_of, key_sql, frame, ("all_but_first_of",))
        texts += more
    access = see(session.shadow, f"DELETE FROM {name} WHERE {condition}", ())
    found = effects(state, table, "delete", access.writes)
    recording = recording_of(session, table, ("delete",), found, context, images_of(table, own))
    moving = [table, *found.tables]
    counted = f"SELECT count(*) FROM {name} WHERE {condition}"
    if rank:
        counted = f'SELECT count(*) FROM ({ranked_sql(rank, name, condition)}) WHERE "rank" > 1'

    before, loop, after = list(recording.create()), None, tuple[Statement, ...]()
    work: Work | None = None
    frozen = bool(rank) or found.includes(table.name) or any(reads_table(texts, t.name) for t in moving)
    planned = recording.planned
    narrow = between([f"j.{quote(n)}" for n in planned.key_columns()]) if planned and key.names == own.names else ""
    if key.hidden:
        if rank:
            inner = ranked_sql(rank, name, condition, key_sql[0])
            condition = f'{key_sql[0]} IN (SELECT k FROM ({inner}) WHERE "rank" > 1)'
        before.append(question(counted, "count", "selected"))
        before += _body(table, recording, condition, "", "")
    elif frozen:
        work = Work(f"engine_undo_{session.undo_number()}", key)
        before += [
            question(counted, "count", "selected"),
            work.create(),
            work.fill(key_sql, [], name, condition, f"({rank}) > 1" if rank else ""),
        ]
        range_ = between(key_sql)
        body = _body(table, recording, f"{range_} AND {work.holds(key_sql)}", range_, narrow)
        loop = key_loop(work.name, work.key_columns(), body, change.batch_size, key.names)
        after = (work.drop(),)
    else:
        range_ = between(key_sql)
        chosen = f"{range_} AND {condition}"
        body = _body(table, recording, chosen, range_, narrow, counting=True)
        loop = key_loop(table.name, key.names, body, change.batch_size)
    title = f"delete rows of {table.name}"
    checks = [
        check
        for one in {key.names: key, own.names: own}.values()
        if not one.hidden
        for check in key_checks(one, table.name, name, where.sql if where else "", ("key",))
    ]
    unit = Unit(
        context.step,
        context.step,
        title,
        ">",
        why=f"{_walked(loop, work)}; {recording.words}{_along(state, table, plain, context)}",
        checks=tuple(checks),
        expectation=expectation(session, change.expect, counted),
        before=tuple(before),
        loop=loop,
        after=after,
        undo=recording.undo(context.step, title, state, (work.name,) if work else ()),
        reversible=recording.reversible,
        reason=recording.reason,
        rows=context.rows(limited(name, plain)),
        touches=(table.name, *(t.name for t in found.tables if not same_name(t.name, table.name))),
        keeps=recording.keeps,
    )
    return (unit,)


def _body(
    table: Table, recording: Recording, chosen: str, range_: str, narrow: str, *, counting: bool = False
) -> tuple[Statement, ...]:
    """Return the statements that note the rows chosen and delete them.

    Args:
        chosen: condition of the rows.
        range_: of the batch, "" for all rows.
        narrow: the same on the journal's key, "" where rows are walked by another.
        counting: True where the rows selected are still to be counted.
    """
    name = quote(table.name)
    journal = recording.planned
    if journal is None:
        write = rows(f"DELETE FROM {name} WHERE {chosen}", "delete", "written")
        count = (question(f"SELECT count(*) FROM {name} WHERE {chosen}", "count", "selected"),) if counting else ()
        return (*count, *recording.around((write,)))
    keys = journal.live(name, values=False)
    values = [*keys, "1", "0", *journal.aside(name), *journal.live(name, key=False)]
    # It writes one row for each row selected: that saves counting them.
    note = rows(
        f"{journal.head('old')} SELECT {', '.join(values)} FROM {name} WHERE {chosen}",
        "journal",
        "selected" if counting else "",
    )
    noted = ", ".join(f"j.{quote(n)}" for n in journal.key_columns())
    if narrow or not range_:
        within = f" WHERE {narrow}" if narrow else ""
        where = f"({', '.join(keys)}) IN (SELECT {noted} FROM {quote(journal.name)} AS j{within})"
    else:
        ties = " AND ".join(f"j.{quote(n)} = {k}" for n, k in zip(journal.key_columns(), keys, strict=True))
        where = f"{range_} AND EXISTS (SELECT 1 FROM {quote(journal.name)} AS j WHERE {ties})"
    return recording.around((note, rows(f"DELETE FROM {name} WHERE {where}", "delete", "written")))


def _walked(loop: Loop | None, work: Work | None) -> str:
    if loop is None:
        return "in one transaction, because the table has no key to cut batches by"
    words = f"in batches by {', '.join(loop.keys)}"
    return f"{words}; keys are fixed first in {work.name}" if work else words


def _along(state: SchemaState, table: Table, condition: str, context: StepContext) -> str:
    """Return words for the rows that foreign keys take along, with their number where it is known."""
    words = []
    for child in state.referring_to(table.name):
        for key in child.foreign_keys:
            action = key.on_delete.upper()
            if not same_name(key.table, table.name) or action in ("", "NO ACTION", "RESTRICT"):
                continue
            columns = key.references or table.primary_key
            ties = " AND ".join(
                f"{quote(child.name)}.{quote(c)} = {quote(table.name)}.{quote(r)}"
                for c, r in zip(key.columns, columns, strict=False)
            )
            count = context.rows(
                f"SELECT count(*) FROM (SELECT 1 FROM {quote(child.name)} WHERE EXISTS"
                f" (SELECT 1 FROM {quote(table.name)} WHERE {ties} AND {condition}) LIMIT {LIMIT})"
            )
            many = "rows" if count is None else "1 row" if count == 1 else f"{count:,} rows"
            many = "over 50,000 rows" if count == LIMIT else many
            does = "deletes" if action == "CASCADE" else "changes"
            words.append(f"{does} {many} of {child.name} ({', '.join(key.columns)})")
    return f"; the foreign key {' and '.join(words)}" if words else ""
