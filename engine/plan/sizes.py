"""How many rows a step will touch: counted on the database, carried through the plan.

Decides single or stepwise (decision 11), so an unknown number is None and
never a guess. Counts stop at 50,001: more than that is "large", whatever it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from engine.dialects.base import Session
from engine.errors import Problem
from engine.model.changes import Change, CopyRows, CreateTable, DropTable, InsertRows, RenameTable
from engine.model.plan import Unit
from engine.model.state import fold

LARGE = 50_000

Counter = Callable[[str], int | None]


def no_database(sql: str) -> int | None:
    """Count nothing: the counter of a plan without a database."""
    del sql
    return None


class Sizes:
    """Rows per table as the plan goes on.

    Args:
        count: runs a counting query on the database as it is now, None where it can't.
    """

    def __init__(self, count: Counter) -> None:
        self._count = count
        self._made: dict[str, int | None] = {}  # tables of this plan: all their rows
        self._added: dict[str, int | None] = {}  # tables of the database: rows added by the plan

    def known(self) -> tuple[dict[str, int | None], dict[str, int | None]]:
        """Return what is known so far."""
        return dict(self._made), dict(self._added)

    def restore(self, known: Sequence[Mapping[str, int | None]]) -> None:
        """Go on from what `known` returned."""
        self._made, self._added = (dict(part) for part in known)

    def rows(self, session: Session) -> Counter:
        """Return the counter for a step that stands on `session`'s state."""

        def rows(sql: str) -> int | None:
            try:
                tables = {fold(table) for table, _ in session.access(sql).reads}
            except Problem:
                return None
            if tables & self._made.keys():
                known = [self._size(table, session) for table in tables]
                return None if None in known else max((k for k in known if k is not None), default=0)
            found = self._count(sql)
            added = [self._added.get(table, 0) for table in tables]
            if found is None or None in added:
                return None
            return found + sum(a for a in added if a is not None)

        return rows

    def _size(self, table: str, session: Session) -> int | None:
        if table in self._made:
            return self._made[table]
        found = self._count(f"SELECT count(*) FROM (SELECT 1 FROM {session.quote(table)} LIMIT {LARGE + 1}) AS counted")
        added = self._added.get(table, 0)
        return None if found is None or added is None else found + added

    def after(self, change: Change, units: tuple[Unit, ...]) -> None:
        """Take in what `change` does to the sizes."""
        match change:
            case CreateTable(table=table):
                self._made[fold(table.name)] = 0
            case RenameTable(name=name, to=to):
                if fold(name) in self._made:
                    self._made[fold(to)] = self._made.pop(fold(name))
                elif fold(name) in self._added or units:
                    # The database knows it by its old name only: counted no more.
                    self._made[fold(to)] = self._count(
                        f"SELECT count(*) FROM (SELECT 1 FROM {_quoted(name)} LIMIT {LARGE + 1}) AS counted"
                    )
            case DropTable(name=name):
                self._made.pop(fold(name), None)
            case CopyRows(target=target):
                self._grow(target, sum_rows(units))
            case InsertRows(target=target, rows=rows):
                self._grow(target, len(rows))
            case _:
                pass

    def _grow(self, table: str, rows: int | None) -> None:
        book = self._made if fold(table) in self._made else self._added
        have = book.get(fold(table), 0)
        book[fold(table)] = None if rows is None or have is None else have + rows


def sum_rows(units: tuple[Unit, ...]) -> int | None:
    """Return the rows that all units touch together, None if one of them is unknown."""
    total = 0
    for unit in units:
        if unit.rows is None and (unit.loop or unit.symbol == "⟳"):
            return None
        total += unit.rows or 0
    return total


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
