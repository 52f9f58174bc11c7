"""Units around schema statements, each of which commits by itself: intent, statement, outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.dialects.mysql.sql import quote
from engine.dialects.mysql.statements import probed, table_gone, table_there
from engine.model.plan import Statement, Unit


def ddl_unit(
    step: str,
    title: str,
    back_title: str,
    forward: Sequence[Statement],
    back: Sequence[Statement],
    touched: str,
    symbol: str = "+",
    why: str = "",
) -> Unit:
    """Return the unit of schema statements with the one that takes them back."""
    undo = Unit(f"{step}.undo", step, back_title, "-", outside=tuple(back), touches=(touched,))
    return Unit(step, step, title, symbol, why=why, outside=tuple(forward), undo=(undo,), touches=(touched,), rows=0)


def rename_unit(step: str, kind: str, old: str, new: str) -> Unit:
    """Return the unit that renames a table or view, with its way back."""

    def renamed(name: str, to: str) -> tuple[Statement, ...]:
        return (probed(f"RENAME TABLE {quote(name)} TO {quote(to)}", table_there(to)),)

    titles = f"rename {kind} {old} to {new}", f"rename {kind} {new} to {old}"
    unit = ddl_unit(step, *titles, renamed(old, new), renamed(new, old), new, "~", why="in the catalogue only")
    return replace(unit, undo=(replace(unit.undo[0], symbol="~"),))


def helper_unit(step: str, id: str, name: str, create: str, what: str) -> Unit:
    """Return the unit that makes one of the engine's own tables, and drops it when all else is undone."""
    drop = Unit(
        f"{id}.undo",
        step,
        f"drop {name}",
        "-",
        outside=(probed(f"DROP TABLE {quote(name)}", table_gone(name), "cleanup"),),
    )
    return Unit(
        id,
        step,
        f"make {name}: {what}",
        "=",
        outside=(probed(create, table_there(name), "journal"),),
        undo=(drop,),
        rows=0,
    )


def in_order(unit: Unit, *before: Unit) -> tuple[Unit, ...]:
    """Return the units that a step needs and then its own; without a way back of it nobody needs theirs."""
    if unit.reversible == "no":
        before = tuple(replace(b, undo=()) for b in before)
    return (*before, unit)
