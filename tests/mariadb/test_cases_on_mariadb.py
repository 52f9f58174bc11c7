"""The pages of tests/cases that name `mariadb` among their `dialects`, on a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.mariadb import Place
from tests.support.served import lives, pages


@pytest.mark.parametrize("page", pages("mariadb"))
def test_case(page: Path, place: Place) -> None:
    lives(page, "mariadb", place)
