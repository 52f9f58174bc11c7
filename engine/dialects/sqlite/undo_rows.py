"""The way back of a data step, from its journals.

Rows that the step made go, rows that it changed get their old values, rows that it removed come
back; each only where the live row is still what the step left, unless `:force` says otherwise.
Triggers hold still meanwhile: they are dropped in the transaction and made again from their texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.dialects.sqlite.effects import fires_on
from engine.dialects.sqlite.forced import forced_name, keep_forced
from engine.dialects.sqlite.guards import guards, holds, matches, parent_before, referring
from engine.dialects.sqlite.journal import Counters, Journal
from engine.dialects.sqlite.parents import DEFER, bit, undefended
from engine.dialects.sqlite.parking import in_unique_keys, park
from engine.dialects.sqlite.sql import quote
from engine.dialects.sqlite.statements import ddl, rows, text_guard
from engine.dialects.sqlite.walk import between, key_loop
from engine.model.plan import Statement, Unit
from engine.model.state import Index, SchemaState, fold, same_name

_REVERSE = {"insert": "delete", "update": "update", "delete": "insert"}


def undo_units(
    step: str,
    title: str,
    journals: Sequence[Journal],
    state: SchemaState,
    counters: Counters | None = None,
    helpers: Sequence[str] = (),
) -> tuple[Unit, ...]:
    """Return the unit that takes a data step back.

    Args:
        step: id of the step.
        title: what the step did, for people.
        journals: of the step, that of its own table first.
        state: the schema as the step found it.
        counters: of AUTOINCREMENT, if the step may have moved them.
        helpers: work tables that a step that broke off may have left.
    """
    still, again = _hold_triggers(journals, state)
    loose = _conditional(journals, state)
    still += tuple(ddl(f"DROP INDEX {quote(index.name)}", "prepare") for index in loose)
    again = (*(ddl(index.sql, "cleanup") for index in loose), *again)
    ending = (
        *(counters.restore() if counters else ()),
        *(ddl(f"DROP TABLE IF EXISTS {quote(name)}", "cleanup") for name in helpers),
    )
    found = tuple(guard for journal in journals for guard in guards(journal, state, journals))
    found += tuple(
        text_guard(
            "index",
            i.name,
            i.table,
            i.sql,
            f"the unique index `{i.name}` was changed or dropped since",
            skippable=False,
        )
        for i in loose
    )
    names = tuple(dict.fromkeys(j.table.name for j in journals))
    alone = journals[0] if len(journals) == 1 and not _ties_itself(journals[0], state) else None
    base = Unit(
        f"{step}.undo",
        step,
        f"undo: {title}",
        ">",
        guards=found,
        touches=names,
        after=ending,
        undo=(),
        forced=tuple(forced_name(j.name) for j in journals),
    )
    if alone is not None and alone.events == {"update"}:
        base = replace(base, only=tuple(c.name for c in alone.images))
    if alone is not None and "update" in alone.events and (loose or in_unique_keys(alone, state)):
        aside, back = park(alone, state, "new", "old", "live")
        restored = _statements(alone, state, journals)
        first = (*still, *_overwritten(alone), *undefended(_lost((alone,))))
        alone_steps = (*first, DEFER, *aside, *restored, *back, *again)
        return (replace(base, before=alone_steps, why=f"in one transaction, from the journal {alone.name}"),)
    if alone is not None:
        keys = alone.key_columns()
        range_ = between([f"j.{quote(n)}" for n in keys])
        restored = _statements(alone, state, journals, f" AND {range_}")
        first = (*still, *_overwritten(alone, f" AND {range_}"), *undefended(_lost((alone,), f" AND {range_}")))
        body = (*first, *restored, *again)
        loop = key_loop(alone.name, keys, body, None, alone.key.names)
        return (replace(base, loop=loop, why=f"in batches by {alone.key.words}, from the journal {alone.name}"),)
    ordered = _children_first(journals, state)
    early = [statement for journal in journals for statement in _overwritten(journal)]
    early += [statement for journal in journals for statement in _found(journal, journals)]
    early += undefended(_lost(tuple(reversed(ordered))))
    steps = [_removal(j, state, journals) for j in ordered if "insert" in j.events]
    steps += [_return(j, _held(j)) for j in reversed(ordered) if "delete" in j.events]
    # Parents first: what refers to them follows by itself, and is then as it was already.
    for journal in reversed(ordered):
        aside, back = park(journal, state, "new", "old", "live") if "update" in journal.events else ((), ())
        steps += [*aside, *_values(journal, _held(journal)), *back]
    why = f"in one transaction, from the journals {', '.join(j.name for j in journals)}"
    return (replace(base, before=(*still, *early, DEFER, *steps, *again), why=why),)


def _overwritten(journal: Journal, range_: str = "") -> tuple[Statement, ...]:
    """Under `force`, rows that others changed since are put by as they are, before anything overwrites them."""
    table = quote(journal.table.name)
    taken = f'j."was" = 1 AND j."now" = 0 AND NOT ({holds(journal, "old", table)})'
    # Under a hidden row id nothing is overwritten: the row comes back under another.
    wanted = [taken] if "delete" in journal.events and not journal.key.hidden else []
    if journal.events != {"delete"}:
        changed = f'j."now" = 1 AND NOT ({holds(journal, "new", table)})'
        if "update" in journal.events and journal.images:
            changed += f' AND NOT (j."was" = 1 AND {holds(journal, "old", table)})'
        wanted.append(changed)
    if not wanted:
        return ()
    found = " OR ".join(f"({part})" for part in wanted)
    source = f"FROM {quote(journal.name)} AS j CROSS JOIN {table} ON {matches(journal, table)} WHERE ({found}){range_}"
    row_id = journal.table.row_id if journal.key.hidden else ""
    return keep_forced(forced_name(journal.name), journal.table.name, row_id, (source,))


def _statements(
    journal: Journal, state: SchemaState, journals: Sequence[Journal], range_: str = ""
) -> tuple[Statement, ...]:
    found: list[Statement] = []
    if "insert" in journal.events:
        found.append(_removal(journal, state, journals, range_))
    if "delete" in journal.events:
        found.append(_return(journal, range_ + _held(journal)))
    return (*found, *_values(journal, range_ + _held(journal)))


def _found(journal: Journal, journals: Sequence[Journal]) -> tuple[Statement, ...]:
    """A row that followed its parent was noted when that had gone or moved: it is none that referred to nothing."""
    found = []
    for place, tie in enumerate(journal.ties):
        if known := parent_before(journal, tie, journals):
            sql = f'UPDATE {quote(journal.name)} AS j SET "lost" = j."lost" & ~{bit(place)}'
            found.append(rows(f'{sql} WHERE j."lost" & {bit(place)} AND {known}', "journal"))
    return tuple(found)


def _held(journal: Journal) -> str:
    """Return the condition of the rows that SQLite is to defend: all but those that `_lost` brings back."""
    return ' AND j."lost" = 0' if journal.ties else ""


def _lost(journals: Sequence[Journal], range_: str = "") -> tuple[Statement, ...]:
    """Rows that referred to nothing before the step are as they were, whatever foreign keys say."""
    which = range_ + ' AND j."lost" <> 0'
    tied = [journal for journal in journals if journal.ties]
    return (
        *(_return(journal, which) for journal in tied if "delete" in journal.events),
        *(statement for journal in tied for statement in _values(journal, which)),
    )


def _removal(journal: Journal, state: SchemaState, journals: Sequence[Journal], range_: str = "") -> Statement:
    """Rows that the step made go, unless they were changed since or rows of others need them."""
    table = quote(journal.table.name)
    keys = ", ".join(quote(n) for n in journal.key.names)
    live = ", ".join(f"t.{quote(n)}" for n in journal.key.names)
    condition = f"(:force OR ({holds(journal, 'new')}))"
    # Not by force either: rows of others would go with it where the key cascades.
    if others := referring(journal, state, journals):
        condition += f" AND NOT {others}"
    sql = (
        f"DELETE FROM {table} WHERE ({keys}) IN"
        f" (SELECT {live} FROM {quote(journal.name)} AS j CROSS JOIN {table} AS t ON {matches(journal)}"
        f' WHERE j."was" = 0 AND j."now" = 1{range_} AND {condition})'
    )
    return rows(sql, "delete", "written")


def _values(journal: Journal, range_: str = "") -> tuple[Statement, ...]:
    """Rows that the step changed get their old values."""
    if "update" not in journal.events or not journal.images:
        return ()
    sets = ", ".join(f"{quote(c.name)} = j.{quote(f'old_{c.name}')}" for c in journal.images)
    sql = (
        f"UPDATE {quote(journal.table.name)} AS t SET {sets} FROM {quote(journal.name)} AS j"
        f' WHERE {matches(journal)} AND j."was" = 1 AND j."now" = 1{range_}'
        f" AND (:force OR ({holds(journal, 'new')}))"
    )
    return (rows(sql, "restore", "written"),)


def _return(journal: Journal, range_: str = "") -> Statement:
    """Rows that the step removed come back, where nobody took their key."""
    table = quote(journal.table.name)
    names = [*journal.key.names, *(c.name for c in journal.images)]
    taken = f"EXISTS (SELECT 1 FROM {table} AS t WHERE {matches(journal)})"
    keys = [f"j.{quote(n)}" for n in journal.key_columns()]
    if journal.key.hidden:
        keys = [f"CASE WHEN NOT {taken} THEN {key} END" for key in keys]
    values = [*keys, *journal.of("old", "j")]
    if journal.keeps_row_id:
        row_id = quote(journal.table.row_id)
        names.append(journal.table.row_id)
        values.append(f'CASE WHEN NOT EXISTS (SELECT 1 FROM {table} AS t WHERE t.{row_id} = j."row") THEN j."row" END')
    key = ", ".join(quote(n) for n in journal.key.names)
    sets = ", ".join(f"{quote(c.name)} = excluded.{quote(c.name)}" for c in journal.images)
    upsert = f" ON CONFLICT ({key}) DO UPDATE SET {sets}" if sets else f" ON CONFLICT ({key}) DO NOTHING"
    if journal.key.hidden:
        # No index stands behind a hidden row id: where it is taken, force gives the row another.
        upsert = ""
    sql = (
        f"INSERT INTO {table} ({', '.join(map(quote, names))})"
        f" SELECT {', '.join(values)} FROM {quote(journal.name)} AS j"
        f' WHERE j."was" = 1 AND j."now" = 0{range_} AND (:force OR NOT {taken}){upsert}'
    )
    return rows(sql, "insert", "written")


def _hold_triggers(
    journals: Sequence[Journal], state: SchemaState
) -> tuple[tuple[Statement, ...], tuple[Statement, ...]]:
    """Return the statements that take away the triggers that the undo would fire, and bring them back."""
    found = {}
    for journal in journals:
        events = {_REVERSE[e] for e in journal.events}
        for trigger in state.triggers_of(journal.table.name):
            if fires_on(trigger) in events:
                found[fold(trigger.name)] = trigger
    gone = tuple(ddl(f"DROP TRIGGER IF EXISTS {quote(t.name)}", "prepare") for t in found.values())
    return gone, tuple(ddl(t.sql, "cleanup") for t in found.values())


def _conditional(journals: Sequence[Journal], state: SchemaState) -> tuple[Index, ...]:
    """Return the partial unique indexes, and those on expressions, in which values move.

    What such an index holds of a row meanwhile can't be told, so they are made again when all rows are as they were.
    """
    return tuple(
        index
        for journal in journals
        if "update" in journal.events
        for index in state.indexes_of(journal.table.name)
        if index.unique and index.sql and (index.where is not None or "" in index.columns)
        if any(fold(column.name) in fold(index.sql) for column in journal.images)
    )


def _ties_itself(journal: Journal, state: SchemaState) -> bool:
    """Tell whether rows of the table refer to rows of the same table, so that order matters."""
    return journal.events != {"update"} and any(
        same_name(f.table, journal.table.name) for f in journal.table.foreign_keys
    )


def _children_first(journals: Sequence[Journal], state: SchemaState) -> list[Journal]:
    """Order journals so that a table comes before those that it refers to, as far as that goes."""
    left, found = list(journals), []
    while left:
        free = next(
            (
                j
                for j in left
                if not any(
                    same_name(f.table, j.table.name)
                    for other in left
                    if other is not j
                    for f in other.table.foreign_keys
                )
            ),
            left[0],
        )
        left.remove(free)
        found.append(free)
    return found
