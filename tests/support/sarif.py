"""What SARIF 2.1.0 says of the objects that lint writes, as a JSON Schema: names, types and limits of the standard.

Only objects that are written are here; of those all properties that the standard has, and no others are taken.
"""

from __future__ import annotations

from typing import Any

COUNT = {"type": "integer", "minimum": 1}
INDEX = {"type": "integer", "minimum": -1}
TEXT = {"type": "string"}
URI = {"type": "string", "format": "uri-reference"}
BAG: dict[str, Any] = {"type": "object"}
LEVEL = {"enum": ["none", "note", "warning", "error"]}


def ref(name: str) -> dict[str, Any]:
    """Return a reference to a definition."""
    return {"$ref": f"#/definitions/{name}"}


def several(item: dict[str, Any], least: int = 0) -> dict[str, Any]:
    """Return an array."""
    return {"type": "array", "minItems": least, "items": item}


def thing(properties: dict[str, Any], *required: str, **more: Any) -> dict[str, Any]:
    """Return an object that has no other properties."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {**properties, "properties": BAG},
        "required": list(required),
        **more,
    }


MESSAGE = thing(
    {"text": TEXT, "markdown": TEXT, "id": TEXT, "arguments": several(TEXT)},
    anyOf=[{"required": ["text"]}, {"required": ["id"]}],
)
STRING = thing({"text": TEXT, "markdown": TEXT}, "text")

SCHEMA: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "definitions": {
        "message": MESSAGE,
        "multiformat": STRING,
        "artifactLocation": thing({"uri": URI, "uriBaseId": TEXT, "index": INDEX, "description": ref("message")}),
        "artifactContent": thing({"text": TEXT, "binary": TEXT, "rendered": ref("multiformat")}),
        "region": thing(
            {
                "startLine": COUNT,
                "startColumn": COUNT,
                "endLine": COUNT,
                "endColumn": COUNT,
                "charOffset": INDEX,
                "charLength": {"type": "integer", "minimum": 0},
                "byteOffset": INDEX,
                "byteLength": {"type": "integer", "minimum": 0},
                "snippet": ref("artifactContent"),
                "message": ref("message"),
                "sourceLanguage": TEXT,
            }
        ),
        "physicalLocation": thing(
            {
                "address": BAG,
                "artifactLocation": ref("artifactLocation"),
                "region": ref("region"),
                "contextRegion": ref("region"),
            },
            anyOf=[{"required": ["address"]}, {"required": ["artifactLocation"]}],
        ),
        "location": thing(
            {
                "id": INDEX,
                "physicalLocation": ref("physicalLocation"),
                "logicalLocations": several(BAG),
                "message": ref("message"),
                "annotations": several(ref("region")),
                "relationships": several(BAG),
            }
        ),
        "replacement": thing(
            {"deletedRegion": ref("region"), "insertedContent": ref("artifactContent")}, "deletedRegion"
        ),
        "artifactChange": thing(
            {"artifactLocation": ref("artifactLocation"), "replacements": several(ref("replacement"), 1)},
            "artifactLocation",
            "replacements",
        ),
        "fix": thing(
            {"description": ref("message"), "artifactChanges": several(ref("artifactChange"), 1)}, "artifactChanges"
        ),
        "configuration": thing(
            {"enabled": {"type": "boolean"}, "level": LEVEL, "rank": {"type": "number"}, "parameters": BAG}
        ),
        "rule": thing(
            {
                "id": TEXT,
                "deprecatedIds": several(TEXT),
                "guid": TEXT,
                "name": TEXT,
                "shortDescription": ref("multiformat"),
                "fullDescription": ref("multiformat"),
                "messageStrings": BAG,
                "defaultConfiguration": ref("configuration"),
                "helpUri": {"type": "string", "format": "uri"},
                "help": ref("multiformat"),
                "relationships": several(BAG),
            },
            "id",
        ),
        "driver": thing(
            {
                "name": TEXT,
                "organization": TEXT,
                "fullName": TEXT,
                "version": TEXT,
                "semanticVersion": TEXT,
                "informationUri": {"type": "string", "format": "uri"},
                "rules": several(ref("rule")),
                "notifications": several(ref("rule")),
            },
            "name",
        ),
        "result": thing(
            {
                "ruleId": TEXT,
                "ruleIndex": INDEX,
                "kind": {"enum": ["notApplicable", "pass", "fail", "review", "open", "informational"]},
                "level": LEVEL,
                "message": ref("message"),
                "locations": several(ref("location")),
                "relatedLocations": several(ref("location")),
                "guid": TEXT,
                "fingerprints": {"type": "object", "additionalProperties": TEXT},
                "partialFingerprints": {"type": "object", "additionalProperties": TEXT},
                "suppressions": several(BAG),
                "baselineState": {"enum": ["new", "unchanged", "updated", "absent"]},
                "fixes": several(ref("fix")),
            },
            "message",
        ),
        "run": thing(
            {
                "tool": thing({"driver": ref("driver"), "extensions": several(ref("driver"))}, "driver"),
                "invocations": several(BAG),
                "artifacts": several(BAG),
                "results": several(ref("result")),
                "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
            },
            "tool",
        ),
    },
    **thing(
        {
            "$schema": {"type": "string", "format": "uri"},
            "version": {"enum": ["2.1.0"]},
            "runs": several(ref("run")),
        },
        "version",
        "runs",
    ),
}
