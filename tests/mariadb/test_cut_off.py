"""Sessions that end at any statement, on the way there and back: no batch is lost, none is done twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mariadb.crashing import GIVEN, SPEC, cutting, run, there_and_back
from tests.support.database import Snapshot, same
from tests.support.factor import scaled
from tests.support.mariadb import Place


def begun(place: Place) -> Snapshot:
    """Make the database and the spec, and return the database as it is."""
    place.clean()
    place.script(GIVEN)
    Path("specs").mkdir(exist_ok=True)
    Path("specs/001_all.yaml").write_text(SPEC, encoding="utf-8")
    return place.snapshot()


def whole(place: Place) -> tuple[Snapshot, Snapshot, int, int, int, int]:
    """Return before, after, and the number of statements and commits of apply and of rollback."""
    before = begun(place)
    with cutting(place) as there:
        assert run(place, "apply").code == 0
    after = place.snapshot()
    with cutting(place) as back:
        assert run(place, "rollback", "--to", "0").code == 0
    same(before, place.snapshot())
    return before, after, there.seen, there.commits, back.seen, back.commits


def some(count: int, of: int) -> list[int]:
    """Return `count` numbers spread over 1 to `of`."""
    return sorted({max(1, round(of * (n + 0.5) / count)) for n in range(count)})


def cut_apply(place: Place, before: Snapshot, after: Snapshot, at: int, commit: int = 0) -> None:
    begun(place)
    with cutting(place, at, commit):
        ran = run(place, "apply")
    assert ran.code != 0 or commit, ran.output
    there_and_back(place, before, after)


def cut_rollback(place: Place, before: Snapshot, after: Snapshot, at: int, commit: int = 0) -> None:
    begun(place)
    assert run(place, "apply").code == 0
    with cutting(place, at, commit):
        run(place, "rollback", "--to", "0")
    undone = run(place, "rollback", "--to", "0")
    assert undone.code == 0, undone.output
    same(before, place.snapshot())


def test_a_session_cut_anywhere_is_gone_on_with(place: Place) -> None:
    before, after, statements, commits, back, back_commits = whole(place)
    for at in some(3, statements):
        cut_apply(place, before, after, at)
    for commit in some(1, commits):
        cut_apply(place, before, after, 0, commit)
    for at in some(2, back):
        cut_rollback(place, before, after, at)
    for commit in some(1, back_commits):
        cut_rollback(place, before, after, 0, commit)


@pytest.mark.slow
def test_a_session_cut_at_ninety_places_is_gone_on_with(place: Place) -> None:
    before, after, statements, commits, back, back_commits = whole(place)
    for at in some(scaled(40), statements):
        cut_apply(place, before, after, at)
    for commit in some(scaled(15), commits):
        cut_apply(place, before, after, 0, commit)
    for at in some(scaled(25), back):
        cut_rollback(place, before, after, at)
    for commit in some(scaled(10), back_commits):
        cut_rollback(place, before, after, 0, commit)


@pytest.mark.slow
def test_a_session_cut_before_or_after_any_schema_statement_is_gone_on_with(place: Place) -> None:
    before = begun(place)
    with cutting(place) as there:
        assert run(place, "apply").code == 0
    after = place.snapshot()
    with cutting(place) as back:
        assert run(place, "rollback", "--to", "0").code == 0
    for number in there.schema:
        cut_apply(place, before, after, number)
        cut_apply(place, before, after, number + 1)
    for number in back.schema:
        cut_rollback(place, before, after, number)
        cut_rollback(place, before, after, number + 1)
