"""What a rule is, what it may look at, and the registry of all rules, made by walking `engine.lint.rules`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, Union

from engine.errors import Diagnostic, Problem, Severity
from engine.source import Span

if TYPE_CHECKING:
    from engine.dialects.base import Features
    from engine.lint.edits import Edit
    from engine.model.expression import PerDialect
    from engine.plan.compile import Fact
    from engine.spec.model import Spec

Fix = Literal["", "auto", "suggest"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a project sets and rules ask for.

    Attributes:
        large_table_rows: rows from which a table counts as large.
        zero_downtime, require_reversible: policies of the config or of its environment.
        dialects: what the specs must work on; empty: the one at hand.
    """

    large_table_rows: int = 50_000
    zero_downtime: bool = False
    require_reversible: bool = False
    dialects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class World:
    """What all specs of one lint have in common.

    Attributes:
        dialect: name of the database that the specs are folded for.
        features: what it can do.
        rows: estimates the rows of a query on the database; None without one or where it can't run.
    """

    settings: Settings = Settings()
    dialect: str = ""
    features: Features | None = None
    rows: Callable[[str], int | None] = lambda sql: None


@dataclass(frozen=True, slots=True)
class SpecView:
    """One spec as planning saw it.

    Attributes:
        facts: its steps in order, also those that are passed over or have findings.
        declared: (table, column), folded → the type as earlier specs wrote it; `declared.declare` goes on.
    """

    spec: Spec
    facts: tuple[Fact, ...]
    world: World = World()
    declared: Mapping[tuple[str, str], PerDialect] = field(default_factory=dict)

    @property
    def live(self) -> tuple[Fact, ...]:
        """The steps that run here and could be planned."""
        return tuple(f for f in self.facts if not f.passed_over and not f.broken)


Place = Union["Fact", "Spec", Span]
"""Where a problem stands: its path is one of a step or of a file's head; a span is a place already."""

Found = Problem | tuple[Place, Problem]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its page, and its check where it has one of its own.

    Attributes:
        id: as in the catalogue, never reused (`VA101`).
        name: unique kebab-case name.
        severity: default severity.
        summary: what is found, one sentence.
        reason: why it hurts.
        instead: the safe way.
        bad, good: short YAML that shows both: a step, or a whole spec.
        check: looks at one step; None where it needs more, or where another
            floor finds it (reading, building, planning).
        final: True where no suppression is possible: the plan could not be
            built or trusted.
        needs_reason: True where a suppression must say why.
        check_spec: looks at all steps of one spec. (None looks at several specs: what one spec has is remembered
            by what earlier ones did to the schema, not by their texts.)
        fix: `auto` where `lint --fix` may write it, `suggest` where it is a patch to accept.
        mend: returns the edits for one finding; none where it knows no way.
        dialects: databases it speaks about; empty: all.
        over: rules that say less about the same object and step; they are listed under `also`.
        ranges: True where a problem's severity is taken as it is, not only to lower `severity`.
        off: True where it speaks only if the config gives it a severity.
    """

    id: str
    name: str
    severity: Severity
    summary: str
    reason: str
    instead: str
    bad: str = ""
    good: str = ""
    check: Callable[[Fact], Iterable[Problem]] | None = None
    final: bool = False
    needs_reason: bool = False
    check_spec: Callable[[SpecView], Iterable[Found]] | None = None
    fix: Fix = ""
    mend: Callable[[Diagnostic], Iterable[Edit]] | None = None
    dialects: tuple[str, ...] = ()
    over: tuple[str, ...] = ()
    ranges: bool = False
    off: bool = False


@lru_cache(maxsize=1)
def registry() -> tuple[Rule, ...]:
    """Return all rules, sorted by id."""
    from engine.lint import rules

    found: list[Rule] = []
    for module in pkgutil.iter_modules(rules.__path__):
        found += getattr(importlib.import_module(f"{rules.__name__}.{module.name}"), "RULES", ())
    return tuple(sorted(found, key=lambda rule: rule.id))


@lru_cache(maxsize=1)
def _by_word() -> dict[str, Rule]:
    return {word: rule for rule in registry() for word in (rule.id.lower(), rule.name)}


def find(word: str) -> Rule | None:
    """Return the rule with id or name `word`, or None."""
    return _by_word().get(word.lower())
