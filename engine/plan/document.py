"""The plan as one JSON document, its hash, and the reading of a plan file.

No clock and no row of the user is in it: the same specs on the same schema
give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import EngineError
from engine.model.plan import MigrationPlan, Plan, Statement, Unit
from engine.plan.sequence import acts, main_statement, sent, undo_of

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class PlanFile:
    """What `apply --plan FILE` needs of a plan file; SQL in it is never run.

    Attributes:
        specs: (file name, text) of each migration's spec, in plan order.
        versions: the versions planned, in order.
        plan_hash: compare with `plan_hash` of the plan compiled anew.
        schema_fingerprint: of the schema it was made for.
    """

    dialect: str
    versions: tuple[str, ...]
    specs: tuple[tuple[str, str], ...]
    plan_hash: str
    schema_fingerprint: str


def document(plan: Plan, *, current_version: str | None = None) -> dict[str, Any]:
    """Return `plan` as the document of `plan --format json`.

    Args:
        plan: what apply or rollback would do.
        current_version: the highest version applied now.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "dialect": plan.dialect,
        "current_version": current_version,
        "migrations": [_migration(migration) for migration in plan.migrations],
        "protocol": [_statement(statement) for statement in plan.protocol],
        "plan_hash": plan_hash(plan),
        "schema_fingerprint": plan.schema,
        "notes": list(plan.notes),
    }


def plan_hash(plan: Plan) -> str:
    """Return SHA-256 (hex) over what would be sent, in order; counted rows are no part of it."""
    hashed = [
        plan.dialect,
        [_hashed(s) for s in plan.protocol],
        [[m.version, m.direction, m.checksum, m.skipped, [_unit_hashed(u) for u in m.units]] for m in plan.migrations],
    ]
    text = json.dumps(hashed, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def read_plan_file(text: str, name: str) -> PlanFile:
    """Read the text of a plan file.

    Args:
        text: its content.
        name: its name, for messages.

    Raises:
        EngineError: it is not a plan file of this version (exit 1).
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unreadable(name, f"it is not JSON ({error})") from error
    if not isinstance(found, dict) or "plan_hash" not in found:
        raise _unreadable(name, "it is not the document of `engine plan --format json`")
    if found.get("schema_version") != SCHEMA_VERSION:
        raise _unreadable(name, f"its schema_version is {found.get('schema_version')!r}, not {SCHEMA_VERSION}")
    migrations = found.get("migrations")
    if not isinstance(migrations, list) or not all(isinstance(m, dict) for m in migrations):
        raise _unreadable(name, "its `migrations` is not a list of objects")
    return PlanFile(
        _text(found, "dialect", name),
        tuple(_text(m, "version", name) for m in migrations),
        tuple((_text(m, "spec", name), _text(m, "spec_text", name)) for m in migrations),
        _text(found, "plan_hash", name),
        _text(found, "schema_fingerprint", name),
    )


def _text(fields: Mapping[str, Any], key: str, name: str) -> str:
    value = fields.get(key)
    if not isinstance(value, str):
        raise _unreadable(name, f"its `{key}` is not text")
    return value


def _unreadable(name: str, why: str) -> EngineError:
    return EngineError(
        f"the plan file {name} can't be read: {why}",
        "nothing was done",
        next=f"engine plan --format json --out {name}",
    )


# ── parts ─────────────────────────────────────────────────────────────────
def _migration(migration: MigrationPlan) -> dict[str, Any]:
    statements = [entry for unit in migration.units for entry in _unit(unit)]
    return {
        "version": migration.version,
        "description": migration.description,
        "direction": migration.direction,
        "single": migration.single,
        "mode_reason": migration.mode_reason,
        "reversible": all(entry["reversible"] != "no" for entry in statements),
        "skipped": migration.skipped,
        "checksum": migration.checksum,
        "spec": migration.spec_name,
        "spec_text": migration.spec_text,
        "statements": statements,
    }


def _unit(unit: Unit) -> Iterable[dict[str, Any]]:
    statements = sent(unit)
    main = main_statement(statements)
    undo = [entry.statement.sql for entry in undo_of(unit)]
    for place, entry in enumerate(statements):
        has_rows = place == main or entry.statement.count == "written"
        yield {
            "step": unit.step,
            "unit": unit.id,
            **_statement(entry.statement),
            "when": entry.moment,
            "undo": undo if place == main else [],
            "reversible": unit.reversible if acts(entry.statement) else "derived",
            "reason": unit.reason,
            "rows": unit.rows if has_rows else None,
            "batched": entry.batched,
        }


def _statement(statement: Statement) -> dict[str, Any]:
    return {"kind": statement.kind, "purpose": statement.purpose, "sql": statement.sql}


def _hashed(statement: Statement) -> list[Any]:
    return [statement.sql, statement.kind, list(statement.binds), statement.count, statement.only]


def _unit_hashed(unit: Unit) -> list[Any]:
    return [
        unit.id,
        [[_hashed(entry.statement), entry.batched] for entry in sent(unit)],
        [_unit_hashed(back) for back in unit.undo],
        unit.reversible,
        unit.on_conflict,
    ]
