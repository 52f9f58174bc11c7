"""The files of the contract: the examples live a whole life, the invalid ones are refused where their comment says."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine.cli.main import cli
from tests.support import shorts
from tests.support.command import document, run
from tests.support.database import same, snapshot

CONTRACT = Path(__file__).parent / "cases" / "contract"
EXAMPLES = str(CONTRACT / "examples")
INVALID = sorted((CONTRACT / "invalid").glob("*.yaml"))
DB = ("--db", "app.db")
ROWS = 2000


# ── the examples ──────────────────────────────────────────────────────────
@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ask(query: str) -> Any:
    """Return the one value of a query on the database."""
    with closing(sqlite3.connect("app.db")) as db:
        return db.execute(query).fetchone()[0]


def apply() -> list[dict[str, Any]]:
    """Apply all that is pending and return the document's migrations."""
    found: list[dict[str, Any]] = document("apply", *DB, "--yes", EXAMPLES)["migrations"]
    return found


def test_the_examples_have_no_findings(here: Path) -> None:
    assert document("lint", EXAMPLES)["findings"] == []
    assert document("lint", EXAMPLES)["summary"] == {"error": 0, "warning": 0, "info": 0, "files": 4}


def test_the_examples_move_every_row_and_go_back_to_what_was_before(here: Path) -> None:
    shorts.make(Path("app.db"), ROWS)
    before = snapshot("app.db")
    videos = ask("SELECT count(DISTINCT video_id) FROM youtube_shorts")
    untrimmed = ask("SELECT count(*) FROM youtube_shorts WHERE title <> trim(title)")
    assert 0 < videos < ROWS and untrimmed, "the sample must show something"
    planned = document("plan", *DB, EXAMPLES)
    assert [m["version"] for m in planned["migrations"]] == ["001", "002", "003", "004"]
    assert all(m["reversible"] for m in planned["migrations"])
    same(before, snapshot("app.db"))

    done = apply()
    assert [(m["version"], m["state"]) for m in done] == [(f"00{n}", "applied") for n in (1, 2, 3, 4)]
    transfer = next(s for s in done[2]["steps"] if s["step"] == "transfer")
    assert transfer["rows_selected"] == ROWS
    assert (transfer["rows_written"], transfer["rows_skipped"]) == (videos, ROWS - videos)
    assert ask("SELECT count(*) FROM youtube_results WHERE source = 'youtube_legacy'") == videos
    assert ask("SELECT count(*) FROM youtube_results WHERE title <> trim(title)") == 0
    assert ask("SELECT count(*) FROM youtube_results WHERE (coalesce(view_count, 0) >= 1000000) <> is_popular") == 0
    assert ask("SELECT count(*) FROM sqlite_master WHERE name = 'youtube_shorts'") == 0
    first = snapshot("app.db")

    assert [m["state"] for m in document("rollback", *DB, "--yes", "--to", "0", EXAMPLES)["migrations"]] == (
        ["rolled_back"] * 4
    )
    same(before, snapshot("app.db"))
    apply()
    same(first, snapshot("app.db"))


def test_the_examples_start_from_nothing_too(here: Path) -> None:
    apply()
    assert ask("SELECT count(*) FROM youtube_results") == 0
    assert run("rollback", *DB, "--yes", "--to", "0", EXAMPLES).code == 0
    assert snapshot("app.db").objects == frozenset()
    apply()
    assert document("status", *DB, EXAMPLES)["current_version"] == "004"


# ── the invalid ones ──────────────────────────────────────────────────────
@dataclass(frozen=True)
class Told:
    """What the last comment of a file says: `# SP103 at 7:7, with the first place 6:7, hint: …`."""

    rule: str
    line: int
    column: int
    other: tuple[int, int] | None
    hint: str

    @classmethod
    def of(cls, path: Path) -> Told:
        last = path.read_text(encoding="utf-8").rstrip().splitlines()[-1]
        found = re.match(
            r"# (?P<rule>\w+) at (?P<line>\d+):(?P<column>\d+)"
            r"(?:, with the (?:first|second) place (?P<l2>\d+):(?P<c2>\d+)[^,]*)?(?:, hint: (?P<hint>.*))?$",
            last,
        )
        assert found, f"the last comment of {path.name} is not understood: {last}"
        other = (int(found["l2"]), int(found["c2"])) if found["l2"] else None
        return cls(found["rule"], int(found["line"]), int(found["column"]), other, found["hint"] or "")


@pytest.fixture(params=INVALID, ids=lambda path: path.stem)
def refused(request: pytest.FixtureRequest, here: Path) -> tuple[str, Told]:
    """One invalid file alone in a folder: its name there, and what must be said of it."""
    Path("specs").mkdir()
    shutil.copy(request.param, "specs")
    return f"specs/{request.param.name}", Told.of(request.param)


@pytest.mark.parametrize("command", [("lint", "specs"), ("plan", "--dialect", "sqlite", "specs")], ids=lambda c: c[0])
def test_an_invalid_spec_is_refused_in_words_at_its_place(command: tuple[str, ...], refused: tuple[str, Told]) -> None:
    name, told = refused
    ran = run(*command)
    assert ran.code == 1
    assert f"{name}:{told.line}:{told.column}: error[{told.rule}]: " in ran.output
    assert ran.output.count("error[") == 1, "one cause, one finding"
    if told.hint:
        assert f"hint: {told.hint}" in ran.output
    if told.other:
        assert f"note: {name}:{told.other[0]}:{told.other[1]}: " in ran.output
    lines = ran.output.splitlines()
    place = next(n for n, line in enumerate(lines) if f"error[{told.rule}]" in line)
    shown, caret = lines[place + 1].partition("|"), lines[place + 2].partition("|")
    source = Path(name).read_text(encoding="utf-8").splitlines()[told.line - 1]
    assert (int(shown[0]), shown[2].rstrip()) == (told.line, f" {source}")
    assert caret[2].index("^") == told.column, "the caret stands below the column"


@pytest.mark.parametrize("command", [("lint", "specs"), ("plan", "--dialect", "sqlite", "specs")], ids=lambda c: c[0])
def test_an_invalid_spec_is_refused_in_json_at_its_place(command: tuple[str, ...], refused: tuple[str, Told]) -> None:
    name, told = refused
    result = CliRunner().invoke(cli, [*command, "--format", "json"])
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["schema_version"] == 1
    (finding,) = found["findings"]
    assert finding.keys() >= set(
        "rule name severity message hint file line column end_line end_column version step for related also "
        "fingerprint".split()
    )
    place = (finding["rule"], finding["severity"], finding["file"], finding["line"], finding["column"])
    assert place == (told.rule, "error", name, told.line, told.column)
    if told.hint:
        assert finding["hint"] == told.hint
    if told.other:
        other = finding["related"][0]
        assert (other["file"], other["line"], other["column"]) == (name, *told.other)
    assert found["summary"] == {"error": 1, "warning": 0, "info": 0, "files": 1}


def test_no_invalid_spec_reaches_a_database(refused: tuple[str, Told]) -> None:
    shorts.make(Path("app.db"), 3)
    before = Path("app.db").read_bytes()
    ran = run("apply", *DB, "--yes", "specs")
    assert ran.code == 1 and refused[1].rule in ran.output
    assert Path("app.db").read_bytes() == before
