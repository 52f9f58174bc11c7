"""The plan: what will be sent, as frozen data. What is printed is what runs.

    Plan ── migrations ── MigrationPlan ── units ── Unit ── statements ── Statement

A *unit* is the atom of running, resuming and undoing. Without a loop it is one
transaction. With a loop it is: `before` (first transaction), then batches,
each one transaction {guard; body; checkpoint}, then `after` (in the
transaction of the last batch). In a migration that runs in a single
transaction the same statements run, in the same order, inside that one.

Parameters are named (`:lo1`) and bound by the executor; the text is never
changed after planning. The names a statement may use:

    lo1…lok   first key of the batch          up1…upk  last key at the step's start
    hi1…hik   last key of the batch           skip     rows per batch − 1
    batch     number of the batch, from 1     now      the step's start (text, UTC)
    force     1 when `--on-conflict force`, else 0
    mark1…    values read by the unit's `marks`, stored with the checkpoint
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal as Choice

from engine.model.state import fold

Kind = Choice["ddl", "rows", "check", "setting"]
Reversible = Choice["derived", "journal", "given", "no"]
Count = Choice["", "selected", "written", "skipped"]


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement, byte for byte as it is sent.

    Attributes:
        purpose: one word for people: change, journal, bound, count, freeze,
            prepare, restore, guard, check, cleanup, setting …
        binds: names of the parameters in `sql`.
        count: what the rows it changed (or, for a SELECT, the number it
            returns) are added to in the step's totals; "" for nothing.
        only: "force": sent only when rows that changed since are overwritten.
            "again": sent only when the unit was begun before and broke off.
        done: returns 1 where the statement was done already, else 0; asked where it may have been: its unit
            broke off, or is the way back of one that did. Only for what is sent outside of a transaction.
    """

    sql: str
    kind: Kind
    purpose: str = "change"
    binds: tuple[str, ...] = ()
    count: Count = ""
    only: Choice["", "force", "again"] = ""
    done: str = ""


