"""400 random databases and migrations, there and back, in small batches, killed and gone on with."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.random.journey import travel_all
from tests.support.factor import scaled

pytestmark = pytest.mark.slow

FIRST = 1000
BLOCK = 50


@pytest.mark.parametrize("block", range(8))
def test_random_migrations_go_there_and_back(block: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    number = scaled(BLOCK)
    first = FIRST + block * number
    went: Counter[str] = travel_all(range(first, first + number), tmp_path)
    with capsys.disabled():
        print(f"\nseeds {first} to {first + number - 1}: {dict(went)}", end="")
    if number >= 20:
        assert went["refused"] < 0.4 * number, "the generator asks for too much that can't be"
        assert went["back"] > 0.4 * number, went
