"""What specs give away beside each other: one column changed by two (VC110)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from engine.errors import Diagnostic
from engine.model.changes import AlterTable, ChangeColumn, DropColumn, RenameColumn, UpdateRows
from engine.model.state import fold

if TYPE_CHECKING:
    from engine.plan.compile import Fact


def conflicting(facts: Sequence[Fact]) -> list[Diagnostic]:
    """Return VC110 where a pending spec changes a column that an earlier pending one changes, and does not know of it.

    A spec without `requires` knows of the one before it, and so of all that one knows.
    """
    order = list(dict.fromkeys(fact.spec.version for fact in facts))
    needs = {f.spec.version: f.spec.requires for f in facts}
    first: dict[tuple[str, str], Fact] = {}
    found: list[Diagnostic] = []
    for fact in facts:
        for place in _columns(fact) if not fact.passed_over and not fact.broken else ():
            other = first.setdefault(place, fact)
            mine, theirs = fact.spec.version, other.spec.version
            if mine == theirs or _knows(mine, theirs, order, needs):
                continue
            words = f"{theirs} changes `{place[0]}.{place[1]}` too, and {mine} does not require it"
            found.append(
                Diagnostic(
                    "VC110",
                    "info",
                    words,
                    fact.step.span((fact.step.verb, "<key>")),
                    f"write `requires: [{theirs}]`, or make one spec of the two",
                    version=mine,
                    step=fact.step.id,
                    subject=".".join(place),
                )
            )
    return found


def _columns(fact: Fact) -> Iterator[tuple[str, str]]:
    """Yield the columns (table, column), folded, that a step changes."""
    for change in fact.changes:
        if isinstance(change, AlterTable):
            for action in change.actions:
                if isinstance(action, ChangeColumn | DropColumn | RenameColumn):
                    yield fold(change.table), fold(action.name)
        elif isinstance(change, UpdateRows):
            for name, _ in change.set:
                yield fold(change.table), fold(name)


def _knows(version: str, other: str, order: Sequence[str], needs: Mapping[str, tuple[str, ...] | None]) -> bool:
    todo, seen = [version], set[str]()
    while todo:
        now = todo.pop()
        if now == other:
            return True
        if now in seen or now not in needs:
            continue
        seen.add(now)
        given = needs[now]
        place = order.index(now)
        todo += given if given is not None else order[max(place - 1, 0) : place]
    return False
