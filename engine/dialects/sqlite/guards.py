"""Conflicts that the undo of a data step looks for before it writes, and the conditions it writes under."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.dialects.sqlite.journal import Journal
from engine.dialects.sqlite.parents import Tie, bit
from engine.dialects.sqlite.sql import literal_sql, quote
from engine.dialects.sqlite.statements import question
from engine.dialects.sqlite.walk import unique_keys
from engine.model.plan import Guard
from engine.model.state import SchemaState, Table, fold, same_name


def matches(journal: Journal, alias: str = "t", *, left: bool = True) -> str:
    """Return the condition that joins a live row (`alias`) with its journal row (`j`).

    Args:
        left: True to find the row under the key that the step left it, False under the one it had.
    """
    kept = {fold(c.name) for c in journal.images}
    parts = []
    for name in journal.key.names:
        column = f"new_{name}" if left and fold(name) in kept else f"key_{name}"
        parts.append(f"{alias}.{quote(name)} = j.{quote(column)}")
    return " AND ".join(parts)


def holds(journal: Journal, image: str, alias: str = "t") -> str:
    """Return the condition that a live row has the values of an image, by type and bytes."""
    parts = [
        f"{alias}.{quote(c.name)} COLLATE BINARY IS {journal.value(image, c.name)}"
        f" AND typeof({alias}.{quote(c.name)}) = typeof({journal.value(image, c.name)})"
        for c in journal.images
    ]
    return " AND ".join(parts) if parts else "1"


def referring(journal: Journal, state: SchemaState, journals: Sequence[Journal]) -> str:
    """Return the condition that rows of others refer to the live row `t`, or "" where nothing can.

    Args:
        journals: those of the same step: rows that it made itself go first.
    """
    found = []
    for child in state.tables:
        for key in child.foreign_keys:
            if not same_name(key.table, journal.table.name):
                continue
            columns = key.references or journal.table.primary_key
            # The parent stands left, as where SQLite looks for children: its collation decides.
            ties = [f"t.{quote(r)} = child.{quote(c)}" for c, r in zip(key.columns, columns, strict=False)]
            own = next((j for j in journals if same_name(j.table.name, child.name)), None)
            if own is not None:
                same = " AND ".join(f"own.{quote(f'key_{n}')} = child.{quote(n)}" for n in own.key.names)
                ties.append(f'NOT EXISTS (SELECT 1 FROM {quote(own.name)} AS own WHERE own."was" = 0 AND {same})')
            found.append(f"EXISTS (SELECT 1 FROM {quote(child.name)} AS child WHERE {' AND '.join(ties)})")
    return f"({' OR '.join(found)})" if found else ""


def _children(table: Table, state: SchemaState) -> tuple[str, ...]:
    """Return the tables whose rows may refer to rows of `table`."""
    return tuple(t.name for t in state.tables if any(same_name(k.table, table.name) for k in t.foreign_keys))


def guards(journal: Journal, state: SchemaState, journals: Sequence[Journal]) -> tuple[Guard, ...]:
    """Return the guards of one journal's undo."""
    name, table = journal.table.name, quote(journal.table.name)
    source = f"{quote(journal.name)} AS j"
    found: list[Guard] = []
    if journal.keeps_new:
        same = f"NOT ({holds(journal, 'new')})"
        if journal.keeps_old:
            same += f' AND NOT (j."was" = 1 AND {holds(journal, "old")})'
        joined = f'{source} JOIN {table} AS t ON {matches(journal)} WHERE j."now" = 1'
        if journal.images:
            words = f"{{count}} rows of {name} were changed since"
            looks = (*journal.key.names, *(c.name for c in journal.images))
            found.append(replace(_guard(journal, "changed", f"{joined} AND {same}", words), looks=looks))
    if "update" in journal.events:
        gone = (
            f'{source} WHERE j."was" = 1 AND j."now" = 1'
            f" AND NOT EXISTS (SELECT 1 FROM {table} AS t WHERE {matches(journal)})"
        )
        one = _guard(journal, "deleted", gone, f"{{count}} rows of {name} were deleted since")
        found.append(replace(one, looks=(*journal.key.names, *(c.name for c in journal.images if journal.moved))))
    if "delete" in journal.events:
        back = f'{source} JOIN {table} AS t ON {matches(journal)} WHERE j."was" = 1 AND j."now" = 0'
        if journal.images:
            back += f" AND NOT ({holds(journal, 'old')})"
            found.append(_guard(journal, "taken", back, f"{{count}} keys of deleted rows of {name} are taken again"))
    if journal.keeps_old:
        found += _unique_guards(journal, state)
        found += _parent_guards(journal, journals)
    if "insert" in journal.events and (others := referring(journal, state, journals)):
        condition = f'{source} JOIN {table} AS t ON {matches(journal)} WHERE j."was" = 0 AND j."now" = 1 AND {others}'
        words = f"{{count}} rows of {name} that would go are referred to by rows of others"
        # Rows of later steps refer to these until those steps are undone.
        found.append(_guard(journal, "added", condition, words, reads=_children(journal.table, state)))
    found += trigger_guard(journal.table, state)
    return tuple(found)


