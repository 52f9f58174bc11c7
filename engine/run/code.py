"""Run a migration written in Python: one transaction around `up` or `down`, history and all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from typing import Any, Protocol

from engine.dialects.base import Driver
from engine.dialects.ledger import Direction, Ledger
from engine.errors import CheckFailed, DatabaseError, EngineError, NotReversible
from engine.model.plan import MigrationPlan
from engine.plan.serialise import dumps
from engine.run.around import transaction
from engine.run.entries import event, opened
from engine.run.judging import is_interruption
from engine.run.options import RunOptions
from engine.run.progress import Listener, MigrationDone, MigrationStarted, ignore
from engine.run.records import MigrationResult, Outcome


class Lender(Driver, Protocol):
    """A driver that lends its library's connection; ending the transaction on it is refused."""

    def lend(self) -> AbstractContextManager[Any]: ...


class Code(Protocol):
    """What is run; see `engine.migration`."""

    def up(self, conn: Any) -> None: ...

    def down(self, conn: Any) -> None: ...

    def validate(self, conn: Any) -> bool: ...


def apply_code(
    driver: Lender,
    ledger: Ledger,
    plan: MigrationPlan,
    code: Code,
    options: RunOptions | None = None,
    listener: Listener = ignore,
) -> MigrationResult:
    """Run `code.up` and `code.validate` in one transaction and write the history in it.

    Args:
        driver, ledger: of one database; the caller holds the lock.
        plan: version, description and checksum, without units; `code` is True.
        code: an instance of the registered class.

    Returns:
        `applied`; or `failed` with the error, and nothing left behind.
    """

    def work() -> None:
        record = opened(replace(plan, code=True), ledger.record(plan.version))
        ledger.open(record, (), plan=dumps(plan), spec="")
        with driver.lend() as connection:
            _call(plan.version, "up", code.up, connection)
            if _call(plan.version, "validate", getattr(code, "validate", lambda conn: True), connection) is False:
                raise CheckFailed(f"{plan.version}: `validate` says that what `up` did does not hold")
        ledger.close(replace(record, applied=True, state="applied", applied_at=now()), keep_steps=True)

    options = options or RunOptions()
    now = options.now
    return _run(driver, ledger, plan, "apply", work, options, listener)


def rollback_code(
    driver: Lender,
    ledger: Ledger,
    plan: MigrationPlan,
    code: Code,
    options: RunOptions | None = None,
    listener: Listener = ignore,
) -> MigrationResult:
    """Run `code.down` in one transaction and write the history in it; see `apply_code`."""

    def work() -> None:
        record = ledger.record(plan.version)
        if record is None or not record.applied:
            raise EngineError(f"{plan.version} is not applied")
        if reason := getattr(code, "irreversible", ""):
            raise NotReversible(f"{plan.version} can't be rolled back: {reason}")
        with driver.lend() as connection:
            _call(plan.version, "down", code.down, connection)
        ledger.close(replace(record, applied=False, state="rolled_back", rolled_back_at=now()), keep_steps=False)

    options = options or RunOptions()
    now = options.now
    return _run(driver, ledger, plan, "rollback", work, options, listener)


def _run(
    driver: Lender,
    ledger: Ledger,
    plan: MigrationPlan,
    direction: Direction,
    work: Callable[[], None],
    options: RunOptions,
    listener: Listener,
) -> MigrationResult:
    began, begin = options.now(), options.monotonic()
    listener(MigrationStarted(plan.version, plan.description, direction, 0, True))
    state: Outcome = "applied" if direction == "apply" else "rolled_back"
    error: EngineError | None = None
    driver.stop_requested = lambda: options.stop.asked
    try:
        ledger.start()
        with transaction(driver):
            work()
            seconds = options.monotonic() - begin
            ledger.log(event(plan.version, direction, state, began, options.now(), seconds, 0))
    except EngineError as caught:
        error = options.stop.error() if options.stop.asked else caught
        error.kept = error.kept or "nothing was kept: the database is as it was before"
        state = "interrupted" if is_interruption(error) else "failed"
        with suppress(EngineError), transaction(driver):
            seconds = options.monotonic() - begin
            ledger.log(event(plan.version, direction, state, began, options.now(), seconds, 0, error))
    finally:
        driver.stop_requested = lambda: False
    seconds = round(options.monotonic() - begin, 6)
    listener(MigrationDone(plan.version, direction, state, seconds))
    return MigrationResult(plan.version, state, seconds, (), error, direction)


def _call(version: str, name: str, method: Callable[[Any], Any], connection: Any) -> Any:
    """Call a method of the author's; whatever it raises is told as a failure of the migration."""
    try:
        return method(connection)
    except EngineError:
        raise
    except Exception as error:
        words = f"{version}: `{name}` failed: {type(error).__name__}: {error}"
        raise DatabaseError(words, "the traceback is in the cause of this error") from error
