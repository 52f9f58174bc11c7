"""A finalize that is run again gives up no other migration's way back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import document, run
from tests.support.database import same, script, snapshot

DB = ("--db", "app.db")
SPEC = """version: "{0}"
description: Spec {0}
steps:
  - transform: {{table: t, set: {{v: "v || '{0}'"}}, where: "true"}}
"""


def test_a_journal_that_got_the_number_of_one_that_is_gone_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    script("app.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b');")
    Path("specs").mkdir()
    for version in ("001", "002"):
        Path("specs", f"{version}_spec.yaml").write_text(SPEC.format(version), encoding="utf-8")
    assert run("apply", *DB, "--yes", "--to", "001", "specs").code == 0
    assert run("finalize", "001", *DB, "--yes").code == 0
    before = snapshot("app.db")
    assert run("apply", *DB, "--yes", "specs").code == 0
    status = document("status", *DB, "specs")
    assert (status["drift"], status["next"]) == ([], "")
    assert run("finalize", "001", *DB, "--yes").code == 0
    undone = run("rollback", *DB, "specs")
    assert undone.code == 0, undone.output
    same(before, snapshot("app.db"))
