"""Name of a database's kind → its dialect, imported only when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.dialects.base import Dialect, Driver
    from engine.dialects.ledger import Ledger
    from engine.model.state import SchemaState

NAMES = ("sqlite", "postgresql", "mysql", "mariadb")
READY = ("sqlite", "postgresql", "mariadb")


def known(name: str) -> None:
    """See to it that this version runs on databases of the kind `name`.

    Raises:
        UsageError: no such dialect, or one that this version does not have.
    """
    if name in READY:
        return
    from engine.errors import UsageError

    if name in NAMES:
        raise UsageError(
            f"this version of the engine does not run on {name} yet",
            "specs may name it; SQLite, PostgreSQL and MariaDB are what works today",
        )
    raise UsageError(f"there is no dialect `{name}`", f"one of {', '.join(NAMES)}")


def load(name: str) -> Dialect:
    """Return the pure half of the dialect called `name`.

    Raises:
        UsageError: as `known`.
    """
    known(name)
    if name == "postgresql":
        from engine.dialects.postgres.dialect import PostgreSQL

        return PostgreSQL()
    if name == "mariadb":
        from engine.dialects.mysql.dialect import MySQL

        return MySQL()
    from engine.dialects.sqlite.dialect import SQLite

    return SQLite()


def connect(name: str, place: str, url: str, *, read_only: bool, lock_timeout: float) -> tuple[Any, Ledger]:
    """Return the effect half of one database: its connection and its ledger.

    Args:
        name: of the dialect.
        place: path of a file.
        url: the whole URL, with its secrets.
        read_only: change nothing.
        lock_timeout: seconds to wait for the database's own locks.

    Raises:
        EngineError: it can't be opened.
    """
    known(name)
    if name == "postgresql":
        from engine.dialects.postgres.driver import connect as connect_postgres
        from engine.dialects.postgres.ledger import Ledger as PostgresLedger

        server = connect_postgres(url, read_only=read_only, lock_timeout=lock_timeout)
        return server, PostgresLedger(server)
    if name == "mariadb":
        from engine.dialects.mysql.driver import connect as connect_mysql
        from engine.dialects.mysql.ledger import Ledger as MySQLLedger

        maria = connect_mysql(url, read_only=read_only, lock_timeout=lock_timeout)
        return maria, MySQLLedger(maria)
    from engine.dialects.sqlite.driver import connect as connect_sqlite
    from engine.dialects.sqlite.ledger import Ledger as SQLiteLedger

    file = connect_sqlite(place, read_only=read_only, lock_timeout=lock_timeout)
    return file, SQLiteLedger(file, place)


def load_state(driver: Driver) -> SchemaState:
    """Return the schema behind `driver` as it is now."""
    return load(driver.dialect).open(driver.catalogue()).state


class Quoting:
    """How templates quote for one database: `{{ name | literal }}` and `{{ name | ident }}`."""

    def __init__(self, dialect: str) -> None:
        known(dialect)
        if dialect == "postgresql":
            from engine.dialects.postgres import sql as postgres

            self._quote, self._literal = postgres.quote, postgres.literal_sql
        elif dialect == "mariadb":
            from engine.dialects.mysql import sql as mysql

            self._quote, self._literal = mysql.quote, mysql.literal_sql
        else:
            from engine.dialects.sqlite import sql

            self._quote, self._literal = sql.quote, sql.literal_sql

    def literal(self, value: object) -> str:
        """Return `value` as a SQL literal."""
        plain = value if value is None or isinstance(value, str | bool | int | float) else str(value)
        return self._literal(plain)

    def ident(self, name: str) -> str:
        """Return `name` as a quoted identifier."""
        return self._quote(name)


def library() -> str:
    """Return the version of SQLite's library, for what is remembered of its answers."""
    import _sqlite3  # the module behind sqlite3: quick to import

    return str(_sqlite3.sqlite_version)
