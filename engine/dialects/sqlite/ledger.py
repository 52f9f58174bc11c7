"""Lock, history and checkpoints of one SQLite database."""

from __future__ import annotations

import os
from pathlib import Path

from engine.dialects.base import Driver
from engine.dialects.shared.ledger import TableLedger
from engine.dialects.shared.own_tables import digest
from engine.dialects.sqlite.ledger_sql import EMPTY, EVENTS, SEAL, SEALS, TEXTS, UNSEAL
from engine.dialects.sqlite.lock import FileLock
from engine.dialects.sqlite.opening import MEMORY
from engine.dialects.sqlite.sql import quote
from engine.errors import DatabaseError


class Ledger(TableLedger):
    """The engine's tables in one database, and its lock beside it.

    Args:
        driver: the connection; all writing goes through it.
        path: of the file, or `:memory:` (which nobody else can open: no lock file).
    """

    def __init__(self, driver: Driver, path: str | os.PathLike[str] = MEMORY) -> None:
        place = os.fspath(path)
        super().__init__(driver, TEXTS, None if place == MEMORY or not Path(place).name else FileLock(place))

    def _places(self, table: str) -> tuple[str, ...]:
        return (quote(table),) if self._driver.query(TEXTS.table_named, {"name": table}) else ()

    def empty(self, table: str, limit: int) -> bool:
        """Delete up to `limit` rows of one of the engine's own tables; return whether any may be left."""
        self.unseal(table)
        for place in self._places(table):
            try:
                return self._driver.execute(EMPTY.format(table=place), {"rows": limit}) >= limit
            except DatabaseError as error:
                if "rowid" not in error.message:  # WITHOUT ROWID: it goes in one piece
                    raise
        return False

    def seal(self, table: str) -> str:
        """Let triggers refuse whoever writes to a table, and return their digest."""
        for place in self._places(table):
            for event in EVENTS:
                self._driver.execute(SEAL.format(name=_trigger(table, event), event=event.upper(), table=place))
        return self.seal_of(table)

    def seal_of(self, table: str) -> str:
        """Return the digest of the triggers that seal a table."""
        return digest(self._driver.query(SEALS, {"table": table}))

    def unseal(self, table: str) -> None:
        """Take the triggers away."""
        for event in EVENTS:
            self._driver.execute(UNSEAL.format(name=_trigger(table, event)))


def _trigger(table: str, event: str) -> str:
    return quote(f"{table}_sealed_{event}")
