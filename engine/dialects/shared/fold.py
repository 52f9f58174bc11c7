"""What a fold in progress remembers on every database, and how it goes back where a change can't be done."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from engine.dialects.base import StepContext
from engine.dialects.shared.names import contains
from engine.errors import Problem
from engine.model import changes as c
from engine.model.plan import Unit
from engine.model.state import fold


class Fold(ABC):
    """A fold in progress; a dialect adds its state and renders changes.

    Attributes:
        scratch: helper tables of this migration, dropped at its end.
        found: folded names of tables that a `create` with `if_not_exists` found there already in
            this migration: they hold rows of others, whatever the step's verb.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.scratch: list[str] = []
        self.found: set[str] = set()
        self._taken = {fold(name) for name in taken}

    @abstractmethod
    def _render(self, change: c.Change, context: StepContext) -> tuple[Unit, ...]:
        """Return the units that do `change`, and advance the state; a `Problem` may leave it half way."""

    @abstractmethod
    def _memory(self) -> Any:
        """Return all that `_render` may change, as it is now."""

    @abstractmethod
    def _recall(self, memory: Any) -> None:
        """Go back to what `_memory` returned."""

    def undo_number(self) -> int:
        """Return the smallest number that no journal and no table put aside has, and take it."""
        number = 1
        while {f"engine_{kind}_{number}" for kind in ("undo", "aside", "forced")} & self._taken:
            number += 1
        self._taken |= {f"engine_undo_{number}", f"engine_aside_{number}"}
        return number

    def forced_name(self) -> str:
        """Return a free name for what `force` takes from a table or column that the migration made, and take it."""
        number = 1
        while f"engine_forced_new_{number}" in self._taken:
            number += 1
        self._taken.add(f"engine_forced_new_{number}")
        return f"engine_forced_new_{number}"

    def render(self, change: c.Change, context: StepContext) -> tuple[Unit, ...]:
        """Return the units that do `change` (with their undo), and advance the state.

        Raises:
            Problem: the change can't be done; the state is as it was.
        """
        context = replace(context, made_here=context.made_here - self.found)
        kept = self._memory()
        try:
            units = self._render(change, context)
        except Problem:
            self._recall(kept)
            raise
        if units and all(self._is_scratch(unit) for unit in units) and not isinstance(change, c.CreateTable):
            # A helper has no way back: it is dropped at the end, before any other undo runs.
            units = tuple(replace(unit, undo=(), reversible="derived", reason="") for unit in units)
        return units

    def _is_scratch(self, unit: Unit) -> bool:
        return bool(unit.touches) and all(contains(self.scratch, name) for name in unit.touches)
