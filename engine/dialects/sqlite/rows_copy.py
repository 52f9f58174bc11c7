"""`copy`: rows of a table, view or query into a table.

The statement of a batch is one `INSERT … SELECT` over a range of the source's key. What must be
known before the first write (see `_frozen`) goes through a work table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.dialects.base import StepContext
from engine.dialects.shared.frames import Frame, Text
from engine.dialects.sqlite.effects import Effects, effects
from engine.dialects.sqlite.expression import Planning, expectation, limited, query_of, text_of
from engine.dialects.sqlite.failures import see
from engine.dialects.sqlite.mapping import Mapping, mapping_of
from engine.dialects.sqlite.names import contains, meant, own_table, relation
from engine.dialects.sqlite.picks import rank_sql, ranked_sql
from engine.dialects.sqlite.recording import Recording, recording_of
from engine.dialects.sqlite.sql import quote
from engine.dialects.sqlite.statements import ddl, question, rows
from engine.dialects.sqlite.upsert import conflict_clause
from engine.dialects.sqlite.walk import Key, between, key_checks, key_loop, row_id_alias, walk_key
from engine.dialects.sqlite.work import Work, reads_table
from engine.errors import Problem
from engine.model.changes import CopyRows
from engine.model.plan import Check, Loop, Statement, Unit
from engine.model.state import Column, Table, same_name


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows come from.

    Attributes:
        frame: scope of the expressions.
        key: what batches are cut by; None where there is none.
        table: the table, None for a view or query.
        name: by which columns are qualified, and for people.
    """

    frame: Frame
    key: Key | None
    table: Table | None
    name: str

    @property
    def key_sql(self) -> list[str]:
        return [f"{quote(self.name)}.{quote(n)}" for n in self.key.names] if self.key else []


