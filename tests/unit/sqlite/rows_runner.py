"""Runs the units of data steps on a real SQLite as `model/plan.py` says, and compares databases."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.dialects.base import Catalogue, CatalogueObject, StepContext
from engine.dialects.sqlite.dialect import SQLite, SQLiteSession
from engine.dialects.sqlite.sql import quote
from engine.model.changes import Change
from engine.model.plan import Statement, Unit

NOW = "2024-05-06 07:08:09"


def database(*scripts: str) -> sqlite3.Connection:
    """Return a database in memory on which the statements have run."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    db.execute("PRAGMA foreign_keys = ON")
    for script in scripts:
        for statement in script.split(";;"):
            if statement.strip():
                db.execute(statement)
    return db


def session_of(db: sqlite3.Connection) -> SQLiteSession:
    """Return a session that stands on what the database holds."""
    found = db.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql <> ''").fetchall()
    rows = [CatalogueObject(*row) for row in found if not row[1].startswith(("engine_", "sqlite_"))]
    return SQLite().open(Catalogue(tuple(rows), tuple(r[1] for r in found if r[1].startswith("engine_"))))


def plan(db: sqlite3.Connection, change: Change, **context: Any) -> Unit:
    """Return the one unit of a change."""
    (unit,) = session_of(db).render(change, StepContext("1-step", **context))
    return unit


@dataclass
class Totals:
    """What a run counted, and the answers of its checks."""

    counts: dict[str, int] = field(default_factory=dict)
    batches: int = 0

    def add(self, name: str, number: int) -> None:
        self.counts[name] = self.counts.get(name, 0) + number


class CheckFailed(Exception):
    """A check of the unit that does not hold: (title, count, sample)."""


def run(
    db: sqlite3.Connection,
    unit: Unit,
    size: int = 3,
    force: int = 0,
    stop_after: int | None = None,
    between: Iterable[str] = (),
) -> Totals:
    """Run a unit.

    Args:
        size: rows per batch.
        force: what `:force` is bound to.
        stop_after: end after that many batches, as an interruption would.
        between: statements of others after the first batch.
    """
    totals = Totals()
    values: dict[str, Any] = {"now": NOW, "force": force, "version": "001"}
    for statement in unit.settings:
        db.execute(statement.sql)
    for check in unit.checks:
        (number,) = db.execute(check.query.sql, bound(check.query, values)).fetchone()
        high = low = None
        if check.other is not None:
            (high,) = (low,) = db.execute(check.other.sql, bound(check.other, values)).fetchone()
        maximum = check.maximum if check.other is None else high
        minimum = check.minimum if check.other is None else low
        if (maximum is not None and number > maximum) or (minimum is not None and number < minimum):
            sample = db.execute(check.sample.sql, bound(check.sample, values)).fetchall() if check.sample else []
            raise CheckFailed(check.title, number, sample)
    db.execute("BEGIN IMMEDIATE")
    try:
        for statement in unit.before:
            send(db, statement, values, totals)
        if unit.loop is None:
            for statement in unit.after:
                send(db, statement, values, totals)
            db.execute("COMMIT")
        else:
            _loop(db, unit, values, totals, size, stop_after, between)
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    for statement in unit.resets:
        db.execute(statement.sql)
    return totals


def _loop(
    db: sqlite3.Connection,
    unit: Unit,
    values: dict[str, Any],
    totals: Totals,
    size: int,
    stop_after: int | None,
    between: Iterable[str],
) -> None:
    loop = unit.loop
    assert loop is not None
    k = len(loop.keys)
    ends = db.execute(loop.start.sql, bound(loop.start, values)).fetchone()
    assert len(ends) == 2 * k
    db.execute("COMMIT")
    following: tuple[Any, ...] | None = None if ends[0] is None else ends[:k]
    values |= {f"up{n}": v for n, v in enumerate(ends[k:], 1)}
    while following is not None:
        totals.batches += 1
        values |= {f"lo{n}": v for n, v in enumerate(following, 1)}
        values |= {"skip": (loop.size or size) - 1, "batch": totals.batches}
        db.execute("BEGIN IMMEDIATE")
        found = db.execute(loop.bound.sql, bound(loop.bound, values)).fetchone()
        high = found if found is not None else [values[f"up{n}"] for n in range(1, k + 1)]
        values |= {f"hi{n}": v for n, v in enumerate(high, 1)}
        for statement in loop.body:
            send(db, statement, values, totals)
        following = db.execute(loop.following.sql, bound(loop.following, values)).fetchone()
        if following is not None:
            db.execute("COMMIT")
        if totals.batches == 1:
            for other in between:
                db.execute(other)
        if totals.batches == stop_after:
            return
    if not db.in_transaction:
        db.execute("BEGIN IMMEDIATE")
    for statement in unit.after:
        send(db, statement, values, totals)
    db.execute("COMMIT")


def send(db: sqlite3.Connection, statement: Statement, values: Mapping[str, Any], totals: Totals) -> None:
    """Send one statement and count what it says is to be counted."""
    if statement.only == "force" and not values.get("force"):
        return
    cursor = db.execute(statement.sql, bound(statement, values))
    if statement.count:
        first = cursor.fetchone()
        totals.add(statement.count, first[0] if first is not None else db.execute("SELECT changes()").fetchone()[0])


def bound(statement: Statement, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return exactly the values that the statement says it binds."""
    return {name: values[name] for name in statement.binds}


def undo(db: sqlite3.Connection, unit: Unit, force: int = 0, size: int = 3, drop: bool = True) -> Totals:
    """Run the undo units, then drop the journals as a rollback does."""
    totals = Totals()
    for back in unit.undo:
        done = run(db, back, size=size, force=force)
        for name, number in done.counts.items():
            totals.add(name, number)
    if drop:
        for name in unit.keeps:
            db.execute(f'DROP TABLE "{name}"')
    return totals


def conflicts(db: sqlite3.Connection, unit: Unit) -> dict[tuple[str, str], int]:
    """Return (kind, table) → number for the guards of a unit's undo that find something."""
    found: dict[tuple[str, str], int] = {}
    for back in unit.undo:
        for guard in back.guards:
            (number,) = db.execute(guard.count.sql, bound(guard.count, {"force": 0})).fetchone()
            if guard.sample is not None:
                db.execute(guard.sample.sql).fetchall()
            if number:
                found[guard.kind, guard.table] = found.get((guard.kind, guard.table), 0) + number
    return found


def snapshot(db: sqlite3.Connection) -> dict[str, Any]:
    """Return schema (as a set), all rows with their types, and the counters."""
    objects = db.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
    found: dict[str, Any] = {"schema": {o for o in objects if not o[1].startswith("sqlite_")}}
    for kind, name, _, _ in sorted(o for o in objects if o[0] == "table"):
        if name.startswith("sqlite_") and name != "sqlite_sequence":
            continue
        columns = [row[1] for row in db.execute(f'PRAGMA table_xinfo("{name}")')]
        parts = ", ".join(f"{c}, typeof({c}), hex({c})" for c in map(quote, columns))
        rows = db.execute(f"SELECT {parts} FROM {quote(name)}").fetchall()
        found[f"{kind} {name}"] = sorted(rows, key=repr) if name == "sqlite_sequence" else rows
    return found
