"""The pages of tests/cases that name `postgresql` among their `dialects`, on a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.postgres import Place
from tests.support.served import lives, pages


@pytest.mark.parametrize("page", pages("postgresql"))
def test_case(page: Path, place: Place) -> None:
    lives(page, "postgresql", place)
