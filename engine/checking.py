"""Use-cases that change nothing: lint and plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.dialects.base import Catalogue
from engine.errors import Diagnostic, Drift, FindingsError, UsageError
from engine.lint.check import check, ordered, suppress
from engine.model.plan import Plan
from engine.plan.compile import Compiled, Compiler
from engine.plan.sizes import Counter, no_database
from engine.project import Project
from engine.spec.files import version_key
from engine.spec.model import Spec

if TYPE_CHECKING:
    from engine.dialects.ledger import Record


@dataclass(frozen=True, slots=True)
class LintResult:
    """Findings of a lint, sorted, and the number of files that were looked at."""

    diagnostics: tuple[Diagnostic, ...]
    files: int


@dataclass(frozen=True, slots=True)
class PlanResult:
    """A plan, and the warnings that do not stand in its way.

    Attributes:
        texts: version → (file name, text) of the specs it was made from.
    """

    plan: Plan
    diagnostics: tuple[Diagnostic, ...] = ()
    texts: tuple[tuple[str, str, str], ...] = ()

    @property
    def up_to_date(self) -> bool:
        """True when there is nothing to do."""
        return not self.plan.migrations


def lint(project: Project, paths: Sequence[Path] = ()) -> LintResult:
    """Return all findings on the specs; no database is needed or touched.

    Raises:
        EngineError: the specs can't be read at all.
    """
    specs, found, count = project.read(paths)
    diagnostics = list(found)
    diagnostics += fold(project, specs, baseline(project), names_must_exist=False)[1]
    if project.url is not None and project.dialect_name == "":
        diagnostics += against_history(project, specs)
    return LintResult(ordered(suppress(diagnostics, specs)), count)


def against_history(project: Project, specs: Sequence[Spec]) -> list[Diagnostic]:
    """Return what the history says against the specs (VC104, VC105, VC106)."""
    with project.connect(read_only=True) as (_, ledger):
        records = ledger.records()
    return [*edited(specs, records), *out_of_order(specs, records)]


def baseline(project: Project) -> Catalogue:
    """Return the state before the first spec: the config's snapshot, or an empty, open one."""
    if project.config.schema is None:
        return Catalogue(complete=False)
    from engine.run.snapshot import load

    return load(project.config.schema)


def fold(
    project: Project,
    specs: Sequence[Spec],
    catalogue: Catalogue,
    *,
    names_must_exist: bool = True,
    count: Counter = no_database,
) -> tuple[Compiled, tuple[Diagnostic, ...]]:
    """Compile `specs` on `catalogue` and return the result with all findings of the rules."""
    dialect = project.dialect
    compiler = Compiler(dialect.open(catalogue), dialect, count, names_must_exist)
    compiled = compiler.compile(specs)
    return compiled, (*compiled.diagnostics, *check(compiled.facts))


def plan(project: Project, to: str | None = None) -> PlanResult:
    """Return what `apply` would do, against the database or (with `--dialect`) from the baseline.

    Raises:
        FindingsError: the specs have findings of severity error.
        Drift: an applied spec was edited.
        EngineError: no specs, no database.
    """
    specs, found, _ = project.read()
    if project.dialect_name and project.url is None:
        return compile_plan(project, upto(specs, to, ()), specs, found, baseline(project))
    with project.connect(read_only=True) as (driver, ledger):
        records = ledger.records()
        return compile_plan(
            project, pending(specs, records, to), specs, found, driver.catalogue(), counter(driver), records
        )


