"""What of a data step is written down for its undo, and whether there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.dialects.base import StepContext
from engine.dialects.postgres import capture
from engine.dialects.postgres.effects import Effects, effects
from engine.dialects.postgres.expression import Planning
from engine.dialects.postgres.journal import ALL, Journal, images_of, undo_units
from engine.dialects.postgres.names import listed
from engine.dialects.postgres.parking import judged_late, moving
from engine.dialects.postgres.schema import PgColumn, PgConstraint, PgSchema, PgTable
from engine.dialects.postgres.sequences import Counters
from engine.dialects.postgres.statements import SETTLED
from engine.dialects.postgres.walk import Key, identity
from engine.errors import Problem
from engine.model.plan import Reversible, Statement, Unit
from engine.model.state import fold, same_name


@dataclass(frozen=True, slots=True)
class Recording:
    """The journals of one step.

    Attributes:
        journal: of the step's own table, or None.
        others: of tables that foreign keys reach, each with the keys by which it is reached.
        captured: those that triggers of the engine fill while the step writes; then there is none of the above.
        counters: of columns that number themselves, where the step may move them.
        settle: True where what the server puts off to the end must happen before they are taken away.
        words: how the step is undone, for people.
        reversible, reason: see `Unit`.
    """

    journal: Journal | None = None
    others: tuple[tuple[Journal, PgConstraint, Journal], ...] = ()
    captured: tuple[Journal, ...] = ()
    counters: Counters | None = None
    settle: bool = False
    words: str = ""
    reversible: Reversible = "journal"
    reason: str = ""

    @property
    def journals(self) -> tuple[Journal, ...]:
        found = (*((self.journal,) if self.journal else ()), *(j for j, _, _ in self.others), *self.captured)
        return tuple({j.name: j for j in found}.values())

    @property
    def keeps(self) -> tuple[str, ...]:
        """Names of the tables that hold the way back."""
        return (*(j.name for j in self.journals), *((self.counters.name,) if self.counters else ()))

    def create(self) -> tuple[Statement, ...]:
        """Return the statements that make the journals."""
        return (*(s for j in self.journals for s in j.create()), *(self.counters.create() if self.counters else ()))

    def around(self, body: Sequence[Statement]) -> tuple[Statement, ...]:
        """Return the statements of a batch with those before and after that capture what happens."""
        settled = (SETTLED,) if self.settle else ()
        return (
            *(s for j in self.captured for s in capture.record(j)),
            *body,
            *settled,
            *(s for j in self.captured for s in capture.stop(j)),
            *((self.counters.note(),) if self.counters else ()),
        )

    def moving(
        self,
        table: PgTable,
        changed: Sequence[PgColumn],
        moved: tuple[PgColumn, ...] | None,
        schema: PgSchema,
    ) -> Recording:
        """Return it with a way back that sets rows aside, where values of `table` may move onto each other.

        Args:
            changed: the columns that the step sets.
            moved: those by which it sets rows aside itself, None if it does not.
        """

        def seen(journal: Journal) -> Journal:
            if journal.whole or not same_name(journal.table.name, table.name):
                return journal
            if not journal.captured:
                return replace(journal, moved=moved)
            # Rows come back by what each key holds: whatever else is unique moves from key to key.
            keys = {fold(n) for n in journal.key.names}
            late = judged_late(table, journal.images)
            columns = moving(table, journal.images, schema)
            if (columns or late) and (moved is not None or keys & {fold(c.name) for c in changed}):
                return replace(journal, moved=columns)
            return journal

        own = seen(self.journal) if self.journal else None
        return replace(self, journal=own, captured=tuple(seen(j) for j in self.captured))

    @property
    def touched(self) -> tuple[str, ...]:
        """Names of the tables whose rows are noted."""
        return tuple(j.table.name for j in self.journals)

    def undo(self, step: str, title: str, schema: PgSchema, helpers: Sequence[str] = ()) -> tuple[Unit, ...]:
        """Return the units that take the step back, none where nothing is to be done."""
        if not self.journals:
            return ()
        return undo_units(step, title, self.journals, schema, helpers, self.counters)


def recording_of(
    session: Planning,
    table: PgTable,
    events: tuple[str, ...],
    context: StepContext,
    columns: tuple[PgColumn, ...] | None = None,
    *,
    fires: bool = True,
) -> Recording:
    """Return what has to be written down when a step writes to `table`.

    Args:
        events: what its statement does to rows.
        columns: those whose values are kept; None: all.
        fires: False where the step holds the triggers still.
    """
    if context.irreversible:
        return Recording(words="no way back is kept", reversible="no", reason=context.irreversible)
    if table.name == "j":  # the name of journals in the statements below
        raise Problem("SP111", "rows of a table that is called `j` are not handled", (), hint="give it another name")
    schema = session.schema
    changed = columns if columns is not None and events == ("update",) else table.columns
    found = effects(schema, table, events, [c.name for c in changed]) if fires else Effects()
    every = {fold(t.name): t for t in (table, *found.tables)}
    made = {name for name in every if name in context.made_here}
    if not found.blind:
        # How many rows a step adds to a table of this migration is counted, but for those of its triggers.
        made -= {fold(t.name) for t in found.tables} - {fold(name) for name in session.scratch}
        # A row of others that comes back needs the row that it refers to.
        given_back = [t for name, t in every.items() if name not in made]
        made -= {fold(c.to_table) for t in given_back for c in t.constraints if c.kind == "f"}
    tables = [t for name, t in every.items() if name not in made]
    if not tables:
        return Recording(words="undone with its table, which this migration makes", reversible="derived")
    if found.blind:
        return Recording(words="can't be undone", reversible="no", reason=found.blind)
    key = identity(table, schema)
    reached = _reached(schema, table) if "delete" in events else ()
    if key is None or reached is None or _beyond(schema, found, key, columns, reached) or len(tables) < len(every):
        return _captured(session, table, tables, found, events)
    return _noted(session, table, key, events, columns, reached)


def _noted(
    session: Planning,
    table: PgTable,
    key: Key,
    events: tuple[str, ...],
    columns: tuple[PgColumn, ...] | None,
    reached: Sequence[tuple[PgTable, PgConstraint]],
) -> Recording:
    """Return a recording that the step's own statements fill."""
    schema = session.schema
    kept = images_of(table, key) if columns is None else columns
    own = Journal(f"engine_undo_{session.undo_number()}", table, key, kept, frozenset(events))
    known = {fold(table.name): own}
    others: list[tuple[Journal, PgConstraint, Journal]] = []
    for child, constraint in reached:
        child_key = identity(child, schema)
        assert child_key is not None
        if fold(child.name) not in known:
            images = images_of(child, child_key)
            name = f"engine_undo_{session.undo_number()}"
            known[fold(child.name)] = Journal(name, child, child_key, images, frozenset({"update", "delete"}))
        others.append((known[fold(child.name)], constraint, known[fold(constraint.to_table)]))
    recording = Recording(own, tuple(others))
    words = f"undone from {', '.join(recording.keeps)} ({_what(events)})"
    if others:
        words += f"; rows of {listed(j.table.name for j, _, _ in others)} go or change with it and are kept too"
    return Recording(own, tuple(others), counters=_counters(session, (own,)), words=words)


