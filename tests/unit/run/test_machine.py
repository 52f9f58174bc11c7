"""Any order of apply, rollback, crashes and stops: every state on the way is sound, and both ends are reached."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from run_samples import (
    Crash,
    CrashingDriver,
    Database,
    copy_unit,
    create_unit,
    fill,
    index_unit,
    plan,
    quick,
    update_unit,
)

from engine.dialects.sqlite.driver import connect
from engine.dialects.sqlite.ledger import Ledger
from engine.run import reading
from engine.run.executor import apply
from engine.run.options import RunOptions, Stop
from engine.run.progress import BatchDone, Happening
from engine.run.records import MigrationResult
from engine.run.rollback import rollback

AT = st.integers(1, 110)


class Machine(RuleBasedStateMachine):
    """One database, one migration; the wanted ends come from undisturbed runs."""

    @initialize(single=st.booleans())
    def begin(self, single: bool) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.plan = plan(create_unit(), copy_unit(9), update_unit(8), index_unit(), single=single)
        fill(self.folder / "clean.db")
        clean = self.open("clean.db")
        self.before = clean.content()
        self.run(clean, "apply")
        self.after = clean.content()
        clean.driver.close()
        fill(self.folder / "app.db")
        self.db = self.open("app.db")

    def open(self, name: str) -> Database:
        path = self.folder / name
        driver = quick(path)
        return Database(path, driver, Ledger(driver, path))

    def run(self, db: Database, way: str, heard: Any = lambda event: None, stop: Stop | None = None) -> MigrationResult:
        options = RunOptions(now=lambda: "2026-01-31 12:00:00", stop=stop or Stop())
        with db.ledger.lock(way):
            if way == "apply":
                return apply(db.driver, db.ledger, self.plan, options, heard)
            return rollback(db.driver, db.ledger, self.plan, options, heard)

    @rule(way=st.sampled_from(["apply", "rollback"]), at=AT, after=st.booleans())
    def crash(self, way: str, at: int, after: bool) -> None:
        driver = self.db.driver
        driver.__class__ = CrashingDriver
        assert isinstance(driver, CrashingDriver)
        driver.at, driver.after = at, after
        try:
            self.run(self.db, way)
        except Crash:
            pass
        self.db.reopen()

    @rule(way=st.sampled_from(["apply", "rollback"]), batch=st.integers(1, 3))
    def stop(self, way: str, batch: int) -> None:
        stop = Stop()

        def heard(event: Happening) -> None:
            if isinstance(event, BatchDone) and event.batch == batch:
                stop.ask()

        self.run(self.db, way, heard, stop)

    @rule(way=st.sampled_from(["apply", "rollback"]))
    def undisturbed(self, way: str) -> None:
        result = self.run(self.db, way)
        if result.error is None:
            assert self.db.content() == (self.after if way == "apply" else self.before)

    @rule()
    def look(self) -> None:
        digest = hashlib.sha256(self.db.path.read_bytes()).hexdigest()
        driver = connect(self.db.path, read_only=True)
        reading.status(Ledger(driver, self.db.path), str)
        driver.close()
        assert hashlib.sha256(self.db.path.read_bytes()).hexdigest() == digest

    @invariant()
    def sound(self) -> None:
        """Each changed row has one journal row, and the checkpoint counts what is there (I1, I7)."""
        if not hasattr(self, "db"):
            return
        db = self.db
        changed = db.one("SELECT count(*) FROM items WHERE title = upper(title)")
        there = "engine_undo_1" in db.engine_tables()
        assert changed == (db.one("SELECT count(*) FROM engine_undo_1") if there else 0)
        steps = {p.unit: p for p in db.ledger.progress("001", "apply")}
        if "2-copy" in steps and steps["1-create"].state != "undone":
            tables = [r[0] for r in db.driver.query("SELECT name FROM sqlite_schema WHERE name = 'notes'")]
            assert steps["2-copy"].written == (db.one("SELECT count(*) FROM notes") if tables else 0)
        assert db.ledger.holder() is None

    def teardown(self) -> None:
        if not hasattr(self, "db"):
            return
        record = self.db.ledger.record("001")
        if record is not None and record.state == "rolling_back":
            assert self.run(self.db, "rollback").error is None
        assert self.run(self.db, "apply").error is None
        assert self.db.content() == self.after
        assert self.run(self.db, "rollback").error is None
        assert self.db.content() == self.before
        self.db.driver.close()
        shutil.rmtree(self.folder)


Machine.TestCase.settings = settings(
    max_examples=25, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck)
)
TestMachine = Machine.TestCase
