"""Expressions of the common subset give the same values on every database, or lint says that they do not."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.command import run
from tests.support.postgres import Place

TABLE = yaml.safe_load((Path(__file__).parent / "expressions.yaml").read_text(encoding="utf-8"))
SAME = [entry for group in TABLE["same"].values() for entry in group]
SAFE = [(safe, type, values) for _, _, _, safe, type, values in TABLE["unlike"]]
DATABASES = ("sqlite", "postgresql")

Query = Callable[[str], list[list[Any]]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=DATABASES)
def target(request: pytest.FixtureRequest) -> tuple[str, Query]:
    """Give a database's URL, and what asks it."""
    if request.param == "postgresql":
        place: Place = request.getfixturevalue("postgres")
        place.clean()
        return place.url, place.ask

    def ask(sql: str) -> list[list[Any]]:
        with closing(sqlite3.connect("app.db")) as db:
            return [list(row) for row in db.execute(sql)]

    return "app.db", ask


def test_there_are_enough() -> None:
    assert len(SAME) >= 120
    assert len({(e, type) for e, type, _ in SAME}) == len(SAME)


def test_expressions_give_the_values_of_the_table(target: tuple[str, Query]) -> None:
    url, ask = target
    entries = [*SAME, *SAFE]
    write_specs([(expression, type) for expression, type, _ in entries])
    ran = run("apply", "--db", url, "--yes", "specs")
    assert ran.code == 0, ran.output
    wrong = []
    for number, (expression, type, values) in enumerate(entries):
        column = f"CAST(e{number} AS text)" if type in ("json", "date", "timestamp") else f"e{number}"
        found = [plain(value, type) for (value,) in ask(f"SELECT {column} FROM made ORDER BY id")]
        if found != [plain(value, type) for value in values]:
            wrong.append(f"{expression}: {found} and not {values}")
    assert wrong == []


def test_lint_has_nothing_against_what_is_the_same() -> None:
    assert findings([(expression, type) for expression, type, _ in [*SAME, *SAFE]]) == {}


def test_lint_says_what_differs_and_shows_the_safe_form() -> None:
    found = findings([(expression, type) for expression, type, *_ in TABLE["unlike"]])
    for number, (expression, _, words, *_) in enumerate(TABLE["unlike"]):
        assert words in found.get(number, ""), f"{expression}: {found.get(number)}"


def findings(entries: list[tuple[str, str]]) -> dict[int, str]:
    """Return the finding of DT121 on each of `entries`, by their numbers."""
    first = write_specs(entries)
    ran = run("lint", "--format", "json", "specs")
    found = [d for d in json.loads(ran.output)["findings"] if d["rule"] == "DT121"]
    return {d["line"] - first: f"{d['message']} {d['hint']}" for d in found}


def write_specs(entries: list[tuple[str, str]]) -> int:
    """Write two specs: the rows, and a copy with all expressions; return the line of the first of these."""
    Path("specs").mkdir(exist_ok=True)
    columns = {f"e{number}": type for number, (_, type) in enumerate(entries)}
    key = {"type": "integer", "primary_key": True}
    other = {"id": key, "src": "integer", "v": "integer", "name": "text"}
    rows = [
        {"create": {"table": "src", "columns": TABLE["columns"]}},
        {"create": {"table": "other", "columns": other}},
        {"insert": {"into": "src", "rows": TABLE["rows"]}},
        {"insert": {"into": "other", "rows": TABLE["others"]}},
        {"create": {"table": "made", "columns": {"id": key, **columns}}},
    ]
    Path("specs/001_rows.yaml").write_text(json.dumps({"version": "001", "description": "Rows", "steps": rows}))
    lines = [
        'version: "002"',
        "description: Expressions",
        f"dialects: [{', '.join(DATABASES)}]",
        "steps:",
        "  - copy:",
        "      from: src",
        "      into: made",
        "      expect_rows: all",
        "      columns:",
        "        id: id",
    ]
    texts = [f"        e{number}: {json.dumps(expression)}" for number, (expression, _) in enumerate(entries)]
    Path("specs/002_expressions.yaml").write_text("\n".join([*lines, *texts]) + "\n", encoding="utf-8")
    return len(lines) + 1


def plain(value: Any, type: str) -> Any:
    """Return a value as it is compared: the same for what differs in spelling only."""
    if value is None:
        return None
    if type == "json":
        return json.dumps(json.loads(value))
    return round(float(value), 9) if isinstance(value, (int, float)) else str(value)
