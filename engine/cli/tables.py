"""Plain tables: two spaces between columns, numbers to the right, nothing cut."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from engine.source import visible


def table(head: Sequence[str], rows: Sequence[Sequence[str | int | None]]) -> str:
    """Return `rows` under `head`, with a line end at the end; None is an empty cell."""
    texts = [[_text(cell) for cell in row] for row in rows]
    right = [bool(rows) and all(isinstance(row[n], int | None) for row in rows) for n in range(len(head))]
    widths = [max(width(line[n]) for line in [list(head), *texts]) for n in range(len(head))]
    lines = [_line(list(head), widths, right), *(_line(line, widths, right) for line in texts)]
    return "".join(f"{line}\n" for line in lines)


def width(text: str) -> int:
    """Return the number of terminal cells that `text` takes."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(bool(unicodedata.combining(c)) for c in text)


def _text(cell: str | int | None) -> str:
    if cell is None:
        return ""
    return f"{cell:,}" if isinstance(cell, int) else visible(cell)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = []
    for cell, wide, to_right in zip(cells, widths, right, strict=True):
        space = " " * (wide - width(cell))
        padded.append(space + cell if to_right else cell + space)
    return "  ".join(padded).rstrip()