def copy_units(session: Planning, change: CopyRows, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that copies rows, with its undo.

    Raises:
        Problem: a name that is not there, an expression that can't be had, a key that does not do.
    """
    target = own_table(session.state, change.target, ("into",))
    source = _source(session, change)
    frame = source.frame
    where = text_of(session, change.where, frame, ("where",)) if change.where is not None else None
    condition = f"({where.sql})" if where else "1"
    mapping = mapping_of(session, change, target, frame, where.sql if where else "")
    rank, rank_texts = "", list[Text]()
    if change.first_of is not None:
        rank, rank_texts = rank_sql(session, change.first_of, source.key_sql, frame, ("first_of",))
    clause = conflict_clause(session, target, change.on_conflict, change.conflict_key, mapping.columns)
    insert = f"INSERT INTO {quote(target.name)} ({mapping.names})"
    head = f"SELECT {mapping.values} FROM {frame.source}"
    access = see(session.shadow, f"{insert} {head} WHERE {condition} {clause}".strip(), ())
    found = _effects(session, target, change, mapping, access.writes)
    events = ("insert", "update") if "DO UPDATE" in clause else ("insert",)
    alias = row_id_alias(target)
    above = bool(alias) and not contains((c.name for c in mapping.columns), alias)
    recording = recording_of(session, target, events, found, context, above=above)
    texts = [*mapping.texts, *rank_texts, *([where] if where else [])]
    work = _work(session, source, target, mapping, texts, found, rank, change.on_conflict)
    counted = f"SELECT count(*) FROM {frame.source} WHERE {condition}"
    if rank:
        counted = f'SELECT count(*) FROM ({ranked_sql(rank, frame.source, condition)}) WHERE "rank" = 1'

    drops, makes = _still(session, target, change)
    create, loop = list(recording.create()), None
    if work is not None:
        values = [t.sql for t in mapping.texts] if work.values else []
        create += [work.create(), work.fill(source.key_sql, values, frame.source, condition, rank)]
        columns = work.key_columns()
        range_ = between([f"{quote(work.name)}.{quote(n)}" for n in columns])
        count = f"SELECT count(*) FROM {quote(work.name)} WHERE {range_}"
        if work.values:
            picked = f"SELECT {', '.join(map(quote, work.value_columns()))} FROM {quote(work.name)} WHERE {range_}"
            order = ", ".join(map(quote, columns))
        else:
            picked = f"{head} WHERE {between(source.key_sql)} AND {work.holds(source.key_sql)}"
            order = ", ".join(source.key_sql)
        body = _body(recording, count, f"{insert} {picked} ORDER BY {order}", clause, drops, makes)
        loop = key_loop(work.name, columns, body, change.batch_size, source.key.names if source.key else ())
    elif source.table is not None and source.key is not None and not source.key.hidden:
        range_ = between(source.key_sql)
        count = f"SELECT count(*) FROM {frame.source} WHERE {range_} AND {condition}"
        picked = f"{insert} {head} WHERE {range_} AND {condition} ORDER BY {', '.join(source.key_sql)}"
        body = _body(recording, count, picked, clause, drops, makes)
        loop = key_loop(source.table.name, source.key.names, body, change.batch_size)
    else:
        order = f" ORDER BY {', '.join(source.key_sql)}" if source.key else ""
        if rank:
            (key,) = source.key_sql
            ids = f'SELECT k FROM ({ranked_sql(rank, frame.source, condition, key)}) WHERE "rank" = 1'
            condition = f"{key} IN ({ids})"
        create += _body(recording, counted, f"{insert} {head} WHERE {condition}{order}", clause, drops, makes)

    title = f"copy {'a query' if change.query else source.name} into {target.name}"
    checks = (*mapping.checks, *(_room(target, alias) if recording.marks else ()))
    if source.key is not None and not source.key.hidden:
        checks = (
            *key_checks(source.key, source.name, frame.source, where.sql if where else "", ("key",)),
            *checks,
        )
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
        undo=recording.undo(context.step, title, session.state, (work.name,) if work else ()),
        reversible=recording.reversible,
        reason=recording.reason,
        rows=context.rows(limited(frame.source, f"({where.plain})" if where else "1")),
        touches=(target.name, *(t.name for t in found.tables if not same_name(t.name, target.name))),
        keeps=recording.keeps,
        on_conflict=change.on_conflict,
    )
    return (unit,)


def _body(
    recording: Recording,
    count: str,
    insert: str,
    clause: str,
    drops: Sequence[Statement],
    makes: Sequence[Statement],
) -> tuple[Statement, ...]:
    """Return the statements of a batch."""
    write = rows(f"{insert} {clause}".rstrip(), "insert", "written")
    return (*drops, question(count, "count", "selected"), *recording.around((write,)), *makes)


def _source(session: Planning, change: CopyRows) -> Source:
    if change.query is not None:
        query = query_of(session, change.query, ("from", "sql"))
        known = session.shadow.columns(query.plain)
        frame = Frame(f'({query.sql}) AS "source"', "", known)
        return Source(frame, _view_key(known, change, "the query") if change.key else None, None, "source")
    found = relation(session.state, change.source, ("from",))
    known = tuple(c.name for c in found.columns)
    frame = Frame(quote(found.name), found.name, known)
    if isinstance(found, Table) and not found.virtual:
        return Source(frame, walk_key(found, change.key, session.state, ("key",)), found, found.name)
    return Source(frame, _view_key(known, change, found.name) if change.key else None, None, found.name)


def _view_key(known: tuple[str, ...], change: CopyRows, words: str) -> Key:
    for place, name in enumerate(change.key):
        if not contains(known, name):
            raise Problem(
                "RF102",
                f"`{name}` is no column of {words}",
                ("key", place),
                hint=meant(name, known),
                subject="",
            )
    return Key(tuple(Column(name, "") for name in change.key), nullable=change.key, unique=False)


def _effects(session: Planning, target: Table, change: CopyRows, mapping: Mapping, written: frozenset[str]) -> Effects:
    """Return what happens beyond the insert; nothing fires where the spec says `triggers: skip`."""
    skip = change.triggers == "skip"
    found = effects(session.state, target, "insert", () if skip else written)
    if change.on_conflict == "replace":
        columns = [c.name for c in mapping.columns]
        updated = effects(session.state, target, "update", () if skip else written, columns)
        tables = {t.name: t for t in (*found.tables, *updated.tables)}
        found = Effects((*found.fired, *updated.fired), tuple(tables.values()), found.blind or updated.blind)
    if not skip:
        return found
    return replace(found, fired=(), tables=tuple(t for t in found.tables if not same_name(t.name, target.name)))


def _still(session: Planning, target: Table, change: CopyRows) -> tuple[tuple[Statement, ...], tuple[Statement, ...]]:
    """Return the statements that take the target's triggers away for a batch, and that bring them back."""
    if change.triggers != "skip":
        return (), ()
    triggers = session.state.triggers_of(target.name)
    return (
        tuple(ddl(f"DROP TRIGGER {quote(t.name)}", "prepare") for t in triggers),
        tuple(ddl(t.sql, "cleanup") for t in triggers),
    )


def _work(
    session: Planning,
    source: Source,
    target: Table,
    mapping: Mapping,
    texts: Sequence[Text],
    found: Effects,
    rank: str,
    on_conflict: str,
) -> Work | None:
    """Return the work table of a copy that must know its rows beforehand, None where none is needed.

    Keys are enough where what is written comes from the source's row alone, and that row stays as
    it is; else the values are fixed too. A view or query is read once.
    """
    if source.key is None or source.key.hidden:
        if rank and source.key is None:
            raise Problem(
                "SP102",
                "`first_of` settles ties by the key, and the source has none",
                ("first_of",),
                hint="give `key`",
            )
        return None  # one statement: it reads before it writes
    moving = [target, *found.tables]
    onto_itself = source.table is not None and any(same_name(t.name, source.table.name) for t in moving)
    nested = any(reads_table(texts, t.name) for t in moving)
    of_values = any(t.over for t in mapping.texts) or any(reads_table(mapping.texts, t.name) for t in moving)
    if not (rank or onto_itself or nested or of_values or source.table is None):
        return None
    values = source.table is None or of_values or (onto_itself and (on_conflict == "replace" or bool(found.fired)))
    name = f"engine_undo_{session.undo_number()}"
    return Work(name, source.key, mapping.columns if values else (), target.strict)


def _room(target: Table, key: str) -> tuple[Check, ...]:
    """Return the check that new row ids are above the old ones: past the last, SQLite takes any that is free."""
    last = f"FROM {quote(target.name)} WHERE {quote(key)} = 9223372036854775807"
    words = f"{target.name} has used up its row ids: {key} is 9223372036854775807 in a row"
    return (Check(f"{target.name}: {key} has room", question(f"SELECT count(*) {last}"), maximum=0, failure=words),)


def _walked(source: Source, loop: Loop | None, work: Work | None) -> str:
    if loop is None:
        return "in one transaction, because the source has no key to cut batches by"
    words = f"in batches by {', '.join(loop.keys)}"
    if work is None:
        return words
    return f"{words}; {'keys and values' if work.values else 'keys'} are fixed first in {work.name}"
