"""Rows of the engine's tables ⇄ frozen values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, get_args

from engine.dialects.ledger import KEYS, Event, Progress, Record, Run, State, StepState
from engine.errors import Drift

# What each column of a query of `ledger_sql` holds: s text, i whole number, f number; a capital: or NULL.
_RECORD = "ssiSSsssIFiSsssi"
_PROGRESS = "ssssissiIiiiiisIsIFs"
_EVENT = "sssssfiisssis"
_RUN = "iss"
_KINDS: dict[str, tuple[type, ...]] = {"s": (str,), "i": (int,), "f": (int, float)}


def _demand(row: Sequence[Any], kinds: str, table: str) -> None:
    """Stop where a value is not of the kind that the engine writes.

    Raises:
        Drift: naming the table.
    """
    for value, kind in zip(row, kinds, strict=False):
        if not isinstance(value, _KINDS[kind.lower()]) and not (value is None and kind.isupper()):
            raise Drift(
                f"the table {table} holds a {type(value).__name__} where the engine writes none: somebody changed it",
                f"restore a backup of the table {table}",
                kept="nothing was done",
            )


def record(row: Sequence[Any]) -> Record:
    """Return a row of `RECORDS` as a value.

    Raises:
        Drift: its state is none that this version knows, or it was tampered with.
    """
    _demand(row, _RECORD, "migration_history")
    if row[5] not in get_args(State):
        raise Drift(
            f"the history says that {row[0]} is {row[5]!r}, which this version does not know",
            f"it was written by engine {row[12]}: use that version, or restore a backup of migration_history",
            kept="nothing was done",
        )
    return Record(
        version=row[0],
        description=row[1],
        applied=bool(row[2]),
        applied_at=row[3],
        rolled_back_at=row[4],
        state=row[5],
        checksum=row[6],
        spec_name=row[7],
        number=row[8],
        seconds=row[9],
        reversible=bool(row[10]),
        finalized_at=row[11],
        engine_version=row[12],
        before=row[13],
        after=row[14],
        code=bool(row[15]),
    )


def progress(row: Sequence[Any]) -> Progress:
    """Return a row of `PROGRESS` as a value.

    Raises:
        Drift: its state is none that this version knows, or it was tampered with.
    """
    _demand(row, _PROGRESS, "engine_step")
    if row[6] not in get_args(StepState):
        raise Drift(
            f"the checkpoint of step {row[3]} of {row[0]} says {row[6]!r}, which this version does not know",
            "restore a backup of the table engine_step",
            kept="nothing was done",
        )
    width = row[9]
    keys = row[20:]
    left = decode(row[19])  # numbers of rows, and behind them seals: a history from before has none
    return Progress(
        version=row[0],
        direction=row[1],
        unit=row[2],
        step=row[3],
        place=row[4],
        table=row[5],
        state=row[6],
        batch=row[7],
        size=row[8],
        lo=tuple(keys[:width]),
        up=tuple(keys[KEYS : KEYS + width]),
        selected=row[10],
        written=row[11],
        skipped=row[12],
        added=row[13],
        started=row[14],
        answer=None if row[15] is None else bool(row[15]),
        marks=decode(row[16]),
        expected=row[17],
        seconds=row[18],
        kept=tuple(value for value in left if isinstance(value, int)),
        seals=tuple(value for value in left if isinstance(value, str)),
    )


def event(row: Sequence[Any]) -> Event:
    """Return a row of `EVENTS` as a value.

    Raises:
        Drift: it was tampered with.
    """
    _demand(row, _EVENT, "engine_event")
    return Event(*row)


def run(row: Sequence[Any]) -> Run:
    """Return a row of `RUNS` as a value.

    Raises:
        Drift: it was tampered with.
    """
    _demand(row, _RUN, "engine_run")
    return Run(*row)


def encode(values: Sequence[Any]) -> str:
    """Return `values` as JSON that loses nothing: floats by their bits, blobs as hex."""
    found: list[list[str]] = []
    for value in values:
        match value:
            case None:
                found.append(["n"])
            case int():
                found.append(["i", str(int(value))])
            case float():
                found.append(["r", value.hex()])
            case bytes():
                found.append(["b", value.hex()])
            case _:
                found.append(["t", str(value)])
    return json.dumps(found)


def decode(text: str) -> tuple[Any, ...]:
    """Return the values that `encode` was given.

    Raises:
        Drift: the text is damaged.
    """
    try:
        return tuple(_value(*entry) for entry in json.loads(text))
    except (ValueError, TypeError, KeyError) as error:
        raise Drift(
            "a checkpoint of the engine is damaged", "restore a backup of the table engine_step", "nothing was done"
        ) from error


def _value(kind: str, text: str = "") -> Any:
    read: dict[str, Any] = {"n": lambda _: None, "i": int, "r": float.fromhex, "b": bytes.fromhex, "t": str}
    return read[kind](text)


def checkpoint_values(now: Progress) -> dict[str, Any]:
    """Return what a checkpoint stores of `now`, by the names of `CHECKPOINT`."""
    values: dict[str, Any] = {
        "state": now.state,
        "batch_no": now.batch,
        "batch_size": now.size,
        "key_width": len(now.up),
        "rows_selected": now.selected,
        "rows_written": now.written,
        "rows_skipped": now.skipped,
        "rows_added": now.added,
        "started": now.started,
        "answer": None if now.answer is None else int(now.answer),
        "marks": encode(now.marks),
        "expected": now.expected,
        "seconds": now.seconds,
        "journal_rows": encode((*now.kept, *now.seals)),
    }
    for name, key in (("lo", now.lo), ("up", now.up)):
        values |= {f"{name}{n + 1}": key[n] if n < len(key) else None for n in range(KEYS)}
    return values


def record_values(record: Record, number: int) -> dict[str, Any]:
    """Return what the history stores of `record`, by the names of `SAVE_RECORD`."""
    return {
        "version": record.version,
        "description": record.description,
        "applied": int(record.applied),
        "applied_at": record.applied_at,
        "rolled_back_at": record.rolled_back_at,
        "state": record.state,
        "direction": record.direction,
        "checksum": record.checksum,
        "spec_name": record.spec_name,
        "before": record.before,
        "after": record.after,
        "seconds": record.seconds,
        "reversible": int(record.reversible),
        "finalized_at": record.finalized_at,
        "engine_version": record.engine_version,
        "code": int(record.code),
        "number": number,
    }
