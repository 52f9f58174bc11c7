"""The pages of tests/cases that name a server's database among their `dialects`: what is done with each there."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import pytest
import yaml

from tests.support.command import document, run
from tests.support.database import Snapshot, same
from tests.test_cases import PAGES, ends_as_told, sent_as_planned, shows, specs


class Place(Protocol):
    """A database on a server."""

    @property
    def url(self) -> str:
        """The URL of the database."""

    def script(self, sql: str) -> None:
        """Run SQL statements."""

    def ask(self, sql: str) -> list[list[Any]]:
        """Return the rows of a query as plain values."""

    def snapshot(self) -> Snapshot:
        """Read everything that a user can see."""


def pages(dialect: str) -> list[Any]:
    """Return the pages of a dialect as parameters; those that run on SQLite too are looked at in `make test-all`."""
    told = [p for p in PAGES if dialect in yaml.safe_load(p.read_text(encoding="utf-8")).get("dialects", ())]
    return [pytest.param(p, id=f"{p.parent.name}/{p.stem}", marks=_marks(p, dialect)) for p in told]


def _marks(page: Path, dialect: str) -> tuple[Any, ...]:
    return () if page.parent.name == dialect else (pytest.mark.slow,)


def lives(page: Path, dialect: str, place: Place) -> None:
    """A page holds on a server: planned, applied, rolled back, applied again."""
    case = yaml.safe_load(page.read_text(encoding="utf-8"))
    case |= {"plan": None, **case.get(dialect, {})}
    Path("specs").mkdir()
    for name, text in specs(case).items():
        Path("specs", name).write_text(text, encoding="utf-8")
    place.script(case.get("given", ""))
    before = place.snapshot()
    args = ["--db", place.url, *case.get("args", [])]
    if "fails" in case:
        ends_as_told(run("apply", *args, "--yes", "specs"), case["fails"])
        _holds(place, case.get("after", "unchanged"), before)
        return
    planned = document("plan", *args, "specs")
    shows(run("plan", *args, "specs"), planned, case.get("plan"))
    same(before, place.snapshot())
    applied = run("apply", *args, "--yes", "specs")
    assert applied.code == 0, applied.output
    sent_as_planned(planned, applied, "sql")
    _holds(place, case.get("after", {}), before)
    place.script(case.get("meanwhile", ""))
    expected = case.get("rollback", {})
    undone = run("rollback", *args, "--yes", "--to", "0", *expected.get("args", []), "specs")
    ends_as_told(undone, {"exit": 0, "says": "", **expected})
    sent_as_planned(planned, undone, "undo")
    _holds(place, {} if case.get("undone") is None else case["undone"], before)
    if case.get("undone", "same") == "same":
        same(before, place.snapshot())
        if not expected:
            again = run("apply", *args, "--yes", "specs")
            assert again.code == 0, f"a second apply fails: {again.output}"
            _holds(place, case.get("after", {}), before)


def _holds(place: Place, expected: dict[str, Any] | str, before: Snapshot) -> None:
    """Tables hold these rows, queries give them; or: everything is unchanged."""
    if expected in ("unchanged", "same"):
        same(before, place.snapshot())
        return
    assert isinstance(expected, dict)
    for what, rows in expected.items():
        query = what if what.upper().startswith("SELECT") else f'SELECT * FROM "{what}"'
        assert sorted(place.ask(query), key=repr) == sorted(rows, key=repr), what
