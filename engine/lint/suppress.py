"""Suppressions as data: what specs and config ignore, and what is wrong with the ignores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from engine.errors import Diagnostic
from engine.lint.base import Rule, find, registry
from engine.spec.model import Spec, Suppression


def suppress(
    diagnostics: Iterable[Diagnostic], specs: Sequence[Spec], config: Sequence[Suppression] = ()
) -> tuple[Diagnostic, ...]:
    """Return `diagnostics` without those that specs or config ignore, and what is wrong with the ignores.

    Rules that mean "the plan can't be built or trusted" stay (`Rule.final`).
    """
    by_version = {spec.version: spec for spec in specs}
    kept: list[Diagnostic] = []
    for diagnostic in diagnostics:
        rule = find(diagnostic.rule)
        entries = _entries(diagnostic, by_version) + list(config)
        hit = next((e for e in entries if _covers(e.rule, diagnostic.rule, rule)), None)
        if hit is None or (rule is not None and rule.final):
            kept.append(diagnostic)
        elif rule is not None and rule.needs_reason and not hit.reason.strip():
            kept += (
                diagnostic,
                replace(
                    diagnostic,
                    rule="SP118",
                    severity="error",
                    message=f"`ignore` of {rule.id} needs a reason",
                    span=hit.span,
                    hint="add `reason: why it is right here`",
                    related=(),
                ),
            )
    for spec in specs:
        for entry in [*spec.ignore, *(e for step in spec.steps for e in step.ignore)]:
            if find(entry.rule) is None and entry.rule.upper() not in {r.id[:2] for r in registry()}:
                kept.append(
                    Diagnostic(
                        "SP116",
                        "warning",
                        f"there is no rule `{entry.rule}`, so this ignores nothing",
                        entry.span,
                        "`engine lint --list-rules` shows them all",
                        version=spec.version,
                    )
                )
    return tuple(kept)


def _entries(diagnostic: Diagnostic, specs: dict[str, Spec]) -> list[Suppression]:
    spec = specs.get(diagnostic.version)
    if spec is None:
        return []
    return [*spec.ignore, *(e for step in spec.steps if step.id == diagnostic.step for e in step.ignore)]


def _covers(word: str, rule_id: str, rule: Rule | None) -> bool:
    return word.upper() in (rule_id, rule_id[:2]) or (rule is not None and word == rule.name)
