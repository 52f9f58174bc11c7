"""`copy` and `insert`: rows into a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from engine.dialects.base import StepContext
from engine.dialects.postgres.expression import Planning, expectation, limited, parse_check, query_of, text_of
from engine.dialects.postgres.journal import hold_triggers
from engine.dialects.postgres.names import columns_of, meant, own_column, own_table, real, relation
from engine.dialects.postgres.picks import rank_sql, ranked_sql
from engine.dialects.postgres.recording import Recording, recording_of
from engine.dialects.postgres.schema import PgColumn, PgTable
from engine.dialects.postgres.sequences import in_step
from engine.dialects.postgres.sql import columns_sql, quote
from engine.dialects.postgres.statements import question, rows
from engine.dialects.postgres.upsert import conflict_clause, note_taken, once_each
from engine.dialects.postgres.walk import Key, between, key_checks, key_loop, parts, walk_key
from engine.dialects.postgres.work import Work, reads_table
from engine.dialects.shared.frames import Frame, Text
from engine.errors import Problem
from engine.model.changes import CopyRows, InsertRows
from engine.model.expression import Expression, Literal, Parse, Sql
from engine.model.plan import Check, Loop, Statement, Unit
from engine.model.state import fold, same_name

_ROWS = 500  # per statement: long enough to be quick, short enough to be read


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows come from; `table` is None for a view or query."""

    frame: Frame
    key: Key | None
    table: PgTable | None
    name: str
    types: tuple[PgColumn, ...] = ()

    @property
    def key_sql(self) -> list[str]:
        return [f"{quote(self.name)}.{quote(n)}" for n in self.key.names] if self.key else []


@dataclass(frozen=True, slots=True)
class Mapping:
    """Target columns with their expressions, in the same order."""

    columns: tuple[PgColumn, ...]
    texts: tuple[Text, ...]
    checks: tuple[Check, ...] = ()

    @property
    def names(self) -> str:
        return columns_sql(tuple(c.name for c in self.columns))

    @property
    def values(self) -> str:
        return ", ".join(t.sql for t in self.texts)


