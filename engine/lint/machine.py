"""Findings for programs: JSON, GitHub annotations, GitLab code quality, SARIF, JUnit."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from engine import __version__
from engine.errors import Diagnostic
from engine.lint.base import Rule
from engine.lint.mend import mending
from engine.source import Span

Names = Mapping[str, str]


def json_text(document: Any) -> str:
    """Return `document` as indented JSON, in ASCII so that every terminal and file takes it."""
    return json.dumps(document, indent=2) + "\n"


def document(diagnostics: Sequence[Diagnostic], files: int, names: Names) -> dict[str, Any]:
    """Return `findings` and `summary` of the JSON of lint (other documents carry them too)."""
    marks = fingerprints(diagnostics)
    found = [d.severity for d in diagnostics]
    return {
        "findings": [_finding(d, names, mark) for d, mark in zip(diagnostics, marks, strict=True)],
        "summary": {
            "error": found.count("error"),
            "warning": found.count("warning"),
            "info": found.count("info"),
            "files": files,
        },
    }


def rules_json(rules: Sequence[Rule]) -> str:
    """Return the pages of `rules` as a JSON document."""
    words = ("id", "name", "severity", "summary", "reason", "instead", "bad", "good")
    pages = [{word: getattr(rule, word) for word in words} | _marks(rule) for rule in rules]
    return json_text({"schema_version": 1, "rules": pages})


def _marks(rule: Rule) -> dict[str, Any]:
    return {
        "can_be_ignored": not rule.final,
        "needs_reason": rule.needs_reason,
        "fix": rule.fix or None,
        "dialects": list(rule.dialects),
        "default": not rule.off,
    }


def fingerprints(diagnostics: Sequence[Diagnostic]) -> list[str]:
    """Return a mark per finding that stays when its step moves to other lines; all differ."""
    seen: dict[str, int] = {}
    marks = []
    for d in diagnostics:
        where = d.version or (d.span.source.name if d.span else "")
        facts = [d.rule, where, d.step, [list(pair) for pair in d.bindings], d.subject or d.message]
        text = json.dumps(facts)
        seen[text] = seen.get(text, 0) + 1
        if seen[text] > 1:
            text += str(seen[text])
        marks.append(hashlib.sha256(text.encode("ascii")).hexdigest()[:32])
    return marks


def _finding(d: Diagnostic, names: Names, fingerprint: str) -> dict[str, Any]:
    span = d.span
    return {
        "rule": d.rule,
        "name": names.get(d.rule, ""),
        "severity": d.severity,
        "message": d.message,
        "hint": d.hint,
        "file": span.source.name if span else None,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "end_line": span.end_line if span else None,
        "end_column": span.end_column if span else None,
        "version": d.version,
        "step": step_id(d),
        "for": dict(d.bindings),
        "related": [
            {"message": r.message, "file": r.span.source.name, "line": r.span.line, "column": r.span.column}
            for r in d.related
        ],
        "also": list(d.also),
        "fix": _fix(d),
        "fingerprint": fingerprint,
    }


def _fix(d: Diagnostic) -> dict[str, Any] | None:
    """Return what would mend a finding: `auto` is what `--fix` writes, `suggest` a patch to accept."""
    kind, edits = mending(d)
    if not kind:
        return None
    return {
        "kind": kind,
        "edits": [
            {
                "file": e.span.source.name,
                "line": e.span.line,
                "column": e.span.column,
                "end_line": e.span.end_line,
                "end_column": e.span.end_column,
                "text": e.text,
            }
            for e in edits
        ],
    }


def step_id(d: Diagnostic) -> str:
    """Return the step's id as it stands in the file: `3-copy` of `3-copy[orders]`."""
    return d.step[: d.step.rindex("[")] if d.bindings and d.step.endswith("]") and "[" in d.step else d.step


def _message(d: Diagnostic) -> str:
    return f"{d.message}\nhint: {d.hint}" if d.hint else d.message


