"""Specs and a session in, a plan and findings out. The heart; pure.

Each step's changes are rendered by the dialect's session, which advances the
state as it goes; a `Problem` becomes a `Diagnostic` at the step's place, and
the fold goes on with the next step, so that one run finds all mistakes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.dialects.base import Dialect, Session, StepContext
from engine.errors import Diagnostic, Path, Problem, Related
from engine.model.changes import (
    AlterTable,
    Change,
    CreateTable,
    DropColumn,
    DropTable,
    RenameColumn,
    RenameTable,
)
from engine.model.plan import MigrationPlan, Unit
from engine.model.state import SchemaState, fold, nearest
from engine.plan.conditions import decide, describe
from engine.plan.later import made_by, made_later
from engine.plan.left import left
from engine.plan.made import Made
from engine.plan.order import Role, load_first, role_of
from engine.plan.reach import early_guards, with_collateral
from engine.plan.sizes import LARGE, Counter, Sizes, no_database, sum_rows
from engine.source import Span
from engine.spec.model import Spec, Step


@dataclass(frozen=True, slots=True)
class Fact:
    """One step as planning saw it: what lint rules look at.

    Attributes:
        passed_over: why the step does not run here ("table x does not exist"), or "".
        back: the state that the spec's own `undo` leads to, None where it has none.
        broken: True where planning has a finding on it; `changes` may be missing then, and `after` is `before`.
    """

    spec: Spec
    step: Step
    changes: tuple[Change, ...]
    before: SchemaState
    after: SchemaState
    units: tuple[Unit, ...]
    passed_over: str = ""
    broken: bool = False
    back: SchemaState | None = None


@dataclass(frozen=True, slots=True)
class Compiled:
    """What compiling gave: migrations in order, findings, and facts for lint."""

    migrations: tuple[MigrationPlan, ...]
    diagnostics: tuple[Diagnostic, ...]
    facts: tuple[Fact, ...]


Asked = tuple[str, str, str]
"""A condition that only the start can tell: its id, SQL, words."""


@dataclass
class Compiler:
    """Folds specs over one session.

    Attributes:
        names_must_exist: False for lint without a baseline, where a table that
            nobody made is only a warning.
    """

    session: Session
    dialect: Dialect
    count: Counter = no_database
    names_must_exist: bool = True
    diagnostics: list[Diagnostic] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    _gone: dict[tuple[str, str], tuple[str, Span | None]] = field(default_factory=dict)
    _broken: set[str] = field(default_factory=set)
    _roles: dict[str, Role] = field(default_factory=dict)
    _back: SchemaState | None = None
    _groups: dict[str, bool | str] = field(default_factory=dict)  # what was decided of their `when`

    def __post_init__(self) -> None:
        self._sizes = Sizes(self.count)

    def compile(self, specs: Sequence[Spec]) -> Compiled:
        """Fold `specs` in order and return plans for them."""
        migrations = tuple(self.migration(spec) for spec in specs)
        return Compiled(migrations, tuple(self.diagnostics), tuple(self.facts))

    def context(self) -> dict[str, Any]:
        """Return what of earlier specs, the schema aside, has a say in later ones."""
        return {"gone": dict(self._gone), "broken": sorted(self._broken), "sizes": self._sizes.known()}

    def restore(self, context: Mapping[str, Any]) -> None:
        """Go on from what `context` returned; the session must stand there too."""
        self._gone = dict(context.get("gone", {}))
        self._broken = set(context.get("broken", ()))
        self._sizes.restore(context.get("sizes", ({}, {})))

    def migration(self, spec: Spec) -> MigrationPlan:
        """Return the plan of one spec; findings go to `diagnostics`."""
        name, before = self.dialect.name, self.session.state
        plan = MigrationPlan(
            spec.version,
            spec.description,
            (),
            on_failure="stop" if spec.on_failure == "stop" else "rollback",
            checksum=spec.checksum,
            spec_name=spec.source.name,
            spec_text=spec.source.text,
            before=before.fingerprint(),
        )
        if spec.dialects and name not in spec.dialects:
            return replace(plan, after=plan.before, skipped=f"meant for {', '.join(spec.dialects)}, and this is {name}")
        made = Made()
        self._roles.clear()
        self._groups.clear()
        units: list[Unit] = []
        for step in spec.steps:
            units += self._step(spec, step, made)
        units += self.session.finish("end")
        ordered = load_first(units, self._roles, frozenset(made.tables), self.session.state)
        single, reason = self._mode(spec, ordered)
        return replace(
            plan,
            units=early_guards(ordered),
            single=single,
            mode_reason=reason,
            after=self.session.state.fingerprint(),
            left=left(before, self.session.state) if self.names_must_exist else (),
        )

    # ── one step ──────────────────────────────────────────────────────────
    def _step(self, spec: Spec, step: Step, made: Made) -> tuple[Unit, ...]:
        before = self.session.state
        changes: tuple[Change, ...] = ()
        units: tuple[Unit, ...] = ()
        passed_over = ""
        broken = False
        self._back = None
        try:
            asked = self._asked(step, self.session, step.id)
            if asked is None:
                passed_over = f"not so: {describe(step.when, self.dialect.name)}" if step.when else ""
            else:
                changes = tuple(step.body.changes(before))
                units = self._changes(spec, step, changes, made)
                if step.undo is not None and not step.irreversible:
                    units = self._given(step, units)
                if step.irreversible:
                    units = tuple(replace(u, undo=(), reversible="no", reason=step.irreversible) for u in units)
                units = self._under(asked, units, self.session)
                units = tuple(
                    replace(u, title=f"{u.title}: {step.description}") if step.description else u for u in units
                )
        except Problem as problem:
            units = ()
            broken = True
            self._report(spec, step, problem)
            self._broken |= {fold(name) for name in made_by(step, before)}
        made.done(units)
        self.facts.append(Fact(spec, step, changes, before, self.session.state, units, passed_over, broken, self._back))
        return units

    def _asked(self, step: Step, session: Session, own: str) -> tuple[Asked, ...] | None:
        """Return what of a step's `when` only its start can tell; None where planning tells that it does not run.

        A group's `when` is decided where its first step stands: what the steps of the group do is no answer to it.

        Args:
            own: the id of the step's own condition.
        """
        left: list[Asked] = []
        for name, when in step.conditions:
            if name not in self._groups or not name:
                self._groups[name] = decide(when, session, self.dialect.name)
            answer = self._groups[name]
            if answer is False:
                return None
            if isinstance(answer, str):
                left.append((f"group {name}" if name else own, answer, describe(when, self.dialect.name)))
        return tuple(left)

    def _under(self, asked: Sequence[Asked], units: tuple[Unit, ...], session: Session) -> tuple[Unit, ...]:
        """Put `units` under what is asked at the start."""
        if not asked:
            return units
        *under, condition = (session.condition(name, sql, words) for name, sql, words in asked)
        return tuple(replace(u, condition=condition, under=tuple(under)) for u in units)

    def _changes(self, spec: Spec, step: Step, changes: tuple[Change, ...], made: Made) -> tuple[Unit, ...]:
        units: list[Unit] = []
        for change in changes:
            context = StepContext(
                step.id if not units else f"{step.id}.{len(units) + 1}",
                step.irreversible or ("the step has an undo of its own" if step.undo is not None else ""),
                made.for_change(change),
                self._sizes.rows(self.session),
                spec.transaction == "spec",
            )
            before = self.session.state
            rendered = with_collateral(self.session.render(change, context), before, self.session.state)
            self._roles |= {u.id: role_of(change, place) for place, u in enumerate(rendered)}
            if not (isinstance(change, CreateTable) and before.table(change.table.name)):  # `if_not_exists` found it
                self._sizes.after(change, rendered)
                self._remember(spec, step, change)
                made.after(change, before)
            units += (replace(u, step=step.id) for u in rendered)
        return tuple(units)

    def _given(self, step: Step, units: tuple[Unit, ...]) -> tuple[Unit, ...]:
        """Put the author's way back in the place of the derived one.

        It hangs on the step's first unit: that has run whenever anything of
        the step has.
        """
        if not any(u.statements() for u in units):
            return units  # it does nothing here (the table is there already): there is nothing to take back
        fork = self.session.fork()
        back: list[Unit] = []
        for number, undo in enumerate(step.undo or ()):
            try:
                asked = self._asked(undo, fork, f"{step.id}.undo.{number + 1}")
                if asked is None:
                    continue
                for change in undo.body.changes(fork.state):
                    context = StepContext(
                        f"{step.id}.undo.{len(back) + 1}",
                        "the way back itself",
                        frozenset(),
                        self._sizes.rows(fork),
                    )
                    rendered = (replace(u, undo=(), step=step.id) for u in fork.render(change, context))
                    back += self._under(asked, tuple(rendered), fork)
            except Problem as problem:
                problem.path = ("undo", number, *problem.path)
                raise
        self._back = fork.state
        reason = "as the spec's `undo` says"
        first = replace(units[0], undo=tuple(back), reversible="given", reason=reason)
        return (first, *(replace(u, undo=(), reversible="given", reason=reason) for u in units[1:]))

    def _remember(self, spec: Spec, step: Step, change: Change) -> None:
        """Keep what is gone, and where."""
        place = f"{spec.source.name}"
        match change:
            case CreateTable(table=table):
                self._gone.pop((fold(table.name), ""), None)
            case DropTable(name=name):
                self._gone[fold(name), ""] = (f"was dropped here ({place})", step.span((step.verb, "table")))
            case RenameTable(name=name, to=to):
                self._gone[fold(name), ""] = (
                    f"was renamed to `{to}` here ({place})",
                    step.span((step.verb, "to")),
                )
                self._gone.pop((fold(to), ""), None)
            case AlterTable(table=table_name, actions=actions):
                for action in actions:
                    if isinstance(action, DropColumn):
                        span = step.span((step.verb, "drop"))
                        self._gone[fold(table_name), fold(action.name)] = (
                            f"was dropped here ({place})",
                            span,
                        )
                    elif isinstance(action, RenameColumn):
                        span = step.span((step.verb, "rename", action.name))
                        self._gone[fold(table_name), fold(action.name)] = (
                            f"was renamed to `{action.to}` here ({place})",
                            span,
                        )
                        self._gone.pop((fold(table_name), fold(action.to)), None)
            case _:
                pass

    # ── findings ──────────────────────────────────────────────────────────
    def _report(self, spec: Spec, step: Step, problem: Problem) -> None:
        if problem.subject and fold(problem.subject.split(".")[0]) in self._broken:
            return  # its maker has a finding already: one cause, one finding
        rule, message, hint, severity = problem.rule, problem.message, problem.hint, problem.severity
        related: tuple[Related, ...] = ()
        gone = self._find_gone(problem)
        if gone is not None:
            words, span = gone
            rule = "RF105"
            message = f"`{problem.subject}` is gone at this point: it {words}"
            related = (Related(f"`{problem.subject}` {words}", span),) if span else ()
            hint = "move this step before it, or do without it"
        elif later := self._made_later(spec, step, problem):
            rule = "RF106"
            message = f"`{problem.subject}` is not there yet: step {later.id} makes it"
            span = later.span((later.verb, "<key>"))
            related = (Related(f"`{problem.subject}` is made here", span),) if span else ()
            hint = "move this step behind it"
        elif rule == "RF101" and not self.session.state.complete and not self.names_must_exist:
            state = self.session.state
            close = nearest(problem.subject, [t.name for t in state.tables] + [v.name for v in state.views])
            if not close:
                severity = "warning"
                message = f"no spec makes `{problem.subject}`, and without a database nothing is known of it"
                hint = "name a snapshot in the config (`schema:`, written by `engine snapshot`), or lint with --db"
        self.diagnostics.append(
            Diagnostic(
                rule,
                severity,
                message,
                step.span(_path(step, problem.path)) or spec.span(),
                hint,
                related,
                version=spec.version,
                step=step.id,
                bindings=step.bindings,
                subject=problem.subject,
            )
        )

    def _find_gone(self, problem: Problem) -> tuple[str, Span | None] | None:
        if problem.rule not in ("RF101", "RF102") or not problem.subject:
            return None
        table, _, column = problem.subject.partition(".")
        return self._gone.get((fold(table), fold(column)))

    def _made_later(self, spec: Spec, step: Step, problem: Problem) -> Step | None:
        if problem.rule not in ("RF101", "RF102") or not problem.subject:
            return None
        return made_later(spec, step, problem.subject, self.session.state)

    # ── single or stepwise (decision 11) ──────────────────────────────────
    def _mode(self, spec: Spec, units: tuple[Unit, ...]) -> tuple[bool, str]:
        obstacle = self._obstacle(units, spec)
        if spec.transaction == "spec":
            if obstacle:
                self.diagnostics.append(
                    Diagnostic(
                        "TX101",
                        "error",
                        f"one transaction for the whole migration can't be had: {obstacle}",
                        spec.span(("transaction",)),
                        "leave `transaction` out, or move the step into a migration of its own",
                        version=spec.version,
                    )
                )
            return True, "as the spec asks"
        if spec.transaction == "step":
            return False, "as the spec asks"
        if obstacle:
            return False, obstacle
        if spec.on_failure == "stop":
            return False, "what is done before a failure is to be kept"
        rows = sum_rows(units)
        if rows is None:
            return False, "the number of rows is not known"
        if rows > LARGE:
            return False, f"more than {LARGE:,} rows"
        return True, "small, and everything in it can be in one transaction"

    def _obstacle(self, units: tuple[Unit, ...], spec: Spec) -> str:
        if not self.dialect.features.transactional_ddl:
            return f"{self.dialect.name} commits with every schema change"
        alone = next((u for u in units if u.outside), None)
        if alone is not None:
            return f"step {alone.step} can't be in a transaction"
        # The way back of a single migration is one transaction too.
        off = next((u for u in units if u.settings or any(back.settings for back in u.undo)), None)
        if off is None:
            return ""
        # At any time of the migration: rows are written under keys that a later step drops.
        tables = [t for fact in self.facts if fact.spec is spec for s in (fact.before, fact.after) for t in s.tables]
        tied = {fold(f.table) for t in tables for f in t.foreign_keys}
        tied |= {fold(t.name) for t in tables if t.foreign_keys}
        rows = next((u for u in units if _moves_rows(u) and tied & {fold(t) for t in u.touches}), None)
        if rows is None:
            return ""
        return f"step {off.step} needs foreign keys off, and step {rows.step} writes a table that has them"


def _moves_rows(unit: Unit) -> bool:
    return unit.symbol == ">" or unit.loop is not None


def _path(step: Step, path: Path) -> Path:
    """Return `path` below the step: problems of a verb may leave the verb out."""
    if path and path[0] in (step.verb, "when", "undo", "ignore", "irreversible", "id"):
        return path
    return (step.verb, *path)
