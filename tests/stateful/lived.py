"""Lives lived one after the other, and what was met in them."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.stateful.machine import Life
from tests.stateful.model import MET


def lived(lives: int, steps: int) -> dict[str, int]:
    """Live so many lives of so many events at most, and return how often each outcome was met."""
    MET.clear()
    run_state_machine_as_test(
        Life,
        settings=settings(
            settings.default,
            max_examples=lives,
            stateful_step_count=steps,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate,),  # a life is short; to shorten it takes longer than to read it
            report_multiple_bugs=False,
        ),
    )
    return dict(sorted(MET.items()))
