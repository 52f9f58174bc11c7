"""A column that goes, whose ALTER broke off: values come back where it went, and stay as others left them where not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mariadb.crashing import cutting
from tests.support.command import run as plain_run
from tests.support.cuts import run
from tests.support.database import Snapshot, same
from tests.support.factor import scaled
from tests.support.mariadb import Place

GIVEN = """
CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL, born VARCHAR(9)) COLLATE utf8mb4_nopad_bin;
INSERT INTO people SELECT seq, concat('p', seq), 1900 + seq FROM seq_1_to_9
"""
SPEC = """version: "001"
description: A column goes
steps:
  - alter: {table: people, drop: [born]}
"""
WRITTEN = "UPDATE people SET born = 'others' WHERE id = 3"


@pytest.fixture
def begun(place: Place) -> Place:
    """A folder with the spec."""
    Path("specs").mkdir()
    Path("specs/001_goes.yaml").write_text(SPEC, encoding="utf-8")
    return place


def broken_off(place: Place, behind: int) -> Snapshot:
    """Make the database anew and end an apply at its ALTER, or behind it; return the database as it was."""
    place.clean()
    place.script(GIVEN)
    before = place.snapshot()
    with cutting(place) as counted:
        assert run(place, "apply").code == 0
    place.clean()
    place.script(GIVEN)
    with cutting(place, counted.schema[-1] + behind):
        assert run(place, "apply").code != 0
    has = place.ask(
        "SELECT count(*) FROM information_schema.columns WHERE table_schema = database() AND column_name = 'born'"
    )
    assert has == [[1 - behind]]
    return before


def rolled_back(place: Place, after: Snapshot, cut: int = 0) -> int:
    """Roll back, cut off before the statement `cut` and then gone on with; return the statements there were."""
    with cutting(place, cut) as counted:
        ran = run(place, "rollback", "--to", "0")
    if cut:
        ran = run(place, "rollback", "--to", "0")
    assert ran.code == 0 or (cut and "nothing" in ran.output), ran.output
    same(after, place.snapshot())
    assert place.ask("SHOW TABLES LIKE 'engine_undo%'") == []
    return counted.seen


def test_what_others_wrote_stays_where_the_column_never_went(begun: Place) -> None:
    broken_off(begun, 0)
    begun.script(WRITTEN)
    shown = plain_run("rollback", "--db", begun.url, "--dry-run", "specs")
    assert "give back" not in shown.output, shown.output
    statements = rolled_back(begun, begun.snapshot())
    for cut in {statements // 3, statements // 2, statements - 6}:
        broken_off(begun, 0)
        begun.script(WRITTEN)
        rolled_back(begun, begun.snapshot(), cut)


def test_values_come_back_where_the_column_went_though_nobody_noted_it(begun: Place) -> None:
    statements = rolled_back(begun, broken_off(begun, 1))
    for cut in {statements // 2, statements - 6}:
        rolled_back(begun, broken_off(begun, 1), cut)


@pytest.mark.slow
@pytest.mark.parametrize("behind", [0, 1])
def test_a_rollback_of_a_broken_off_drop_may_itself_be_cut_anywhere(begun: Place, behind: int) -> None:
    before = broken_off(begun, behind)
    statements = rolled_back(begun, before)
    for cut in range(1, statements, max(1, round(statements / scaled(30)))):
        rolled_back(begun, broken_off(begun, behind), cut)


def test_a_new_journal_is_refused_where_it_was_changed_as_before(begun: Place) -> None:
    begun.script(GIVEN)
    assert run(begun, "apply").code == 0
    begun.script("UPDATE engine_undo_1 SET old_born = 'x' WHERE key_id = 3")
    refused = run(begun, "rollback", "--to", "0")
    assert refused.code == 4 and "the journal `engine_undo_1`" in refused.output, refused.output
