"""Journals of data steps: what each row that a step touched was before, and what the step made of it.

One typed table per table touched, one row per key (decision 002). It is written in the batch's own
transaction: by the step's statement itself (`WITH made AS (… RETURNING …)`), or just before it,
with the rows locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.dialects.postgres import whole_rows
from engine.dialects.postgres.parking import Moves, list_name
from engine.dialects.postgres.schema import PgColumn, PgSchema, PgTable
from engine.dialects.postgres.sequences import Counters
from engine.dialects.postgres.sql import given_back, quote, same
from engine.dialects.postgres.statements import SETTLED, ddl, question, rows
from engine.dialects.postgres.walk import Key, between, column_definition, image_definition, key_loop, parts
from engine.model.plan import Guard, Statement, Unit
from engine.model.state import fold, same_name

ALL = frozenset({"insert", "update", "delete"})


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal of one table in one step.

    Attributes:
        name: of the journal's table.
        table: whose rows it is about.
        key: what it knows them by; without columns: rows that nothing tells apart, known by all they hold.
        images: columns whose values it keeps, without those of the key.
        events: what may have happened to rows: insert, update, delete.
        captured: True where triggers of the engine fill it while the step writes.
        moved: columns by which rows are set aside on the way back, in one transaction; None for batches.
    """

    name: str
    table: PgTable
    key: Key
    images: tuple[PgColumn, ...]
    events: frozenset[str]
    captured: bool = False
    moved: tuple[PgColumn, ...] | None = None

    @property
    def whole(self) -> bool:
        """True where rows are known by all that they hold."""
        return not self.key.columns

    @property
    def keeps_old(self) -> bool:
        return self.events != {"insert"}

    @property
    def keeps_new(self) -> bool:
        return self.events != {"delete"}

    # ── its own table ─────────────────────────────────────────────────────
    def create(self) -> tuple[Statement, ...]:
        """Return the statements that make the journal."""
        columns = [column_definition(f"key_{c.name}", c) for c in self.key.columns]
        if self.whole:
            columns.append('"row" bigint GENERATED ALWAYS AS IDENTITY')
        columns += ['"was" smallint NOT NULL', '"now" smallint NOT NULL']
        for image, kept in (("old", self.keeps_old), ("new", self.keeps_new)):
            if kept:
                columns += [image_definition(f"{image}_{c.name}", c) for c in self.images]
        key = ", ".join(quote(n) for n in self.key_columns())
        made = ddl(f"CREATE TABLE {quote(self.name)} ({', '.join(columns)}, PRIMARY KEY ({key}))", "journal")
        if not self.captured or self.whole:
            return (made,)
        # Each batch looks for the rows that it touched, in a journal that grows.
        return (made, ddl(f'CREATE INDEX ON {quote(self.name)} ("now") WHERE "now" = 2', "journal"))

    def key_columns(self) -> tuple[str, ...]:
        """Return the names of its key columns in the journal."""
        return tuple(f"key_{n}" for n in self.key.names) or ("row",)

    def of(self, image: str, alias: str = "") -> list[str]:
        """Return its columns of one image (`old`, `new`) as SQL, in the order of `images`."""
        dot = f"{alias}." if alias else ""
        return [f"{dot}{quote(f'{image}_{c.name}')}" for c in self.images]

    def values(self, image: str, alias: str) -> list[str]:
        """Return the same as values of the table's own types."""
        return [given_back(sql, c.type) for sql, c in zip(self.of(image, alias), self.images, strict=True)]

    def head(self, *images: str) -> str:
        """Return `INSERT INTO journal (key…, was, now, images…)`."""
        columns = [quote(f"key_{n}") for n in self.key.names] + ['"was"', '"now"']
        for image in images:
            columns += self.of(image)
        return f"INSERT INTO {quote(self.name)} ({', '.join(columns)})"

    def live(self, alias: str, was: int, now: int, *, values: bool = True) -> str:
        """Return the table's own columns for `head`: key, was, now, those kept."""
        found = [f"{alias}.{quote(n)}" for n in self.key.names] + [str(was), str(now)]
        return ", ".join(found + ([f"{alias}.{quote(c.name)}" for c in self.images] if values else []))

    def returning(self) -> str:
        """Return the columns that a statement gives to the journal."""
        return ", ".join(quote(n) for n in dict.fromkeys((*self.key.names, *(c.name for c in self.images))))

    def made(self, insert: str, purpose: str = "insert") -> Statement:
        """Return `insert` with the rows that it makes written down.

        A row that is in the journal already was there before: only what it became is noted.
        """
        again = ""
        if self.keeps_old:
            sets = ", ".join(f"{n} = excluded.{n}" for n in self.of("new"))
            keys = ", ".join(quote(n) for n in self.key_columns())
            again = f" ON CONFLICT ({keys}) DO " + (f"UPDATE SET {sets}" if sets else "NOTHING")
        head = self.head("new")
        sql = f"WITH made AS ({insert} RETURNING {self.returning()}) {head} SELECT {self.live('made', 0, 1)} FROM made"
        return rows(sql + again, purpose, "written")

    def ties(self, alias: str) -> str:
        """Return the condition that joins a live row (`alias`) with its journal row `j`."""
        return " AND ".join(f"{alias}.{quote(n)} = j.{quote(f'key_{n}')}" for n in self.key.names)

    def holds(self, image: str, alias: str) -> str:
        """Return the condition that a live row has the values of an image, in everything."""
        found = [same(f"{alias}.{quote(c.name)}", f"j.{quote(f'{image}_{c.name}')}", c.type) for c in self.images]
        return " AND ".join(found) if found else "TRUE"


