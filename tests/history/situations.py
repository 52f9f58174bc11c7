"""What can have happened between files and history, and what each command answers: one table, tested and printed.

`make docs` writes `TABLE` as docs/history.md; `test_answers.py` runs every cell.
"""

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


_CHANGED = "specs/001_spec.yaml was changed after it was applied"
_ELSE = "version 002 was applied from specs/002_spec.yaml, and specs/002_mine.yaml says something else"
_AGAIN = "specs/003_spec.yaml is what was applied as 001, which no file has any more: it would be done a second time"
_BEGUN = "specs/001_spec.yaml was changed since its apply began"
_HALF_GONE = "001 is half applied, and its spec is gone"
_GOES_ON = "001: going on where it stopped (apply)"
_BACK_BEGUN = "the rollback of 001 has begun and not ended"
_LEFT = "the apply of 001 has begun and not ended: this is what is left of it"
_LATE = "version 001a is pending and sorts before 002, which is applied"
_LOST = "the checkpoints of 001 do not fit its stored plan"

TABLE: dict[str, tuple[Situation, ...]] = {
    "A spec that is applied": (
        Situation(
            "got a comment or other spacing",
            then(applied, lambda: Path("specs/001_spec.yaml").write_text("# why\n" + _text("001"))),
            Answer(0, "nothing to do"),
            NOTHING,
            CLEAN,
            DONE_002,
        ),
        Situation(
            "was edited",
            then(applied, lambda: write("001", LOWER)),
            *refused(4, _CHANGED, "engine history"),
            Answer(0, f"Drift: {_CHANGED}", "engine lint"),
            DONE_002,
        ),
        Situation(
            "gets another value for a variable",
            then(
                lambda: write("001", UPPER.replace("upper(v)", "\"'{{ who }}'\""), "vars: {who: ann}\n"),
                applied,
                lambda: Path("engine.yaml").write_text("vars: {who: bob}\n"),
            ),
            *refused(4, f"{_CHANGED}, or a variable in it has another value", "engine history"),
            Answer(0, "or a variable in it has another value", "engine lint"),
            DONE_002,
        ),
        Situation(
            "can't be read any more",
            then(applied, lambda: write("001", "  - dorp: {table: t}\n")),
            *refused(1, "unknown step or key `dorp`"),
            Answer(0, "Drift: specs/001_spec.yaml is applied, and can't be read as a spec any more", "engine lint"),
            DONE_002,
        ),
        Situation(
            "has a file of another name, with its version",
            then(applied, lambda: renamed("001", "upper")),
            Answer(0, "nothing to do"),
            NOTHING,
            CLEAN,
            DONE_002,
        ),
        Situation(
            "was renumbered (001 became 003)",
            then(applied, lambda: gone("001"), lambda: write("003", UPPER)),
            *refused(1, _AGAIN),
            Answer(0, f"Drift: {_AGAIN}", "engine lint"),
            DONE_002,
        ),
        Situation(
            "has its version written in another way (1 for 001)",
            then(applied, lambda: gone("001"), lambda: write("1", UPPER)),
            *refused(4, "the version of specs/1_spec.yaml is written 1, and in the history 001", "engine history"),
            Answer(0, "is written 1, and in the history 001", "engine lint"),
            DONE_002,
        ),
        Situation(
            "changed places with another",
            then(applied, lambda: write("001", COLUMN), lambda: write("002", UPPER)),
            *refused(4, _CHANGED, "engine history"),
            Answer(0, "Drift: specs/002_spec.yaml was changed after it was applied", "engine lint"),
            DONE_002,
        ),
        Situation(
            "is gone, and nothing is pending",
            then(applied, lambda: gone("001")),
            Answer(0, "nothing to do"),
            NOTHING,
            Answer(0, "Drift: version 001 is applied, and no file has it"),
            DONE_002,
        ),
        Situation(
            "is gone, and a new one is pending",
            then(applied, lambda: gone("001"), lambda: write("003", INDEX)),
            Answer(0, "warning[VC106]: version 001 is applied, and no file has it"),
            Answer(0, "applied 003", "engine status"),
            Answer(0, "Drift: version 001 is applied, and no file has it", "engine plan"),
            DONE_002,
        ),
        Situation(
            "is gone with the whole folder",
            then(applied, lambda: shutil.rmtree("specs")),
            *refused(2, "there is no `specs`", "engine lint --help"),
            Answer(0, "Drift: the specs can't be compared: there is no `specs`"),
            DONE_002,
        ),
    ),
    "A new spec": (
        Situation(
            "sorts before one that is applied",
            then(applied, lambda: write("001a", INDEX)),
            *refused(1, _LATE),
            Answer(0, f"Drift: {_LATE}", "engine lint"),
            DONE_002,
        ),
        Situation(
            "sorts before one that is applied, and says with a reason that it may",
            put_in_between,
            Answer(0, "nothing to do"),
            NOTHING,
            CLEAN,
            Answer(0, "rolled back 002", "engine status"),
        ),
        Situation(
            "can't be read",
            then(applied, lambda: write("003", "  - dorp: {table: t}\n")),
            *refused(1, "unknown step or key `dorp`"),
            Answer(0, "Pending:  0", "engine lint"),
            DONE_002,
        ),
    ),
    "An apply was interrupted, and its spec": (
        Situation(
            "is as it was",
            half_applied,
            Answer(0, f"{_LEFT}; `engine apply` goes on"),
            Answer(0, _GOES_ON, "engine status"),
            Answer(0, "Unfinished: apply of 001, step 2-transform, batch 1, 1 of 6 rows", "engine apply"),
            DONE_001,
        ),
        Situation(
            "has a file of another name, with its version",
            then(half_applied, lambda: renamed("001", "upper")),
            Answer(0, f"{_LEFT}; `engine apply` goes on"),
            Answer(0, _GOES_ON, "engine status"),
            Answer(0, "it can be resumed", "engine apply"),
            DONE_001,
        ),
        Situation(
            "was edited in a step that is done",
            then(half_applied, lambda: write("001", LONG.replace("[v]", "[id]"), STEPWISE)),
            *refused(4, _BEGUN, "engine rollback"),
            Answer(0, f"Drift: {_BEGUN}", "engine rollback"),
            DONE_001,
        ),
        Situation(
            "was edited in a step that is to come",
            then(half_applied, lambda: write("001", LONG.replace("{x:", "{y:"), STEPWISE)),
            *refused(4, _BEGUN, "engine rollback"),
            Answer(0, f"Drift: {_BEGUN}", "engine rollback"),
            DONE_001,
        ),
        Situation(
            "is gone",
            then(half_applied, lambda: gone("001")),
            *refused(4, _HALF_GONE, "engine rollback"),
            Answer(0, f"Drift: {_HALF_GONE}", "engine rollback"),
            DONE_001,
        ),
        Situation(
            "is gone with the whole folder",
            then(half_applied, lambda: shutil.rmtree("specs")),
            *refused(2, "there is no `specs`", "engine lint --help"),
            Answer(0, f"Drift: {_HALF_GONE}", "engine rollback"),
            DONE_001,
        ),
        Situation(
            "was renumbered",
            then(half_applied, lambda: gone("001"), lambda: write("003", LONG, STEPWISE)),
            *refused(4, _HALF_GONE, "engine rollback"),
            Answer(0, f"Drift: {_HALF_GONE}", "engine rollback"),
            DONE_001,
        ),
        Situation(
            "is as it was; an earlier one, applied, was edited",
            then(lambda: applied("--to", "001"), lambda: half_applied("002"), lambda: write("001", LOWER)),
            Answer(0, "the apply of 002 has begun and not ended"),
            Answer(4, "002 went well before, and nothing was done after that", "engine history"),
            Answer(0, f"Drift: {_CHANGED}", "engine apply"),
            DONE_002,
        ),
        Situation(
            "is as it was; a new one sorts before it",
            then(half_applied, lambda: write("000", INDEX.replace("[v]", "[id]"))),
            Answer(0, f"{_LEFT}; `engine apply` goes on"),
            Answer(1, "001 went well before, and nothing was done after that"),
            Answer(0, "Drift: version 000 is pending and sorts before 001, which is half applied", "engine apply"),
            DONE_001,
        ),
        Situation(
            "is as it was; another can't be read",
            then(half_applied, lambda: write("002", "  - dorp: {table: t}\n")),
            *refused(1, "unknown step or key `dorp`"),
            Answer(0, "Unfinished: apply of 001", "engine lint"),
            DONE_001,
        ),
    ),
    "A rollback was interrupted, and its spec": (
        Situation(
            "is as it was",
            half_back,
            Answer(0, f"{_BACK_BEGUN}: this is what is left of it; `engine rollback` goes on"),
            Answer(6, _BACK_BEGUN, "engine rollback"),
            Answer(0, "Unfinished: rollback of 001", "engine rollback"),
            Answer(0, "001: going on where it stopped (rollback)", "engine status"),
        ),
        Situation(
            "was edited",
            then(half_back, lambda: write("001", LOWER)),
            Answer(0, _BACK_BEGUN),
            Answer(6, _BACK_BEGUN, "engine rollback"),
            Answer(0, "Unfinished: rollback of 001", "engine rollback"),
            DONE_001,
        ),
        Situation(
            "is gone",
            then(half_back, lambda: gone("001")),
            Answer(0, _BACK_BEGUN),
            Answer(6, _BACK_BEGUN, "engine rollback"),
            Answer(0, "Unfinished: rollback of 001", "engine rollback"),
            DONE_001,
        ),
    ),
    "The database was restored from a backup": (
        Situation(
            "older than the last apply",
            restored(lambda: applied("--to", "001"), applied),
            Answer(0, "002"),
            Answer(0, "applied 002", "engine status"),
            Answer(0, "Applied:  1 (001)", "engine plan"),
            DONE_001,
        ),
        Situation(
            "older than the first apply",
            restored(lambda: None, applied),
            Answer(0, "way back: all 2 steps"),
            Answer(0, "applied 001", "engine status"),
            Answer(0, "Version:  empty", "engine plan"),
            Answer(0, "nothing to undo"),
        ),
        Situation(
            "made in the middle of an apply",
            restored(half_applied, applied),
            Answer(0, f"{_LEFT}; `engine apply` goes on"),
            Answer(0, _GOES_ON, "engine status"),
            Answer(0, "it can be resumed", "engine apply"),
            DONE_001,
        ),
        Situation(
            "newer than the files",
            then(lambda: write("003", INDEX), applied, lambda: gone("003")),
            Answer(0, "nothing to do"),
            NOTHING,
            Answer(0, "Drift: version 003 is applied, and no file has it"),
            Answer(0, "rolled back 003", "engine status"),
        ),
        Situation(
            "without the engine's tables",
            then(
                applied,
                sql(
                    "".join(
                        f"DROP TABLE {name};"
                        for name in ("migration_history", "engine_run", "engine_event", "engine_step", "engine_meta")
                    )
                ),
            ),
            *refused(1, "`t` has a column `w` already"),
            Answer(0, "Version:  empty", "engine plan"),
            Answer(0, "nothing to undo"),
        ),
    ),
    "Two clones of the repository": (
        Situation(
            "gave one version to two specs",
            then(applied, lambda: gone("002"), lambda: write("002", INDEX, name="mine")),
            *refused(4, _ELSE, "engine history"),
            Answer(0, f"Drift: {_ELSE}", "engine lint"),
            DONE_002,
        ),
        Situation(
            "have each a spec that the other has not; the newer one is applied",
            both_clones,
            *refused(1, "version 002 is pending and sorts before 003, which is applied"),
            Answer(0, "Drift: version 003 is applied, and no file has it", "engine lint"),
            Answer(0, "rolled back 003", "engine status"),
        ),
        Situation(
            "have each a spec that the other has not; the older one is applied",
            then(applied, lambda: gone("002"), lambda: write("003", INDEX, name="mine")),
            Answer(0, "warning[VC106]: version 002 is applied, and no file has it"),
            Answer(0, "applied 003", "engine status"),
            Answer(0, "Drift: version 002 is applied, and no file has it", "engine plan"),
            DONE_002,
        ),
    ),
    "Another version of the engine": (
        Situation(
            "newer than this one made the tables",
            then(applied, sql("UPDATE engine_meta SET value = 2 WHERE key = 'format'")),
            *damaged("the history was written by a newer version of the engine"),
        ),
        Situation(
            "made the tables in a form that nobody knows",
            then(applied, sql("UPDATE engine_meta SET value = 0 WHERE key = 'format'")),
            *damaged("the format of the history is 0, and this version reads 1"),
        ),
        Situation(
            "wrote a state that this one does not know",
            then(applied, sql("UPDATE migration_history SET state = 'paused' WHERE version = '002'")),
            *damaged("the history says that 002 is 'paused', which this version does not know"),
        ),
        Situation(
            "compares specs in another way",
            then(applied, sql("UPDATE migration_history SET checksum = '2:ab', engine_version = '9.9'")),
            *refused(4, "it was applied by engine 9.9, which compares specs in another way", "engine history"),
            Answer(
                0, "Drift: whether specs/001_spec.yaml was changed after it was applied can't be told", "engine lint"
            ),
            DONE_002,
        ),
        Situation(
            "stored a plan that this one can't read",
            then(applied, sql("""UPDATE migration_history SET plan = replace(plan, '"format":1', '"format":2')""")),
            Answer(0, "nothing to do"),
            NOTHING,
            CLEAN,
            Answer(4, "the stored plan of 002 can't be read: its format is 2, and this version reads format 1"),
        ),
        Situation(
            "stored the plan of what was interrupted, and this one can't read it",
            then(
                half_applied, sql("""UPDATE migration_history SET plan = replace(plan, '"format":1', '"format":2')""")
            ),
            *refused(4, "the stored plan of 001 can't be read"),
            Answer(0, "Drift: the stored plan of 001 can't be read"),
            Answer(4, "the stored plan of 001 can't be read"),
        ),
    ),
    "Somebody changed the engine's tables by hand:": (
        Situation(
            "the history is gone, and the other tables are there",
            then(applied, sql("DROP TABLE migration_history")),
            *damaged("the engine's own table migration_history is gone"),
        ),
        Situation(
            "tables are gone, and the history is there",
            then(applied, sql("DROP TABLE engine_step; DROP TABLE engine_run")),
            *damaged("the engine's own tables engine_run, engine_step are gone"),
        ),
        Situation(
            "the row of one version is gone",
            then(applied, sql("DELETE FROM migration_history WHERE version = '001'")),
            *refused(1, "version 001 is pending and sorts before 002, which is applied"),
            Answer(0, "Drift: version 001 is pending and sorts before 002", "engine lint"),
            DONE_002,
        ),
        Situation(
            "the checkpoints of what is applied are gone",
            then(applied, sql("DELETE FROM engine_step")),
            Answer(0, "nothing to do"),
            NOTHING,
            CLEAN,
            Answer(4, "the history does not tell what of 002 ran: checkpoints are missing"),
        ),
        Situation(
            "the checkpoints of what was interrupted are gone",
            then(half_applied, sql("DELETE FROM engine_step")),
            *refused(4, _LOST),
            Answer(0, f"Drift: {_LOST}"),
            Answer(4, "the history does not tell what of 001 ran: checkpoints are missing"),
        ),
        Situation(
            "the fence is gone",
            then(lambda: applied("--to", "001"), sql("DELETE FROM engine_meta WHERE key = 'fence'")),
            Answer(0, "002"),
            Answer(4, "the number that fences runs off is gone from engine_meta"),
            Answer(0, "Applied:  1 (001)", "engine plan"),
            Answer(4, "the number that fences runs off is gone from engine_meta"),
        ),
        Situation(
            "a `migration_history` is there that is not the engine's",
            sql("CREATE TABLE migration_history (id INTEGER PRIMARY KEY)"),
            *(Answer(1, "the database has a table `migration_history` that is not the engine's"),) * 4,
        ),
    ),
}


