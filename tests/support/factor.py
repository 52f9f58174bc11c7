"""How much of a slow proof runs: ENGINE_TEST_FACTOR multiplies its counts (1.0 for `make test-all`)."""

from __future__ import annotations

import os

FACTOR = float(os.environ.get("ENGINE_TEST_FACTOR", "1.0"))


def scaled(count: int) -> int:
    """Return `count` times the factor, 1 at least."""
    return max(1, round(count * FACTOR))
