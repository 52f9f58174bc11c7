"""The pages of tests/cases that name `postgresql` among their `dialects`, on a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.command import document, run
from tests.support.database import Snapshot, same
from tests.support.postgres import Place
from tests.test_cases import PAGES, ends_as_told, sent_as_planned, shows, specs

DIALECT = "postgresql"


def pages() -> list[Path]:
    """Return the pages for PostgreSQL."""
    return [p for p in PAGES if DIALECT in yaml.safe_load(p.read_text(encoding="utf-8")).get("dialects", ())]


def marked(page: Path) -> Any:
    """Return a page as a parameter; those that run on SQLite too are looked at in `make test-all`."""
    marks = () if page.parent.name == DIALECT else (pytest.mark.slow,)
    return pytest.param(page, id=f"{page.parent.name}/{page.stem}", marks=marks)


@pytest.mark.parametrize("page", [marked(page) for page in pages()])
def test_case(page: Path, place: Place) -> None:
    case = yaml.safe_load(page.read_text(encoding="utf-8"))
    case |= {"plan": None, **case.get(DIALECT, {})}
    Path("specs").mkdir()
    for name, text in specs(case).items():
        Path("specs", name).write_text(text, encoding="utf-8")
    place.script(case.get("given", ""))
    before = place.snapshot()
    args = ["--db", place.url, *case.get("args", [])]
    if "fails" in case:
        ends_as_told(run("apply", *args, "--yes", "specs"), case["fails"])
        holds(place, case.get("after", "unchanged"), before)
        return
    planned = document("plan", *args, "specs")
    shows(run("plan", *args, "specs"), planned, case.get("plan"))
    same(before, place.snapshot())
    applied = run("apply", *args, "--yes", "specs")
    assert applied.code == 0, applied.output
    sent_as_planned(planned, applied, "sql")
    holds(place, case.get("after", {}), before)
    place.script(case.get("meanwhile", ""))
    expected = case.get("rollback", {})
    undone = run("rollback", *args, "--yes", "--to", "0", *expected.get("args", []), "specs")
    ends_as_told(undone, {"exit": 0, "says": "", **expected})
    sent_as_planned(planned, undone, "undo")
    holds(place, {} if case.get("undone") is None else case["undone"], before)
    if case.get("undone", "same") == "same":
        same(before, place.snapshot())
        if not expected:
            again = run("apply", *args, "--yes", "specs")
            assert again.code == 0, f"a second apply fails: {again.output}"
            holds(place, case.get("after", {}), before)


def holds(place: Place, expected: dict[str, Any] | str, before: Snapshot) -> None:
    """Tables hold these rows, queries give them; or: everything is unchanged."""
    if expected in ("unchanged", "same"):
        same(before, place.snapshot())
        return
    assert isinstance(expected, dict)
    for what, rows in expected.items():
        query = what if what.upper().startswith("SELECT") else f'SELECT * FROM "{what}"'
        assert sorted(place.ask(query), key=repr) == sorted(rows, key=repr), what
