"""Parts of the schema with a form of their own: SQL, values, expressions, variables, repetitions."""

from __future__ import annotations

from typing import Any

from engine.steps.shapes import DIALECTS

Schema = dict[str, Any]

SCALAR = ["string", "number", "boolean"]


def ref(name: str) -> Schema:
    """Return a reference to the part `name`."""
    return {"$ref": f"#/$defs/{name}"}


def parts() -> dict[str, Schema]:
    """Return the parts by name."""
    return {
        "text_for_database": {"type": "string", "minLength": 1},
        "per_database": _per_database("Text, or text per database."),
        "sql": _sql(),
        "script": _script(),
        "expression": _expression(),
        "value": _value(),
        "type": _per_database("A type, or a type per database."),
        "variables": _variables(),
        "for_each": _for_each(),
    }


def _per_database(doc: str) -> Schema:
    return {
        "type": ["object", "string"],
        "description": doc,
        "minLength": 1,
        "properties": {name: ref("text_for_database") for name in DIALECTS},
        "minProperties": 1,
        "additionalProperties": False,
    }


def _sql() -> Schema:
    made = _per_database("SQL in the common subset, or SQL per database, which is passed on untouched.")
    made["properties"]["sql"] = ref("per_database")
    return made


def _script() -> Schema:
    made = _per_database("One statement, a list of them, or one or several per database.")
    one = {"type": ["array", "string"], "items": ref("text_for_database"), "minItems": 1, "minLength": 1}
    made["type"] = ["array", "object", "string"]
    made["items"] = ref("per_database")
    made["minItems"] = 1
    made["properties"] = dict.fromkeys(DIALECTS, one)
    return made


def _literal(doc: str) -> Schema:
    return {"type": [*SCALAR, "null"], "description": doc}


def _value() -> Schema:
    return {
        "type": [*SCALAR, "null", "object"],
        "description": "A value as it stands, or {sql: …} for an expression.",
        "properties": {"sql": ref("per_database")},
        "$comment": "for a json column write a list or mapping as quoted text",
        "additionalProperties": False,
    }


def _expression() -> Schema:
    made = _sql()
    made["type"] = [*SCALAR, "null", "object"]
    made["$comment"] = "SQL, a value, or a mapping such as {value: …}"
    made["description"] = (
        "SQL (a column's name is the simplest), a number, true, false, null, {value: …} or {parse: …}."
    )
    made["properties"].update(
        {
            "value": _literal("A literal, quoted for the database by the engine."),
            "parse": {
                **ref("per_database"),
                "description": "A column or expression that holds text, read the same way on every database.",
            },
            "as": {"type": "string", "minLength": 1, "description": "The portable type that `parse` reads."},
            "formats": {
                "type": ["array", "string"],
                "items": {"type": "string", "minLength": 1},
                "minItems": 1,
                "description": "How dates and times are written: strptime formats or unix, tried in order.",
                "examples": [["%Y-%m-%d", "%d/%m/%Y", "unix"]],
            },
            "otherwise": {
                **ref("value"),
                "description": "The value where it can't be read; without it that is an error.",
            },
        }
    )
    return made


def _variables() -> Schema:
    own = {name: _literal(f"For {name}.") for name in DIALECTS}
    value = {
        "type": [*SCALAR, "null", "object"],
        "description": "A value, or one per database.",
        "properties": own,
        "minProperties": 1,
        "additionalProperties": False,
    }
    return {"type": "object", "additionalProperties": value}


def _for_each() -> Schema:
    item = {
        "type": [*SCALAR, "object"],
        "description": "A value, or a mapping whose values are read as {{ name.key }}.",
        "additionalProperties": {"type": SCALAR},
        "minProperties": 1,
    }
    return {
        "type": "object",
        "additionalProperties": {"type": "array", "items": item, "minItems": 1},
        "minProperties": 1,
        "maxProperties": 1,
    }
