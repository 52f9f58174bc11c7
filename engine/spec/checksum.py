"""What a spec means, as a number: comments, formatting, key order and quoting leave it as it is.

The canonical form names fields by the keys of the spec format and leaves out
what is at its default, so that a new optional key changes no old checksum.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from typing import Any

from engine.spec.model import Step
from engine.steps.base import entries

FORM = "1"


def checksum(
    version: str,
    steps: Sequence[Step],
    *,
    requires: Sequence[str] | None = None,
    dialects: Sequence[str] = (),
    on_failure: str = "rollback",
    transaction: str = "auto",
) -> str:
    """Return the checksum of a spec's meaning, prefixed by the form's version.

    Words for people (`description`, `ignore`, the reason of `irreversible`)
    and ids of steps do not count; variables count by what they put into steps.
    """
    meaning = {
        "version": version,
        "requires": None if requires is None else sorted(requires),
        "dialects": sorted(dialects),
        "on_failure": on_failure,
        "transaction": transaction,
        "steps": [_step(step) for step in steps],
    }
    text = json.dumps(meaning, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return f"{FORM}:{hashlib.sha256(text.encode('ascii')).hexdigest()}"


def _step(step: Step) -> dict[str, Any]:
    found: dict[str, Any] = {step.verb: _canonical(step.body)}
    if step.when is not None:
        found["when"] = _canonical(step.when)
    if step.undo is not None:
        found["undo"] = [_step(undo) for undo in step.undo]
    if step.irreversible:
        found["irreversible"] = True
    return found


def _canonical(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, Decimal):
        return {"number": str(value)}
    if not dataclasses.is_dataclass(value):
        return value
    if all("entry" in item.metadata for item in dataclasses.fields(value)):
        pairs = [(entry.key or entry.name, getattr(value, entry.name), entry) for entry in entries(type(value))]
        return {key: _canonical(own) for key, own, entry in pairs if entry.required or own != entry.default}
    found: dict[str, Any] = {"": type(value).__name__}
    for item in dataclasses.fields(value):
        own = getattr(value, item.name)
        if item.default is dataclasses.MISSING or own != item.default:
            found[item.name] = _canonical(own)
    return found
