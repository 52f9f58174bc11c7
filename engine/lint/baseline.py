"""A baseline: the findings of a day, so that later runs tell of new ones only. Text in, text out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import Diagnostic, EngineError
from engine.lint.base import find
from engine.lint.machine import fingerprints, json_text
from engine.source import Source, Span

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Known:
    """A finding that is known already."""

    fingerprint: str
    rule: str
    file: str
    message: str


def text(diagnostics: Sequence[Diagnostic]) -> str:
    """Return the baseline of `diagnostics`; those that can't be ignored are not in it."""
    marks = fingerprints(diagnostics)
    found = [
        {"fingerprint": mark, "rule": d.rule, "file": d.span.source.name if d.span else "", "message": d.message}
        for d, mark in zip(diagnostics, marks, strict=True)
        if not final(d)
    ]
    return json_text(
        {"engine_lint_baseline": FORMAT, "findings": sorted(found, key=lambda f: (f["file"], *f.values()))}
    )


def parse(name: str, content: str) -> tuple[Known, ...]:
    """Return what a baseline file holds.

    Raises:
        EngineError: it is none.
    """
    try:
        document = json.loads(content)
        if document["engine_lint_baseline"] != FORMAT:
            raise ValueError
        return tuple(
            Known(*(str(f[key]) for key in ("fingerprint", "rule", "file", "message"))) for f in document["findings"]
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        raise EngineError(
            f"{name} is no baseline of lint", "write it anew", next=f"engine lint --write-baseline {name}"
        ) from None


def without(
    diagnostics: Sequence[Diagnostic], known: Sequence[Known], name: str, *, whole: bool
) -> tuple[Diagnostic, ...]:
    """Return the findings that are not in a baseline.

    Args:
        diagnostics: all findings.
        known: what the baseline holds.
        name: its file, for what is said of it.
        whole: all specs were looked at, so that entries that met nothing are stale.
    """
    marks = fingerprints(diagnostics)
    have = {k.fingerprint for k in known}
    left = [d for d, mark in zip(diagnostics, marks, strict=True) if mark not in have or final(d)]
    stale = [k for k in known if k.fingerprint not in set(marks) and not k.rule.startswith("VC")] if whole else []
    span = Span(Source(name, ""), 1, 1, 1, 1)
    return (
        *left,
        *(
            Diagnostic(
                "SP117",
                "warning",
                f"the baseline has {k.rule} in {k.file}, and it is no longer found: {k.message}",
                span,
                f"write it anew: engine lint --write-baseline {name}",
                subject=k.fingerprint,
            )
            for k in stale
        ),
    )


def final(diagnostic: Diagnostic) -> bool:
    """Tell whether a finding stays whatever is written about it."""
    rule = find(diagnostic.rule)
    return rule is not None and rule.final
