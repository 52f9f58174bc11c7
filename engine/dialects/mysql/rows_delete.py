"""`delete`: rows go, and stay in a journal."""

from __future__ import annotations

from engine.dialects.base import StepContext
from engine.dialects.mysql.expression import Planning, expectation, join_and, limited, text_of
from engine.dialects.mysql.journal import recording_of
from engine.dialects.mysql.names import own_table
from engine.dialects.mysql.sql import quote
from engine.dialects.mysql.statements import question, rows
from engine.dialects.mysql.walk import between, key_checks, key_loop, parts, walk_key
from engine.dialects.shared.frames import Frame
from engine.errors import Problem
from engine.model.changes import DeleteRows
from engine.model.plan import Statement, Unit
from engine.model.state import fold


def delete_units(session: Planning, change: DeleteRows, context: StepContext) -> tuple[Unit, ...]:
    """Return the units that delete rows, with their undo.

    Raises:
        Problem: a name that is not there, an expression that can't be had, what is not there for MariaDB yet.
    """
    if change.all_but_first_of is not None:
        raise Problem("SP111", "`all_but_first_of` is not there for MariaDB yet", ("all_but_first_of",))
    table = own_table(session.schema, change.table, ("table",))
    name = quote(table.name)
    frame = Frame(name, table.name, tuple(c.name for c in table.columns))
    where = text_of(session, change.where, frame, ("where",)) if change.where is not None else None
    if where is not None and fold(table.name) in where.nested:
        words = f"the condition reads other rows of `{table.name}`: that is not there for MariaDB yet"
        raise Problem("SP111", words, ("where",))
    recording = recording_of(session, table, "delete", context, table.columns)
    key = walk_key(table, change.key, session.schema, ("key",))
    condition = join_and([where.sql if where else ""])
    counted = f"SELECT count(*) FROM {name} WHERE {condition}"
    journal = recording.journal

    def body(chosen: str, batch: str) -> tuple[Statement, ...]:
        count = question(f"SELECT count(*) FROM {name} WHERE {chosen}", "count", "selected")
        if journal is None:
            return (count, rows(f"DELETE FROM {name} WHERE {chosen}", "delete", "written"))
        values = [f"{name}.{quote(n)}" for n in journal.key.names] + [batch]
        values += [f"{name}.{quote(c.name)}" for c in journal.images]
        noted = f"{journal.head()} SELECT {', '.join(values)} FROM {name} WHERE {chosen} FOR UPDATE"
        joined = f"{name} AS t JOIN {quote(journal.name)} AS j ON {journal.ties('t')}"
        gone = f'DELETE t FROM {joined} WHERE j."batch" = {batch}'
        return (count, rows(noted, "journal"), rows(gone, "delete", "written"))

    if key is None:
        before, loop = body(condition, "0"), None
        why = "in one transaction, because the table has no key to cut batches by"
    else:
        chosen = f"{between(parts(key, name))} AND {condition}"
        before, loop = (), key_loop(table.name, parts(key), body(chosen, ":batch"), change.batch_size, key.names)
        why = f"in batches by {key.words}"
    checks = key_checks(key, table.name, name, where.sql if where else "", ("key",)) if key else ()
    unit = Unit(
        context.step,
        context.step,
        f"delete rows of {table.name}",
        ">",
        why=why,
        checks=checks,
        expectation=expectation(session, change.expect, counted),
        before=before,
        loop=loop,
        rows=context.rows(limited(name, join_and([where.plain if where else ""]))),
        touches=(table.name,),
    )
    return recording.finished(unit, session.schema)
