"""`delete`: rows go, and with them those that foreign keys take along."""

from __future__ import annotations

from collections.abc import Sequence

from engine.dialects.base import StepContext
from engine.dialects.postgres.expression import Planning, expectation, limited, text_of
from engine.dialects.postgres.journal import Journal
from engine.dialects.postgres.names import own_table
from engine.dialects.postgres.picks import rank_sql, ranked_sql
from engine.dialects.postgres.recording import Recording, recording_of
from engine.dialects.postgres.schema import PgConstraint, PgSchema, PgTable
from engine.dialects.postgres.sql import quote
from engine.dialects.postgres.statements import question, rows
from engine.dialects.postgres.walk import between, key_checks, key_loop, parts, walk_key
from engine.dialects.postgres.work import Work, reads_table
from engine.dialects.shared.frames import LIMIT, Frame
from engine.errors import Problem
from engine.model.changes import DeleteRows
from engine.model.plan import Loop, Statement, Unit


def delete_units(session: Planning, change: DeleteRows, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that deletes rows, with its undo.

    Raises:
        Problem: a name that is not there, an expression that can't be had, a key that does not do.
    """
    schema = session.schema
    table = own_table(schema, change.table, ("from",), rows=True)
    name = quote(table.name)
    frame = Frame(name, table.name, tuple(c.name for c in table.columns))
    key = walk_key(table, change.key, schema, ("key",))
    key_sql = [f"{name}.{quote(n)}" for n in key.names] if key else []
    where = text_of(session, change.where, frame, ("where",)) if change.where is not None else None
    condition, plain = (f"({where.sql})", f"({where.plain})") if where else ("TRUE", "TRUE")
    rank, texts = "", [where] if where else []
    if change.all_but_first_of is not None:
        if key is None:
            words = "ties are settled by the key, and the table has none"
            raise Problem("SP102", words, ("all_but_first_of",), hint="give `key`")
        rank, more = rank_sql(session, change.all_but_first_of, key_sql, frame, ("all_but_first_of",))
        texts += more
    recording = recording_of(session, table, ("delete",), context)
    counted = f"SELECT count(*) FROM {name} WHERE {condition}"
    if rank:
        counted = f'SELECT count(*) FROM ({ranked_sql(rank, name, condition)}) AS ranked WHERE "rank" > 1'
    before, loop, work = list(recording.create()), None, None
    reached = [name for name in recording.touched if name != table.name]
    frozen = bool(rank) or any(reads_table(texts, t) for t in (table.name, *reached))
    if key is None:
        before += [question(counted, "count", "selected"), *_body(table, recording, condition)]
    elif frozen:
        work = Work(f"engine_undo_{session.undo_number()}", key)
        before += [
            question(counted, "count", "selected"),
            work.create(),
            work.fill(key_sql, [], name, condition, rank, "> 1"),
        ]
        body = _body(table, recording, f"{between(parts(key, name))} AND {work.holds(key_sql)}")
        loop = key_loop(work.name, work.key_parts(), body, change.batch_size, key.names)
    else:
        chosen = f"{between(parts(key, name))} AND {condition}"
        count = question(f"SELECT count(*) FROM {name} WHERE {chosen}", "count", "selected")
        body = (count, *_body(table, recording, chosen))
        loop = key_loop(table.name, parts(key), body, change.batch_size, key.names)
    title = f"delete rows of {table.name}"
    checks = key_checks(key, table.name, name, where.sql if where else "", ("key",)) if key else ()
    unit = Unit(
        context.step,
        context.step,
        title,
        ">",
        why=f"{_walked(loop, work)}; {recording.words}{_along(schema, table, plain, context)}",
        checks=checks,
        expectation=expectation(session, change.expect, counted),
        before=tuple(before),
        loop=loop,
        after=(work.drop(),) if work else (),
        undo=recording.undo(context.step, title, schema, (work.name,) if work else ()),
        reversible=recording.reversible,
        reason=recording.reason,
        rows=context.rows(limited(name, plain)),
        touches=(table.name, *reached),
        keeps=recording.keeps,
    )
    return (unit,)


def _body(table: PgTable, recording: Recording, chosen: str) -> tuple[Statement, ...]:
    """Return the statements that note the rows chosen, with what goes along, and delete them."""
    name = quote(table.name)
    journal = recording.journal
    delete = f"DELETE FROM {name} WHERE {chosen}"
    if journal is None:
        return recording.around((rows(delete, "delete", "written"),))
    if not recording.others:
        values = journal.live("gone", 1, 0)
        sql = f"WITH gone AS ({delete} RETURNING {journal.returning()}) {journal.head('old')} SELECT {values} FROM gone"
        return (rows(sql, "delete", "written"),)
    note = f"{journal.head('old')} SELECT {journal.live(name, 1, 0)} FROM {name} WHERE {chosen} FOR UPDATE"
    noted = [rows(note, "journal")]
    noted += [_along_noted(child, key, parent) for child, key, parent in recording.others]
    again = rows(
        f"DELETE FROM {name} WHERE {chosen} AND EXISTS (SELECT 1 FROM {quote(journal.name)} AS j"
        f" WHERE {journal.ties(name)})",
        "delete",
        "written",
    )
    children = {child.name: child for child, _, _ in recording.others}
    late = [statement for child in children.values() for statement in _after(child)]
    return (*noted, again, *late)


def _along_noted(child: Journal, key: PgConstraint, parent: Journal) -> Statement:
    """Return the statement that notes the rows of `child` that refer to rows noted in `parent`."""
    kept = {n: f"j.{quote(f'key_{n}')}" for n in parent.key.names}
    kept |= {c.name: value for c, value in zip(parent.images, parent.values("old", "j"), strict=True)}
    ties = " AND ".join(
        f"c.{quote(mine)} = {kept[theirs]}" for mine, theirs in zip(key.columns, key.to_columns, strict=True)
    )
    values = child.live("c", 1, 1)
    if child.images:
        values += ", " + ", ".join(f"c.{quote(c.name)}" for c in child.images)
    keys = ", ".join(quote(n) for n in child.key_columns())
    return rows(
        f"{child.head('old', 'new')} SELECT {values} FROM {quote(child.table.name)} AS c WHERE EXISTS"
        f" (SELECT 1 FROM {quote(parent.name)} AS j WHERE {ties}) FOR UPDATE ON CONFLICT ({keys}) DO NOTHING",
        "journal",
    )


def _after(child: Journal) -> tuple[Statement, ...]:
    """Return the statements that note what the foreign keys made of the rows of `child`."""
    table, ties = f"{quote(child.table.name)} AS c", child.ties("c")
    gone = f'UPDATE {quote(child.name)} AS j SET "now" = 0 WHERE "now" = 1'
    found = [rows(f"{gone} AND NOT EXISTS (SELECT 1 FROM {table} WHERE {ties})", "journal")]
    if child.images:
        sets = ", ".join(f"{quote(f'new_{c.name}')} = c.{quote(c.name)}" for c in child.images)
        found.append(rows(f"UPDATE {quote(child.name)} AS j SET {sets} FROM {table} WHERE {ties}", "journal"))
    return tuple(found)


def _walked(loop: Loop | None, work: Work | None) -> str:
    if loop is None:
        return "in one transaction, because the table has no key to cut batches by"
    words = f"in batches by {', '.join(loop.keys)}"
    return f"{words}; keys are fixed first in {work.name}" if work else words


def _along(schema: PgSchema, table: PgTable, condition: str, context: StepContext) -> str:
    """Return words for the rows that foreign keys take along, with their number where it is known."""
    words: list[str] = []
    pairs: Sequence[tuple[PgTable, PgConstraint]] = schema.referring_to(table.name)
    for child, key in pairs:
        if key.on_delete in ("NO ACTION", "RESTRICT"):
            continue
        ties = " AND ".join(
            f"{quote(child.name)}.{quote(c)} = {quote(table.name)}.{quote(r)}"
            for c, r in zip(key.columns, key.to_columns, strict=False)
        )
        count = context.rows(
            f"SELECT count(*) FROM (SELECT 1 FROM {quote(child.name)} WHERE EXISTS"
            f" (SELECT 1 FROM {quote(table.name)} WHERE {ties} AND {condition}) LIMIT {LIMIT}) AS counted"
        )
        many = "rows" if count is None else "1 row" if count == 1 else f"{count:,} rows"
        many = "over 50,000 rows" if count == LIMIT else many
        does = "deletes" if key.on_delete == "CASCADE" else "changes"
        words.append(f"{does} {many} of {child.name} ({', '.join(key.columns)})")
    return f"; the foreign key {' and '.join(words)}" if words else ""
