"""What a server said of a plan before it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refused:
    """A statement that the server would not take.

    Attributes:
        unit: place of its unit among those that were rehearsed.
        message: the server's words.
        hint: its hint, "" for none.
        sql: the statement.
        at: where in `sql` the server points, from 0; -1 where it points at nothing.
    """

    unit: int
    message: str
    hint: str
    sql: str
    at: int = -1
