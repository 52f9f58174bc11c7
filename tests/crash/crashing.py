"""Kill a run after every statement, without killing a process: by what the files hold at that instant.

After each statement that goes to the database, what stands on the disk is copied: the database, its rollback
journal or write-ahead log, the lock file. That is what a process killed at that instant leaves behind; no `finally`
and no `except` of ours has a say in it. Each copy that holds something new is then gone on from in a new
connection, which is watched in the same way, until no new state turns up. So every finite row of crashes is covered,
crashes in the resume of a resume included.

Two states are one where all tables are equal but for what only counts runs: fences, runs and events.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine import app
from engine.changing import RunResult
from engine.dialects.sqlite.driver import SQLiteDriver
from engine.errors import DatabaseError, EngineError
from engine.run.options import RunOptions
from engine.url import DatabaseUrl
from tests.support.database import Snapshot, own, script, snapshot

FILES = ("", "-journal", "-wal", ".engine-lock")
NOW = "2024-02-03 04:05:06"

Image = tuple[bytes | None, ...]
Run = Callable[["World"], RunResult]


@dataclass(frozen=True)
class Scenario:
    """A database and specs.

    Attributes:
        name: for the test's id.
        given: SQL that makes the database; "" where there is no file yet.
        specs: file name → text.
        batch: rows per batch.
        wal: the database is in WAL mode.
        pages: of SQLite's cache: few make it write to the file in the middle of a transaction.
    """

    name: str
    given: str
    specs: dict[str, str]
    batch: int = 2
    wal: bool = False
    pages: int | None = None


@dataclass(frozen=True)
class State:
    """A database, the engine's own tables included, but for what only counts runs."""

    users: Snapshot
    engines: dict[str, list[str]]
    plans: tuple[str, ...] = ()  # estimates in a stored plan depend on when it was made

    @property
    def key(self) -> str:
        """The same for equal states only."""
        users = self.users
        text = repr((sorted(users.objects, key=str), sorted(users.rows.items()), sorted(users.counters.items())))
        return hashlib.sha256(
            (text + repr((sorted(self.engines.items()), self.plans))).encode("utf-8", "surrogatepass")
        ).hexdigest()

    @property
    def journals(self) -> list[str]:
        """The tables that hold a way back."""
        return [name for name in self.engines if name not in ("migration_history", "engine_step")]

    def differences(self, other: State) -> list[str]:
        """Return in words what the two differ in."""
        found = self.users.differences(other.users)
        for table in sorted(self.engines.keys() | other.engines.keys()):
            mine, theirs = self.engines.get(table), other.engines.get(table)
            if mine != theirs:
                found.append(f"{table}:\n  expected {mine}\n  is       {theirs}")
        return found


class SimulatedCrash(BaseException):
    """The process is gone; nothing catches this but a `finally`."""


class World:
    """One scenario on the disk, put back to any state at will."""

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        self.scenario = scenario
        self.folder = folder
        self.db = folder / "crash.db"
        self.specs = folder / "specs"
        self.specs.mkdir()
        for name, text in scenario.specs.items():
            (self.specs / name).write_text(text, encoding="utf-8")
        if scenario.given:
            script(self.db, scenario.given)
        if scenario.wal:
            with closing(sqlite3.connect(self.db)) as db:
                assert db.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
        self.clock = lambda: NOW
        self.start = self.image()
        self.before = snapshot(self.db)

    # ── the disk ──────────────────────────────────────────────────────────
    def image(self) -> Image:
        """Return what stands on the disk now."""
        return tuple(_bytes(self._file(suffix)) for suffix in FILES)

    def put(self, image: Image) -> None:
        """Let the disk be as it was."""
        for suffix in (*FILES, "-shm"):
            self._file(suffix).unlink(missing_ok=True)
        for suffix, data in zip(FILES, image, strict=True):
            if data is not None:
                self._file(suffix).write_bytes(data)

    def _file(self, suffix: str) -> Path:
        return self.folder / f"crash.db{suffix}"

    def state(self, image: Image | None = None) -> State:
        """Return the state of the disk as it is, or of `image`, which is put there."""
        if image is not None:
            self.put(image)
        if self.db.exists():
            with closing(sqlite3.connect(self.db)) as db:  # SQLite's own recovery
                db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return State(snapshot(self.db), engines(self.db), plans(self.db))

    # ── the commands ──────────────────────────────────────────────────────
    def project(self) -> app.Project:
        """Return the project as a new process would make it."""
        return app.Project(specs=self.specs, url=DatabaseUrl.parse(str(self.db)))

    def options(self) -> RunOptions:
        """Return a clock that stands still, so that equal states are equal."""
        return RunOptions(batch_size=self.scenario.batch, now=self.clock, monotonic=lambda: 0.0)

    def apply(self) -> RunResult:
        """Apply all."""
        return app.apply(self.project(), options=self.options())

    def applied(self) -> Image:
        """Return what stands on the disk after an undisturbed apply."""
        self.put(self.start)
        result = self.apply()
        assert result.error is None, result.error
        return self.image()

    def rollback(self) -> RunResult:
        """Roll all back; where there is no file yet there is nothing to do."""
        if not self.db.exists():
            return RunResult()
        return app.rollback(self.project(), to="0", options=self.options())


