"""What a rule is, and the registry of all rules, made by walking `engine.lint.rules`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from engine.errors import Problem, Severity
from engine.plan.compile import Fact


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
        bad, good: short YAML that shows both.
        check: looks at one step; None where another floor finds it (reading,
            building, planning).
        final: True where no suppression is possible: the plan could not be
            built or trusted.
        needs_reason: True where a suppression must say why.
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


@lru_cache(maxsize=1)
def registry() -> tuple[Rule, ...]:
    """Return all rules, sorted by id."""
    from engine.lint import rules

    found: list[Rule] = []
    for module in pkgutil.iter_modules(rules.__path__):
        found += getattr(importlib.import_module(f"{rules.__name__}.{module.name}"), "RULES", ())
    return tuple(sorted(found, key=lambda rule: rule.id))


def find(word: str) -> Rule | None:
    """Return the rule with id or name `word`, or None."""
    return next((r for r in registry() if word.lower() in (r.id.lower(), r.name)), None)
