"""`copy` and `insert`: rows into a table.

What a batch will write is picked first, with what each row gets for a key: from the source, or, where the
table numbers its rows itself, from the numbers after its last one, which stays locked meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.dialects.base import StepContext
from engine.dialects.mysql.conflict import conflict_key
from engine.dialects.mysql.expression import Planning, expectation, limited, query_of, text_of
from engine.dialects.mysql.journal import Recording, recording_of
from engine.dialects.mysql.names import columns_of, own_column, own_table, real, relation
from engine.dialects.mysql.schema import MyColumn, MyTable
from engine.dialects.mysql.sql import columns_sql, is_text, quote
from engine.dialects.mysql.statements import question, rows
from engine.dialects.mysql.walk import Key, between, identity, key_checks, key_loop, parts, unique_keys, walk_key
from engine.dialects.shared.frames import Frame, Text
from engine.errors import Problem
from engine.model.changes import CopyRows, InsertRows
from engine.model.expression import Expression, Literal, Sql
from engine.model.plan import Check, Statement, Unit
from engine.model.state import fold, same_name

_ROWS = 500  # per statement: long enough to be quick, short enough to be read


@dataclass(frozen=True, slots=True)
class Target:
    """Where rows go: the columns that are written, and how a row is known afterwards.

    Attributes:
        key: whose columns are all written, or None.
        counter: the column that numbers rows, where `key` is None.
        conflict: columns that tell whether a row is there already (`on_conflict: skip`).
    """

    table: MyTable
    columns: tuple[MyColumn, ...]
    key: Key | None
    counter: MyColumn | None
    conflict: tuple[MyColumn, ...]

    @property
    def names(self) -> str:
        return columns_sql(tuple(c.name for c in self.columns))


def copy_units(session: Planning, change: CopyRows, context: StepContext) -> tuple[Unit, ...]:
    """Return the units that copy rows, with their undo.

    Raises:
        Problem: a name that is not there, an expression that can't be had, a key that does not do.
    """
    if change.first_of is not None or change.on_conflict == "replace" or change.triggers == "skip":
        words = "`first_of`, `on_conflict: replace` and `triggers: skip` are not there for MariaDB yet"
        raise Problem("SP111", words, ())
    table = own_table(session.schema, change.target, ("into",))
    frame, source, key = _source(session, change)
    where = text_of(session, change.where, frame, ("where",)) if change.where is not None else None
    condition = f"({where.sql})" if where else "TRUE"
    columns, texts = _mapping(session, change, table, frame)
    read = {name for text in (*texts, *([where] if where else [])) for name in text.nested}
    if fold(table.name) in read or (source is not None and same_name(source.name, table.name)):
        words = f"this copy reads `{table.name}`, which it writes: that is not there for MariaDB yet"
        raise Problem("SP111", words, ("into",), hint="copy into another table first")
    target = _target(session, table, columns, change.on_conflict, change.conflict_key)
    recording = _recording(session, target, context)
    counted = f"SELECT count(*) FROM {frame.source} WHERE {condition}"
    values = [t.sql for t in texts]
    if key is None or source is None:
        body = (question(counted, "count", "selected"), *_write(target, recording, values, frame.source, condition, ()))
        loop, before, why = None, body, "in one transaction, because the source has no key to cut batches by"
    else:
        name = quote(source.name)
        chosen = f"{between(parts(key, name))} AND {condition}"
        order = tuple(f"{name}.{quote(n)}" for n in key.names)
        body = (
            question(f"SELECT count(*) FROM {frame.source} WHERE {chosen}", "count", "selected"),
            *_write(target, recording, values, frame.source, chosen, order),
        )
        loop, before = key_loop(source.name, parts(key), body, change.batch_size, key.names), ()
        why = f"in batches by {key.words}"
    checks: tuple[Check, ...] = ()
    if key is not None and source is not None:
        checks = key_checks(key, source.name, frame.source, where.sql if where else "", ("key",))
    unit = Unit(
        context.step,
        context.step,
        f"copy {'a query' if change.query else change.source} into {table.name}",
        ">",
        why=why,
        checks=checks,
        expectation=expectation(session, change.expect, counted),
        before=before,
        loop=loop,
        rows=context.rows(limited(frame.source, f"({where.plain})" if where else "TRUE")),
        touches=(table.name,),
        on_conflict=change.on_conflict,
    )
    return recording.finished(unit, session.schema)


def insert_units(session: Planning, change: InsertRows, context: StepContext) -> tuple[Unit, ...]:
    """Return the units that insert the rows of the spec, with their undo.

    Raises:
        Problem: a table or column that is not there, a value that can't be had.
    """
    if change.on_conflict == "replace":
        raise Problem("SP111", "`on_conflict: replace` is not there for MariaDB yet", ("on_conflict",))
    table = own_table(session.schema, change.target, ("into",))
    columns = tuple(own_column(table, name, ("rows", 0, name, "<key>")) for name in change.columns)
    for column in columns:
        _writable(table, column, ("rows", 0, column.name, "<key>"))
    if any(value is None for row in change.rows for value in row):
        raise Problem("SP111", "on MariaDB each row of an `insert` has the same columns", ("rows",))
    target = _target(session, table, columns, change.on_conflict, change.conflict_key)
    recording = _recording(session, target, context)
    frame = Frame("(SELECT 1) AS nothing")
    counted = f"SELECT {len(change.rows)}"
    statements: list[Statement] = [question(counted, "count", "selected")]
    for start in range(0, len(change.rows), _ROWS):
        lines = []
        for place, row in enumerate(change.rows[start : start + _ROWS], start):
            given = [(c, v) for c, v in zip(columns, row, strict=True) if v is not None]
            lines.append(f"SELECT {place} AS engine_row, " + _line(session, given, frame, place))
        source = f"({' UNION ALL '.join(lines)}) AS given"
        values = [f"given.{quote(c.name)}" for c in columns]
        statements += _write(target, recording, values, source, "TRUE", ("given.engine_row",), batch=start)
    many = f"{len(change.rows)} rows" if len(change.rows) != 1 else "1 row"
    unit = Unit(
        context.step,
        context.step,
        f"insert {many} into {table.name}",
        ">",
        why="rows of the spec",
        expectation=expectation(session, change.expect, counted),
        before=tuple(statements),
        rows=len(change.rows),
        touches=(table.name,),
        on_conflict=change.on_conflict,
    )
    return recording.finished(unit, session.schema)


def _line(session: Planning, values: Sequence[tuple[MyColumn, Literal | Sql]], frame: Frame, place: int) -> str:
    return ", ".join(
        f"{text_of(session, v, frame, ('rows', place, c.name), type=c.type).sql} AS {quote(c.name)}" for c, v in values
    )


def _write(
    target: Target,
    recording: Recording,
    values: Sequence[str],
    source: str,
    condition: str,
    order: Sequence[str],
    batch: int | None = None,
) -> tuple[Statement, ...]:
    """Return the statements that write the rows of `source`.

    Args:
        values: expressions in `source`, one a written column.
        order: by which the rows come.
        batch: number of the batch in the journal, None for the loop's own.
    """
    named = [f"{v} AS {quote(c.name)}" for v, c in zip(values, target.columns, strict=True)]
    by = f" ORDER BY {', '.join(order)}" if order else ""
    picked, kept = f"SELECT {', '.join(named)} FROM {source} WHERE {condition}", "TRUE"
    table = quote(target.table.name)
    place = f"row_number() OVER ({by.strip()}) AS engine_place"
    if target.conflict:
        given = dict(zip((fold(c.name) for c in target.columns), values, strict=True))
        same = ", ".join(_as_in(given[fold(c.name)], c) for c in target.conflict)
        first = f"row_number() OVER (PARTITION BY {same}{by}) AS engine_first"
        picked = f"SELECT {', '.join([*named, place, first])} FROM {source} WHERE {condition}"
        ties = " AND ".join(f"t.{quote(c.name)} = {_as_in(f'picked.{quote(c.name)}', c)}" for c in target.conflict)
        empty = " OR ".join(f"picked.{quote(c.name)} IS NULL" for c in target.conflict)
        kept = f"(picked.engine_first = 1 OR {empty}) AND NOT EXISTS (SELECT 1 FROM {table} AS t WHERE {ties})"
    elif recording.journal is not None:
        picked = f"SELECT {', '.join([*named, place])} FROM {source} WHERE {condition}"
    journal = recording.journal
    into = f"INSERT INTO {table} ({target.names})"
    if journal is None:
        if not target.conflict:
            plain = f"SELECT {', '.join(values)} FROM {source} WHERE {condition}{by}"
            return (rows(f"{into} {plain}", "insert", "written"),)
        shown = ", ".join(f"picked.{quote(c.name)}" for c in target.columns)
        sql = f"{into} SELECT {shown} FROM ({picked}) AS picked WHERE {kept} ORDER BY engine_place"
        return (rows(sql, "insert", "written"),)
    number = ":batch" if batch is None else str(batch)
    images = "".join(f", picked.{quote(c.name)}" for c in journal.images)
    statements: list[Statement] = []
    names = [*journal.key.names, *(c.name for c in journal.images)]
    if target.counter is None:
        keys = ", ".join(f"picked.{quote(n)}" for n in journal.key.names)
        beside = ""
    else:
        counter = quote(target.counter.name)
        statements.append(question(f"SELECT {counter} FROM {table} ORDER BY {counter} DESC LIMIT 1 FOR UPDATE", "lock"))
        keys = "last.engine_number + row_number() OVER (ORDER BY picked.engine_place)"
        beside = f" CROSS JOIN (SELECT coalesce(max({counter}), 0) AS engine_number FROM {table}) AS last"
    noted = f"{journal.head()} SELECT {keys}, {number}{images} FROM ({picked}) AS picked{beside} WHERE {kept}"
    shown = ", ".join([*(f"j.{quote(n)}" for n in journal.key_columns()), *journal.of("new", "j")])
    made = (
        f"INSERT INTO {table} ({', '.join(map(quote, names))}) SELECT {shown} FROM {quote(journal.name)} AS j"
        f' WHERE j."batch" = {number} ORDER BY {", ".join(f"j.{quote(n)}" for n in journal.key_columns())}'
    )
    return (*statements, rows(noted, "journal"), rows(made, "insert", "written"))


def _as_in(value: str, column: MyColumn) -> str:
    """Return a value as the column would compare it."""
    return f"CONVERT({value} USING utf8mb4) COLLATE {column.collate}" if is_text(column.type) else value


def _target(
    session: Planning, table: MyTable, columns: tuple[MyColumn, ...], on_conflict: str, conflict: tuple[str, ...]
) -> Target:
    written = {fold(c.name) for c in columns}
    told: tuple[MyColumn, ...] = ()
    if on_conflict == "skip":
        names = conflict_key(session, table, conflict, written)
        told = tuple(own_column(table, n, ("conflict_key",)) for n in names)
    own = identity(table, session.schema)
    if own is not None and {fold(n) for n in own.names} <= written:
        return Target(table, columns, own, None, told)
    counter = next((c for c in table.columns if c.auto), None)
    if own is not None and counter is not None and own.names == (counter.name,):
        return Target(table, columns, None, counter, told)
    for names in unique_keys(table, session.schema):
        if {fold(n) for n in names} <= written and all(own_column(table, n, ()).not_null for n in names):
            return Target(table, columns, walk_key(table, names, session.schema, ()), None, told)
    return Target(table, columns, None, None, told)


def _recording(session: Planning, target: Target, context: StepContext) -> Recording:
    key = target.key
    if key is None and target.counter is not None:
        key = Key((target.counter,))
    if key is None and not context.irreversible and fold(target.table.name) not in context.made_here:
        reason = f"no key of {target.table.name} is among what is written, so the rows can't be known again"
        return Recording(words="can't be undone", reversible="no", reason=reason)
    return recording_of(session, target.table, "insert", context, target.columns, key)


def _writable(table: MyTable, column: MyColumn, path: tuple[str | int, ...]) -> None:
    if column.generated is not None:
        raise Problem("SP110", f"`{table.name}.{column.name}` is generated: it takes no value", path)


def _source(session: Planning, change: CopyRows) -> tuple[Frame, MyTable | None, Key | None]:
    if change.query is not None:
        if change.key:
            raise Problem("SP111", "a query is not copied in batches on MariaDB yet", ("key",), hint="leave it out")
        query = query_of(session, change.query, ("from", "sql"))
        if fold(change.target) in query.nested:
            raise Problem("SP111", f"this copy reads `{change.target}`, which it writes", ("from", "sql"))
        return Frame(f'({query.sql}) AS "source"', "", tuple(n for n in query.columns if n != "*")), None, None
    found = relation(session.schema, change.source, ("from",))
    frame = Frame(quote(found.name), found.name, tuple(c.name for c in columns_of(found)))
    if isinstance(found, MyTable):
        return frame, found, walk_key(found, change.key, session.schema, ("key",))
    if change.key:
        raise Problem("SP111", "a view is not copied in batches on MariaDB yet", ("key",), hint="leave it out")
    return frame, None, None


def _mapping(
    session: Planning, change: CopyRows, target: MyTable, frame: Frame
) -> tuple[tuple[MyColumn, ...], tuple[Text, ...]]:
    pairs = change.columns if change.columns is not None else _same(target, frame)
    columns: list[MyColumn] = []
    texts: list[Text] = []
    for name, expression in pairs:
        path = ("columns", name)
        column = own_column(target, name, (*path, "<key>"))
        _writable(target, column, (*path, "<key>"))
        columns.append(column)
        texts.append(text_of(session, expression, frame, path, type=column.type))
    given = {fold(c.name) for c in columns}
    missing = [
        c.name
        for c in target.columns
        if c.not_null and c.default is None and c.generated is None and not c.auto and fold(c.name) not in given
    ]
    if missing:
        raise Problem(
            "DT109",
            f"`{target.name}.{missing[0]}` may not be NULL and has no default, and nothing is copied into it",
            ("columns", "<key>"),
            hint=f"add `{missing[0]}: …` to `columns`",
            subject=f"{target.name}.{missing[0]}",
        )
    return tuple(columns), tuple(texts)


def _same(target: MyTable, frame: Frame) -> tuple[tuple[str, Expression], ...]:
    pairs = []
    for column in target.columns:
        name = real(frame.known, column.name)
        if name and column.generated is None:
            pairs.append((column.name, Sql(quote(name), (("mariadb", quote(name)),))))
    if not pairs:
        raise Problem("RF102", f"`{target.name}` and the source have no column in common", ("columns",))
    return tuple(pairs)