def _bytes(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def engines(path: Path) -> dict[str, list[str]]:
    """Return the rows of the engine's own tables at `path`, but for what only counts runs."""
    found: dict[str, list[str]] = {}
    if not path.exists():
        return found
    with closing(sqlite3.connect(path)) as db:
        db.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        names = [n for (n,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        for name in names:
            if own(name) and name not in ("engine_run", "engine_event", "engine_meta"):
                cursor = db.execute(f'SELECT * FROM "{name}"')
                heads = [d[0] for d in cursor.description]
                found[name] = sorted(_row(heads, row) for row in cursor)
    return found


def _row(heads: list[str], row: tuple[Any, ...]) -> str:
    cells = zip(heads, row, strict=True)
    return ", ".join(f"{head}={cell!r}" for head, cell in cells if head not in ("fence", "plan", "spec_text"))


def plans(path: Path) -> tuple[str, ...]:
    """Return the texts of the stored plans at `path`."""
    if not path.exists():
        return ()
    with closing(sqlite3.connect(path)) as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'migration_history'").fetchone():
            return ()
        return tuple(text for (text,) in db.execute("SELECT plan FROM migration_history ORDER BY version"))


# ── the hook ──────────────────────────────────────────────────────────────
Look = Callable[[SQLiteDriver, str], None]


def nothing(driver: SQLiteDriver, sql: str) -> None:
    """Look at a statement and do nothing."""


@contextmanager
def watched(before: Look = nothing, after: Look = nothing, pages: int | None = None) -> Iterator[None]:
    """Call `before` and `after` with each statement that goes to a database."""
    plain = SQLiteDriver._send

    def send(self: SQLiteDriver, sql: str, params: Any) -> sqlite3.Cursor:
        if sql.startswith("BEGIN") and not self.in_transaction:
            # A killed process's writes are on the files in the order of writing, synced or not.
            self._connection.execute("PRAGMA synchronous = OFF")
            if pages is not None:
                self._connection.execute(f"PRAGMA cache_size = {pages}")
        before(self, sql)
        cursor = plain(self, sql, params)
        try:
            after(self, sql)
        except BaseException:
            cursor.close()  # else the traceback would keep SQLite's lock
            raise
        return cursor

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SQLiteDriver, "_send", send)
        yield


# ── killed after every statement ──────────────────────────────────────────
@dataclass
class Explored:
    """What came of it.

    Attributes:
        points: statements after which a run was killed.
        runs: runs from different states.
        end: the state in which they all ended.
        images: one image of each state, by its key.
    """

    points: int = 0
    runs: int = 0
    end: State | None = None
    images: dict[str, Image] = field(default_factory=dict)


def explore(
    world: World, run: Run, starts: list[Image], end: Snapshot | None = None, *, again: bool = True
) -> Explored:
    """Run from each of `starts`, killed after every statement, and on from each state that this leaves.

    Args:
        world: whose disk it is.
        run: the command.
        starts: where to begin.
        end: what users must see at the end of every run; None: all must end where the first one does, the engine's
            own tables included.
        again: go on from the states that runs leave which go on themselves (crashes in the resume).
    """
    found = Explored()
    known: set[bytes] = set()
    todo = list(starts)
    for image in starts:
        found.images.setdefault(world.state(image).key, image)
    first = len(starts)
    while todo:
        image = todo.pop(0)
        watching = again or found.runs < first
        images: list[Image] = []
        points = [0]

        def seen(driver: SQLiteDriver, sql: str, images: list[Image] = images, points: list[int] = points) -> None:
            points[0] += 1
            now = world.image()
            mark = _mark(now)
            if mark not in known:
                known.add(mark)
                images.append(now)

        world.put(image)
        with watched(after=seen if watching else nothing, pages=world.scenario.pages):
            result = run(world)
        assert result.error is None, f"{result.error} ({getattr(result.error, 'kept', '')})"
        state = world.state()
        if found.end is None:
            found.end = state
        differences = found.end.differences(state) if end is None else end.differences(state.users)
        assert not differences, "\n".join([f"run {found.runs} ends elsewhere:", *differences])
        assert end is None or not state.journals, f"journals are left: {state.journals}"
        found.runs += 1
        found.points += points[0]
        for one in images:
            key = world.state(one).key
            if key not in found.images:
                found.images[key] = one
                todo.append(one)
    return found


def _mark(image: Image) -> bytes:
    digest = hashlib.sha256()
    for data in image[:3]:
        digest.update(b"-" if data is None else len(data).to_bytes(8, "big") + data)
    return digest.digest()


# ── an error in place of every statement ──────────────────────────────────
Error = Callable[[], BaseException]


def disk_error() -> EngineError:
    """Return what the driver raises where the disk fails."""
    return DatabaseError("disk I/O error", details={"reason": "io"})


def refused() -> EngineError:
    """Return what the driver raises where a statement is wrong."""
    return DatabaseError("no such thing", details={"reason": "error"})


@contextmanager
def raising(error: Error, number: int, *, done: bool = False, only: str = "") -> Iterator[list[str]]:
    """Raise `error` at statement `number` (from 1), once; yields the statements counted.

    Args:
        error: makes what is raised.
        number: which one.
        done: the statement takes effect, and then it raises; else it does not take effect.
        only: count only statements that begin so.
    """
    sent: list[str] = []

    def count(driver: SQLiteDriver, sql: str) -> None:
        if sql.startswith(only):
            sent.append(sql)
            if len(sent) == number:
                raise error()

    with watched(nothing if done else count, count if done else nothing):
        yield sent


def ended(world: World, run: Run) -> RunResult | None:
    """Run; None where it raised in place of returning how it ended."""
    try:
        return run(world)
    except (SimulatedCrash, EngineError):
        return None


def disturb(
    world: World, run: Run, start: Image, end: Snapshot, error: Error, *, done: bool = False, only: str = ""
) -> int:
    """Run from `start` with `error` at the first statement, at the second, … and after each go on to the end.

    A run that says that it failed must have undone all (one migration); one that says that it was done must be.

    Returns:
        The number of statements tried.
    """
    number = 0
    while True:
        number += 1
        world.put(start)
        with raising(error, number, done=done, only=only) as sent:
            result = ended(world, run)
        if len(sent) < number:
            return number - 1
        where = f"{error.__name__} at {number}: {sent[number - 1][:200]}"
        last = result.migrations[-1] if result is not None and result.migrations else None
        said = last.state if last is not None else ""
        assert error is not disk_error or said != "failed", (
            f"{where}: a disk that fails says nothing against a migration"
        )
        if run is World.apply and said == "failed" and len(world.scenario.specs) == 1:
            state = world.state()
            assert not (found := world.before.differences(state.users)), f"{where}: not undone: {found}"
            assert not state.journals, f"{where}: {state.journals}"
        if result is None or result.error is not None:
            again = run(world)
            assert again.error is None, f"{where}: and then {again.error}"
        found = end.differences(world.state().users)
        assert not found, "\n".join([where, *found])


# ── scenarios ─────────────────────────────────────────────────────────────
SCENARIOS = Path(__file__).parent / "scenarios"
NAMES = tuple(sorted(p.stem for p in SCENARIOS.glob("*.yaml")))
HEAD = 'version: "001"\ndescription: A scenario\ntransaction: {mode}\nsteps:\n'


def scenario(name: str, mode: str = "step", **more: Any) -> Scenario:
    """Read a scenario; where it has no specs of its own its steps run in `mode`: step or auto."""
    page = yaml.safe_load((SCENARIOS / f"{name}.yaml").read_text(encoding="utf-8"))
    specs = page.get("specs") or {"001_scenario.yaml": HEAD.format(mode=mode) + page["steps"]}
    return Scenario(**{"name": f"{name}-{mode}", "given": page["given"], "specs": specs, **more})


CASES = Path(__file__).parents[1] / "cases"


def case_scenarios() -> dict[str, Scenario]:
    """Return the cases that go there and back undisturbed as scenarios of many small transactions."""
    found = {}
    for file in sorted(CASES.glob("*/*.yaml")):
        page = yaml.safe_load(file.read_text(encoding="utf-8")) if file.parent.name != "malformed" else {}
        usual = page.keys() <= {"given", "steps", "plan", "after"} and "steps" in page
        # A default that is the database's clock differs from run to run.
        if usual and page.get("after") != "unchanged" and "default: {sql: CURRENT" not in page["steps"]:
            specs = {"001_case.yaml": HEAD.format(mode="step") + page["steps"]}
            name = f"{file.parent.name}/{file.stem}"
            found[name] = Scenario(name, page.get("given", ""), specs, batch=1)
    return found
