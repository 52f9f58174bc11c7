"""Every cell of the decision table: exit code, words, next command; and the next command that is named works."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

import pytest

from tests.crash.crashing import watched
from tests.history.acts import DB, Answer, Situation, start
from tests.history.situations import TABLE
from tests.support.command import Ran, run

ROWS = [pytest.param(row, id=f"{title} {row.happened}") for title, rows in TABLE.items() for row in rows]


@pytest.mark.parametrize("row", ROWS)
def test_each_command_answers_as_the_table_says(
    row: Situation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / "made"
    made.mkdir()
    monkeypatch.chdir(made)
    with watched():  # nothing waits for the disk
        answers(row, tmp_path, monkeypatch)


def answers(row: Situation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the situation, and run each command on a copy of it."""
    made = Path.cwd()
    start()
    row.make()
    cells = {"plan": row.plan, "status": row.status, "apply": row.apply, "rollback": row.rollback}
    for command, answer in cells.items():
        copy = tmp_path / command
        shutil.copytree(made, copy)
        monkeypatch.chdir(copy)
        before = files()
        ran = run(command, *DB, *(["--yes"] if command == "apply" else []), "specs")
        where = f"{command}: {ran.output}"
        assert ran.code == answer.code, where
        assert answer.says in ran.output, where
        assert named(ran) == answer.next, where
        if command in ("plan", "status"):
            assert files() == before, f"{command} changed something"
        if answer.code in (1, 2, 4, 5) and answer.says in ran.output and "went well before" not in answer.says:
            assert files() == before or command == "rollback", f"{command} refused, and changed something"
        if command == "status":
            leads_on(answer)


def leads_on(status: Answer) -> None:
    """The command that `status` names says what is wrong, or brings the database on."""
    if not status.next:
        return
    word = status.next.split()[1]
    if word == "lint":
        assert run("lint", *DB, "specs").code == 1
    elif word == "plan":
        assert run("plan", *DB, "specs").code in (0, 1)  # 1: it says what stands in the way
    else:
        ran = run(word, *DB, *(["--yes"] if word == "apply" else []), "specs")
        assert ran.code == 0 or "went well before" in ran.output, ran.output
        assert "Unfinished" not in run("status", *DB, "specs").output


def named(ran: Ran) -> str:
    """Return the next command in what was printed, without its options."""
    found = re.findall(r"^next: (engine \w+(?: --help)?)", ran.output, re.MULTILINE)
    assert len(found) <= 1, ran.output
    return found[0] if found else ""


def files() -> dict[str, str]:
    """Return the content of every file in the working folder, as a number."""
    return {
        str(p): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(Path().rglob("*"))
        if p.is_file() and not p.name.endswith(".engine-lock")
    }
