"""What `lint --fix` promises, on every page of tests/cases/lint that has something to mend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.lint.base import find, registry
from tests.support import linting
from tests.support.command import run

FOLDER = Path(__file__).parents[2] / "cases" / "lint"
AUTO = {rule.id for rule in registry() if rule.fix == "auto"}


def pages() -> list[tuple[str, dict[str, Any]]]:
    """Return name and page of those on which a rule is found that can be mended."""
    found = []
    for file in sorted(FOLDER.glob("*/*.yaml")):
        for number, page in enumerate(yaml.safe_load_all(file.read_text(encoding="utf-8")), 1):
            rules = {line.split(" ")[2] for line in page.get("finds", ())}
            if rules & AUTO and not {"database", "applied"} & page.keys():
                found.append((f"{file.parent.name}/{number}", page))
    return found


def mendable(page: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (rule, message) of the findings that `--fix` would mend."""
    asked = {"args": page.get("args", [])}
    return sorted((f["rule"], f["message"]) for f in linting.lint(asked) if (f.get("fix") or {}).get("kind") == "auto")


@pytest.mark.parametrize(("name", "page"), pages(), ids=[name for name, _ in pages()])
def test_a_fix_mends_what_it_says_and_nothing_else_and_once(
    name: str, page: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    linting.make(page)
    before = {f.name: f.read_text(encoding="utf-8") for f in Path("specs").iterdir()}
    wanted = mendable(page)
    run("lint", "--fix", *page.get("args", []))
    assert not mendable(page)
    after = {f.name: f.read_text(encoding="utf-8") for f in Path("specs").iterdir()}
    assert (after != before) == bool(wanted)
    for file, text in before.items():
        lines = text.splitlines()
        kept = [line for line in after[file].splitlines() if line in lines]
        assert len(kept) >= len(lines) - max(len(wanted), 1), "more lines changed than there are findings"
    run("lint", "--fix", *page.get("args", []))
    assert {f.name: f.read_text(encoding="utf-8") for f in Path("specs").iterdir()} == after


def test_there_are_pages_for_every_rule_that_can_be_mended() -> None:
    met = {line.split(" ")[2] for _, page in pages() for line in page["finds"]}
    assert met & AUTO == AUTO
    assert all(rule.mend is not None for rule in map(find, AUTO) if rule is not None)
