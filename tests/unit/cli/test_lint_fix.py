"""`lint --fix`, `--diff`, `--write-baseline`: what is written, and what is left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import run

HEAD = """version: "001"
description: Move rows
steps:
  - create: {table: a, columns: {id: {type: integer, primary_key: true}}}
  - create: {table: b, columns: {id: {type: integer, primary_key: true}}}
"""
COPY = "  - copy: {from: a, into: b, columns: same}\n"
COUNTED = "  - copy: {from: a, into: b, columns: same, expect_rows: all}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("specs").mkdir()
    Path("specs/001_move.yaml").write_text(HEAD + COPY, encoding="utf-8")
    return tmp_path


def text() -> str:
    """Return the spec as it is now."""
    return Path("specs/001_move.yaml").read_bytes().decode("utf-8")


def test_diff_shows_and_writes_nothing() -> None:
    ran = run("lint", "--diff")
    assert ran.code == 1, "the finding is still there"
    assert "--- a/specs/001_move.yaml" in ran.output and f"+{COUNTED}" in ran.output
    assert "`engine lint --fix` would mend 1 file" in ran.output
    assert text() == HEAD + COPY


def test_fix_shows_the_diff_writes_it_and_lints_again() -> None:
    ran = run("lint", "--fix")
    assert (ran.code, text()) == (0, HEAD + COUNTED), ran.output
    assert f"+{COUNTED}" in ran.output and "mended: 1 file" in ran.output and "no findings" in ran.output
    assert sorted(p.name for p in Path("specs").iterdir()) == ["001_move.yaml"]
    assert "mended: 0 files" in run("lint", "--fix").output


def test_line_ends_and_the_mark_of_utf_8_stay() -> None:
    windows = (HEAD + COPY).replace("\n", "\r\n")
    Path("specs/001_move.yaml").write_bytes(b"\xef\xbb\xbf" + windows.encode("utf-8"))
    assert run("lint", "--fix").code == 0
    assert text() == "\ufeff" + (HEAD + COUNTED).replace("\n", "\r\n")


def test_a_spec_that_is_applied_is_left_as_it_is() -> None:
    Path("engine.yaml").write_text("lint: {ignore: [{rule: DT107, reason: a test}]}\n", encoding="utf-8")
    assert run("apply", "--db", "a.db", "--yes").code == 0
    Path("engine.yaml").unlink()
    ran = run("lint", "--fix", "--db", "a.db")
    assert text() == HEAD + COPY, ran.output


def test_programs_get_their_document_alone_on_stdout() -> None:
    from click.testing import CliRunner

    from engine.cli.main import cli

    result = CliRunner().invoke(cli, ["lint", "--diff", "--format", "json"])
    (finding,) = json.loads(result.stdout)["findings"]
    assert finding["fix"]["kind"] == "auto"
    assert finding["fix"]["edits"][0]["text"] == ", expect_rows: all"


def test_a_file_that_can_t_be_written_is_told() -> None:
    target = Path("elsewhere.yaml")
    target.write_text(text(), encoding="utf-8")
    folder = Path("specs")
    folder.chmod(0o555)
    try:
        ran = run("lint", "--fix")
        if text() == HEAD + COPY:  # as root every folder can be written
            assert ran.code == 1 and "can't be written" in ran.output
    finally:
        folder.chmod(0o755)


# ── baseline ──────────────────────────────────────────────────────────────
def test_a_baseline_leaves_new_findings_only() -> None:
    ran = run("lint", "--write-baseline", "known.json")
    assert ran.code == 0 and "written to known.json: 1 findings" in ran.output
    assert run("lint").code == 1
    assert run("lint", "--baseline", "known.json").code == 0
    Path("engine.yaml").write_text("lint: {baseline: known.json}\n", encoding="utf-8")
    assert run("lint").code == 0
    moved = HEAD + "  # the step stands elsewhere now\n" + COPY
    Path("specs/001_move.yaml").write_text(moved, encoding="utf-8")
    assert run("lint").code == 0
    Path("specs/002_more.yaml").write_text(f'version: "002"\ndescription: More\nsteps:\n{COPY}', encoding="utf-8")
    ran = run("lint", "--format", "concise")
    assert ran.code == 1 and "specs/002_more.yaml:4:5: error[DT107]" in ran.output and "001_move" not in ran.output


def test_a_baseline_does_not_hide_what_can_t_be_ignored() -> None:
    Path("specs/001_move.yaml").write_text(HEAD + "  - index: {table: a, columns: [idd]}\n", encoding="utf-8")
    ran = run("lint", "--write-baseline", "known.json")
    assert ran.code == 1 and "1 can't be ignored" in ran.output
    assert "RF102" in run("lint", "--baseline", "known.json").output


def test_a_baseline_holds_for_plan_and_apply_too() -> None:
    assert run("plan", "--db", "a.db").code == 1
    run("lint", "--write-baseline", "known.json")
    Path("engine.yaml").write_text("lint: {baseline: known.json}\n", encoding="utf-8")
    assert run("apply", "--db", "a.db", "--yes").code == 0


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", '{"engine_lint_baseline": 2, "findings": []}', '{"engine_lint_baseline": 1, "findings": [1]}'],
)
def test_a_damaged_baseline_is_told(content: str) -> None:
    Path("known.json").write_text(content, encoding="utf-8")
    ran = run("lint", "--baseline", "known.json")
    assert ran.code == 1 and "known.json is no baseline of lint" in ran.output


def test_a_baseline_that_is_not_there_is_told() -> None:
    ran = run("lint", "--baseline", "known.json")
    assert ran.code == 1 and "the baseline known.json can't be read" in ran.output


# ── config per path ───────────────────────────────────────────────────────
def test_severities_per_path_and_old_specs() -> None:
    config = Path("engine.yaml")
    config.write_text('lint: {overrides: [{paths: ["specs/001*"], severity: {DT107: info}}]}\n', encoding="utf-8")
    assert "info[DT107]" in run("lint", "--format", "concise").output
    config.write_text('lint: {overrides: [{paths: ["specs/002*"], severity: {DT107: info}}]}\n', encoding="utf-8")
    assert "error[DT107]" in run("lint", "--format", "concise").output
    config.write_text("lint: {severity: {DT: warning}}\n", encoding="utf-8")
    assert "warning[DT107]" in run("lint", "--format", "concise").output
    config.write_text('lint: {start_after: "001"}\n', encoding="utf-8")
    assert run("lint", "--strict").code == 0
    config.write_text('environments: {prod: {lint: {severity: {DT107: "off"}}}}\n', encoding="utf-8")
    assert (run("lint").code, run("lint", "-e", "prod").code) == (1, 0)
