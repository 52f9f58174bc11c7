"""The engine's lock on an SQLite database: an OS lock on a file beside it, gone with its owner."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from engine.dialects.ledger import Holder
from engine.dialects.shared.lock import me
from engine.dialects.sqlite.refusals import refusal
from engine.errors import DatabaseError, EngineError

_SUFFIX = ".engine-lock"
_POLL = 0.05
# `holder` takes a shared lock for an instant: one that wants it alone tries again at once.
_TRIES = 4


class FileLock:
    """An exclusive `flock` on `<database>.engine-lock`.

    The database file itself is never opened here: closing it would drop the
    locks that SQLite holds on it in this process. The file is removed while the lock is held, and whoever
    gets a lock looks whether the name still leads to what it locked; so a removed file is never mistaken
    for the lock, and one that a killed process left behind is only a name.
    """

    def __init__(self, database: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self.path = os.path.realpath(database) + _SUFFIX
        self._sleep = sleep
        self._file: int | None = None

    @property
    def held(self) -> bool:
        """True while this object holds the lock."""
        return self._file is not None

    def acquire(self, command: str, wait: float, give_up: Callable[[], bool] = lambda: False) -> bool:
        """Take the lock.

        Args:
            command: for those who find it held.
            wait: seconds to wait; 0 gives up at once.
            give_up: asked while it waits; True ends the waiting.

        Returns:
            False where somebody else holds it.

        Raises:
            DatabaseError: the file can't be made.
        """
        deadline = time.monotonic() + wait
        tries = _TRIES
        while True:
            tries -= 1
            if self._try(command):
                return True
            if give_up() or (tries <= 0 and time.monotonic() >= deadline):
                return False
            self._sleep(_POLL if tries <= 0 else 0.005)

    def _try(self, command: str) -> bool:
        flock, exclusive, _ = _flock()
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        except OSError as error:
            raise self._refused(error) from error
        try:
            flock(file, exclusive)
            if not _leads_to(self.path, file):
                os.close(file)
                return False
        except OSError:
            os.close(file)
            return False
        owner = me(command)
        text = json.dumps({name: getattr(owner, name) for name in ("pid", "host", "user", "command", "since")})
        self._file = file
        with suppress(OSError):  # a full disk: others are told that somebody holds it, and not who
            os.ftruncate(file, 0)
            os.pwrite(file, text.encode("utf-8"), 0)
        return True

    def _refused(self, error: OSError) -> EngineError:
        words = f"the lock file {self.path} can't be made: {error.strerror}"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            full = refusal("SQLITE_FULL", "", self.path)
            full.message = f"{words}; {full.message}"
            return full
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            hint = "the folder of the database must be writable: SQLite's journal stands there too"
            return DatabaseError(words, hint, details={"reason": "readonly"})
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            hint = "that name is the lock's: move away what stands there"
            return DatabaseError(words, hint, details={"reason": "cantopen"})
        return DatabaseError(words, "look at the disk and at the limits of this process", details={"reason": "io"})

    def release(self) -> None:
        """Give the lock up and take its file away."""
        if self._file is None:
            return
        file, self._file = self._file, None
        try:
            if _leads_to(self.path, file):
                os.unlink(self.path)
        except OSError:
            pass  # it stays behind: a name without a lock
        finally:
            os.close(file)

    def intact(self) -> bool:
        """Tell whether the lock is still what others would meet."""
        return self._file is not None and _leads_to(self.path, self._file)

    def holder(self) -> Holder | None:
        """Return who holds the lock, None for nobody; makes no file."""
        flock, _, shared = _flock()
        try:
            file = os.open(self.path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        except OSError:
            return None
        try:
            flock(file, shared)
            return None
        except OSError:
            return _read(os.pread(file, 4096, 0))
        finally:
            os.close(file)


def _flock() -> tuple[Callable[[int, int], None], int, int]:
    try:
        import fcntl
    except ModuleNotFoundError as error:  # Windows
        raise DatabaseError(
            "this system has no file locks that die with their owner (flock)",
            "run the engine on Linux or macOS",
        ) from error
    return fcntl.flock, fcntl.LOCK_EX | fcntl.LOCK_NB, fcntl.LOCK_SH | fcntl.LOCK_NB


def _leads_to(path: str, file: int) -> bool:
    try:
        named = os.stat(path, follow_symlinks=False)
    except OSError:
        return False
    opened = os.fstat(file)
    return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)


def _read(text: bytes) -> Holder:
    try:
        found: Any = json.loads(text.decode("utf-8"))
        fields = {name: str(found.get(name, "")) for name in ("host", "user", "command", "since")}
        return Holder(int(found.get("pid", 0)), **fields)
    except (ValueError, AttributeError, TypeError):
        return Holder()
