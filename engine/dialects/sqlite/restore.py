"""The way back of a schema change, tried out on a copy of the shadow before it is promised."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.dialects.sqlite.failures import problem_of
from engine.dialects.sqlite.shadow import Shadow
from engine.dialects.sqlite.shadow_connection import ShadowError
from engine.dialects.sqlite.statements import restore_texts
from engine.errors import Path, Problem
from engine.model.plan import Statement

Objects = dict[tuple[str, str], tuple[str, str]]  # (type, name) → (table, text)


def objects(shadow: Shadow) -> Objects:
    """Return the user's objects on the shadow."""
    return {(o.type, o.name): (o.table, o.sql) for o in shadow.catalogue().objects}


def run(shadow: Shadow, statements: Iterable[Statement], path: Path) -> None:
    """Run schema statements and settings on a shadow; it holds no rows, so that others are left out.

    Raises:
        Problem: SQLite refuses one of them.
    """
    for statement in statements:
        if statement.kind in ("ddl", "setting"):
            try:
                shadow.run(statement.sql)
            except ShadowError as error:
                raise problem_of(str(error), shadow.state, path) from error


def with_texts(shadow: Shadow, after: Shadow, back: Sequence[Statement], path: Path) -> tuple[Statement, ...]:
    """Return `back`, followed by the restore of each text that SQLite writes differently after it.

    Args:
        shadow: the state before the change.
        after: the state behind it; both are left as they are.
        back: settings, change and resets of the way back, in order.
        path: for problems.

    Raises:
        Problem: `back` is refused, or ends in other objects than those that the change began with.
    """
    before = objects(shadow)
    copy = after.clone()
    run(copy, back, path)
    found = objects(copy)
    if found == before:
        return tuple(back)
    if {(k, v[0]) for k, v in before.items()} != {(k, v[0]) for k, v in found.items()}:
        raise Problem(
            "SP111",
            "no way back can be shown to end where this step begins",
            path,
            hint="give the step an `undo` of its own, or say why it is `irreversible`",
        )
    differing = [(type, name, text) for (type, name), (_, text) in before.items() if found[type, name][1] != text]
    return (*back, *restore_texts(differing))
