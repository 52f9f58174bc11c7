"""A whole shop through seven migrations that real shops need, and back to the byte."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support import shop
from tests.support.command import run
from tests.support.database import same, snapshot

pytestmark = pytest.mark.slow

SPECS = sorted((Path(__file__).parent / "shop").glob("*.yaml"))


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop, and the specs beside it."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(SPECS[0].parent, "specs")
    shop.make(tmp_path / "shop.db")
    return tmp_path / "shop.db"


def test_a_shop_goes_there_and_back_to_the_byte(made: Path) -> None:
    before = snapshot(made)
    applied = run("apply", "--db", "shop.db", "--yes", "specs")
    assert applied.code == 0, applied.output
    moved = ask(made, "SELECT count(*) FROM OldLine")
    assert ask(made, "SELECT typeof(UnitPrice), min(UnitPrice), max(UnitPrice) FROM Track") == [("integer", 99, 199)]
    assert moved[0][0] + ask(made, "SELECT count(*) FROM InvoiceLine")[0][0] == 2240
    assert ask(made, "SELECT count(*) FROM AlbumList") == [(350,)]
    assert ask(made, "PRAGMA foreign_key_check") == []
    names = ask(made, "SELECT FirstName, LastName FROM Customer WHERE Name LIKE 'Jean%' LIMIT 1")
    assert names == [("Jean-Luc", "Picard 🖖")]
    undone = run("rollback", "--db", "shop.db", "--yes", "--to", "0", "specs")
    assert undone.code == 0, undone.output
    same(before, snapshot(made))


def test_each_migration_goes_back_to_the_state_it_found(made: Path) -> None:
    states = [snapshot(made)]
    for spec in SPECS:
        applied = run("apply", "--db", "shop.db", "--yes", "--to", spec.name[:3], "specs")
        assert applied.code == 0, applied.output
        states.append(snapshot(made))
    for spec, state in zip(reversed(SPECS), reversed(states[:-1]), strict=True):
        undone = run("rollback", "--db", "shop.db", "--yes", "--steps", "1", "specs")
        assert undone.code == 0, f"{spec.name}: {undone.output}"
        same(state, snapshot(made))


def ask(path: Path, query: str) -> list[Any]:
    """Return the rows of a query."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()
