"""Every page of tests/cases/malformed: a spec that can't be meant, and the diagnostic it gets.

The last comment of a page says what is expected:
`# SP104 at 1:10, hint: write "010"` (the hint may be left out), for a second
place `# SP103 at 7:7, with the first place 6:7`. A line `# says: …` before it
holds the message, word for word.
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
    said = re.search(r"^# says: (.*)$", text, re.MULTILINE)
    if said:
        assert findings[0]["message"] == said[1]
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


BYTES = {
    "UTF-16": ("version".encode("utf-16"), "the file is in UTF-16", "1:1"),
    "UTF-16 without a mark": ("version".encode("utf-16-be"), "the file looks like UTF-16 without a mark", "1:1"),
    "UTF-32": ("version".encode("utf-32"), "the file is in UTF-32", "1:1"),
    "Latin-1": ("version: 'é'".encode("latin-1"), "the file is not UTF-8: byte 0xe9 at byte offset 10", "1:11"),
    "NUL": (b"version: \x00", "the control character U+0000 (NUL) may not stand in a spec", "1:10"),
    "escape": (b"a: b\nversion: \x1b[31m", "the control character U+001B (escape) may not stand in a spec", "2:10"),
    "CR alone": (b"a: b\rc: d\r", "the control character U+000D (carriage return) may not stand in a spec", "1:5"),
    "next line": ("version: '1'\x85b: c".encode(), "the control character U+0085 may not stand outside quotes", "1:13"),
    "nothing": (b"", "the file is empty", "1:1"),
    "only comments": (b"# a\n\n  # b\n", "the file is empty", "1:1"),
    "only a mark": (b"\xef\xbb\xbf", "the file is empty", "1:1"),
    "a text": (b"hello\n", "the file must be a mapping of keys to values; this is a text", "1:1"),
    "two empty documents": (b"---\n---\n", "a second document begins here; one file is one migration", "2:1"),
    "too large": (b"#" * 1_048_577, "the file has more than 1,048,576 bytes", "1:1"),
}


@pytest.mark.parametrize("name", BYTES)
def test_bytes_that_are_no_spec_are_told_with_their_place(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, message, place = BYTES[name]
    monkeypatch.chdir(tmp_path)
    Path("001_case.yaml").write_bytes(data)
    result = CliRunner().invoke(cli, ["lint", "--format", "json", "001_case.yaml"])
    assert result.exit_code == 1, result.output
    found = [(f["rule"], f["message"], f"{f['line']}:{f['column']}") for f in json.loads(result.stdout)["findings"]]
    assert found == [("SP101", message, place)]


def test_a_spec_with_a_byte_order_mark_and_windows_line_ends_is_read_as_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = 'version: "001"\ndescription: d\nsteps:\n  - create: {table: a, columns: {id: integer}}\n'
    Path("001_case.yaml").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert CliRunner().invoke(cli, ["lint", "001_case.yaml"]).exit_code == 0
