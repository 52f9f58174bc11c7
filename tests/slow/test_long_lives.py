"""Long lives of a database (tests/stateful): whatever happens in whatever order, the history is honest."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.stateful.machine import Life
from tests.support.factor import scaled


@pytest.mark.slow
def test_a_long_life_ends_where_it_began() -> None:
    run_state_machine_as_test(
        Life,
        settings=settings(
            settings.default,
            max_examples=scaled(8),
            stateful_step_count=24,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate,),
            report_multiple_bugs=False,
        ),
    )
