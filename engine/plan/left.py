"""What a migration leaves of the objects that it makes, changes or takes away."""

from __future__ import annotations

from engine.model.plan import Left
from engine.model.state import SchemaState


def left(before: SchemaState, after: SchemaState) -> tuple[Left, ...]:
    """Return the objects that differ between two states, as they are in `after`, in order of type and name."""
    if before is after or before.fingerprint() == after.fingerprint():
        return ()
    old, new = before.digests(), after.digests()
    differ = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    return tuple(Left(kind, name, new.get((kind, name), "")) for kind, name in differ)
