"""What the history needs to know of a migration written in Python: a plan without statements, a checksum."""

from __future__ import annotations

import hashlib
import inspect
from contextlib import suppress

from engine.migration import MigrationProtocol
from engine.model.plan import MigrationPlan


def plan_of(migration: MigrationProtocol) -> MigrationPlan:
    """Return what the history stores for a class: nobody knows its statements before they run."""
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
