"""From step modules to JSON Schema: `python -m engine.spec.derive > schema.json`.

The schema is made so that each mistake gives one error at its own place: a
step is one mapping with all verbs as properties, nothing is a choice between
alternatives, and what a schema can't say is left to the building of the spec.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping

from engine.spec.derive_parts import SCALAR, Schema, parts, ref
from engine.spec.document import Beside, Document
from engine.steps.base import ABSENT, Entry, entries, short_entry, verbs, words
from engine.steps.shapes import (
    Expr,
    Flag,
    ListOf,
    MapOf,
    Name,
    Names,
    Part,
    Record,
    Scalar,
    Shape,
    SqlText,
    Text,
    Type,
    Value,
    Whole,
    Word,
    Words,
)

# A number may be written by a template that is all of its text.
_TEMPLATE = r"\{\{[^{}]*\}\}"
_NO_UNDO = ("id", "undo", "irreversible", "ignore")


def schema() -> Schema:
    """Return the schema of a spec, draft 2020-12, the same for the same modules."""
    definitions = _Definitions()
    root = definitions.record(Document)
    definitions.add_steps()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "engine spec",
        **root,
        "$defs": {name: definitions.found[name] for name in sorted(definitions.found)},
    }


def text() -> str:
    """Return the schema as the file holds it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


