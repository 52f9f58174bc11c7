"""A page of tests/cases/lint/<RULE>/: its world is made, linted through the command line, and compared."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from engine.cli.main import cli
from tests.support.command import run

KEYS = {
    "promise",
    "given",
    "spec",
    "specs",
    "steps",
    "files",
    "config",
    "database",
    "applied",
    "args",
    "finds",
    "fixed",
    "diff",
}
DB = "case.db"


def make(case: dict[str, Any]) -> None:
    """Write the files of a page into the current folder, with the database or the snapshot of one that it is given."""
    assert case.keys() <= KEYS, f"unknown keys: {case.keys() - KEYS}"
    Path("specs").mkdir(exist_ok=True)
    config = case.get("config", "")
    given = case.get("given", "")
    if given or case.get("database") or case.get("applied"):
        with closing(sqlite3.connect(DB)) as db:
            db.executescript(given)
    if "applied" in case:
        _write(case["applied"])
        applied = run("apply", "--db", DB, "--yes", "specs")
        assert applied.code == 0, applied.output
        for file in Path("specs").iterdir():
            file.unlink()
    elif given and not case.get("database"):
        config += "\nschema: schema.snapshot.json\n"
        _snapshot(given)
    if config:
        Path("engine.yaml").write_text(config, encoding="utf-8")
    _write(specs(case))
    for name, text in case.get("files", {}).items():
        Path(name).write_text(text, encoding="utf-8")


def _write(texts: dict[str, str]) -> None:
    for name, text in texts.items():
        Path("specs", name).write_text(text, encoding="utf-8")


def _snapshot(given: str) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(given)
        rows = db.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master WHERE sql IS NOT NULL")
        objects = [dict(zip(("type", "name", "table", "sql"), row, strict=True)) for row in rows]
    document = {"engine_snapshot": 1, "dialect": "sqlite", "objects": objects}
    Path("schema.snapshot.json").write_text(json.dumps(document), encoding="utf-8")


def specs(case: dict[str, Any]) -> dict[str, str]:
    """Return file name → text of the specs of a page."""
    if "steps" in case:
        return {"001_case.yaml": f'version: "001"\ndescription: A case\nsteps:\n{case["steps"]}'}
    return case.get("specs") or {"001_case.yaml": case["spec"]}


def lint(case: dict[str, Any], *more: str) -> list[dict[str, Any]]:
    """Return the findings of `engine lint` on what `make` made, as its JSON has them."""
    args = [*(["--db", DB] if case.get("database") or "applied" in case else []), *case.get("args", [])]
    result = CliRunner().invoke(cli, ["lint", *args, *more, "--format", "json"])
    assert result.exit_code in (0, 1), f"{result.output}{result.exception!r}"
    return list(json.loads(result.stdout)["findings"])


def told(finding: dict[str, Any]) -> str:
    """Return one finding as a page writes it: `specs/001_case.yaml:4:5 error DT107 message`."""
    place = f"{finding['file']}:{finding['line']}:{finding['column']}" if finding["file"] else "-"
    return f"{place} {finding['severity']} {finding['rule']} {finding['message']}"


def matches(expected: str, found: str) -> bool:
    """Tell whether a line of `finds` is a finding: the place's end, severity, rule, and a part of its message."""
    place, severity, rule, *words = expected.split(" ", 3)
    where, level, name, message = found.split(" ", 3)
    at = where == place or where.endswith((f"/{place}", f".yaml:{place}", f".yml:{place}"))
    return at and (severity, rule) == (level, name) and "".join(words) in message
