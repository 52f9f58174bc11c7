"""What becomes of findings: ignores, severities of the config, the baseline. The only place that reads its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from engine.config import LintConfig
from engine.errors import Diagnostic, EngineError, FindingsError, Severity
from engine.lint.base import Rule, find
from engine.lint.ordering import ordered
from engine.lint.suppress import Run, in_paths, suppress
from engine.project import Project
from engine.spec.files import version_key
from engine.spec.model import Spec

_ALWAYS = ("SP", "VC", "RF")
"""Families that speak about specs before `start_after` too: they are about what can be read and built."""


def judged(
    project: Project,
    diagnostics: Sequence[Diagnostic],
    specs: Sequence[Spec],
    *,
    whole: bool = False,
    known: bool = True,
) -> tuple[Diagnostic, ...]:
    """Return `diagnostics` without what specs, config and baseline ignore, in the config's severities, sorted.

    Args:
        whole: all specs were looked at, so that what the config ignores in vain can be told.
        known: take out what the baseline holds.
    """
    config = project.config.lint
    run = Run(project.today, project.kind, whole, project.url is not None)
    named = (_named(d, config) for d in suppress(diagnostics, specs, config.ignore, run))
    found = ordered(d for d in named if d is not None)
    path = config.baseline
    if path is None or not known:
        return found
    from engine.lint import baseline

    return ordered(baseline.without(found, baseline.parse(str(path), _text(path)), str(path), whole=whole))


def _named(diagnostic: Diagnostic, config: LintConfig) -> Diagnostic | None:
    """Return a finding in the severity that the config gives it, None for `off`."""
    rule = find(diagnostic.rule)
    if rule is not None and rule.final:
        return diagnostic
    start = config.start_after
    family = diagnostic.rule[:2]
    if start and diagnostic.version and family not in _ALWAYS and version_key(diagnostic.version) <= version_key(start):
        return None
    word = _severity(diagnostic, rule, config)
    if word is None:
        return None if rule is not None and rule.off else diagnostic
    return None if word == "off" else replace(diagnostic, severity=cast(Severity, word))


def _severity(diagnostic: Diagnostic, rule: Rule | None, config: LintConfig) -> str | None:
    """Return what the config says of a finding; the last override that speaks about its file wins."""
    name = diagnostic.span.source.name if diagnostic.span else ""
    words = [o.severity for o in reversed(config.overrides) if in_paths(name, o.paths)]
    for pairs in (*words, config.severity):
        have = dict(pairs)
        for key in (diagnostic.rule, rule.name if rule else "", diagnostic.rule[:2]):
            if key in have:
                return have[key]
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise EngineError(
            f"the baseline {path} can't be read: {reason}",
            "write it, or take `baseline` out of the config",
            next=f"engine lint --write-baseline {path}",
        ) from None


def refuse_errors(project: Project, found: Sequence[Diagnostic], specs: Sequence[Spec]) -> tuple[Diagnostic, ...]:
    """Return what is left of `found` after the ignores of specs, config and baseline, sorted.

    Raises:
        FindingsError: one of them is an error.
    """
    findings = judged(project, found, specs)
    if any(d.severity == "error" for d in findings):
        raise FindingsError(findings)
    return findings