class _Definitions:
    """Collects the named parts of the schema, so that each stands there once."""

    def __init__(self) -> None:
        self.found: dict[str, Schema] = parts()

    # ── records ───────────────────────────────────────────────────────────
    def record(self, cls: type) -> Schema:
        """Return the schema of a mapping with fixed keys."""
        made: Schema = {"type": "object", "description": words(cls), "properties": self.properties(cls)}
        required = [entry.key for entry in entries(cls) if entry.required and entry.key and not entry.also]
        if required:
            made["required"] = required
        made["additionalProperties"] = False
        short = short_entry(cls)
        return self._with_short(made, short) if short is not None else made

    def properties(self, cls: type) -> Schema:
        """Return the schema of each key."""
        found: Schema = {}
        for entry in entries(cls):
            if not entry.key:
                continue
            own = self._property(entry)
            found[entry.key] = own
            for other in entry.also:
                found[other] = {**own, "description": f"The same as `{entry.key}`. {entry.doc}"}
        return found

    def _property(self, entry: Entry) -> Schema:
        own = {**self.shape(entry.shape), "description": entry.doc}
        if not entry.required and entry.default not in (None, "", (), ABSENT):
            own["default"] = _plain(entry.default)
        if entry.example is not None:
            own["examples"] = [entry.example]
        return own

    def _with_short(self, made: Schema, short: Entry) -> Schema:
        """Let what may stand for one field alone stand in place of the mapping."""
        inner = self.shape(short.shape)
        while "$ref" in inner:
            inner = self.found[inner["$ref"].rpartition("/")[2]]
        kinds = set(inner["type"] if isinstance(inner["type"], list) else [inner["type"]])
        if short.short == "list":
            kinds = {"array"}
        if not made["properties"]:
            made["type"] = sorted(kinds)
            del made["properties"], made["additionalProperties"]
        else:
            made["type"] = sorted({*kinds, "object"})
        for word in ("items", "minItems", "pattern", "minimum", "minLength"):
            if word in inner:
                made[word] = inner[word]
        if short.short == "maps":
            made["properties"] = {**inner["properties"], **made["properties"]}
            made.pop("required", None)
        return made

    # ── shapes ────────────────────────────────────────────────────────────
    def shape(self, shape: Shape) -> Schema:
        """Return the schema of what may stand in one place."""
        made: Schema
        match shape:
            case Name():
                return {"type": "string", "minLength": 1}
            case Names(least=least):
                item = {"type": "string", "minLength": 1}
                return {"type": ["array", "string"], "items": item, "minItems": least, "minLength": 1}
            case Text(nullable=nullable, hint=hint):
                made = {"type": ["null", "string"] if nullable else "string"}
                return {**made, "$comment": hint} if hint else made
            case Word(choices=choices):
                return {"enum": list(choices)}
            case Words(choices=names):
                pattern = f"^({'|'.join(names)})$"
                return {
                    "type": ["array", "string"],
                    "items": {"enum": list(names)},
                    "minItems": 1,
                    "pattern": pattern,
                }
            case Flag():
                return {"type": "boolean"}
            case Whole(minimum=minimum, word=word):
                pattern = f"^({re.escape(word)}|{_TEMPLATE})$" if word else f"^({_TEMPLATE})$"
                return {"type": ["integer", "string"], "minimum": minimum, "pattern": pattern}
            case SqlText(kind=kind):
                return ref("script" if kind == "script" else "sql")
            case Value():
                return ref("value")
            case Expr():
                return ref("expression")
            case Type():
                return ref("type")
            case Scalar():
                return {"type": SCALAR}
            case Part(name=name):
                return ref(name)
            case MapOf():
                return self._map(shape)
            case ListOf(item=each, least=least, bare=bare):
                inner = self.shape(each)
                made = {"type": "array", "items": inner, "minItems": least}
                if isinstance(each, Record) and each.hint:
                    made["$comment"] = each.hint
                return _bare(made, self._resolved(inner)) if bare else made
            case Record():
                return self._named(shape)

    def _map(self, shape: MapOf) -> Schema:
        inner = self.shape(shape.value)
        if shape.choices:
            properties = dict.fromkeys(shape.choices, inner)
            return {"type": "object", "properties": properties, "additionalProperties": False}
        made: Schema = {"type": "object", "additionalProperties": inner, "minProperties": 1}
        if shape.or_names:
            made["type"] = ["array", "object", "string"]
            made["items"] = {"type": "string", "minLength": 1}
            made["minItems"] = 1
        return made

    def _named(self, shape: Record) -> Schema:
        cls = shape.cls()
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        if name not in self.found:
            self.found[name] = {}  # it may refer to itself
            self.found[name] = self.record(cls)
            if shape.hint:
                self.found[name]["$comment"] = shape.hint
        return ref(name)

    def _resolved(self, made: Schema) -> Schema:
        while "$ref" in made:
            made = self.found[made["$ref"].rpartition("/")[2]]
        return made

    # ── steps ─────────────────────────────────────────────────────────────
    def add_steps(self) -> None:
        """Add what a step is, and what `undo` takes."""
        bodies = {verb: self._verb(cls) for verb, cls in verbs().items()}
        beside = self.properties(Beside)
        self.found["steps"] = {"type": "array", "items": ref("step"), "minItems": 1}
        self.found["step"] = {
            "type": "object",
            "description": "One step: exactly one verb (or `steps`), and what goes beside it.",
            "properties": {**{verb: ref(f"verb_{verb}") for verb in bodies}, **beside},
            "additionalProperties": False,
        }
        for verb, body in bodies.items():
            self.found[f"verb_{verb}"] = body
        self.found["undo"] = self._undo(bodies, beside)

    def _verb(self, cls: type) -> Schema:
        made = self.record(cls)
        examples = [_body(text) for text in cls.EXAMPLES]  # type: ignore[attr-defined]
        return {**made, "examples": examples}

    def _undo(self, bodies: Mapping[str, Schema], beside: Schema) -> Schema:
        """Return what `undo` takes: SQL as `sql` takes it, a step, or a list of either."""
        script = self.found["script"]["properties"]
        run = bodies["sql"]["properties"]
        properties = {
            **{verb: ref(f"verb_{verb}") for verb in bodies},
            **{key: value for key, value in beside.items() if key not in _NO_UNDO},
            **script,
            **run,
        }
        return {
            "type": ["array", "object", "string"],
            "items": ref("undo"),
            "minItems": 1,
            "minLength": 1,
            "properties": properties,
            "additionalProperties": False,
        }


def _bare(made: Schema, inner: Schema) -> Schema:
    """Let one item stand without the brackets."""
    kinds = inner["type"] if isinstance(inner["type"], list) else [inner["type"]]
    made["type"] = sorted({"array", *kinds})
    for word in ("properties", "additionalProperties", "minLength"):
        if word in inner:
            made[word] = inner[word]
    return made


def _plain(value: object) -> object:
    """Return a default as YAML writes it."""
    return (
        list(value) if isinstance(value, tuple) and len(value) > 1 else value[0] if isinstance(value, tuple) else value
    )


def _body(text: str) -> object:
    """Return an example as data: the verb's own part."""
    from engine.source import Source
    from engine.spec.plain import plain
    from engine.spec.reader import read

    root, _ = read(Source("example", text))
    data = plain(root) if root is not None else {}
    return next(iter(data.values())) if isinstance(data, dict) else data


if __name__ == "__main__":
    sys.stdout.write(text())
