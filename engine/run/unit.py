"""One unit, run: its transactions, batches, checks and checkpoints. Knows nothing of SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from engine.dialects.base import Driver, Row
from engine.dialects.ledger import KEYS, Ledger, Progress
from engine.errors import CheckFailed, DatabaseError, EngineError
from engine.model.plan import Guard, Loop, Statement, Unit
from engine.run import judging, outside
from engine.run.around import explained, patiently, settings, transaction
from engine.run.batches import BatchSize
from engine.run.journals import open_journals, sealed
from engine.run.options import RunOptions
from engine.run.progress import BatchDone, Listener, UnitDone, UnitStarted
from engine.run.records import FoundConflict

Nothing = Callable[[], None]


@dataclass
class Runner:
    """Runs the units of one migration, one way.

    Attributes:
        single: all units stand in one transaction, which the caller holds.
        force: rows that changed since are overwritten (rollback).
        answers: what conditions said, by their id; asked once.
        starts: the start of each step, shared by its units and kept over a resume.
        conflicts: what guards found and the policy lets pass.
        journals: id of a unit of the way back → the journals that it uses up; its own to write from its start on.
    """

    driver: Driver
    ledger: Ledger
    version: str
    options: RunOptions
    listener: Listener
    single: bool
    force: bool = False
    answers: dict[str, bool] = field(default_factory=dict)
    starts: dict[str, str] = field(default_factory=dict)
    conflicts: list[FoundConflict] = field(default_factory=list)
    journals: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def remember(self, unit: Unit, now: Progress) -> None:
        """Take in what an earlier run stored of `unit`: its answer is not asked again."""
        # Of several, a no does not tell which: the next step of the group asks anew, and knows from then on.
        if now.answer or (now.answer is False and not unit.under):
            self.answers.update((condition.id, now.answer) for condition in unit.conditions())
        if now.started:
            self.starts.setdefault(unit.step, now.started)

    def run(
        self, unit: Unit, now: Progress, *, marks: tuple[Any, ...] = (), at_end: Nothing = lambda: None
    ) -> Progress:
        """Run `unit` from where `now` stands to its end.

        Args:
            unit: what to run.
            now: its checkpoint, as stored.
            marks: bound where the unit has no marks of its own (an undo sees those of what it undoes).
            at_end: called in the unit's last transaction, before the checkpoint.

        Returns:
            The last checkpoint.

        Raises:
            CheckFailed: a check, an expectation or a new constraint does not hold.
            Conflict: a guard found rows that changed since.
            Stopped: the wish to stop came first; the checkpoint stands.
            EngineError: the database refused, or the lock is lost.
        """
        done_before = now.selected or now.written
        self.listener(UnitStarted(self.version, unit.step, unit.id, unit.title, unit.rows, done_before))
        begin = self.options.monotonic()
        try:
            with self._settings(unit):
                now = self._run(unit, now, marks, at_end)
        except EngineError as error:
            raise explained(error, unit) from error
        seconds = self.options.monotonic() - begin
        rows = now.selected or now.written
        self.listener(UnitDone(self.version, unit.step, unit.id, rows, seconds, now.state == "skipped"))
        return now

    def _run(self, unit: Unit, now: Progress, marks: tuple[Any, ...], at_end: Nothing) -> Progress:
        if unit.loop is not None and len(unit.loop.keys) > KEYS:
            raise DatabaseError(f"a key of {len(unit.loop.keys)} columns can't cut batches: {KEYS} are the most")
        if not self.single and unit.only_reads:
            return self._checked(unit, now, marks, at_end)
        begun = now.state == "doing"
        if now.state == "todo":
            now = self._again(partial(self._first, unit, now, marks, at_end))
        if unit.outside and now.state == "doing":
            return self._outside(unit, now, marks, at_end, begun)
        if unit.loop is None or now.state != "doing":
            return now
        # A size that somebody asked for is no secret of the controller's.
        fixed = self.options.batch_size or unit.loop.size
        size = BatchSize(fixed, now.size, self.options.target_seconds, self.options.max_rows)
        while True:
            if not self.single and self.options.stop.due:
                raise self.options.stop.error()
            now = self._again(partial(self._batch, unit, unit.loop, now, size, marks, at_end))
            if now.state == "done":
                return now

    def _again(self, work: Callable[[], Progress]) -> Progress:
        """Do one transaction, again where others were in its way; inside a larger one that is not ours to do."""
        if self.single:
            return work()
        known = len(self.conflicts)

        def fresh() -> Progress:
            del self.conflicts[known:]
            return work()

        return patiently(self.options, fresh)

    def _outside(self, unit: Unit, now: Progress, marks: tuple[Any, ...], at_end: Nothing, begun: bool) -> Progress:
        """Send what can't be in a transaction; where it broke off before, what is left of that goes first."""
        begin = self.options.monotonic()
        tries = [begun]

        def work() -> Progress:
            again = tries[-1]
            tries.append(True)
            values = self._values(now, marks)
            for statement in unit.outside:
                if outside.wanted(self.driver, statement, now.direction, again=again):
                    self._execute(statement, unit, values)
            return now

        patiently(self.options, work)
        with self._transaction(now):
            at_end()
            after = self._timed(replace(now, state="done"), begin)
            self.ledger.checkpoint(now, after)
        return after

    @contextmanager
    def _settings(self, unit: Unit) -> Iterator[None]:
        if self.single:
            yield  # sent around the one transaction by whoever holds it
            return
        with settings(self.driver, (unit,)):
            yield

    # ── transactions ──────────────────────────────────────────────────────
    @contextmanager
    def _transaction(self, now: Progress) -> Iterator[None]:
        if self.single:
            self.ledger.guard(now)
            yield
            return
        with transaction(self.driver):
            self.ledger.guard(now)
            yield

    def _first(self, unit: Unit, now: Progress, marks: tuple[Any, ...], at_end: Nothing) -> Progress:
        """The transaction in which the unit begins; for one without a loop also the one in which it ends."""
        begin = self.options.monotonic()
        judged = not self.single and unit.loop is not None and bool(unit.guards)
        if judged:
            # Asked where it holds up no writer: each batch looks at its own rows again.
            with transaction(self.driver, reads=True):
                self._judge_guards(unit, self._values(now, marks))
        with self._transaction(now):
            started = replace(now, started=self.starts.setdefault(unit.step, self.options.now()))
            if not self._wanted(unit, started):
                skipped = replace(started, state="skipped", answer=False)
                self.ledger.checkpoint(now, skipped)
                return skipped
            if unit.condition is not None:
                started = replace(started, answer=True)
            values = self._values(started, marks)
            taken = tuple(v for s in unit.marks for v in self._row(s, values)) or marks
            started = replace(started, marks=taken)
            values = self._values(started, marks)
            if outside.settled(self.driver, unit, now.direction):
                # What was never done has nothing to be asked about: its table may not be there at all.
                unit = replace(unit, guards=(), checks=(), before=())
            if not judged:
                self._judge_guards(unit, values)
            started = self._expected(unit, started, values)
            judging.judge_checks(unit, lambda s: self._ask(s, values))
            before = self._unchanged(unit, values)
            open_journals(self.ledger, self.journals.get(unit.id, ()))
            after = self._send(unit.before, unit, started, values)
            if unit.outside:
                after = self._timed(replace(after, state="doing"), begin)
                self.ledger.checkpoint(now, after)
                return after
            if unit.loop is not None:
                lo, up = self._range(unit.loop, values)
                if lo:
                    after = self._timed(replace(after, state="doing", lo=lo, up=up), begin)
                    judging.judge_unchanged(unit, before, self._unchanged(unit, values))
                    self.ledger.checkpoint(now, after)
                    return after
            after = self._last(unit, after, values, before, at_end)
            after = self._timed(after, begin)
            self.ledger.checkpoint(now, after)
        return after

    def _batch(
        self, unit: Unit, loop: Loop, now: Progress, size: BatchSize, marks: tuple[Any, ...], at_end: Nothing
    ) -> Progress:
        begin = self.options.monotonic()
        asked = size.rows
        with self._transaction(now):
            values = self._values(now, marks)
            before = self._unchanged(unit, values)
            values |= {"skip": asked - 1, "batch": now.batch + 1}
            bound = self._row(loop.bound, values)
            full = bool(bound) and bound[0] is not None
            values |= _named("hi", bound if full else now.up)
            after = replace(self._send(loop.body, unit, now, values), batch=now.batch + 1)
            following = self._row(loop.following, values) if full else ()
            if following and following[0] is not None:
                after = replace(after, lo=tuple(following))
                if unit.expectation is not None:
                    judging.judge_running(unit, unit.expectation, after)
                judging.judge_unchanged(unit, before, self._unchanged(unit, values))
            else:
                after = self._last(unit, after, values, before, at_end)
            after = self._timed(replace(after, size=size.rows), begin)
            self.ledger.checkpoint(now, after)
        # The commit counts too: while it writes to the disk, others may wait for it.
        seconds = self.options.monotonic() - begin
        if full:
            size.took(asked, seconds, alone=self.driver.alone)
        rows = after.selected or after.written
        self.listener(BatchDone(self.version, unit.step, unit.id, after.batch, rows, asked, seconds))
        return after

    def _last(
        self,
        unit: Unit,
        now: Progress,
        values: dict[str, Any],
        before: Sequence[Sequence[Row]],
        at_end: Nothing,
    ) -> Progress:
        """What belongs to the unit's last transaction, before its checkpoint."""
        now = self._send(unit.after, unit, now, values)
        if unit.expectation is not None:
            judging.judge_totals(unit, unit.expectation, now)
        judging.judge_unchanged(unit, before, self._unchanged(unit, values))
        at_end()
        return sealed(self.ledger, unit, replace(now, state="done"))

    def _checked(self, unit: Unit, now: Progress, marks: tuple[Any, ...], at_end: Nothing) -> Progress:
        """A unit that only reads: in one snapshot that holds up no writer, then its checkpoint."""
        begin = self.options.monotonic()
        started = replace(now, started=self.starts.setdefault(unit.step, self.options.now()))
        with transaction(self.driver, reads=True):
            wanted = self._wanted(unit, started)
            if wanted:
                values = self._values(started, marks)
                judging.judge_checks(unit, lambda s: self._ask(s, values))
        answer = wanted if unit.condition is not None else None
        after = self._timed(replace(started, state="done" if wanted else "skipped", answer=answer), begin)
        with self._transaction(now):
            at_end()
            self.ledger.checkpoint(now, after)
        return after

    def conflicts_of(self, guards: Sequence[Guard], marks: tuple[Any, ...]) -> tuple[tuple[Guard, FoundConflict], ...]:
        """Ask `guards` outside of their unit; nothing is judged."""
        values = self._values(Progress(self.version, "rollback", "", "", 0), marks)
        return judging.found_conflicts(guards, lambda s: self._ask(s, values))

    # ── parts ─────────────────────────────────────────────────────────────
    def _wanted(self, unit: Unit, now: Progress) -> bool:
        for condition in unit.conditions():
            known = self.answers.get(condition.id)
            if known is None:
                row = self._row(condition.query, self._values(now, ()))
                known = bool(row) and judging.is_true(row[0])
                self.answers[condition.id] = known
            if not known:
                return False
        return True

    def _judge_guards(self, unit: Unit, values: dict[str, Any]) -> None:
        found = judging.found_conflicts(unit.guards, lambda s: self._ask(s, values))
        fatal = [(guard, one) for guard, one in found if judging.stops(guard, self.options.on_conflict)]
        if fatal:
            kept = "nothing was rolled back" if self.single else "what was rolled back before this step stays so"
            raise judging.conflict(self.version, fatal, kept)
        self.conflicts += [one for _, one in found]

    def _expected(self, unit: Unit, now: Progress, values: dict[str, Any]) -> Progress:
        expectation = unit.expectation
        if expectation is None:
            return now
        if expectation.query is not None:
            now = replace(now, expected=judging.number(self._ask(expectation.query, values)))
        if expectation.early is not None:
            selected = judging.number(self._ask(expectation.early, values))
            judging.judge_early(unit, expectation, selected, now.expected)
        return now

    def _range(self, loop: Loop, values: dict[str, Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        row = tuple(self._row(loop.start, values))
        width = len(loop.keys)
        if not row or row[0] is None:
            return (), ()
        return row[:width], row[width : 2 * width]

    def _unchanged(self, unit: Unit, values: dict[str, Any]) -> list[list[Row]]:
        return [self._ask(statement, values) for statement in unit.unchanged]

    def _send(self, statements: Sequence[Statement], unit: Unit, now: Progress, values: dict[str, Any]) -> Progress:
        """Send `statements` and return `now` with their counts added."""
        selected, written, skipped, added = now.selected, now.written, now.skipped, now.added
        own = {"selected": 0, "written": 0, "skipped": 0}
        for statement in statements:
            if statement.only == "force" and not self.force:
                continue
            count = self._execute(statement, unit, values)
            if statement.count:
                own[statement.count] += count
            if statement.purpose in ("insert", "delete"):
                added += count if statement.purpose == "insert" else -count
        counts = {s.count for s in unit.statements()}
        if "selected" in counts and "skipped" not in counts and unit.on_conflict == "skip":
            own["skipped"] = own["selected"] - own["written"]
        if "selected" not in counts:
            own["selected"] = own["written"] + own["skipped"]
        return replace(
            now,
            selected=selected + own["selected"],
            written=written + own["written"],
            skipped=skipped + own["skipped"],
            added=added,
        )

    def _execute(self, statement: Statement, unit: Unit, values: dict[str, Any]) -> int:
        try:
            return self.driver.execute(statement.sql, _bound(statement, values))
        except DatabaseError as error:
            # A constraint that rows break while it is being made is the data's fault: exit 3.
            if error.details.get("reason") == "constraint" and statement.kind == "ddl":
                raise CheckFailed(
                    f"step {unit.step}: the rows break the new constraint ({error.message})",
                    error.hint,
                    details={"step": unit.step, "path": [], "sql": statement.sql[:2000]},
                ) from error
            raise

    def _ask(self, statement: Statement, values: dict[str, Any]) -> list[Row]:
        return self.driver.query(statement.sql, _bound(statement, values))

    def _row(self, statement: Statement, values: dict[str, Any]) -> Row:
        rows = self._ask(statement, values)
        return rows[0] if rows else ()

    def _values(self, now: Progress, marks: tuple[Any, ...]) -> dict[str, Any]:
        return {
            "version": self.version,
            "now": now.started,
            "batch": now.batch + 1,
            "skip": 0,
            "force": int(self.force),
            **_named("lo", now.lo),
            **_named("up", now.up),
            **_named("mark", now.marks or marks),
        }

    def _timed(self, now: Progress, begin: float) -> Progress:
        return replace(now, seconds=now.seconds + self.options.monotonic() - begin)


def _named(prefix: str, values: Sequence[Any]) -> dict[str, Any]:
    return {f"{prefix}{n}": value for n, value in enumerate(values, 1)}


def _bound(statement: Statement, values: dict[str, Any]) -> dict[str, Any] | None:
    return values if statement.binds or ":" in statement.sql else None
