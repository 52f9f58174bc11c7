"""Random databases and migrations: what plan calls reversible goes back to the last byte; 40 of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.random.journey import travel_all


@pytest.mark.parametrize("block", range(4))
def test_a_random_migration_goes_there_and_back(block: int, tmp_path: Path) -> None:
    went = travel_all(range(block * 10, block * 10 + 10), tmp_path)
    assert went["back"] >= 3, went
