"""Work tables: what a step will touch, fixed before its first write (a step that reads what it writes)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.dialects.postgres.schema import PgColumn
from engine.dialects.postgres.sql import cast_type, quote
from engine.dialects.postgres.statements import ddl, rows
from engine.dialects.postgres.walk import Key, column_definition, parts
from engine.dialects.shared.frames import Text
from engine.model.plan import Statement
from engine.model.state import fold


@dataclass(frozen=True, slots=True)
class Work:
    """A work table: the keys of the rows, and with `values` what will be written.

    Attributes:
        name: of the table.
        key: of the rows, as the relation that they come from has it.
        values: columns that the values are for; empty: keys alone.
    """

    name: str
    key: Key
    values: tuple[PgColumn, ...] = ()

    def create(self) -> Statement:
        """Return the statement that makes it."""
        columns = [column_definition(f"key_{c.name}", c) for c in self.key.columns]
        columns += [column_definition(f"new_{c.name}", c) for c in self.values]
        key = ", ".join(quote(n) for n in self.key_columns())
        return ddl(f"CREATE TABLE {quote(self.name)} ({', '.join(columns)}, PRIMARY KEY ({key}))", "freeze")

    def key_columns(self) -> tuple[str, ...]:
        """Return the names of its key columns."""
        return tuple(f"key_{n}" for n in self.key.names)

    def key_parts(self, alias: str = "") -> tuple[tuple[str, str], ...]:
        """Return its key columns as SQL with their types."""
        return parts(self.key, alias, "key_")

    def value_columns(self) -> tuple[str, ...]:
        """Return the names of its value columns."""
        return tuple(f"new_{c.name}" for c in self.values)

    def fill(
        self, key: Sequence[str], values: Sequence[str], frame: str, condition: str, rank: str = "", pick: str = "= 1"
    ) -> Statement:
        """Return the statement that fixes what the step touches.

        Args:
            key, values: expressions in `frame`.
            frame: what stands after FROM.
            condition: of the rows.
            rank: expression that must be as `pick` says (`first_of`), "" for none.
        """
        names = [*self.key_columns(), *self.value_columns()]
        head = f"INSERT INTO {quote(self.name)} ({', '.join(map(quote, names))})"
        chosen = [*key, *values]
        if not rank:
            return rows(f"{head} SELECT {', '.join(chosen)} FROM {frame} WHERE {condition}", "freeze")
        # In a sub-select a bare literal would be text.
        cast = [*key, *(f"CAST(({v}) AS {cast_type(c.type)})" for v, c in zip(values, self.values, strict=True))]
        inner = ", ".join(f"{part} AS {quote(name)}" for part, name in zip(cast, names, strict=True))
        return rows(
            f'{head} SELECT {", ".join(map(quote, names))} FROM (SELECT {inner}, {rank} AS "rank" FROM {frame}'
            f' WHERE {condition}) AS ranked WHERE "rank" {pick}',
            "freeze",
        )

    def holds(self, key: Sequence[str]) -> str:
        """Return the condition that a row with this key (as SQL) is one of those fixed."""
        ties = " AND ".join(f"engine_work.{quote(n)} = {k}" for n, k in zip(self.key_columns(), key, strict=True))
        return f"EXISTS (SELECT 1 FROM {quote(self.name)} AS engine_work WHERE {ties})"

    def drop(self) -> Statement:
        """Return the statement that ends it."""
        return ddl(f"DROP TABLE {quote(self.name)}", "cleanup")


def reads_table(texts: Iterable[Text], table: str) -> bool:
    """Tell whether a sub-select in one of `texts` may read rows of `table`."""
    return any(fold(table) in text.nested for text in texts)
