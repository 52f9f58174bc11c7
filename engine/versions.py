"""Specs against the history: what is pending, what was edited, what is out of order. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from engine.errors import Diagnostic, Drift, Problem, UsageError
from engine.model.changes import Change, CreateType, DropType, RenameType
from engine.model.state import SchemaState, fold
from engine.spec.files import version_key

if TYPE_CHECKING:
    from engine.dialects.ledger import Record
    from engine.spec.model import Spec, Step


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


def pending(
    specs: Sequence[Spec], records: Sequence[Record], to: str | None = None, known: Sequence[str] = ()
) -> tuple[Spec, ...]:
    """Return the specs that are not applied, up to `to`; `known` are versions of registered classes."""
    applied = {r.version for r in records if r.applied}
    return tuple(s for s in upto(specs, to, [*sorted(applied), *known]) if s.version not in applied)


def made_types(specs: Sequence[Spec], records: Sequence[Record]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the enum types that applied specs made and none dropped, with their values."""
    applied = {r.version for r in records if r.applied}
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for step in (step for spec in specs if spec.version in applied for step in spec.steps):
        for change in _changes(step):
            if isinstance(change, CreateType):
                found[fold(change.name)] = (change.name, change.values)
            elif isinstance(change, DropType):
                found.pop(fold(change.name), None)
            elif isinstance(change, RenameType) and fold(change.name) in found:
                found[fold(change.to)] = (change.to, found.pop(fold(change.name))[1])
    return tuple(found.values())


def _changes(step: Step) -> tuple[Change, ...]:
    """Return what a step means where that can be told without the state that it met."""
    if step.verb not in ("create", "rename", "drop"):
        return ()
    try:
        return tuple(step.body.changes(SchemaState()))
    except Problem:
        return ()


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
            hint = f"put {record.spec_name} back; `engine rollback` goes by what the history stored"
            found.append(Diagnostic("VC106", "warning", words, None, hint, version=record.version))
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
    first = next((d for d in edited(specs, records) if d.rule == "VC105"), None)
    if first is not None:
        raise Drift(
            first.message,
            first.hint,
            kept="nothing was done",
            next="engine history",
            span=first.span,
            details={"rule": "VC105"},
        )


def refuse_taken(specs: Sequence[Spec], classes: Mapping[str, object]) -> None:
    """Stop where a spec and a registered class (by version) have one version: the second to come would never run.

    Raises:
        UsageError: naming both.
    """
    by_key = {version_key(version): made for version, made in classes.items()}
    for spec in specs:
        made = by_key.get(version_key(spec.version))
        if made is not None:
            raise UsageError(
                f"{spec.source.name} and the class {type(made).__name__} have the same version, {spec.version}",
                "give the newer one the next version",
                kept="nothing was done",
            )
