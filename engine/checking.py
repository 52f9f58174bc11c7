"""What a plan is made of: specs folded, judged, and what is left to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from engine.dialects.base import Catalogue
from engine.errors import Diagnostic, EngineError
from engine.lint.base import Settings, World
from engine.lint.between import conflicting
from engine.lint.check import check, merged
from engine.lint.probes import Ask, probed
from engine.made_types import made_types
from engine.model.plan import Plan
from engine.plan.compile import Compiled, Compiler
from engine.plan.sizes import Counter, no_database
from engine.project import Project
from engine.run.rehearsal import rehearsed
from engine.spec.model import Spec
from engine.verdicts import refuse_errors
from engine.versions import edited, out_of_order, pending, refuse_edited, refuse_half_edited, upto

if TYPE_CHECKING:
    from engine.dialects.ledger import Ledger, Record
    from engine.model.expression import PerDialect


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
    count: Counter = no_database,
    ask: Ask | None = None,
    runs: bool = False,
) -> tuple[Compiled, tuple[Diagnostic, ...]]:
    """Compile `specs` on `catalogue` and return the result with all findings of the rules.

    Args:
        ask: asks the database, so that rules about its rows can be answered; None without one.
        runs: the plan runs at once and looks at the rows itself: what a rule supposes is answered, no more.
    """
    dialect = project.dialect
    compiler = Compiler(dialect.open(catalogue), dialect, count)
    compiled = compiler.compile(specs)
    found = findings(compiled, world_of(project, count))
    if ask is not None:
        found = (*probed(found, compiled.facts, dialect.name, ask, only_found=runs), *conflicting(compiled.facts))
    return compiled, found


def findings(
    compiled: Compiled | Compiler, world: World, declared: Mapping[tuple[str, str], PerDialect] | None = None
) -> tuple[Diagnostic, ...]:
    """Return what planning and the rules found, one finding per cause.

    Args:
        declared: types that specs before these declared.
    """
    return merged((*compiled.diagnostics, *check(compiled.facts, world, declared or {})))


def world_of(project: Project, count: Counter = no_database) -> World:
    """Return what rules may ask of the project and its database."""
    config = project.config
    large = config.lint.large_table_rows
    settings = Settings(large, config.zero_downtime, config.require_reversible, config.dialects)
    return World(settings, project.dialect.name, project.dialect.features, count)


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
        rest = unfinished(project, ledger, records, specs, found)
        if rest is not None:
            return rest
        return compile_plan(project, pending(specs, records, to), specs, found, driver.catalogue(), driver, records)


def unfinished(
    project: Project,
    ledger: Ledger,
    records: Sequence[Record],
    specs: Sequence[Spec],
    found: Sequence[Diagnostic],
) -> PlanResult | None:
    """Return what is left of a migration that has begun and not ended, None where there is none.

    What comes after it can be planned once it is done: the schema stands in between now.

    Raises:
        FindingsError: `apply` would not go on, for a spec can't be built.
        Drift: nor with a spec that was edited meanwhile; or what is stored of it is damaged.
    """
    record = next((r for r in records if r.unfinished), None)
    if record is None:
        return None
    from engine.run.reading import require_whole
    from engine.run.rollback import tasks

    if record.direction == "apply":
        refuse_errors(project, found, specs)
        refuse_half_edited(specs, record)
    stored = require_whole(ledger, record)
    progress = {p.unit: p for p in ledger.progress(record.version, "apply")}
    units = stored.units
    if record.direction == "rollback":
        ran = tuple(u for u in units if u.id in progress and progress[u.id].state in ("doing", "done", "undone"))
        units = tuple(task.unit for task in tasks(ran, progress))
        progress = {p.unit: p for p in ledger.progress(record.version, "rollback")}
    left = tuple(u for u in units if u.id not in progress or progress[u.id].state in ("todo", "doing"))
    note = (
        f"the {record.direction} of {record.version} has begun and not ended: this is what is left of it; "
        f"`engine {record.direction}` goes on"
    )
    dialect = project.dialect
    migration = replace(stored, units=left, direction=record.direction)
    return PlanResult(Plan(dialect.name, (migration,), dialect.protocol(), "", (note,)))


def compile_plan(
    project: Project,
    todo: Sequence[Spec],
    specs: Sequence[Spec],
    found: Sequence[Diagnostic],
    catalogue: Catalogue,
    driver: object = None,
    records: Sequence[Record] = (),
    *,
    exact: bool = False,
) -> PlanResult:
    """Compile `todo` and judge all findings.

    Args:
        driver: the database, None without one.
        exact: the caller runs the plan, and has looked for edited specs itself.

    Raises:
        FindingsError: findings of severity error.
        Drift: a spec changed since it was applied.
    """
    if not exact:
        refuse_edited(specs, records)
    count, ask = (counter(driver), asker(driver)) if driver is not None else (no_database, None)
    known = replace(catalogue, types=made_types(specs, records))
    compiled, diagnostics = fold(project, todo, known, count=count, ask=ask, runs=exact)
    if driver is not None and not any(d.severity == "error" for d in (*found, *diagnostics)):
        diagnostics = (*diagnostics, *rehearsed(driver, known, compiled.facts))
    others = [*edited(specs, records, found), *out_of_order(specs, records)]
    findings = refuse_errors(project, [*found, *others, *diagnostics], specs)
    dialect = project.dialect
    made = Plan(
        dialect.name,
        compiled.migrations,
        dialect.protocol(),
        compiled.migrations[0].before if compiled.migrations else "",
        tuple(f"{f.spec.version} {f.step.id} is passed over, {f.passed_over}" for f in compiled.facts if f.passed_over),
    )
    return PlanResult(made, findings, tuple((s.version, s.source.name, s.source.text) for s in todo))


def counter(driver: object) -> Counter:
    """Return a counter of rows on the database behind `driver`; None where a query can't run, or has no end."""
    limited = getattr(driver, "limited", nullcontext)

    def count(sql: str) -> int | None:
        try:
            with limited():
                rows = driver.query(sql)  # type: ignore[attr-defined]
        except EngineError:
            return None
        return int(rows[0][0]) if rows else None

    return count


def asker(driver: object) -> Ask:
    """Return what asks the database behind `driver`; None where a query can't run."""

    def ask(sql: str) -> Sequence[Sequence[Any]] | None:
        try:
            found: Sequence[Sequence[Any]] = driver.query(sql)  # type: ignore[attr-defined]
        except EngineError:
            return None
        return found

    return ask
