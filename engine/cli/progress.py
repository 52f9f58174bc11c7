"""Progress on stderr: a bar on a terminal, a line every few seconds elsewhere.

Nothing here may fail a migration: a stream that is gone is written to no more.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from engine.cli import screen
from engine.cli.documents import seconds
from engine.source import visible

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

EVERY = 5.0
"""Seconds between two lines where no terminal is."""


class Meter(Protocol):
    """What shows how far a step is."""

    def begin(self, title: str, total: int | None) -> None: ...

    def advance(self, rows: int) -> None: ...

    def end(self) -> None: ...

    def note(self, text: str) -> None: ...


class Lines:
    """A line every `EVERY` seconds, and one per finished step that took longer.

    Args:
        say: writes a line.
        clock: seconds that only grow.
    """

    def __init__(
        self, say: Callable[[str], None] = screen.say, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._say, self._clock = say, clock
        self._title = ""
        self._total: int | None = None
        self._rows = 0
        self._began = self._last = clock()

    def begin(self, title: str, total: int | None) -> None:
        """A step begins."""
        self._title, self._total, self._rows = title, total, 0
        self._began = self._last = self._clock()

    def advance(self, rows: int) -> None:
        """`rows` more are done."""
        self._rows += rows
        now = self._clock()
        if now - self._last >= EVERY:
            self._last = now
            self._say(self._line(now))

    def end(self) -> None:
        """The step is done."""
        now = self._clock()
        if now - self._began >= EVERY:
            self._say(f"{self._title}: done, {self._rows:,} rows in {seconds(now - self._began)}")

    def note(self, text: str) -> None:
        """Say something that is not progress."""
        self._say(text)

    def _line(self, now: float) -> str:
        passed = now - self._began
        speed = self._rows / passed if passed > 0 else 0.0
        of = f" of {self._total:,}" if self._total else ""
        words = f"{self._title}: {self._rows:,}{of} rows, {speed:,.0f} rows/s"
        if self._total and speed > 0 and self._rows < self._total:
            words += f", {seconds((self._total - self._rows) / speed)} left"
        return words


class Bar:
    """A bar that rich draws: rows, rows per second, time left."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def begin(self, title: str, total: int | None) -> None:
        """A step begins."""
        self._task = self._progress.add_task(title, total=total or None, speed="")

    def advance(self, rows: int) -> None:
        """`rows` more are done."""
        if self._task is not None:
            self._progress.advance(self._task, rows)
            task = self._progress.tasks[self._task]
            self._progress.update(self._task, speed=f"{task.finished_speed or task.speed or 0:,.0f} rows/s")

    def end(self) -> None:
        """The step is done: its bar goes, so that a thousand steps fill no screen."""
        if self._task is not None:
            self._progress.update(self._task, visible=False)
            self._task = None

    def note(self, text: str) -> None:
        """Say something above the bar."""
        self._progress.console.print(text, markup=False, highlight=False)


@contextmanager
def meter() -> Iterator[Meter]:
    """Give the meter that fits where stderr goes, for the time of a run."""
    if not screen.is_terminal(sys.stderr):
        yield Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Bar(progress)


def titled(version: str, step: str, title: str) -> str:
    """Return the words before a bar or line."""
    return visible(f"{version} {step} {title}".strip())
