"""A random SQLite database: what stands in it, as objects that steps can be made for.

Objects are told apart by identity, so that a rename is an assignment: whatever uses a column finds its new name.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field

PLAIN_TABLES = ("t", "albums", "Track", "log", "x1", "users", "item")
ODD_TABLES = ("order", "my table", 'we"ird', "🎬", "Ünï", "table", "a.b", "it's", "100%", "[x]", "new", "sel`ect")
PLAIN_COLUMNS = ("a", "b", "c", "note", "Title", "kind", "n", "price", "v", "w", "made", "size")
ODD_COLUMNS = (
    *("order", "with space", 'qu"ote', "🎬", "é", "select", "x.y", "it's", "100%", "new", "a-b", "[k]", "1st"),
    *("ti`ck", "from", "value", "sqlite", "old", "null", "oid"),
)
WORD = re.compile(r"[a-z_][a-z0-9_]*", re.IGNORECASE)
KEYWORDS = {"order", "table", "select", "from", "null", "group", "index", "values", "new", "old", "value"}
TYPES = {
    "integer": ("INTEGER", "INT", "BIGINT", "integer"),
    "text": ("TEXT", "VARCHAR(20)", "CHAR(5)", "text"),
    "real": ("REAL", "DOUBLE", "FLOAT"),
    "blob": ("BLOB",),
    "any": ("",),
    "numeric": ("NUMERIC", "DECIMAL(10,2)", "BOOLEAN", "DATE"),
}
STRICT_TYPES = {"integer": "INTEGER", "text": "TEXT", "real": "REAL", "blob": "BLOB", "any": "ANY", "numeric": "ANY"}
PORTABLE = {
    "integer": ("integer", "bigint", "smallint"),
    "text": ("text", "varchar(20)", "json", "timestamp"),
    "real": ("real", "double"),
    "blob": ("blob",),
    "numeric": ("decimal(10,2)", "boolean"),
}
ODD_VALUES = (
    *("NULL", "''", "'x'", "'X'", "' pad '", "'007'", "'1e3'", "'🎬'", "'é'", "'e\u0301'", "'it''s'", "'a\"b'"),
    *("0", "1", "-1", "42", "9007199254740993", "9223372036854775807", "-9223372036854775807 - 1"),
    *("0.0", "-0.0", "1.5", "0.1", "9e999", "-9e999", "5e-324", "1e308", "X''", "X'00ff'", "X'31'"),
    *("CAST(X'610062' AS TEXT)", "'1.50'", "'abc'", "'true'", "'two\nlines'", "'%d :x ?'"),
)
BY_KIND = {
    "integer": ("NULL", "0", "1", "2", "-3", "42", "9007199254740993", "9223372036854775807", "7"),
    "text": (
        *("NULL", "''", "'x'", "'X'", "' pad '", "'007'", "'1e3'", "'🎬'", "'it''s'", "'abc'", "'Zed'"),
        "CAST(X'610062' AS TEXT)",
    ),
    "real": ("NULL", "0.0", "-0.0", "1.5", "0.1", "9e999", "5e-324", "2.0"),
    "blob": ("NULL", "X''", "X'00ff'", "X'31'", "X'e9'"),
    "any": ODD_VALUES,
    "numeric": ODD_VALUES,
}
ACTIONS = ("", "", " ON DELETE CASCADE", " ON DELETE SET NULL", " ON DELETE RESTRICT", " ON DELETE SET DEFAULT")


def quoted(name: str) -> str:
    """Return a name as every spec may write it in SQL."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(eq=False)
class Column:
    """A column; `kind` says which values go well with it."""

    name: str
    kind: str
    type: str = ""
    null: bool = True
    generated: str = ""
    default: str = ""

    @property
    def sql(self) -> str:
        """Its name, quoted."""
        return quoted(self.name)

    @property
    def base(self) -> str:
        """Its kind, of a column in a foreign key too."""
        return self.kind.removeprefix("parent:")


@dataclass(eq=False)
class Key:
    """A UNIQUE, CHECK or FOREIGN KEY of a table."""

    kind: str
    name: str
    columns: list[Column]
    text: str = ""
    parent: Table | None = None
    parent_columns: list[Column] = field(default_factory=list)


@dataclass(eq=False)
class Table:
    """A table as its columns and keys."""

    name: str
    columns: list[Column] = field(default_factory=list)
    key: list[Column] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    strict: bool = False
    without_rowid: bool = False
    counter: bool = False

    @property
    def sql(self) -> str:
        """Its name, quoted."""
        return quoted(self.name)

    @property
    def plain(self) -> list[Column]:
        """The columns that can be written."""
        return [c for c in self.columns if not c.generated]

    @property
    def free(self) -> list[Column]:
        """The columns that can be written and are in no key."""
        return [c for c in self.plain if c not in self.key]

    @property
    def automatic(self) -> bool:
        """Whether the key is given by the database where none is named."""
        return len(self.key) == 1 and self.key[0].type.upper() == "INTEGER" and not self.without_rowid


@dataclass(eq=False)
class Thing:
    """An index, a view or a trigger, and the columns and tables that it needs."""

    kind: str
    name: str
    table: Table | None
    columns: list[Column] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    shows: list[str] = field(default_factory=list)


@dataclass
class Schema:
    """All that stands in the database, as far as steps are to know.

    Attributes:
        orphans: some rows refer to nothing from the beginning.
        trees: some table refers to itself, or did.
    """

    tables: list[Table] = field(default_factory=list)
    things: list[Thing] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    orphans: bool = False
    trees: bool = False

    def of(self, kind: str) -> list[Thing]:
        """Return the things of a kind."""
        return [t for t in self.things if t.kind == kind]

    def needed(self, column: Column) -> bool:
        """Tell whether anything but the table's own list of columns needs `column`."""
        in_keys = any(
            column in key.columns or column in key.parent_columns for table in self.tables for key in table.keys
        )
        made = any(c.generated and column.sql in c.generated for table in self.tables for c in table.columns)
        return in_keys or made or any(column in thing.columns for thing in self.things)

    def reading(self, table: Table) -> list[Thing]:
        """Return the views and triggers of other tables that name `table`."""
        return [t for t in self.things if table in t.tables and t.table is not table]

    def children(self, table: Table) -> list[Table]:
        """Return the tables with a foreign key to `table`, itself aside."""
        return [t for t in self.tables if t is not table and any(k.parent is table for k in t.keys)]

    def name(self, rng: random.Random, plain: tuple[str, ...], odd: tuple[str, ...]) -> str:
        """Return a name that nothing has."""
        for _ in range(50):
            found = rng.choice(odd if rng.random() < 0.3 else plain)
            if rng.random() < 0.3:
                found += str(rng.randint(1, 99))
            if found.lower() not in self.names:
                self.names.add(found.lower())
                return found
        raise AssertionError("no name is left")


def column_name(rng: random.Random, taken: set[str]) -> str:
    """Return a name that no column of the table has; it is taken then."""
    while True:
        found = rng.choice(ODD_COLUMNS if rng.random() < 0.25 else PLAIN_COLUMNS)
        if rng.random() < 0.15:
            found += str(rng.randint(1, 9))
        if found.lower() not in taken:
            taken.add(found.lower())
            return found
