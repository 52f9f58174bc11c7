"""`make bench`, on PostgreSQL: what the engine costs beside the raw statement, as ratios of pairs run in turn.

Where no server is found, one of our own is started from the wheel; where there is none either, it says so.
Beside the time stands the processor time of the server's side of the writing session (where it runs on this machine).
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.support.postgres import MISSING, Place, database, server  # noqa: E402

GIVEN = """
CREATE TABLE t (id integer PRIMARY KEY, code text, note text, views integer);
INSERT INTO t SELECT n, 'c' || n, repeat('word ' || n || ' ', 8), n % 97 FROM generate_series(1, {rows}) AS n;
VACUUM ANALYZE t;
CHECKPOINT;
"""
HEAD = 'version: "001"\ndescription: A benchmark\nsteps:\n'


@dataclass(frozen=True)
class Case:
    """A pair: the raw SQL of the limit, and the steps that do the same."""

    name: str
    raw: str
    steps: str
    goal: float


CASES = (
    Case(
        "copy into a table of the same migration",
        "CREATE TABLE target (id integer PRIMARY KEY, code text, note text, views integer);"
        " CREATE INDEX target_code ON target (code);"
        " INSERT INTO target SELECT id, code, note, views FROM t",
        "  - create: {table: target, columns: {id: {type: integer, primary_key: true}, code: text, note: text, views: integer}}\n"
        "  - index: {table: target, columns: [code], name: target_code}\n"
        "  - copy: {from: t, into: target, columns: same, expect_rows: all}\n",
        1.15,
    ),
    Case(
        "transform with journal",
        "UPDATE t SET note = upper(note) WHERE note IS NOT NULL",
        "  - transform: {table: t, set: {note: upper(note)}, where: note IS NOT NULL}\n",
        1.4,
    ),
)


@dataclass
class Cost:
    """What a run took: seconds, and seconds of the server's process (0 where that is not of this machine)."""

    seconds: float
    processor: float


def processor(pid: int) -> float:
    """Return the processor time of a process so far."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def raw(place: Place, case: Case) -> Cost:
    """Do the raw SQL in one transaction."""
    import psycopg

    with psycopg.connect(place.url, autocommit=True) as db:
        begin, before = time.perf_counter(), processor(db.info.backend_pid)
        db.execute(case.raw)  # several statements in one message are one transaction
        return Cost(time.perf_counter() - begin, processor(db.info.backend_pid) - before)


def ours(place: Place, case: Case) -> Cost:
    """Apply the steps."""
    from engine import MigrationManager
    from engine.dialects.postgres.driver import PostgresDriver

    spent: list[float] = []
    close = PostgresDriver.close

    def closing(driver: PostgresDriver) -> None:
        spent.append(processor(driver._connection.info.backend_pid))
        close(driver)

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "001_bench.yaml").write_text(HEAD + case.steps, encoding="utf-8")
        manager = MigrationManager(place.url, specs=folder)
        patched: Any = PostgresDriver
        patched.close = closing
        try:
            begin = time.perf_counter()
            if not manager.migrate_to_latest():
                raise SystemExit(f"the engine failed: {manager.last_error}")
            seconds = time.perf_counter() - begin
            manager.close()
        finally:
            patched.close = close
    return Cost(seconds, sum(spent))


def fresh(place: Place, rows: int) -> None:
    """Make the database anew."""
    import psycopg

    place.clean()
    with psycopg.connect(place.url, autocommit=True) as db:
        for statement in GIVEN.format(rows=rows).split(";\n"):
            if statement.strip():
                db.execute(statement)


def pairs(place: Place, case: Case, rows: int, rounds: int) -> tuple[float, float]:
    """Return the median ratios of time and of processor time."""
    times, processors = [], []
    ways: list[Callable[[Place, Case], Cost]] = [raw, ours]
    for turn in range(rounds):
        found: dict[str, Cost] = {}
        for way in ways if turn % 2 else reversed(ways):
            fresh(place, rows)
            found[way.__name__] = way(place, case)
        times.append(found["ours"].seconds / found["raw"].seconds)
        processors.append(found["ours"].processor / max(found["raw"].processor, 0.01))
    return statistics.median(times), statistics.median(processors)


def main() -> int:
    """Run all cases; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    missed = []
    with server() as url:
        if not url:
            print(MISSING)
            return 0
        with database(url, f"engine_bench_{os.getpid()}") as place:
            fresh(place, 100)
            ours(place, CASES[0])  # what is imported is start-up, and no part of the ratio
            for case in CASES:
                seconds, cpu = pairs(place, case, options.rows, options.rounds)
                words = f"{case.name}, PostgreSQL"
                print(f"{words:<52} {seconds:>6.2f}×  goal {case.goal}×  (server's processor {cpu:.2f}×)", flush=True)
                missed += [words] if seconds > case.goal else []
    print("every goal is met" if not missed else f"missed: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
