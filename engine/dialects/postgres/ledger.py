"""Lock, history and checkpoints of one PostgreSQL database."""

from __future__ import annotations

from engine.dialects.postgres.driver import PostgresDriver
from engine.dialects.postgres.ledger_sql import SEAL, SEALS, TEXTS, UNSEAL
from engine.dialects.postgres.lock import AdvisoryLock
from engine.dialects.postgres.sql import quote
from engine.dialects.shared.ledger import TableLedger
from engine.dialects.shared.own_tables import digest


class Ledger(TableLedger):
    """The engine's tables in one schema, and its advisory lock.

    Args:
        driver: the connection; all writing goes through it.
    """

    def __init__(self, driver: PostgresDriver) -> None:
        super().__init__(driver, TEXTS, AdvisoryLock(driver.url))

    def _places(self, table: str) -> tuple[str, ...]:
        found = self._driver.query(TEXTS.table_named, {"name": table})
        return tuple(f"{quote(str(schema))}.{quote(table)}" for (schema,) in found)

    @staticmethod
    def _stored(value: str | int) -> str | int:
        return str(value)

    @staticmethod
    def _number(value: object) -> object:
        return int(value) if isinstance(value, str) and value.isdecimal() else value

    def seal(self, table: str) -> str:
        """Let a constraint and a rule keep out whoever writes to a table, and return their digest."""
        for place in self._places(table):
            for sql in SEAL:
                self._driver.execute(sql.format(table=place))
        return self.seal_of(table)

    def seal_of(self, table: str) -> str:
        """Return the digest of what seals a table."""
        for place in self._places(table):
            return digest(self._driver.query(SEALS.format(table=place), {"table": place}))
        return ""

    def unseal(self, table: str) -> None:
        """Take constraint and rule away."""
        for place in self._places(table):
            for sql in UNSEAL:
                self._driver.execute(sql.format(table=place))
