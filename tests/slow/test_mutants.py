"""The crash tests have teeth: each of these engines is broken on purpose, and each must be caught."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.dialects.shared import ledger_sql
from engine.dialects.sqlite.driver import SQLiteDriver
from engine.dialects.sqlite.ledger import Ledger
from engine.dialects.sqlite.lock import FileLock
from engine.errors import EngineError
from engine.run import executor, rollback, unit
from engine.run.rollback import Back
from engine.run.unit import Runner
from tests.crash.crashing import World, disk_error, disturb, explore, scenario
from tests.crash.test_killed_after_every_statement import keeps_the_time
from tests.crash.test_overtaken import overtake_everywhere
from tests.history import acts
from tests.support.command import run
from tests.support.database import script

pytestmark = pytest.mark.slow

Check = Callable[[Path], None]
Mutant = Callable[[pytest.MonkeyPatch], None]


# ── what must hold ────────────────────────────────────────────────────────
def killed(name: str, mode: str = "step") -> Check:
    """There and back, killed after every statement."""

    def check(folder: Path) -> None:
        world = World(scenario(name, mode), folder)
        explore(world, World.apply, [world.start], again=False)
        explore(world, World.rollback, [world.applied()], world.before, again=False)

    return check


def overtaken(folder: Path) -> None:
    """Who was overtaken writes nothing more, also where the lock does not hold."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FileLock, "acquire", lambda *args: True)
        patch.setattr(FileLock, "intact", lambda *args: True)
        world = World(scenario("stamped"), folder)
        overtake_everywhere(world, world.state(world.applied()).users, "dies")


