"""Reading a snapshot file: the state of databases that existed before the first spec."""

from __future__ import annotations

import json
from pathlib import Path

from engine.dialects.base import Catalogue, CatalogueObject
from engine.errors import EngineError


def load(path: Path) -> Catalogue:
    """Return the catalogue that `engine snapshot` wrote to `path`.

    Raises:
        EngineError: the file can't be read or is no snapshot.
    """
    again = "engine snapshot --out " + str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise EngineError(f"the snapshot {path} can't be read: {reason}", next=again) from None
    try:
        found = json.loads(text)
        if found["snapshot"] != 1:
            raise EngineError(f"the snapshot {path} was written by a newer engine", next=again)
        objects = tuple(CatalogueObject(o["type"], o["name"], o["table"], o["sql"]) for o in found["objects"])
    except (ValueError, KeyError, TypeError):
        raise EngineError(f"{path} is not a snapshot that `engine snapshot` wrote", next=again) from None
    return Catalogue(objects)
