"""Every page of tests/cases/malformed: a spec that can't be meant, and the diagnostic it gets.

The last comment of a page says what is expected:
`# SP104 at 1:10, hint: write "010"` (the hint may be left out), for a second
place `# SP103 at 7:7, with the first place 6:7`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.cli.main import cli
from engine.source import Source
from engine.spec import reader

PAGES = sorted((Path(__file__).parent / "cases" / "malformed").glob("*.yaml"))
EXPECTED = re.compile(
    r"# (?P<rule>[A-Z]{2}\d{3}) at (?P<place>\d+:\d+)"
    r"(?:, hint: (?P<hint>.*))?(?:, with the \w+ place (?P<other>\d+:\d+).*)?\Z"
)


@pytest.mark.parametrize("page", PAGES, ids=[p.stem for p in PAGES])
def test_malformed_spec_gets_exactly_its_diagnostic(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = page.read_text(encoding="utf-8")
    expected = EXPECTED.match(text.rstrip().splitlines()[-1])
    assert expected, f"the last line of {page.name} does not say what is expected"
    monkeypatch.chdir(tmp_path)
    version = re.search(r'version: "?(\d+)', text)
    name = f"{version[1] if version else '001'}_case.yaml"
    Path(name).write_text(text, encoding="utf-8")
    result = CliRunner().invoke(cli, ["lint", "--format", "json", name])
    assert result.exit_code == 1, result.output
    findings = json.loads(result.stdout)["findings"]
    assert [(f["rule"], f"{f['line']}:{f['column']}") for f in findings] == [(expected["rule"], expected["place"])]
    if expected["hint"]:
        assert findings[0]["hint"] == expected["hint"]
    if expected["other"]:
        assert [f"{r['line']}:{r['column']}" for r in findings[0]["related"]] == [expected["other"]]


@pytest.mark.parametrize("page", PAGES, ids=[p.stem for p in PAGES])
def test_the_reader_alone_says_the_same_or_nothing(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    expected = EXPECTED.match(text.rstrip().splitlines()[-1])
    assert expected
    _, found = reader.read(Source(page.name, text))
    places = [(d.rule, f"{d.span.line}:{d.span.column}", d.hint) for d in found if d.span]
    if expected["rule"] in ("SP101", "SP103"):
        assert [p[:2] for p in places] == [(expected["rule"], expected["place"])]
        assert expected["hint"] in (None, places[0][2])
    else:
        assert places == []
