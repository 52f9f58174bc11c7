"""MariaDB's error numbers → an error that a person can act on."""

from __future__ import annotations

from engine.errors import DatabaseError, EngineError, LockHeld

_LOST = frozenset({2006, 2013, 2055, 1053, 1927, 4031})
_STOPPED = frozenset({1317, 1028})
_AGAIN = {1205: "waited too long for a lock", 1213: "met a deadlock", 1020: "met a row that changed meanwhile"}
_CONSTRAINT = frozenset(
    {1022, 1048, 1062, 1136, 1169, 1216, 1217, 1264, 1265, 1292, 1364, 1365, 1366, 1406, 1411, 1451, 1452, 1586, 1690}
    | {3819, 4025}
)
_FULL = frozenset({1021, 1114, 3, 28})
_READONLY = frozenset({1290, 1792, 1836})
_HINTS = {
    1044: "the user that connects needs more rights on this database",
    1142: "the user that connects needs more rights on this table",
    1143: "the user that connects needs more rights on this table",
    1290: "this server only reads: connect to the primary",
    1836: "this server only reads: connect to the primary",
    1021: "free space on the server's disk",
    1114: "free space on the server's disk",
}


def reason_of(number: int) -> str:
    """Return the word by which the runner judges an error with this number."""
    for numbers, word in ((_CONSTRAINT, "constraint"), (_FULL, "full"), (_READONLY, "readonly"), (_LOST, "io")):
        if number in numbers:
            return word
    return "error"


def refusal(number: int, message: str, sql: str, *, lost: bool, asked: bool) -> EngineError:
    """Return the error for a refusal.

    Args:
        number: the server's, 0 where the connection broke.
        message: the server's words.
        sql: the statement.
        lost: True where the connection is gone.
        asked: True where somebody asked for a stop.
    """
    words = message.strip() or "the server gave no reason"
    details = {"sql": sql[:2000], "errno": str(number)}
    if number in _STOPPED:
        details["reason"] = "interrupted" if asked else "error"
        return DatabaseError("the statement was stopped" if asked else words, details=details)
    if lost or number in _LOST:
        details["reason"] = "io"
        return DatabaseError("the connection to the server was lost", words.splitlines()[0], details=details)
    if number in _AGAIN:
        details |= {"reason": "busy", "again": "yes"}
        return LockHeld(f"a statement {_AGAIN[number]}", "try again when the database is less busy", details=details)
    details["reason"] = reason_of(number)
    return DatabaseError(words, _HINTS.get(number, ""), details=details)
