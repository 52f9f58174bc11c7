"""Where schema.json lies: inside the installed package, or at the top of a checkout."""

from __future__ import annotations

from pathlib import Path

import engine
from engine.errors import EngineError


def schema_text() -> str:
    """Return the text of schema.json.

    Raises:
        EngineError: this installation has none.
    """
    package = Path(engine.__file__).parent
    for folder in (package, package.parent):
        path = folder / "schema.json"
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise EngineError(
        "this installation has no schema.json",
        "install the package again; in a checkout `make schema` writes it",
    )
