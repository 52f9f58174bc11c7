"""Bytes to text, and the characters that a spec may not hold.

A character that a terminal or a reviewer's screen acts on (controls, bidi
marks, line breaks that editors do not show) can hide what a spec does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain, islice

from engine.errors import Diagnostic
from engine.source import Source, Span, describe

LARGEST = 1024 * 1024
"""Bytes that one spec may have."""

_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)

BREAKS = "\x85\u2028\u2029"
"""Line breaks to YAML, and to few editors: good inside quotes only."""

ESCAPE = 'take it out; where a value needs it, write it as an escape in double quotes, e.g. "\\u202e"'
"""The hint for such characters."""

NEVER = re.compile("[\x00\ud800-\udfff]")
"""What no value may hold, however it is written: no database takes it in its SQL."""

_REFUSED = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
    "|[\u202a-\u202e\u2066-\u2069]|\r(?!\\Z)"  # on a line without its end
)


@dataclass(frozen=True, slots=True)
class Masked:
    """A text in which each of `BREAKS` is replaced by a stand-in of one character.

    YAML would count such a character as the end of a line, which no editor
    does; so lines and columns are those of the editor.
    """

    text: str
    stand_ins: str

    def restore(self, text: str) -> str:
        """Return `text` with the stand-ins put back."""
        return text.translate(str.maketrans(self.stand_ins, BREAKS)) if self.stand_ins else text

    def places(self) -> list[int]:
        """Return the offsets of all stand-ins."""
        return [i for i, c in enumerate(self.text) if c in self.stand_ins] if self.stand_ins else []


def decode(data: bytes, name: str) -> tuple[Source, Diagnostic | None]:
    """Return the text of a spec file.

    Args:
        data: the whole file.
        name: its path, for messages.

    Returns:
        The source, and SP101 where the bytes are not UTF-8 (then the source
        holds what could be read, for showing only).
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _refused(Source(name, ""), f"the file is in {encoding}", 1, 1, "save it as UTF-8")
    if data[1:4:2] == b"\x00\x00" or data[0:3:2] == b"\x00\x00":
        return _refused(Source(name, ""), "the file looks like UTF-16 without a mark", 1, 1, "save it as UTF-8")
    try:
        return Source(name, data.decode("utf-8").removeprefix("\ufeff")), None
    except UnicodeDecodeError as error:
        source = Source(name, data.decode("utf-8", "replace").removeprefix("\ufeff"))
        before = data[: error.start].decode("utf-8", "replace").removeprefix("\ufeff")
        message = f"the file is not UTF-8: byte 0x{data[error.start]:02x} at byte offset {error.start}"
        line = before.count("\n") + 1
        return _refused(source, message, line, len(before) - (before.rfind("\n") + 1) + 1, "save it as UTF-8")


def _refused(source: Source, message: str, line: int, column: int, hint: str) -> tuple[Source, Diagnostic]:
    return source, Diagnostic("SP101", "error", message, Span(source, line, column, line, column + 1), hint)


def check(source: Source) -> tuple[Diagnostic, ...]:
    """Return SP101 for each line with a character that a spec may not hold (the first of the line)."""
    found = []
    for number, line in enumerate(source.text.split("\n"), start=1):
        match = _REFUSED.search(line)
        if match:
            span = Span(source, number, match.start() + 1, number, match.end() + 1)
            words = f"the {describe(match.group())} may not stand in a spec"
            found.append(Diagnostic("SP101", "error", words, span, ESCAPE))
        if len(found) == 20:
            break
    return tuple(found)


def place(text: str, offset: int) -> tuple[int, int]:
    """Return line and column, from 1, of an offset into `text`."""
    start = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, start) + 1, offset - start + 1


def mask(text: str) -> Masked:
    """Return `text` with `BREAKS` replaced by characters of the private area that it does not use."""
    if not any(c in text for c in BREAKS):
        return Masked(text, "")
    used = set(text)
    # More characters than `LARGEST` bytes can use up: three are always left.
    unused = (c for c in map(chr, chain(range(0xE000, 0xF900), range(0x10000, 0x10FFFE))) if c not in used)
    stand_ins = "".join(islice(unused, len(BREAKS)))
    return Masked(text.translate(str.maketrans(BREAKS, stand_ins)), stand_ins)
