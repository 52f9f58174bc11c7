"""Journals on SQLite that somebody writes to: refused by the database, or by name before a rollback writes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import run
from tests.support.database import Snapshot, same, script, snapshot
from tests.support.tampering import VERBS, Intruder, applied, pairs, refused, unharmed


@dataclass(frozen=True)
class File:
    """A database file."""

    url: str = "case.db"

    def script(self, sql: str) -> None:
        """Run SQL statements."""
        script(self.url, sql)

    def ask(self, sql: str) -> list[list[Any]]:
        """Return the rows of a query."""
        with closing(sqlite3.connect(self.url)) as db:
            return [list(row) for row in db.execute(sql)]

    def snapshot(self) -> Snapshot:
        """Read everything that a user can see."""
        return snapshot(self.url)


@pytest.fixture
def intruder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Intruder:
    """Somebody at an empty database."""
    monkeypatch.chdir(tmp_path)
    return Intruder(
        File(),
        "SELECT '\"' || name || '\"' FROM sqlite_schema WHERE type = 'table' AND name LIKE 'engine!_%!_%' ESCAPE '!'",
        "SELECT name FROM pragma_table_info('{bare}')",
        tuple(f"DROP TRIGGER {{bare}}_sealed_{event}" for event in ("insert", "update", "delete")),
    )


@pytest.mark.parametrize(("verb", "way"), pairs())
def test_a_journal_that_was_changed_is_refused_by_name(verb: str, way: str, intruder: Intruder) -> None:
    refused(intruder, verb, way)


@pytest.mark.parametrize("verb", VERBS)
def test_who_writes_to_a_journal_is_refused_and_all_goes_back(verb: str, intruder: Intruder) -> None:
    unharmed(intruder, verb)


def test_a_seal_that_was_taken_off_is_noticed_although_nothing_changed(intruder: Intruder) -> None:
    applied(intruder.place, "transform")
    intruder.place.script("DROP TRIGGER engine_undo_1_sealed_update")
    ran = run("rollback", "--db", "case.db", "--yes", "specs")
    assert ran.code == 4 and "was changed, or may have been: its seal is broken" in ran.output, ran.output


def test_a_history_from_before_there_were_seals_goes_back(intruder: Intruder) -> None:
    before = applied(intruder.place, "transform")
    intruder.open('"engine_undo_1"')
    # What an earlier version stored: the number of rows alone.
    intruder.place.script("""UPDATE engine_step SET journal_rows = '[["i", "3"]]' WHERE journal_rows <> '[]'""")
    ran = run("rollback", "--db", "case.db", "--yes", "specs")
    assert ran.code == 0, ran.output
    same(before, intruder.place.snapshot())
