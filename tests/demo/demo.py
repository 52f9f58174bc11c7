"""`make demo`: 100,000 old rows are moved by the specs of this repository, killed, resumed, taken back."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.support import shorts  # noqa: E402
from tests.support.database import content_hash  # noqa: E402

ROWS = 100_000
SHOWN = 30  # lines of a long output


def main() -> int:
    """Run the demo in a folder of its own; return the exit code."""
    with tempfile.TemporaryDirectory(prefix="engine-demo-") as folder:
        os.chdir(folder)
        shutil.copytree(ROOT / "specs", "specs")
        for name in ("ENGINE_DB", "DATABASE_URL"):
            os.environ.pop(name, None)
        return show()


def show() -> int:
    """Lint, plan, apply, kill, resume, roll back; compare by content hash."""
    say(f"A database with {ROWS:,} rows in youtube_shorts: ids seen twice, NULLs, emoji, padded titles")
    database = Path("demo.db")
    shorts.make(database, ROWS)
    before = content_hash(database)
    print(f"content hash {before[:16]}…")

    say("Are the specs right? No database needed")
    engine("lint", "specs")
    say("What would happen? Every statement, byte for byte (only the beginning is shown here)")
    engine("plan", "--db", "demo.db", "specs", shown=SHOWN)

    say("Apply, and kill -9 in the middle of the transfer")
    killed_at = apply_and_kill(database)
    print(f"killed with {killed_at:,} rows in youtube_results")
    engine("status", "--db", "demo.db", "specs")
    say("The same command goes on where it was")
    engine("apply", "--db", "demo.db", "--yes", "specs")
    engine("status", "--db", "demo.db", "specs")
    with closing(sqlite3.connect(database)) as db:
        moved, popular = db.execute("SELECT count(*), sum(is_popular) FROM youtube_results").fetchone()
    print(f"youtube_results: {moved:,} rows, {popular:,} of them popular")

    say("Take it all back")
    engine("rollback", "--db", "demo.db", "--yes", "--to", "0", "specs")
    after = content_hash(database)
    if after != before:
        print(f"NOT as it was: content hash {after[:16]}…, and it was {before[:16]}…")
        return 1
    print(f"\nThe database is as it was: content hash {after[:16]}… before and after, schema and rows.")
    return 0


def say(words: str) -> None:
    """Print a heading."""
    print(f"\n── {words}", flush=True)


def engine(*args: str, shown: int = 0) -> None:
    """Run `engine ARGS` and show what it says; stop the demo where it fails."""
    print(f"$ engine {' '.join(args)}", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "engine", *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    lines = done.stdout.rstrip().splitlines()
    print("\n".join(lines[:shown] if shown else lines))
    if shown and len(lines) > shown:
        print(f"… {len(lines) - shown} more lines, the last of them:\n{lines[-1]}")
    if done.returncode != 0:
        raise SystemExit(f"engine {args[0]} ended with {done.returncode}")


def apply_and_kill(database: Path) -> int:
    """Start apply, kill it when some of the rows are there; return how many are."""
    args = ["apply", "--db", str(database), "--yes", "--batch-size", "2000", "specs"]
    print(f"$ engine {' '.join(args)}", flush=True)
    child = subprocess.Popen(
        [sys.executable, "-m", "engine", *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while child.poll() is None and arrived(database) < ROWS // 3:
        time.sleep(0.01)
    if child.poll() is None:
        child.send_signal(signal.SIGKILL)
    if child.wait() != -signal.SIGKILL:
        raise SystemExit(f"apply ended with {child.returncode} before it could be killed")
    return arrived(database)


def arrived(database: Path) -> int:
    """Return the number of rows in the new table, 0 while it is not there or being written."""
    try:
        with closing(sqlite3.connect(database)) as db:
            return int(db.execute("SELECT count(*) FROM youtube_results").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
