"""Lock, history and checkpoints of one MariaDB database, whose schema statements commit by themselves."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engine.dialects.mysql.driver import MySQLDriver
from engine.dialects.mysql.ledger_sql import CHECKSUM, TEXTS
from engine.dialects.mysql.lock import NamedLock, WritersLock
from engine.dialects.mysql.sql import quote
from engine.dialects.shared import ledger_sql as common
from engine.dialects.shared.ledger import TableLedger

_NEW = "engine_new_"


class Ledger(TableLedger):
    """The engine's tables in one database, and its named lock.

    Args:
        driver: the connection; all writing goes through it.
    """

    def __init__(self, driver: MySQLDriver) -> None:
        super().__init__(driver, TEXTS, NamedLock(driver.url))
        self._writers = WritersLock(driver)

    @contextmanager
    def lock(self, command: str, wait: float = 0.0, give_up: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """Hold the engine's lock, when nothing is left that the server does for a client that died.

        Raises:
            LockHeld: somebody else holds it, or the server is still at a statement of a run that ended.
            Stopped: it was given up.
            DatabaseError: it can't be made, or asked for.
        """
        deadline = time.monotonic() + wait
        with super().lock(command, wait, give_up):
            self._writers.acquire(deadline, give_up)
            try:
                yield
            finally:
                self._writers.release()

    def _make(self) -> None:
        """Make the tables under other names, fill them, and let them all appear by one RENAME, which is atomic."""
        self._driver.commit()
        for name, table in zip(common.TABLE_NAMES, self._in_order(), strict=True):
            self._driver.execute(f"{common.DROP}{_NEW}{name}")
            self._driver.execute(table.replace(f"EXISTS {name} ", f"EXISTS {_NEW}{name} ", 1))
        # Random names a database for good; it is part of no plan.
        for key, value in (("format", common.FORMAT), ("fence", 0), ("uuid", os.urandom(16).hex())):
            sql = TEXTS.set_meta.replace("engine_meta", f"{_NEW}engine_meta", 1)
            self._driver.execute(sql, {"key": key, "value": self._stored(value)})
        moves = ", ".join(f"{_NEW}{name} TO {name}" for name in common.TABLE_NAMES)
        self._driver.execute(f"RENAME TABLE {moves}")
        self._driver.begin()

    @staticmethod
    def _in_order() -> list[str]:
        return [next(t for t in TEXTS.tables if f"EXISTS {name} " in t) for name in common.TABLE_NAMES]

    def _places(self, table: str) -> tuple[str, ...]:
        return tuple(quote(str(name)) for (name,) in self._driver.query(TEXTS.table_named, {"name": table}))

    def drop(self, table: str) -> None:
        """Drop one of the engine's own tables if it is there; what the transaction holds is committed by that."""
        within = self._driver.in_transaction
        if within:
            self._driver.commit()
        super().drop(table)
        if within:
            self._driver.begin()

    @staticmethod
    def _stored(value: str | int) -> str | int:
        return str(value)

    @staticmethod
    def _number(value: object) -> object:
        return int(value) if isinstance(value, str) and value.isdecimal() else value

    def seal(self, table: str) -> str:
        """Return a checksum of what a journal holds: a trigger would commit the batch, and ask for rights of its own.

        A table that is put aside as it was has none: it may be large.
        """
        return "" if table.startswith("engine_aside_") else self.seal_of(table)

    def seal_of(self, table: str) -> str:
        """Return the server's own checksum of all rows, whatever their order."""
        for place in self._places(table):
            return f"checksum {self._driver.query(CHECKSUM.format(table=place))[0][1]}"
        return ""

    def unseal(self, table: str) -> None:
        """Do nothing: nobody is kept out."""
