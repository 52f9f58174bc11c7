"""Applied means that the schema is as the plan said at the very end, not only at the beginning (invariant I6)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.history import acts as made
from tests.support.command import run
from tests.support.database import Snapshot, same, script, snapshot

OTHERS = {
    "taken away": ("DROP INDEX idx_t_v", "index `idx_t_v` is gone"),
    "made anew": ("DROP INDEX idx_t_v; CREATE INDEX idx_t_v ON t (v DESC)", "index `idx_t_v` is not as 001 left it"),
}


MADE = 'CREATE INDEX "idx_t_v" ON "t" ("v")'


@pytest.fixture(autouse=True)
def before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Snapshot:
    """A database, two specs, and the first of them half applied."""
    monkeypatch.chdir(tmp_path)
    made.start()
    before = snapshot("app.db")
    made.half_applied()
    return before


@pytest.mark.parametrize("done", OTHERS)
def test_what_others_changed_of_a_half_applied_migration_is_no_applied_migration(done: str) -> None:
    sql, words = OTHERS[done]
    script("app.db", sql)
    ran = run("apply", *made.DB, "--yes", "specs")
    assert (ran.code, words in ran.output) == (4, True), ran.output
    assert 'put it back as 001 made it (CREATE INDEX "idx_t_v" ON "t" ("v"))' in ran.output, ran.output
    assert "now: 001 is done but for its end\nnext: engine apply" in ran.output, ran.output
    assert "Unfinished: apply of 001" in run("status", *made.DB, "specs").output

    script("app.db", "DROP INDEX IF EXISTS idx_t_v; CREATE INDEX idx_t_v ON t (v)")
    again = run("apply", *made.DB, "--yes", "specs")
    assert again.code == 4, again.output  # the text of an index is part of the schema, quotes and all

    script("app.db", f"DROP INDEX idx_t_v; {MADE}")
    last = run("apply", *made.DB, "--yes", "specs")
    assert last.code == 0, last.output


def test_it_can_be_taken_back_instead(before: Snapshot) -> None:
    script("app.db", "DROP INDEX idx_t_v")
    assert run("apply", *made.DB, "--yes", "specs").code == 4
    script("app.db", MADE)
    back = run("rollback", *made.DB)
    assert back.code == 0, back.output
    same(before, snapshot("app.db"))


def test_what_others_make_for_themselves_is_no_concern_of_it() -> None:
    script("app.db", "CREATE TABLE theirs (x)")
    ran = run("apply", *made.DB, "--yes", "--to", "001", "specs")
    assert ran.code == 0, ran.output
