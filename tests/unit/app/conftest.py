"""The folder in which use-cases are tried."""

from __future__ import annotations

from pathlib import Path

import pytest
from shelf import GIVEN, Shelf


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """A database of three rows, and an empty folder for specs."""
    monkeypatch.chdir(tmp_path)
    made = Shelf()
    made.folder.mkdir()
    made.sql(GIVEN)
    return made
