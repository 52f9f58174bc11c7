"""How far it is, for a person at a terminal and for a log."""

from __future__ import annotations

import io
import sys

import pytest

from engine.cli.progress import Bar, Lines, listener, meter
from engine.run.progress import (
    BatchDone,
    Happening,
    MigrationDone,
    MigrationStarted,
    Undoing,
    UnitDone,
    UnitStarted,
)


class Clock:
    """A clock that a test turns."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def batch(number: int, rows: int) -> BatchDone:
    return BatchDone("003", "2-copy", "2-copy", number, rows, 100, 0.5)


def started(total: int | None, done: int = 0) -> UnitStarted:
    return UnitStarted("003", "2-copy", "2-copy", "copy a into b", total, done)


def test_without_a_terminal_a_line_comes_every_few_seconds_and_at_the_end_of_a_long_step() -> None:
    said: list[str] = []
    clock = Clock()
    hear = listener(Lines(said.append, clock))
    hear(MigrationStarted("003", "move", "apply", 1, False))
    hear(started(12_000))
    for second in range(1, 13):
        clock.now = 100.0 + second
        hear(batch(second, second * 1_000))
    hear(UnitDone("003", "2-copy", "2-copy", 12_000, 12.0))
    hear(MigrationDone("003", "apply", "applied", 12.0))
    assert said == [
        "003 copy a into b: 5,000 of 12,000 rows, 1,000 rows/s, 7.0 s left",
        "003 copy a into b: 10,000 of 12,000 rows, 1,000 rows/s, 2.0 s left",
        "003 copy a into b: 12,000 rows in 12.0 s",
    ]


def test_a_count_that_planning_broke_off_is_no_total() -> None:
    said: list[str] = []
    clock = Clock()
    hear = listener(Lines(said.append, clock))
    hear(started(50_001))
    clock.now = 105.0
    hear(batch(1, 100_000))
    assert said == ["003 copy a into b: 100,000 rows, 20,000 rows/s"]


def test_a_quick_migration_says_nothing() -> None:
    said: list[str] = []
    hear = listener(Lines(said.append, Clock()))
    events: list[Happening] = [
        MigrationStarted("003", "move", "apply", 1, True),
        started(10),
        batch(1, 10),
        UnitDone("003", "2-copy", "2-copy", 10, 0.1),
        MigrationDone("003", "apply", "applied", 0.1),
    ]
    for event in events:
        hear(event)
    assert said == []


def test_a_resume_says_so_and_its_speed_counts_this_run_only() -> None:
    said: list[str] = []
    clock = Clock()
    hear = listener(Lines(said.append, clock))
    hear(MigrationStarted("003", "move", "rollback", 1, False, resumed=True))
    hear(started(None, 90_000))
    clock.now = 105.0
    hear(batch(10, 100_000))
    assert said == [
        "003: going on where it stopped (rollback)",
        "003 copy a into b: 100,000 rows, 2,000 rows/s",
    ]


def test_an_undo_after_a_failure_is_told_with_its_reason_and_escapes_are_shown() -> None:
    said: list[str] = []
    hear = listener(Lines(said.append, Clock()))
    hear(Undoing("003", "bad \x1b[2J"))
    assert said == ["003: bad \\x1b[2J; it is being undone"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_bar_is_drawn_and_goes_when_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with meter() as shown:
        assert isinstance(shown, Bar)
        hear = listener(shown)
        hear(MigrationStarted("003", "move [red]", "apply", 1, False, resumed=True))
        hear(UnitStarted("003", "2-copy", "2-copy", "copy [bold]a into b", 1000, 100))
        hear(batch(1, 500))
        hear(UnitDone("003", "2-copy", "2-copy", 1000, 0.1))
        hear(batch(1, 5))
        hear(UnitDone("003", "2-copy", "2-copy", 1000, 0.1))
    written = terminal.getvalue()
    assert "003 copy [bold]a into b" in written and "going on where it stopped" in written


def test_off_a_terminal_no_bar_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with meter() as shown:
        assert isinstance(shown, Lines)
