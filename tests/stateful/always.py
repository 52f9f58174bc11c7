"""What holds after every event, whatever it was."""

from __future__ import annotations

import json

from hypothesis.stateful import invariant

from tests.stateful.model import Model
from tests.support.database import own


class Always(Model):
    """The invariants."""

    # ── always ────────────────────────────────────────────────────────────
    @invariant()
    def holds(self) -> None:
        """The history tells what is there, and nothing is left of what is over."""
        if self.place is None or self.place.rows("SELECT 1 FROM sqlite_master WHERE name = 'engine_meta'") == []:
            return
        place = self._place
        status = place.status()
        applied = [d.version for d in self.done]
        assert status["applied"] == applied, self._story(status)
        assert status["current_version"] == (applied[-1] if applied else None)
        assert (status["in_progress"] is not None) == (self.half is not None), self._story(status)
        assert self.half is None or status["in_progress"]["resumable"], status
        waiting = [p["version"] for p in status["pending"]]
        assert waiting == [v for v in sorted(self.kinds) if v not in applied and v not in self.gone]
        half = self.half.done.version if self.half is not None and self.half.direction == "apply" else None
        drift = [v for v in self.edited | self.gone if v in applied or v == half]
        empty = not set(self.kinds) - self.gone
        assert empty or len(status["drift"]) == len(drift), (status["drift"], self.edited, self.gone)
        (fence,) = place.rows("SELECT value FROM engine_meta WHERE key = 'fence'")[0]
        assert fence >= self.fence, "fences only grow"
        self.fence = fence
        if self.half is None:
            assert not place.rows("SELECT 1 FROM engine_step WHERE direction = 'rollback'")
            differences = self.moment.users().differences(place.users())
            assert not differences, differences
            plans = place.rows("SELECT plan FROM migration_history WHERE applied AND state <> 'finalized'")
            wanted = {name for (plan,) in plans for unit in json.loads(plan)["units"] for name in unit["keeps"]}
            assert set(self.journals()) == wanted, "journals are left of what is over, or are missing"
        assert not place.rows("PRAGMA foreign_key_check")

    def journals(self) -> list[str]:
        """Return the engine's tables that hold a way back."""
        rows = self._place.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        usual = ("migration_history", "engine_run", "engine_event", "engine_step", "engine_meta")
        return [n for (n,) in rows if own(n) and n not in usual and not n.startswith("engine_forced")]
