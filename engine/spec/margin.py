"""The line that stands out of line: what YAML tells one line too late."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from engine.spec.traps import Trap

LARGEST = 100_000
"""Characters of a file in which lines are tried at other places."""

_SUSPECTS = 4
_BEGIN = re.compile(r" *(?:- +)*")
_HINT = "give all keys of one mapping the same indentation"


def out_of_line(text: str, at: int) -> Trap | None:
    """Return the trap of a line before the place where YAML stopped, if moving it alone makes the file readable.

    Of several lines that would do, and of them and the line at which it stopped, the one is told after whose move
    most lines stand as far right of their parents as most lines of the file do.

    Args:
        text: the whole file.
        at: offset of the place where it stopped.
    """
    lines = text.split("\n")
    stopped = text.count("\n", 0, at)
    if len(text) > LARGEST or not _counts(lines[stopped]):
        return None
    usual = _usual(lines)
    best: tuple[int, int, int] | None = None
    for line in (stopped, *_suspects(lines, stopped)):
        for column in _columns(lines, line):
            moved = [*lines[:line], " " * column + lines[line].lstrip(" "), *lines[line + 1 :]]
            if not _parses("\n".join(moved)):
                continue
            odd = sum(step not in (0, usual) for step in _steps(moved))
            if best is None or odd < best[0]:
                best = odd, line, column
    if best is None or best[1] == stopped:
        return None
    _, line, column = best
    begin = sum(len(before) + 1 for before in lines[:line]) + _column(lines[line])
    message = f"this line is out of line: its neighbours begin in column {column + 1}"
    return Trap(begin, begin + len(lines[line].strip()), message, _HINT)


def _suspects(lines: Sequence[str], stopped: int) -> Iterator[int]:
    """Yield the line above, and above it those that begin further left than all between, nearest first."""
    left, found = len(lines[stopped]), 0
    for line in range(stopped - 1, -1, -1):
        if _counts(lines[line]) and (not found or _column(lines[line]) < left):
            yield line
            left, found = _column(lines[line]), found + 1
        if found == _SUSPECTS:
            return


def _usual(lines: Sequence[str]) -> int:
    """Return how far right of their parents most lines begin."""
    steps = Counter(step for step in _steps(lines) if step > 0)
    return max(steps, key=lambda step: (steps[step], step == 2), default=2)


def _steps(lines: Sequence[str]) -> Iterator[int]:
    """Yield for each line how far right it begins of the key that it stands below, or of the margin."""
    parents: list[int] = []
    for line in lines:
        if not _counts(line):
            continue
        while parents and parents[-1] >= _column(line):
            parents.pop()
        yield _column(line) - parents[-1] if parents else -_column(line)
        parents.append(_key_column(line))


def _columns(lines: Sequence[str], line: int) -> Iterator[int]:
    """Yield the columns at which the lines near it and above it begin, with and without their dashes, each once."""
    seen = {_column(lines[line])}
    below = next((n for n in range(line + 1, len(lines)) if _counts(lines[n])), line)
    for near in (below, *_suspects(lines, line)):
        for column in (_column(lines[near]), _key_column(lines[near])):
            if column not in seen:
                seen.add(column)
                yield column


def _column(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _key_column(line: str) -> int:
    """Return where the first key or value of a line begins, behind the dashes of lists."""
    match = _BEGIN.match(line)
    return match.end() if match else 0


def _counts(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _parses(text: str) -> bool:
    import yaml

    try:
        for _ in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            pass
    except yaml.YAMLError:
        return False
    return True
