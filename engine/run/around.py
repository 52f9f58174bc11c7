"""What stands around the statements of units: transactions, settings, patience with others, words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TypeVar

from engine.dialects.base import Driver
from engine.errors import DatabaseError, EngineError
from engine.model.plan import Unit
from engine.model.state import fold
from engine.run import judging
from engine.run.options import RunOptions

Found = TypeVar("Found")

_PAUSES = (0.1, 0.3, 1.0, 3.0)  # seconds between tries: whoever is in the way gets time to end


def patiently(options: RunOptions, work: Callable[[], Found]) -> Found:
    """Return what `work`, a whole transaction, gives; tried again where others were in its way (lock, deadlock).

    Raises:
        EngineError: it is no such error, a stop is wanted, or it was tried often enough.
    """
    for pause in _PAUSES:
        try:
            return work()
        except EngineError as error:
            if "again" not in error.details or options.stop.due:
                raise
        options.sleep(pause)
    return work()


@contextmanager
def transaction(driver: Driver, *, reads: bool = False) -> Iterator[None]:
    """Hold a transaction: committed at the end, rolled back on any error."""
    if reads:
        driver.snapshot()
    else:
        driver.begin()
    try:
        yield
        if not driver.in_transaction:  # some errors end it silently: nothing after them may be taken for kept
            raise DatabaseError("the database ended the transaction by itself", details={"reason": "io"})
        driver.commit()
    except BaseException:
        with suppress(EngineError):
            driver.rollback()
        raise


@contextmanager
def settings(driver: Driver, units: Sequence[Unit]) -> Iterator[None]:
    """Send the settings of `units` before, and their resets after, a transaction."""
    wanted = dict.fromkeys(s.sql for unit in units for s in unit.settings)
    resets = dict.fromkeys(s.sql for unit in units for s in unit.resets)
    try:
        for sql in wanted:
            driver.execute(sql)
        yield
    finally:
        for sql in resets:
            driver.execute(sql)


def explained(error: EngineError, unit: Unit) -> EngineError:
    """Return `error` with the step it happened in."""
    if "step" not in error.details:
        error.details["step"] = unit.step
        error.details["unit"] = unit.id
        if isinstance(error, DatabaseError) and not judging.is_interruption(error):
            error.message = f"step {unit.step} failed: {error.message}"
    return error


@contextmanager
def blamed(units: Sequence[Unit]) -> Iterator[None]:
    """Within this one transaction runs all of `units`: what its commit refuses is told with the step that did it.

    A constraint that is judged at the commit may be broken by any of them: it is the last one that touches one of the
    tables that the driver names (`details["tables"]`); where there are more, the message names them.
    """
    try:
        yield
    except DatabaseError as error:
        tables = {fold(name) for name in error.details.get("tables", ())}
        steps = dict.fromkeys(u.step for u in units if tables & {fold(name) for name in u.touches})
        if "step" in error.details or not steps:
            raise
        *others, last = steps
        words = f"one of the steps {', '.join(steps)}" if others else f"step {last}"
        error.message = f"{words} failed: {error.message}"
        error.details["step"] = last
        raise
