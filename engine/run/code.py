"""Run a migration written in Python: `up`, `validate` and the history in one transaction."""

from __future__ import annotations

import hashlib
import inspect
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from engine import __version__
from engine.dialects.base import Driver
from engine.dialects.ledger import Direction, Ledger, Record
from engine.errors import CheckFailed, Drift, EngineError, NotReversible
from engine.migration import MigrationProtocol
from engine.model.plan import MigrationPlan
from engine.plan.serialise import dumps
from engine.run.executor import event
from engine.run.options import RunOptions
from engine.run.progress import Listener, MigrationDone, MigrationStarted
from engine.run.records import MigrationResult, Outcome
from engine.run.unit import transaction


def plan_of(migration: MigrationProtocol) -> MigrationPlan:
    """Return what the history stores for a class: no statements, for nobody knows them before."""
    reason = str(getattr(migration, "irreversible", "") or "")
    return MigrationPlan(
        str(migration.get_version()),
        str(migration.get_description()),
        (),
        mode_reason=reason or "written in Python: one transaction",
        checksum=checksum(migration),
        spec_name=f"{type(migration).__module__}.{type(migration).__qualname__}",
        code=True,
    )


def checksum(migration: MigrationProtocol) -> str:
    """Return SHA-256 over the class's name and, where it can be read, its source text."""
    kind = type(migration)
    text = kind.__qualname__
    with suppress(OSError, TypeError):
        text += inspect.getsource(kind)
    return "code:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def up(
    driver: Driver, ledger: Ledger, migration: MigrationProtocol, options: RunOptions, listener: Listener
) -> MigrationResult:
    """Run `up` and `validate`; on any failure nothing of it is left behind."""
    plan = plan_of(migration)

    def body(record: Record | None) -> Record:
        with _guarded(driver) as connection:
            migration.up(connection)
            check = getattr(migration, "validate", None)
            if check is not None and check(connection) is False:
                raise CheckFailed(f"{plan.version}: validate returned False", "what `up` did does not hold")
        return Record(
            plan.version,
            plan.description,
            True,
            options.now(),
            record.rolled_back_at if record else None,
            "applied",
            plan.checksum,
            plan.spec_name,
            reversible=not getattr(migration, "irreversible", ""),
            engine_version=__version__,
            code=True,
        )

    return _run(driver, ledger, plan, "apply", body, options, listener)


def down(
    driver: Driver, ledger: Ledger, migration: MigrationProtocol | None, version: str, options: RunOptions, listener: Listener
) -> MigrationResult:
    """Run `down`; the class must be registered, for the history holds no code."""
    if migration is None:
        error: EngineError = Drift(
            f"{version} was written in Python, and its class is not registered",
            "register it and roll back from Python",
            kept="nothing was rolled back",
            next="manager.register_migration(…); manager.rollback()",
        )
        return MigrationResult(version, "failed", error=error, direction="rollback")
    reason = getattr(migration, "irreversible", "")
    if reason:
        error = NotReversible(f"{version} has no way back: {reason}", kept="nothing was rolled back")
        return MigrationResult(version, "failed", error=error, direction="rollback")
    plan = plan_of(migration)

    def body(record: Record | None) -> Record:
        assert record is not None  # the caller found it applied
        with _guarded(driver) as connection:
            migration.down(connection)
        return replace(record, applied=False, state="rolled_back", rolled_back_at=options.now())

    return _run(driver, ledger, plan, "rollback", body, options, listener)


def _run(
    driver: Driver,
    ledger: Ledger,
    plan: MigrationPlan,
    direction: Direction,
    body: Callable[[Record | None], Record],
    options: RunOptions,
    listener: Listener,
) -> MigrationResult:
    began, begin = options.now(), options.monotonic()
    error: EngineError | None = None
    state: Outcome = "applied" if direction == "apply" else "rolled_back"
    listener(MigrationStarted(plan.version, plan.description, direction, 1, True))
    try:
        ledger.start()
        with transaction(driver):
            record = ledger.record(plan.version)
            after = body(record)
            ledger.open(after, (), plan=dumps(plan), spec="")
            ledger.close(after, keep_steps=False)
            seconds = options.monotonic() - begin
            ledger.log(event(plan.version, direction, state, began, options.now(), seconds, 0))
    except EngineError as caught:
        error = caught
    except Exception as caught:  # noqa: BLE001  it is the user's own code: whatever it raises is a failure of it
        error = EngineError(f"{plan.version}: {type(caught).__name__}: {caught}")
        error.__cause__ = caught
    if error is not None:
        state = "failed"
        error.kept = error.kept or "the database is as it was before"
        error.details.setdefault("version", plan.version)
    seconds = round(options.monotonic() - begin, 6)
    listener(MigrationDone(plan.version, direction, state, seconds))
    return MigrationResult(plan.version, state, seconds, (), error, direction)


@contextmanager
def _guarded(driver: Driver) -> Iterator[Any]:
    """Give the library's connection, on which ending the transaction is refused."""
    connection: Any = driver.connection  # type: ignore[attr-defined]  # the seam knows no library

    def rule(action: int, first: str | None, *_: str | None) -> int:
        ends = action == sqlite3.SQLITE_TRANSACTION and first in ("COMMIT", "ROLLBACK")
        return sqlite3.SQLITE_DENY if ends else sqlite3.SQLITE_OK

    connection.set_authorizer(rule)
    try:
        yield connection
    except sqlite3.DatabaseError as error:
        if "not authorized" in str(error):
            raise EngineError(
                "the migration tried to end the transaction (commit, rollback or executescript)",
                "leave that to the engine: `up`, `validate` and the history are one transaction",
            ) from error
        raise
    finally:
        connection.set_authorizer(None)
