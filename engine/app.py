"""The use-cases, in one place: what the command line and Python call.

A use-case is imported when it is asked for: `status` needs no planner.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.changing import RunResult, apply, finalize, plan_rollback, rollback
    from engine.checking import PlanResult, plan
    from engine.fixing import FixResult, fix
    from engine.linting import LintResult, lint, lint_each
    from engine.looking import (
        Status,
        current_version,
        earlier,
        history,
        list_migrations,
        snapshot,
        status,
        verify,
    )
    from engine.project import Project

_HOMES = {
    "changing": ("RunResult", "apply", "finalize", "plan_rollback", "rollback"),
    "checking": ("PlanResult", "plan"),
    "linting": ("LintResult", "lint", "lint_each"),
    "fixing": ("FixResult", "fix"),
    "looking": (
        "Status",
        "current_version",
        "earlier",
        "history",
        "list_migrations",
        "snapshot",
        "status",
        "verify",
    ),
    "project": ("Project",),
}

__all__ = [
    "FixResult",
    "LintResult",
    "PlanResult",
    "Project",
    "RunResult",
    "Status",
    "apply",
    "current_version",
    "earlier",
    "finalize",
    "fix",
    "history",
    "lint",
    "lint_each",
    "list_migrations",
    "plan",
    "plan_rollback",
    "rollback",
    "snapshot",
    "status",
    "verify",
]


def __getattr__(name: str) -> Any:
    home = next((home for home, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'engine.app' has no attribute {name!r}")
    return getattr(importlib.import_module(f"engine.{home}"), name)
