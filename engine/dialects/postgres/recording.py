"""What of a data step is written down for its undo, and whether there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.dialects.base import StepContext
from engine.dialects.postgres.expression import Planning
from engine.dialects.postgres.journal import Journal, images_of, undo_units
from engine.dialects.postgres.names import listed
from engine.dialects.postgres.schema import PgColumn, PgConstraint, PgSchema, PgTable
from engine.dialects.postgres.walk import identity
from engine.errors import Problem
from engine.model.plan import Reversible, Statement, Unit
from engine.model.state import fold, same_name


@dataclass(frozen=True, slots=True)
class Recording:
    """The journals of one step.

    Attributes:
        journal: of the step's own table, or None.
        others: of tables that foreign keys reach, each with the keys by which it is reached.
        words: how the step is undone, for people.
        reversible, reason: see `Unit`.
    """

    journal: Journal | None = None
    others: tuple[tuple[Journal, PgConstraint, Journal], ...] = ()
    words: str = ""
    reversible: Reversible = "journal"
    reason: str = ""

    @property
    def journals(self) -> tuple[Journal, ...]:
        found = (*((self.journal,) if self.journal else ()), *(j for j, _, _ in self.others))
        return tuple({j.name: j for j in found}.values())

    @property
    def keeps(self) -> tuple[str, ...]:
        """Names of the tables that hold the way back."""
        return tuple(j.name for j in self.journals)

    def create(self) -> tuple[Statement, ...]:
        """Return the statements that make the journals."""
        return tuple(j.create() for j in self.journals)

    def undo(self, step: str, title: str, schema: PgSchema, helpers: Sequence[str] = ()) -> tuple[Unit, ...]:
        """Return the units that take the step back, none where nothing is to be done."""
        return undo_units(step, title, self.journals, schema, helpers) if self.journals else ()


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
    fired = [t for t in schema.triggers_of(table.name) if set(t.events) & set(events)] if fires else []
    if fired:
        reason = f"{listed(t.name for t in fired)} on {table.name} fires, and nobody can say what it writes"
        return Recording(words="can't be undone", reversible="no", reason=reason)
    reached = _reached(schema, table) if "delete" in events else ()
    if reached is None:
        reason = f"foreign keys of {table.name} reach rows in more than one way"
        return Recording(words="can't be undone", reversible="no", reason=reason)
    if fold(table.name) in context.made_here:
        if not reached:
            return Recording(words="undone with its table, which this migration makes", reversible="derived")
        reason = f"rows of {listed(t.name for t, _ in reached)} go with those of a table that this migration makes"
        return Recording(words="can't be undone", reversible="no", reason=reason)
    key = identity(table, schema)
    if key is None:
        reason = f"{table.name} has no primary key and no unique key without NULLs to know its rows by"
        return Recording(words="can't be undone", reversible="no", reason=reason)
    kept = images_of(table, key) if columns is None else columns
    mine = {fold(n) for n in key.names}
    if columns is not None and any(fold(c.name) in mine for c in columns):
        reason = f"it changes {key.words}, by which rows of {table.name} are known"
        return Recording(words="can't be undone", reversible="no", reason=reason)
    own = Journal(f"engine_undo_{session.undo_number()}", table, key, kept, frozenset(events))
    known = {fold(table.name): own}
    others: list[tuple[Journal, PgConstraint, Journal]] = []
    for child, constraint in reached:
        child_key = identity(child, schema)
        if child_key is None or schema.triggers_of(child.name) or fold(child.name) in context.made_here:
            reason = f"rows of {child.name} go or change with it, and can't be known again"
            return Recording(words="can't be undone", reversible="no", reason=reason)
        if fold(child.name) not in known:
            images = images_of(child, child_key)
            name = f"engine_undo_{session.undo_number()}"
            known[fold(child.name)] = Journal(name, child, child_key, images, frozenset({"update", "delete"}))
        others.append((known[fold(child.name)], constraint, known[fold(constraint.to_table)]))
    kinds = {"insert": "the rows it writes", "update": "old and new values", "delete": "the rows that go"}
    what = " and ".join(kinds[e] for e in events)
    recording = Recording(own, tuple(others))
    words = f"undone from {', '.join(recording.keeps)} ({what})"
    if others:
        words += f"; rows of {listed(j.table.name for j, _, _ in others)} go or change with it and are kept too"
    return Recording(own, tuple(others), words)


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
