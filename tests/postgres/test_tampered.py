"""Journals on PostgreSQL that somebody writes to: refused by the server, or by name before a rollback writes."""

from __future__ import annotations

import pytest

from tests.support.command import run
from tests.support.postgres import Place
from tests.support.tampering import Intruder, applied, pairs, refused, unharmed


@pytest.fixture
def intruder(place: Place) -> Intruder:
    """Somebody at an empty database."""
    return Intruder(
        place,
        "SELECT schemaname || '.' || tablename FROM pg_tables WHERE tablename ~ '^engine_.*_[0-9]+$'",
        "SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 ORDER BY attnum",
        (
            "ALTER TABLE {table} DROP CONSTRAINT engine_sealed",
            "DROP RULE engine_sealed ON {table}",
        ),
    )


@pytest.mark.parametrize(("verb", "way"), pairs())
def test_a_journal_that_was_changed_is_refused_by_name(verb: str, way: str, intruder: Intruder) -> None:
    refused(intruder, verb, way)


@pytest.mark.parametrize("verb", ["transform", "delete", "drop-column", "drop-table"])
def test_who_writes_to_a_journal_is_refused_and_all_goes_back(verb: str, intruder: Intruder) -> None:
    unharmed(intruder, verb)


@pytest.mark.parametrize("verb", ["transform", "drop-table"])
def test_a_journal_that_was_emptied_is_refused_by_name(verb: str, intruder: Intruder) -> None:
    applied(intruder.place, verb)
    intruder.place.script(f"TRUNCATE {intruder.journal()}")
    ran = run("rollback", "--db", intruder.place.url, "--yes", "specs")
    assert ran.code == 4 and "was changed" in ran.output, ran.output
