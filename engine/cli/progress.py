"""Progress on stderr: a bar on a terminal, a line every few seconds elsewhere.

Nothing here may fail a migration: a stream that is gone is written to no more.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO, cast

from engine.cli import screen
from engine.cli.documents import seconds
from engine.plan.sizes import LARGE
from engine.source import visible

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from engine.run.progress import Happening, Listener

EVERY = 5.0
"""Seconds between two lines where no terminal is."""


class Meter(Protocol):
    """What shows how far a step is."""

    def begin(self, title: str, total: int | None, done: int) -> None: ...

    def at(self, rows: int) -> None: ...

    def end(self) -> None: ...

    def note(self, text: str) -> None: ...


class Lines:
    """A line every `EVERY` seconds, and one per finished step that took longer.

    Args:
        say: writes a line.
        clock: seconds that only grow.
    """

    def __init__(self, say: Callable[[str], None] = screen.say, clock: Callable[[], float] = time.monotonic) -> None:
        self._say, self._clock = say, clock
        self._title = ""
        self._total: int | None = None
        self._before = self._rows = 0
        self._running = False
        self._began = self._last = clock()

    def begin(self, title: str, total: int | None, done: int) -> None:
        """A step begins, or goes on after `done` rows of an earlier run."""
        self._title, self._total, self._before, self._rows = title, total, done, done
        self._running = True
        self._began = self._last = self._clock()

    def at(self, rows: int) -> None:
        """`rows` rows of the step are done."""
        self._rows = rows
        now = self._clock()
        if now - self._last >= EVERY:
            self._last = now
            self._say(self._line(now))

    def end(self) -> None:
        """The step is done."""
        passed = self._clock() - self._began
        if self._running and passed >= EVERY:
            self._say(f"{self._title}: {self._rows:,} rows in {seconds(passed)}")
        self._running = False

    def note(self, text: str) -> None:
        """Say something that is not progress."""
        self._say(text)

    def _line(self, now: float) -> str:
        passed = now - self._began
        speed = (self._rows - self._before) / passed if passed > 0 else 0.0
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

    def begin(self, title: str, total: int | None, done: int) -> None:
        """A step begins, or goes on after `done` rows of an earlier run."""
        self._task = self._progress.add_task(title, total=total or None, completed=done, speed="")

    def at(self, rows: int) -> None:
        """`rows` rows of the step are done."""
        if self._task is not None:
            self._progress.update(self._task, completed=rows)
            speed = self._progress.tasks[self._task].speed
            self._progress.update(self._task, speed=f"{speed:,.0f} rows/s" if speed else "")

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
    with Progress(
        *columns, console=Console(file=cast("TextIO", screen.Steady(sys.stderr))), transient=True
    ) as progress:
        yield Bar(progress)


def known(total: int | None) -> int | None:
    """Return a number of rows that can be trusted: planning stops counting above `LARGE`."""
    return None if total is None or total > LARGE else total


def listener(shown: Meter) -> Listener:
    """Return what shows the events of a run on `shown`."""
    from engine.run import progress

    def heard(event: Happening) -> None:
        match event:
            case progress.MigrationStarted():
                if event.resumed:
                    shown.note(f"{visible(event.version)}: going on where it stopped ({event.direction})")
            case progress.UnitStarted():
                title = f"{event.version} {event.title}"
                shown.begin(visible(title), known(event.rows_total), event.rows_done)
            case progress.BatchDone():
                shown.at(event.rows)
            case progress.UnitDone():
                shown.end()
            case progress.Undoing():
                shown.end()
                shown.note(f"{visible(event.version)}: {visible(event.reason)}; it is being undone")
            case progress.MigrationDone():
                shown.end()

    return heard
