"""Every page of tests/cases/<verb>/<promise>.yaml: given a database and specs, what a user gets.

The keys of a page are explained in tests/cases/README.md.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from tests.support.command import Ran, document, run
from tests.support.database import Snapshot, same, script, snapshot

CASES = Path(__file__).parent / "cases"
PAGES = sorted(p for p in CASES.glob("*/*.yaml") if p.parent.name not in ("malformed", "examples"))
KEYS = {
    "given",
    "spec",
    "specs",
    "steps",
    "plan",
    "after",
    "undone",
    "fails",
    "meanwhile",
    "rollback",
    "args",
    "dialects",
    "postgresql",
    "mariadb",
}
DB = "case.db"


MINE = [p for p in PAGES if "sqlite" in yaml.safe_load(p.read_text(encoding="utf-8")).get("dialects", ("sqlite",))]


@pytest.mark.parametrize("page", MINE, ids=[f"{p.parent.name}/{p.stem}" for p in MINE])
def test_case(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = yaml.safe_load(page.read_text(encoding="utf-8"))
    assert case.keys() <= KEYS, f"unknown keys in {page.name}: {case.keys() - KEYS}"
    monkeypatch.chdir(tmp_path)
    Path("specs").mkdir()
    for name, text in specs(case).items():
        Path("specs", name).write_text(text, encoding="utf-8")
    script(DB, case.get("given", ""))
    before = snapshot(DB)
    args = ["--db", DB, *case.get("args", [])]
    if "fails" in case:
        ends_as_told(run("apply", *args, "--yes", "specs"), case["fails"])
        if case.get("after", "unchanged") == "unchanged":
            same(before, snapshot(DB))
            return
        holds(case["after"], before)
        return
    planned = document("plan", *args, "specs")
    shows(run("plan", *args, "specs"), planned, case.get("plan"))
    same(before, snapshot(DB))
    applied = run("apply", *args, "--yes", "specs")
    assert applied.code == 0, applied.output
    sent_as_planned(planned, applied, "sql")
    holds(case.get("after", {}), before)
    script(DB, case.get("meanwhile", ""))
    expected = case.get("rollback", {})
    undone = run("rollback", *args, "--yes", "--to", "0", *expected.get("args", []), "specs")
    ends_as_told(undone, {"exit": 0, "says": "", **expected})
    sent_as_planned(planned, undone, "undo")
    if case.get("undone", "same") == "same":
        same(before, snapshot(DB))
    else:
        holds(case["undone"], before)
    if case.get("undone", "same") == "same" and not expected:
        again = run("apply", *args, "--yes", "specs")
        assert again.code == 0, f"a second apply fails: {again.output}"
        holds(case.get("after", {}), before)


def specs(case: dict[str, Any]) -> dict[str, str]:
    """Return file name → text of the specs of a page."""
    if "steps" in case:
        return {"001_case.yaml": f'version: "001"\ndescription: A case\nsteps:\n{case["steps"]}'}
    return case.get("specs") or {"001_case.yaml": case["spec"]}


def shows(ran: Ran, planned: Any, expected: str | list[str] | None) -> None:
    """The plan's text has these lines in this order; or: its changes are these statements."""
    assert ran.code == 0, ran.output
    if isinstance(expected, list):
        every = [s for m in planned["migrations"] for s in m["statements"]]
        assert [s["sql"] for s in every if s["purpose"] == "change"] == expected
        return
    lines = iter([" ".join(line.split()) for line in ran.output.splitlines()])
    for line in (expected or "").splitlines():
        assert any(" ".join(line.split()) in found for found in lines), f"{line!r} is not in\n{ran.output}"


def sent_as_planned(planned: Any, ran: Ran, way: Literal["sql", "undo"]) -> None:
    """What was sent is what was printed, byte for byte, and no change that was printed was left out."""
    every = [s for m in planned["migrations"] for s in m["statements"]]
    printed = {s["sql"] for s in planned["protocol"]}
    printed |= {s["sql"] for s in every} if way == "sql" else {sql for s in every for sql in s["undo"]}
    unknown = [sql for sql in ran.planned_kind if sql not in printed]
    assert not unknown, "sent, and not in the plan:\n" + "\n".join(unknown)
    if way == "sql":
        asked = {s["unit"] for s in every if s["purpose"] == "condition"}  # its answer may be no
        left_out = [s["sql"] for s in every if s["kind"] == "ddl" and s["unit"] not in asked]
        left_out = [sql for sql in left_out if sql not in ran.sent]
        assert not left_out, "in the plan, and not sent:\n" + "\n".join(left_out)


def ends_as_told(ran: Ran, expected: dict[str, Any]) -> None:
    """The command ends with this exit code and says these lines in this order."""
    assert ran.code == expected["exit"], ran.output
    lines = iter(ran.output.splitlines())
    for line in expected["says"].splitlines():
        assert any(line.rstrip() in found for found in lines), f"{line!r} is not in\n{ran.output}"


def holds(expected: dict[str, Any] | str, before: Snapshot) -> None:
    """Tables hold these rows, queries give them; or: everything is unchanged."""
    if expected == "unchanged":
        same(before, snapshot(DB))
        return
    assert isinstance(expected, dict)
    with closing(sqlite3.connect(DB)) as db:
        for what, rows in expected.items():
            query = what if what.upper().startswith(("SELECT", "PRAGMA")) else f'SELECT * FROM "{what}"'
            assert [list(row) for row in db.execute(query)] == rows, what
