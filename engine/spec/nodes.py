"""The tree that the reader makes of YAML: every key and value with its span."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from engine.source import Span

Plain = str | int | bool | Decimal | None


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar.

    Attributes:
        text: the characters after YAML's unquoting (and, later, after templates).
        plain: True where it stands unquoted (and is not a block scalar).
        value: by the 1.2 rules: `true`, `false`, `null`, decimal numbers are
            not text; quoted and block scalars are always text.
        surprise: for a plain scalar that YAML 1.1 (or a reader in a hurry)
            would take for something else (`no`, `010`, `1_000`, `12:30`,
            `2024-01-31`, `~`, `.inf`, `True`, `1.10` as a version …): what it
            would be taken for, in words; "" for an innocent one.
        block: ">" or "|" for a block scalar, else "".
        empty: True for a key with nothing after its colon.
        trap: a diagnostic hint found in the raw text near the scalar (a ` #`
            that cut the rest off …); "" for none.
    """

    span: Span
    text: str
    plain: bool
    value: Plain
    surprise: str = ""
    block: str = ""
    empty: bool = False
    trap: str = ""


@dataclass(frozen=True, slots=True)
class Map:
    span: Span
    entries: tuple[tuple[Scalar, "Node"], ...]
    flow: bool = False

    def get(self, key: str) -> "Node | None":
        """Return the value of `key`, or None where it is not there."""
        return next((value for name, value in self.entries if name.text == key), None)

    def key(self, key: str) -> Scalar | None:
        """Return the key's own node."""
        return next((name for name, _ in self.entries if name.text == key), None)


@dataclass(frozen=True, slots=True)
class List:
    span: Span
    items: tuple["Node", ...]
    flow: bool = False


Node = Scalar | Map | List
