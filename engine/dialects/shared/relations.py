"""Tables and views that a step names: found, or told why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from engine.dialects.shared.names import meant
from engine.dialects.shared.schema import AnySchema, AnyTable, View
from engine.errors import Path, Problem
from engine.model.state import fold

T = TypeVar("T", bound=AnyTable[Any, Any])
V = TypeVar("V", bound=View)


@dataclass(frozen=True, slots=True)
class Naming:
    """What is said of names that can't be used.

    Attributes:
        dotted: what a dot in a name would mean, and why not.
        dotted_hint: what to do about it.
        reserved: prefixes that are kept, folded.
        owner: who keeps a folded name.
    """

    dotted: str
    dotted_hint: str
    reserved: tuple[str, ...]
    owner: Callable[[str], str]

    def own_table(
        self, schema: AnySchema[T, Any, Any, Any], name: str, path: Path, in_the_way: tuple[str, ...] | None = None
    ) -> T:
        """Return the table called `name` that a step changes.

        Args:
            schema: as it is so far.
            name: as the step says it.
            path: of the field.
            in_the_way: features that stop the step, None for any.

        Raises:
            Problem: RF101 there is none, RF111 it is a view; SP111 it has what the engine does not model.
        """
        found = schema.table(name)
        if found is None:
            if schema.view(name):
                raise Problem("RF111", f"`{name}` is a view, and this step is for tables", path, subject=name)
            self.see_plain(name, path)
            hint = meant(name, (t.name for t in schema.tables))
            raise Problem("RF101", f"there is no table `{name}`", path, hint=hint, subject=name)
        features = [f for f in found.features if in_the_way is None or f in in_the_way]
        if features:
            raise Problem(
                "SP111",
                f"`{found.name}` has {' and '.join(features)}, which the engine does not handle yet",
                path,
                hint="write `sql` with `undo` for it",
                subject=found.name,
            )
        return found

    def relation(self, schema: AnySchema[T, Any, V, Any], name: str, path: Path) -> T | V:
        """Return the table or view called `name`.

        Raises:
            Problem: RF101 there is none.
        """
        found = schema.table(name) or schema.view(name)
        if found is None:
            self.see_plain(name, path)
            hint = meant(name, [r.name for r in schema.relations])
            raise Problem("RF101", f"there is no table or view `{name}`", path, hint=hint, subject=name)
        return found

    def see_plain(self, name: str, path: Path) -> None:
        """See to it that a name has no dot.

        Raises:
            Problem: SP111 it has.
        """
        if "." in name:
            raise Problem("SP111", f"`{name}` {self.dotted}", path, hint=self.dotted_hint, subject=name)

    def see_allowed(self, name: str, path: Path) -> None:
        """See to it that a new name may be given, as far as that is the same everywhere.

        Raises:
            Problem: RF113 somebody keeps the prefix for itself.
        """
        self.see_plain(name, path)
        if fold(name).startswith(self.reserved):
            words = f"`{name}` begins as the names that {self.owner(fold(name))} keeps for itself"
            raise Problem("RF113", words, path, subject=name)
