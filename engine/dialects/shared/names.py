"""Names in sentences, and names among others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from engine.errors import Path, Problem
from engine.model.state import fold, nearest, same_name


class Named(Protocol):
    """Anything with a name: a column, a table."""

    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)


def meant(name: str, known: Iterable[str]) -> str:
    """Return "did you mean …?" for a close name, else ""."""
    close = nearest(name, known)
    return f"did you mean `{close}`?" if close else ""


def listed(names: Iterable[str]) -> str:
    """Return names for a sentence: "`a`, `b` and `c`"."""
    quoted = [f"`{name}`" for name in names]
    return " and ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1]))) if quoted else ""


def contains(names: Iterable[str], name: str) -> bool:
    """Tell whether `name` is among `names` (ASCII case aside)."""
    return any(same_name(name, other) for other in names)


def real(names: Iterable[str], name: str) -> str:
    """Return the spelling that `name` has among `names`, "" where it is not there."""
    return next((n for n in names if same_name(n, name)), "")


def column_of(relation: str, columns: Iterable[N], name: str, path: Path) -> N:
    """Return the column called `name` among those of a table or view.

    Raises:
        Problem: RF102 there is none.
    """
    known = tuple(columns)
    for column in known:
        if fold(column.name) == fold(name):
            return column
    raise Problem(
        "RF102",
        f"`{relation}` has no column `{name}`",
        path,
        hint=meant(name, (c.name for c in known)),
        subject=f"{relation}.{name}",
    )
