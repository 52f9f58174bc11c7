"""Where words go: results to stdout, everything else to stderr; colours on terminals only.

A reader who goes away (`engine plan | head`) ends nothing: a migration that is
running must not fail because nobody listens.
"""

from __future__ import annotations

import io
import os
import re
import sys
from typing import TextIO

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
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def out(text: str) -> None:
    """Write a result to stdout."""
    _write("stdout", text)


def say(text: str) -> None:
    """Write a message to stderr, with a line end added."""
    _write("stderr", text + "\n")


def _write(name: str, text: str) -> None:
    stream: TextIO = getattr(sys, name)
    try:
        stream.write(paint(text) if colours(stream) else text)
        stream.flush()
    except BrokenPipeError:
        _let_go(name, stream)


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