def _unique_guards(journal: Journal, state: SchemaState) -> list[Guard]:
    """Values that must come back into a unique key, and that another row has by now."""
    kept = {fold(c.name) for c in journal.images}
    mine = {fold(n) for n in journal.key.names}
    found = []
    for columns in unique_keys(journal.table, state):
        folded = {fold(c) for c in columns}
        if not folded & kept or not folded <= kept | mine:
            continue
        ties = [f"t.{quote(c)} = j.{quote(f'old_{c}' if fold(c) in kept else f'key_{c}')}" for c in columns]
        aside = " AND ".join(f"also.{quote(f'key_{n}')} = t.{quote(n)}" for n in journal.key.names)
        if journal.moved:
            aside = " AND ".join(
                f"also.{quote(f'new_{n}' if fold(n) in kept else f'key_{n}')} = t.{quote(n)}" for n in journal.key.names
            )
        condition = (
            f"{quote(journal.name)} AS j JOIN {quote(journal.table.name)} AS t ON {' AND '.join(ties)}"
            f' WHERE j."was" = 1 AND NOT EXISTS (SELECT 1 FROM {quote(journal.name)} AS also WHERE {aside})'
        )
        words = f"{{count}} old values of ({', '.join(columns)}) in {journal.table.name} are taken by other rows"
        found.append(_guard(journal, "taken", condition, words, skippable=False))
    return found


def parent_before(journal: Journal, tie: Tie, journals: Sequence[Journal]) -> str:
    """Return the condition that the journals know the parent of a row (`j`) from before the step, "" if they can't."""
    own = next((j for j in journals if same_name(j.table.name, tie.parent)), None)
    if own is None:
        return ""
    had = {fold(c.name) for c in own.images} if own.keeps_old else set()
    names = {fold(n): f"key_{n}" for n in own.key.names} | {n: f"old_{n}" for n in had}
    if not all(fold(t) in names for t in tie.targets):
        return ""
    kept = {fold(c.name) for c in journal.images}
    old = [f"+j.{quote(f'old_{c}' if fold(c) in kept else f'key_{c}')}" for c in tie.columns]
    same = zip((f"p.{quote(names[fold(t)])}" for t in tie.targets), old, strict=True)
    back = " AND ".join(f"{column} = {value}" for column, value in same)
    return f'EXISTS (SELECT 1 FROM {quote(own.name)} AS p WHERE p."was" = 1 AND {back})'


def _parent_guards(journal: Journal, journals: Sequence[Journal]) -> list[Guard]:
    """Rows that would come back to a parent that is there no more; those that never had one come back without."""
    kept = {fold(c.name) for c in journal.images}
    found = []
    for place, tie in enumerate(journal.ties):
        moves = "update" in journal.events and any(fold(c) in kept for c in tie.columns)
        old = [f"j.{quote(f'old_{c}' if fold(c) in kept else f'key_{c}')}" for c in tie.columns]
        same = [f"{journal.value('old', c)} IS {journal.value('new', c)}" for c in tie.columns if fold(c) in kept]
        goes = f'(j."now" = 0 OR NOT ({" AND ".join(same)}))' if moves else 'j."now" = 0'
        conditions = ['j."was" = 1', goes, f'NOT (j."lost" & {bit(place)})', tie.missing(old, "p")]
        if known := parent_before(journal, tie, journals):
            conditions.append(f"NOT {known}")
        source = f"{quote(journal.name)} AS j WHERE {' AND '.join(conditions)}"
        words = f"{{count}} rows of {journal.table.name} would come back and refer to nothing in {tie.parent}"
        found.append(_guard(journal, "orphaned", source, words, skippable=False, reads=(tie.parent,)))
    return found


def trigger_guard(table: Table, state: SchemaState) -> tuple[Guard, ...]:
    """Return the guard that the table's triggers are those that the undo knows to hold still."""
    texts = ", ".join(literal_sql(t.sql) for t in state.triggers_of(table.name))
    on_it = f"type = 'trigger' AND lower(tbl_name) = lower({literal_sql(table.name)})"
    known = len(state.triggers_of(table.name))
    # What is missing and what is new, each counted.
    number = f"{known} + count(*) - 2 * count(*) FILTER (WHERE sql IN ({texts}))" if known else "count(*)"
    query = f"SELECT {number} FROM sqlite_schema WHERE {on_it}"
    words = f"triggers on {table.name} were made, changed or dropped since"
    return (Guard("schema", table.name, question(query, "guard"), None, words),)


def _guard(
    journal: Journal, kind: str, source: str, words: str, *, skippable: bool = True, reads: tuple[str, ...] = ()
) -> Guard:
    keys = ", ".join(f"j.{quote(n)}" for n in journal.key_columns())
    return Guard(
        kind,
        journal.table.name,
        question(f"SELECT count(*) FROM {source}", "guard"),
        question(f"SELECT {keys} FROM {source} LIMIT 5", "sample"),
        words,
        skippable=skippable,
        reads=reads,
    )
