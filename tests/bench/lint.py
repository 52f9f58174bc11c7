"""`make bench`, lint: cold, warm, and with one changed file of many; beside squawk where it is installed.

Times are of a whole process, imports and start-up counted: wall clock, and CPU (which other work on the machine
moves less). The equivalent SQL files are for squawk's database, PostgreSQL: `pip install squawk-cli` to compare.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
EDIT_MS = 300.0
COLD, WARM = 3.0, 0.7  # times squawk


def specs(number: int) -> tuple[str, str]:
    """Return the steps of spec `number` and the same as SQL: of five, one makes a table and four work on it."""
    table = f"t{(number - 1) // 5 * 5 + 1}"
    return (
        (
            f"  - create:\n      table: {table}\n      columns:\n        id: {{type: integer, primary_key: true}}\n"
            "        title: {type: text, nullable: false}\n        price: integer\n        owner: integer\n",
            f"CREATE TABLE {table} (id integer PRIMARY KEY, title text NOT NULL, price integer, owner integer);\n",
        ),
        (f"  - index: {{table: {table}, columns: [title]}}\n", f"CREATE INDEX {table}_title ON {table} (title);\n"),
        (f"  - alter: {{table: {table}, add: {{note: text}}}}\n", f"ALTER TABLE {table} ADD COLUMN note text;\n"),
        (
            f'  - transform: {{table: {table}, set: {{note: "upper(title)"}}, where: "note IS NULL"}}\n',
            f"UPDATE {table} SET note = upper(title) WHERE note IS NULL;\n",
        ),
        (
            f"  - validate: [{{not_null: {{table: {table}, columns: [title]}}}}]\n",
            f"SELECT count(*) FROM {table} WHERE title IS NULL;\n",
        ),
    )[(number - 1) % 5]


def write(folder: Path, count: int) -> None:
    """Write `count` specs and the same as SQL files."""
    for name in ("specs", "sql"):
        (folder / name).mkdir(parents=True)
    for number in range(1, count + 1):
        steps, sql = specs(number)
        text = f'version: "{number:05d}"\ndescription: Step {number}\nsteps:\n{steps}'
        (folder / "specs" / f"{number:05d}_step.yaml").write_text(text, encoding="utf-8")
        (folder / "sql" / f"{number:05d}_step.sql").write_text(sql, encoding="utf-8")


def run(folder: Path, *command: str, codes: tuple[int, ...] = (0,)) -> tuple[float, float]:
    """Return wall clock and CPU seconds of a command."""
    environ = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "NO_COLOR": "1"}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in codes:
        raise SystemExit(f"{' '.join(command[:3])}: {done.stderr or done.stdout}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measured(folder: Path, count: int, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Run all kinds in turn, `rounds` times."""
    found: dict[str, list[tuple[float, float]]] = {"cold": [], "warm": [], "one changed": [], "squawk": []}
    engine, squawk = str(BIN / "engine"), shutil.which("squawk") or str(BIN / "squawk")
    files = [str(p.relative_to(folder)) for p in sorted((folder / "sql").iterdir())]
    run(folder, engine, "lint", "specs", "--no-cache") if rounds > 1 else None  # compiled modules are written
    for number in range(rounds):
        shutil.rmtree(folder / "cache", ignore_errors=True)
        found["cold"].append(run(folder, engine, "lint", "specs"))
        found["warm"].append(run(folder, engine, "lint", "specs"))
        changed = folder / "specs" / f"{count // 2:05d}_step.yaml"
        with changed.open("a", encoding="utf-8") as file:
            file.write(f"# {number}\n")
        found["one changed"].append(run(folder, engine, "lint", "specs"))
        if Path(squawk).exists():
            found["squawk"].append(run(folder, squawk, *files, codes=(0, 1)))
    return found


def main() -> int:
    """Run the benchmark; return 0 where every goal is met, else 1."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("--specs", type=int, default=500)
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--growth", type=int, nargs="*", default=[250, 1000], help="other sizes, cold and once")
    words.add_argument("--out", default="bench-results.jsonl", help="JSON lines are added to this file")
    options = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="engine-bench-") as name:
        folder = Path(name) / "many"
        write(folder, options.specs)
        found = measured(folder, options.specs, options.rounds)
        growth = {}
        for count in options.growth:
            other = Path(name) / str(count)
            write(other, count)
            growth[count] = round(run(other, str(BIN / "engine"), "lint", "specs")[1], 2)
    middle = {
        kind: tuple(round(statistics.median(times), 3) for times in zip(*runs, strict=True))
        for kind, runs in found.items()
        if runs
    }
    for kind, (wall, cpu) in middle.items():
        print(f"lint of {options.specs} specs, {kind:<12} {wall:>7} s   {cpu:>7} s CPU")
    for count, cpu in growth.items():
        print(f"lint of {count} specs, cold, once     {cpu:>9} s CPU")
    missed = ["one changed"] if middle["one changed"][0] * 1000 > EDIT_MS else []
    if "squawk" in middle:
        for kind, goal in (("cold", COLD), ("warm", WARM)):
            ratio = round(middle[kind][1] / middle["squawk"][1], 2)
            print(f"{kind}: {ratio}× squawk's CPU, goal {goal}×")
            missed += [f"{kind} beside squawk"] if ratio > goal else []
    with open(options.out, "a", encoding="utf-8") as file:
        file.write(json.dumps({"case": "lint", "specs": options.specs, **middle, "growth_cpu": growth}) + "\n")
    print("every goal is met" if not missed else f"missed: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