def images_of(table: PgTable, key: Key) -> tuple[PgColumn, ...]:
    """Return the columns of a whole-row image: all that can be written, without the key's."""
    mine = {fold(n) for n in key.names}
    return tuple(c for c in table.columns if c.generated is None and fold(c.name) not in mine)


# ── the way back ──────────────────────────────────────────────────────────
def undo_units(
    step: str,
    title: str,
    journals: Sequence[Journal],
    schema: PgSchema,
    helpers: Sequence[str] = (),
    counters: Counters | None = None,
) -> tuple[Unit, ...]:
    """Return the unit that takes a data step back from its journals, the table's own first.

    Rows that the step made go, rows that it changed get their old values, rows that it removed come
    back; each only where the live row is still what the step left, unless `:force` says otherwise.
    """
    still, again = hold_triggers([j.table for j in journals], schema)
    ending = (
        *((counters.restore(),) if counters else ()),
        *(ddl(f"DROP TABLE IF EXISTS {quote(name)}", "cleanup") for name in helpers),
    )
    journals = in_order(journals)
    base = Unit(
        f"{step}.undo",
        step,
        f"undo: {title}",
        ">",
        guards=tuple(g for j in journals for g in (whole_rows.guards(j) if j.whole else _guards(j, schema, journals))),
        touches=tuple(dict.fromkeys(j.table.name for j in journals)),
        after=ending,
    )
    alone = journals[0] if len(journals) == 1 and not _ties_itself(journals[0].table) else None
    if alone is None or alone.whole or alone.moved is not None:
        body = (*still, *_restore_all(journals, schema), *again)
        return (replace(base, before=body, why="in one transaction, from the journal"),)
    keys = parts(alone.key, "j", "key_")
    body = (*still, *_restore(alone, schema, f" AND {between(keys)}"), *again)
    loop = key_loop(alone.name, parts(alone.key, "", "key_"), body, None, alone.key.names)
    return (replace(base, loop=loop, why=f"in batches by {alone.key.words}, from the journal {alone.name}"),)


def hold_triggers(tables: Sequence[PgTable], schema: PgSchema) -> tuple[tuple[Statement, ...], tuple[Statement, ...]]:
    """Return the statements that keep the user's triggers still, and that let them fire again."""
    found = dict.fromkeys(t.name for t in tables if schema.triggers_of(t.name))
    now = (SETTLED,) if found and schema.puts_off else ()
    return (
        (*now, *(ddl(f"ALTER TABLE {quote(n)} DISABLE TRIGGER USER", "prepare") for n in found)),
        (*now, *(ddl(f"ALTER TABLE {quote(n)} ENABLE TRIGGER USER", "cleanup") for n in found)),
    )


def _ties_itself(table: PgTable) -> bool:
    return any(c.kind == "f" and same_name(c.to_table, table.name) for c in table.constraints)


def _tied(tables: Sequence[PgTable]) -> bool:
    names = {fold(t.name) for t in tables}
    return any(c.kind == "f" and fold(c.to_table) in names for t in tables for c in t.constraints)


def in_order(journals: Sequence[Journal]) -> tuple[Journal, ...]:
    """Return journals with those of parents before those of children, else as they are; rounds are as they come."""
    if not any(j.captured for j in journals):
        return tuple(journals)
    left, found = list(journals), list[Journal]()
    while left:
        names = {fold(j.table.name) for j in left}
        free = next((j for j in left if not _parents(j.table) & names), left[0])
        left.remove(free)
        found.append(free)
    return tuple(found)


