"""What a lock is to a ledger, and who we are to others."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Protocol

from engine.dialects.ledger import Holder


class Lock(Protocol):
    """What keeps two runs apart; it dies with its owner."""

    @property
    def held(self) -> bool:
        """True while this object holds it, as far as it knows."""
        ...

    def acquire(self, command: str, wait: float, give_up: Callable[[], bool] = ...) -> bool:
        """Take it; False where somebody else holds it after `wait` seconds, or `give_up` said so.

        Raises:
            DatabaseError: it can't be made, or asked for.
        """
        ...

    def release(self) -> None: ...

    def intact(self) -> bool:
        """Tell whether it is still what others would meet."""
        ...

    def holder(self) -> Holder | None:
        """Return who holds it, None for nobody. Leaves no trace."""
        ...


def me(command: str = "") -> Holder:
    """Return this process as a holder."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a user id without a name, as in containers
        user = str(os.getuid()) if hasattr(os, "getuid") else ""
    return Holder(os.getpid(), socket.gethostname(), user, command, utc())


def utc() -> str:
    """Return the time as the engine's tables keep it."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
