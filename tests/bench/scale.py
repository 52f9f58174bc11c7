"""`make bench`, second part: fifty times the rows cost fifty times the time, and no more memory.

Goals: 5,000,000 rows at 0.6 of the speed per row that 100,000 rows have; under 300 MB of memory, and the same
for five times as many rows of 2 KB.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

SPEED, MEMORY_MB, FLAT = 0.6, 300.0, 1.15
ROUNDS = 3  # of the smaller run, whose time is short: the median counts
SPEC = """version: "001"
description: Copy, transform and delete
steps:
  - create: {table: target, columns: {id: {type: integer, primary_key: true}, code: text, note: text, views: integer}}
  - index: {table: target, columns: [views]}
  - copy: {from: source, into: target, columns: same, expect_rows: all}
  - transform: {table: source, set: {code: upper(code)}, where: "id % 2 = 0", expect_rows: {min: 1}}
  - delete: {from: source, where: "id % 10 = 1", expect_rows: {min: 1}}
"""


def make(path: Path, rows: int, size: int) -> None:
    """Make a database of `rows` rows with about `size` bytes each."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("CREATE TABLE source (id INTEGER PRIMARY KEY, code TEXT, note TEXT, views INTEGER)")
        db.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows) INSERT INTO source "
            "SELECT i, 'code ' || i, substr(replace(hex(zeroblob(:size)), '0', 'x'), 1, :size), i * 7919 % 100003 FROM n",
            {"rows": rows, "size": size},
        )
        db.commit()


def child(database: str, specs: str) -> None:
    """Apply and roll back; print the seconds of both and the peak of memory as JSON."""
    from engine import MigrationManager

    manager = MigrationManager(database, specs=specs)
    found: dict[str, float] = {}
    for way, do in (("apply", manager.migrate_to_latest), ("rollback", manager.rollback)):
        started = time.perf_counter()
        if not do():
            raise SystemExit(f"{way} failed: {manager.last_error}")
        found[way] = round(time.perf_counter() - started, 3)
    found["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    print(json.dumps(found))


def measure(folder: Path, rows: int, size: int) -> dict[str, float]:
    """Run one child on a new database."""
    database = folder / f"{rows}.db"
    make(database, rows, size)
    with open(database, "rb") as file:
        os.fsync(file.fileno())
    words = [sys.executable, __file__, "--child", str(database), str(folder / "specs")]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    finally:
        database.unlink()
    if done.returncode != 0:
        raise SystemExit(done.stderr or done.stdout)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def speed(folder: Path, few: int, many: int) -> dict[str, object]:
    """Return the speed per row of `many` rows as a share of that of `few`, there and back."""
    # Once before and twice after, so that a machine that grows busy or idle meanwhile weighs on both.
    small = [measure(folder, few, 60)]
    large = measure(folder, many, 60)
    small += [measure(folder, few, 60) for _ in range(ROUNDS - 1)]
    shares = {}
    for way in ("apply", "rollback"):
        usual = sorted(one[way] for one in small)[ROUNDS // 2]
        shares[way] = round((usual / few) / (large[way] / many), 2)
    return {"case": f"{many:,} rows to {few:,}", "shares": shares, "small": small, "large": large, "goal": SPEED}


def memory(folder: Path, rows: int) -> dict[str, object]:
    """Return the peaks of memory for `rows` rows of 2 KB and for five times as many."""
    peaks = [measure(folder, count, 2000)["peak_mb"] for count in (rows, rows * 5)]
    return {"case": f"{rows:,} and {rows * 5:,} rows of 2 KB", "peaks_mb": peaks, "goal_mb": MEMORY_MB, "flat": FLAT}


def main() -> int:
    """Measure; return 0 where every goal is met, else 1."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("--rows", type=int, default=5_000_000)
    words.add_argument("--wide", type=int, default=30_000, help="rows of 2 KB, and five times as many")
    words.add_argument("--out", default="bench-results.jsonl", help="JSON lines are added to this file")
    words.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = words.parse_args()
    if options.child:
        child(*options.child)
        return 0
    with tempfile.TemporaryDirectory(prefix="engine-scale-") as name:
        folder = Path(name)
        (folder / "specs").mkdir()
        (folder / "specs" / "001_scale.yaml").write_text(SPEC, encoding="utf-8")
        wide = memory(folder, options.wide)
        print(f"{wide['case']:<42} peak {wide['peaks_mb']} MB   goal {MEMORY_MB} MB, flat", flush=True)
        long = speed(folder, max(1, options.rows // 50), options.rows)
        print(f"{long['case']:<42} speed per row {long['shares']}   goal {SPEED}", flush=True)
    with open(options.out, "a", encoding="utf-8") as file:
        for line in (wide, long):
            file.write(json.dumps({"sqlite": sqlite3.sqlite_version, **line}) + "\n")
    few, many = wide["peaks_mb"]  # type: ignore[misc]
    peak = max(many, long["large"]["peak_mb"])  # type: ignore[index]
    met = peak < MEMORY_MB and many < few * FLAT and min(long["shares"].values()) >= SPEED  # type: ignore[attr-defined]
    print("every goal is met" if met else "missed")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
