"""The statements of a rebuild: the table is made anew from a text, and its rows are carried over.

    drop the table's triggers and indexes → rename it aside, nothing following → create it from the
    text → carry the rows, row ids kept → (what the journal wants, while both stand) → carry the
    counter → drop the old one → indexes and triggers again

Foreign keys must be off before the transaction: else dropping the old table would delete the rows
that refer to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.dialects.sqlite.identifiers import references
from engine.dialects.sqlite.sql import literal_sql, quote
from engine.dialects.sqlite.statements import ddl, rename_quietly, restore_texts, rows
from engine.dialects.sqlite.table_text import parse
from engine.dialects.sqlite.tokens import edit
from engine.dialects.sqlite.walk import row_id_alias
from engine.model.plan import Statement
from engine.model.state import Index, Table, Trigger, same_name


@dataclass(frozen=True, slots=True)
class Rebuild:
    """A rebuild, forward or back.

    Attributes:
        old: the table that is there.
        new: the table that is wanted; its `sql` is sent as it is.
        values: column of the new table → expression over the old row; a column that is not here gets
            its default.
        aside: name for the old one meanwhile.
        join: what stands beside the old rows (`LEFT JOIN …`), "" for nothing.
        dropped, made: indexes that go with the old table, and texts of those that come.
        triggers: those of the table, which come back as they are.
        counter: table of the engine with a counter that the new table has to take up again, "" for none.
    """

    old: Table
    new: Table
    values: tuple[tuple[str, str], ...]
    aside: str
    join: str = ""
    dropped: tuple[Index, ...] = ()
    made: tuple[str, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    counter: str = ""

    @property
    def carries_row_ids(self) -> bool:
        """True where the hidden row ids are written; else a column has them, or there are none."""
        return bool(self.old.row_id and self.new.row_id and not row_id_alias(self.new))

    @property
    def same_row_ids(self) -> bool:
        """True where each row has the row id that it had."""
        mine, theirs = row_id_alias(self.new), row_id_alias(self.old)
        return self.carries_row_ids or (bool(mine) and same_name(mine, theirs) and (mine, quote(mine)) in self.values)

    def statements(self, between: Sequence[Statement] = ()) -> tuple[Statement, ...]:
        """Return the statements, with `between` where both tables stand."""
        name = quote(self.new.name)
        return (
            *(ddl(f"DROP TRIGGER {quote(trigger.name)}") for trigger in self.triggers),
            *(ddl(f"DROP INDEX {quote(index.name)}") for index in self.dropped),
            *without_own_name(self.old),
            *rename_quietly(self.old.name, self.aside),
            ddl(self.new.sql),
            self._load(name),
            *between,
            *self._counter(),
            ddl(f"DROP TABLE {quote(self.aside)}", "cleanup"),
            *(ddl(text) for text in self.made),
            *(ddl(trigger.sql) for trigger in self.triggers),
        )

    def _load(self, name: str) -> Statement:
        columns = [quote(column) for column, _ in self.values]
        values = [value for _, value in self.values]
        order = ""
        if self.carries_row_ids:
            columns.insert(0, self.new.row_id)
            values.insert(0, f"{quote(self.old.name)}.{self.old.row_id}")
        if self.old.row_id:
            order = f" ORDER BY {quote(self.old.name)}.{self.old.row_id}"
        return rows(
            f"INSERT INTO {name} ({', '.join(columns)})"
            f" SELECT {', '.join(values)} FROM {quote(self.aside)} AS {quote(self.old.name)}{self.join}{order}",
        )

    def _counter(self) -> tuple[Statement, ...]:
        """Carry the high-water mark of AUTOINCREMENT: numbers that were given are not given again."""
        if not self.new.auto_increment:
            return ()
        name = literal_sql(self.new.name)
        if self.old.auto_increment:
            return (
                rows(f"DELETE FROM sqlite_sequence WHERE name = {name}", "carry"),
                rows(
                    f"UPDATE sqlite_sequence SET name = {name} WHERE name = {literal_sql(self.aside)}",
                    "carry",
                ),
            )
        if self.counter:
            counter = quote(self.counter)
            return (
                rows(
                    f"UPDATE sqlite_sequence SET seq = max(seq, (SELECT counter FROM {counter}))"
                    f" WHERE name = {name} AND EXISTS (SELECT 1 FROM {counter})",
                    "carry",
                ),
                rows(
                    f"DELETE FROM sqlite_sequence WHERE name = {name}"
                    f" AND NOT EXISTS (SELECT 1 FROM {counter}) AND NOT EXISTS (SELECT 1 FROM {quote(self.new.name)})",
                    "carry",
                ),
            )
        return ()


def keep_counter(table: Table, into: str) -> tuple[Statement, ...]:
    """Return statements that keep a table's counter, which a rebuild without AUTOINCREMENT loses."""
    return (
        ddl(f"CREATE TABLE {quote(into)} (counter INTEGER)", "journal"),
        rows(
            f"INSERT INTO {quote(into)} SELECT seq FROM sqlite_sequence WHERE name = {literal_sql(table.name)}",
            "journal",
        ),
    )


def without_own_name(table: Table, text: str = "") -> tuple[Statement, ...]:
    """Return statements that write a table's text so that it can be renamed with nothing following.

    SQLite refuses where an expression in the text says the table's own name (`CHECK (t.a > 0)`).

    Args:
        text: the text to write, the table's own by default, qualifiers aside.
    """
    wanted = text or table.sql
    parsed = parse(wanted)
    cuts = [
        (reference.qualifier.start, reference.token.start, "")
        for constraint in parsed.all_constraints
        if constraint.kind in ("check", "generated")
        for reference in references(wanted, *constraint.body)
        if reference.qualifier is not None and same_name(reference.qualifier.name, table.name)
    ]
    wanted = edit(wanted, cuts)
    return restore_texts([("table", table.name, wanted)]) if wanted != table.sql else ()
