"""The engine's own tables that hold ways back: counted, sealed, emptied, dropped."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from engine.dialects.base import Driver
from engine.dialects.shared.ledger_sql import COUNT, DROP, is_engines
from engine.errors import DatabaseError


class OwnTables(ABC):
    """Journals and tables put aside, in one database.

    A dialect says where a table stands (`_places`), and how it is sealed.

    Args:
        driver: the connection; all writing goes through it.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    @property
    def driver(self) -> Driver:
        """The connection it writes through."""
        return self._driver

    @abstractmethod
    def _places(self, table: str) -> tuple[str, ...]:
        """Return under which names, as SQL, one of the engine's own tables stands: none, one or more."""

    def drop(self, table: str) -> None:
        """Drop one of the engine's own tables if it is there."""
        for place in self._places(_own(table)):
            self._driver.execute(DROP + place)

    def count(self, table: str) -> int | None:
        """Return the rows of one of the engine's own tables, None where it is not there."""
        for place in self._places(_own(table)):
            return int(self._driver.query(COUNT + place)[0][0])
        return None

    def empty(self, table: str, limit: int) -> bool:
        """Do nothing: a table is dropped at once, whatever it holds; a dialect where that is dear does better."""
        del table, limit
        return False

    @abstractmethod
    def seal(self, table: str) -> str:
        """See `engine.dialects.ledger.Ledger.seal`."""

    @abstractmethod
    def seal_of(self, table: str) -> str:
        """Return the seal of a table as it is now."""

    @abstractmethod
    def unseal(self, table: str) -> None:
        """Let a table be written to again."""


def digest(found: Sequence[Sequence[Any]]) -> str:
    """Return what rows of a query come to, as a short text; "" for none."""
    return sha256(repr([tuple(row) for row in found]).encode()).hexdigest()[:32] if found else ""


def _own(table: str) -> str:
    if not is_engines(table) or table.lower() == "migration_history":
        raise DatabaseError(f"`{table}` is no table of the engine, so it is not dropped")
    return table
