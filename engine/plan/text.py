"""The plan for people: long, plain, every statement in it.

Lines begin with the symbol of what they do, so that a terminal can colour
them; the text itself has no colours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from engine.model.plan import MigrationPlan, Plan, Statement, Unit
from engine.plan.sequence import Sent, acts, no_way_back, sent, undo_of
from engine.plan.sizes import LARGE
from engine.source import visible


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above a plan.

    Attributes:
        database: name of the database, masked; "" for a plan without one.
        current: the highest version applied now, None for none.
    """

    database: str = ""
    current: str | None = None


def render(plan: Plan, heading: Heading) -> str:
    """Return `plan` as text with a line end at its end."""
    lines = [*_head(plan, heading)]
    for migration in plan.migrations:
        lines += ["", *_migration(migration)]
    if plan.protocol and any(m.units for m in plan.migrations):
        lines += [
            "",
            "With every transaction: guard and checkpoint",
            *_statements(map(Sent, plan.protocol), "  "),
        ]
    if sealed := seals(plan):
        lines += ["", sealed]
    lines += ["", summary(plan)]
    return "\n".join(lines) + "\n"


def seals(plan: Plan) -> str:
    """Return what is said of journals where the plan fills some, "" where it does not (decision 006)."""
    if not any(unit.keeps for migration in plan.migrations for unit in migration.units):
        return ""
    return "When a step is done, what it keeps for its way back is sealed: writes of others are refused or noticed"


def summary(plan: Plan) -> str:
    """Return the last line: what is added, changed, removed, how many rows, how it goes back."""
    units = [unit for migration in plan.migrations for unit in migration.units]
    if not units and not any(m.code for m in plan.migrations):
        return "Plan: nothing to do"
    count = {symbol: sum(unit.symbol == symbol for unit in units) for symbol in "+~-⟳>?"}
    back = plan.migrations[0].direction == "rollback"
    changed = count["~"] + count["⟳"]
    head = f"{'Rollback' if back else 'Plan'}: {count['+']} to add, {changed} to change, {count['-']} to remove"
    parts = [head, _rows_in_all(units)]
    if not back:
        parts.append(_way_back_in_all(plan.migrations))
    return "; ".join(parts)


def rows_in_words(rows: int | None) -> str:
    """Return a number of rows; counts stop above the size called large."""
    if rows is None:
        return "rows not known"
    if rows > LARGE:
        return f"over {LARGE:,} rows"
    return f"{rows:,} row{'' if rows == 1 else 's'}"


def mode(migration: MigrationPlan) -> str:
    """Return in words whether `migration` runs in one transaction, and why."""
    words = "one transaction" if migration.single else "stepwise, resumable"
    return f"{words}: {visible(migration.mode_reason)}" if migration.mode_reason else words


def way_back(unit: Unit) -> str:
    """Return in words how `unit` is undone."""
    reason = f": {visible(unit.reason)}" if unit.reason else ""
    match unit.reversible:
        case "no":
            return f"none{reason}"
        case "given":
            return f"given by the spec{reason}"
        case "journal":
            kept = f" ({', '.join(map(visible, unit.keeps))})" if unit.keeps else ""
            return f"from the journal{kept}{reason}"
        case _:
            return f"derived{reason}" if unit.undo else f"nothing to undo{reason}"


def sql_lines(sql: str) -> list[str]:
    """Return the lines of a statement; control characters other than tabs are made visible."""
    return ["\t".join(visible(part) for part in line.split("\t")) for line in sql.split("\n")]


_SHORT = 140
"""Characters of a line of the way back; `--format sql` and `rollback --dry-run` show all of it."""


# ── head and summary ──────────────────────────────────────────────────────
def _head(plan: Plan, heading: Heading) -> Iterator[str]:
    where = f"{visible(heading.database)} ({plan.dialect})" if heading.database else f"{plan.dialect}, no database"
    yield f"Database: {where}"
    current = visible(heading.current) if heading.current else "empty"
    running = [m for m in plan.migrations if not m.skipped]
    if running and running[0].direction == "rollback":
        yield f"Version:  {current}, to be undone: {', '.join(visible(m.version) for m in running)}"
    elif running:
        yield f"Version:  {current} → {visible(running[-1].version)}"
    else:
        yield f"Version:  {current}"
    for note in plan.notes:
        yield f"Note:     {visible(note)}"


