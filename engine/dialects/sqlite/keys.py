"""Keys that foreign keys refer to: that they stay, and that both sides change together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from engine.dialects.sqlite.dependents import refuse
from engine.dialects.sqlite.names import contains
from engine.dialects.sqlite.shadow import Shadow
from engine.dialects.sqlite.shadow_connection import ShadowError
from engine.dialects.sqlite.sql import literal_sql
from engine.dialects.sqlite.statements import FOREIGN_KEYS_OFF, FOREIGN_KEYS_ON, question
from engine.errors import Path
from engine.model.plan import Check, Statement, Unit
from engine.model.state import ForeignKey, SchemaState, Table, fold, same_name


@dataclass(frozen=True, slots=True)
class PendingKey:
    """A foreign key one side of which an earlier step of the migration changed."""

    child: str
    parent: str


def primary_of(foreign_key: ForeignKey, state: SchemaState) -> tuple[str, ...]:
    """Return the columns of the parent that a foreign key refers to."""
    parent = state.table(foreign_key.table)
    return foreign_key.references or (parent.primary_key if parent else ())


def see_keys_stay(state: SchemaState, table: str, gone: Sequence[tuple[str, ...]], path: Path, what: str) -> None:
    """See to it that no foreign key refers to a unique key that goes.

    Args:
        gone: columns of each key that goes, once each; a second key on the same columns does as well.
        what: what goes, for the sentence.

    Raises:
        Problem: RF107 with the tables whose foreign keys need it.
    """
    found = state.table(table)
    if found is None:
        return
    have = [key.columns for key in found.keys]
    have += [index.columns for index in state.indexes_of(table) if index.unique and index.where is None]
    needing = []
    for key in gone:
        if sum(1 for other in have if _same(other, key)) > 1:
            continue
        for child in state.tables:
            for foreign_key in child.foreign_keys:
                if same_name(foreign_key.table, table) and _same(primary_of(foreign_key, state), key):
                    needing.append(("foreign key of table", child.name))
    refuse(what, needing, path, table)


def violations(
    before: Shadow,
    after: Shadow,
    table: str,
    *,
    but: Iterable[PendingKey] = (),
    same_row_ids: bool = True,
    own: bool = True,
) -> tuple[Statement, ...]:
    """Return queries for the rows of `table`, and of those that refer to it, that refer to nothing.

    Asked before and after a rebuild: what is new then is the rebuild's fault.
    A table whose foreign keys fit no key of their parent can't be asked; it
    could not be written either, before as after.

    Args:
        before, after: the schema at both times.
        but: foreign keys that wait for another step.
        same_row_ids: False where rows have other row ids afterwards: then they are only numbered.
        own: False to leave out `table` itself.
    """
    state = after.state
    mine = state.table(table)
    tables = [mine] if own and mine and mine.foreign_keys else []
    tables += [t for t in state.referring_to(table) if not t.virtual]
    found = []
    for each in tables:
        if not (_answers(before, each.name) and _answers(after, each.name)):
            continue
        waiting = [p.parent for p in but if same_name(p.child, each.name)]
        parents = ", ".join(literal_sql(fold(name)) for name in waiting)
        without = f" WHERE lower(parent) NOT IN ({parents})" if waiting else ""
        row = '"rowid"' if same_row_ids or each is not mine else "row_number() OVER (PARTITION BY parent)"
        source = f"pragma_foreign_key_check({literal_sql(each.name)})"
        found.append(question(f'SELECT DISTINCT "table", {row}, parent FROM {source}{without}'))
    return tuple(found)


def _answers(shadow: Shadow, table: str) -> bool:
    try:
        shadow.run(f"PRAGMA foreign_key_check({literal_sql(table)})")
    except ShadowError:
        return False
    return True


def waiting_on(state: SchemaState, table: Table, columns: Iterable[str]) -> tuple[PendingKey, ...]:
    """Return the foreign keys from or to `columns` of a table whose values change.

    The other side may follow in a later step, so they are looked at when the migration ends.
    """
    changed = tuple(columns)
    found = [
        PendingKey(child.name, table.name)
        for child in state.tables
        for key in child.foreign_keys
        if same_name(key.table, table.name) and any(contains(primary_of(key, state), c) for c in changed)
    ]
    found += [
        PendingKey(table.name, key.table)
        for key in table.foreign_keys
        if any(contains(key.columns, column) for column in changed)
    ]
    return tuple(dict.fromkeys(found))


def pending_units(pending: Sequence[PendingKey], step: str) -> tuple[Unit, ...]:
    """Return the unit that sees, at the migration's end, that both sides of a key changed alike."""
    if not pending:
        return ()
    checks = tuple(
        Check(
            f"{key.child}: foreign keys to {key.parent} hold",
            question(
                f"SELECT count(*) FROM pragma_foreign_key_check({literal_sql(key.child)})"
                f" WHERE lower(parent) = {literal_sql(fold(key.parent))}"
            ),
            maximum=0,
            failure=f"{{count}} rows of `{key.child}` refer to nothing in `{key.parent}`, "
            "and this migration changed one of the two sides",
        )
        for key in dict.fromkeys(pending)
    )
    return (Unit(step, step, "foreign keys whose two sides changed", "?", checks=checks, rows=0),)


def undone_while_waiting(units: tuple[Unit, ...], pending: Sequence[PendingKey]) -> tuple[Unit, ...]:
    """Return `units` with ways back that no foreign key defends where one waits for another step.

    They bring back rows that refer to nothing yet, as the step found them.
    """
    waiting = {fold(name) for key in pending for name in (key.child, key.parent)}
    if not any(waiting & {fold(name) for name in unit.touches} for unit in units):
        return units
    return tuple(replace(unit, undo=tuple(_undefended(u) for u in unit.undo)) for unit in units)


def _undefended(unit: Unit) -> Unit:
    guards = tuple(guard for guard in unit.guards if guard.kind != "orphaned")
    return replace(unit, guards=guards, settings=(FOREIGN_KEYS_OFF,), resets=(FOREIGN_KEYS_ON,))


def _same(left: Sequence[str], right: Sequence[str]) -> bool:
    return len(left) == len(right) and all(contains(right, name) for name in left)