def _text(version: str) -> str:
    return Path("specs", f"{version}_spec.yaml").read_text(encoding="utf-8")


# ── the page ──────────────────────────────────────────────────────────────
def page() -> str:
    """Return docs/history.md."""
    found = [HEAD]
    for title, rows in TABLE.items():
        found.append(f"## {title.rstrip(':')}\n")
        found.append("| | `plan` | `apply` | `status` | `rollback` |\n|---|---|---|---|---|")
        for row in rows:
            cells = (row.plan, row.apply, row.status, row.rollback)
            found.append(f"| {row.happened} | {' | '.join(map(_cell, cells))} |")
        found.append("")
    return "\n".join(found)


def _cell(answer: Answer) -> str:
    words = answer.says.replace("|", "\\|")
    return f"**{answer.code}** {words}" + (f" → `{answer.next}`" if answer.next else "")


HEAD = """\
# Files and history

<!-- Made by `make docs` from tests/history/situations.py, where each cell is tested; edit that. -->

What the commands answer when the files and the database's history do not tell the same story: the exit code, what the
answer holds, and after the arrow the next command that it names. `rollback` always goes by what was stored when a
migration was applied, so it works whatever became of the files. A version is one version however it is written: `1`
and `001` are the same. What is half applied goes on by the plan that was stored when it began, or back; never by an
edited file. A history that can't be read is never taken for an empty one.
"""
