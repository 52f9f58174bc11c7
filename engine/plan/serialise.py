"""Plan ⇄ plain JSON values, exactly: what the history stores and a resume reads.

Generic over the frozen dataclasses of `model.plan`: a field that is added
there with a default needs no change here. Every field is written out, so that
a default that changes later changes no stored plan.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable
from functools import cache
from typing import Any

from engine.errors import Drift
from engine.model import plan as model

FORMAT = 1

Value = (
    model.Plan
    | model.MigrationPlan
    | model.Unit
    | model.Statement
    | model.Loop
    | model.Check
    | model.Expectation
    | model.Guard
    | model.Condition
    | model.Left
)
_TYPES: dict[str, Any] = {kind.__name__: kind for kind in typing.get_args(Value)}


def to_json(value: Value) -> dict[str, Any]:
    """Return `value` as dicts, lists, text, whole numbers, booleans and None.

    The top level also has `format` (the version of this form) and `type`.
    """
    return {"format": FORMAT, "type": type(value).__name__, **_plain(value)}


def from_json(document: object) -> Any:
    """Return the value that `to_json` was given; its type is the one named in `type`.

    Raises:
        Drift: the document is damaged, or written by a newer version.
    """
    if not isinstance(document, dict):
        raise _damaged("it is not an object")
    fields = dict(document)
    if (found := fields.pop("format", None)) != FORMAT:
        raise _damaged(f"its format is {found!r}, and this version reads format {FORMAT}")
    kind = _TYPES.get(str(fields.pop("type", None)))
    if kind is None:
        raise _damaged("it does not say what it is")
    return _reader(kind)(fields, kind.__name__)


def dumps(value: Value) -> str:
    """Return `value` as one line of JSON; equal values give equal bytes (ASCII only)."""
    return json.dumps(to_json(value), sort_keys=True, separators=(",", ":"))


def loads(text: str) -> Any:
    """Return the value that `dumps` was given.

    Raises:
        Drift: the text is damaged, or written by a newer version.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(str(error)) from error
    return from_json(document)


def _damaged(what: str) -> Drift:
    return Drift(
        f"a stored plan can't be read: {what}",
        "it was changed by hand, damaged, or written by a newer version of the engine",
    )


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


# ── reading: one small function per annotated type, made once ─────────────
Read = Callable[[Any, str], Any]


@cache
def _reader(kind: Any) -> Read:
    if kind in (str, int, bool, type(None)):
        return _exactly(kind)
    if dataclasses.is_dataclass(kind):
        return _fields(kind)
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        return _items(_reader(args[0]))
    if origin is typing.Literal:
        return _one_of(args)
    if origin in (types.UnionType, typing.Union):
        return _first_that_fits(args)
    raise TypeError(f"a plan has no way to store {kind!r}")


def _exactly(kind: type) -> Read:
    def read(value: Any, place: str) -> Any:
        if type(value) is not kind:  # True is an int to isinstance
            raise _damaged(f"{place} is {value!r:.60}")
        return value

    return read


def _one_of(allowed: tuple[Any, ...]) -> Read:
    def read(value: Any, place: str) -> Any:
        if value not in allowed:
            raise _damaged(f"{place} is {value!r:.60}")
        return value

    return read


def _items(item: Read) -> Read:
    def read(value: Any, place: str) -> Any:
        if not isinstance(value, list):
            raise _damaged(f"{place} is not a list")
        return tuple(item(entry, f"{place}[{number}]") for number, entry in enumerate(value))

    return read


def _first_that_fits(kinds: tuple[Any, ...]) -> Read:
    plain = tuple(kind for kind in kinds if not dataclasses.is_dataclass(kind))
    rich: Any = next((kind for kind in kinds if dataclasses.is_dataclass(kind)), None)

    def read(value: Any, place: str) -> Any:
        if type(value) in plain:
            return value
        if rich is None:
            raise _damaged(f"{place} is {value!r:.60}")
        return _reader(rich)(value, place)

    return read


def _fields(kind: Any) -> Read:
    hints = typing.get_type_hints(kind)
    required = {
        field.name
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }

    def read(value: Any, place: str) -> Any:
        if not isinstance(value, dict):
            raise _damaged(f"{place} is not an object")
        if unknown := sorted(value.keys() - hints.keys()):
            raise _damaged(f"{place} has `{unknown[0]}`, which this version does not know")
        if missing := sorted(required - value.keys()):
            raise _damaged(f"{place} has no `{missing[0]}`")
        return kind(**{name: _reader(hints[name])(entry, f"{place}.{name}") for name, entry in value.items()})

    return read
