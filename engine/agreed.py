"""A plan file, which somebody read and agreed to, against what would run now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.errors import Drift
from engine.model.plan import Plan
from engine.project import Project

if TYPE_CHECKING:
    from engine.plan.document import PlanFile
    from engine.spec.model import Spec


def with_texts(project: Project, plan_file: PlanFile) -> Project:
    """Take the specs from the plan file where the folder was left out."""
    if project.specs is None or project.specs.exists():
        return project
    return replace(project, texts=tuple(plan_file.specs), specs=None)


def compare(plan_file: PlanFile, project: Project, specs: Sequence[Spec]) -> None:
    """See to it that a plan file was made for these specs and this kind of database.

    Raises:
        Drift: it was not.
    """
    if plan_file.dialect != project.dialect.name:
        raise Drift(f"the plan is for {plan_file.dialect}, and this database is {project.dialect.name}")
    texts = {s.version: s.source.text for s in specs}
    for version, (name, text) in zip(plan_file.versions, plan_file.specs, strict=False):
        if texts.get(version) != text:
            raise Drift(
                f"the spec {name} is not what it was when the plan was made",
                "make the plan again and have it read again",
                kept="nothing was done",
                next="engine plan --out FILE",
            )


def same_plan(plan_file: PlanFile, plan: Plan) -> None:
    """See to it that what would run is what the file says.

    Raises:
        Drift: it is not.
    """
    from engine.plan.document import plan_hash

    # Equal statements are not enough: the view that a copy reads may be another one now.
    schema = plan.schema != plan_file.schema_fingerprint
    if schema or plan_hash(plan) != plan_file.plan_hash:
        raise Drift(
            "the database is not what it was when the plan was made"
            if schema
            else "what would run now is not what the plan file says",
            "make the plan again and have it read again",
            kept="nothing was done",
            next="engine plan --out FILE",
        )