def _beyond(
    schema: PgSchema,
    found: Effects,
    key: Key,
    columns: tuple[PgColumn, ...] | None,
    reached: Sequence[tuple[PgTable, PgConstraint]],
) -> bool:
    """Tell whether more happens than statements alone can note: then triggers of the engine do."""
    if found.fired or (found.tables and not reached):
        return True
    if columns is not None and {fold(c.name) for c in columns} & {fold(n) for n in key.names}:
        return True
    return any(identity(t, schema) is None or schema.triggers_of(t.name) for t, _ in reached)


def _captured(
    session: Planning, table: PgTable, tables: Sequence[PgTable], found: Effects, events: tuple[str, ...]
) -> Recording:
    """Return a recording by triggers, or that there is none: where the rows could not be put back in any order."""
    schema = session.schema
    journals: list[Journal] = []
    for one in tables:
        key = identity(one, schema)
        if key is None and schema.referring_to(one.name):
            reason = f"{one.name} has no key to know its rows by, and rows of others refer to them"
            return Recording(words="can't be undone", reversible="no", reason=reason)
        key = key or Key(())
        own = same_name(one.name, table.name) and not found.includes(table.name)
        happens = frozenset(events) if own and key.columns and events == ("insert",) else ALL
        name = f"engine_undo_{session.undo_number()}"
        journals.append(Journal(name, one, key, images_of(one, key), happens, captured=True))
    others = [t.name for t in tables if not same_name(t.name, table.name)]
    words = f"undone from {', '.join(j.name for j in journals)} ({_what(events)})"
    if others:
        words += f"; rows of {listed(others)} change with it and are kept too"
    if found.fired:
        words += f"; fires {listed(t.name for t in found.fired)}"
    late = any("DEFERRABLE" in t.sql for t in schema.triggers)
    late = late or any(k.kind == "f" and k.deferrable for t in schema.tables for k in t.constraints)
    words += "; others can't write to these tables while a batch runs"
    moved = [j for j in journals if "insert" in events or found.includes(j.table.name)]
    return Recording(captured=tuple(journals), counters=_counters(session, moved), settle=late, words=words)


