"""The last look before a migration counts as applied: is the schema what the plan said that it would be?"""

from __future__ import annotations

from collections.abc import Iterable

from engine.dialects.base import Driver
from engine.dialects.ledger import Progress
from engine.errors import Drift
from engine.model.plan import MigrationPlan

_LONGEST = 300
"""Characters of a statement in a hint; a longer one is looked up in the plan."""


def require_left(driver: Driver, plan: MigrationPlan, progress: Iterable[Progress]) -> None:
    """Refuse to close a migration whose objects are not as it left them (invariant I6).

    Asked inside the transaction that ends it. Only what the migration itself makes, changes or takes away is
    compared: what others do to their own tables in the meantime is no concern of it. Where a `when` passed a step
    over, what is left follows from that answer, and nothing is compared.

    Args:
        driver: in a transaction.
        plan: what was run; one that was stored before it said what it leaves asks nothing.
        progress: how its units ended.

    Raises:
        Drift: somebody else changed one of them meanwhile.
    """
    if not plan.left or any(p.state == "skipped" for p in progress):
        return
    from engine.dialects import load_state

    found = load_state(driver).digests()
    for object_ in plan.left:
        now = found.get((object_.kind, object_.name), "")
        if now == object_.digest:
            continue
        what = f"{object_.kind} `{object_.name}`"
        if not object_.digest:
            message, hint = f"{what} is there again", f"{plan.version} took it away; take it away again"
        else:
            message = f"{what} is not as {plan.version} left it" if now else f"{what} is gone"
            hint = f"put it back as {plan.version} made it{_made(plan, object_.name)}"
        raise Drift(
            message,
            f"somebody else changed it meanwhile: {hint}, then `engine apply` or `engine rollback` goes on",
            kept=f"nothing of {plan.version} was kept" if plan.single else f"{plan.version} is done but for its end",
            next="engine apply",
        )


def _made(plan: MigrationPlan, name: str) -> str:
    """Return the statement of the plan that made an object last, for a hint, or ""."""
    texts = (s.sql for unit in reversed(plan.units) for s in unit.statements())
    made = next((sql for sql in texts if sql.upper().startswith("CREATE ") and name in sql), "")
    return f" ({made})" if 0 < len(made) <= _LONGEST else ""
