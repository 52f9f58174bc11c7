"""The connection behind a shadow: in memory, watched, and copied with what it has to be given anew."""

from __future__ import annotations

import re
import sqlite3
import weakref
from dataclasses import dataclass, field
from typing import Protocol

from engine.dialects.sqlite.touches import Touch

_MISSING = re.compile(r"no such (table|column|function|index|view|trigger|collation sequence|module): (.*)", re.DOTALL)
_SETTINGS = ("foreign_keys", "legacy_alter_table")
OPCODES = 1_000_000  # on tables without rows a query needs a few hundred
_MOST_LOOKS = 5  # after so many times as many any statement is ended
_LIMIT_LENGTH = 0  # SQLITE_LIMIT_LENGTH, which Python names since 3.11
_LONGEST = 64 * 1024 * 1024  # bytes of a value

# Authorizer actions that change something, by which of their arguments names it.
_CHANGES_FIRST = frozenset(
    {
        sqlite3.SQLITE_INSERT,
        sqlite3.SQLITE_UPDATE,
        sqlite3.SQLITE_DELETE,
        sqlite3.SQLITE_CREATE_TABLE,
        sqlite3.SQLITE_CREATE_VIEW,
        sqlite3.SQLITE_CREATE_VTABLE,
        sqlite3.SQLITE_DROP_TABLE,
        sqlite3.SQLITE_DROP_VIEW,
        sqlite3.SQLITE_DROP_VTABLE,
    }
)
_CHANGES_SECOND = frozenset(
    {
        sqlite3.SQLITE_ALTER_TABLE,
        sqlite3.SQLITE_CREATE_INDEX,
        sqlite3.SQLITE_DROP_INDEX,
        sqlite3.SQLITE_CREATE_TRIGGER,
        sqlite3.SQLITE_DROP_TRIGGER,
    }
)


class ShadowError(Exception):
    """SQLite refused a statement.

    Attributes:
        message: SQLite's words.
        missing: kind and name of what there is none of (`("column", "t.x")`), or None.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        match = _MISSING.search(message)
        self.missing: tuple[str, str] | None = (match[1], match[2]) if match else None


class User(Protocol):
    """Who stands on a connection: a shadow, or a savepoint of one."""

    base: Base


@dataclass(slots=True)
class Base:
    """A connection, and what a copy of it has to be given anew.

    Attributes:
        users: all who stand on it, the one it was made for first; only one who is alone may change anything.
    """

    connection: sqlite3.Connection
    users: weakref.WeakSet[User] = field(default_factory=weakref.WeakSet)
    owner: weakref.ref[User] | None = None
    log: list[Touch] = field(default_factory=list)
    looks: list[int] = field(default_factory=list)

    def watch(self) -> None:
        """See to it that no statement runs on and on: a shadow has no rows."""
        looks = self.looks  # not `self`: the connection would keep its own owner alive

        def look() -> bool:
            looks.append(1)
            return len(looks) > _MOST_LOOKS

        self.connection.set_progress_handler(look, OPCODES)

    def __del__(self) -> None:
        self.connection.close()


def connect(collations: tuple[str, ...]) -> Base:
    """Return a new one, which stands in for `collations` that the library lacks."""
    # no cache of statements: a cached one would not tell the authorizer again what it does
    base = Base(sqlite3.connect(":memory:", isolation_level=None, cached_statements=0))
    log = base.log

    def note(action: int, first: str | None, second: str | None, _: str | None, source: str | None) -> int:
        if action == sqlite3.SQLITE_READ:
            log.append(Touch("read", first or "", second or "", source or ""))
        elif action == sqlite3.SQLITE_FUNCTION:
            log.append(Touch("call", second or "", "", source or ""))
        elif action in _CHANGES_FIRST:
            column = second if action == sqlite3.SQLITE_UPDATE else ""
            log.append(Touch("write", first or "", column or "", source or ""))
        elif action in _CHANGES_SECOND:
            log.append(Touch("write", second or "", "", source or ""))
        return sqlite3.SQLITE_OK

    for name in collations:
        base.connection.create_collation(name, lambda a, b: (a > b) - (a < b))
    base.connection.execute("PRAGMA page_size=512")  # copies are by the page, and each object takes one
    base.connection.execute("PRAGMA foreign_keys=ON")  # as the driver's connection has it
    base.connection.set_authorizer(note)
    base.watch()
    if hasattr(base.connection, "setlimit"):  # Python 3.11
        base.connection.setlimit(_LIMIT_LENGTH, _LONGEST)
    return base


def own(user: User, collations: tuple[str, ...]) -> None:
    """See to it that nobody else stands on a user's connection.

    Who has it for their own keeps it, with the schema that the library has read there; the others get a copy.

    Raises:
        ShadowError: a transaction is open.
    """
    base = user.base
    others = [other for other in base.users if other is not user]
    if not others:
        return
    copy = _copied(base, collations)
    movers = others if base.owner is None or base.owner() in (None, user) else [user]
    for mover in movers:
        base.users.discard(mover)
        copy.users.add(mover)
        mover.base = copy
    user.base.owner = weakref.ref(user)


def see_whole(base: Base) -> None:
    """See to it that a copy can be made.

    Raises:
        ShadowError: a transaction is open.
    """
    if base.connection.in_transaction:  # the library's copy would wait for ever
        raise ShadowError("a transaction is open, the schema can't be copied now")


def _copied(base: Base, collations: tuple[str, ...]) -> Base:
    see_whole(base)
    copy = connect(collations)
    base.connection.backup(copy.connection)
    for setting in _SETTINGS:
        (value,) = base.connection.execute(f"PRAGMA {setting}").fetchone()
        copy.connection.execute(f"PRAGMA {setting}={value}")
    return copy