# ── GitHub and GitLab ─────────────────────────────────────────────────────
def github(diagnostics: Sequence[Diagnostic], names: Names) -> str:
    """Return workflow commands that GitHub shows as annotations."""
    lines = []
    for d in diagnostics:
        level = {"error": "error", "warning": "warning", "info": "notice"}[d.severity]
        facts = {"title": f"{d.rule} {names.get(d.rule, '')}".strip()}
        if span := d.span:
            facts |= {"file": span.source.name, "line": str(span.line), "endLine": str(span.end_line)}
            if span.end_line == span.line:  # GitHub takes columns on one line only
                facts |= {"col": str(span.column), "endColumn": str(span.end_column)}
        words = ",".join(f"{name}={_property(value)}" for name, value in facts.items())
        lines.append(f"::{level} {words}::{_data(_message(d))}\n")
    return "".join(lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def gitlab(diagnostics: Sequence[Diagnostic], names: Names) -> str:
    """Return GitLab's code quality report."""
    levels = {"error": "major", "warning": "minor", "info": "info"}
    return json_text(
        [
            {
                "description": f"{d.rule}: {d.message}",
                "check_name": names.get(d.rule, d.rule),
                "fingerprint": mark,
                "severity": levels[d.severity],
                "location": {
                    "path": d.span.source.name if d.span else "",
                    "lines": {"begin": d.span.line if d.span else 1},
                },
            }
            for d, mark in zip(diagnostics, fingerprints(diagnostics), strict=True)
        ]
    )


# ── SARIF 2.1.0 ───────────────────────────────────────────────────────────
def sarif(diagnostics: Sequence[Diagnostic], rules: Sequence[Rule]) -> str:
    """Return a SARIF log with one run; only rules that found something are described."""
    met = sorted({d.rule for d in diagnostics})
    known = {rule.id: rule for rule in rules}
    results = [
        {
            "ruleId": d.rule,
            "ruleIndex": met.index(d.rule),
            "level": _level(d.severity),
            "message": {"text": _message(d)},
            "locations": [_location(d.span)] if d.span else [],
            "relatedLocations": [
                {**_location(other.span), "id": number, "message": {"text": other.message}}
                for number, other in enumerate(d.related)
            ],
            "partialFingerprints": {"engine/v1": mark},
            **_sarif_fixes(d),
        }
        for d, mark in zip(diagnostics, fingerprints(diagnostics), strict=True)
    ]
    driver = {"name": "engine", "version": __version__, "rules": [_described(i, known.get(i)) for i in met]}
    return json_text(
        {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
        }
    )


def _sarif_fixes(d: Diagnostic) -> dict[str, Any]:
    kind, edits = mending(d)
    if not kind or d.span is None:
        return {}
    replacements = [
        {"deletedRegion": _location(e.span)["physicalLocation"]["region"], "insertedContent": {"text": e.text}}
        for e in edits
    ]
    change = {"artifactLocation": {"uri": _uri(d.span)}, "replacements": replacements}
    return {"fixes": [{"description": {"text": d.hint or "mend it"}, "artifactChanges": [change]}]}


def _level(severity: str) -> str:
    return "note" if severity == "info" else severity


def _described(rule_id: str, rule: Rule | None) -> dict[str, Any]:
    if rule is None:
        return {"id": rule_id}
    return {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": f"{rule.summary} {rule.reason}"},
        "help": {"text": rule.instead},
        "defaultConfiguration": {"level": _level(rule.severity)},
    }


def _location(span: Span) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(span)},
            "region": {
                "startLine": span.line,
                "startColumn": span.column,
                "endLine": span.end_line,
                "endColumn": span.end_column,
            },
        }
    }


def _uri(span: Span) -> str:
    return quote(span.source.name.replace("\\", "/"), errors="surrogateescape")


# ── JUnit ─────────────────────────────────────────────────────────────────
def junit(diagnostics: Sequence[Diagnostic], files: int, names: Names) -> str:
    """Return JUnit XML: a failure per error or warning, a passing case for none at all."""
    from xml.etree import ElementTree

    failing = [d for d in diagnostics if d.severity != "info"]
    count = {"tests": str(max(1, len(diagnostics))), "failures": str(len(failing)), "errors": "0"}
    suites = ElementTree.Element("testsuites", count)
    suite = ElementTree.SubElement(suites, "testsuite", {"name": "engine lint", **count})
    for d in diagnostics:
        place = _xml(str(d.span)) if d.span else ""
        case = ElementTree.SubElement(
            suite,
            "testcase",
            {"name": _xml(f"{d.rule} {place}".strip()), "classname": names.get(d.rule, d.rule)},
        )
        if d.severity != "info":
            failure = ElementTree.SubElement(case, "failure", {"type": d.severity, "message": _xml(d.message)})
            failure.text = _xml(f"{place}: {_message(d)}" if place else _message(d))
        else:
            ElementTree.SubElement(case, "system-out").text = _xml(_message(d))
    if not diagnostics:
        ElementTree.SubElement(suite, "testcase", {"name": f"{files} files", "classname": "lint"})
    ElementTree.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(suites, encoding="unicode")}\n'


def _xml(text: str) -> str:
    """Write out what XML 1.0 has no way to hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", lambda m: f"\\x{ord(m[0]):02x}", text)
