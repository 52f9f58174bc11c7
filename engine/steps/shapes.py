"""The shapes that a field of a spec can have in YAML: a small closed set.

A shape says what may be written; `engine.spec.derive` makes JSON Schema of it
and `engine.spec.convert` makes a value of a YAML node by it. The value's type
stands beside each shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

DIALECTS = ("sqlite", "postgresql", "mysql", "mariadb", "other")

SqlKind = Literal["expression", "query", "body", "script"]


@dataclass(frozen=True, slots=True)
class Name:
    """A name of something in the database → `str`."""


@dataclass(frozen=True, slots=True)
class Names:
    """A list of names, of which one may stand without brackets → `tuple[str, ...]`.

    Attributes:
        least: fewest names.
        word: a bare word that may stand in its place, and is no name → `str`.
    """

    least: int = 1
    word: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """Words for people, or a label → `str`; with `nullable` also `None`.

    Attributes:
        hint: what to say to someone who writes something else.
    """

    nullable: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """One of some fixed words (`True` and `False` among them stand for YAML's own) → `str`."""

    choices: tuple[str | bool, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """A list of fixed words; one may stand without brackets → `tuple[str, ...]`."""

    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flag:
    """`true` or `false` → `bool`."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number, or the fixed `word` → `int | str`."""

    minimum: int = 0
    word: str = ""


@dataclass(frozen=True, slots=True)
class SqlText:
    """SQL, or SQL per database → `Sql`; for a `script` one or several statements → `tuple[Sql, ...]`."""

    kind: SqlKind = "expression"


@dataclass(frozen=True, slots=True)
class Value:
    """A value as it stands, or `{sql: …}` → `Literal | Sql`.

    With `default`, a text that spells a function is refused.
    """

    default: bool = False


@dataclass(frozen=True, slots=True)
class Expr:
    """SQL, a plain number or flag, `{value: …}` or `{parse: …}` → `Expression`."""


@dataclass(frozen=True, slots=True)
class Type:
    """A type, or a type per database → `PerDialect`."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """Text, a number or a flag, as it stands → `str | int | bool`."""


@dataclass(frozen=True, slots=True)
class MapOf:
    """Names on the left → `tuple[tuple[str, value], ...]`, in the order in which they are written.

    Attributes:
        value: shape of what stands on the right.
        choices: the only names there may be; empty for any.
        or_names: whether a list (or one bare name) may stand in its place → `tuple[str, ...]`.
        word: a bare word that may stand in its place, and is no name → `str`.
    """

    value: "Shape"
    choices: tuple[str, ...] = ()
    or_names: bool = False
    word: str = ""


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list → `tuple[value, ...]`.

    Attributes:
        least: fewest items.
        bare: whether one plain item may stand without brackets.
    """

    item: "Shape"
    least: int = 1
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with fixed keys: a dataclass whose fields are made by `field` → that class.

    Attributes:
        of: the class, or a function that returns it where it is not yet defined.
        hint: what to say to someone who writes something else.
    """

    of: type | Callable[[], type]
    hint: str = ""

    def cls(self) -> type:
        """Return the class."""
        return self.of if isinstance(self.of, type) else self.of()


@dataclass(frozen=True, slots=True)
class Part:
    """What the building of a spec takes apart itself: a named part of the schema → the YAML node."""

    name: Literal["steps", "undo", "for_each", "variables"]


Shape = (
    Name
    | Names
    | Text
    | Word
    | Words
    | Flag
    | Whole
    | SqlText
    | Value
    | Expr
    | Type
    | Scalar
    | MapOf
    | ListOf
    | Record
    | Part
)
