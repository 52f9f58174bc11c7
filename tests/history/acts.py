"""A row of the table, its cells, and the acts that make a situation."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.crash.crashing import SimulatedCrash, watched
from tests.support.command import run
from tests.support.database import script

DB = ("--db", "app.db")
GIVEN = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c');"
UPPER = "  - transform: {table: t, set: {v: upper(v)}, where: 'true'}\n"
LOWER = UPPER.replace("upper", "lower")
COLUMN = "  - alter: {table: t, add: {w: {type: integer, default: 0}}}\n"
INDEX = "  - index: {table: t, columns: [v]}\n"
LONG = INDEX + UPPER.replace("}\n", ", batch_size: 1}\n") + COLUMN.replace("w:", "x:")
STEPWISE = "transaction: step\n"


@dataclass(frozen=True)
class Answer:
    """What one command answers.

    Attributes:
        code: its exit code.
        says: what its output holds.
        next: the command that it names, "" for none.
    """

    code: int
    says: str = ""
    next: str = ""


@dataclass(frozen=True)
class Situation:
    """One row of the table: what happened, how to make it, and the answers."""

    happened: str
    make: Callable[[], None]
    plan: Answer
    apply: Answer
    status: Answer
    rollback: Answer


# ── making situations ─────────────────────────────────────────────────────
def start() -> None:
    """A database of three rows, and two specs."""
    script("app.db", GIVEN)
    Path("specs").mkdir()
    write("001", UPPER)
    write("002", COLUMN)


def write(version: str, steps: str, head: str = "", name: str = "spec") -> None:
    """Write a spec."""
    text = f'version: "{version}"\ndescription: Spec {version}\n{head}steps:\n{steps}'
    Path("specs", f"{version}_{name}.yaml").write_text(text, encoding="utf-8")


def gone(version: str) -> None:
    """Delete the file of a spec."""
    Path("specs", f"{version}_spec.yaml").unlink()


def renamed(version: str, words: str) -> None:
    """Give the file of a spec other words after its version."""
    Path("specs", f"{version}_spec.yaml").rename(Path("specs", f"{version}_{words}.yaml"))


def applied(*args: str) -> None:
    """Apply, and expect no error."""
    ran = run("apply", *DB, "--yes", *args, "specs")
    assert ran.code == 0, ran.output


def killed(command: str, commits: int) -> None:
    """Run a command that is killed after so many transactions."""
    seen = 0

    def look(driver: object, sql: str) -> None:
        nonlocal seen
        if sql == "COMMIT":
            seen += 1
            if seen == commits:
                raise SimulatedCrash

    with watched(after=look):
        try:
            run(command, *DB, *(["--yes"] if command == "apply" else []), "specs")
        except SimulatedCrash:
            return
    raise AssertionError("it ended before it could be killed")


def half_applied(version: str = "001") -> None:
    """Kill the apply of a long spec: its index is there, and one batch of three is done."""
    write(version, LONG, STEPWISE)
    killed("apply", 5)


def half_back() -> None:
    """Kill the rollback of a long spec."""
    write("001", LONG, STEPWISE)
    applied("--to", "001")
    killed("rollback", 4)


def then(*acts: Callable[[], object]) -> Callable[[], None]:
    """Return one thing that does all of `acts` in turn."""

    def make() -> None:
        for act in acts:
            act()

    return make


def sql(text: str) -> Callable[[], None]:
    """Return what runs SQL on the database, as others would."""
    return lambda: script("app.db", text)


def restored(saved: Callable[[], object], lost: Callable[[], object]) -> Callable[[], None]:
    """Return what takes a backup after `saved`, does `lost`, and puts the backup back."""

    def make() -> None:
        saved()
        shutil.copy("app.db", "backup.db")
        lost()
        shutil.copy("backup.db", "app.db")
        Path("backup.db").unlink()

    return make


def both_clones() -> None:
    """Another clone applied 001 and its own 003; this one has 002 and no 003."""
    gone("002")
    write("003", INDEX, name="theirs")
    applied()
    Path("specs/003_theirs.yaml").unlink()
    write("002", COLUMN)


def put_in_between() -> None:
    """Apply 001 and 003, and then 002, which says why it comes late."""
    gone("002")
    write("003", COLUMN)
    applied()
    write("002", INDEX, "ignore: [{rule: VC104, reason: merged late}]\n")
    applied()


def text(version: str) -> str:
    """Return the text of a spec."""
    return Path("specs", f"{version}_spec.yaml").read_text(encoding="utf-8")


NOTHING = Answer(0, "nothing to do")
DONE_002 = Answer(0, "rolled back 002", "engine status")
DONE_001 = Answer(0, "rolled back 001", "engine status")
CLEAN = Answer(0, "Pending:  0")


def refused(code: int, says: str, following: str = "") -> tuple[Answer, Answer]:
    """Return the answers of `plan` and `apply` where both refuse."""
    return Answer(code, says, following), Answer(code, says, following)


def damaged(says: str) -> tuple[Answer, Answer, Answer, Answer]:
    """Return the four answers where the engine's own tables can't be trusted."""
    found = Answer(4, says)
    return found, found, found, found
