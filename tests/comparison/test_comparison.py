"""Each finding of another linter is a finding here, on a spec that does the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.comparison.compared import cases, comparison_page, page_of
from tests.support import linting

PROVED = [(tool, case) for tool, case in cases() if "ours" in case]
PAGE = Path(__file__).parents[2] / "docs" / "comparison-lint.md"


@pytest.mark.parametrize(("tool", "case"), PROVED, ids=[f"{tool}/{case['theirs']}" for tool, case in PROVED])
def test_what_another_linter_finds_is_found(
    tool: str, case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = page_of(case)
    linting.make(page)
    found = linting.lint(page)
    told = {rule for finding in found for rule in (finding["rule"], *finding.get("also", ()))}
    assert told & set(case["ours"]), [linting.told(f) for f in found]


def test_every_case_says_one_thing() -> None:
    for tool, case in cases():
        assert len({"ours", "never", "open"} & case.keys()) == 1, (tool, case)


def test_the_page_is_as_the_cases_are() -> None:
    assert PAGE.read_text(encoding="utf-8") == comparison_page(), "run make docs"
