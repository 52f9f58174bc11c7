"""Lint: all findings on the specs. What is slow to import is imported where it is needed: most runs need little."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine import incremental
from engine.errors import Diagnostic
from engine.memo import Memo
from engine.project import Project, gaps
from engine.verdicts import judged

if TYPE_CHECKING:
    from engine.spec.model import Spec


@dataclass(frozen=True, slots=True)
class LintResult:
    """Findings of a lint, sorted, and the number of files that were looked at."""

    diagnostics: tuple[Diagnostic, ...]
    files: int


def lint_each(
    project: Project, paths: Sequence[Path] = (), kinds: Sequence[str] = (), *, known: bool = True
) -> LintResult:
    """Lint once for each kind of database, or for the one at hand; what several of them find is one finding.

    Raises:
        EngineError: the specs can't be read at all.
    """
    from engine.lint.ordering import ordered

    results = [lint(replace(project, dialect_name=name), paths, known=known) for name in kinds]
    results = results or [lint(project, paths, known=known)]
    return replace(results[0], diagnostics=ordered(d for result in results for d in result.diagnostics))


def lint(project: Project, paths: Sequence[Path] = (), *, known: bool = True) -> LintResult:
    """Return all findings on the specs; no database is needed or touched.

    Args:
        paths: files or folders in place of the specs folder.
        known: leave out what the baseline holds.

    Raises:
        EngineError: the specs can't be read at all.
    """
    specs: Sequence[Spec]
    if project.url is None or project.dialect_name:
        memo = Memo(project.memory(paths))
        done = incremental.run(project, paths, memo)
        memo.save()
        specs, diagnostics, count = done.specs, [*done.diagnostics], done.files
    else:
        specs, found, count = project.read(paths)
        diagnostics = list(found)
        from engine.checking import asker, counter, fold
        from engine.made_types import made_types
        from engine.versions import edited, out_of_order, pending

        with project.connect(read_only=True) as (driver, ledger):
            records = ledger.records()
            diagnostics += [*edited(specs, records, found), *out_of_order(specs, records)]
            if not any(r.unfinished for r in records):
                todo = pending(specs, records)
                held = replace(driver.catalogue(), types=made_types(specs, records))
                diagnostics += fold(project, todo, held, count=counter(driver), ask=asker(driver))[1]
    whole = not paths or project.specs in paths
    if whole:
        diagnostics += gaps(specs)
    return LintResult(judged(project, diagnostics, specs, whole=whole, known=known), count)
