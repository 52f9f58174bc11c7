"""Where words go: results to stdout, everything else to stderr; colours on terminals only.

A reader who goes away (`engine plan | head`, a terminal that is closed) ends nothing: a migration that is
running must not fail because nobody listens. A result that a full disk cuts short is an error, told on stderr.
"""

from __future__ import annotations

import errno
import io
import os
import re
import sys
from typing import Any, NoReturn, TextIO

_STYLES = (
    (re.compile(r"^ {0,6}\+ .*"), "32"),
    (re.compile(r"^ {0,6}[~⟳] .*"), "33"),
    (re.compile(r"^ {0,6}- (?!-).*"), "31"),
    (re.compile(r"^ {0,6}> .*"), "36"),
    (re.compile(r"^ {0,6}\? .*"), "34"),
    (re.compile(r"^ *-- .*"), "2"),
    (re.compile(r"^(Plan|Rollback): .*"), "1"),
    (re.compile(r"^ +\| +\^+$"), "1;31"),
    (re.compile(r"^(error|this is a bug)\b"), "1;31"),
    (re.compile(r"(?<=: )error\[\w+\]"), "1;31"),
    (re.compile(r"(?<=: )warning\[\w+\]"), "1;33"),
    (re.compile(r"^( *= )?(hint|now|next):"), "1;36"),
)


def prepare() -> None:
    """Let no character of a spec break the output of a terminal with few letters."""
    _fill_closed()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _fill_closed() -> None:
    """Let no file that is opened later stand where a closed stdin, stdout or stderr is looked for."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, _Nowhere())


def out(text: str) -> None:
    """Write a result to stdout.

    Raises:
        Unwritable: the disk that it goes to is full; that nobody reads is no error.
    """
    refused = put(text)
    if refused is not None:
        refuse(refused)


def put(text: str) -> OSError | None:
    """Write a result to stdout; return why it could not be written, for `refuse`."""
    refused = _write("stdout", text)
    return refused if refused is not None and refused.errno in _FULL else None


def refuse(error: OSError) -> NoReturn:
    """Say that a result could not be written.

    Raises:
        Unwritable: always.
    """
    from engine.errors import Unwritable

    raise Unwritable(
        f"the result can't be written: {error.strerror}",
        "look at where stdout goes",
        kept="what the command did is done",
        next="engine status",
    )


def say(text: str, end: str = "\n") -> None:
    """Write a message to stderr, with a line end added."""
    _write("stderr", text + end)


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _write(name: str, text: str) -> OSError | None:
    stream: TextIO = getattr(sys, name)
    try:
        stream.write(paint(text) if colours(stream) else text)
        stream.flush()
    except OSError as error:
        _let_go(name, stream)
        return error
    return None


class Steady:
    """A stream for others to write to (rich's bar): what can't be written is left out."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except (OSError, ValueError):
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError):
            pass  # nobody is there

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Nowhere(io.TextIOBase):
    def write(self, text: str) -> int:
        return len(text)


def _let_go(name: str, stream: TextIO) -> None:
    """Send the rest to nowhere, the interpreter's own last flush too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    except (OSError, ValueError):  # not a real file: a test's or an embedder's stream
        setattr(sys, name, _Nowhere())
    finally:
        os.close(nowhere)


def is_terminal(stream: TextIO) -> bool:
    """Tell whether a person looks at `stream`."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def colours(stream: TextIO) -> bool:
    """Tell whether `stream` takes colours (https://no-color.org)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def paint(text: str) -> str:
    """Return `text` with ANSI colours by what its lines begin with."""
    return "\n".join(_painted(line) for line in text.split("\n"))


def _painted(line: str) -> str:
    for pattern, style in _STYLES:
        if match := pattern.search(line):
            start, end = match.span()
            return f"{line[:start]}\x1b[{style}m{line[start:end]}\x1b[0m{line[end:]}"
    return line
