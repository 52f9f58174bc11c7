"""What others do to a database while the engine works on it, in threads of the test's own process."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Others:
    """An application that writes and one that reads.

    Attributes:
        name: what the writer last wrote into `v`, by id.
        owner: what it last wrote into `owner`, by id.
        writes: how many of its transactions were committed.
        wait: seconds that its longest transaction took.
        reads: how often the reader read.
        block: seconds that its longest reading took.
        errors: what either was told by the database.
    """

    name: dict[int, str] = field(default_factory=dict)
    owner: dict[int, str] = field(default_factory=dict)
    writes: int = 0
    wait: float = 0.0
    reads: int = 0
    block: float = 0.0
    errors: list[str] = field(default_factory=list)


@contextmanager
def at_work(path: Path, rows: int, others: Others, seed: str, rate: float = 50.0) -> Iterator[None]:
    """Let the others work on the table `t` at `path` while inside.

    Args:
        rows: ids go from 1 to this.
        others: takes in what they did.
        seed: of the ids that the writer takes.
        rate: transactions per second that the writer tries.
    """
    over = threading.Event()
    workers = [
        threading.Thread(target=_write, args=(path, rows, others, seed, 1 / rate, over)),
        threading.Thread(target=_read, args=(path, rows, others, over)),
    ]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        over.set()
        for worker in workers:
            worker.join()


def _write(path: Path, rows: int, others: Others, seed: str, pause: float, over: threading.Event) -> None:
    dice = random.Random(seed)
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as db:
        while not over.wait(pause):
            one, two = dice.randint(1, rows), dice.randint(1, rows)
            number = others.writes + 1
            started = time.monotonic()
            try:
                db.execute("BEGIN IMMEDIATE")
                db.execute("UPDATE t SET v = ? WHERE id = ?", (f"app {number}", one))
                db.execute("UPDATE t SET owner = ? WHERE id = ?", (f"owner {number}", two))
                db.execute("COMMIT")
            except sqlite3.Error as error:
                others.errors.append(f"writer: {error}")
                if db.in_transaction:
                    db.execute("ROLLBACK")
                continue
            others.wait = max(others.wait, time.monotonic() - started)
            others.name[one], others.owner[two] = f"app {number}", f"owner {number}"
            others.writes = number


def _read(path: Path, rows: int, others: Others, over: threading.Event) -> None:
    dice = random.Random(rows)
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as db:
        while not over.wait(0.002):
            started = time.monotonic()
            try:
                db.execute("SELECT v FROM t WHERE id = ?", (dice.randint(1, rows),)).fetchone()
            except sqlite3.Error as error:
                others.errors.append(f"reader: {error}")
            others.block = max(others.block, time.monotonic() - started)
            others.reads += 1