def _parents(table: PgTable) -> set[str]:
    return {fold(c.to_table) for c in table.constraints if c.kind == "f"} - {fold(table.name)}


def _overwritten(journal: Journal, within: str) -> tuple[Statement, ...]:
    """Return the statements that keep what `--on-conflict force` is about to overwrite."""
    if not (journal.keeps_new and journal.images):
        return ()
    into = quote(journal.name.replace("engine_undo_", "engine_forced_"))
    table = quote(journal.table.name)
    other = f"NOT ({journal.holds('new', 't')})"
    make = f"CREATE TABLE IF NOT EXISTS {into} AS SELECT * FROM {table} WHERE FALSE"
    keep = (
        f"INSERT INTO {into} SELECT t.* FROM {table} AS t JOIN {quote(journal.name)} AS j ON {journal.ties('t')}"
        f' WHERE j."now" = 1 AND {other}{within}'
    )
    return (replace(ddl(make, "keep"), only="force"), replace(rows(keep, "keep"), only="force"))


def _restore_all(journals: Sequence[Journal], schema: PgSchema) -> tuple[Statement, ...]:
    """Return the statements that restore several tables, in an order that their foreign keys bear.

    Where none ties them, rows go before others come, so that a value that is unique is free again. Else rows come back
    first, parents before children, and go last, children before parents: the server minds each statement.
    """
    captured = any(j.captured for j in journals)
    if not captured or not _tied([j.table for j in journals]):
        return tuple(s for j in journals for s in _restore(j, schema, ""))
    keyed = [j for j in journals if not j.whole]
    found = [s for j in journals if j.whole for s in whole_rows.restore(j)]
    found += [s for j in keyed for s in _overwritten(j, "")]
    found += [s for j in keyed for s in _come(j, "")]
    found += [s for j in keyed for s in _change(j, "")]
    found += [s for j in reversed(keyed) for s in _go(j, schema, "")]
    return tuple(found)


def _restore(journal: Journal, schema: PgSchema, within: str) -> tuple[Statement, ...]:
    if journal.whole:
        return whole_rows.restore(journal)
    return (
        *_overwritten(journal, within),
        *_go(journal, schema, within),
        *_change(journal, within),
        *_come(journal, within),
    )


def _unchanged(journal: Journal) -> str:
    return f"({journal.holds('new', 't')} OR :force = 1)" if journal.keeps_new and journal.images else "TRUE"


def _go(journal: Journal, schema: PgSchema, within: str) -> tuple[Statement, ...]:
    """Rows that the step made go."""
    if "insert" not in journal.events:
        return ()
    table, source = quote(journal.table.name), f"{quote(journal.name)} AS j"
    sql = f'DELETE FROM {table} AS t USING {source} WHERE {journal.ties("t")} AND j."was" = 0 AND j."now" = 1'
    others, defended = _referring(journal, schema)[0], _referring(journal, schema, defended=True)[0]
    free = (f" AND (NOT {others} OR :force = 1)" if others else "") + (f" AND NOT {defended}" if defended else "")
    return (rows(f"{sql}{within} AND {_unchanged(journal)}{free}", "delete", "written"),)


def _change(journal: Journal, within: str) -> tuple[Statement, ...]:
    """Rows that the step changed get their old values."""
    if "update" not in journal.events or not journal.images:
        return ()
    table, source = quote(journal.table.name), f"{quote(journal.name)} AS j"
    pairs = [(c.name, value) for c, value in zip(journal.images, journal.values("old", "j"), strict=True)]
    if journal.moved:
        moves = Moves(list_name(journal.name), journal.table, journal.key, journal.moved)
        free = f'j."was" = 1 AND j."now" = 1 AND {_unchanged(journal)}'
        return (*moves.aside(journal.name, "old", free), *moves.home(pairs, journal.name))
    sets = ", ".join(f"{quote(name)} = {value}" for name, value in pairs)
    sql = f'UPDATE {table} AS t SET {sets} FROM {source} WHERE {journal.ties("t")} AND j."was" = 1 AND j."now" = 1'
    return (rows(f"{sql}{within} AND {_unchanged(journal)}", "update", "written"),)


