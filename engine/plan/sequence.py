"""When each statement of a unit is sent: one walk, shared by every way to show a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from engine.model.plan import Guard, MigrationPlan, Plan, Statement, Unit


@dataclass(frozen=True, slots=True)
class Sent:
    """A statement and when it is sent.

    Attributes:
        moment: in words, e.g. "per batch"; "" in the unit's own order.
        batched: True where it is sent once per batch.
        failing: True where it is sent only to show rows of a failure.
    """

    statement: Statement
    moment: str = ""
    batched: bool = False
    failing: bool = False


def sent(unit: Unit) -> tuple[Sent, ...]:
    """Return every statement of `unit`, undo aside, in the order in which it is first sent."""
    return tuple(_walk(unit))


def _walk(unit: Unit) -> Iterator[Sent]:
    at_start = "once, when the step starts"
    yield from (Sent(s, "before the transaction") for s in unit.settings)
    for condition in unit.conditions():
        moment = "once, when its group starts" if condition.of_group else at_start
        yield Sent(condition.query, f"{moment}: {condition.text}")
    for check in unit.checks:
        yield from (Sent(s, f"must hold: {check.title}") for s in (check.query, check.other) if s)
        if check.sample:
            yield Sent(check.sample, "only if that fails: rows that show it", failing=True)
    if unit.expectation:
        asked = (unit.expectation.query, unit.expectation.early)
        yield from (Sent(s, f"{at_start}: rows expected: {unit.expectation.text}") for s in asked if s)
    yield from (Sent(s, at_start) for s in unit.marks)
    yield from (Sent(s, "first and last in the transaction: nothing new may show up") for s in unit.unchanged)
    for guard in unit.guards:
        yield Sent(guard.count, f"before it is undone, none may be found: {_conflict(guard)}")
        if guard.sample:
            yield Sent(guard.sample, "only if that finds some: which", failing=True)
    yield from (Sent(s) for s in unit.before)
    if unit.loop:
        loop = unit.loop
        yield Sent(loop.start, "once: first and last key")
        yield from (Sent(s, "per batch", batched=True) for s in (loop.bound, *loop.body, loop.following))
    for statement in unit.outside:
        again = statement.only == "again"
        yield Sent(statement, "only where it broke off before" if again else "outside of a transaction", failing=again)
    yield from (Sent(s, "at the end" if unit.loop else "") for s in unit.after)
    yield from (Sent(s, "after the transaction") for s in unit.resets)


def _conflict(guard: Guard) -> str:
    match guard.kind:
        case "changed" | "deleted" | "added":
            return f"rows of {guard.table} that were {guard.kind} since"
        case "taken":
            return f"keys of {guard.table} that were taken since"
        case "schema":
            return f"a changed definition of {guard.table}"
        case other:
            return f"{other} in {guard.table}"


def main_statement(statements: Iterable[Sent]) -> int:
    """Return the place of the statement that does what the unit is for (undo and rows stand with it)."""
    found = [entry.statement for entry in statements]
    wanted: tuple[Callable[[Statement], bool], ...] = (
        lambda s: acts(s) and s.purpose in ("change", "insert", "delete", "update"),
        acts,
        lambda s: s.kind != "setting",
    )
    places = (place for fits in wanted for place, s in enumerate(found) if fits(s))
    return next(places, 0)


def acts(statement: Statement) -> bool:
    """Tell whether `statement` does something that a way back is asked for."""
    return statement.kind in ("ddl", "rows")


def undo_of(unit: Unit) -> tuple[Sent, ...]:
    """Return every statement that takes `unit` back, in the order in which it is sent."""
    return tuple(entry for back in unit.undo for entry in sent(back))


def no_way_back(migration: MigrationPlan) -> tuple[Unit, ...]:
    """Return the first unit of each step of `migration` that can't be undone."""
    found: dict[str, Unit] = {}
    for unit in migration.units:
        if unit.reversible == "no" and any(acts(entry.statement) for entry in sent(unit)):
            found.setdefault(unit.step, unit)
    return tuple(found.values())


def irreversible(plan: Plan) -> tuple[tuple[MigrationPlan, Unit], ...]:
    """Return each step of `plan` that can't be undone: what a person must agree to."""
    return tuple((migration, unit) for migration in plan.migrations for unit in no_way_back(migration))