def _counters(session: Planning, journals: Sequence[Journal]) -> Counters | None:
    """Return what notes the sequences of tables into which rows may come, None where there is none."""
    found = [
        (j.table.name, c.name) for j in journals if "insert" in j.events for c in j.table.columns if c.numbers_itself
    ]
    return Counters(f"engine_undo_{session.undo_number()}", tuple(found)) if found else None


def _what(events: tuple[str, ...]) -> str:
    kinds = {"insert": "the rows it writes", "update": "old and new values", "delete": "the rows that go"}
    return " and ".join(kinds[e] for e in events)


def _reached(schema: PgSchema, table: PgTable) -> tuple[tuple[PgTable, PgConstraint], ...] | None:
    """Return the tables whose rows a delete takes along or changes, each after all it is reached by.

    None where a table is reached by itself, or where a foreign key changes what rows are known by.
    """
    order: list[str] = []
    found: list[tuple[PgTable, PgConstraint]] = []
    state: dict[str, str] = {}

    def visit(name: str) -> bool:
        state[fold(name)] = "open"
        for child in schema.tables:
            for key in child.constraints:
                acts = key.kind == "f" and key.on_delete not in ("NO ACTION", "RESTRICT")
                if not acts or not same_name(key.to_table, name):
                    continue
                mine = identity(child, schema)
                solid = {fold(n) for n in mine.names} if mine else set()
                if key.on_delete != "CASCADE" and {fold(n) for n in key.columns} & solid:
                    return False
                if state.get(fold(child.name)) == "open":
                    return False
                found.append((child, key))
                if key.on_delete == "CASCADE" and fold(child.name) not in state and not visit(child.name):
                    return False
                if key.on_delete != "CASCADE" and fold(child.name) not in order and fold(child.name) not in state:
                    order.append(fold(child.name))
        state[fold(name)] = "done"
        if fold(name) in order:
            order.remove(fold(name))
        order.append(fold(name))
        return True

    if not visit(table.name):
        return None
    # A table stands in `order` after those below it: reversed, each comes after all that reach it.
    place = {name: n for n, name in enumerate(reversed([n for n in order if n in state]))}
    last = len(place)
    return tuple(sorted(found, key=lambda pair: (place.get(fold(pair[0].name), last), place[fold(pair[1].to_table)])))