def _come(journal: Journal, within: str) -> tuple[Statement, ...]:
    """Rows that the step removed come back."""
    if "delete" not in journal.events:
        return ()
    table, source = quote(journal.table.name), f"{quote(journal.name)} AS j"
    names = ", ".join(quote(n) for n in (*journal.key.names, *(c.name for c in journal.images)))
    values = ", ".join([*(f"j.{quote(n)}" for n in journal.key_columns()), *journal.values("old", "j")])
    sql = (
        f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE SELECT {values} FROM {source}"
        f' WHERE j."was" = 1 AND j."now" = 0{within}'
        f" AND NOT EXISTS (SELECT 1 FROM {table} AS t WHERE {journal.ties('t')})"
    )
    return (rows(sql, "insert", "written"),)


def _guards(journal: Journal, schema: PgSchema, journals: Sequence[Journal]) -> list[Guard]:
    name, table = journal.table.name, quote(journal.table.name)
    source = f"{quote(journal.name)} AS j"
    found: list[Guard] = []
    joined = f"{source} JOIN {table} AS t ON {journal.ties('t')}"
    if journal.keeps_new and journal.images:
        other = f"NOT ({journal.holds('new', 't')})"
        if journal.keeps_old:
            other += f' AND NOT (j."was" = 1 AND {journal.holds("old", "t")})'
        condition = f'{joined} WHERE j."now" = 1 AND {other}'
        found.append(_guard(journal, "changed", condition, f"{{count}} rows of {name} were changed since"))
    if "update" in journal.events:
        gone = (
            f'{source} WHERE j."was" = 1 AND j."now" = 1'
            f" AND NOT EXISTS (SELECT 1 FROM {table} AS t WHERE {journal.ties('t')})"
        )
        found.append(_guard(journal, "deleted", gone, f"{{count}} rows of {name} were deleted since"))
    if "delete" in journal.events:
        back = f'{joined} WHERE j."was" = 1 AND j."now" = 0'
        if journal.images:
            back += f" AND NOT ({journal.holds('old', 't')})"
        found.append(_guard(journal, "taken", back, f"{{count}} keys of deleted rows of {name} are taken again"))
    if "insert" in journal.events:
        found += _referred(journal, schema, journals)
    return found


def _referring(
    journal: Journal, schema: PgSchema, journals: Sequence[Journal] = (), *, defended: bool = False
) -> tuple[str, tuple[str, ...]]:
    """Return the condition that rows of others refer to the live row `t` ("" where nothing can), and their tables.

    Args:
        journals: of the step: rows that one of them gives back as they were do not count.
        defended: only by keys for which the server would refuse to delete it.
    """
    others, reads = [], []
    for child, key in schema.referring_to(journal.table.name):
        if defended and key.on_delete not in ("NO ACTION", "RESTRICT"):
            continue
        ties = " AND ".join(
            f"child.{quote(c)} = t.{quote(r)}" for c, r in zip(key.columns, key.to_columns, strict=False)
        )
        own = next((j for j in journals if same_name(j.table.name, child.name) and j.captured and not j.whole), None)
        if own is not None:
            mine = " AND ".join(f"child.{quote(n)} = own.{quote(f'key_{n}')}" for n in own.key.names)
            ties += f' AND NOT EXISTS (SELECT 1 FROM {quote(own.name)} AS own WHERE {mine} AND own."now" = 1)'
        others.append(f"EXISTS (SELECT 1 FROM {quote(child.name)} AS child WHERE {ties})")
        reads.append(child.name)
    return f"({' OR '.join(others)})" if others else "", tuple(reads)


def _referred(journal: Journal, schema: PgSchema, journals: Sequence[Journal]) -> list[Guard]:
    """Rows of others that refer to rows which the undo would delete."""
    condition, reads = _referring(journal, schema, journals)
    if not condition:
        return []
    source = (
        f"{quote(journal.name)} AS j JOIN {quote(journal.table.name)} AS t ON {journal.ties('t')}"
        f' WHERE j."was" = 0 AND j."now" = 1 AND {condition}'
    )
    words = f"{{count}} rows of {journal.table.name} that would go are referred to by rows of others"
    return [_guard(journal, "added", source, words, reads=reads)]


def _guard(journal: Journal, kind: str, source: str, words: str, *, reads: tuple[str, ...] = ()) -> Guard:
    keys = ", ".join(f"j.{quote(n)}" for n in journal.key_columns())
    return Guard(
        kind,
        journal.table.name,
        question(f"SELECT count(*) FROM {source}", "guard"),
        question(f"SELECT {keys} FROM {source} LIMIT 5", "sample"),
        words,
        reads=reads,
    )
