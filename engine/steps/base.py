"""How a verb describes itself: `@step`, `field`, and the registry made by walking the package.

A step module is one frozen dataclass. Each field is said once: its type, its
shape in YAML, its default and the words that editors show. Schema, reading
and documentation are all made from that.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, Final, Literal, TypeVar

from engine.errors import Problem
from engine.steps.shapes import Shape

# A step of a kind that a coming version brings; writing it is refused with that word.
LATER: Final = ("load",)


Short = Literal["", "any", "maps", "list"]


class Absent(Enum):
    """The default of a field for which `null` means something else than leaving it out."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of a record, as `field` described it.

    Attributes:
        name: of the Python attribute.
        key: as the spec writes it; "" where only the short form can say it.
        also: other spellings of the key.
        short: `any` where what is no mapping of the record's keys stands for this field alone,
            `maps` where a map of databases does so too, `list` where only a list does.
        example: a value to show in editors, or None.
        required: True where there is no default.
    """

    name: str
    key: str
    also: tuple[str, ...]
    shape: Shape
    doc: str
    example: object
    default: object
    short: Short
    required: bool


_REQUIRED: Final = object()
_entries: dict[type, tuple[Entry, ...]] = {}


def field(
    doc: str,
    shape: Shape,
    *,
    default: object = _REQUIRED,
    key: str | None = None,
    also: tuple[str, ...] = (),
    short: Short = "",
    example: object = None,
) -> Any:
    """Return a dataclass field that knows how it is written.

    Args:
        doc: words for editors and documentation, one or two sentences.
        shape: what may stand there in YAML.
        default: value where it is left out; without one it is required.
        key: its key where that is not the attribute's name (`from`).
        also: other keys that mean the same (`column` beside `columns`).
        short: which bare value in place of the mapping means this field, see `Entry`.
        example: a value to show in editors.
    """
    metadata = {"entry": (doc, shape, key, also, short, example)}
    if default is _REQUIRED:
        return dataclasses.field(metadata=metadata, kw_only=True)
    return dataclasses.field(default=default, metadata=metadata, kw_only=True)


def entries(cls: type) -> tuple[Entry, ...]:
    """Return the fields of a record in the order in which they are defined."""
    if cls not in _entries:
        _entries[cls] = tuple(_described(cls))
    return _entries[cls]


def _described(cls: type) -> Iterable[Entry]:
    for item in dataclasses.fields(cls):
        doc, shape, key, also, short, example = item.metadata["entry"]
        required = item.default is dataclasses.MISSING
        name = item.name if key is None else key
        default = None if required else item.default
        yield Entry(item.name, name, also, shape, doc, example, default, short, required)


def entry(cls: type, name: str) -> Entry:
    """Return the field of `cls` whose attribute is `name`."""
    return next(e for e in entries(cls) if e.name == name)


def short_entry(cls: type) -> Entry | None:
    """Return the field that a bare value stands for, or None."""
    return next((e for e in entries(cls) if e.short), None)


def words(cls: type) -> str:
    """Return the class's docstring, cleaned."""
    return inspect.cleandoc(cls.__doc__ or "")


def problems(value: object) -> Iterable[Problem]:
    """Yield what a record's own `problems()` says against its fields; paths begin below it."""
    own = getattr(value, "problems", None)
    return () if own is None else own()


# ── verbs ─────────────────────────────────────────────────────────────────
_T = TypeVar("_T", bound=type)
_found: dict[str, type] = {}


def step(verb: str) -> Callable[[_T], _T]:
    """Register the class below as the step `verb`."""

    def register(cls: _T) -> _T:
        _found[verb] = cls
        return cls

    return register


@lru_cache(maxsize=1)
def verbs() -> Mapping[str, type]:
    """Return verb → class for every step module of the package, sorted by verb."""
    package = importlib.import_module("engine.steps")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"engine.steps.{module.name}")
    return {verb: _found[verb] for verb in sorted(_found)}
