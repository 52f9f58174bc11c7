"""Give up the way back of a migration and free the space of its journals."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace

from engine.dialects.base import Driver
from engine.dialects.ledger import Ledger, Record
from engine.errors import EngineError
from engine.model.plan import MigrationPlan
from engine.run.around import transaction
from engine.run.entries import event
from engine.run.judging import is_interruption
from engine.run.options import RunOptions
from engine.run.progress import Listener, MigrationDone, ignore
from engine.run.reading import stored_plan
from engine.run.records import MigrationResult, Outcome

_ROWS = 20_000  # per transaction: others get their turn in between


def journals(plan: MigrationPlan) -> tuple[str, ...]:
    """Return the tables that hold the way back of `plan`."""
    return tuple(dict.fromkeys(name for unit in plan.units for name in unit.keeps))


def half_way(ledger: Ledger, records: Sequence[Record], tables: Collection[str]) -> tuple[str, ...]:
    """Return the versions whose finalize has begun and not ended.

    Args:
        ledger: read for the plans.
        records: of the history.
        tables: names of the engine's own tables that are there.
    """
    if not any(name[-1:].isdigit() for name in tables):  # no table of a step is left: no plan need be read
        return ()
    finalized = [record.version for record in records if record.state == "finalized"]
    kept = {version: set(tables).intersection(journals(stored_plan(ledger, version))) for version in finalized}
    others = _in_use(ledger, records) if any(kept.values()) else set()
    return tuple(version for version in finalized if kept[version] - others)


def _in_use(ledger: Ledger, records: Sequence[Record]) -> set[str]:
    """Return the tables that hold a way back that nobody gave up.

    The number of a journal that is gone is given again, so a later migration may have a journal of the same name. While
    a journal stands its number is taken: what is in use here is none that a finalize left behind.
    """
    live = [r.version for r in records if r.unfinished or (r.applied and r.state != "finalized")]
    return {name for version in live for name in journals(stored_plan(ledger, version))}


def finalize(
    driver: Driver,
    ledger: Ledger,
    version: str,
    options: RunOptions | None = None,
    listener: Listener = ignore,
) -> MigrationResult:
    """Drop what `version` keeps for its way back; a later rollback of it is refused.

    The first transaction marks it, so that a half-emptied journal is never
    used; then the tables are emptied in batches and dropped. Run again it goes
    on where it stopped.

    Args:
        driver, ledger: of one database; the caller holds the lock.
        version: an applied migration.
        options: the wish to stop.
        listener: told how it ended.

    Returns:
        State `finalized`, or `failed` or `interrupted` with an error.
    """
    options = options or RunOptions()
    began, begin = options.now(), options.monotonic()
    driver.stop_requested = lambda: options.stop.at_once
    error: EngineError | None = None
    state: Outcome = "finalized"
    try:
        _finalize(driver, ledger, version, options, began)
    except EngineError as caught:
        error = caught
        state = "interrupted" if is_interruption(error) else "failed"
        error.kept = error.kept or _kept(ledger, version)
        error.next = error.next or f"engine finalize {version}"
        with suppress(EngineError), transaction(driver):
            ledger.log(event(version, "apply", state, began, options.now(), options.monotonic() - begin, 0, error))
    finally:
        driver.stop_requested = lambda: False
    seconds = round(options.monotonic() - begin, 6)
    listener(MigrationDone(version, "apply", state, seconds))
    return MigrationResult(version, state, seconds, (), error)


def _kept(ledger: Ledger, version: str) -> str:
    with suppress(EngineError):
        record = ledger.record(version)
        if record is None or record.state != "finalized":
            return f"nothing was done: {version} can still be rolled back"
        return f"{version} is marked as finalized; some of its journals are still there"
    return "`engine status` shows where the database stands"


def _finalize(driver: Driver, ledger: Ledger, version: str, options: RunOptions, began: str) -> None:
    record = ledger.record(version)
    if record is None or not record.applied or record.unfinished:
        word = "is in progress" if record is not None and record.unfinished else "is not applied"
        raise EngineError(f"{version} {word}, so it can't be finalized", kept="nothing was done", next="engine status")
    plan = stored_plan(ledger, version)
    ledger.start()
    others = _in_use(ledger, ledger.records()) if record.state == "finalized" else set()
    if record.state != "finalized":
        with transaction(driver):
            ledger.close(replace(record, state="finalized", finalized_at=began), keep_steps=False)
            ledger.log(event(version, "apply", "finalized", began, options.now(), 0.0, 0))
    for table in (name for name in journals(plan) if name not in others):
        more = True
        while more:
            if options.stop.due:
                raise options.stop.error()
            with transaction(driver):
                more = ledger.empty(table, _ROWS)
                if not more:
                    ledger.drop(table)
