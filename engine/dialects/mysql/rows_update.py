"""`transform`: columns of rows get new values; only rows that really change are touched."""

from __future__ import annotations

from engine.dialects.base import StepContext
from engine.dialects.mysql.expression import Planning, expectation, join_and, limited, text_of
from engine.dialects.mysql.journal import Journal, recording_of
from engine.dialects.mysql.names import own_column, own_table
from engine.dialects.mysql.schema import MyColumn, MyTable
from engine.dialects.mysql.sql import differs, quote
from engine.dialects.mysql.statements import question, rows
from engine.dialects.mysql.walk import Key, between, key_checks, key_loop, parts, walk_key
from engine.dialects.shared.frames import Frame, Text
from engine.errors import Problem
from engine.model.changes import UpdateRows
from engine.model.plan import Loop, Statement, Unit
from engine.model.state import fold

_ALONE = "in one transaction, because the table has no key to cut batches by"


def update_units(session: Planning, change: UpdateRows, context: StepContext) -> tuple[Unit, ...]:
    """Return the units that change rows, with their undo.

    Raises:
        Problem: a name that is not there, an expression that can't be had, a key that does not do.
    """
    if change.join is not None:
        raise Problem("SP111", "`join` is not there for MariaDB yet", ("join",), hint="use a sub-select")
    table = own_table(session.schema, change.table, ("table",))
    frame = Frame(quote(table.name), table.name, tuple(c.name for c in table.columns))
    where = text_of(session, change.where, frame, ("where",)) if change.where is not None else None
    columns, texts = _set(session, change, table, frame)
    key = walk_key(table, change.key, session.schema, ("key",))
    condition = join_and([where.sql if where else ""])
    recording = recording_of(session, table, "update", context, columns)
    frozen = _frozen(table, columns, [*texts, *([where] if where else [])], key)
    counted = f"SELECT count(*) FROM {frame.source} WHERE {condition}"
    count = question(counted, "count", "selected")
    before: tuple[Statement, ...] = ()
    loop: Loop | None = None
    journal = recording.journal
    if journal is not None and (frozen or key is None):
        before = (count, _note(journal, texts, condition, "0"))
        by = between(parts(journal.key, "j", "key_"))
        loop = key_loop(
            journal.name, parts(journal.key, "", "key_"), (_take(journal, by),), change.batch_size, journal.key.names
        )
        why = f"in batches by {journal.key.words}; keys and values are fixed first in {journal.name}"
    elif frozen:
        words = "this step reads what it writes, which without a journal is not there for MariaDB yet"
        raise Problem("SP111", words, ("set",))
    elif key is None:
        before, why = (count, _direct(table, columns, texts, condition)), _ALONE
    else:
        chosen = f"{between(parts(key, quote(table.name)))} AND {condition}"
        counting = question(f"SELECT count(*) FROM {frame.source} WHERE {chosen}", "count", "selected")
        body: tuple[Statement, ...] = (counting, _direct(table, columns, texts, chosen))
        if journal is not None:
            body = (counting, _note(journal, texts, chosen, ":batch"), _take(journal, 'j."batch" = :batch'))
        loop = key_loop(table.name, parts(key), body, change.batch_size, key.names)
        why = f"in batches by {key.words}"
    checks = key_checks(key, table.name, quote(table.name), where.sql if where else "", ("key",)) if key else ()
    unit = Unit(
        context.step,
        context.step,
        f"transform {', '.join(c.name for c in columns)} of {table.name}",
        ">",
        why=why,
        checks=checks,
        expectation=expectation(session, change.expect, counted),
        before=before,
        loop=loop,
        rows=context.rows(limited(frame.source, join_and([where.plain if where else ""]))),
        touches=(table.name,),
    )
    return recording.finished(unit, session.schema)


def _set(
    session: Planning, change: UpdateRows, table: MyTable, frame: Frame
) -> tuple[tuple[MyColumn, ...], tuple[Text, ...]]:
    columns, texts = [], []
    for name, expression in change.set:
        column = own_column(table, name, ("set", name, "<key>"))
        if column.generated is not None:
            words = f"`{table.name}.{column.name}` is generated: it takes no value"
            raise Problem("SP110", words, ("set", name, "<key>"))
        columns.append(column)
        texts.append(text_of(session, expression, frame, ("set", name), windows=True, type=column.type))
    if not columns:
        raise Problem("SP102", "nothing says which columns change", ("set",))
    return tuple(columns), tuple(texts)


def _note(journal: Journal, texts: tuple[Text, ...], condition: str, batch: str) -> Statement:
    """Return the statement that writes down old and new values of the rows that really change, and locks them."""
    table = quote(journal.table.name)
    olds = [f"{table}.{quote(c.name)}" for c in journal.images]
    news = [f"({t.sql})" for t in texts]
    keys = [f"{table}.{quote(n)}" for n in journal.key.names]
    lock = "" if any(t.over for t in texts) else " FOR UPDATE"
    where = f"{condition} AND {_change(journal.table, journal.images, texts)}"
    return rows(
        f"{journal.head()} SELECT {', '.join([*keys, batch, *olds, *news])} FROM {table} WHERE {where}{lock}", "journal"
    )


def _change(table: MyTable, columns: tuple[MyColumn, ...], texts: tuple[Text, ...]) -> str:
    pairs = zip(columns, texts, strict=True)
    if any(t.over for t in texts):
        return "TRUE"  # a window function can't stand in a condition
    return (
        "(" + " OR ".join(differs(f"{quote(table.name)}.{quote(c.name)}", f"({t.sql})", c.type) for c, t in pairs) + ")"
    )


def _take(journal: Journal, chosen: str) -> Statement:
    sets = ", ".join(f"t.{quote(c.name)} = j.{quote(f'new_{c.name}')}" for c in journal.images)
    joined = f"{quote(journal.table.name)} AS t JOIN {quote(journal.name)} AS j ON {journal.ties('t')}"
    return rows(f"UPDATE {joined} SET {sets} WHERE {chosen}", "update", "written")


def _direct(table: MyTable, columns: tuple[MyColumn, ...], texts: tuple[Text, ...], chosen: str) -> Statement:
    sets = ", ".join(f"{quote(c.name)} = ({t.sql})" for c, t in zip(columns, texts, strict=True))
    return rows(
        f"UPDATE {quote(table.name)} SET {sets} WHERE {chosen} AND {_change(table, columns, texts)}",
        "update",
        "written",
    )


def _frozen(table: MyTable, columns: tuple[MyColumn, ...], texts: list[Text], key: Key | None) -> bool:
    """Tell whether keys and values must be fixed first: where a batch could change what a later one reads."""
    changed = {fold(c.name) for c in columns}
    keys = {fold(n) for n in key.names} if key else set()
    return bool(changed & keys) or any(t.over or fold(table.name) in t.nested for t in texts)
