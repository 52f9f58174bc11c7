"""Whether a file has the form of `schema.json`: the quick answer for the many that have.

A yes is certain. A no is none: it sends the file to the library that knows JSON Schema, which takes a tenth of a second
to import and has the words for what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

# pylint: disable=unidiomatic-typecheck  # `True` is an int to Python, and no number to JSON

Test = Callable[[Any], bool]

_WORDS = {"$schema", "$defs", "$comment", "title", "description", "examples", "default"}
_TYPES: dict[str, Test] = {
    "string": lambda value: type(value) is str,
    "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) in (int, float),
    "boolean": lambda value: type(value) is bool,
    "null": lambda value: value is None,
    "array": lambda value: type(value) is list,
    "object": lambda value: type(value) is dict,
}
_BOUNDS: dict[str, Callable[[Any, Any], bool]] = {
    "minLength": lambda value, bound: type(value) is not str or len(value) >= bound,
    "minItems": lambda value, bound: type(value) is not list or len(value) >= bound,
    "minProperties": lambda value, bound: type(value) is not dict or len(value) >= bound,
    "maxProperties": lambda value, bound: type(value) is not dict or len(value) <= bound,
    "minimum": lambda value, bound: type(value) not in (int, float) or value >= bound,
    "required": lambda value, names: type(value) is not dict or all(name in value for name in names),
}
_STRUCTURE = {"type", "enum", "pattern", "$ref", "items", "properties", "additionalProperties"}


class Form:
    """A schema, ready to be asked; a part of it is made ready when a file first has it."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        self._made: dict[int, Test] = {}

    def holds(self, value: object) -> bool:
        """Tell whether `value` (what JSON has: dict, list, str, int, float, bool, None) certainly has the form."""
        return self._holds(self._schema, value)

    def _holds(self, schema: Any, value: object) -> bool:
        made = self._made.get(id(schema))  # parts of one tree that is kept: an id is a name
        if made is None:
            made = self._made[id(schema)] = self._ready(schema)
        return made(value)

    def _ready(self, schema: Any) -> Test:
        if schema is True:
            return lambda value: True
        if not isinstance(schema, Mapping) or schema.keys() - _WORDS - _STRUCTURE - _BOUNDS.keys():
            return lambda value: False  # a keyword that is not known here
        tests = [self._test(key, wanted, schema) for key, wanted in schema.items() if key not in _WORDS]
        return lambda value: all(test(value) for test in tests)

    def _test(self, key: str, wanted: Any, schema: Mapping[str, Any]) -> Test:
        match key:
            case "type":
                kinds = [_TYPES[kind] for kind in ([wanted] if isinstance(wanted, str) else wanted)]
                return kinds[0] if len(kinds) == 1 else lambda value: any(kind(value) for kind in kinds)
            case "enum":
                return lambda value: any(type(value) is type(one) and value == one for one in wanted)
            case "pattern":
                search = re.compile(wanted).search
                return lambda value: type(value) is not str or search(value) is not None
            case "$ref":
                target = self._schema
                for part in wanted.removeprefix("#/").split("/"):
                    target = target[part]
                return lambda value: self._holds(target, value)
            case "items":
                return lambda value: type(value) is not list or all(self._holds(wanted, one) for one in value)
            case "properties":
                return lambda value: (
                    type(value) is not dict
                    or all(self._holds(wanted[name], one) for name, one in value.items() if name in wanted)
                )
            case "additionalProperties":
                known = schema.get("properties", {}).keys()
                return lambda value: (
                    type(value) is not dict or all(self._holds(wanted, value[name]) for name in value.keys() - known)
                )
        bound = _BOUNDS[key]
        return lambda value: bound(value, wanted)
