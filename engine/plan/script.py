"""The plan as a SQL script with comments: to read, to review, to keep beside a ticket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.model.plan import MigrationPlan, Plan
from engine.plan.sequence import Sent, sent, undo_of
from engine.plan.text import Heading, mode, summary, way_back
from engine.source import visible


def render(plan: Plan, heading: Heading) -> str:
    """Return `plan` as SQL; statements as they are sent, everything else in comments."""
    where = heading.database or "no database"
    lines = [
        f"-- {visible(where)} ({plan.dialect}), version {visible(heading.current or 'empty')}",
        "-- To read, not to run: names like :lo1 are bound by the engine, and batches repeat.",
    ]
    for migration in plan.migrations:
        lines += ["", *_migration(migration)]
    if plan.protocol:
        lines += [
            "",
            "-- with every transaction: guard and checkpoint",
            *_statements(map(Sent, plan.protocol)),
        ]
    lines += ["", f"-- {summary(plan)}"]
    return "\n".join(lines) + "\n"


def _migration(migration: MigrationPlan) -> Iterator[str]:
    yield f"-- ═══ {visible(migration.version)} {visible(migration.description)}"
    yield f"-- {f'passed over: {visible(migration.skipped)}' if migration.skipped else mode(migration)}"
    for unit in migration.units:
        yield ""
        yield f"-- {unit.symbol} {visible(unit.id)}: {visible(unit.title)}"
        yield from _statements(sent(unit))
        if migration.direction == "apply":
            yield f"-- way back: {way_back(unit)}"
            for entry in undo_of(unit):
                yield from (f"--   {line}" for line in entry.statement.sql.split("\n"))


def _statements(entries: Iterable[Sent]) -> Iterator[str]:
    moment = ""
    for entry in entries:
        if entry.moment != moment:
            moment = entry.moment
            yield f"-- {visible(moment) or 'then'}"
        if entry.statement.only == "force":
            yield "-- only with --on-conflict force"
        sql = entry.statement.sql
        yield sql if sql.rstrip().endswith(";") else f"{sql};"
