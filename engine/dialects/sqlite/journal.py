"""Journals of data steps: what each row that a step touched was before, and what the step made of it.

One typed table per table touched, one row per key. `was` and `now` tell whether the row was there
before the step and whether the step left it there, so the way back follows from one journal row
alone, in any order. A journal is filled by the step's own statement before it writes, or, where
more happens than the statement says (triggers, cascades, conflicts), by temporary triggers:
SQLite fires those of the temporary schema before the user's own, so the first image of a row that
they see is the one from before the step, and the last is what it left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.dialects.sqlite.parents import Tie, lost
from engine.dialects.sqlite.sql import quote
from engine.dialects.sqlite.statements import ddl
from engine.dialects.sqlite.walk import Key, column_definition, is_row_id, row_id_alias
from engine.model.plan import Statement
from engine.model.state import Column, Table, fold

ALL = frozenset({"insert", "update", "delete"})


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal of one table in one step.

    Attributes:
        name: of the journal's table.
        table: whose rows it is about.
        key: what it knows them by.
        images: columns whose values it keeps, without those of the key unless the step changes it.
        events: what may have happened to rows: insert, update, delete.
        mark: table that notes the highest row id before a batch, where the
            rows that the step makes are those above it; "" where it is not so.
        retold: (folded column, expression over `j`) pairs: new values that follow
            from the old ones of the same journal row, so that none is stored.
        ties: foreign keys that the way back writes; `lost` notes which of them referred to nothing.
    """

    name: str
    table: Table
    key: Key
    images: tuple[Column, ...]
    events: frozenset[str] = ALL
    mark: str = ""
    retold: tuple[tuple[str, str], ...] = ()
    ties: tuple[Tie, ...] = ()

    @property
    def moved(self) -> bool:
        """True where an update changes key columns: a live row is then known by its new key."""
        mine = {fold(n) for n in self.key.names}
        return any(fold(c.name) in mine for c in self.images)

    @property
    def keeps_old(self) -> bool:
        return self.events != {"insert"}

    @property
    def keeps_new(self) -> bool:
        return self.events != {"delete"}

    @property
    def keeps_row_id(self) -> bool:
        """True where rows that come back should stand where they stood, although no key says so."""
        bare = bool(self.table.row_id) and not self.key.hidden and not row_id_alias(self.table)
        return bare and "delete" in self.events

    # ── its own table ─────────────────────────────────────────────────────
    def create(self) -> tuple[Statement, ...]:
        """Return the statements that make the journal."""
        mark = (
            ddl(f'CREATE TABLE {quote(self.mark)} ("mark" INTEGER)', "journal"),
            Statement(f"INSERT INTO {quote(self.mark)} VALUES (NULL)", "rows", "journal"),
        )
        return (self._table(), *(mark if self.mark else ()))

    def _table(self) -> Statement:
        keys = [column_definition(f"key_{c.name}", c, self.table.strict) for c in self.key.columns]
        single = len(keys) == 1 and (self.key.hidden or is_row_id(self.table, self.key.names[0]))
        if single:
            keys = [f"{quote(f'key_{self.key.names[0]}')} INTEGER PRIMARY KEY"]
        parts = [*keys, '"was" INTEGER NOT NULL', '"now" INTEGER NOT NULL']
        if self.keeps_row_id:
            parts.append('"row" INTEGER')
        if self.ties:
            parts.append('"lost" INTEGER NOT NULL DEFAULT 0')
        for image, kept in (("old", self.keeps_old), ("new", self.keeps_new and not self.retold)):
            if kept:
                parts += [column_definition(f"{image}_{c.name}", c, self.table.strict) for c in self.images]
        if single:
            return ddl(f"CREATE TABLE {quote(self.name)} ({', '.join(parts)})", "journal")
        key = ", ".join(quote(f"key_{n}") for n in self.key.names)
        return ddl(
            f"CREATE TABLE {quote(self.name)} ({', '.join(parts)}, PRIMARY KEY ({key})) WITHOUT ROWID",
            "journal",
        )

    def key_columns(self) -> tuple[str, ...]:
        """Return the names of its key columns in the journal."""
        return tuple(f"key_{n}" for n in self.key.names)

    def of(self, image: str, alias: str = "") -> list[str]:
        """Return its columns of one image (`old`, `new`) as SQL, in the order of `images`."""
        dot = f"{quote(alias)}." if alias else ""
        return [f"{dot}{quote(f'{image}_{c.name}')}" for c in self.images]

    def value(self, image: str, column: str) -> str:
        """Return what `column` is in one image of the journal row `j`, as SQL."""
        told = dict(self.retold).get(fold(column)) if image == "new" else None
        return told or f"j.{quote(f'{image}_{column}')}"

    def head(self, *images: str) -> str:
        """Return `INSERT INTO journal (key…, was, now, images…)`."""
        columns = [quote(n) for n in self.key_columns()] + ['"was"', '"now"']
        if self.keeps_row_id and "old" in images:
            columns.append('"row"')
        if self.ties and "old" in images:
            columns.append('"lost"')
        for image in images:
            columns += self.of(image)
        return f"INSERT INTO {quote(self.name)} ({', '.join(columns)})"

    def aside(self, alias: str) -> list[str]:
        """Return what is kept beside the old values of a row (`head("old")`): row id, what referred to nothing."""
        found = [f"{alias}.{quote(self.table.row_id)}"] if self.keeps_row_id else []
        return found + ([lost(self.ties, lambda column: f"{alias}.{quote(column)}")] if self.ties else [])

    def live(self, alias: str, *, values: bool = True, key: bool = True) -> list[str]:
        """Return the table's own columns as SQL: those of the key, then those kept."""
        dot = f"{alias}."
        found = [f"{dot}{quote(n)}" for n in self.key.names] if key else []
        return found + ([f"{dot}{quote(c.name)}" for c in self.images] if values else [])

    # ── filled by triggers ────────────────────────────────────────────────
    def record(self) -> tuple[Statement, ...]:
        """Return the statements that make the temporary triggers; they live as long as their transaction."""
        if self.mark:
            (key,) = self.key.names
            sql = f'UPDATE {quote(self.mark)} SET "mark" = (SELECT max({quote(key)}) FROM {quote(self.table.name)})'
            return (Statement(sql, "rows", "journal"),)
        found = []
        if "insert" in self.events:
            found.append(self._trigger("insert", "", [self._appeared()]))
        if "update" in self.events:
            same = " AND ".join(f"old.{quote(n)} IS new.{quote(n)}" for n in self.key.names)
            old, new = self.live("old", key=False), self.live("new", key=False)
            values = [*self.live("old", values=False), "1", "1", *self.aside("old"), *old, *new]
            changed = [f"{n} = excluded.{n}" for n in self.of("new")]
            stays = f"{self.head('old', 'new')} VALUES ({', '.join(values)}) {self._conflict(changed)}"
            found.append(self._trigger("update", f" WHEN {same}", [stays]))
            found.append(self._trigger("update", f" WHEN NOT ({same})", [self._went(), self._appeared()], "_key"))
        if "delete" in self.events:
            found.append(self._trigger("delete", "", [self._went()]))
        return tuple(found)

    def stop(self) -> tuple[Statement, ...]:
        """Return the statements that take the temporary triggers away, or note the rows above the mark."""
        if self.mark:
            table, (key,) = quote(self.table.name), self.key.names
            mark = f'(SELECT "mark" FROM {quote(self.mark)})'
            values = [*self.live(table, values=False), "0", "1", *self.live(table, key=False)]
            above = f"{table}.{quote(key)} > coalesce({mark}, -9223372036854775808)"
            sql = f"{self.head('new')} SELECT {', '.join(values)} FROM {table} WHERE {above} {self._again()}"
            return (Statement(sql, "rows", "journal"),)
        names = [*sorted(self.events), *(["update_key"] if "update" in self.events else [])]
        return tuple(
            Statement(f"DROP TRIGGER temp.{quote(f'{self.name}_{name}')}", "setting", "journal") for name in names
        )

    def _trigger(self, event: str, when: str, body: Sequence[str], suffix: str = "") -> Statement:
        sql = (
            f"CREATE TEMP TRIGGER {quote(f'{self.name}_{event}{suffix}')} AFTER {event.upper()}"
            f" ON main.{quote(self.table.name)}{when} BEGIN {'; '.join(body)}; END"
        )
        return Statement(sql, "setting", "journal")

    def _appeared(self) -> str:
        values = [*self.live("new", values=False), "0", "1", *self.live("new", key=False)]
        return f"{self.head('new')} VALUES ({', '.join(values)}) {self._again()}"

    def _again(self) -> str:
        return self._conflict(['"now" = 1', *(f"{n} = excluded.{n}" for n in self.of("new"))])

    def _went(self) -> str:
        values = [*self.live("old", values=False), "1", "0", *self.aside("old"), *self.live("old", key=False)]
        gone = self._conflict(['"now" = 0'])
        return f"{self.head('old')} VALUES ({', '.join(values)}) {gone}"

    def _conflict(self, changes: Sequence[str]) -> str:
        key = ", ".join(quote(n) for n in self.key_columns())
        return f"ON CONFLICT ({key}) DO {'UPDATE SET ' + ', '.join(changes) if changes else 'NOTHING'}"


