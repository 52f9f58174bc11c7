"""What else a machine does to a command: memory runs out, files and streams are limited, closed or full, signals
come, the terminal goes, the clock is set back. Each in a real process, and the next command ends as ever."""

from __future__ import annotations

import ctypes
import os
import pty
import resource
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from engine.dialects.sqlite.driver import SQLiteDriver
from tests.crash.crashing import Image, Scenario, World, scenario
from tests.faults.faulting import Way, sound
from tests.support.database import Snapshot
from tests.support.disk import failing_disk, library
from tests.support.factor import scaled
from tests.support.forked import Ended, become, forked


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    """No time is spent on syncs."""
    with failing_disk():
        yield


class Room:
    """A scenario there and back, disturbed in a child process and ended undisturbed."""

    def __init__(self, folder: Path, made: Scenario) -> None:
        self.world = World(made, folder)
        self.applied = self.world.applied()
        self.after = self.world.state().users
        self.world.put(self.world.start)

    def begin(self, way: Way) -> None:
        """Put the database that `way` starts from on the disk."""
        self.world.put(self.world.start if way == "apply" else self.applied)

    def arguments(self, way: Way) -> list[str]:
        """Return the words of the command."""
        more = ["--to", "0"] if way == "rollback" else []
        return [way, "--db", str(self.world.db), "--yes", "--batch-size", "2", *more, str(self.world.specs)]

    def run(self, way: Way, before: Callable[[], None] = lambda: None) -> Ended:
        """Run the command in a child."""
        return forked(self.arguments(way), before)

    def ends(self, way: Way, ended: Ended, codes: tuple[int, ...]) -> None:
        """What was said is clear, and the same command without the fault ends as an undisturbed run does."""
        assert ended.code in (0, *codes), ended
        assert "Traceback" not in ended.output and "this is a bug" not in ended.output, ended.output
        if ended.code:
            again = self.run(way)
            assert again.code == 0, f"{ended.output}\nand then:\n{again.output}"
        expected: Snapshot = self.after if way == "apply" else self.world.before
        found = expected.differences(self.world.state().users)
        assert not found, "\n".join([ended.output, *found])
        sound(self.world.db)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """A small scenario of many transactions."""
    return Room(tmp_path, scenario("rename"))


WAYS: tuple[Way, ...] = ("apply", "rollback")


# ── limits ────────────────────────────────────────────────────────────────
def lower(kind: str, value: int) -> None:
    """Lower a limit of this process; of memory and files by so much more than it has now."""
    if kind == "AS":
        value += int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    if kind == "NOFILE":
        lowest = os.dup(0)
        os.close(lowest)
        value += lowest
    number = getattr(resource, f"RLIMIT_{kind}")
    resource.setrlimit(number, (value, resource.getrlimit(number)[1]))


def limit(room: Room, kind: str, value: int) -> int:
    """Run there and back with a limit, and on without it; return how often the limit was met."""
    met = 0
    for way in WAYS:
        room.begin(way)
        ended = room.run(way, lambda: lower(kind, value))
        if ended.code:
            met += 1
            assert "error: " in ended.output and "\nhint: " in ended.output, ended
        room.ends(way, ended, (1,))
    return met


@pytest.mark.parametrize(("kind", "value"), [("FSIZE", 40_000), ("NOFILE", 1)])
def test_a_limit_of_the_system_ends_clearly_and_then_as_ever(kind: str, value: int, room: Room) -> None:
    assert limit(room, kind, value) > 0


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "step"), [("AS", 80_000), ("FSIZE", 9_000), ("NOFILE", 1)])
def test_every_limit(kind: str, step: int, room: Room) -> None:
    count = 6 if kind == "NOFILE" else scaled(12)
    met = sum(limit(room, kind, n * step) for n in range(count))
    print(f"{kind}: {met} of {2 * count} runs met the limit")
    assert met > 1 or kind == "AS"  # how much a process has in store from before differs


# ── SQLite's own memory ───────────────────────────────────────────────────
def starve(number: int, spare: int) -> Callable[[], None]:
    """Return what leaves SQLite so many bytes from statement `number` on."""
    limit_to, used = library().sqlite3_hard_heap_limit64, library().sqlite3_memory_used
    limit_to.argtypes, limit_to.restype, used.restype = [ctypes.c_int64], ctypes.c_int64, ctypes.c_int64
    return at_statement(number, lambda: limit_to(used() + spare))


def at_statement(number: int, do: Callable[[], object]) -> Callable[[], None]:
    """Return what does something when statement `number` is sent in this process."""

    def prepare() -> None:
        seen = [0]

        def count(sql: str, params: object) -> None:
            seen[0] += 1
            if seen[0] == number:
                do()

        SQLiteDriver.listener = staticmethod(count)  # type: ignore[assignment]

    return prepare


