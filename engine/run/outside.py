"""Statements that no transaction holds: whether one was done is asked of the database."""

from __future__ import annotations

from engine.dialects.base import Driver
from engine.dialects.ledger import Direction, StepState
from engine.model.plan import Statement, Unit
from engine.run import judging


def was_done(driver: Driver, statement: Statement) -> bool:
    """Tell whether a statement was done, where that can be asked."""
    return bool(statement.done) and judging.is_true(driver.query(statement.done)[0][0])


def wanted(driver: Driver, statement: Statement, direction: Direction, *, again: bool) -> bool:
    """Tell whether a statement is to be sent.

    Args:
        driver: of the database.
        statement: of a unit outside of transactions.
        direction: on the way back what is to be undone may never have been done.
        again: the unit was begun before and broke off.
    """
    if statement.only == "again" and not again:
        return False
    return not ((again or direction == "rollback") and was_done(driver, statement))


def settled(driver: Driver, unit: Unit, direction: Direction) -> bool:
    """Tell whether a way back outside of transactions finds that nothing is left to take back."""
    asked = direction == "rollback" and bool(unit.outside) and all(s.done for s in unit.outside)
    return asked and all(was_done(driver, s) for s in unit.outside)


def never_done(driver: Driver, unit: Unit, state: StepState) -> bool:
    """Tell whether a unit of an apply broke off before its statement was done: none of its ways back has work.

    It is asked once, before the first of them; later a statement that is taken back looks the same.
    """
    begun = state == "doing" and bool(unit.outside)
    # What comes before the statement that takes back makes helpers; they say nothing of it.
    back = next((way for way in reversed(unit.undo) if way.outside), None)
    return begun and back is not None and settled(driver, back, "rollback")
