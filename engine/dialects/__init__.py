"""Name of a database's kind → its dialect, imported only when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.dialects.base import Dialect, Driver
    from engine.model.state import SchemaState

NAMES = ("sqlite", "postgresql", "mysql", "mariadb")


def known(name: str) -> None:
    """See to it that this version runs on databases of the kind `name`.

    Raises:
        UsageError: no such dialect, or one that this version does not have.
    """
    if name == "sqlite":
        return
    if name in NAMES:
        raise UsageError(
            f"this version of the engine does not run on {name} yet",
            "specs may name it; SQLite is what works today",
        )
    raise UsageError(f"there is no dialect `{name}`", f"one of {', '.join(NAMES)}")


def load(name: str) -> Dialect:
    """Return the pure half of the dialect called `name`.

    Raises:
        UsageError: as `known`.
    """
    known(name)
    from engine.dialects.sqlite.dialect import SQLite

    return SQLite()


def load_state(driver: Driver) -> SchemaState:
    """Return the schema behind `driver` as it is now."""
    return load("sqlite").open(driver.catalogue()).state


class Quoting:
    """How templates quote for one database: `{{ name | literal }}` and `{{ name | ident }}`."""

    def __init__(self, dialect: str) -> None:
        known(dialect)
        from engine.dialects.sqlite import sql

        self._sql = sql

    def literal(self, value: object) -> str:
        """Return `value` as a SQL literal."""
        plain = value if value is None or isinstance(value, str | bool | int | float) else str(value)
        return self._sql.literal_sql(plain)

    def ident(self, name: str) -> str:
        """Return `name` as a quoted identifier."""
        return self._sql.quote(name)


def library() -> str:
    """Return the version of SQLite's library, for what is remembered of its answers."""
    import _sqlite3  # the module behind sqlite3: quick to import

    return str(_sqlite3.sqlite_version)
