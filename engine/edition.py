"""Which engine this is, to the byte as far as stat tells: what one remembers, another must not take for its own.

Imported by runs that do nothing else, so that it imports little.
"""

from __future__ import annotations

import hashlib
import os
import sys

LIBRARIES = ("sqlglot", "yaml", "jinja2", "jsonschema")


def entry_key(*parts: object) -> str:
    """Return a hash over plain values."""
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def engine_key() -> str:
    """Return a hash over this engine's files (by size and time), Python, libraries and the version of SQLite's."""
    from importlib.util import find_spec

    from engine import __version__, dialects

    found: list[tuple[str, int, int]] = []
    _files(os.path.dirname(os.path.abspath(__file__)), found)
    libraries: list[object] = []
    for name in LIBRARIES:
        origin = str(getattr(find_spec(name), "origin", ""))
        beside = os.path.dirname(os.path.dirname(origin))
        libraries.append((origin, os.stat(origin).st_mtime_ns if origin else 0))
        # the folders of the distributions have the versions in their names; importlib.metadata takes 40 ms for them
        libraries.append(sorted(n for n in os.listdir(beside or ".") if n.lower().startswith((name, f"py{name}"))))
    return entry_key(__version__, sys.version, dialects.library(), libraries, sorted(found))


def _files(folder: str, found: list[tuple[str, int, int]]) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith((".py", ".json")):
                about = entry.stat()
                found.append((entry.path, about.st_size, about.st_mtime_ns))
            elif entry.is_dir() and entry.name != "__pycache__":
                _files(entry.path, found)
