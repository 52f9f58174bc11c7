"""`make bench`: what the engine costs beside the raw statement, as ratios of pairs run in turn.

Each case starts from a fresh, synced copy of one seeded database and runs in a process of its own, which
reports seconds (imports and start-up not counted) and its peak memory. The order of a pair is reversed each
round; what counts is the median of the ratios within the rounds, not of the times.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from engine import __version__  # noqa: E402
from tests.support import shorts  # noqa: E402

COLUMNS = (
    "video_id title description url channel_id channel_name channel_url "
    "view_count like_count comment_count published_at created_at"
).split()
LISTED = ", ".join(COLUMNS)
NEW_COLUMNS = ["source", "source_id", *COLUMNS[1:-1], "scraped_at"]
TYPES = {"view_count": "INTEGER", "like_count": "INTEGER", "comment_count": "INTEGER"}
DEFINITIONS = ", ".join(f"{name} {TYPES.get(name, 'TEXT')}" for name in COLUMNS)
TARGET = f"""CREATE TABLE target (id INTEGER PRIMARY KEY, {DEFINITIONS});
CREATE INDEX target_channel ON target (channel_id, published_at);
CREATE INDEX target_video ON target (video_id)"""
MEMORY_MB = 200.0
VERSION_MS = 10.0


@dataclass(frozen=True)
class Case:
    """A pair: the raw SQL of the limit, and the spec that does the same, made after `ready` specs ran."""

    name: str
    raw: str
    spec: str
    goal: float
    ready: tuple[str, ...] = ()


def spec(steps: str) -> str:
    """Return the text of a spec with these steps."""
    return f'version: "100"\ndescription: A benchmark\nsteps:\n{steps}'


NEW_TABLE = spec(
    "  - create:\n      table: target\n      columns:\n"
    "        id: {type: integer, primary_key: true}\n"
    + "".join(f"        {name}: {TYPES.get(name, 'TEXT').lower()}\n" for name in COLUMNS)
    + "  - index: {table: target, columns: [channel_id, published_at], name: target_channel}\n"
    "  - index: {table: target, columns: [video_id], name: target_video}\n"
    "  - copy: {from: youtube_shorts, into: target, columns: same, expect_rows: all}\n"
)
CASES = (
    Case(
        "copy into a table of the same migration",
        f"{TARGET};\nINSERT INTO target (id, {LISTED}) SELECT id, {LISTED} FROM youtube_shorts",
        NEW_TABLE,
        1.3,
    ),
    Case(
        "copy with on_conflict: skip (spec 003)",
        f"INSERT INTO youtube_results ({', '.join(NEW_COLUMNS)}) SELECT 'youtube_legacy', {LISTED} "
        "FROM youtube_shorts WHERE true ON CONFLICT (source, source_id) DO NOTHING",
        "003_data_transfer.yaml",
        1.6,
        ("001_initial_schema.yaml", "002_add_indexes.yaml"),
    ),
    Case(
        "transform with journal",
        "UPDATE youtube_shorts SET description = upper(description) WHERE description IS NOT NULL",
        spec(
            "  - transform: {table: youtube_shorts, set: {description: upper(description)}, "
            "where: description IS NOT NULL, expect_rows: {min: 1}}\n"
        ),
        1.5,
    ),
)


# ── in the child: one run, measured ───────────────────────────────────────
def child(kind: str, database: str, text: str) -> None:
    """Do one run and print its seconds and peak memory as JSON."""
    work: Callable[[], None] = raw_work(database, text) if kind == "raw" else our_work(database, text)
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": round(peak, 1)}))


def raw_work(database: str, text: str) -> Callable[[], None]:
    """Return the limit: the statements in one transaction, as safe as the engine's own."""

    def work() -> None:
        with closing(sqlite3.connect(database, isolation_level=None)) as db:
            db.execute("PRAGMA synchronous = FULL")
            db.execute("BEGIN IMMEDIATE")
            for statement in text.split(";\n"):
                db.execute(statement)
            db.execute("COMMIT")

    return work


def our_work(database: str, folder: str) -> Callable[[], None]:
    """Return the engine's way: everything pending is applied."""
    from engine import MigrationManager

    with tempfile.TemporaryDirectory() as name:  # what is imported is start-up, and no part of the ratio
        steps = "  - create: {table: t, columns: {id: {type: integer, primary_key: true}}}\n"
        Path(name, "100_warm.yaml").write_text(spec(steps), encoding="utf-8")
        warm = MigrationManager(":memory:", specs=name)
        if not warm.migrate_to_latest():
            raise SystemExit(f"the engine failed: {warm.last_error}")
        warm.close()
    manager = MigrationManager(database, specs=folder)

    def work() -> None:
        if not manager.migrate_to_latest():
            raise SystemExit(f"the engine failed: {manager.last_error}")

    return work


