"""Journals on MariaDB that somebody writes to: refused by name before a rollback writes."""

from __future__ import annotations

import pytest

from tests.support.mariadb import Place
from tests.support.tampering import WAYS, Intruder, pairs, refused


@pytest.fixture
def intruder(place: Place) -> Intruder:
    """Somebody at an empty database."""
    return Intruder(
        place,
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_schema = database() AND table_name REGEXP '^engine_.*_[0-9]+$'",
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = database() AND table_name = '{bare}' ORDER BY ordinal_position",
    )


# A journal that was made anew with the same rows gives the same rows back.
@pytest.mark.parametrize(("verb", "way"), pairs(("transform", "copy", "insert", "delete", "drop-column"), WAYS[:-1]))
def test_a_journal_that_was_changed_is_refused_by_name(verb: str, way: str, intruder: Intruder) -> None:
    refused(intruder, verb, way)


def test_a_table_put_aside_that_is_gone_is_refused_by_name(intruder: Intruder) -> None:
    refused(intruder, "drop-table", "gone")
