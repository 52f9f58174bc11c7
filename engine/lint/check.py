"""Facts of planning in, findings out: the rules that look at effects, and what several of them say of one cause."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING

from engine.errors import Diagnostic, Problem, Related, Severity
from engine.lint.base import Found, Place, Rule, SpecView, World, find, registry
from engine.lint.declared import after
from engine.source import Span
from engine.spec.model import Spec

if TYPE_CHECKING:
    from engine.model.expression import PerDialect
    from engine.plan.compile import Fact

_NOWHERE = World()


def check(
    facts: Sequence[Fact],
    world: World = _NOWHERE,
    declared: Mapping[tuple[str, str], PerDialect] = MappingProxyType({}),
) -> tuple[Diagnostic, ...]:
    """Return what the rules with a check of their own find in `facts`.

    Args:
        facts: the steps of one spec or several, in order.
        world: settings and database.
        declared: types that specs before those declared.

    A rule that crashes is a finding of that rule and hides no other.
    """
    rules = [r for r in registry() if not r.dialects or not world.dialect or world.dialect in r.dialects]
    of_step = [r for r in rules if r.check]
    of_spec = [r for r in rules if r.check_spec]
    found: list[Diagnostic] = []
    for fact in facts:
        if not fact.passed_over:
            found += _all(of_step, fact, partial(_of_step, fact))
    for group in (tuple(g) for _, g in groupby(facts, lambda fact: id(fact.spec))):
        view = SpecView(group[0].spec, group, world, declared)
        found += _all(of_spec, view.spec, partial(_of_spec, view))
        declared = after(declared, group)
    return tuple(found)


def _of_step(fact: Fact, rule: Rule) -> Iterable[Found]:
    return rule.check(fact) if rule.check else ()


def _of_spec(view: SpecView, rule: Rule) -> Iterable[Found]:
    return rule.check_spec(view) if rule.check_spec else ()


def _all(rules: Sequence[Rule], place: Fact | Spec, ask: Callable[[Rule], Iterable[Found]]) -> Iterator[Diagnostic]:
    """Yield what `rules` find; a problem that names no place stands at `place`."""
    spec = place if isinstance(place, Spec) else place.spec
    for rule in rules:
        try:
            made = [_finding(rule, spec, *(one if isinstance(one, tuple) else (place, one))) for one in ask(rule)]
        except Exception as error:
            where = "spec" if isinstance(place, Spec) else "step"
            words = f"the rule itself failed on this {where} ({type(error).__name__}: {error}); please report it"
            path = ("version",) if isinstance(place, Spec) else (place.step.verb, "<key>")
            made = [_finding(rule, spec, place, Problem(rule.id, words, path, severity="warning"))]
        yield from made


def _finding(rule: Rule, spec: Spec, place: Place, problem: Problem) -> Diagnostic:
    severity: Severity = rule.severity if problem.severity == "error" and not rule.ranges else problem.severity
    made = Diagnostic(
        rule.id,
        severity,
        problem.message,
        _span(place, problem),
        problem.hint or rule.instead,
        tuple(Related(words, span) for words, origin in problem.related if (span := _origin(origin)) is not None),
        subject=problem.subject,
    )
    if not isinstance(place, Spec | Span):
        return replace(made, version=place.spec.version, step=place.step.id, bindings=place.step.bindings)
    return replace(made, version=place.version if isinstance(place, Spec) else spec.version)


def _span(place: Place, problem: Problem) -> Span | None:
    if isinstance(place, Span):
        return place
    if isinstance(place, Spec):
        return place.span(problem.path)
    return place.step.span(problem.path)


def _origin(origin: object) -> Span | None:
    if isinstance(origin, Span):
        return origin
    step = getattr(origin, "step", None)
    return step.span((step.verb, "<key>")) if step is not None else None


def merged(found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return `found` with one finding per cause: a rule stands over those that say less of the same object.

    What is left out is named under `also` of the one that stays.
    """
    every = list(found)
    gone: set[int] = set()
    also: dict[int, list[str]] = {}
    for place, diagnostic in enumerate(every):
        rule = find(diagnostic.rule)
        for other, less in enumerate(every) if rule is not None and rule.over else ():
            assert rule is not None
            if other != place and less.rule in rule.over and _same_cause(diagnostic, less):
                gone.add(other)
                also.setdefault(place, []).append(less.rule)
    return tuple(
        replace(d, also=tuple(dict.fromkeys((*d.also, *also.get(n, ()))))) for n, d in enumerate(every) if n not in gone
    )


def _same_cause(left: Diagnostic, right: Diagnostic) -> bool:
    return (left.version, left.step) == (right.version, right.step) and (
        left.subject.lower() == right.subject.lower() or not left.subject or not right.subject
    )
