"""PostgreSQL's SQLSTATE → an error that a person can act on."""

from __future__ import annotations

from engine.errors import DatabaseError, EngineError, LockHeld

_REASONS = {
    "08": "io",  # the connection
    "53": "full",  # disk, memory, connections
    "57P": "io",  # the server goes down
    "58": "io",
    "XX": "corrupt",
    "23": "constraint",
    "22": "constraint",  # a value that does not fit
    "25006": "readonly",
}
_AGAIN = frozenset({"40001", "40P01", "55P03"})  # serialization, deadlock, lock_timeout
_HINTS = {
    "42501": "the role that connects needs more rights on this table or schema",
    "25006": "this server or session only reads: connect to the primary",
    "57014": "somebody cancelled it, or `statement_timeout` of the role or database is shorter than it takes",
    "53100": "free space on the server's disk",
    "53300": "the server has no connection left",
}


def reason_of(state: str) -> str:
    """Return the word by which the runner judges an error with this SQLSTATE."""
    for length in (5, 3, 2):
        found = _REASONS.get(state[:length])
        if found:
            return found
    return "error"


def refusal(
    state: str, message: str, detail: str, sql: str, *, lost: bool, asked: bool, blocker: str = ""
) -> EngineError:
    """Return the error for a refusal.

    Args:
        state: SQLSTATE, "" where the connection broke.
        message, detail: the server's words.
        sql: the statement.
        lost: True where the connection is gone.
        asked: True where somebody asked for a stop.
        blocker: who holds what was waited for, "" if not known.
    """
    words = message.strip() or "the server gave no reason"
    details = {"sql": sql[:2000], "sqlstate": state}
    if lost:
        details["reason"] = "io"
        return DatabaseError("the connection to the server was lost", words.splitlines()[0], details=details)
    if state in _AGAIN:
        details |= {"reason": "busy", "again": "yes"}
        what = {"40001": "was asked by the server to try again", "40P01": "met a deadlock"}.get(
            state, "waited too long for a lock"
        )
        return LockHeld(f"a statement {what}", blocker or "try again when the database is less busy", details=details)
    if state == "57014":
        details["reason"] = "interrupted" if asked else "error"
        if asked:
            return DatabaseError("the statement was stopped", details=details)
        return DatabaseError(words, _HINTS[state], details=details)
    details["reason"] = reason_of(state)
    shown = f"{words} ({detail.strip()})" if detail else words
    return DatabaseError(shown, _HINTS.get(state, ""), details=details)
