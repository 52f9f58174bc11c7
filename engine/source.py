"""Where text came from: sources, spans, and the caret that points at them.

Knows lines and columns, nothing else. Lines and columns start at 1; the end
column is the one after the last character.
"""

from __future__ import annotations

from dataclasses import dataclass


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
        # As editors count: `splitlines` would also break at U+2028 and the like.
        lines = self.text.split("\n")
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


def caret(span: Span) -> str:
    """Return the line of `span` and, below it, carets under the stretch.

    Returns:
        Two lines of text: `   7 |   the line` and `     |   ^^^^`.
    """
    raw = span.source.line(span.line)
    head = f"{span.line:>4} | "
    if span.end_line == span.line:
        width = max(1, span.end_column - span.column)
    else:
        width = max(1, len(raw) - span.column + 1)
    width = min(width, max(1, len(raw) - span.column + 1))
    indent = len(visible(raw[: span.column - 1].replace("\t", " ")))
    shown = visible(raw.replace("\t", " "))
    return f"{head}{shown}\n{' ' * (len(head) - 2)}| {' ' * indent}{'^' * width}"
