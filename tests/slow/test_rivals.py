"""Rivals, as real processes: many who apply at once, one who was overtaken, an application that goes on working."""

from __future__ import annotations

import json
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.crash.crashing import engines
from tests.support.database import content_hash, script, snapshot
from tests.support.factor import scaled
from tests.support.processes import Child, engine
from tests.support.rivals import Others, at_work

pytestmark = pytest.mark.slow

ROUNDS = scaled(3)  # 30 with a factor of 10
APPLIERS = 32
ROWS = 60_000

FRESH = {
    "001_make.yaml": """version: "001"
description: Make
steps:
  - create: {table: t, columns: {id: {type: integer, primary_key: true}, v: text}}
  - insert: {into: t, rows: [{id: 1, v: a}, {id: 2, v: b}, {id: 3, v: c}]}
""",
    "002_change.yaml": """version: "002"
description: Change
transaction: step
steps:
  - transform: {table: t, set: {v: upper(v)}, where: "true", batch_size: 1}
  - index: {table: t, columns: [v]}
""",
}
LONG = {
    "001_change.yaml": """version: "001"
description: Change
transaction: step
steps:
  - transform: {table: t, set: {v: upper(v)}, where: "true"}
"""
}
HELD = re.compile(
    r"error: the lock is held by (process \d+ of \S+ on \S+ \(engine apply\), since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
    r"|another process)"
)


def specs(folder: Path, texts: dict[str, str]) -> Path:
    """Write specs and return their folder."""
    made = folder / "specs"
    made.mkdir(exist_ok=True)
    for name, text in texts.items():
        (made / name).write_text(text, encoding="utf-8")
    return made


def table(path: Path, rows: int, mode: str = "delete") -> None:
    """Make the database at `path` with a table of `rows` rows."""
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA journal_mode = {mode}")
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, owner TEXT, note TEXT)")
        db.execute(
            f"INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"
            " SELECT i, 'row ' || i, 'nobody', 'a note of some length, number ' || i FROM n"
        )
        db.commit()


def ask(path: Path, query: str) -> list[tuple[object, ...]]:
    """Return the rows of a query."""
    with closing(sqlite3.connect(path, timeout=60)) as db:
        return db.execute(query).fetchall()


# ── many at once ──────────────────────────────────────────────────────────
@pytest.mark.parametrize("number", range(ROUNDS))
def test_of_many_who_apply_at_once_one_works(number: int, tmp_path: Path) -> None:
    made, database = specs(tmp_path, FRESH), tmp_path / "fresh.db"
    start = time.monotonic() + 1.5

    def ready() -> None:
        time.sleep(max(0.0, start - time.monotonic()))

    children: list[tuple[bool, Child]] = []
    for place in range(APPLIERS):
        waits = (place + number) % 2 == 0
        wait = ["--lock-wait", "100s"] if waits else []
        args = ["apply", "--db", str(database), "--yes", *wait, str(made)]
        children.append((waits, engine(args, tmp_path / f"{place}.out", ready)))
    for waits, child in children:
        code = child.wait()
        assert "Traceback" not in child.output and "this is a bug" not in child.output, child.output
        assert code in ((0,) if waits else (0, 5)), child.output
        assert code == 0 or HELD.search(child.output), child.output
    assert ask(database, "SELECT * FROM t ORDER BY id") == [(1, "A"), (2, "B"), (3, "C")]
    ended = "SELECT version, outcome, count(*) FROM engine_event GROUP BY version, outcome ORDER BY version"
    assert ask(database, ended) == [("001", "applied", 1), ("002", "applied", 1)]
    begun = "SELECT count(DISTINCT run) FROM engine_event"
    assert ask(database, begun) == [(1,)]  # who began went on to the end
    assert ask(database, "SELECT version, state, number FROM migration_history ORDER BY version") == [
        ("001", "applied", 1),
        ("002", "applied", 2),
    ]
    assert not (tmp_path / "fresh.db.engine-lock").exists()


