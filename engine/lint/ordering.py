"""The order in which findings are told."""

from __future__ import annotations

from collections.abc import Iterable

from engine.errors import Diagnostic


def ordered(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return `diagnostics` sorted by file, place and rule, without repetitions."""
    seen: dict[tuple[object, ...], Diagnostic] = {}
    for d in diagnostics:
        place = (d.span.source.name, d.span.line, d.span.column) if d.span else ("", 0, 0)
        seen.setdefault((*place, d.rule, d.message), d)
    return tuple(seen[key] for key in sorted(seen))