def images_of(table: Table, key: Key) -> tuple[Column, ...]:
    """Return the columns of a whole-row image: all that can be written, without the key's."""
    mine = {fold(n) for n in key.names}
    return tuple(c for c in table.columns if c.generated is None and fold(c.name) not in mine)


@dataclass(frozen=True, slots=True)
class Counters:
    """Where the AUTOINCREMENT counters of `tables` stood before a step, and where it left them."""

    name: str
    tables: tuple[str, ...]

    def create(self) -> tuple[Statement, ...]:
        """Return the statements that note where the counters stand."""
        values = ", ".join(f"({_text(t)})" for t in self.tables)
        return (
            ddl(
                f'CREATE TABLE {quote(self.name)} ("name" TEXT PRIMARY KEY, "was" INTEGER, "now" INTEGER)',
                "journal",
            ),
            Statement(
                f'INSERT INTO {quote(self.name)} SELECT "name", "seq", "seq" FROM (SELECT column1 AS "name",'
                " (SELECT seq FROM sqlite_sequence WHERE sqlite_sequence.name = column1) AS seq"
                f" FROM (VALUES {values}))",
                "rows",
                "journal",
            ),
        )

    def note(self) -> Statement:
        """Return the statement that notes where a batch left them."""
        return Statement(
            f'UPDATE {quote(self.name)} SET "now" = (SELECT seq FROM sqlite_sequence'
            f" WHERE sqlite_sequence.name = {quote(self.name)}.name)",
            "rows",
            "journal",
        )

    def restore(self) -> tuple[Statement, ...]:
        """Return the statements that put back those that stand where the step left them."""
        journal = quote(self.name)
        ties = f'{journal}.name = sqlite_sequence.name AND {journal}."now" = sqlite_sequence.seq'
        stands = f"FROM {journal} WHERE {ties}"
        return (
            Statement(
                f'UPDATE sqlite_sequence SET seq = (SELECT "was" {stands})'
                f' WHERE EXISTS (SELECT 1 {stands} AND {journal}."was" IS NOT NULL)',
                "rows",
                "restore",
            ),
            Statement(
                # A row with 0 is what SQLite makes when the undo itself inserts nothing.
                f"DELETE FROM sqlite_sequence WHERE EXISTS (SELECT 1 FROM {journal}"
                f' WHERE {journal}.name = sqlite_sequence.name AND {journal}."was" IS NULL'
                f' AND coalesce({journal}."now", 0) = sqlite_sequence.seq)',
                "rows",
                "restore",
            ),
        )


def _text(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"
