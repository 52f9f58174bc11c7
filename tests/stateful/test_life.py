"""The life of a database, a few short ones; `make test-all` lives longer ones."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

from tests.stateful.machine import Life

Life.TestCase.settings = settings(
    settings.default,
    max_examples=5,
    stateful_step_count=12,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),  # a life is short; to shorten it takes longer than to read it
    report_multiple_bugs=False,
)
TestLife = Life.TestCase