@dataclass(frozen=True, slots=True)
class Loop:
    """How a unit's rows are cut into batches by key.

    Attributes:
        table: whose rows are walked, for words.
        keys: the key columns, k of them.
        start: returns one row of 2k columns: first key, last key. NULL in the
            first column: there is nothing to do.
        bound: binds lo, up, skip; returns the last key of the batch (k
            columns); no row: the batch ends at `up`.
        body: binds lo, hi, batch, now …; one transaction per batch.
        following: binds hi, up; returns the first key after the batch; no
            row: it was the last. Runs in the batch's transaction after `body`.
        size: rows per batch as the spec says, None for adaptive.
    """

    table: str
    keys: tuple[str, ...]
    start: Statement
    bound: Statement
    body: tuple[Statement, ...]
    following: Statement
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A question whose answer must be right.

    `query` returns one number, compared as told by the bounds or with what
    `other` returns (both read in one snapshot).

    Attributes:
        title: what must hold, in words ("youtube_results: (source, source_id) is unique").
        sample: returns up to 5 rows that show the failure, or None.
        path: field path below the step, for the place in the spec.
        failure: sentence of a failure with `{count}`, `{other}`; "" for a general one.
    """

    title: str
    query: Statement
    other: Statement | None = None
    minimum: int | None = None
    maximum: int | None = None
    sample: Statement | None = None
    path: tuple[str | int, ...] = ()
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Expectation:
    """`expect_rows`: judged on the totals in the last batch, and early where it can be.

    Attributes:
        text: how the spec says it, for messages ("all", "5000", "at most 100").
        query: returns the number expected; asked once at the step's start.
        every: `all`: selected = written (+ skipped under `skip`).
        early: counts the rows that will be selected; judged before the first write.
    """

    text: str
    exact: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    query: Statement | None = None
    every: bool = False
    early: Statement | None = None
    path: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Guard:
    """A conflict to look for before an undo writes.

    Attributes:
        kind: changed, deleted, added, taken, orphaned, schema.
        table: whose rows.
        count: returns the number of rows in conflict.
        sample: returns up to 5 of their keys.
        words: sentence with `{count}`.
        early: True where it can be asked before the whole rollback begins;
            False where later units of the same migration must be undone first.
        skippable: False where the conflict stops `skip` and `force` too.
        looks: columns that it looks at, of its one table; `*` for all that there is.
        loses: True where going on takes what others wrote away: that stops `skip`, which leaves such rows as they are.
        reads: tables that it looks at beside those that its unit touches.
    """

    kind: str
    table: str
    count: Statement
    sample: Statement | None
    words: str
    early: bool = True
    skippable: bool = True
    reads: tuple[str, ...] = ()
    loses: bool = False
    looks: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True)
class Condition:
    """`when` by rows or SQL: asked once at the step's start, its answer stored.

    Attributes:
        id: of the step, or `group <n>`; where two units have one id, one answer goes for both.
        query: returns one value; true is any value that SQL takes for true.
    """

    id: str
    query: Statement
    text: str

    @property
    def of_group(self) -> bool:
        """True where it is that of a group of steps, which is asked before the first of them."""
        return self.id.startswith("group ")


@dataclass(frozen=True, slots=True)
class Unit:
    """The atom of running, resuming and undoing.

    Attributes:
        id: unique in its migration, e.g. `3-copy` or `2-alter.2`.
        step: id of the step it comes from.
        title: one line for people.
        symbol: `+` add, `~` change, `-` remove, `⟳` rebuild, `>` rows, `?` check, `=` setting.
        why: what people want to know: in place or rebuild and why, batches by
            which key, how it is undone.
        settings, resets: sent outside of the transaction, before and after it
            (SQLite: `PRAGMA foreign_keys`, which does nothing inside one).
        checks: must hold before the first write of the unit (a validate step
            has only these); a failure is exit 3.
        before, loop, after: see the module's docstring.
        outside: sent in place of a loop, outside of any transaction: the unit is
            marked as begun, they are sent, it is marked as done. Such a unit has
            no `after` and makes its migration run in steps.
        unchanged: asked at the beginning and the end of the transaction; a
            row that is new at the end fails the unit (foreign key violations).
        marks: asked once at the step's start; the values of their rows are
            bound as mark1, mark2, … and stored with the checkpoint.
        undo: the units that take it back, in the order in which they run.
        rows: rows it is expected to touch, None if unknown.
        touches: tables whose rows or definition it changes.
        keeps: tables of the engine that hold its way back (journals, tables
            put aside); `finalize` drops them.
        scratch: helper tables of this unit, dropped when it is done.
        only: columns that it changes, where it changes nothing else of its tables (none: an index, a
            trigger); only on undo units.
        forced: tables of the engine that keep what `--on-conflict force` overwrote; only on undo units.
        under: conditions of the groups around that of `condition`, the outermost first; asked before it.
    """

    id: str
    step: str
    title: str
    symbol: str
    why: str = ""
    settings: tuple[Statement, ...] = ()
    resets: tuple[Statement, ...] = ()
    condition: Condition | None = None
    checks: tuple[Check, ...] = ()
    expectation: Expectation | None = None
    marks: tuple[Statement, ...] = ()
    before: tuple[Statement, ...] = ()
    loop: Loop | None = None
    after: tuple[Statement, ...] = ()
    outside: tuple[Statement, ...] = ()
    unchanged: tuple[Statement, ...] = ()
    guards: tuple[Guard, ...] = ()
    undo: tuple[Unit, ...] = ()
    reversible: Reversible = "derived"
    reason: str = ""
    rows: int | None = None
    touches: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()
    on_conflict: str = "fail"
    under: tuple[Condition, ...] = ()
    forced: tuple[str, ...] = ()
    only: tuple[str, ...] = ("*",)

    @property
    def only_reads(self) -> bool:
        """True where it has checks and nothing else."""
        writes = self.before or self.loop or self.outside or self.after
        return bool(self.checks) and not (writes or self.marks or self.guards or self.expectation or self.unchanged)

    def conditions(self) -> tuple[Condition, ...]:
        """Return the conditions that must all hold, in the order in which they are asked."""
        return (*self.under, self.condition) if self.condition else ()

    def statements(self) -> tuple[Statement, ...]:
        """Return every statement of the unit in the order in which it is first sent."""
        found: list[Statement] = list(self.settings)
        if self.condition:
            found += [condition.query for condition in self.conditions()]
        for check in self.checks:
            found += [s for s in (check.query, check.other) if s]
        if self.expectation:
            found += [s for s in (self.expectation.query, self.expectation.early) if s]
        found += [*self.marks, *self.unchanged]
        for guard in self.guards:
            found.append(guard.count)
        found += self.before
        if self.loop:
            found += [self.loop.start, self.loop.bound, *self.loop.body, self.loop.following]
        found += [*self.outside, *self.after, *self.resets]
        return tuple(found)


def found_early(guard: Guard, unit: Unit, later: Iterable[Unit]) -> bool:
    """Tell whether `guard`, of the way back of `unit`, finds the same before and after `later` units are undone."""
    mine = {fold(name) for name in (*unit.touches, *guard.reads)}
    return not any(
        _disturbs(back, guard)
        for other in later
        if mine & {fold(name) for name in other.touches}
        for back in other.undo
    )


def _disturbs(back: Unit, guard: Guard) -> bool:
    if guard.kind not in ("changed", "deleted", "added") or "*" in back.only:
        return True
    if "*" in guard.looks:
        return bool(back.only)
    return bool({fold(name) for name in back.only} & {fold(name) for name in guard.looks})


@dataclass(frozen=True, slots=True)
class Left:
    """One object of the schema as a migration leaves it.

    Attributes:
        kind: table, index, view or trigger.
        digest: of its text, see `SchemaState.digests`; "" where it is gone.
    """

    kind: str
    name: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """One migration, forward or back.

    Attributes:
        direction: apply or rollback.
        single: True: one transaction for all units (decision 11).
        mode_reason: why single or stepwise, in words.
        checksum: of the spec, see `spec.checksum`; of the class for code.
        spec_name, spec_text: the spec's file name and text as it was read.
        before, after: fingerprints of the schema state; "" where unknown.
        left: the objects that it makes, changes or takes away, as they are after the last unit.
        code: True for a migration registered from Python.
        skipped: why it is passed over on this database; "" if it runs.
    """

    version: str
    description: str
    units: tuple[Unit, ...]
    direction: Choice["apply", "rollback"] = "apply"
    single: bool = True
    mode_reason: str = ""
    on_failure: Choice["rollback", "stop"] = "rollback"
    checksum: str = ""
    spec_name: str = ""
    spec_text: str = ""
    before: str = ""
    after: str = ""
    left: tuple[Left, ...] = ()
    code: bool = False
    skipped: str = ""

    @property
    def reversible(self) -> bool:
        """True when no unit is without a way back."""
        return all(unit.reversible != "no" for unit in self.units)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one `apply` or `rollback` would do.

    Attributes:
        dialect: name of the database's kind.
        protocol: the statements that go with every transaction (guard and
            checkpoint), printed once.
        schema: fingerprint of the state that it was made for.
    """

    dialect: str
    migrations: tuple[MigrationPlan, ...]
    protocol: tuple[Statement, ...] = ()
    schema: str = ""
    notes: tuple[str, ...] = field(default=())
