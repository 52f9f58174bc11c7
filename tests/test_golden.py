"""What people see, whole screens of it: tests/golden/<screen>.txt. `make golden` writes them again."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.support.command import run
from tests.support.database import script
from tests.support.shorts import SCHEMA

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = Path(__file__).parent / "golden"
ROWS = """;
INSERT INTO youtube_shorts (id, video_id, title, view_count, created_at) VALUES
  (1, 'v1', '  Cat ', 12, '2024-01-01 08:00:00'),
  (2, 'v2', 'Piano 🎹', 2000000, '2024-01-02 08:00:00'),
  (3, 'v1', 'Cat, again', NULL, NULL),
  (9, 'v9', NULL, NULL, NULL);
"""
# Screen → the command, run one after the other on one database.
SCREENS = {
    "lint": ("lint", "specs"),
    "lint-findings": ("lint", "wrong"),
    "plan": ("plan", "--db", "app.db", "specs"),
    "plan-sql": ("plan", "--db", "app.db", "--format", "sql", "specs"),
    "apply": ("apply", "--db", "app.db", "--yes", "specs"),
    "status": ("status", "--db", "app.db", "specs"),
    "list": ("list", "--db", "app.db", "specs"),
    "rollback-dry-run": ("rollback", "--db", "app.db", "--dry-run", "specs"),
    "rollback": ("rollback", "--db", "app.db", "--yes", "--to", "002", "specs"),
}
WRONG = """\
version: "001"
description: Three mistakes
steps:
  - create: {table: users, columns: {id: {type: integer, primary_key: true}, email: text}}
  - index: {table: users, columns: [emial]}
  - copy: {from: users, into: userz, columns: same}
"""


@pytest.fixture(scope="module")
def screens(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run all commands once; return screen → what it showed."""
    folder = tmp_path_factory.mktemp("screens")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        shutil.copytree(ROOT / "specs", "specs")
        Path("wrong").mkdir()
        Path("wrong/001_wrong.yaml").write_text(WRONG, encoding="utf-8")
        script("app.db", SCHEMA + ROWS)
        return {name: shown(*args) for name, args in SCREENS.items()}


def shown(*args: str) -> str:
    """Return the command, what it printed and its exit code; times are taken out."""
    ran = run(*args)
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|\+00:00)?( UTC)?", "<time>", ran.output)
    text = re.sub(r"\b\d+(\.\d+)? ?(ms|s)\b", "<n> s", text)
    text = "\n".join(line.rstrip() for line in text.rstrip().splitlines())
    return f"$ engine {' '.join(args)}\n{text}\n(exit {ran.code})\n"


@pytest.mark.parametrize("name", SCREENS)
def test_screen(name: str, screens: dict[str, str], request: pytest.FixtureRequest) -> None:
    file = GOLDEN / f"{name}.txt"
    if request.config.getoption("--golden"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(screens[name], encoding="utf-8")
    assert screens[name] == file.read_text(encoding="utf-8"), "if this is meant: make golden, and read the diff"
