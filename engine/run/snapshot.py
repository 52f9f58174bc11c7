"""The schema of a database as a file, for lint and plan where there is no database."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from engine.dialects.base import Catalogue, CatalogueObject
from engine.errors import EngineError

FORMAT = 1
_FIELDS = ("type", "name", "table", "sql")


def text(catalogue: Catalogue, dialect: str) -> str:
    """Return `catalogue` as the text of a snapshot file; equal schemas give equal text."""
    document = {
        "engine_snapshot": FORMAT,
        "dialect": dialect,
        "objects": [asdict(found) for found in catalogue.objects],
    }
    return json.dumps(document, indent=1) + "\n"


def load(path: Path) -> Catalogue:
    """Return the catalogue that a snapshot file holds.

    Raises:
        EngineError: there is no such file, or it is no snapshot of this version.
    """
    try:
        found = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise _unreadable(path, str(reason)) from error
    try:
        document = json.loads(found)
    except (ValueError, RecursionError) as error:
        raise _unreadable(path, f"it is not JSON ({error})") from error
    if not isinstance(document, dict) or document.get("engine_snapshot") != FORMAT:
        raise _unreadable(path, "it is not a snapshot of this version of the engine")
    objects = document.get("objects")
    if not isinstance(objects, list):
        raise _unreadable(path, "its `objects` is not a list")
    return Catalogue(tuple(_object(path, entry) for entry in objects))


def _object(path: Path, found: object) -> CatalogueObject:
    if not isinstance(found, dict) or not all(isinstance(found.get(name), str) for name in _FIELDS):
        raise _unreadable(path, "an object in it is damaged")
    return CatalogueObject(*(found[name] for name in _FIELDS))


def _unreadable(path: Path, why: str) -> EngineError:
    return EngineError(
        f"the snapshot {path} can't be read: {why}",
        "write it anew",
        next=f"engine snapshot --db DATABASE --out {path}",
    )
