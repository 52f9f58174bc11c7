"""Use-cases that read: status, list, history, snapshot, verify. They change no byte of a database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.checking import edited, out_of_order, pending
from engine.errors import EngineError
from engine.project import Project
from engine.spec.files import version_key

if TYPE_CHECKING:
    from engine.dialects.base import Catalogue
    from engine.dialects.ledger import Event, Ledger, Record
    from engine.spec.model import Spec


@dataclass(frozen=True, slots=True)
class Pending:
    """A migration that is not applied."""

    version: str
    description: str


@dataclass(frozen=True, slots=True)
class InProgress:
    """A migration that has begun and not ended.

    Attributes:
        resumable: nobody holds the lock, so the command named goes on with it.
    """

    version: str
    direction: str
    step: str
    batch: int
    rows_done: int
    rows_total: int | None
    resumable: bool


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
    specs = readable_specs(project)
    with project.connect(read_only=True) as (_, ledger):
        records = ledger.records()
        now = _in_progress(ledger, records)
    drift = [d.message for d in (*edited(specs, records), *out_of_order(specs, records))]
    return Status(
        url.display,
        url.dialect,
        current(records),
        tuple(r.version for r in applied(records)),
        (*(Pending(s.version, s.description) for s in pending(specs, records)), *_classes(project, records)),
        now,
        tuple(drift),
    )


def readable_specs(project: Project) -> tuple[Spec, ...]:
    """Return the specs that can be built; a missing folder is no error for those who only look."""
    try:
        return project.read()[0]
    except EngineError:
        return ()


def applied(records: Sequence[Record]) -> list[Record]:
    """Return the applied ones in version order."""
    return sorted((r for r in records if r.applied), key=lambda r: version_key(r.version))


def current(records: Sequence[Record]) -> str | None:
    """Return the highest version that is applied, None for none."""
    found = applied(records)
    return found[-1].version if found else None


def _in_progress(ledger: Ledger, records: Sequence[Record]) -> InProgress | None:
    record = next((r for r in records if r.unfinished), None)
    if record is None:
        return None
    steps = ledger.progress(record.version, record.direction)
    at = next((s for s in steps if s.state == "doing"), None) or next((s for s in steps if s.state == "todo"), None)
    rows = sum(s.selected for s in steps)
    free = ledger.holder() is None
    return InProgress(
        record.version, record.direction, at.step if at else "", at.batch if at else 0, rows, None, free
    )


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
    with project.connect(read_only=True) as (driver, _):
        return snapshot_text(project.require_url().dialect, driver.catalogue())


def snapshot_text(dialect: str, catalogue: Catalogue) -> str:
    """Return `catalogue` as the text of a snapshot file (JSON, one object per line group)."""
    objects = [{"type": o.type, "name": o.name, "table": o.table, "sql": o.sql} for o in catalogue.objects]
    return json.dumps({"snapshot": 1, "dialect": dialect, "objects": objects}, indent=1) + "\n"
