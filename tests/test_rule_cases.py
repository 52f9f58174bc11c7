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

# Rules that are older than these pages; none is added.
OWING = set(
    """SP101 SP102 SP103 SP104 SP105 SP109 SP110 SP111 SP112 VC101 VC102 VC104 VC105 VC106 VC107 VC108
    RF101 RF102 RF103 RF104 RF105 RF107 RF109 RF110 RF111 RF113 DT102 DT109 LT108 LT117 TX101 TX103 NM101""".split()
)


@pytest.mark.parametrize(("rule", "name", "page"), PAGES, ids=[f"{rule}/{name}" for rule, name, _ in PAGES])
def test_case(rule: str, name: str, page: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    linting.make(page)
    found = [linting.told(f) for f in linting.lint(page)]
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


def test_no_page_is_of_a_rule_that_is_not_there() -> None:
    assert {rule for rule, _, _ in PAGES} <= {rule.id for rule in registry()} | {"good"}
