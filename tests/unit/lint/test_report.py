"""Findings as people, CI systems and programs read them."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from engine.errors import Diagnostic, Related
from engine.lint.base import Rule, registry
from engine.lint.report import FORMATS, explain, list_rules, render, summary
from engine.source import Source, Span

SOURCE = Source("specs/007_a,b.yaml", "steps:\n  - creat: {typ: text}\n  - drop: {table: x}\n")
UNKNOWN = Diagnostic(
    "SP102",
    "error",
    "unknown key `typ`",
    Span(SOURCE, 2, 13, 2, 16),
    "did you mean `type`?",
    version="007",
    step="1-create",
    subject="typ",
)
GONE = Diagnostic(
    "RF105",
    "error",
    "`x` is gone at this point",
    Span(SOURCE, 3, 19, 3, 20),
    related=(Related("`x` was dropped here", Span(SOURCE, 2, 5, 2, 10)),),
    also=("RF101",),
    version="007",
    step="2-drop[orders]",
    bindings=(("table", "orders"),),
)
HINTED = Diagnostic("DT107", "warning", "50% of\nthis: bad", None, "line one\nline two")
NOTE = Diagnostic("TX101", "info", "good to know", Span(SOURCE, 1, 1, 3, 3))
ALL = (UNKNOWN, GONE, HINTED, NOTE)


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ('- insert: {a: "postgresql://shop:hunter2@db/shop"}', "hunter2"),
        ("- insert: {token: ghp_0123456789abcdefghijABCDEFGHIJ012345}", "0123456789"),
        ('- transform: {password: {value: "x7Gq92kLmP4vRt81"}}', "Gq92kLmP4vRt81"),
        ("- sql: SELECT 'AKIAABCDEFGHIJKLMNOP'", "AKIAABCD"),
    ],
)
def test_no_line_that_is_shown_holds_a_secret(line: str, secret: str) -> None:
    source = Source("001_a.yaml", f"steps:\n{line}\n")
    shown = render("text", (Diagnostic("SP102", "error", "other", Span(source, 2, 3, 2, 9)),), 1)
    assert secret not in shown
    assert "*" * len(secret) in shown
    assert f"     |   {'^' * 6}" in shown


def test_text_points_with_a_caret_gives_the_hint_and_second_places() -> None:
    assert (
        render("text", ALL, 3)
        == """\
specs/007_a,b.yaml:2:13: error[SP102]: unknown key `typ`
   2 |   - creat: {typ: text}
     |             ^^^
     = hint: did you mean `type`?

specs/007_a,b.yaml:3:19: error[RF105]: `x` is gone at this point (for table = orders)
   3 |   - drop: {table: x}
     |                   ^
     = note: specs/007_a,b.yaml:2:5: `x` was dropped here
   2 |   - creat: {typ: text}
     |     ^^^^^
     = also: RF101

warning[DT107]: 50% of\\nthis: bad
     = hint: line one
             line two

specs/007_a,b.yaml:1:1: info[TX101]: good to know
   1 | steps:
     | ^^^^^^

2 errors, 1 warning, 1 info in 3 files
"""
    )


def test_concise_is_one_line_per_finding() -> None:
    assert (
        render("concise", ALL[:2], 1)
        == """\
