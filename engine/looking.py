"""Use-cases that read: status, list, history, snapshot, verify. They change no byte of a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.project import Project
from engine.run import reading
from engine.run.finalize import half_way
from engine.run.records import InProgress
from engine.run.records import Status as Standing
from engine.spec.files import version_key
from engine.versions import edited, out_of_order, pending

if TYPE_CHECKING:
    from engine.dialects.ledger import Event, Record
    from engine.errors import Diagnostic
    from engine.spec.model import Spec


@dataclass(frozen=True, slots=True)
class Pending:
    """A migration that is not applied."""

    version: str
    description: str


@dataclass(frozen=True, slots=True)
class Status:
    """Where a database stands; the fields of `status --format json`."""

    database: str
    dialect: str
    current_version: str | None
    applied: tuple[str, ...]
    pending: tuple[Pending, ...]
    in_progress: InProgress | None
    drift: tuple[str, ...]
    next: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One migration, applied or not; the fields of `list --format json`."""

    version: str
    description: str
    applied: bool
    applied_at: str | None
    rolled_back_at: str | None
    reversible: bool | None


def status(project: Project) -> Status:
    """Return where the database stands.

    Raises:
        EngineError: it can't be opened, or the specs can't be read.
    """
    url = project.require_url()
    with project.connect(read_only=True) as (driver, ledger):
        records = ledger.records()
        found = reading.status(ledger, version_key)
        half = () if found.damage else half_way(ledger, records, driver.catalogue().taken)
    specs: Sequence[Spec] = ()
    broken: Sequence[Diagnostic] = ()
    told: Sequence[Diagnostic] = ()
    drift: list[str] = []
    try:
        specs, broken, _ = project.read()
        told = (*edited(specs, records, broken), *out_of_order(specs, records))
    except EngineError as error:  # a missing folder is no error for those who only look
        drift += [f"the specs can't be compared: {error.message}"] if found.applied or found.in_progress else []
        told = edited((), [r for r in records if r.state == "applying"])
    todo = [Pending(s.version, s.description) for s in pending(specs, records)] + _classes(project, records)
    drift += [d.message for d in told] + ([found.damage] if found.damage else [])
    drift += [f"the finalize of {version} has not ended: what it kept is still there in part" for version in half]
    return Status(
        url.display,
        url.dialect,
        found.current_version,
        tuple(r.version for r in found.applied),
        tuple(todo),
        found.in_progress,
        tuple(drift),
        _next(found, broken, told, bool(todo)) if found.in_progress or not half else f"engine finalize {half[0]}",
    )


def _next(found: Standing, broken: Sequence[Diagnostic], told: Sequence[Diagnostic], todo: bool) -> str:
    """Return the command that goes on from here, "" where there is none or nothing to do."""
    now = found.in_progress
    if found.damage:
        return ""  # no command mends it: the message says what does
    if now is not None and now.holder is not None:
        return "engine status"
    if now is not None and now.direction == "rollback":
        return "engine rollback"
    if now is not None and any(d.rule == "VC109" for d in told):
        return "engine rollback"
    if any(d.severity == "error" for d in (*broken, *(told if now is None else ()))):
        return "engine lint"  # apply would refuse: it names the places
    if now is not None:
        return "engine apply"
    return "engine plan" if todo else ""


def _classes(project: Project, records: Sequence[Record]) -> list[Pending]:
    done = {r.version for r in records if r.applied}
    return [Pending(v, m.get_description()) for v, m in sorted(project.classes.items()) if v not in done]


def list_migrations(project: Project) -> tuple[Listed, ...]:
    """Return all migrations that specs, classes or the history know, in version order."""
    specs = project.read()[0] if project.specs is not None else ()
    records: dict[str, Record] = {}
    if project.url is not None:
        with project.connect(read_only=True) as (_, ledger):
            records = {r.version: r for r in ledger.records()}
    words = {r.version: r.description for r in records.values()}
    words |= {v: m.get_description() for v, m in project.classes.items()}
    words |= {s.version: s.description for s in specs}
    found = []
    for version in sorted(words, key=version_key):
        r = records.get(version)
        found.append(
            Listed(
                version,
                words[version],
                bool(r and r.applied),
                r.applied_at if r and r.applied else None,
                r.rolled_back_at if r else None,
                (r.reversible and r.state != "finalized") if r else None,
            )
        )
    return tuple(found)


def history(project: Project) -> tuple[Event, ...]:
    """Return who ran what, when, how long, how many rows; the oldest first."""
    with project.connect(read_only=True) as (_, ledger):
        return ledger.events()


def snapshot(project: Project) -> str:
    """Return the schema of the database as the text of a snapshot file."""
    from engine.run.snapshot import text

    with project.connect(read_only=True) as (driver, _):
        return text(driver.catalogue(), project.require_url().dialect)


def current_version(project: Project) -> str | None:
    """Return the highest version that is applied, None for none. Quick: reads one table."""
    with project.connect(read_only=True) as (_, ledger):
        return reading.current_version(ledger, version_key)


def earlier(version: str, other: str) -> bool:
    """Tell whether `version` sorts before `other`."""
    return version_key(version) < version_key(other)


def verify(project: Project) -> None:
    """Tell that this is for a later version.

    Raises:
        EngineError: always.
    """
    del project
    raise EngineError(
        "`engine verify` comes in a later version",
        "`validate` steps hold now, and `engine status` shows drift of the specs",
        next="engine status",
    )
