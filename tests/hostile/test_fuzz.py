"""Whatever is written, the answer is a plan or findings with a place: soon, in little memory, and never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile.trying import search

ROOT = Path(__file__).parents[2]
FACTOR = float(os.environ.get("ENGINE_TEST_FACTOR", "1.0"))


def test_some_hundred_changed_specs_are_answered_in_words() -> None:
    assert search(range(150)) == []


@pytest.mark.slow
def test_ten_thousand_changed_specs_are_answered_in_words_in_two_seconds_and_512_mb() -> None:
    count = int(10_000 * FACTOR)
    half = count // 2
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.hostile.trying", str(first), str(last)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for first, last in ((0, half), (half, count))
    ]
    answers = [child.communicate(timeout=900 * max(1.0, FACTOR))[0].strip() for child in children]
    print(f"{count} changed specs")
    assert answers == ["", ""]
    assert [child.returncode for child in children] == [0, 0]
