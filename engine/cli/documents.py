"""Frozen values of the use-cases as JSON documents, and the same documents in words.

The fields of the values are named as the contract names them, so that a
document is the value itself with `schema_version`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import Any

from engine.cli.tables import table
from engine.source import visible

SCHEMA_VERSION = 1
Document = dict[str, Any]


def plain(value: Any) -> Any:
    """Return frozen values as dicts, tuples as lists, the rest as it is (or as text)."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(entry) for name, entry in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [plain(entry) for entry in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)


def document(fields: Mapping[str, Any]) -> str:
    """Return one JSON document, in ASCII, with a line end at its end."""
    return json.dumps({"schema_version": SCHEMA_VERSION, **plain(fields)}, indent=2) + "\n"


# ── status ────────────────────────────────────────────────────────────────
def status_text(found: Document, repeat: str) -> str:
    """Return where the database stands, for people."""
    applied, pending = found["applied"], found["pending"]
    lines = [
        f"Database: {visible(found['database'])} ({found['dialect']})",
        f"Version:  {visible(found['current_version'] or 'empty')}",
        f"Applied:  {len(applied)}{f' ({_some(applied)})' if applied else ''}",
        f"Pending:  {len(pending)}",
    ]
    lines += [f"  {visible(entry['version'])}  {visible(entry['description'])}" for entry in pending]
    if found["in_progress"]:
        lines.append(f"Unfinished: {_progress(found['in_progress'])}")
    lines += [f"Drift: {_drift(entry)}" for entry in found["drift"]]
    if found["next"]:
        lines.append(f"next: {found['next']} {repeat}".rstrip())
    return "\n".join(lines) + "\n"


def _some(versions: list[str]) -> str:
    shown = versions if len(versions) <= 8 else [*versions[:3], "…", *versions[-3:]]
    return ", ".join(visible(version) for version in shown)


def _progress(progress: Document) -> str:
    known = progress["rows_total"] is not None and progress["rows_total"] >= progress["rows_done"]
    total = f" of {progress['rows_total']:,}" if known else ""
    words = f"{progress['direction']} of {visible(progress['version'])}"
    if progress["step"]:
        words += f", step {visible(progress['step'])}, batch {progress['batch']}"
    words += f", {progress['rows_done']:,}{total} rows"
    if progress["resumable"]:
        return words + "; it can be resumed"
    return words + (f"; {_holder(progress['holder'])}" if progress["holder"] else "; it can't be resumed")


def _holder(holder: Document) -> str:
    """Return who is at work on it."""
    who = "@".join(visible(str(holder[part])) for part in ("user", "host") if holder[part])
    since = f" since {visible(holder['since'])} UTC" if holder["since"] else ""
    process = f"process {holder['pid']}" if holder["pid"] else "another process"  # a server knows sessions only
    return f"{process} ({who}) is at work on it{since}"


def _drift(entry: Any) -> str:
    if isinstance(entry, dict):
        return visible(str(entry.get("message") or ", ".join(f"{k}: {v}" for k, v in entry.items())))
    return visible(str(entry))


# ── list and history ──────────────────────────────────────────────────────
def list_text(migrations: list[Document]) -> str:
    """Return all migrations, `✓` before the applied ones."""
    if not migrations:
        return "no migrations\n"
    rows = [
        (
            "✓" if entry["applied"] else " ",
            entry["version"],
            entry["description"],
            entry["applied_at"] if entry["applied"] else _not_applied(entry),
            "" if entry["reversible"] is not False else "no way back",
        )
        for entry in migrations
    ]
    return table(("", "version", "description", "applied at (UTC)", ""), rows)


def _not_applied(entry: Document) -> str:
    return f"rolled back {entry['rolled_back_at']}" if entry["rolled_back_at"] else "pending"


def history_text(events: list[Document]) -> str:
    """Return who ran what, when, how long, how many rows."""
    if not events:
        return "nothing has been run on this database\n"
    rows = [
        (
            entry["started"],
            entry["version"],
            entry["outcome"],
            seconds(entry["seconds"]),
            entry["rows"],
            "@".join(part for part in (entry.get("by"), entry.get("host")) if part),
        )
        for entry in events
    ]
    return table(("started (UTC)", "version", "outcome", "took", "rows", "by"), rows)


# ── apply and rollback ────────────────────────────────────────────────────
def result_text(migrations: list[Document]) -> str:
    """Return a line per migration: what became of it, rows, seconds."""
    lines = []
    for entry in migrations:
        written = sum(step["rows_written"] or 0 for step in entry["steps"])
        skipped = sum(step["rows_skipped"] or 0 for step in entry["steps"])
        facts = [_count(len(entry["steps"]), "step"), f"{_count(written, 'row')} written"]
        facts += [f"{skipped:,} skipped"] if skipped else []
        words = entry["state"].replace("_", " ")
        lines.append(f"{words} {visible(entry['version'])}: {', '.join(facts)}, {seconds(entry['seconds'])}")
        lines += [f"  left or overwritten: {visible(c['message'])}" for c in entry["conflicts"]]
        if entry.get("forced"):
            lines.append(f"  what was overwritten is kept in {', '.join(entry['forced'])}, until you drop it")
    return "".join(f"{line}\n" for line in lines)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def seconds(value: float) -> str:
    """Return a span of time for people: `0.4 s`, `2 min 5 s`, `1 h 4 min`."""
    if value < 60:
        return f"{value:.1f} s"
    whole = int(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
