"""Where text came from: sources, spans, and the caret that points at them.

Knows lines and columns, nothing else. Lines and columns start at 1; the end
column is the one after the last character.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from engine.credentials import starred

_CONTROL_NAMES = {
    "\x00": "NUL",
    "\x08": "backspace",
    "\x1b": "escape",
    "\x7f": "delete",
    "\r": "carriage return",
}


_WIDEST = 200  # characters of a line that are shown
_LEAD = 60  # of which so many stand before the place that is meant


@lru_cache(maxsize=8)  # a file may have thousands of findings
def _lines(text: str) -> list[str]:
    """Return the lines as editors count them: `splitlines` would also break at U+2028 and the like."""
    return text.split("\n")


@dataclass(frozen=True, slots=True)
class Source:
    """One text that was read once.

    Attributes:
        name: path as the user wrote it, for messages.
        text: the whole text, as it was read.
    """

    name: str
    text: str

    def line(self, number: int) -> str:
        """Return line `number` (from 1) without its end, or "" when there is none."""
        lines = _lines(self.text)
        return lines[number - 1].removesuffix("\r") if 0 < number <= len(lines) else ""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a source, from (line, column) to (end_line, end_column)."""

    source: Source
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"


def visible(text: str) -> str:
    """Return `text` with control, bidi and zero-width characters written as escapes.

    Data and names are shown on terminals; an escape sequence in them must not act.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shortened(text: str, most: int = 60) -> str:
    """Return `text` for a message: its beginning where it is long."""
    return text if len(text) <= most else text[: most - 1] + "…"


def describe(character: str) -> str:
    """Return words for a character that can't be shown."""
    code = f"U+{ord(character):04X}"
    if "\ud800" <= character <= "\udfff":
        return f"lone surrogate {code}"
    name = _CONTROL_NAMES.get(character) or unicodedata.name(character, "").lower()
    kind = "control character" if unicodedata.category(character) == "Cc" else "character"
    return f"{kind} {code} ({name})" if name else f"{kind} {code}"


def caret(span: Span) -> str:
    """Return the line of `span` and, below it, carets under the stretch; of a long line the part around it.

    Returns:
        Two lines of text: `   7 |   the line` and `     |   ^^^^`.
    """
    raw = starred(span.source.line(span.line))
    head = f"{span.line:>4} | "
    if span.end_line == span.line:
        width = max(1, span.end_column - span.column)
    else:
        width = max(1, len(raw) - span.column + 1)
    width = min(width, max(1, len(raw) - span.column + 1))
    line = raw.replace("\t", " ")
    begin = min(max(0, span.column - 1 - _LEAD), max(0, len(line) - _WIDEST))
    end = begin + _WIDEST
    width = min(width, max(1, end - span.column + 1))
    before = "…" if begin else ""
    indent = len(before) + len(visible(line[begin : span.column - 1]))
    shown = f"{before}{visible(line[begin:end])}{'…' if end < len(line) else ''}"
    return f"{head}{shown}\n{' ' * (len(head) - 2)}| {' ' * indent}{'^' * width}"