def _rows_in_all(units: Sequence[Unit]) -> str:
    known = [unit.rows for unit in units if unit.rows is not None]
    lowest = sum(min(rows, LARGE) for rows in known)
    unknown = any(unit.rows is None and (unit.loop or unit.symbol == "⟳") for unit in units)
    if unknown:
        return f"at least {lowest:,} rows" if lowest else "rows not known"
    if any(rows > LARGE for rows in known):
        return f"over {lowest:,} rows"
    return f"{lowest:,} row{'' if lowest == 1 else 's'}"


def _way_back_in_all(migrations: Iterable[MigrationPlan]) -> str:
    steps = 0
    stuck: list[str] = []
    for migration in migrations:
        steps += len({unit.step for unit in migration.units})
        stuck += [f"{visible(migration.version)} {visible(unit.step)}" for unit in no_way_back(migration)]
    if stuck:
        return f"way back: {steps - len(stuck)} of {steps} steps, not {', '.join(stuck)}"
    return f"way back: all {steps} steps" if steps != 1 else "way back: the one step"


# ── a migration, a unit, its statements ───────────────────────────────────
def _migration(migration: MigrationPlan) -> Iterator[str]:
    name = f"  ({visible(migration.spec_name)})" if migration.spec_name else ""
    verb = "undo " if migration.direction == "rollback" else ""
    yield f"{verb}{visible(migration.version)}  {visible(migration.description)}{name}"
    if migration.skipped:
        yield f"  passed over: {visible(migration.skipped)}"
        return
    yield f"  {mode(migration)}"
    if not migration.units and not migration.code:
        yield "  nothing runs: what its steps ask for (`when`) is not so on this database"
    if migration.code:
        yield "  written in Python: what it does can't be shown"
    for unit in migration.units:
        yield ""
        yield from _unit(unit, migration.direction)


def _unit(unit: Unit, direction: str) -> Iterator[str]:
    rows = f"   {rows_in_words(unit.rows)}" if unit.rows or unit.loop else ""
    yield f"  {unit.symbol} {visible(unit.id)}  {visible(unit.title)}{rows}"
    if unit.loop:
        keys = ", ".join(visible(key) for key in unit.loop.keys)
        size = "as many rows as fit the time target" if unit.loop.size is None else f"{unit.loop.size:,} rows each"
        yield f"      batches of {visible(unit.loop.table)} by {keys}: {size}"
    if unit.why:
        yield f"      {visible(unit.why)}"
    if unit.condition:
        yield f"      only if {visible(' and '.join(c.text for c in unit.conditions()))}"
    yield from _statements(sent(unit), "      ")
    if direction == "apply":
        yield f"      way back: {way_back(unit)}"
        yield from (f"        {line}" for line in _in_short(unit))


def _in_short(unit: Unit) -> Iterator[str]:
    """Return what takes `unit` back, a line per statement that acts; its checks and full texts are in other forms."""
    for entry in undo_of(unit):
        statement = entry.statement
        if acts(statement) and statement.only != "force":
            line = visible(" ".join(statement.sql.split()))
            yield line if len(line) <= _SHORT else line[: _SHORT - 1] + "…"


def _statements(entries: Iterable[Sent], margin: str) -> Iterator[str]:
    for moment, group in groupby(entries, key=lambda entry: entry.moment):
        inner = margin
        if moment:
            yield f"{margin}-- {visible(moment)}"
            inner = margin + "  "
        for entry in group:
            yield from (f"{inner}{line}".rstrip() for line in _sql(entry.statement))


def _sql(statement: Statement) -> list[str]:
    lines = sql_lines(statement.sql)
    if not statement.sql.rstrip().endswith(";"):
        lines[-1] += ";"
    if statement.only == "force":
        lines.insert(0, "-- only with --on-conflict force")
    return lines
