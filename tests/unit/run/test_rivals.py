"""Several real processes that apply at the same instant: one works, each other waits or says who does."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from tests.support.processes import engine

SPEC = """version: "001"
description: Make
transaction: step
steps:
  - create: {table: t, columns: {id: {type: integer, primary_key: true}, v: text}}
  - insert: {into: t, rows: [{id: 1, v: a}, {id: 2, v: b}]}
"""


def test_of_six_who_apply_at_once_to_a_fresh_database_one_works(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "001_make.yaml").write_text(SPEC, encoding="utf-8")
    start = time.monotonic() + 0.5
    args = ["apply", "--db", str(tmp_path / "fresh.db"), "--yes", str(tmp_path / "specs")]
    children = [
        engine(
            [*args, *(["--lock-wait", "60s"] if place % 2 else [])],
            tmp_path / f"{place}.out",
            lambda: time.sleep(max(0.0, start - time.monotonic())),
        )
        for place in range(6)
    ]
    for place, child in enumerate(children):
        assert child.wait() in ((0,) if place % 2 else (0, 5)), child.output
        assert "Traceback" not in child.output and "this is a bug" not in child.output
        assert child.code == 0 or "the lock is held by " in child.output
    with closing(sqlite3.connect(tmp_path / "fresh.db")) as db:
        assert db.execute("SELECT * FROM t").fetchall() == [(1, "a"), (2, "b")]
        assert db.execute("SELECT version, outcome FROM engine_event").fetchall() == [("001", "applied")]
