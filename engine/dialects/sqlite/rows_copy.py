"""`copy`: rows of a table, view or query into a table.

The statement of a batch is one `INSERT … SELECT` over a range of the source's key. Rows that
must be known before the first write (see `_freeze`) go through a work table.
"""

from __future__ import annotations

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
from engine.dialects.sqlite.mapping import Mapping, mapping_of
from engine.dialects.sqlite.names import contains, meant, own_table, relation
from engine.dialects.sqlite.picks import rank_sql
from engine.dialects.sqlite.recording import Recording, recording_of
from engine.dialects.sqlite.sql import quote
from engine.dialects.sqlite.statements import ddl
from engine.dialects.sqlite.upsert import conflict_clause
from engine.dialects.sqlite.walk import Key, between, column_definition, key_checks, key_loop, question, rows, walk_key
from engine.errors import Problem
from engine.model.changes import CopyRows
from engine.model.plan import Check, Loop, Statement, Unit
from engine.model.state import Column, Table, fold, same_name

_LIMIT = 50_001


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows come from.

    Attributes:
        frame: scope of expressions.
        key: what batches are cut by; a query's is as given.
        table: the table, None for views and queries.
        words: name for people.
    """

    frame: Frame
    key: Key
    table: Table | None
    words: str

    @property
    def alias(self) -> str:
        return quote(self.words)

    @property
    def key_sql(self) -> list[str]:
        return [f"{self.alias}.{quote(n)}" for n in self.key.names]


def copy_units(session: Planning, change: CopyRows, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that copies rows, with its undo.

    Raises:
        Problem: a name that is not there, an expression that can't be had, a key that does not do.
    """
    target = own_table(session.state, change.target, ("into",))
    source = _source(session, change)
    mapping = mapping_of(session, change, target, source.frame)
    where = text_of(session, change.where, source.frame, ("where",)) if change.where is not None else None
    rank, rank_texts = "", list[Text]()
    if change.first_of is not None:
        rank, rank_texts = rank_sql(session, change.first_of, source.key_sql, source.frame, ("first_of",))
    condition = where.sql if where else ""
    clause = conflict_clause(session, change, target, mapping.columns)
    select = f"SELECT {', '.join(mapping.sql)} FROM {source.frame.source} WHERE {condition or '1'}"
    insert = f"INSERT INTO {quote(target.name)} ({mapping.names})"
    access = see(session.shadow, f"{insert} {select} {clause}", ())
    events = ["insert", *(["update"] if change.on_conflict == "replace" else [])]
    found = _effects(session, target, events, access.writes, change, mapping)
    recording = recording_of(session, target, frozenset(events), found, context)
    texts = [*mapping.texts, *rank_texts, *([where] if where else [])]
    work = _freeze(session, source, target, mapping, texts, found, rank, change)
    plain = where.plain if where else "1"
    counted = f"SELECT count(*) FROM {source.frame.source} WHERE {condition or '1'}"
    if rank:
        counted = f'SELECT count(*) FROM (SELECT {rank} AS "rank" FROM {source.frame.source} WHERE {condition or "1"}) WHERE "rank" = 1'
    batch = _Batch(session, source, mapping, insert, clause, condition, rank, work, recording)
    before, loop, after = batch.parts(change, counted)
    drops, makes = _skipped(session, target, change)
    if loop is not None:
        loop = Loop(
            loop.table, loop.keys, loop.start, loop.bound, (*drops, *loop.body, *makes), loop.following, loop.size
        )
    else:
        before = (*before[:-_TAIL], *drops, *before[-_TAIL:], *makes)
    title = f"copy {source.words} into {target.name}"
    checks = [*key_checks(source.key, source.words, source.frame.source, condition, ("key",))]
    checks += _parse_checks(change, mapping, source, condition)
    unit = Unit(
        context.step,
        context.step,
        title,
        ">",
        why=f"{_walked(source, loop, work)}; {recording.words}",
        checks=tuple(checks),
        expectation=expectation(session, change.expect, counted),
        before=(*recording.create, *before),
        loop=loop,
        after=after,
        undo=recording.undo(title, session.state, (work.name,) if work else ()),
        reversible=recording.reversible,
        reason=recording.reason,
        rows=context.rows(
            f"SELECT count(*) FROM (SELECT 1 FROM {source.frame.source} WHERE {plain} LIMIT {_LIMIT})"
        ),
        touches=(target.name, *recording.side),
        keeps=recording.keeps,
        on_conflict=change.on_conflict,
    )
    return (unit,)