# ── overtaken ─────────────────────────────────────────────────────────────
@pytest.mark.parametrize("how", ["the lock file is replaced", "the fence is taken"])
@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_one_who_was_stopped_and_overtaken_writes_nothing_more(mode: str, how: str, tmp_path: Path) -> None:
    made, database = specs(tmp_path, LONG), tmp_path / "held.db"
    table(database, ROWS, mode)
    args = ["apply", "--db", str(database), "--yes", "--batch-size", "20"]
    holder = engine([*args, str(made)], tmp_path / "holder.out")
    stop_between_batches(holder, database)
    refused = engine([*args, str(made)], tmp_path / "refused.out")
    assert refused.wait() == 5, refused.output
    assert f"process {holder.pid}" in refused.output and "parts are done" in refused.output, refused.output
    if how == "the fence is taken":
        script(
            database, "UPDATE engine_meta SET value = value + 1 WHERE key = 'fence'; UPDATE engine_step SET fence = 99"
        )
    else:
        Path(f"{database}.engine-lock").unlink()
        rival = engine([*args, str(made)], tmp_path / "rival.out")
        assert rival.wait() == 0, rival.output
        assert ask(database, "SELECT count(*) FROM t WHERE v = upper('row ' || id)") == [(ROWS,)]
    before, own, runs = snapshot(database), engines(database), ask(database, RUNS)
    holder.signal(signal.SIGCONT)
    assert holder.wait() == 5, holder.output
    assert "another process took over the work on this database" in holder.output
    assert "this one stopped and wrote nothing more" in holder.output
    assert not before.differences(snapshot(database))
    assert engines(database) == own
    assert ask(database, RUNS) == runs


RUNS = "SELECT run, outcome, finished FROM engine_run UNION ALL SELECT event, outcome, finished FROM engine_event"


def stop_between_batches(child: Child, database: Path) -> None:
    """Stop a process between two batches, where it holds no lock of SQLite's."""
    deadline, dice = time.monotonic() + 60, random.Random(str(database))
    while time.monotonic() < deadline and not child.poll():
        time.sleep(dice.uniform(0.001, 0.01))
        child.signal(signal.SIGSTOP)
        with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as db:
            try:
                db.execute("BEGIN IMMEDIATE")
                steps = "SELECT max(batch_no) FROM engine_step WHERE direction = 'apply' AND state = 'doing'"
                (batch,) = db.execute(steps).fetchone()
                db.execute("UPDATE engine_meta SET value = value WHERE key = 'fence'")
                db.execute("COMMIT")  # nor does it read
                if batch is not None and batch > 2:
                    return
            except sqlite3.OperationalError:
                pass  # it is in a transaction, or has not begun
        child.signal(signal.SIGCONT)
    raise AssertionError(f"it was not caught between two batches: {child.output}")


# ── an application that goes on working ───────────────────────────────────
@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_an_application_keeps_its_values_and_is_not_held_up_for_long(
    mode: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = scaled(120_000)
    made, database = specs(tmp_path, LONG), tmp_path / "busy.db"
    table(database, rows, mode)
    told = []
    others = Others()
    for command, more in (("apply", []), ("rollback", ["--on-conflict", "skip"])):
        others.wait = others.block = 0.0
        # A process of its own from the start: SQLite's locks do not survive a fork.
        args = [sys.executable, "-m", "engine", command, "--db", str(database), "--yes", *more, str(made)]
        with at_work(database, rows, others, f"{mode} {command}"):
            done = subprocess.run(args, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        told.append(f"{command}: longest write {others.wait:.2f} s, longest read {others.block:.2f} s")
        assert not others.errors
        assert others.wait < 5, "longer than Python's own time limit: others would have been refused"
        assert others.block < 5
        is_ = dict(ask(database, "SELECT id, v FROM t"))
        was = {id: others.name.get(id, f"row {id}") for id in is_}
        owners = dict(ask(database, "SELECT id, owner FROM t"))
        assert owners == {id: others.owner.get(id, "nobody") for id in owners}
        if command == "apply":  # the step came over a value of the application's, or the other way round
            assert all(is_[id] in (text, text.upper()) for id, text in was.items())
            assert all(is_[id] == text.upper() for id, text in was.items() if id not in others.name)
        else:
            assert is_ == was
            assert not others.name or "rows of t were changed since" in done.stdout, done.stdout
    with capsys.disabled():
        print(f"\n{mode}, {rows:,} rows, {others.writes} writes, {others.reads} reads: {'; '.join(told)}", end="")


def test_status_and_plan_can_be_asked_all_the_while(tmp_path: Path) -> None:
    made, database = specs(tmp_path, LONG), tmp_path / "asked.db"
    table(database, ROWS, "delete")
    args = ["--db", str(database)]
    holder = engine(["apply", *args, "--yes", "--batch-size", "50", str(made)], tmp_path / "holder.out")
    asked, working, longest = 0, 0, 0.0
    while not holder.poll():
        begin = time.monotonic()
        for command in ("status", "plan"):
            one = engine([command, *args, "--format", "json", str(made)], tmp_path / f"{command}-{asked}.out")
            assert one.wait() == 0, one.output
            told = json.loads(one.output)
            if command == "status" and told["in_progress"] is not None:
                working += 1
                assert not told["in_progress"]["resumable"] or holder.poll()
        asked += 1
        longest = max(longest, time.monotonic() - begin)
    assert holder.wait() == 0, holder.output
    assert working >= 1
    assert longest < 10
    assert content_hash(database) != ""
