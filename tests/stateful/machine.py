"""What happens to a database over its life, in any order, and a simple model of what must be true after each event.

The model holds moments: the database as it was before each migration that is applied. What others change is changed in
every moment that it must survive to; so after a rollback the database must equal the moment, to the byte.
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from hypothesis import assume, note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine import app
from engine.dialects.sqlite.lock import FileLock
from engine.url import DatabaseUrl
from tests.crash.crashing import watched
from tests.stateful import kinds
from tests.stateful.place import DB, WAYS, Moment, Place
from tests.support.command import Ran
from tests.support.database import own

SEEDS = st.integers(0, 10_000)
DISTURBED = st.tuples(st.sampled_from(WAYS), SEEDS)
KILLED = st.tuples(st.just("killed"), SEEDS)
POLICIES = st.sampled_from(("abort", "skip", "force"))
LAST = 14  # versions


@dataclass
class Done:
    """A migration that is applied.

    Attributes:
        before: what a rollback must give back.
        edited: rows of `t` whose mark others changed since: a conflict.
    """

    version: str
    kind: str
    before: Moment
    finalized: bool = False
    edited: set[int] = field(default_factory=set)

    @property
    def stays(self) -> bool:
        """True where there is no way back."""
        return self.finalized or self.kind == "one way"


@dataclass
class Half:
    """A migration that was interrupted."""

    done: Done
    direction: str
    after: Moment


class Life(RuleBasedStateMachine):
    """The life of one database."""

    def __init__(self) -> None:
        super().__init__()
        self.place: Place | None = None
        self.quick = watched()  # nothing waits for the disk
        self.quick.__enter__()

    @initialize(wal=st.booleans(), first=st.lists(st.sampled_from(kinds.GOOD), min_size=2, max_size=5))
    def begin(self, wal: bool, first: list[str]) -> None:
        """A database of others, of which the engine knows nothing."""
        self.place = Place(wal=wal)
        self.kinds: dict[str, str] = {}  # of the specs, by version
        self.edited: set[str] = set()  # specs that are not as they were written
        self.gone: set[str] = set()
        self.done: list[Done] = []
        self.half: Half | None = None
        self.moment = Moment.now()
        self.fence = 0
        self.outside = 0
        for kind in first:
            self._add(kind)

    def teardown(self) -> None:
        """Drive it to the end and back, whatever its state is: all is applied, all is taken back."""
        self.quick.__exit__(None, None, None)
        if self.place is None:
            return
        try:
            with watched():
                self._to_the_end()
        finally:
            self.place.leave()

    def _to_the_end(self) -> None:
        for version in list(self.edited | self.gone):
            self._put_back(version)
        for version in [v for v, kind in self.kinds.items() if kind in ("fails", "stops")]:
            if self.half is not None and self.half.done.version == version:
                self.back(None, 1, "abort")
            if version not in self._applied():
                kinds.path(version).unlink()
                del self.kinds[version]
        if self.half is not None and self.half.direction == "rollback":
            self.back(None, 1, "abort")
            while self.half is not None:  # a conflict stopped it in the middle
                self.back(None, 1, "skip")
        self.forth(None, True)
        assert self.half is None and set(self._applied()) == set(self.kinds), self._story()
        self.back(None, 100, "skip")
        assert all(done.stays for done in self.done[-1:]), self._story()
        assert self.done or not self.journals(), "journals are left of what is taken back"

    # ── specs ─────────────────────────────────────────────────────────────
    @precondition(lambda self: len(self.kinds) < LAST)
    @rule(kind=st.one_of(st.sampled_from(kinds.GOOD), st.sampled_from(kinds.GOOD), st.sampled_from(tuple(kinds.KINDS))))
    def add(self, kind: str) -> None:
        """A new spec, after all others."""
        self._add(kind)

    def _add(self, kind: str) -> None:
        last = max([0, *map(int, self.kinds), *(int(d.version) for d in self.done)])
        version = f"{last + 1:03}"
        assume(last < LAST)
        self.kinds[version] = kind
        kinds.path(version).write_text(kinds.text(version, kind), encoding="utf-8")

    @precondition(lambda self: bool(self._begun()))
    @rule(seed=SEEDS)
    def edit(self, seed: int) -> None:
        """The spec of what is applied, or half applied, is edited."""
        version = self._pick(self._begun(), seed)
        if version in self.gone:
            return
        changed = kinds.text(version, "index" if self.kinds[version] != "index" else "column")
        kinds.path(version).write_text(changed, encoding="utf-8")
        self.edited.add(version)

    @precondition(lambda self: bool(self._begun()))
    @rule(seed=SEEDS)
    def delete(self, seed: int) -> None:
        """The spec of what is applied, or half applied, is deleted."""
        version = self._pick(self._begun(), seed)
        kinds.path(version).unlink(missing_ok=True)
        self.edited.discard(version)
        self.gone.add(version)

    @precondition(lambda self: bool(self.edited or self.gone))
    @rule(seed=SEEDS)
    def restore(self, seed: int) -> None:
        """A spec is put back as it was."""
        self._put_back(self._pick(sorted(self.edited | self.gone), seed))

    @precondition(lambda self: bool(set(self.kinds) - set(self._begun())))
    @rule(seed=SEEDS)
    def withdraw(self, seed: int) -> None:
        """A spec that is pending is deleted."""
        version = self._pick(sorted(set(self.kinds) - set(self._begun())), seed)
        kinds.path(version).unlink(missing_ok=True)
        self.edited.discard(version)
        self.gone.discard(version)
        del self.kinds[version]

    def _put_back(self, version: str) -> None:
        kinds.path(version).write_text(kinds.text(version, self.kinds[version]), encoding="utf-8")
        self.edited.discard(version)
        self.gone.discard(version)

    # ── there ─────────────────────────────────────────────────────────────
    @rule(everything=st.booleans())
    def apply(self, everything: bool) -> None:
        """`apply`, whether there is something to do or not."""
        self.forth(None, everything)

    @precondition(lambda self: self._pending() and self._refused() is None)
    @rule(disturbed=st.one_of(KILLED, DISTURBED), everything=st.booleans())
    def apply_disturbed(self, disturbed: tuple[str, int], everything: bool) -> None:
        """`apply`, killed or met by an error on the way."""
        self.forth(disturbed, everything)

    @precondition(lambda self: self._pending() and self._refused() is None)
    @rule(disturbed=KILLED)
    def apply_killed(self, disturbed: tuple[str, int]) -> None:
        """`apply` of one migration, killed on the way."""
        self.forth(disturbed, False)

    def forth(self, disturbed: tuple[str, int] | None, everything: bool) -> None:
        """Apply all, or up to the next version, and see to it that the end is that of an undisturbed run."""
        place = self._place
        expected = self._refused()
        if expected is not None:
            users = place.users()
            ran = place.engine("apply")
            assert ran.code == expected, f"expected {expected}: {ran.output}"
            if self.half is None:
                assert not users.differences(place.users())
            else:
                self._settled("apply", [(self.half.done, self.half.after, 0)], ran.code, disturbed=True)
            return
        todo = self._pending()
        if not todo:
            assert place.engine("apply").code == 0
            return
        args = () if everything else ("--to", todo[0])
        path, code = self._foreseen(todo if everything else todo[:1])
        if disturbed is None:
            ran = place.engine("apply", *args)
            assert ran.code == code, f"{ran.code}, not {code}: {ran.output}"
        else:
            way, seed = disturbed
            number = seed % place.statements("apply", *args) + 1
            note(f"apply {args} {way} at {number}")
            place.disturbed(way, number, "apply", *args)
        self._settled("apply", path, code, disturbed=disturbed is not None)

    def _foreseen(self, todo: list[str]) -> tuple[list[tuple[Done, Moment, int]], int]:
        """Apply one by one, aside: what is before and after each, and the code of the last one."""
        place = self._place
        path: list[tuple[Done, Moment, int]] = []
        code = 0
        with place.aside():
            for version in todo:
                half = self.half.done if self.half is not None and self.half.done.version == version else None
                before = half.before if half is not None else Moment.now()
                ran = place.engine("apply", "--to", version)
                code = ran.code
                done = half or Done(version, self.kinds[version], before)
                path.append((done, Moment.now(), code))
                if code:
                    assert code == 3 and self.kinds[version] in ("fails", "stops"), ran.output
                    if self.kinds[version] == "fails":
                        assert not before.users().differences(place.users()), "a failed migration is not undone"
                    break
        return path, code

    # ── back ──────────────────────────────────────────────────────────────
    @precondition(lambda self: self.done or self.half is not None or not self.kinds)
    @rule(steps=st.integers(1, 3), policy=POLICIES)
    def rollback(self, steps: int, policy: str) -> None:
        """`rollback`."""
        self.back(None, steps, policy)

    @precondition(lambda self: self.done or self.half is not None)
    @rule(disturbed=st.one_of(KILLED, DISTURBED), steps=st.integers(1, 3), policy=POLICIES)
    def rollback_disturbed(self, disturbed: tuple[str, int], steps: int, policy: str) -> None:
        """`rollback`, killed or met by an error on the way."""
        self.back(disturbed, steps, policy)

    @precondition(lambda self: self.done and self.half is None)
    @rule(disturbed=st.one_of(st.none(), KILLED), seed=SEEDS)
    def rollback_to(self, disturbed: tuple[str, int] | None, seed: int) -> None:
        """`rollback --to` a version that is applied, or 0."""
        at = seed % len(self.done)
        self.back(disturbed, len(self.done) - at, "abort", to=self.done[at - 1].version if at else "0")

    def back(self, disturbed: tuple[str, int] | None, steps: int, policy: str, to: str = "") -> None:
        """Roll back, and see to it that what was before is there again."""
        place = self._place
        todo = [self.half.done] if self.half is not None else []
        todo = [*todo, *reversed([d for d in self.done if d not in todo])][:steps]
        if disturbed is not None and any(done.edited for done in todo):
            policy = "abort"  # what an interrupted skip or force has done already can't be told from outside
        users = place.users()
        args = ("--to", to) if to else ("--steps", str(steps))
        args = (*args, "--on-conflict", policy)
        path: list[tuple[Done, Moment, int]] = []
        code, now = 0, self.moment
        kept: dict[int, str | None] = {}  # what others wrote, over which `skip` goes
        for done in todo:
            code = 1 if done.stays else 4 if done.edited and policy == "abort" else 0
            if code:
                break
            kept |= {id_: now.value(id_) for id_ in (done.edited if policy == "skip" else ())}
            after = done.before
            for id_, value in kept.items():
                after = after.changed("UPDATE t SET v = ? WHERE id = ?", (value, id_))
            path.append((done, after, 0))
            now = after
        if disturbed is None:
            ran = place.engine("rollback", *args)
            assert ran.code == code, f"{ran.code}, not {code}: {ran.output}"
            if code and not path:
                assert not users.differences(place.users()), "refused, and something changed"
        else:
            way, seed = disturbed
            number = seed % place.statements("rollback", *args) + 1
            note(f"rollback {args} {way} at {number}")
            place.disturbed(way, number, "rollback", *args)
        self._settled("rollback", path, code, disturbed=disturbed is not None)
        for id_, value in kept.items():
            self._meets(id_, "UPDATE t SET v = ? WHERE id = ?", (value, id_))

    def _meets(self, id_: int, sql: str, params: tuple[Any, ...] = ()) -> None:
        """What others wrote survives the undo of all but a mark, for which it is a conflict."""
        for done in reversed(self.done):
            if done.kind in kinds.MARKS:
                done.edited.add(id_)
                break
            done.before = done.before.changed(sql, params)

    # ── after a run ───────────────────────────────────────────────────────
    def _settled(self, direction: str, path: list[tuple[Done, Moment, int]], code: int, *, disturbed: bool) -> None:
        """Judge how a run ended; a spec that is pending again is put back as it was."""
        self._judge(direction, path, code, disturbed=disturbed)
        for version in sorted((self.edited | self.gone) - set(self._begun())):
            self._put_back(version)  # else later ones go before it

    def _judge(self, direction: str, path: list[tuple[Done, Moment, int]], code: int, *, disturbed: bool) -> None:
        """Compare with what was foreseen, and take in how far it came."""
        place = self._place
        place.settle()
        status = place.status()
        now = status["in_progress"]
        came = self._came(direction, path, status["applied"], now, self._story(status))
        if not disturbed and direction == "apply":
            whole = len([1 for *_, one in path if one == 0])
            assert came == whole, self._story(status)
            assert (now is not None) == (code == 3 and path[-1][0].kind == "stops"), self._story(status)
        if not disturbed and direction == "rollback":
            assert came == len(path) and now is None, self._story(status)
        reached = self.moment if self.half is None else self.half.done.before
        for done, after, _ in path[:came]:
            if direction == "apply":
                self.done.append(done) if done not in self.done else None
            elif done in self.done:
                self.done.remove(done)
            reached = after
        if now is None:
            if came == 0 and self.half is not None and now is None:
                # a failed or undone half: it is where it began
                reached = self.half.done.before if self.half.direction == "apply" else self.half.after
            self.half = None
            differences = reached.users().differences(place.users())
            assert not differences, "\n".join([self._story(status), *differences])
            self.moment = reached
            return
        done, after, _ = path[came] if came < len(path) else (self._half_done(), self.moment, 0)
        assert (now["version"], now["direction"]) in {(done.version, "apply"), (done.version, "rollback")}
        self.half = Half(done, now["direction"], done.before if now["direction"] == "rollback" else after)
        if done in self.done and now["direction"] == "apply":
            self.done.remove(done)

    def _half_done(self) -> Done:
        assert self.half is not None, self._story()
        return self.half.done

    def _came(
        self, direction: str, path: list[tuple[Done, Moment, int]], applied: list[str], now: Any, story: str
    ) -> int:
        """Return how many of `path` are over; the history must be one of those that lie on it."""
        versions = [d.version for d in self.done]
        for came in range(len(path) + 1):
            expected = list(versions)
            for done, *_ in path[:came]:
                if direction == "apply":
                    expected += [done.version] if done.version not in expected else []
                elif done.version in expected:
                    expected.remove(done.version)
            if now is not None and now["direction"] == "apply":
                expected = [v for v in expected if v != now["version"]]
            after = path[came][0].version if came < len(path) else None
            if expected == applied and (now is None or now["version"] in (after, self._half_version())):
                if came == 0 and now is None and self.half is not None:
                    continue  # the half one is over, one way or the other
                return came
        if now is None and self.half is not None and applied == versions:
            return 0
        raise AssertionError(f"the history lies on no way that leads there: {story}")

    def _half_version(self) -> str | None:
        return self.half.done.version if self.half is not None else None

    # ── by others ─────────────────────────────────────────────────────────
    @rule(seed=SEEDS)
    def others_write(self, seed: int) -> None:
        """Rows that no migration touches."""
        self._outside(f"INSERT INTO others (v) VALUES ('outside {seed}')")

    @precondition(lambda self: self.half is None)
    @rule(seed=SEEDS, new=st.booleans())
    def others_write_beside(self, seed: int, new: bool) -> None:
        """Rows and columns of a table that is migrated, but not those that a migration wrote."""
        self.outside += 1
        if new:
            id_ = 6000 + 6 * self.outside  # 0 modulo 6: a spec of that number deletes it
            self._outside(f"INSERT INTO t (id, v, n) VALUES ({id_}, 'new', {seed})")
        else:
            self._outside(f"UPDATE t SET note = 'note {seed}' WHERE id = {seed % 6 + 1}")

    @precondition(lambda self: self.half is None and self.outside < 9)
    @rule(
        what=st.sampled_from(
            ("INDEX o_# ON others (v)", "VIEW o_# AS SELECT id, note FROM t", "TABLE o_# (id INTEGER)")
        )
    )
    def others_make(self, what: str) -> None:
        """Indexes, views and tables of others."""
        self.outside += 1
        self._outside("CREATE " + what.replace("#", str(self.outside)))

    def _outside(self, sql: str) -> None:
        self._write(sql)
        self.moment = self.moment.changed(sql)
        if self.half is not None:
            self.half.after = self.half.after.changed(sql)
            if self.half.done not in self.done:
                self.half.done.before = self.half.done.before.changed(sql)
        for done in self.done:
            done.before = done.before.changed(sql)

    def _write(self, sql: str) -> None:
        with closing(sqlite3.connect(DB, isolation_level=None)) as db:
            db.execute(sql)

    @precondition(lambda self: self.half is None and any(d.kind in kinds.MARKS for d in self.done))
    @rule(seed=SEEDS)
    def others_change_what_was_written(self, seed: int) -> None:
        """A value that a migration wrote: a rollback must find it."""
        ids = [id_ for (id_,) in self._place.rows("SELECT id FROM t WHERE id < 100")]
        assume(ids)
        id_ = ids[seed % len(ids)]
        sql = f"UPDATE t SET v = 'edited {seed}' WHERE id = {id_}"
        self._write(sql)
        self.moment = self.moment.changed(sql)
        self._meets(id_, sql)

    @rule(
        what=st.sampled_from(
            (
                "ALTER TABLE t ADD COLUMN o",
                "ALTER TABLE t RENAME COLUMN v TO vv",
                "DROP TABLE u",
                "CREATE INDEX o ON t (note)",
                "DROP VIEW names",
                "DROP INDEX t_n",
                "ALTER TABLE t RENAME TO tt",
                "DELETE FROM t",
            )
        )
    )
    def others_change_the_schema(self, what: str) -> None:
        """Whatever others do to the schema: a clear end each time, and a database that is sound."""
        place = self._place
        with place.aside():
            self._write(what)
            for command, *args in (("plan",), ("rollback", "--dry-run"), ("rollback", "--to", "0"), ("apply",)):
                users = place.users()
                ran = place.engine(command, *args)
                assert ran.code in (0, 1, 3, 4, 6), ran.output
                place.settle()
                self._leads_on(ran)
                if command == "plan" or "--dry-run" in args:
                    assert not users.differences(place.users())

    def _leads_on(self, ran: Ran) -> None:
        """The command that an error names does not end with the same error."""
        named = re.search(r"^next: engine (\w+)(.*?)(?: specs)? --db", ran.output, re.MULTILINE)
        if ran.code == 0 or named is None:
            return
        with self._place.aside():
            after = self._place.engine(named[1], *named[2].split())
        told = [line for line in ran.output.splitlines() if line.startswith("error: ")]
        assert not any(line in after.output for line in told), f"{ran.output}\n{named[0]} says the same"

    # ── the rest of a life ────────────────────────────────────────────────
    @precondition(lambda self: self.done and self.half is None)
    @rule(disturbed=st.one_of(st.none(), DISTURBED), seed=SEEDS)
    def finalize(self, disturbed: tuple[str, int] | None, seed: int) -> None:
        """The way back of one is given up."""
        assume(seed % 3 == 0)  # not too often: what is below can't be rolled back any more
        place = self._place
        done = self.done[seed % len(self.done)]
        users = place.users()
        if disturbed is not None:
            number = disturbed[1] % place.statements("finalize", done.version) + 1
            place.disturbed(disturbed[0], number, "finalize", done.version)
            place.settle()
            state = place.rows(f"SELECT state FROM migration_history WHERE version = '{done.version}'")[0][0]
            done.finalized = state == "finalized"
        if disturbed is None or done.finalized:
            ran = place.engine("finalize", done.version)
            assert ran.code == 0, ran.output
            done.finalized = True
        assert not users.differences(place.users())

    @rule(command=st.sampled_from(("apply", "rollback", "finalize")))
    def somebody_else_is_at_work(self, command: str) -> None:
        """Who comes second ends with 5, says who is first, and writes nothing."""
        place = self._place
        lock = FileLock(DB)
        assert lock.acquire("apply", 0)
        try:
            image = place.image()
            ran = place.engine(command, *(["001"] if command == "finalize" else []))
            refused = self._refused() if command == "apply" else None
            assert ran.code == 5 or (refused == 1 and ran.code == 1), ran.output
            assert ran.code != 5 or "process" in ran.output, ran.output
            assert place.image() == image
            now = place.status()["in_progress"]
            assert now is None or not now["resumable"]
        finally:
            lock.release()

    @precondition(lambda self: self._refused() is None and self._pending() and self.half is None)
    @rule()
    def two_at_once(self) -> None:
        """Two appliers at the same time: what is pending is done once."""
        path, code = self._foreseen(self._pending())
        assume(code == 0)
        results: list[Any] = []

        def work() -> None:
            try:
                project = app.Project(url=DatabaseUrl.parse(DB))
                results.append(app.apply(project, lock_wait=60.0).error)
            except BaseException as error:
                results.append(error)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert results == [None, None], results
        self._settled("apply", path, code, disturbed=False)

    @rule()
    def look(self) -> None:
        """Commands that only look change no byte and leave no file."""
        place = self._place
        before = place.image()
        for command, *args in (("plan",), ("status",), ("list",), ("history",), ("lint",), ("rollback", "--dry-run")):
            ran = place.engine(command, *args)
            assert ran.code in (0, 1, 4), ran.output
            after = place.image()
            assert after == before, f"{command} changed {[k for k in after if after.get(k) != before.get(k)]}"
        listed = place.engine("list").output if set(self.kinds) - self.gone else ""
        assert not listed or all(f"✓  {d.version}" in listed for d in self.done)

    @rule()
    def do_what_status_says(self) -> None:
        """The command that `status` names works, or says what has to be done first."""
        place = self._place
        command = place.status()["next"].removeprefix("engine ")
        if not command:
            assert self.half is None
            return
        with place.aside():
            ran = place.engine(command, *(["--on-conflict", "skip"] if command == "rollback" else []))
            if command == "lint":
                assert ran.code == 1 or "warning" in ran.output, ran.output
            elif command == "plan":
                assert ran.code == 0, ran.output
            else:
                stops = self.half is not None and self.half.done.kind in ("stops", "fails")
                later = "went well before" in ran.output or self._failing_later()
                assert ran.code == 0 or stops or later, ran.output

    # ── always ────────────────────────────────────────────────────────────
    @invariant()
    def holds(self) -> None:
        """The history tells what is there, and nothing is left of what is over."""
        if self.place is None or self.place.rows("SELECT 1 FROM sqlite_master WHERE name = 'engine_meta'") == []:
            return
        place = self._place
        status = place.status()
        applied = [d.version for d in self.done]
        assert status["applied"] == applied, self._story(status)
        assert status["current_version"] == (applied[-1] if applied else None)
        assert (status["in_progress"] is not None) == (self.half is not None), self._story(status)
        assert self.half is None or status["in_progress"]["resumable"], status
        waiting = [p["version"] for p in status["pending"]]
        assert waiting == [v for v in sorted(self.kinds) if v not in applied and v not in self.gone]
        half = self.half.done.version if self.half is not None and self.half.direction == "apply" else None
        drift = [v for v in self.edited | self.gone if v in applied or v == half]
        empty = not set(self.kinds) - self.gone
        assert empty or len(status["drift"]) == len(drift), (status["drift"], self.edited, self.gone)
        (fence,) = place.rows("SELECT value FROM engine_meta WHERE key = 'fence'")[0]
        assert fence >= self.fence, "fences only grow"
        self.fence = fence
        if self.half is None:
            assert not place.rows("SELECT 1 FROM engine_step WHERE direction = 'rollback'")
            differences = self.moment.users().differences(place.users())
            assert not differences, differences
            plans = place.rows("SELECT plan FROM migration_history WHERE applied AND state <> 'finalized'")
            wanted = {name for (plan,) in plans for unit in json.loads(plan)["units"] for name in unit["keeps"]}
            assert set(self.journals()) == wanted, "journals are left of what is over, or are missing"
        assert not place.rows("PRAGMA foreign_key_check")

    def journals(self) -> list[str]:
        """Return the engine's tables that hold a way back."""
        rows = self._place.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        usual = ("migration_history", "engine_run", "engine_event", "engine_step", "engine_meta")
        return [n for (n,) in rows if own(n) and n not in usual and not n.startswith("engine_forced")]

    # ── the model, asked ──────────────────────────────────────────────────
    @property
    def _place(self) -> Place:
        assert self.place is not None
        return self.place

    def _applied(self) -> list[str]:
        return [d.version for d in self.done]

    def _begun(self) -> list[str]:
        half = [self.half.done.version] if self.half is not None else []
        return sorted({*self._applied(), *half} & set(self.kinds))

    def _pending(self) -> list[str]:
        return [v for v in sorted(self.kinds) if v not in self._applied() and v not in self.gone]

    def _refused(self) -> int | None:
        """Return the code with which `apply` refuses, None where it goes on."""
        if not set(self.kinds) - self.gone:
            return 1  # an empty folder
        if self.half is not None and self.half.direction == "rollback":
            return 6
        if self.half is not None and self.half.done.version in self.edited | self.gone:
            return 4
        if self.edited & set(self._applied()):
            return 4
        return None

    def _failing_later(self) -> bool:
        return any(self.kinds[v] in ("fails", "stops") for v in self._pending())

    def _pick(self, versions: list[str], seed: int) -> str:
        return versions[seed % len(versions)]

    def _story(self, status: Any = None) -> str:
        done = ", ".join(f"{d.version} {d.kind}" for d in self.done)
        half = f"; half: {self.half.done.version} {self.half.done.kind} {self.half.direction}" if self.half else ""
        return f"model: {done}{half}; status: {status}"
