"""What SQLite says when it refuses, in words for people."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.dialects.sqlite.opening import may
from engine.errors import DatabaseError, EngineError, LockHeld

_REASONS = {
    "BUSY": "busy",
    "LOCKED": "busy",
    "FULL": "full",
    "IOERR": "io",
    "NOMEM": "memory",
    "READONLY": "readonly",
    "CORRUPT": "corrupt",
    "NOTADB": "notadb",
    "CONSTRAINT": "constraint",
    "INTERRUPT": "interrupted",
    "CANTOPEN": "cantopen",
}
# Python 3.10 gives no error code: what the messages begin with, in place of it.
_MESSAGES = {
    "database is locked": "BUSY",
    "database table is locked": "LOCKED",
    "database schema is locked": "LOCKED",
    "database or disk is full": "FULL",
    "disk I/O error": "IOERR",
    "out of memory": "NOMEM",
    "attempt to write a readonly database": "READONLY",
    "database disk image is malformed": "CORRUPT",
    "file is not a database": "NOTADB",
    "interrupted": "INTERRUPT",
    "unable to open database file": "CANTOPEN",
    "UNIQUE constraint failed": "CONSTRAINT",
    "NOT NULL constraint failed": "CONSTRAINT",
    "CHECK constraint failed": "CONSTRAINT",
    "FOREIGN KEY constraint failed": "CONSTRAINT",
    "datatype mismatch": "MISMATCH",
}


def refusal(name: str, message: str, path: str, sql: str = "") -> EngineError:
    """Return the error to raise for what SQLite said.

    Args:
        name: SQLite's name of the error (`SQLITE_FULL`), "" where it is not known.
        message: SQLite's words.
        path: of the database file.
        sql: the statement; its beginning goes to `details["sql"]`.

    Returns:
        A `DatabaseError` whose `details["reason"]` says what kind it is, or a
        `LockHeld` where another program holds the database's own lock.
    """
    code = name.removeprefix("SQLITE_").split("_")[0]
    if code in ("", "ERROR"):
        code = next((c for words, c in _MESSAGES.items() if message.startswith(words)), "ERROR")
    reason = _REASONS.get(code, "error")
    if reason == "busy":
        return LockHeld(
            f"the database {path} is locked by {_holder(path)}",
            "let it finish, or wait longer: `lock_timeout` in engine.yaml",
            details={"reason": reason},
        )
    words, hint = _words(reason, message, path)
    details = {"reason": reason, **({"sql": sql[:2000]} if sql else {})}
    return DatabaseError(words, hint, details=details)


def refused_commit(error: EngineError, orphans: Mapping[tuple[Any, ...], int]) -> EngineError:
    """Return `error` of a commit in words for people.

    Args:
        orphans: (table, row id, parent, number of the key) of rows that refer to nothing since the transaction began.
    """
    if not orphans:
        return error
    pairs = Counter[tuple[str, str]]()
    for (table, _, parent, _), number in orphans.items():
        pairs[table, parent] += number
    told = [f"{n:,} row{'s' * (n > 1)} of `{t}` would refer to nothing in `{p}`" for (t, p), n in sorted(pairs.items())]
    some = sorted(f"{table}: row id {row}" for table, row, _, _ in orphans if row is not None)[:5]
    details = {**error.details, "tables": sorted({name for pair in pairs for name in pair})}
    hint = f"for example: {'; '.join(some)}" if some else ""
    return DatabaseError(f"{'; '.join(told)} ({error.message})", hint, details=details)


def _words(reason: str, message: str, path: str) -> tuple[str, str]:
    match reason:
        case "full":
            return (f"the disk is full: {_space(path)}", "make room, then run the same command again")
        case "io":
            return (
                f"the disk failed while {path} was read or written ({message})",
                "look at the disk and its free space",
            )
        case "memory":
            return (
                f"there is not enough memory to work on {path}",
                "give the process more of it, or let it work in smaller batches: --batch-size",
            )
        case "readonly":
            return (f"{path} can't be written", "look at the rights of the file and of its folder")
        case "corrupt":
            return (
                f"{path} is damaged ({message})",
                "run `PRAGMA integrity_check` on a copy, or restore a backup",
            )
        case "notadb":
            return (f"{path} is not an SQLite database", "look at the path, or whether the file is encrypted")
        case "interrupted":
            return ("the statement was stopped", "")
        case "cantopen":
            return (f"{path} can't be opened", _why_closed(path))
        case _:
            return (message, "")


def _space(path: str) -> str:
    folder = Path(path).resolve().parent
    try:
        found = os.statvfs(folder)
    except OSError:
        return f"no space left for {path}"
    free = found.f_bavail * found.f_frsize
    return f"{free / 1_048_576:,.1f} MiB are free in {folder}"


def _why_closed(path: str) -> str:
    place = Path(path)
    if os.path.isdir(place):
        return "it is a folder"
    if not os.path.exists(place.parent):
        return f"there is no folder {place.parent}"
    if not may(place.parent, os.X_OK):
        return f"its rights do not let you into the folder {place.parent}"
    if os.path.exists(place) and not may(place, os.R_OK):
        return "its rights do not let you read it"
    return "look at the path, and at the rights of the folder: SQLite makes files beside the database"


def _holder(path: str) -> str:
    """Return who holds a lock on the file, by what Linux tells; looks at no file's content."""
    try:
        found = os.stat(path)
        with open("/proc/locks", encoding="ascii") as locks:
            lines = [line.split() for line in locks]
    except OSError:
        return "another program"
    place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    for fields in lines:
        if (
            len(fields) > 5
            and fields[5] == place
            and fields[1] == "POSIX"
            and fields[4] not in ("-1", str(os.getpid()))
        ):
            return f"process {fields[4]}{_name(fields[4])}"
    return "another program"


def _name(pid: str) -> str:
    try:
        return f" ({Path('/proc', pid, 'comm').read_text(encoding='utf-8', errors='replace').strip()})"
    except OSError:
        return ""