# ── in the parent: rounds ─────────────────────────────────────────────────
def measure(kind: str, base: Path, text: str) -> dict[str, float]:
    """Run one child on a fresh copy of `base`."""
    database = base.with_suffix(f".{kind}.db")
    shutil.copyfile(base, database)
    with open(database, "rb") as file:
        os.fsync(file.fileno())
    try:
        done = subprocess.run(
            [sys.executable, __file__, "--child", kind, str(database), text],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"{kind}: {done.stderr or done.stdout}")
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return found
    finally:
        database.unlink()


def pairs(case: Case, base: Path, folder: Path, rounds: int) -> dict[str, object]:
    """Run the pair of a case in turn and return what was found."""
    ratios, peaks, times = [], [], {"raw": [], "ours": []}  # type: ignore[var-annotated]
    for number in range(rounds):
        found = {}
        for kind in ("raw", "ours") if number % 2 == 0 else ("ours", "raw"):
            found[kind] = measure(kind, base, case.raw if kind == "raw" else str(folder))
            times[kind].append(round(found[kind]["seconds"], 3))
        ratios.append(found["ours"]["seconds"] / found["raw"]["seconds"])
        peaks.append(found["ours"]["peak_mb"])
    return {
        "case": case.name,
        "ratio": round(statistics.median(ratios), 2),
        "band": [round(min(ratios), 2), round(max(ratios), 2)],
        "goal": case.goal,
        "peak_mb": max(peaks),
        **times,
    }


def prepare(case: Case, source: Path, folder: Path) -> tuple[Path, Path]:
    """Return the database that a case starts from, and the folder of its specs."""
    specs = folder / "specs"
    shutil.rmtree(specs, ignore_errors=True)
    specs.mkdir()
    base = folder / "base.db"
    shutil.copyfile(source, base)
    for name in case.ready:
        shutil.copyfile(ROOT / "specs" / name, specs / name)
    if case.ready:
        our_work(str(base), str(specs))()
    if case.spec.endswith(".yaml"):
        # The copy alone: the queries of the step that validates it have no counterpart in the raw statement.
        whole = (ROOT / "specs" / case.spec).read_text(encoding="utf-8")
        (specs / case.spec).write_text(whole[: whole.index("  - when:")], encoding="utf-8")
    else:
        (specs / "100_benchmark.yaml").write_text(case.spec, encoding="utf-8")
    return base, specs


def version_ms(database: Path, specs: Path) -> float:
    """Return the milliseconds of `get_current_version()` in a process that runs, the median of twenty."""
    from engine import MigrationManager

    manager = MigrationManager(str(database), specs=str(specs))
    times = []
    for _ in range(20):
        started = time.perf_counter()
        manager.get_current_version()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def main() -> int:
    """Run the benchmark; return 0 where every goal is met, else 1."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("--rows", type=int, default=1_000_000)
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--case", default="", help="only cases whose name has this in it")
    words.add_argument("--out", default="bench-results.jsonl", help="JSON lines are added to this file")
    words.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = words.parse_args()
    if options.child:
        child(*options.child)
        return 0
    found = []
    with tempfile.TemporaryDirectory(prefix="engine-bench-") as name:
        folder = Path(name)
        source, small = folder / "source.db", folder / "small.db"
        shorts.make(source, options.rows)
        shorts.make(small, options.rows // 10)
        for case in (c for c in CASES if options.case in c.name):
            base, specs = prepare(case, source, folder)
            result = pairs(case, base, specs, options.rounds)
            base, specs = prepare(case, small, folder)
            result["peak_mb_tenth"] = measure("ours", base, str(specs))["peak_mb"]
            show(result)
            found.append(result)
        base, specs = prepare(CASES[1], small, folder)
        milliseconds = round(version_ms(base, specs), 2)
    print(f"{'current_version, in process':<42} {milliseconds:>6} ms   goal {VERSION_MS} ms")
    with open(options.out, "a", encoding="utf-8") as file:
        for line in [*found, {"case": "current_version", "ms": milliseconds, "goal": VERSION_MS}]:
            about = {"version": __version__, "sqlite": sqlite3.sqlite_version, "rows": options.rows}
            file.write(json.dumps({**about, **line}) + "\n")
    missed = [r["case"] for r in found if r["ratio"] > r["goal"] or r["peak_mb"] > MEMORY_MB]  # type: ignore[operator]
    missed += ["current_version"] if milliseconds > VERSION_MS else []
    print("every goal is met" if not missed else f"missed: {', '.join(map(str, missed))}")
    return 1 if missed else 0


def show(result: dict[str, object]) -> None:
    """Print one line of the table."""
    low, high = result["band"]  # type: ignore[misc]
    print(
        f"{result['case']:<42} {result['ratio']:>6}× ({low}–{high})  goal {result['goal']}×   "
        f"peak {result['peak_mb']} MB (a tenth of the rows: {result['peak_mb_tenth']} MB)",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
