"""A life on a server that is cut at one place and goes on: begun, cut there or on the way back, ended, the same as uncut.

A suite brings its place, its database and spec as text, and how a session of its server is ended (`Cutting`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from click.testing import CliRunner

from engine.cli.main import cli
from tests.support.command import Ran
from tests.support.database import Snapshot, same

SCHEMA = ("CREATE", "ALTER", "DROP", "RENAME")


class Server(Protocol):
    """A database on a server (`Place` of tests/support/postgres.py and mariadb.py)."""

    @property
    def url(self) -> str:
        """How to reach it."""

    def script(self, sql: str) -> None:
        """Run SQL statements."""

    def ask(self, sql: str) -> list[list[Any]]:
        """Return the rows of a query as plain values."""

    def clean(self) -> None:
        """Make the database empty."""

    def snapshot(self) -> Snapshot:
        """Read everything that a user can see."""


P = TypeVar("P", bound=Server)


@dataclass
class Cuts:
    """Where the session is ended.

    Attributes:
        at: number of the statement before which it is; 0 for never.
        after_commit: number of the commit after which it is; 0 for never.
        seen, commits: how many there were.
        schema: numbers of the statements that change the schema.
    """

    at: int = 0
    after_commit: int = 0
    seen: int = 0
    commits: int = 0
    schema: list[int] = field(default_factory=list)

    def heard(self, sql: str) -> bool:
        """Count a statement, and tell whether the session ends before it."""
        self.seen += 1
        if sql.split(" ", 1)[0] in SCHEMA:
            self.schema.append(self.seen)
        return self.seen == self.at

    def committed(self) -> bool:
        """Count a commit, and tell whether the session ends after it."""
        self.commits += 1
        return self.commits == self.after_commit


def run(place: Server, *args: str) -> Ran:
    """Run a command of `engine`; no recording, which would take the listener's place."""
    result = CliRunner().invoke(cli, [args[0], "--db", place.url, "--yes", "--lock-wait", "10s", *args[1:], "specs"])
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    return Ran(result.exit_code, result.output)


def some(count: int, of: int) -> list[int]:
    """Return `count` numbers spread over 1 to `of`."""
    return sorted({max(1, round(of * (n + 0.5) / count)) for n in range(count)})


@dataclass
class Life(Generic[P]):
    """A database and a spec there and back, whole or cut.

    Attributes:
        place: where.
        given: SQL that makes the database.
        spec: text of the one spec.
        cutting: ends the session before statement `at`, or after commit `after_commit`, of what runs within.
        left: a query for journals that are left.
        there, back: what an uncut run of each way sends.
        before, after: the database at the beginning, and at the end of the way there.
    """

    place: P
    given: str
    spec: str
    cutting: Callable[[P, int, int], AbstractContextManager[Cuts]]
    left: str
    there: Cuts = field(init=False)
    back: Cuts = field(init=False)
    before: Snapshot = field(init=False)
    after: Snapshot = field(init=False)

    def __post_init__(self) -> None:
        self.before = self.begun()
        with self.cutting(self.place, 0, 0) as self.there:
            assert run(self.place, "apply").code == 0
        self.after = self.place.snapshot()
        with self.cutting(self.place, 0, 0) as self.back:
            self._undone()

    def begun(self) -> Snapshot:
        """Make the database and the spec, and return the database as it is."""
        return begun(self.place, self.given, self.spec)

    def cut(self, there: Iterable[tuple[int, int]], back: Iterable[tuple[int, int]]) -> None:
        """Cut the way there, and the way back, at each of (statement, commit), one of which is 0."""
        for at, commit in there:
            self.begun()
            with self.cutting(self.place, at, commit):
                ran = run(self.place, "apply")
            assert ran.code != 0 or commit, ran.output
            there_and_back(self.place, self.before, self.after)
            assert self.place.ask(self.left) == []
        for at, commit in back:
            self.begun()
            assert run(self.place, "apply").code == 0
            with self.cutting(self.place, at, commit):
                run(self.place, "rollback", "--to", "0")
            self._undone()

    def cut_at(self, apply: int, commits: int, rollback: int, back_commits: int) -> None:
        """Cut so many applies at statements and after commits, and so many rollbacks, spread over all of them."""
        there, back = self.there, self.back
        self.cut(
            [*((n, 0) for n in some(apply, there.seen)), *((0, n) for n in some(commits, there.commits))],
            [*((n, 0) for n in some(rollback, back.seen)), *((0, n) for n in some(back_commits, back.commits))],
        )

    def _undone(self) -> None:
        undone = run(self.place, "rollback", "--to", "0")
        assert undone.code == 0, undone.output
        same(self.before, self.place.snapshot())
        assert self.place.ask(self.left) == []


def begun(place: Server, given: str, spec: str) -> Snapshot:
    """Make the database and the spec, and return the database as it is."""
    place.clean()
    place.script(given)
    Path("specs").mkdir(exist_ok=True)
    Path("specs/001_all.yaml").write_text(spec, encoding="utf-8")
    return place.snapshot()


def there_and_back(place: Server, before: Snapshot, after: Snapshot) -> None:
    """After whatever happened: apply goes on to the end, rollback to the beginning, without anybody's help."""
    applied = run(place, "apply")
    assert applied.code == 0, applied.output
    same(after, place.snapshot())
    undone = run(place, "rollback", "--to", "0")
    assert undone.code == 0, undone.output
    same(before, place.snapshot())