def changed_under_way(folder: Path) -> None:
    """An index of the migration that others took away between its batches keeps it from counting as applied."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        acts.start()
        acts.half_applied()
        script("app.db", "DROP INDEX idx_t_v")
        assert run("apply", *acts.DB, "--yes", "specs").code == 4


def unknown_commits(folder: Path) -> None:
    """A commit that was kept though it seemed to fail."""
    world = World(scenario("stamped"), folder)
    applied = world.applied()
    end = world.state(applied).users
    disturb(world, World.apply, world.start, end, disk_error, done=True, only="COMMIT")


def edited_since(folder: Path) -> None:
    """Rows that somebody edited since are a conflict and stay."""
    world = World(scenario("stamped"), folder)
    world.applied()
    script(world.db, "UPDATE a SET at = 'mine' WHERE id = 3")
    edited = world.state()
    result = world.rollback()
    assert result.error is not None and result.error.code == "conflict"
    assert not edited.differences(world.state())


def timed(folder: Path) -> None:
    """A step has one time."""
    keeps_the_time(World(scenario("stamped"), folder))


# ── what is broken ────────────────────────────────────────────────────────
def after_commit(patch: pytest.MonkeyPatch, owner: type, method: str) -> None:
    """Let calls of `method` take effect only when the transaction that they belong to is committed."""
    late: list[Callable[[], Any]] = []
    plain, commit, back = getattr(owner, method), SQLiteDriver.commit, SQLiteDriver.rollback

    def later(*args: Any, **options: Any) -> None:
        late.append(lambda: plain(*args, **options))

    def committed(self: SQLiteDriver) -> None:
        commit(self)
        while late:
            late.pop(0)()

    def rolled_back(self: SQLiteDriver) -> None:
        late.clear()
        back(self)

    patch.setattr(owner, method, later)
    patch.setattr(SQLiteDriver, "commit", committed)
    patch.setattr(SQLiteDriver, "rollback", rolled_back)


def tampered(folder: Path) -> None:
    """Nobody but the engine writes to a journal; who takes its seal off first is noticed before a rollback writes."""
    world = World(scenario("stamped"), folder)
    world.applied()
    change = "UPDATE engine_undo_1 SET was = was"
    try:
        script(world.db, change)
    except sqlite3.DatabaseError:
        pass
    else:
        raise AssertionError("a journal can be written to")
    script(world.db, f"DROP TRIGGER engine_undo_1_sealed_update; {change}")
    opened = world.state()
    result = world.rollback()
    assert result.error is not None and "engine_undo_1" in result.error.message
    assert not opened.differences(world.state())


def checkpoint_outside_the_transaction(patch: pytest.MonkeyPatch) -> None:
    after_commit(patch, Ledger, "checkpoint")


def journals_dropped_outside_the_transaction(patch: pytest.MonkeyPatch) -> None:
    after_commit(patch, Back, "drop_journals")


def history_closed_before_the_last_step(patch: pytest.MonkeyPatch) -> None:
    after_commit(patch, Ledger, "open")


def journal_written_late(patch: pytest.MonkeyPatch) -> None:
    plain = Runner._send

    def send(self: Runner, statements: Any, *rest: Any) -> Any:
        late = sorted(statements, key=lambda s: s.purpose == "journal" and s.kind == "rows")
        return plain(self, late, *rest)

    patch.setattr(Runner, "_send", send)


def journal_never_written(patch: pytest.MonkeyPatch) -> None:
    plain = Runner._send

    def send(self: Runner, statements: Any, *rest: Any) -> Any:
        return plain(self, [s for s in statements if not (s.purpose == "journal" and s.kind == "rows")], *rest)

    patch.setattr(Runner, "_send", send)


def fence_unchecked(patch: pytest.MonkeyPatch) -> None:
    for name in ("GUARD", "CHECKPOINT"):
        statement = getattr(ledger_sql, name)
        patch.setattr(ledger_sql, name, replace(statement, sql=statement.sql.replace("AND fence = :fence", "")))
    patch.setattr(Ledger, "_demand_fence", lambda self: None)


def guard_skipped(patch: pytest.MonkeyPatch) -> None:
    fence_unchecked(patch)
    patch.setattr(Ledger, "guard", lambda self, now: None)


def conflicts_not_looked_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Back, "look_for_conflicts", lambda self: None)
    patch.setattr(Runner, "_judge_guards", lambda self, unit, values: None)


def foreign_keys_on_in_a_rebuild(patch: pytest.MonkeyPatch) -> None:
    for module in (executor, rollback, unit):
        patch.setattr(module, "settings", lambda *args: nullcontext())


def commit_sent_again(patch: pytest.MonkeyPatch) -> None:
    plain = SQLiteDriver.commit

    def commit(self: SQLiteDriver) -> None:
        try:
            plain(self)
        except EngineError:
            plain(self)

    patch.setattr(SQLiteDriver, "commit", commit)


def condition_asked_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Runner, "remember", lambda self, unit, now: self.starts.setdefault(unit.step, now.started))


def cursor_not_stored(patch: pytest.MonkeyPatch) -> None:
    plain = Ledger.checkpoint

    def checkpoint(self: Ledger, before: Any, after: Any) -> None:
        plain(self, before, replace(after, lo=before.lo) if before.lo else after)

    patch.setattr(Ledger, "checkpoint", checkpoint)


def time_of_the_batch(patch: pytest.MonkeyPatch) -> None:
    plain = Runner._values

    def values(self: Runner, now: Any, marks: Any) -> dict[str, Any]:
        return {**plain(self, now, marks), "now": self.options.now()}

    patch.setattr(Runner, "_values", values)


def journals_unsealed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ledger, "seal", lambda self, table: "")


def seals_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rollback, "require_journals", lambda *args, **options: None)


def schema_not_looked_at_in_the_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(executor, "require_left", lambda *args: None)


MUTANTS: tuple[tuple[Mutant, Check], ...] = (
    (checkpoint_outside_the_transaction, killed("stamped")),
    (journals_dropped_outside_the_transaction, killed("stamped")),
    (history_closed_before_the_last_step, killed("stamped")),
    (journal_written_late, killed("heart")),
    (journal_never_written, killed("heart")),
    (fence_unchecked, overtaken),
    (guard_skipped, overtaken),
    (conflicts_not_looked_for, edited_since),
    (foreign_keys_on_in_a_rebuild, killed("rebuild")),
    (commit_sent_again, unknown_commits),
    (condition_asked_again, killed("conditions")),
    (cursor_not_stored, killed("stamped")),
    (time_of_the_batch, timed),
    (journals_unsealed, tampered),
    (seals_not_looked_at, tampered),
    (schema_not_looked_at_in_the_end, changed_under_way),
)


@pytest.mark.parametrize(("mutant", "check"), MUTANTS, ids=[m.__name__ for m, _ in MUTANTS])
def test_a_mutant_is_caught(
    mutant: Mutant, check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("sound", "broken"):
        (tmp_path / folder).mkdir()
    check(tmp_path / "sound")
    mutant(monkeypatch)
    # Whatever a broken engine raises, somebody notices.
    with pytest.raises((AssertionError, EngineError)) as caught:
        check(tmp_path / "broken")
    with capsys.disabled():
        print(f"\n{mutant.__name__}: {str(caught.value).splitlines()[:2]}"[:200], end="")
