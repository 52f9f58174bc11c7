"""The use-cases, in one place: what the command line and Python call."""

from engine.changing import RunResult, apply, finalize, plan_rollback, rollback
from engine.checking import LintResult, PlanResult, lint, plan
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

__all__ = [
    "LintResult",
    "PlanResult",
    "Project",
    "RunResult",
    "Status",
    "apply",
    "current_version",
    "earlier",
    "finalize",
    "history",
    "lint",
    "list_migrations",
    "plan",
    "plan_rollback",
    "rollback",
    "snapshot",
    "status",
    "verify",
]
