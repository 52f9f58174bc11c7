"""Specs against the history: what is pending, what was edited, renumbered, is gone or out of order. Pure.

A version is one version however it is written: `1`, `01` and `001` are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import PurePath
from typing import TYPE_CHECKING

from engine.errors import Diagnostic, Drift, EngineError, UsageError
from engine.spec.checksum import FORM, checksum
from engine.spec.files import version_key, version_of

if TYPE_CHECKING:
    from engine.dialects.ledger import Record
    from engine.project import Project
    from engine.spec.model import Spec


def upto(specs: Sequence[Spec], to: str | None, known: Sequence[str]) -> tuple[Spec, ...]:
    """Return the specs up to version `to` (all for None).

    Raises:
        UsageError: nobody has that version.
    """
    if to is None:
        return tuple(specs)
    if version_key(to) not in {version_key(v) for v in (*(s.version for s in specs), *known)}:
        versions = ", ".join(s.version for s in specs) or "none"
        raise UsageError(f"there is no version `{to}`", f"the specs have {versions}")
    return tuple(s for s in specs if version_key(s.version) <= version_key(to))


def pending(
    specs: Sequence[Spec], records: Sequence[Record], to: str | None = None, known: Sequence[str] = ()
) -> tuple[Spec, ...]:
    """Return the specs that are not applied, up to `to`; `known` are versions of registered classes."""
    applied = {version_key(r.version) for r in records if r.applied}
    versions = sorted(r.version for r in records if r.applied)
    return tuple(s for s in upto(specs, to, [*versions, *known]) if version_key(s.version) not in applied)


# ── what is not as it was ─────────────────────────────────────────────────
def edited(
    specs: Sequence[Spec], records: Sequence[Record], found: Iterable[Diagnostic] = ()
) -> tuple[Diagnostic, ...]:
    """Return in what the specs are not those that were applied.

    Args:
        specs: all that could be built.
        records: the history.
        found: why the others could not be built.

    Returns:
        VC105 for an applied spec that means something else now, VC106 for one that is gone (an error where a pending
        spec is the same under another version: it would be done twice), VC109 for one that is half applied and was
        edited, or is gone.
    """
    by_key = {version_key(s.version): s for s in specs}
    broken = _broken(found)
    todo = pending(specs, records)
    told = []
    for record in records:
        if record.code or not (record.applied or record.state == "applying"):
            continue
        key = version_key(record.version)
        spec = by_key.get(key)
        if record.state == "applying":
            one = _half_applied(record, spec, broken.get(key))
        elif spec is not None:
            one = _other(record, spec)
        elif key in broken:
            words = f"{broken[key]} is applied, and can't be read as a spec any more"
            one = Diagnostic("VC105", "error", words, None, _BACK, version=record.version)
        else:
            one = _gone(record, todo)
        told += [one] if one is not None else []
    return tuple(told)


_BACK = "put it back as it was, and write a new spec for what is new; `engine rollback` goes by what was applied"


def _broken(found: Iterable[Diagnostic]) -> dict[object, str]:
    """Return the key of the version → name of each file that could not be built."""
    names = [d.span.source.name for d in found if d.severity == "error" and d.span is not None]
    versions = {name: version_of(PurePath(name).name) for name in names}
    return {version_key(version): name for name, version in versions.items() if version}


def _other(record: Record, spec: Spec) -> Diagnostic | None:
    """Return VC105 where `spec` is not what was applied as `record`."""
    if spec.checksum == record.checksum:
        return None
    name = spec.source.name
    hint = _BACK
    if record.checksum.partition(":")[0] != FORM:
        words = f"whether {name} was changed after it was applied can't be told"
        hint = f"it was applied by engine {record.engine_version}, which compares specs in another way: use that one"
    elif _same(record, spec):
        words = f"the version of {name} is written {spec.version}, and in the history {record.version}"
        hint = f"write {record.version}, as when it was applied"
    elif PurePath(name).name != PurePath(record.spec_name).name:
        words = f"version {record.version} was applied from {record.spec_name}, and {name} says something else"
        hint = f"give {name} a version of its own, and put {record.spec_name} back"
    elif spec.variables:
        words = f"{name} was changed after it was applied, or a variable in it has another value"
    else:
        words = f"{name} was changed after it was applied"
    return Diagnostic("VC105", "error", words, spec.span(("version",)), hint, version=spec.version)


def _gone(record: Record, todo: Sequence[Spec]) -> Diagnostic:
    """Return VC106 for `record`, which no spec has: an error where one of `todo` is the same once more."""
    twin = next((spec for spec in todo if _same(record, spec)), None)
    if twin is None:
        words = f"version {record.version} is applied, and no file has it"
        hint = f"put {record.spec_name} back; `engine rollback` goes by what the history stored"
        return Diagnostic("VC106", "warning", words, None, hint, version=record.version)
    words = (
        f"{twin.source.name} is what was applied as {record.version}, which no file has any more: "
        "it would be done a second time"
    )
    hint = f"give it its version {record.version} again; where it is meant to run twice, put {record.spec_name} back"
    return Diagnostic("VC106", "error", words, twin.span(("version",)), hint, version=twin.version)


def _same(record: Record, spec: Spec) -> bool:
    """Tell whether `spec` but for its version is what was applied as `record`."""
    again = checksum(
        record.version,
        spec.steps,
        requires=spec.requires,
        dialects=spec.dialects,
        on_failure=spec.on_failure,
        transaction=spec.transaction,
    )
    return again == record.checksum


def _half_applied(record: Record, spec: Spec | None, broken: str | None) -> Diagnostic | None:
    """Return VC109 where the spec of an interrupted apply is not the one that it began with."""
    hint = f"put {record.spec_name} back as it was and run `engine apply`, or take back what was done"
    if spec is not None and spec.checksum == record.checksum:
        return None
    if spec is None and broken is None:
        words = f"{record.version} is half applied, and its spec is gone"
    elif spec is None:
        words = f"{record.version} is half applied, and {broken} can't be read as a spec any more"
    else:
        words = f"{spec.source.name} was changed since its apply began"
    span = spec.span(("version",)) if spec is not None else None
    return Diagnostic("VC109", "error", words, span, hint, version=record.version)


def out_of_order(specs: Sequence[Spec], records: Sequence[Record]) -> list[Diagnostic]:
    """Return VC104 for each pending spec that sorts before the newest applied version."""
    applied = [r.version for r in records if r.applied or r.state == "applying"]
    if not applied:
        return []
    newest = max(applied, key=version_key)
    word = "applied" if any(r.version == newest and r.applied for r in records) else "half applied"
    return [
        Diagnostic(
            "VC104",
            "error",
            f"version {spec.version} is pending and sorts before {newest}, which is {word}",
            spec.span(("version",)),
            f"give it a version after {newest}, or ignore VC104 with a reason",
            version=spec.version,
        )
        for spec in pending(specs, records)
        if version_key(spec.version) < version_key(newest)
    ]


# ── refusals ──────────────────────────────────────────────────────────────
def refuse_edited(specs: Sequence[Spec], records: Sequence[Record]) -> None:
    """Stop where an applied spec was edited.

    Raises:
        Drift: naming the file.
    """
    first = next((d for d in edited(specs, records) if d.rule == "VC105"), None)
    if first is not None:
        raise _drift(first, "engine history")


def refuse_half_edited(specs: Sequence[Spec], record: Record, found: Iterable[Diagnostic] = ()) -> None:
    """Stop where the spec of an interrupted apply is not the one that it began with.

    Raises:
        Drift: naming the file; the way on is back.
    """
    first = next(iter(edited(specs, [record], found)), None) if record.state == "applying" else None
    if first is not None:
        raise _drift(first, "engine rollback")


def _drift(found: Diagnostic, following: str) -> Drift:
    return Drift(
        found.message,
        found.hint,
        kept="nothing was done",
        next=following,
        span=found.span,
        details={"rule": found.rule},
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


def as_applied(project: Project, records: Iterable[Record]) -> tuple[Spec, ...]:
    """Return the specs that are still what was applied: lines in them are places of what was stored."""
    known = {(r.version, r.checksum) for r in records}
    with suppress(EngineError):  # a way back needs no files
        return tuple(spec for spec in project.read()[0] if (spec.version, spec.checksum) in known)
    return ()
