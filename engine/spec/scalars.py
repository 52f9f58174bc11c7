"""What an unquoted scalar means, and what a reader in a hurry would take it for.

Values follow YAML 1.2: only `true`, `false`, `null` and decimal numbers are
not text. What YAML 1.1 would make of the rest is told as a *surprise*, so that
the builder can refuse it where text, a value or a name is expected. A decimal
number is never a surprise: that it is no text can be seen from its value.
"""

from __future__ import annotations

import re
from decimal import Decimal

from engine.spec.nodes import Plain

_LONGEST_NUMBER = 100
_WORDS: dict[str, Plain] = {"true": True, "false": False, "null": None}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?\Z")
_DIGITS_ONLY = re.compile(r"[-+]?[0-9.eE+-]+\Z")

_TAKEN_FOR = {
    **dict.fromkeys("yes Yes YES on On ON True TRUE".split(), "the boolean true"),
    **dict.fromkeys("no No NO off Off OFF False FALSE".split(), "the boolean false"),
    **dict.fromkeys("~ Null NULL".split(), "null"),
}
_NUMERIC = "+-.0123456789"  # what the patterns below begin with
_OCTAL = re.compile(r"[-+]?0o?[0-7]+\Z")
_ZEROS = re.compile(r"[-+]?0[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?\Z")
_HEX = re.compile(r"[-+]?0x[0-9a-fA-F_]+\Z")
_BINARY = re.compile(r"[-+]?0b[01_]+\Z")
_GROUPED = re.compile(r"[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?\Z")
_SIXTIES = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}\Z")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?"
    r"(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::?[0-9]{2})?))?\Z"
)
_NO_NUMBER = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")


def resolve(text: str) -> tuple[Plain, str]:
    """Return the value of an unquoted scalar and what else it could be taken for.

    Args:
        text: the scalar as it stands, not empty.

    Returns:
        The value by the rules of YAML 1.2, and words such as `the number 8`
        for `010`; "" where nobody would be surprised.
    """
    if text in _WORDS:
        return _WORDS[text], ""
    if text[0] not in _NUMERIC or too_long(text):
        return text, surprise(text)
    if _INTEGER.match(text):
        return int(text), ""
    if _DECIMAL.match(text):
        return Decimal(text), ""
    return text, surprise(text)


def too_long(text: str) -> bool:
    """Tell whether `text` is a number of more digits than any database holds."""
    return len(text) > _LONGEST_NUMBER and _DIGITS_ONLY.match(text) is not None


def surprise(text: str) -> str:
    """Return what YAML 1.1 takes the unquoted `text` for where 1.2 reads text, or ""."""
    if text in _TAKEN_FOR or text[:1] not in _NUMERIC or too_long(text):
        return _TAKEN_FOR.get(text, "")
    words = (
        (_HEX, "a hexadecimal number"),
        (_BINARY, "a binary number"),
        (_DATE, "a date"),
        (_MOMENT, "a date with a time"),
        (_NO_NUMBER, "a number that is none (infinity, not a number)"),
    )
    for pattern, meaning in words:
        if pattern.match(text):
            return meaning
    if _OCTAL.match(text):
        return f"the number {_sign(text)}{int(text.lstrip('+-').replace('o', ''), 8)}"
    if _ZEROS.match(text):
        return "a number without its leading zeros"
    if _SIXTIES.match(text):
        return _sixties(text)
    if _GROUPED.match(text) and "_" in text:
        return f"the number {text.replace('_', '')}"
    return ""


def _sign(text: str) -> str:
    return "-" if text.startswith("-") else ""


def _sixties(text: str) -> str:
    """Return what `12:30` counts to in sixties, as YAML 1.1 reads it."""
    total = Decimal(0)
    for part in text.lstrip("+-").replace("_", "").split(":"):
        total = total * 60 + Decimal(part)
    return f"the number {_sign(text)}{total}, counted in sixties"


def quoted(text: str) -> str:
    """Return `text` as a double-quoted YAML scalar on one line, for hints.

    Single quotes are used where that spares escapes and nothing needs one.
    """
    plain = all(c.isprintable() for c in text)
    if plain and ('"' in text or "\\" in text):
        return "'" + text.replace("'", "''") + "'"
    named = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(named.get(c) or (c if c.isprintable() else _escape(c)) for c in text) + '"'


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
