"""What others do meanwhile: write rows, change the schema, run the engine too."""

from __future__ import annotations

import re
import sqlite3
import threading
from contextlib import closing
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from engine import app
from engine.dialects.sqlite.lock import FileLock
from engine.url import DatabaseUrl
from tests.crash.crashing import FILES
from tests.stateful import kinds
from tests.stateful.model import KILLED, MET, POLICIES, SEEDS
from tests.stateful.place import DB
from tests.stateful.runs import Runs
from tests.support.command import Ran


class Others(Runs):
    """Rules of others."""

    # ── by others ─────────────────────────────────────────────────────────
    @rule(seed=SEEDS)
    def others_write(self, seed: int) -> None:
        """Rows that no migration touches."""
        self._outside(f"INSERT INTO others (v) VALUES ('outside {seed}')")

    @rule(seed=SEEDS, new=st.booleans())
    def others_write_beside(self, seed: int, new: bool) -> None:
        """Rows and columns of a table that is migrated, but not those that a migration wrote."""
        self._write_beside(seed, new)

    @precondition(lambda self: self.half is not None)
    @rule(seed=SEEDS, new=st.booleans())
    def others_meet_what_is_half(self, seed: int, new: bool) -> None:
        """Both kinds of rows, while a run is interrupted."""
        if self._marks() and seed % 3:
            self._change(seed)
        else:
            self._write_beside(seed, new)

    def _write_beside(self, seed: int, new: bool) -> None:
        self.outside += 1
        if new and (self.half is None or self.half.direction == "rollback"):
            id_ = 6000 + 6 * self.outside  # 0 modulo 6: a spec of that number deletes it
            self._outside(f"INSERT INTO t (id, v, n) VALUES ({id_}, 'new', {seed})")
        else:
            id_ = self._row(seed)
            self._outside(f"UPDATE t SET note = 'note {seed}' WHERE id = {id_}")

    def _row(self, seed: int) -> int:
        """Return the key of a row that is there."""
        ids = [id_ for (id_,) in self._place.rows("SELECT id FROM t WHERE id < 100")]
        assume(ids)
        return int(ids[seed % len(ids)])

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
        self._seen_by_all(sql)
        MET[f"others write: {self._state()}"] += 1

    def _write(self, sql: str) -> None:
        with closing(sqlite3.connect(DB, isolation_level=None)) as db:
            db.execute(sql)

    @precondition(lambda self: self._marks())
    @rule(seed=SEEDS)
    def others_change_what_was_written(self, seed: int) -> None:
        """A value that a migration wrote: a rollback must find it, also one that has begun."""
        self._change(seed)

    @precondition(lambda self: self.half is None and self._marks())
    @rule(seed=SEEDS, disturbed=st.one_of(st.none(), KILLED), policy=POLICIES)
    def rollback_of_what_others_changed(self, seed: int, disturbed: tuple[str, int] | None, policy: str) -> None:
        """A value that a migration wrote is changed, and all down to that migration is rolled back."""
        self._change(seed)
        marks = [at for at, done in enumerate(self.done) if done.kind in kinds.MARKS]
        self.back(disturbed, len(self.done) - marks[-1], policy)

    def _marks(self) -> bool:
        half = [self.half.done] if self.half is not None else []
        return any(done.kind in kinds.MARKS for done in (*self.done, *half))

    def _change(self, seed: int) -> None:
        id_ = self._row(seed)
        ((value,),) = self._place.rows(f"SELECT v FROM t WHERE id = {id_}")
        sql = f"UPDATE t SET v = 'edited {seed}' WHERE id = {id_}"
        self._write(sql)
        self.moment = self.moment.changed(sql)
        half = self.half.done if self.half is not None else None
        MET[f"others change what was written: {self._state()}"] += 1
        mark = half is not None and half.kind in kinds.MARKS
        if half is not None and mark and (id_ in half.edited or str(value).endswith(f"-{int(half.version)}")):
            half.edited.add(id_)  # its batch is done and not yet undone
            return
        if self.half is not None:
            self.half.done.before = self.half.done.before.changed(sql)
            self.half.after = self.half.after.changed(sql)
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
        if ran.code == 0 or named is None or any(words in ran.output for words in ("put that right first", "not 999")):
            return  # what others did, and what a `validate` of ours found, is for a person to put right
        with self._place.aside():
            after = self._place.engine(named[1], *named[2].split())
        told = [line for line in ran.output.splitlines() if line.startswith("error: ")]
        assert not any(line in after.output for line in told), f"{ran.output}\n{named[0]} says the same"

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
            MET[f"{command}, somebody else is at work: {self._state()} → {ran.code}"] += 1
            assert ran.code != 5 or "process" in ran.output, ran.output
            after = place.image()
            if image.get("-journal", b"")[:8] == bytes(8):  # spent, and left by a kill: it may go
                del image["-journal"]
                after.pop("-journal", None)
            assert after == image, f"changed {[k for k in FILES if after.get(k) != image.get(k)]}: {ran.output}"
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
        MET["two appliers at once"] += 1
        self._settled("apply", path, code, disturbed=False)
