"""What a new name may not hold, on any database; names that are there already may be called as they are."""

from __future__ import annotations

import re

from engine.source import describe

LONGEST = 255
"""Bytes of a name that a spec writes; the databases but SQLite take far less."""

# What a terminal acts on, what nobody sees, and what turns the reading round.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\xa0\xad\u061c\u115f\u1160\u17b4\u17b5\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164"
    "\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]"
)


def fault_of(name: str) -> str:
    """Return why `name` can't be given to something new, "" where it can.

    Args:
        name: as the spec gives it, after templates.
    """
    unseen = _UNSEEN.search(name)
    if unseen:
        return f"a new name can't hold the {describe(unseen.group())}"
    if not name.strip():
        return "a name can't be empty"
    if name != name.strip():
        return "a new name can't begin or end with a space"
    return ""


def among_latin(name: str) -> str:
    """Return words for the first letter of Greek or Cyrillic in a name of Latin letters, "" for none.

    Many of them look the same, and what is written with one is found by nobody who types the other.
    """
    if not any(c.isascii() and c.isalpha() for c in name):
        return ""
    return next((describe(c) for c in name if "\u0370" <= c <= "\u052f"), "")
