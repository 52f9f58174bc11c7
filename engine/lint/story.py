"""The steps of one spec as a story: what stands before and after each, and what was made on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from engine.errors import Path, Problem, Severity
from engine.lint.base import Found, SpecView
from engine.lint.texts import Fragment, check_fragments, fragments, names
from engine.model.changes import (
    AddColumn,
    AlterTable,
    Change,
    CheckRows,
    CopyRows,
    CreateTable,
    DeleteRows,
    DropTable,
    InsertRows,
    RenameColumn,
    RenameTable,
    RowCheck,
    RunSql,
    UpdateRows,
)
from engine.model.definitions import ColumnDef
from engine.model.row_changes import Amount
from engine.model.state import Table, fold, same_name
from engine.plan.compile import Fact

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scene:
    """One step, and how the spec stands there.

    Attributes:
        place: its number among the steps that run.
        made: tables (folded) that earlier steps of the spec made.
        added: columns (table, column) that earlier steps of the spec added.
    """

    fact: Fact
    place: int
    made: frozenset[str]
    added: frozenset[tuple[str, str]]
    all: tuple[Fact, ...]
    view: SpecView

    def existing(self, table: str) -> Table | None:
        """Return the table if it was there before the spec, else None."""
        return None if fold(table) in self.made else self.fact.before.table(table)

    def had(self, table: str, column: str) -> bool:
        """Tell whether the column was there before the spec."""
        owner = self.existing(table)
        return owner is not None and owner.column(column) is not None and (fold(table), fold(column)) not in self.added

    @property
    def targets(self) -> tuple[str, ...]:
        """The databases that the spec is meant for."""
        return self.fact.spec.dialects or self.view.world.settings.dialects

    def multi(self) -> bool:
        """Tell whether the spec is meant for more than one kind of database."""
        return len(self.targets) > 1

    def earlier(self, kind: type[T]) -> Iterator[tuple[Fact, T]]:
        """Yield the changes of a kind that earlier steps make."""
        yield from _of(self.all[: self.place], kind)

    def later(self, kind: type[T]) -> Iterator[tuple[Fact, T]]:
        """Yield the changes of a kind that later steps make."""
        yield from _of(self.all[self.place + 1 :], kind)

    def guarded(self, table: str, column: str = "", after: int = -1) -> bool:
        """Tell whether an earlier `validate` reads the table (and the column).

        Args:
            after: only what comes after the step with this number counts.
        """
        return any(
            covers(check, table, column)
            for _, rows in _of(self.all[max(0, after + 1) : self.place], CheckRows)
            for check in rows.checks
        )


def scenes(view: SpecView) -> tuple[Scene, ...]:
    """Return the steps of a spec that run here and could be planned."""
    known = _told.get(id(view))
    if known is None or known[0] is not view:
        if len(_told) >= _KEPT:
            _told.clear()
        known = _told[id(view)] = (view, tuple(_scenes(view)))
    return known[1]


_KEPT = 8192
_told: dict[int, tuple[SpecView, tuple[Scene, ...]]] = {}  # every rule asks for the same views: each is told once


def _scenes(view: SpecView) -> Iterator[Scene]:
    made: set[str] = set()
    added: set[tuple[str, str]] = set()
    for place, fact in enumerate(view.live):
        yield Scene(fact, place, frozenset(made), frozenset(added), view.live, view)
        for change in fact.changes:
            match change:
                case CreateTable(table=table):
                    if fact.before.table(table.name) is None:
                        made.add(fold(table.name))
                case RenameTable(name=name, to=to):
                    added |= {(fold(to), column) for owner, column in added if owner == fold(name)}
                    if fold(name) in made:
                        made.add(fold(to))
                case DropTable(name=name):
                    made.discard(fold(name))
                case RunSql():
                    old = {fold(t.name) for t in fact.before.tables}
                    made |= {fold(t.name) for t in fact.after.tables} - old
                case AlterTable(table=name, actions=actions):
                    for action in actions:
                        if isinstance(action, AddColumn):
                            added.add((fold(name), fold(action.column.name)))
                        elif isinstance(action, RenameColumn) and (fold(name), fold(action.name)) in added:
                            added.add((fold(name), fold(action.to)))
                case _:
                    pass


def _of(facts: tuple[Fact, ...], kind: type[T]) -> Iterator[tuple[Fact, T]]:
    for fact in facts:
        for change in fact.changes:
            if isinstance(change, kind):
                yield fact, change


def each(view: SpecView, kind: type[T]) -> Iterator[tuple[Scene, T]]:
    """Yield the changes of a kind, each with its scene."""
    for scene in scenes(view):
        for change in scene.fact.changes:
            if isinstance(change, kind):
                yield scene, change


def actions(view: SpecView, kind: type[T]) -> Iterator[tuple[Scene, str, T]]:
    """Yield the actions of a kind that `alter` takes: scene, table, action."""
    for scene, change in each(view, AlterTable):
        for action in change.actions:
            if isinstance(action, kind):
                yield scene, change.table, action


def found(
    place: Scene | Fact,
    rule: str,
    message: str,
    path: Path,
    hint: str = "",
    subject: str = "",
    severity: Severity = "error",
) -> Found:
    """Return a finding at a step."""
    fact = place.fact if isinstance(place, Scene) else place
    return fact, Problem(rule, message, path, hint=hint, subject=subject, severity=severity)


def new_columns(view: SpecView) -> Iterator[tuple[Scene, str, ColumnDef, Path]]:
    """Yield the columns that a spec makes: scene, table, definition, path."""
    for scene, change in each(view, CreateTable):
        for column in change.table.columns:
            yield scene, change.table.name, column, ("create", "columns", column.name)
    for scene, table, action in actions(view, AddColumn):
        yield scene, table, action.column, ("alter", "add", action.column.name)


# ── what reads and writes what ────────────────────────────────────────────
def covers(check: RowCheck, table: str, column: str = "") -> bool:
    """Tell whether a check reads the table, and the column where one is named."""
    if not any(same_name(name, table) for name in tables_of(check)):
        return False
    if not column or check.kind == "same_rows":
        return True
    return any(same_name(c, column) for c in check.columns) or any(
        names(f.text, column) for f in check_fragments(check)
    )


def tables_of(check: RowCheck) -> tuple[str, ...]:
    """Return the tables that a check reads; of a query every name in it."""
    found = [check.table] if check.table else []
    for name, value in check.extra:
        if isinstance(value, Amount):
            found += [value.table] if value.table else []
        elif name in ("to_table", "left_table", "right_table") and isinstance(value, str):
            found.append(value)
    for fragment in check_fragments(check):
        found += [t.name for t in fragment.tokens if t.is_name]
    return tuple(found)


def written(change: Change) -> str:
    """Return the table whose rows a data step changes, "" for other changes."""
    match change:
        case CopyRows(target=target) | InsertRows(target=target):
            return target
        case UpdateRows(table=table) | DeleteRows(table=table):
            return table
        case _:
            return ""


def reads_column(change: Change, column: str) -> bool:
    """Tell whether the SQL of a data step names the column."""
    return any(names(f.text, column) for f in fragments(change))


# ── statements of `sql` ───────────────────────────────────────────────────
def spoken(view: SpecView) -> Iterator[tuple[Scene, Fragment]]:
    """Yield the statements of all `sql` steps, each text of those given per database."""
    for scene, change in each(view, RunSql):
        for said in fragments(change):
            yield scene, said


Told = tuple[str, str, str] | None
"""Message, hint and subject of what is found, or None."""


def by_statement(rule: str, test: Callable[[Fragment, Scene], Told]) -> Callable[[SpecView], Iterator[Found]]:
    """Return the check of a rule that looks at one statement of `sql` at a time.

    Args:
        test: returns message, hint and subject, or None.
    """

    def check(view: SpecView) -> Iterator[Found]:
        for scene, said in spoken(view):
            told = test(said, scene)
            if told is not None:
                message, hint, subject = told
                yield found(scene, rule, message, said.path, hint, subject)

    return check
