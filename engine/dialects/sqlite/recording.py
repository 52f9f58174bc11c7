"""What of a data step is written down for its undo, and whether there is one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.dialects.base import StepContext
from engine.dialects.sqlite.effects import Effects
from engine.dialects.sqlite.expression import Planning
from engine.dialects.sqlite.journal import ALL, Counters, Journal, images_of
from engine.dialects.sqlite.names import listed
from engine.dialects.sqlite.parents import ties_of
from engine.dialects.sqlite.undo_rows import undo_units
from engine.dialects.sqlite.walk import identity
from engine.model.plan import Reversible, Statement, Unit
from engine.model.state import Column, SchemaState, Table, fold, same_name


@dataclass(frozen=True, slots=True)
class Recording:
    """The journals of one step.

    Attributes:
        planned: the journal that the step's own statement fills, or None.
        recorded: those that temporary triggers fill while the step writes.
        counters: of AUTOINCREMENT tables, where the step may move them.
        words: how the step is undone, for people.
        reversible, reason: see `Unit`.
    """

    planned: Journal | None = None
    recorded: tuple[Journal, ...] = ()
    counters: Counters | None = None
    words: str = ""
    reversible: Reversible = "journal"
    reason: str = ""

    @property
    def journals(self) -> tuple[Journal, ...]:
        return (*((self.planned,) if self.planned else ()), *self.recorded)

    @property
    def marks(self) -> bool:
        """True where a journal goes by row ids above a mark."""
        return any(j.mark for j in self.journals)

    @property
    def keeps(self) -> tuple[str, ...]:
        """Names of the tables that hold the way back."""
        marks = tuple(j.mark for j in self.journals if j.mark)
        return tuple(j.name for j in self.journals) + marks + ((self.counters.name,) if self.counters else ())

    def create(self) -> tuple[Statement, ...]:
        """Return the statements that make the journals."""
        return (*(s for j in self.journals for s in j.create()), *(self.counters.create() if self.counters else ()))

    def around(self, body: Sequence[Statement]) -> tuple[Statement, ...]:
        """Return the statements of a batch with those before and after that write the journals."""
        start = tuple(s for j in self.recorded for s in j.record())
        stop = tuple(s for j in self.recorded for s in j.stop())
        return (*start, *body, *stop, *((self.counters.note(),) if self.counters else ()))

    def undo(self, step: str, title: str, state: SchemaState, helpers: Sequence[str] = ()) -> tuple[Unit, ...]:
        """Return the units that take the step back, none where nothing is to be done."""
        if not self.journals:
            return ()
        return undo_units(step, title, self.journals, state, self.counters, helpers)


def recording_of(
    session: Planning,
    table: Table,
    events: Iterable[str],
    found: Effects,
    context: StepContext,
    columns: tuple[Column, ...] | None = None,
    *,
    above: bool = False,
) -> Recording:
    """Return what has to be written down when a step writes to `table`.

    Args:
        table: whose rows the step writes.
        events: what its statement does to rows: insert, update, delete.
        found: what happens beyond that.
        context: tables of this migration need no journal but for what happens beyond; irreversible steps have none.
        columns: where the step's own statement can fill the journal: the columns to keep.
        above: True where all rows that the step makes get row ids above those that are there.
    """
    if context.irreversible:
        return Recording(words="no way back is kept", reversible="no", reason=context.irreversible)
    every = {fold(t.name): t for t in (table, *found.tables)}
    made = {name for name in every if name in context.made_here}
    if not found.blind:
        # How many rows a step adds to a table of this migration is counted, but for those of its triggers.
        made -= {fold(t.name) for t in found.tables} - {fold(name) for name in session.scratch}
    tables = [t for name, t in every.items() if name not in made]
    if not tables:
        return Recording(words="undone with its table, which this migration makes", reversible="derived")
    if found.blind:
        return Recording(words="can't be undone", reversible="no", reason=found.blind)
    state = session.state
    own = tuple(events)
    planned: Journal | None = None
    recorded: list[Journal] = []
    for one in tables:
        key = identity(one, state)
        name = f"engine_undo_{session.undo_number()}"
        if same_name(one.name, table.name) and not found.includes(table.name):
            if columns is not None:
                planned = Journal(name, one, key, columns, frozenset(own), ties=ties_of(one, state, own, columns))
            else:
                kept = images_of(one, key)
                mark = f"engine_undo_{session.undo_number()}" if above and own == ("insert",) else ""
                ties = ties_of(one, state, own, kept)
                recorded.append(Journal(name, one, key, kept, frozenset(own), mark, ties=ties))
        else:
            kept = images_of(one, key)
            recorded.append(Journal(name, one, key, kept, ALL, ties=ties_of(one, state, ALL, kept)))
    # Where rows may come or (on the way back) come again, the counter moves.
    counted = [
        j.table.name
        for j in (*([planned] if planned else []), *recorded)
        if j.table.auto_increment and j.events != {"update"}
    ]
    counters = Counters(f"engine_undo_{session.undo_number()}", tuple(counted)) if counted else None
    return Recording(planned, tuple(recorded), counters, _words(table, tables, planned, recorded, found, own))


def _words(
    table: Table,
    tables: Sequence[Table],
    planned: Journal | None,
    recorded: Sequence[Journal],
    found: Effects,
    events: tuple[str, ...],
) -> str:
    journals = [*([planned] if planned else []), *recorded]
    kept = {"insert": "the rows it writes", "update": "old and new values", "delete": "the rows that go"}
    what = " and ".join(kept[e] for e in events)
    words = f"undone from {', '.join(j.name for j in journals)} ({what})"
    others = [t.name for t in tables if not same_name(t.name, table.name)]
    if others:
        words += f"; rows of {listed(others)} change with it and are kept too"
    if found.fired:
        words += f"; fires {listed(t.name for t in found.fired)}"
    return words