specs/007_a,b.yaml:2:13: error[SP102]: unknown key `typ` (did you mean `type`?)
specs/007_a,b.yaml:3:19: error[RF105]: `x` is gone at this point (for table = orders)
2 errors in 1 file
"""
    )


def test_no_findings_is_said() -> None:
    assert render("text", (), 4) == "no findings in 4 files\n"
    assert summary((UNKNOWN,), 1) == "1 error in 1 file"


def test_json_has_every_promised_field() -> None:
    found = json.loads(render("json", ALL, 3, registry()))
    assert found["schema_version"] == 1
    assert found["summary"] == {"error": 2, "warning": 1, "info": 1, "files": 3}
    first, second, third, _ = found["findings"]
    assert first | {"fingerprint": ""} == {
        "rule": "SP102",
        "name": "schema-violation",
        "severity": "error",
        "message": "unknown key `typ`",
        "hint": "did you mean `type`?",
        "file": "specs/007_a,b.yaml",
        "line": 2,
        "column": 13,
        "end_line": 2,
        "end_column": 16,
        "version": "007",
        "step": "1-create",
        "for": {},
        "related": [],
        "also": [],
        "fix": {
            "kind": "suggest",
            "edits": [
                {
                    "file": "specs/007_a,b.yaml",
                    "line": 2,
                    "column": 13,
                    "end_line": 2,
                    "end_column": 16,
                    "text": "type",
                }
            ],
        },
        "fingerprint": "",
    }
    assert second["step"] == "2-drop" and second["for"] == {"table": "orders"}
    assert second["related"] == [
        {"message": "`x` was dropped here", "file": "specs/007_a,b.yaml", "line": 2, "column": 5}
    ]
    assert third["file"] is None and third["line"] is None


def test_a_fingerprint_stays_when_the_step_moves_and_no_two_are_equal() -> None:
    def marks(*diagnostics: Diagnostic) -> list[str]:
        return [f["fingerprint"] for f in json.loads(render("json", diagnostics, 1))["findings"]]

    moved = replace(UNKNOWN, span=Span(SOURCE, 3, 1, 3, 2))
    assert marks(UNKNOWN) == marks(moved)
    assert marks(UNKNOWN) != marks(replace(UNKNOWN, subject="other"))
    assert len(set(marks(UNKNOWN, UNKNOWN, GONE, HINTED))) == 4


def test_github_annotations_escape_what_would_end_them() -> None:
    lines = render("github", ALL, 3, registry()).splitlines()
    assert lines[0] == (
        "::error title=SP102 schema-violation,file=specs/007_a%2Cb.yaml,line=2,endLine=2,col=13,endColumn=16"
        "::unknown key `typ`%0Ahint: did you mean `type`?"
    )
    assert lines[2].startswith("::warning title=DT107")
    assert lines[2].endswith("::50%25 of%0Athis: bad%0Ahint: line one%0Aline two")
    assert lines[3].startswith("::notice ") and ",col=" not in lines[3]
    assert lines[4] == "2 errors, 1 warning, 1 info in 3 files"


def test_gitlab_gets_its_code_quality_report() -> None:
    found = json.loads(render("gitlab", ALL, 3, registry()))
    assert [f["severity"] for f in found] == ["major", "major", "minor", "info"]
    assert found[0]["location"] == {"path": "specs/007_a,b.yaml", "lines": {"begin": 2}}
    assert found[0]["check_name"] == "schema-violation"
    assert found[2]["location"] == {"path": "", "lines": {"begin": 1}}


def test_sarif_says_rules_places_and_fingerprints() -> None:
    found = json.loads(render("sarif", (*ALL, replace(UNKNOWN, rule="ZZ999")), 3, registry()))
    (run,) = found["runs"]
    assert found["version"] == "2.1.0" and run["tool"]["driver"]["name"] == "engine"
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert len(result["partialFingerprints"]["engine/v1"]) == 32
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "specs/007_a%2Cb.yaml"
    assert place["region"] == {"startLine": 2, "startColumn": 13, "endLine": 2, "endColumn": 16}
    assert run["results"][1]["relatedLocations"][0]["message"]["text"] == "`x` was dropped here"
    assert [r["level"] for r in run["results"]] == ["error", "error", "warning", "note", "error"]


def test_junit_is_well_formed_also_with_what_xml_can_not_hold() -> None:
    evil = replace(UNKNOWN, message="\x00 <b> & \x1b")
    tree = ElementTree.fromstring(render("junit", (evil, HINTED, NOTE), 3, registry()).encode())
    assert tree.attrib == {"tests": "3", "failures": "2", "errors": "0"}
    assert [f.get("type") for f in tree.iter("failure")] == ["error", "warning"]
    assert "\\x00 <b> & \\x1b" in (next(tree.iter("failure")).text or "")
    assert next(tree.iter("system-out")).text == "good to know"
    empty = ElementTree.fromstring(render("junit", (), 3).encode())
    assert empty.get("tests") == "1" and empty.get("failures") == "0"


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_findings_give_the_same_bytes(form: str) -> None:
    assert render(form, ALL, 3, registry()) == render(form, ALL, 3, registry())


def test_escape_sequences_in_a_spec_do_not_reach_the_terminal() -> None:
    source = Source("\x1b.yaml", "a: \x1b[2J\n")
    evil = Diagnostic("SP101", "error", "\x1b", Span(source, 1, 4, 1, 5), "\x1b", bindings=(("x", "\x1b"),))
    for form in ("text", "concise"):
        assert "\x1b" not in render(form, (evil,), 1)


def test_every_rule_can_be_listed_and_explained() -> None:
    rules = registry()
    assert len(list_rules(rules).splitlines()) == len(rules)
    for rule in rules:
        page = explain(rule)
        assert page.startswith(f"{rule.id} {rule.name} ({rule.severity})\n")
        assert rule.reason in page and rule.instead in page


def test_a_page_shows_bad_and_good_and_how_to_ignore() -> None:
    rule = Rule("XX101", "a-rule", "warning", "Finds it.", "It hurts.", "Do that.", "bad: 1\nx: 2", "good: 1")
    assert (
        explain(rule)
        == """\
XX101 a-rule (warning)

Finds it.

Why: It hurts.
Instead: Do that.

Bad:
    bad: 1
    x: 2

Good:
    good: 1

To ignore it, in the step or the spec:  ignore: [{rule: XX101, reason: why}]
"""
    )
    assert "can't be ignored" in explain(replace(rule, final=True))
    assert "reason: why it is right here" in explain(replace(rule, needs_reason=True))
