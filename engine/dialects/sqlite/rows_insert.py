"""`insert`: rows written in the spec."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from engine.dialects.base import StepContext
from engine.dialects.shared.frames import Frame
from engine.dialects.sqlite.effects import Effects, effects
from engine.dialects.sqlite.expression import Planning, expectation, text_of
from engine.dialects.sqlite.failures import see
from engine.dialects.sqlite.names import own_column, own_table
from engine.dialects.sqlite.recording import recording_of
from engine.dialects.sqlite.sql import columns_sql, quote
from engine.dialects.sqlite.statements import question, rows
from engine.dialects.sqlite.upsert import conflict_clause
from engine.errors import Problem
from engine.model.changes import InsertRows
from engine.model.expression import Literal, Sql
from engine.model.plan import Statement, Unit
from engine.model.state import Column, Table, same_name

_ROWS = 500  # per statement: long enough to be quick, short enough to be read


def insert_units(session: Planning, change: InsertRows, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that inserts the rows, with its undo. A value that a row lacks is the column's default.

    Raises:
        Problem: a table or column that is not there, a value that can't be had.
    """
    table = own_table(session.state, change.target, ("into",))
    columns = tuple(_column(table, name) for name in change.columns)
    clause = conflict_clause(session, table, change.on_conflict, change.conflict_key, columns)
    statements: list[Statement] = []
    place = 0
    for given, group in groupby(change.rows, key=lambda row: tuple(value is not None for value in row)):
        listed = list(group)
        size = _ROWS if any(given) else 1  # DEFAULT VALUES makes one row
        for start in range(0, len(listed), size):
            part = listed[start : start + size]
            statements.append(_statement(session, table, columns, given, part, place, clause))
            place += len(part)
    written = frozenset(w for s in statements[:1] for w in see(session.shadow, s.sql, ()).writes)
    found = effects(session.state, table, "insert", written)
    events: tuple[str, ...] = ("insert",)
    if "DO UPDATE" in clause:
        events = ("insert", "update")
        updated = effects(session.state, table, "update", written, change.columns)
        tables = {t.name: t for t in (*found.tables, *updated.tables)}
        found = Effects((*found.fired, *updated.fired), tuple(tables.values()), found.blind or updated.blind)
    recording = recording_of(session, table, events, found, context)
    title = f"insert {len(change.rows)} row{'s' if len(change.rows) != 1 else ''} into {table.name}"
    counted = f"SELECT {len(change.rows)}"
    unit = Unit(
        context.step,
        context.step,
        title,
        ">",
        why=f"in one transaction; {recording.words}",
        expectation=expectation(session, change.expect, counted),
        before=(*recording.create(), question(counted, "count", "selected"), *recording.around(statements)),
        undo=recording.undo(context.step, title, session.state),
        reversible=recording.reversible,
        reason=recording.reason,
        rows=len(change.rows),
        touches=(table.name, *(t.name for t in found.tables if not same_name(t.name, table.name))),
        keeps=recording.keeps,
        on_conflict=change.on_conflict,
    )
    return (unit,)


def _column(table: Table, name: str) -> Column:
    column = own_column(table, name, ("rows", 0, name, "<key>"))
    if column.generated is not None:
        raise Problem(
            "RF109",
            f"`{table.name}.{column.name}` is generated: it takes no value",
            ("rows", 0, name, "<key>"),
        )
    return column


def _statement(
    session: Planning,
    table: Table,
    columns: tuple[Column, ...],
    given: tuple[bool, ...],
    part: Sequence[tuple[Literal | Sql | None, ...]],
    place: int,
    clause: str,
) -> Statement:
    names = tuple(c.name for c, there in zip(columns, given, strict=True) if there)
    frame = Frame("(SELECT 1)")
    head = f"INSERT INTO {quote(table.name)}"
    if not names:
        return rows(f"{head} DEFAULT VALUES", "insert", "written")
    lines = []
    for number, row in enumerate(part, place):
        values = [
            text_of(session, value, frame, ("rows", number, column.name)).sql
            for column, value in zip(columns, row, strict=True)
            if value is not None
        ]
        lines.append(f"({', '.join(values)})")
    return rows(f"{head} ({columns_sql(names)}) VALUES {', '.join(lines)} {clause}".rstrip(), "insert", "written")
