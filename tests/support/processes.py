"""`engine` in processes of their own: forked, so that many of them begin at the same instant."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn


@dataclass
class Child:
    """A process.

    Attributes:
        pid: of it.
        file: what it printed, on both streams.
        code: its exit code, once it was waited for; minus the signal that ended it.
    """

    pid: int
    file: Path
    code: int | None = field(default=None)

    @property
    def output(self) -> str:
        """What it printed so far."""
        return self.file.read_text(encoding="utf-8", errors="replace")

    def wait(self, seconds: float = 120.0) -> int:
        """Wait for its end and return its exit code; one that does not end is killed."""
        deadline = time.monotonic() + seconds
        while self.code is None:
            if not self.poll() and time.monotonic() > deadline:
                self.signal(signal.SIGCONT)
                self.signal(signal.SIGKILL)
                os.waitpid(self.pid, 0)
                raise AssertionError(f"process {self.pid} did not end in {seconds:g} s: {self.output}")
            time.sleep(0.005)
        return self.code

    def poll(self) -> bool:
        """Tell whether it has ended."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None

    def signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)


def fork(body: Callable[[], object], file: Path) -> Child:
    """Run `body` in a process of its own whose output goes to `file`."""
    sys.stdout.flush()
    sys.stderr.flush()
    file.touch()
    pid = os.fork()
    if not pid:
        _child(body, file)
    return Child(pid, file)


def engine(args: list[str], file: Path, ready: Callable[[], object] = lambda: None) -> Child:
    """Run `engine ARGS` in a process of its own, when `ready` has returned there."""

    def body() -> None:
        from engine.cli.main import cli

        ready()
        cli.main(args)

    import engine.cli.main
    import engine.run.executor  # noqa: F401  # loaded once, here

    return fork(body, file)


def _child(body: Callable[[], object], file: Path) -> NoReturn:
    code = 70
    try:
        out = os.open(file, os.O_WRONLY | os.O_APPEND)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, into in ((nothing, 0), (out, 1), (out, 2)):
            os.dup2(number, into)
        # They live as long as the process does.
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        body()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
