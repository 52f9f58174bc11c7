"""Writing a result to a file: whole or not at all, readable by its owner only."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from engine.errors import EngineError, UsageError


def write(path: Path, text: str, *, never: Path | None = None) -> None:
    """Write `text` to `path` by way of a new file beside it (mode 0600) and a rename.

    Args:
        path: the file; one that exists is replaced, a link itself and not what it points at.
        text: its content.
        never: a file that must not be replaced (the database).

    Raises:
        UsageError: `path` is a folder or the database.
        EngineError: it can't be written.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder", "name a file")
    if never is not None and path.exists() and never.exists() and path.samefile(never):
        raise UsageError(f"{path} is the database itself; nothing was written", "name another file")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise _refused(path, error) from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        raise _refused(path, error) from error
    finally:
        Path(name).unlink(missing_ok=True)


def read(path: Path) -> str:
    """Return the text of a file that the command line names.

    Raises:
        EngineError: it can't be read (exit 1).
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(f"{path} can't be read: {_reason(error)}", kept="nothing was done") from error


def _refused(path: Path, error: OSError) -> EngineError:
    return EngineError(f"{path} can't be written: {_reason(error)}", "name a file in a folder that is there and yours")


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