def compile_plan(
    project: Project,
    todo: Sequence[Spec],
    specs: Sequence[Spec],
    found: Sequence[Diagnostic],
    catalogue: Catalogue,
    count: Counter = no_database,
    records: Sequence[Record] = (),
    *,
    exact: bool = False,
) -> PlanResult:
    """Compile `todo` and judge all findings.

    Args:
        exact: the caller has looked for edited specs itself.

    Raises:
        FindingsError: findings of severity error.
        Drift: a spec changed since it was applied.
    """
    if not exact:
        refuse_edited(specs, records)
    compiled, diagnostics = fold(project, todo, catalogue, count=count)
    judged = ordered(suppress([*found, *out_of_order(specs, records), *diagnostics], specs))
    if any(d.severity == "error" for d in judged):
        raise FindingsError(judged)
    dialect = project.dialect
    made = Plan(
        dialect.name,
        compiled.migrations,
        dialect.protocol(),
        compiled.migrations[0].before if compiled.migrations else "",
    )
    return PlanResult(made, judged, tuple((s.version, s.source.name, s.source.text) for s in todo))


def counter(driver: object) -> Counter:
    """Return a counter of rows on the database behind `driver`; None where a query can't run."""
    from engine.errors import EngineError

    def count(sql: str) -> int | None:
        try:
            rows = driver.query(sql)  # type: ignore[attr-defined]
        except EngineError:
            return None
        return int(rows[0][0]) if rows else None

    return count


# ── which specs are meant ─────────────────────────────────────────────────
def upto(specs: Sequence[Spec], to: str | None, known: Sequence[str]) -> tuple[Spec, ...]:
    """Return the specs up to version `to` (all for None).

    Raises:
        UsageError: nobody has that version.
    """
    if to is None:
        return tuple(specs)
    if to not in {s.version for s in specs} and to not in known:
        versions = ", ".join(s.version for s in specs) or "none"
        raise UsageError(f"there is no version `{to}`", f"the specs have {versions}")
    return tuple(s for s in specs if version_key(s.version) <= version_key(to))


def pending(specs: Sequence[Spec], records: Sequence[Record], to: str | None = None) -> tuple[Spec, ...]:
    """Return the specs that are not applied, up to `to`."""
    applied = {r.version for r in records if r.applied}
    return tuple(s for s in upto(specs, to, sorted(applied)) if s.version not in applied)


def edited(specs: Sequence[Spec], records: Sequence[Record]) -> list[Diagnostic]:
    """Return VC105 for each applied spec whose meaning changed, VC106 for each that is gone."""
    by_version = {s.version: s for s in specs}
    found = []
    for record in records:
        if not record.applied or record.code:
            continue
        spec = by_version.get(record.version)
        if spec is None:
            words = f"version {record.version} is applied, and no file has it"
            found.append(
                Diagnostic("VC106", "warning", words, None, "put the file back", version=record.version)
            )
        elif spec.checksum != record.checksum:
            words = f"{spec.source.name} was changed after it was applied"
            hint = "put it back as it was and write a new spec; `engine rollback` goes by what was applied"
            found.append(Diagnostic("VC105", "error", words, spec.span(("version",)), hint, version=spec.version))
    return found


def out_of_order(specs: Sequence[Spec], records: Sequence[Record]) -> list[Diagnostic]:
    """Return VC104 for each pending spec that sorts before the newest applied version."""
    applied = [r.version for r in records if r.applied]
    if not applied:
        return []
    newest = max(applied, key=version_key)
    return [
        Diagnostic(
            "VC104",
            "error",
            f"version {spec.version} is pending and sorts before {newest}, which is applied",
            spec.span(("version",)),
            f"give it a version after {newest}, or ignore VC104 with a reason",
            version=spec.version,
        )
        for spec in pending(specs, records)
        if version_key(spec.version) < version_key(newest)
    ]


def refuse_edited(specs: Sequence[Spec], records: Sequence[Record]) -> None:
    """Stop where an applied spec was edited.

    Raises:
        Drift: naming the file.
    """
    changed = [d for d in edited(specs, records) if d.rule == "VC105"]
    if changed:
        first = changed[0]
        raise Drift(
            first.message,
            first.hint,
            kept="nothing was done",
            next="git diff, or engine history",
            span=first.span,
            details={"rule": "VC105"},
        )


