"""Lock, history and checkpoints of one PostgreSQL database."""

from __future__ import annotations

from engine.dialects.postgres.driver import PostgresDriver
from engine.dialects.postgres.ledger_sql import TEXTS
from engine.dialects.postgres.lock import AdvisoryLock
from engine.dialects.postgres.sql import quote
from engine.dialects.shared.ledger import TableLedger


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
