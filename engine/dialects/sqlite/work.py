"""Work tables: what a step will touch, fixed before its first write (a step that reads what it writes)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.dialects.shared.frames import Text
from engine.dialects.sqlite.sql import quote
from engine.dialects.sqlite.statements import ddl, rows
from engine.dialects.sqlite.walk import Key, column_definition
from engine.model.plan import Statement
from engine.model.state import Column, fold


@dataclass(frozen=True, slots=True)
class Work:
    """A work table: the keys of the rows, and with `values` what will be written.

    Attributes:
        name: of the table.
        key: of the rows, as the relation that they come from has it.
        values: columns that the values are for; empty: keys alone.
        strict: True where those columns are a STRICT table's.
    """

    name: str
    key: Key
    values: tuple[Column, ...] = ()
    strict: bool = False

    def create(self) -> Statement:
        """Return the statement that makes it."""
        parts = [column_definition(f"key_{c.name}", c, False) for c in self.key.columns]
        parts += [column_definition(f"new_{c.name}", c, self.strict) for c in self.values]
        key = ", ".join(quote(n) for n in self.key_columns())
        return ddl(
            f"CREATE TABLE {quote(self.name)} ({', '.join(parts)}, PRIMARY KEY ({key})) WITHOUT ROWID",
            "freeze",
        )

    def key_columns(self) -> tuple[str, ...]:
        """Return the names of its key columns."""
        return tuple(f"key_{n}" for n in self.key.names)

    def value_columns(self) -> tuple[str, ...]:
        """Return the names of its value columns."""
        return tuple(f"new_{c.name}" for c in self.values)

    def fill(self, key: Sequence[str], values: Sequence[str], frame: str, condition: str, rank: str = "") -> Statement:
        """Return the statement that fixes what the step touches.

        Args:
            key, values: expressions in `frame`.
            frame: what stands after FROM.
            condition: of the rows.
            rank: expression that must be 1 (`first_of`), "" for none.
        """
        names = [*self.key_columns(), *self.value_columns()]
        head = f"INSERT INTO {quote(self.name)} ({', '.join(map(quote, names))})"
        parts = [*key, *values]
        if not rank:
            return rows(f"{head} SELECT {', '.join(parts)} FROM {frame} WHERE {condition}", "freeze")
        inner = ", ".join(f"{part} AS {quote(name)}" for part, name in zip(parts, names, strict=True))
        chosen = ", ".join(map(quote, names))
        return rows(
            f'{head} SELECT {chosen} FROM (SELECT {inner}, {rank} AS "rank" FROM {frame} WHERE {condition})'
            ' WHERE "rank" = 1',
            "freeze",
        )

    def holds(self, key: Sequence[str]) -> str:
        """Return the condition that a row with this key (as SQL) is one of those fixed."""
        ties = " AND ".join(f"work.{quote(n)} = {k}" for n, k in zip(self.key_columns(), key, strict=True))
        return f"EXISTS (SELECT 1 FROM {quote(self.name)} AS work WHERE {ties})"

    def drop(self) -> Statement:
        """Return the statement that ends it."""
        return ddl(f"DROP TABLE {quote(self.name)}", "cleanup")


def reads_table(texts: Iterable[Text], table: str) -> bool:
    """Tell whether a sub-select in one of `texts` may read rows of `table`."""
    return any(fold(table) in text.nested for text in texts)
