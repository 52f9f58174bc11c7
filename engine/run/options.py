"""How to run: sizes, times, policies, and the clock; with the wish to stop."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from types import FrameType
from typing import Literal

from engine.errors import Stopped

OnConflict = Literal["abort", "skip", "force"]


def utc_now() -> str:
    """Return the time as `CURRENT_TIMESTAMP` spells it: UTC, seconds."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


class Stop:
    """A wish to stop: the first asks for the next safe point, the second for now.

    Args:
        after: seconds after which to stop at the next safe point (`--max-duration`).
    """

    def __init__(self, after: float | None = None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._after = after
        self._deadline = None if after is None else monotonic() + after
        self._asked = 0

    def ask(self) -> None:
        """Ask to stop; asked twice: at once."""
        self._asked += 1

    @property
    def asked(self) -> bool:
        """True once somebody asked (the time limit aside)."""
        return self._asked > 0

    @property
    def at_once(self) -> bool:
        """True once somebody asked twice."""
        return self._asked > 1

    @property
    def due(self) -> bool:
        """True where the next safe point should be the last."""
        return self.asked or (self._deadline is not None and self._monotonic() >= self._deadline)

    def error(self) -> Stopped:
        """Return the error that says why it stopped; exit code 130 where it was at once."""
        if self.at_once:
            stopped = Stopped("stopped at once")
            stopped.exit_code = 130
            return stopped
        if self.asked:
            return Stopped("stopped at a safe point, as asked")
        return Stopped(f"stopped at a safe point: {self._after:g} s are over")

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Take SIGINT, SIGTERM and SIGHUP as wishes to stop, while inside (in the main thread only).

        A SIGHUP that is ignored stays so: `nohup` wants the work to go on without a terminal.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def asked(number: int, frame: FrameType | None) -> None:
            del number, frame
            self.ask()

        before = {number: signal.signal(number, asked) for number in _wishes()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _wishes() -> list[signal.Signals]:
    found = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        found.append(signal.SIGHUP)
    return found


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run.

    Attributes:
        batch_size: rows per batch, over what the spec says; None: as there.
        target_seconds: what a batch of adaptive size should take; twice that where nobody else was seen to write.
        max_rows: most rows in a batch of adaptive size.
        on_conflict: what a rollback does where rows changed since.
        stop: the wish to stop.
        now: the time, as text; monotonic: seconds, for durations.
        sleep: waits some seconds.
    """

    batch_size: int | None = None
    target_seconds: float = 0.5
    max_rows: int = 250_000
    on_conflict: OnConflict = "abort"
    stop: Stop = field(default_factory=Stop)
    now: Callable[[], str] = utc_now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
