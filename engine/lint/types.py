"""Types as rules compare them: family and size, of a portable or a declared type; and what all specs declared."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.lint.base import SpecView
from engine.lint.declared import declare
from engine.lint.story import Scene, scenes
from engine.model.expression import PerDialect
from engine.model.state import fold

_TYPE = re.compile(r"\s*([A-Za-z][A-Za-z0-9 ]*?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*")
_INTEGERS = {"tinyint": 1, "smallint": 2, "int2": 2, "mediumint": 3, "integer": 4, "int": 4, "int4": 4}
_INTEGERS |= {"bigint": 8, "int8": 8}
_FAMILIES = {
    "boolean": "boolean",
    "bool": "boolean",
    "decimal": "decimal",
    "numeric": "decimal",
    "real": "float",
    "float": "float",
    "double": "float",
    "double precision": "float",
    "text": "text",
    "varchar": "text",
    "char": "text",
    "character": "text",
    "character varying": "text",
    "blob": "blob",
    "bytea": "blob",
    "date": "date",
    "time": "time",
    "timestamp": "timestamp",
    "datetime": "timestamp",
    "timestamptz": "timestamptz",
    "json": "json",
    "jsonb": "json",
    "uuid": "uuid",
}
_OTHERS = frozenset({"nvarchar", "nchar", "clob", "nclob", "inet", "cidr", "float4", "float8", "datetime2", "timetz"})
_OTHERS |= frozenset({"number", "bytes", "int1", "int3", "uint", "interval", "xml", "bit"})


@dataclass(frozen=True, slots=True)
class Kind:
    """A type, taken apart.

    Attributes:
        family: integer, decimal, float, text, blob, boolean, date, time, timestamp, timestamptz, json, uuid, or "".
        name: its name in small letters.
        size: bytes of an integer, digits of a decimal, characters of a text; 0 where nothing limits it.
        scale: digits after the point.
    """

    family: str
    name: str = ""
    size: int = 0
    scale: int = 0


def kind(text: str) -> Kind:
    """Return a type taken apart; the family is "" for what is not known."""
    match = _TYPE.fullmatch(text)
    if match is None:
        return Kind("")
    name = " ".join(match[1].lower().split())
    first, second = int(match[2] or 0), int(match[3] or 0)
    if name in _INTEGERS:
        return Kind("integer", name, _INTEGERS[name])
    return Kind(_FAMILIES.get(name, ""), name, first, second)


def misspelt(text: str) -> str:
    """Return the type that a name with a slip in it is meant to be, or "" where it is none."""
    match = _TYPE.fullmatch(text)
    name = " ".join(match[1].lower().split()) if match else ""
    known = (*_FAMILIES, *_INTEGERS)
    if not name or name in known or name in _OTHERS:
        return ""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    return close[0] if close and abs(len(close[0]) - len(name)) < 2 else ""


_DIGITS = {1: 2, 2: 4, 3: 6, 4: 9, 8: 18}  # bytes of an integer → digits that it can hold whatever they are
NUMBERS = ("integer", "decimal", "float")


def loses(old: Kind, new: Kind) -> str:
    """Return what values of `old` may lose as `new`, in a few words; "" for nothing that is sure."""
    if not old.family or not new.family:
        return ""
    if old.family == new.family:
        return _shrinks(old, new)
    pair = (old.family, new.family)
    if pair == ("decimal", "integer") and old.size and not old.scale:  # whole numbers
        return "" if old.size <= _DIGITS.get(new.size, 0) else f"numbers that need more than {new.size} bytes"
    if pair in (("float", "integer"), ("decimal", "integer")):
        return "what stands after the point"
    if pair == ("decimal", "float"):
        return "exact digits"
    if pair == ("text", "integer") or pair == ("text", "decimal") or pair == ("text", "float"):
        return "leading zeros, signs and all that is no number"
    if pair in (("timestamp", "date"), ("timestamptz", "date")):
        return "the time of day"
    if pair == ("timestamptz", "timestamp"):
        return "the time zone"
    if pair == ("timestamp", "time"):
        return "the day"
    if new.family == "boolean" and old.family in NUMBERS:
        return "every number but 0 and 1"
    return ""


def _shrinks(old: Kind, new: Kind) -> str:
    if old.family == "integer" and new.size < old.size:
        return f"numbers that need more than {new.size} bytes"
    if old.family == "text" and new.size and (not old.size or new.size < old.size):
        return f"all that is longer than {new.size} characters"
    if old.family == "decimal" and new.size:
        if old.size and new.scale < old.scale:
            return "digits after the point"
        if old.size and new.size - new.scale < old.size - old.scale:
            return "digits before the point"
    return ""


# ── what the specs declared ───────────────────────────────────────────────
Declared = dict[tuple[str, str], PerDialect]
"""(table, column), folded → the type as a spec wrote it: SQLite's own state knows `date` as TEXT only."""


def walk(view: SpecView) -> Iterator[tuple[Scene, Declared]]:
    """Yield all steps with the types declared before each; the mapping goes on changing."""
    found: Declared = dict(view.declared)
    for scene in scenes(view):
        yield scene, found
        for change in scene.fact.changes:
            declare(change, found)


def kind_of(table: str, column: str, scene: Scene, declared: Declared) -> Kind:
    """Return the kind of an existing column: as a spec declared it, else as the database prints it."""
    type = declared.get((fold(table), fold(column)))
    if type is not None:
        return as_written(type)
    owner = scene.fact.before.table(table)
    known = owner.column(column) if owner else None
    found = kind(known.type) if known else Kind("")
    # SQLite keeps every integer as INTEGER and dates as TEXT: no size and no family that could be relied on.
    return Kind("integer", found.name, 8) if found.family == "integer" and found.name == "integer" else found


def as_written(type: PerDialect) -> Kind:
    """Return the kind of a type as a spec has it; one given per database counts where all agree in family."""
    if type.text is not None:
        return kind(type.text)
    kinds = [kind(text) for _, text in type.texts]
    return kinds[0] if kinds and all(k.family == kinds[0].family for k in kinds) else Kind("")
