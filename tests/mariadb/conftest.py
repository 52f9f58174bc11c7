"""One server and one database for all tests here; each test finds the database empty."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.mariadb import MISSING, Place, database, server


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A database of this run; where there is no server, the tests are left out and the last lines say so."""
    pytest.importorskip("pymysql", reason=MISSING)
    with server(tmp_path_factory.mktemp("mariadb")) as url:
        if not url:
            pytest.skip(MISSING)
        with database(url, f"engine_t_{os.getpid()}") as place:
            yield place


@pytest.fixture
def place(shared: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty database, and an empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    shared.clean()
    return shared
