"""A rollback that was killed is given again, and ends where it would have ended: no migration more goes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.crashing import SimulatedCrash, watched
from tests.history import acts as made
from tests.support.command import run
from tests.support.database import Snapshot, same, snapshot

TEXTS = [made.UPPER, made.COLUMN, made.INDEX]


@pytest.fixture(autouse=True)
def stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Snapshot]:
    """Three specs, applied one by one; the database as it was before the first and after each."""
    monkeypatch.chdir(tmp_path)
    made.start()
    found = [snapshot("app.db")]
    for number, steps in enumerate(TEXTS, 1):
        made.write(f"{number:03}", steps)
    for number in range(1, len(TEXTS) + 1):
        made.applied("--to", f"{number:03}")
        found.append(snapshot("app.db"))
    return found


def kill_at(commit: int, *args: str) -> bool:
    """Run a command that is killed right behind a commit; return whether it came so far."""
    seen = 0

    def look(driver: object, sql: str) -> None:
        nonlocal seen
        seen += sql == "COMMIT"
        if seen == commit and sql == "COMMIT":
            raise SimulatedCrash

    with watched(after=look):
        try:
            run(*args)
        except SimulatedCrash:
            return True
    return False


@pytest.mark.parametrize("steps", [1, 2])
def test_killed_behind_every_commit_it_ends_where_it_would_have(
    steps: int, stages: list[Snapshot], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = 0
    whole = Path("app.db").read_bytes()
    command = ["rollback", *made.DB, "--steps", str(steps)]
    for commit in range(1, 40):
        Path("app.db").write_bytes(whole)
        if not kill_at(commit, *command):
            break
        shown = run(*command, "--dry-run")
        assert shown.code == 0, shown.output
        again = run(*command)
        assert again.code == 0, again.output
        same(stages[len(TEXTS) - steps], snapshot("app.db"))
        told += "rolled back before, by a run of this command that broke off" in again.output
        one_more = run("rollback", *made.DB)
        assert one_more.code == 0, one_more.output
        same(stages[len(TEXTS) - steps - 1], snapshot("app.db"))
    else:
        raise AssertionError("it never came to its end")
    assert told >= steps


def killed_at_the_end(*command: str) -> None:
    """Kill a rollback as late as can be: all is undone, and nobody was told."""
    before = Path("app.db").read_bytes()
    last = next(n for n in range(1, 40) if not kill_at(n, *command) or Path("app.db").write_bytes(before) < 0) - 1
    Path("app.db").write_bytes(before)
    assert kill_at(last, *command)


@pytest.mark.parametrize(
    ("meanwhile", "left"),
    [
        (lambda: made.applied(), 2),
        (lambda: run("rollback", *made.DB, "--steps", "2"), 0),
        (lambda: run("plan", *made.DB, "specs"), 2),
    ],
    ids=["applied again", "another rollback", "only looked at"],
)
def test_it_counts_until_something_else_was_done(
    meanwhile: Callable[[], object], left: int, stages: list[Snapshot]
) -> None:
    killed_at_the_end("rollback", *made.DB)
    same(stages[2], snapshot("app.db"))
    meanwhile()
    ran = run("rollback", *made.DB)
    assert ran.code == 0, ran.output
    same(stages[left], snapshot("app.db"))


def test_what_was_undone_before_is_told_in_json_too() -> None:
    killed_at_the_end("rollback", *made.DB)
    found = json.loads(run("rollback", *made.DB, "--format", "json").output)
    assert (found["already"], found["migrations"]) == (["003"], [])
    assert "nothing more to undo" not in run("rollback", *made.DB).output
