"""By what rows are told apart, and the checks that it holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from engine.dialects.shared.frames import Syntax
from engine.errors import Path
from engine.model.plan import Check, Loop, Statement
from engine.model.state import fold


class Column(Protocol):
    """A column of a dialect's own kind."""

    @property
    def name(self) -> str: ...


C_co = TypeVar("C_co", bound=Column, covariant=True)


@dataclass(frozen=True, slots=True)
class Key(Generic[C_co]):
    """Columns that tell the rows of a relation apart.

    Attributes:
        columns: the columns; for a hidden row id one made-up column of its name.
        hidden: True for a hidden row id, which no index of the user protects.
        nullable: the columns that may hold NULL for all that the schema says.
        unique: True where the schema vouches for it.
    """

    columns: tuple[C_co, ...]
    hidden: bool = False
    nullable: tuple[str, ...] = ()
    unique: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(c.name for c in self.columns)

    @property
    def words(self) -> str:
        """The key for people: `id`, or `album_id, track_id`."""
        return ", ".join(self.names)


def holds(columns: Sequence[str], unique: Iterable[Sequence[str]]) -> bool:
    """Tell whether `columns` hold one of the column lists that are kept unique."""
    mine = set(map(fold, columns))
    return any(set(map(fold, k)) <= mine for k in unique)


def key_checks(
    syntax: Syntax, key: Key[Column], relation: str, frame: str, where: str, path: Path
) -> tuple[Check, ...]:
    """Return the checks that a key holds no NULL and tells rows apart, where the schema does not say so.

    Args:
        syntax: the database's.
        key: the key.
        relation: name for people.
        frame: what stands after FROM.
        where: condition of the rows that are walked, "" for all.
        path: of the field that says the key.
    """
    question = syntax.question
    checks: list[Check] = []
    also = f" AND ({where})" if where else ""
    for name in key.nullable:
        condition = f"FROM {frame} WHERE {syntax.quote(name)} IS NULL{also}"
        checks.append(
            Check(
                f"{relation}: {name}, by which the rows are told apart, is never NULL",
                question(f"SELECT count(*) {condition}"),
                maximum=0,
                sample=question(f"SELECT * {condition} LIMIT 5", "sample"),
                path=path,
                failure=f"{{count}} rows of {relation} have no {name}: give another `key`, or fill it first",
            )
        )
    if not key.unique:
        names = ", ".join(map(syntax.quote, key.names))
        groups = f"FROM {frame}{f' WHERE {where}' if where else ''} GROUP BY {names} HAVING count(*) > 1"
        checks.append(
            Check(
                f"{relation}: ({key.words}) is unique",
                question(f"SELECT count(*) FROM {syntax.derived(f'SELECT 1 {groups}', 'g')}"),
                maximum=0,
                sample=question(f"SELECT {names}, count(*) {groups} LIMIT 5", "sample"),
                path=path,
                failure=f"{{count}} values of ({key.words}) stand in more than one row of {relation}",
            )
        )
    return tuple(checks)


@dataclass(frozen=True, slots=True)
class Walk:
    """The key of a relation as SQL, for the loop over it.

    Attributes:
        relation: table as it is named in the database.
        keys: the key for people, a name a column.
        columns: the key's columns as they are ordered by.
        shown: the same as they are read; a checkpoint holds what they give.
        ahead: the condition of rows from `:lo` to `:up`, both within.
        beyond: the condition of rows above `:hi`, up to `:up`.
    """

    relation: str
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    shown: tuple[str, ...]
    ahead: str
    beyond: str

    def loop(self, syntax: Syntax, body: Sequence[Statement], size: int | None) -> Loop:
        """Return the loop.

        Args:
            syntax: the database's.
            body: statements of a batch.
            size: rows per batch, None for adaptive.
        """
        table, question = syntax.quote(self.relation), syntax.question
        up, down = ", ".join(self.columns), ", ".join(f"{n} DESC" for n in self.columns)
        shown = ", ".join(self.shown)
        # One sub-select per end: min() and max() in one query would read the whole table.
        ends = [f"(SELECT {n} FROM {table} ORDER BY {order} LIMIT 1)" for order in (up, down) for n in self.shown]
        read = f"SELECT {shown} FROM {table}"
        return Loop(
            table=self.relation,
            keys=self.keys,
            start=question(f"SELECT {', '.join(ends)}", "start"),
            bound=question(f"{read} WHERE {self.ahead} ORDER BY {up} LIMIT 1 OFFSET :skip", "bound"),
            body=tuple(body),
            following=question(f"{read} WHERE {self.beyond} ORDER BY {up} LIMIT 1", "following"),
            size=size,
        )
