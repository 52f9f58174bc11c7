"""The command line in a process of its own that needs no start: forked from this one, where all is loaded."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from engine.cli.main import cli


@dataclass(frozen=True)
class Ended:
    """How it ended: its exit code (minus the signal that killed it) and what it printed on both streams."""

    code: int
    output: str


def forked(args: Sequence[str], before: Callable[[], None] = lambda: None) -> Ended:
    """Run `engine ARGS` in a child; `before` is called in it first, and may do harm to it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        become(args, before)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8", errors="replace") as file:
        output = file.read()
    _, status = os.waitpid(child, 0)
    return Ended(os.waitstatus_to_exitcode(status), output)


def become(args: Sequence[str], before: Callable[[], None]) -> NoReturn:
    """Be `engine ARGS` from here to the end of this process; the streams are those of its descriptors."""
    code = 70
    try:
        signal.alarm(120)  # nothing that hangs is left behind
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whether the tests run under nohup is nothing to it
        sys.stdin, sys.stdout, sys.stderr = (
            open(number, mode, closefd=False, encoding="utf-8")  # noqa: SIM115
            for number, mode in ((os.open(os.devnull, os.O_RDONLY), "r"), (1, "w"), (2, "w"))
        )
        before()
        cli.main(list(args))
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 71
    except BaseException as error:
        os.write(2, f"Traceback: {error!r}".encode())
    finally:
        os._exit(code)
