"""Suppressions as data: what specs and config ignore, until when, and what is wrong with the ignores."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch

from engine.config import IgnoreConfig
from engine.errors import Diagnostic
from engine.lint.base import Rule, find, registry
from engine.source import Source, Span
from engine.spec.files import version_key
from engine.spec.model import Spec, Suppression

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Run:
    """What of a run decides about ignores.

    Attributes:
        today: the day as `2027-01-31`; "" where days do not count.
        dialect: the database that was linted for, "" for all.
        whole: True where all specs of the project were looked at, so that an ignore of the config that met
            nothing is of no use.
        database: True where a database was asked too.
    """

    today: str = ""
    dialect: str = ""
    whole: bool = False
    database: bool = False


@dataclass
class _Entry:
    """One ignore, and whether it met a finding."""

    written: Suppression | IgnoreConfig
    spec: Spec | None
    ended: bool
    met: bool = field(default=False)

    @property
    def span(self) -> Span:
        return self.written.span or Span(Source("engine.yaml", ""), 1, 1, 1, 1)


def suppress(
    diagnostics: Iterable[Diagnostic],
    specs: Sequence[Spec],
    config: Sequence[IgnoreConfig] = (),
    run: Run = Run(),
) -> tuple[Diagnostic, ...]:
    """Return `diagnostics` without those that specs or config ignore, and what is wrong with the ignores.

    Rules that mean "the plan can't be built or trusted" stay (`Rule.final`).
    """
    newest = max((version_key(spec.version) for spec in specs), default=None)

    def entry(written: Suppression | IgnoreConfig, spec: Spec | None = None) -> _Entry:
        return _Entry(written, spec, _ended(written.until, run.today, newest))

    heads = {s.version: [entry(e, s) for e in s.ignore] for s in specs}
    steps: dict[tuple[str, str], list[_Entry]] = {}
    by_place: dict[tuple[Span, str], _Entry] = {}
    for spec in specs:
        for step in spec.steps:  # an ignore of a group or a `for_each` stands in each of its steps
            steps[spec.version, step.id] = [by_place.setdefault((e.span, e.rule), entry(e, spec)) for e in step.ignore]
    general = [entry(e) for e in config]
    kept: list[Diagnostic] = []
    untrusted: set[str] = set()
    for diagnostic in diagnostics:
        rule = find(diagnostic.rule)
        mine = [*heads.get(diagnostic.version, ()), *steps.get((diagnostic.version, diagnostic.step), ())]
        mine += [e for e in general if isinstance(e.written, IgnoreConfig) and _in_path(e.written, diagnostic)]
        hits = [e for e in mine if _covers(e.written.rule, diagnostic.rule, rule)]
        for found in hits:
            found.met = True
        hit = next((e for e in hits if not e.ended), None)
        if rule is not None and rule.final:
            untrusted.add(diagnostic.version)
        if hit is None or (rule is not None and rule.final):
            kept.append(diagnostic)
        elif rule is not None and rule.needs_reason and not hit.written.reason.strip():
            words = f"`ignore` of {rule.id} needs a reason"
            hint = "add `reason: why it is right here`"
            wrong = replace(diagnostic, rule="SP118", severity="error", message=words, hint=hint, related=(), also=())
            kept += (diagnostic, replace(wrong, span=hit.span, subject=""))
    every = [*(e for head in heads.values() for e in head), *by_place.values(), *general]
    wrong_ones = list(_wrong(every, untrusted, run))
    return (*kept, *(d for d in wrong_ones if not any(_covers(e.rule, d.rule, find(d.rule)) for e in config)))


def _wrong(entries: Sequence[_Entry], untrusted: set[str], run: Run) -> Iterator[Diagnostic]:
    """Yield what is wrong with the ignores themselves."""
    families = {r.id[:2] for r in registry()} if entries else set()
    for entry in entries:
        word = entry.written.rule
        version = entry.spec.version if entry.spec else ""
        rule = find(word)
        if rule is None and word.upper() not in families:
            words = f"there is no rule `{word}`, so this ignores nothing"
            yield Diagnostic(
                "SP116", "warning", words, entry.span, "`engine lint --list-rules` shows them all", version=version
            )
        elif entry.met and entry.ended:
            words = f"this `ignore` of {word} was good until {entry.written.until}"
            yield Diagnostic("SP117", "warning", words, entry.span, "mend what it hid, or take it out", version=version)
        elif not entry.met and (entry.spec or run.whole) and _could_meet(word, rule, run) and version not in untrusted:
            words = f"this `ignore` of {word} meets no finding"
            hint = "take it out: it would hide a later one"
            yield Diagnostic("SP117", "warning", words, entry.span, hint, version=version)


def _could_meet(word: str, rule: Rule | None, run: Run) -> bool:
    """Tell whether a rule had what it needs: history is in a database, and other databases have other findings."""
    if (rule.id if rule is not None else word.upper()) in ("SP", "SP116", "SP117") or word.upper()[:2] == "VC":
        return False  # those about ignores are judged after this
    if rule is not None and rule.id[:2] == "VC":
        return False
    if rule is None or rule.final:
        return rule is None
    return not rule.dialects or run.dialect in rule.dialects


def _ended(until: str, today: str, newest: object) -> bool:
    """Tell whether an ignore that holds until a day or a version is over."""
    if not until:
        return False
    if _DAY.fullmatch(until):
        return bool(today) and today > until
    return newest is not None and version_key(until) <= newest  # type: ignore[operator]


def _in_path(entry: IgnoreConfig, diagnostic: Diagnostic) -> bool:
    name = diagnostic.span.source.name if diagnostic.span else ""
    return in_paths(name, entry.paths)


def in_paths(name: str, patterns: Sequence[str]) -> bool:
    """Tell whether a file is one of those that patterns name; no patterns: all files."""
    return not patterns or any(fnmatch(name, pattern + "*") for pattern in patterns)


def _covers(word: str, rule_id: str, rule: Rule | None) -> bool:
    return word.upper() in (rule_id, rule_id[:2]) or (rule is not None and word == rule.name)
