"""Databases for the tests of running."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from run_samples import Database, fill, quick

from engine.dialects.sqlite.ledger import Ledger


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[str], Database]]:
    opened: list[Database] = []

    def database(name: str = "app.db") -> Database:
        path = tmp_path / name
        fill(path)
        driver = quick(path)
        opened.append(Database(path, driver, Ledger(driver, path)))
        return opened[-1]

    yield database
    for one in opened:
        one.driver.close()


@pytest.fixture
def db(make: Callable[[str], Database]) -> Database:
    return make("app.db")
