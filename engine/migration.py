"""What a migration written in Python builds on, for what no spec can say."""

from __future__ import annotations

import sqlite3
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class MigrationProtocol(Protocol):
    """A class that `MigrationManager.register_migration` takes.

    `up` and `down` run in one transaction on a DB-API connection on which
    commit is refused; `validate` returning False fails the migration and
    leaves nothing behind.
    """

    def get_version(self) -> str: ...

    def get_description(self) -> str: ...

    def up(self, conn: Any) -> None: ...

    def down(self, conn: Any) -> None: ...

    def validate(self, conn: Any) -> bool: ...


class BaseMigration:
    """A base for such classes: override `get_version`, `get_description`, `up`, `down`."""

    def get_version(self) -> str:
        """Return the version, text in the same order as those of the specs."""
        raise NotImplementedError(f"{type(self).__name__} has no get_version")

    def get_description(self) -> str:
        """Return one sentence for plan and history."""
        return (type(self).__doc__ or type(self).__name__).strip().splitlines()[0]

    def up(self, conn: sqlite3.Connection) -> None:
        """Do it, on `conn`, in the transaction that is open."""
        raise NotImplementedError(f"{type(self).__name__} has no up")

    def down(self, conn: sqlite3.Connection) -> None:
        """Take it back, on `conn`, in the transaction that is open."""
        raise NotImplementedError(f"{type(self).__name__} has no down")

    def validate(self, conn: sqlite3.Connection) -> bool:
        """Return whether what `up` did holds; asked in the same transaction."""
        del conn
        return True

    def _table_exists(self, conn: sqlite3.Connection, table: str) -> bool:
        """Tell whether `conn` has a table called `table`."""
        query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE"
        return conn.execute(query, (table,)).fetchone() is not None

    def _column_exists(self, conn: sqlite3.Connection, table: str, column: str) -> bool:
        """Tell whether `table` has a column called `column`."""
        query = "SELECT 1 FROM pragma_table_xinfo(?) WHERE name = ? COLLATE NOCASE"
        return conn.execute(query, (table, column)).fetchone() is not None
