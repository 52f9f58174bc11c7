"""There and back with one seed: what plan promises is what happens, in every mode, killed or not."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine import app
from engine.changing import RunResult
from engine.dialects.sqlite.driver import SQLiteDriver
from engine.errors import EngineError, FindingsError
from engine.plan.document import document
from tests.crash.crashing import Image, Scenario, World, watched
from tests.random.page import Page, page
from tests.support.command import EXEMPT
from tests.support.database import Snapshot

# What specs say themselves. Nothing in these databases is such that the engine may say so of its own.
REASONS = {"so it was asked", "it only measures"}


@dataclass
class Journey:
    """How one seed went.

    Attributes:
        outcome: refused (by the plan), failed (on the data, and undone), stuck (no way back), back.
        reasons: why steps have no way back, or why it was refused or failed.
    """

    seed: int
    outcome: str = ""
    reasons: list[str] = field(default_factory=list)


class Broken(AssertionError):
    """A promise was not kept."""


def travel(seed: int, folder: Path) -> Journey:
    """Go there and back with a seed.

    Raises:
        Broken: with the seed as a page for tests/cases.
    """
    asked = page(seed)
    try:
        return _Traveller(asked, folder).travel()
    except Exception as error:
        raise Broken(f"{type(error).__name__}: {error}\n\n{asked}") from error


def travel_all(seeds: Iterable[int], folder: Path) -> Counter[str]:
    """Go with each seed; return how many ended how.

    Raises:
        Broken: with the page of each seed that broke a promise.
    """
    went: Counter[str] = Counter()
    broken: list[str] = []
    for seed in seeds:
        try:
            went[travel(seed, folder / str(seed)).outcome] += 1
        except Broken as error:
            broken.append(str(error))
        shutil.rmtree(folder / str(seed), ignore_errors=True)
    if broken:
        raise Broken("\n\n".join(broken))
    return went


class _Traveller:
    """One seed, in a folder of its own."""

    def __init__(self, asked: Page, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.asked = asked
        self.journey = Journey(asked.seed)
        self.rng = random.Random(asked.seed)
        self.batches = (1000,) if asked.trees else (1, 2, 3)
        self.world = World(Scenario("random", asked.given, asked.texts(), max(self.batches)), folder)

    @property
    def before(self) -> Snapshot:
        return self.world.before

    def travel(self) -> Journey:
        """Plan; apply and roll back as it comes, then in small batches, then killed."""
        planned = self.plan()
        if planned is None:
            return self.journey
        result, _ = self.run(World.apply, "sql", planned)
        if result.error is not None:
            self.failed(result.error)
            return self.journey
        after = self.world.state().users
        stuck = [u for m in planned.plan.migrations for u in m.units if u.reversible == "no"]
        self.journey.reasons += [u.reason for u in stuck]
        strange = {u.reason for u in stuck} - REASONS
        assert not strange, f"the engine sees no way back where there is one: {strange}"
        result, _ = self.run(World.rollback, "undo", planned)
        if result.error is not None:
            self.stuck(result.error, {u.step for u in stuck}, after)
            return self.journey
        self.same(self.before, "after rollback")
        self.killed(self.another_mode(after))
        self.journey.outcome = "back"
        return self.journey

    def plan(self) -> app.PlanResult | None:
        """Plan; a refusal is told at a place of the spec."""
        image = self.world.image()
        try:
            planned = app.plan(self.world.project())
        except FindingsError as error:
            errors = [d for d in error.diagnostics if d.severity == "error"]
            assert errors and all(d.span and d.message and d.rule for d in errors), errors
            self.journey.outcome = "refused"
            self.journey.reasons += [f"{d.rule} {d.message}" for d in errors]
            return None
        assert self.world.image() == image, "plan changed the database"
        assert str(document(planned.plan)), "the plan can be printed"
        return planned

    def run(self, command: Callable[[World], RunResult], way: str, planned: app.PlanResult) -> tuple[RunResult, Image]:
        """Run a command; what it sends is in the plan. Returns a state in which it could have been killed, too."""
        sent: set[str] = set()
        caught = [self.world.image()]
        count = [0]

        def look(driver: SQLiteDriver, sql: str) -> None:
            sent.add(sql)
            count[0] += 1
            if self.rng.random() < 1 / count[0]:
                caught[0] = self.world.image()

        with watched(after=look):
            result = command(self.world)
        every = [s for m in document(planned.plan)["migrations"] for s in m["statements"]]
        printed = {s["sql"] for s in document(planned.plan)["protocol"]}
        printed |= {s["sql"] for s in every} | {sql for s in every for sql in s["undo"]}
        unknown = [s for s in sent if s not in printed and not any(e.match(s.strip()) for e in EXEMPT)]
        assert not unknown or not way, "sent, and not in the plan:\n" + "\n".join(unknown)
        return result, caught[0]

    def failed(self, error: EngineError) -> None:
        """It failed on the data: what was undone is undone, and all goes back."""
        assert error.exit_code in (1, 3), (error.exit_code, error)
        self.journey.outcome = "failed"
        self.journey.reasons.append(str(error))
        if len(self.asked.specs) == 1 and "no way back" not in error.kept:
            self.same(self.before, f"after it failed ({_told(error)}; {error.kept})")
        back = self.world.rollback()
        if back.error is None:
            self.same(self.before, f"after it failed ({error}) and was rolled back")
        else:
            assert back.error.code == "irreversible", back.error

    def stuck(self, error: EngineError, steps: set[str], after: Snapshot) -> None:
        """A step without a way back stops a rollback by name, before it begins."""
        assert steps, f"plan says that all can be undone, and rollback says: {error} {error.hint} {error.details}"
        assert (error.exit_code, error.code) == (1, "irreversible"), error
        assert error.details.get("step") in steps, (error.details, steps)
        if len(self.asked.specs) == 1:
            self.same(after, "after a rollback that was refused")
        self.journey.outcome = "stuck"

    def another_mode(self, after: Snapshot) -> Snapshot:
        """In steps and small batches: the same there, the same back. Returns what was there."""
        batch = self.rng.choice(self.batches)
        self.choose("step", batch)
        planned = app.plan(self.world.project())
        result, self.there = self.run(World.apply, "sql", planned)
        assert result.error is None, f"stepwise, batches of {batch}: {_told(result.error)}"
        if self.asked.triggers:
            after = self.world.state().users  # what triggers do may hang on which row came first, which SQL leaves open
        self.same(after, f"applied stepwise in batches of {batch}")
        result, self.back = self.run(World.rollback, "undo", planned)
        assert result.error is None, f"rollback, batches of {batch}: {_told(result.error)}"
        self.same(self.before, f"rolled back stepwise in batches of {batch}")
        return after

    def killed(self, after: Snapshot) -> None:
        """Killed there and gone on; killed on the way back and gone on."""
        self.world.put(self.there)
        with watched():
            result = self.world.apply()
        assert result.error is None, f"resumed: {_told(result.error)}"
        self.same(after, "killed, and applied to the end")
        self.world.put(self.back)
        with watched():
            result = self.world.rollback()
        assert result.error is None, f"resumed rollback: {_told(result.error)}"
        self.same(self.before, "killed, and rolled back to the end")
        self.world.put(self.there)
        with watched():
            result = self.world.rollback()
        assert result.error is None, f"rollback of a killed apply: {_told(result.error)}"
        self.same(self.before, "killed, and rolled back from there")

    def choose(self, mode: str, batch: int) -> None:
        """Write the specs for a mode, and have runs use batches of a size."""
        texts = self.asked.texts(mode)
        self.world.scenario = Scenario("random", self.asked.given, texts, batch)
        for name, text in texts.items():
            (self.world.specs / name).write_text(text, encoding="utf-8")

    def same(self, expected: Snapshot, when: str) -> None:
        """Compare what users see; where all is as before no journal is left either."""
        state = self.world.state()
        found = expected.differences(state.users)
        if found and "without_rowid" in str(self.asked.specs):
            found = _by_key(expected).differences(_by_key(state.users))
        assert not found, "\n".join([f"{when} the database is not what it must be:", *found])
        if expected is self.before:
            assert not state.journals, f"{when} journals are left: {state.journals}"


def _told(error: EngineError | None) -> str:
    return f"{error} ({error.hint}; {error.details})" if error is not None else ""


def _by_key(users: Snapshot) -> Snapshot:
    """Return the rows without their row ids, which go where a table is made WITHOUT ROWID: it has a key of its own."""
    # A row begins with its row id where it has one; each other cell is a type and a value.
    rows = {name: sorted(row[len(row) % 2 :] for row in found) for name, found in users.rows.items()}
    return replace(users, rows=rows)
