"""Every page of tests/cases/lint/<RULE>/*.yaml: a world, and exactly what lint finds in it.

A file may hold several pages, divided by `---`. The keys are explained in tests/cases/README.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.lint.base import registry
from tests.support import linting
from tests.support.command import run

FOLDER = Path(__file__).parent / "cases" / "lint"


def pages() -> list[tuple[str, str, dict[str, Any]]]:
    """Return (rule, name, page) of all pages."""
    found = []
    for file in sorted(FOLDER.glob("*/*.yaml")):
        for number, page in enumerate(yaml.safe_load_all(file.read_text(encoding="utf-8")), 1):
            name = page.get("promise", file.stem if number == 1 else f"{file.stem} {number}")
            found.append((file.parent.name, name, page))
    return found


PAGES = pages()

# SQLite takes names of any length; what a half-applied spec meets is tested cell by cell in tests/history.
OWING = {"NM101", "VC109"}


@pytest.mark.parametrize(("rule", "name", "page"), PAGES, ids=[f"{rule}/{name}" for rule, name, _ in PAGES])
def test_case(rule: str, name: str, page: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    linting.make(page)
    found = [linting.told(f) for f in linting.lint(page)]
    if rule == "good":
        loud = [line for line in found if line.split(" ")[1] != "info"]
        assert not loud, "a good spec has findings:\n" + "\n".join(loud)
        return
    expected = page["finds"]
    assert len(found) == len(expected) and all(map(linting.matches, expected, found)), "found:\n" + "\n".join(found)
    if "fixed" in page:
        run("lint", "--fix", *page.get("args", []))
        (name,) = linting.specs(page)
        assert Path("specs", name).read_text(encoding="utf-8") == page["fixed"]


def test_every_rule_has_pages_of_all_three_kinds() -> None:
    """Found, not found, and ignored (which a rule that is final does not heed)."""
    wanting = []
    for rule in registry():
        mine = [page for folder, _, page in PAGES if folder == rule.id]
        finds = [any(f" {rule.id} " in f"{line} " for line in page["finds"]) for page in mine]
        ignores = [_ignores(page, rule.id) for page in mine]
        kinds = {
            "found": any(hit and not ignored for hit, ignored in zip(finds, ignores, strict=True)),
            "not found": any(not hit and not ignored for hit, ignored in zip(finds, ignores, strict=True)),
            "ignored": any(ignored and hit is rule.final for hit, ignored in zip(finds, ignores, strict=True)),
        }
        wanting += [f"{rule.id}: {kind}" for kind, there in kinds.items() if not there and rule.id not in OWING]
    assert not wanting, wanting


def _ignores(page: dict[str, Any], rule: str) -> bool:
    texts = [page.get("config", ""), *linting.specs(page).values()]
    return any("ignore" in text and rule in text for text in texts)


def test_there_are_sixty_good_specs_over_all_verbs() -> None:
    from engine.steps.base import verbs

    texts = [text for rule, _, page in PAGES if rule == "good" for text in linting.specs(page).values()]
    assert len(texts) >= 60
    for verb in verbs():
        assert any(f"{verb}:" in text for text in texts), verb


def test_no_page_is_of_a_rule_that_is_not_there() -> None:
    assert {rule for rule, _, _ in PAGES} <= {rule.id for rule in registry()} | {"good"}