def hunger(room: Room, points: int) -> int:
    """Let SQLite's memory run out at `points` statements, there and back; return how often it did."""
    met = 0
    for way in WAYS:
        for n in range(points):
            room.begin(way)
            ended = room.run(way, starve(1 + n * 150 // points, (0, 3_000, 30_000)[n % 3]))
            if ended.code:
                met += 1
                assert "error: there is not enough memory" in ended.output, ended
                assert "\nnow: " in ended.output and "\nnext: engine " in ended.output, ended
            room.ends(way, ended, (1,))
    return met


def test_memory_that_runs_out_is_an_interruption(room: Room) -> None:
    assert hunger(room, 2) > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rebuild", "transform", "copy"])
def test_memory_that_runs_out_anywhere(name: str, tmp_path: Path) -> None:
    met = hunger(Room(tmp_path, scenario(name)), scaled(12))
    print(f"{name}: memory ran out {met} times")
    assert met >= scaled(12)


# ── signals ───────────────────────────────────────────────────────────────
def send(number: int, *signals: int) -> Callable[[], None]:
    """Return what sends this process signals at statement `number`."""
    return at_statement(number, lambda: [os.kill(os.getpid(), one) for one in signals])


@pytest.mark.parametrize(("way", "sent"), [("apply", "SIGTERM"), ("rollback", "SIGHUP")])
def test_a_signal_stops_at_a_safe_point(way: Way, sent: str, room: Room) -> None:
    signalled(room, way, sent, (1, 60))


@pytest.mark.slow
@pytest.mark.parametrize("sent", ["SIGTERM", "SIGHUP", "SIGINT"])
@pytest.mark.parametrize("way", WAYS)
def test_a_signal_at_any_statement(way: Way, sent: str, room: Room) -> None:
    signalled(room, way, sent, range(1, 100, 10))


def signalled(room: Room, way: Way, sent: str, numbers: Sequence[int]) -> None:
    """Send a signal at each of these statements."""
    codes = set()
    for number in numbers:
        room.begin(way)
        ended = room.run(way, send(number, getattr(signal, sent)))
        codes.add(ended.code)
        if ended.code == 6:
            assert f"\nnext: engine {way} " in ended.output, ended.output
            assert not Path(f"{room.world.db}.engine-lock").exists()
        # Before the work begins there is nothing to end in order: there the system ends it.
        room.ends(way, ended, (6, -getattr(signal, sent), 130))
    assert 6 in codes


def test_a_second_signal_ends_at_once(room: Room) -> None:
    ended = room.run("apply", send(70, signal.SIGTERM, signal.SIGTERM))
    assert ended.code in (130, 6), ended
    room.ends("apply", ended, (130, 6))


def test_nohup_keeps_the_work_going(room: Room) -> None:
    def ignored() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        send(40, signal.SIGHUP)()

    ended = room.run("apply", ignored)
    assert ended.code == 0, ended
    room.ends("apply", ended, ())


# ── streams ───────────────────────────────────────────────────────────────
def closed(*numbers: int) -> Callable[[], None]:
    """Return what closes descriptors as a shell does with `>&-`."""

    def close() -> None:
        import sys

        for number in numbers:
            os.close(number)
            setattr(sys, ("stdin", "stdout", "stderr")[number], None)

    return close


@pytest.mark.parametrize("numbers", [(1,), (0, 1, 2)], ids=str)
def test_closed_streams_harm_nothing(numbers: tuple[int, ...], room: Room) -> None:
    for way in WAYS:
        room.begin(way)
        ended = room.run(way, closed(*numbers))
        assert ended.code == 0, ended
        room.ends(way, ended, ())


def full_streams(*numbers: int) -> Callable[[], None]:
    """Return what lets descriptors lead to a disk that is full."""

    def lead() -> None:
        full = os.open("/dev/full", os.O_WRONLY)
        for number in numbers:
            os.dup2(full, number)

    return lead


@pytest.mark.parametrize("more", [(), ("--format", "json")], ids=["text", "json"])
def test_a_result_that_can_t_be_written_is_an_error_and_the_work_is_done(more: tuple[str, ...], room: Room) -> None:
    ended = forked([*room.arguments("apply"), *more], full_streams(1))
    assert ended.code == 1 and "error: the result can't be written: No space left on device" in ended.output, ended
    assert "now: what the command did is done" in ended.output
    assert room.run("apply").code == 0
    assert not room.after.differences(room.world.state().users)


def test_messages_that_can_t_be_written_end_nothing(room: Room) -> None:
    ended = room.run("apply", full_streams(2))
    assert ended.code == 0, ended
    room.ends("apply", ended, ())


@pytest.mark.parametrize("number", [10, 60])
def test_a_terminal_that_is_closed_stops_at_a_safe_point(number: int, room: Room) -> None:
    there, tell = os.pipe()
    child, terminal = pty.fork()
    if child == 0:
        os.close(there)
        os.environ["TERM"] = "xterm"

        def wait_for_the_end() -> None:
            hung = [False]
            signal.signal(signal.SIGHUP, lambda *_: hung.__setitem__(0, True)) if number < 20 else None
            os.write(tell, b".")
            for _ in range(200):
                signal.sigtimedwait([], 0.01)
                try:
                    os.write(2, b"")
                    os.tcgetpgrp(2)
                except OSError:
                    return

        become(room.arguments("apply"), at_statement(number, wait_for_the_end))
    os.close(tell)
    assert os.read(there, 1) == b"."
    os.close(terminal)
    os.close(there)
    _, status = os.waitpid(child, 0)
    ended = Ended(os.waitstatus_to_exitcode(status), "")
    room.ends("apply", ended, (6, -signal.SIGHUP))


# ── the clock ─────────────────────────────────────────────────────────────
def test_a_clock_that_is_set_back_changes_nothing(tmp_path: Path) -> None:
    world = World(scenario("specs"), tmp_path)
    after = world.state(world.applied()).users
    world.put(world.start)
    hours = iter(range(10_000, 0, -1))
    world.clock = lambda: f"20{next(hours) // 100:03d}-01-01 00:00:00"[:19]
    left: list[Image] = []

    def keep() -> None:
        left.append(world.image())

    with pytest.MonkeyPatch.context() as patch:
        seen = [0]

        def count(self: SQLiteDriver, sql: str, params: object) -> None:
            seen[0] += 1
            if seen[0] % 80 == 0:
                keep()

        patch.setattr(SQLiteDriver, "listener", count)
        assert world.apply().error is None
    assert not after.differences(world.state().users)
    for image in left:
        world.put(image)
        assert world.apply().error is None
        assert not after.differences(world.state().users)
        assert world.rollback().error is None
        assert not world.before.differences(world.state().users)