def copy_units(session: Planning, change: CopyRows, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that copies rows, with its undo.

    Raises:
        Problem: a name that is not there, an expression that can't be had, a key that does not do.
    """
    target = own_table(session.schema, change.target, ("into",), rows=True)
    source = _source(session, change)
    frame = source.frame
    where = text_of(session, change.where, frame, ("where",)) if change.where is not None else None
    condition = f"({where.sql})" if where else "TRUE"
    mapping = _mapping(session, change, target, frame, where.sql if where else "")
    rank, rank_texts = "", list[Text]()
    if change.first_of is not None:
        if source.key is None:
            raise Problem(
                "SP102", "`first_of` settles ties by the key, and the source has none", ("first_of",), hint="give `key`"
            )
        rank, rank_texts = rank_sql(session, change.first_of, source.key_sql, frame, ("first_of",))
    clause = conflict_clause(session, target, change.on_conflict, change.conflict_key, mapping.columns)
    head = f"SELECT {mapping.values} FROM {frame.source}"
    insert = f"INSERT INTO {quote(target.name)} ({mapping.names})"
    if any(c.identity == "a" for c in mapping.columns):
        insert += " OVERRIDING SYSTEM VALUE"
    replaces = "DO UPDATE" in clause
    events = ("insert", "update") if replaces else ("insert",)
    recording = recording_of(session, target, events, context, fires=change.triggers != "skip")
    texts = [*mapping.texts, *rank_texts, *([where] if where else [])]
    work = _work(session, source, target, mapping, texts, rank, change.on_conflict)
    counted = f"SELECT count(*) FROM {frame.source} WHERE {condition}"
    if rank:
        counted = f'SELECT count(*) FROM ({ranked_sql(rank, frame.source, condition)}) AS ranked WHERE "rank" = 1'
    still, again = hold_triggers([target], session.schema) if change.triggers == "skip" else ((), ())
    sequences = in_step(target, mapping.columns)

    def body(count: str, picked: str) -> tuple[Statement, ...]:
        noted = note_taken(recording, clause, mapping, picked) if replaces else ()
        wrote = _write(recording, f"{insert} {picked} {clause}".rstrip())
        written = recording.around((*noted, wrote, *sequences))
        return (*still, question(count, "count", "selected"), *written, *again)

    create, loop = list(recording.create()), None
    if work is not None:
        values = [t.sql for t in mapping.texts] if work.values else []
        create += [work.create(), work.fill(source.key_sql, values, frame.source, condition, rank)]
        range_ = between(work.key_parts())
        count = f"SELECT count(*) FROM {quote(work.name)} WHERE {range_}"
        if work.values:
            picked = f"SELECT {', '.join(map(quote, work.value_columns()))} FROM {quote(work.name)} WHERE {range_}"
            order = ", ".join(sql for sql, _ in work.key_parts(quote(work.name)))
        else:
            assert source.key is not None
            picked = f"{head} WHERE {between(parts(source.key, quote(source.name)))} AND {work.holds(source.key_sql)}"
            order = ", ".join(source.key_sql)
        words = source.key.names if source.key else ()
        loop = key_loop(
            work.name, work.key_parts(), body(count, f"{picked} ORDER BY {order}"), change.batch_size, words
        )
    elif source.table is not None and source.key is not None:
        range_ = between(parts(source.key, quote(source.name)))
        count = f"SELECT count(*) FROM {frame.source} WHERE {range_} AND {condition}"
        picked = f"{head} WHERE {range_} AND {condition} ORDER BY {', '.join(source.key_sql)}"
        loop = key_loop(source.table.name, parts(source.key), body(count, picked), change.batch_size, source.key.names)
    else:
        create += body(counted, f"{head} WHERE {condition}")

    title = f"copy {'a query' if change.query else source.name} into {target.name}"
    checks = mapping.checks
    if replaces and not rank:
        checks = (*checks, once_each(clause, mapping, frame.source, condition))
    if source.key is not None:
        checks = (*key_checks(source.key, source.name, frame.source, where.sql if where else "", ("key",)), *checks)
    unit = Unit(
        context.step,
        context.step,
        title,
        ">",
        why=f"{_walked(source, loop, work)}; {recording.words}",
        checks=checks,
        expectation=expectation(session, change.expect, counted),
        before=tuple(create),
        loop=loop,
        after=(work.drop(),) if work else (),
        undo=recording.undo(context.step, title, session.schema, (work.name,) if work else ()),
        reversible=recording.reversible,
        reason=recording.reason,
        rows=context.rows(limited(frame.source, f"({where.plain})" if where else "TRUE")),
        touches=tuple(dict.fromkeys((target.name, *recording.touched))),
        keeps=recording.keeps,
        on_conflict=change.on_conflict,
    )
    return (unit,)


def insert_units(session: Planning, change: InsertRows, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that inserts the rows, with its undo. A value that a row lacks is the column's default.

    Raises:
        Problem: a table or column that is not there, a value that can't be had.
    """
    table = own_table(session.schema, change.target, ("into",), rows=True)
    columns = tuple(own_column(table, name, ("rows", 0, name, "<key>")) for name in change.columns)
    for column in columns:
        _writable(table, column, ("rows", 0, column.name, "<key>"))
    clause = conflict_clause(session, table, change.on_conflict, change.conflict_key, columns)
    replaces = "DO UPDATE" in clause
    recording = recording_of(session, table, ("insert", "update") if replaces else ("insert",), context)
    frame = Frame("(SELECT 1) AS nothing")
    counted = f"SELECT {len(change.rows)}"
    statements: list[Statement] = []
    numbered = list(enumerate(change.rows))
    for given, group in groupby(numbered, key=lambda entry: tuple(v is not None for v in entry[1])):
        used = tuple(c for c, there in zip(columns, given, strict=True) if there)
        found = list(group)
        size = _ROWS if used else 1  # DEFAULT VALUES makes one row
        for start in range(0, len(found), size):
            lines = []
            for place, row in found[start : start + size]:
                values = [(c, v) for c, v in zip(columns, row, strict=True) if v is not None]
                lines.append(_line(session, values, frame, place))
            always = " OVERRIDING SYSTEM VALUE" if any(c.identity == "a" for c in used) else ""
            head = f"INSERT INTO {quote(table.name)} ({columns_sql(tuple(c.name for c in used))}){always}"
            picked = f"VALUES {', '.join(f'({line})' for line in lines)}"
            if not used:
                head, picked = f"INSERT INTO {quote(table.name)}", "DEFAULT VALUES"
            if replaces:
                mapping = Mapping(used, ())
                statements += note_taken(recording, clause, mapping, picked)
            statements.append(_write(recording, f"{head} {picked} {clause}".rstrip()))
    counting = question(counted, "count", "selected")
    statements = [*recording.create(), counting, *recording.around([*statements, *in_step(table, columns)])]
    many = f"{len(change.rows)} rows" if len(change.rows) != 1 else "1 row"
    title = f"insert {many} into {table.name}"
    unit = Unit(
        context.step,
        context.step,
        title,
        ">",
        why=f"rows of the spec; {recording.words}",
        expectation=expectation(session, change.expect, counted),
        before=tuple(statements),
        undo=recording.undo(context.step, title, session.schema),
        reversible=recording.reversible,
        reason=recording.reason,
        rows=len(change.rows),
        touches=tuple(dict.fromkeys((table.name, *recording.touched))),
        keeps=recording.keeps,
        on_conflict=change.on_conflict,
    )
    return (unit,)


def _line(session: Planning, values: Sequence[tuple[PgColumn, Literal | Sql]], frame: Frame, place: int) -> str:
    return ", ".join(
        text_of(session, value, frame, ("rows", place, column.name), type=column.type).sql for column, value in values
    )


def _write(recording: Recording, insert: str) -> Statement:
    if recording.journal is None:
        return rows(insert, "insert", "written")
    return recording.journal.made(insert)


def _writable(table: PgTable, column: PgColumn, path: tuple[str | int, ...]) -> None:
    if column.generated is not None:
        raise Problem("SP110", f"`{table.name}.{column.name}` is generated: it takes no value", path)


def _source(session: Planning, change: CopyRows) -> Source:
    if change.query is not None:
        query = query_of(session, change.query, ("from", "sql"))
        known = tuple(n for n in query.columns if n != "*")
        frame = Frame(f'({query.sql}) AS "source"', "", known)
        if change.key and not known:
            raise Problem("SP102", "the columns of the query are not known", ("key",), hint="name them, in place of *")
        # Their types are not known before the query runs; as text they are exact, in another order.
        types = tuple(PgColumn(name, "text") for name in known)
        return Source(frame, _view_key(types, change, "the query") if change.key else None, None, "source", types)
    found = relation(session.schema, change.source, ("from",))
    # What the server will make of a view's columns is not known where the plan makes it: as text all are exact.
    types = tuple(replace(c, type=c.type or "text") for c in columns_of(found))
    frame = Frame(quote(found.name), found.name, tuple(c.name for c in types))
    if isinstance(found, PgTable):
        return Source(frame, walk_key(found, change.key, session.schema, ("key",)), found, found.name, types)
    return Source(frame, _view_key(types, change, found.name) if change.key else None, None, found.name, types)


def _view_key(types: tuple[PgColumn, ...], change: CopyRows, words: str) -> Key:
    columns = []
    for place, name in enumerate(change.key):
        spelled = real((c.name for c in types), name)
        if not spelled:
            raise Problem(
                "RF102",
                f"`{name}` is no column of {words}",
                ("key", place),
                hint=meant(name, (c.name for c in types)),
            )
        columns.append(next(c for c in types if c.name == spelled))
    return Key(tuple(columns), nullable=tuple(c.name for c in columns), unique=False)


def _mapping(session: Planning, change: CopyRows, target: PgTable, frame: Frame, where: str) -> Mapping:
    pairs = change.columns if change.columns is not None else _same(target, frame)
    columns: list[PgColumn] = []
    texts: list[Text] = []
    checks: list[Check] = []
    for name, expression in pairs:
        path = ("columns", name)
        column = own_column(target, name, (*path, "<key>"))
        _writable(target, column, (*path, "<key>"))
        columns.append(column)
        texts.append(text_of(session, expression, frame, path, windows=True, type=column.type))
        if isinstance(expression, Parse):
            check = parse_check(session, expression, f"{target.name}.{column.name}", frame.source, where, path)
            checks += [check] if check else []
    given = {fold(c.name) for c in columns}
    missing = [
        c.name
        for c in target.columns
        if c.not_null and c.default is None and c.generated is None and not c.identity and fold(c.name) not in given
    ]
    if missing:
        raise Problem(
            "DT109",
            f"`{target.name}.{missing[0]}` may not be NULL and has no default, and nothing is copied into it",
            ("columns", "<key>"),
            hint=f"add `{missing[0]}: …` to `columns`",
            subject=f"{target.name}.{missing[0]}",
        )
    return Mapping(tuple(columns), tuple(texts), tuple(checks))


def _same(target: PgTable, frame: Frame) -> tuple[tuple[str, Expression], ...]:
    pairs = []
    for column in target.columns:
        name = real(frame.known, column.name)
        if name and column.generated is None:
            pairs.append((column.name, Sql(quote(name), (("postgresql", quote(name)),))))
    if not pairs:
        raise Problem("RF102", f"`{target.name}` and the source have no column in common", ("columns",))
    return tuple(pairs)


def _work(
    session: Planning,
    source: Source,
    target: PgTable,
    mapping: Mapping,
    texts: Sequence[Text],
    rank: str,
    on_conflict: str,
) -> Work | None:
    """Return the work table of a copy that must know its rows beforehand, None where none is needed."""
    if source.key is None:
        return None  # one statement: it reads before it writes
    onto_itself = source.table is not None and same_name(target.name, source.table.name)
    nested = reads_table(texts, target.name)
    of_values = any(t.over for t in mapping.texts) or reads_table(mapping.texts, target.name)
    if not (rank or onto_itself or nested or of_values or source.table is None):
        return None
    values = source.table is None or of_values or (onto_itself and on_conflict == "replace")
    return Work(f"engine_undo_{session.undo_number()}", source.key, mapping.columns if values else ())


def _walked(source: Source, loop: Loop | None, work: Work | None) -> str:
    if loop is None:
        return "in one transaction, because the source has no key to cut batches by"
    words = f"in batches by {', '.join(loop.keys)}"
    if work is None:
        return words
    return f"{words}; {'keys and values' if work.values else 'keys'} are fixed first in {work.name}"
