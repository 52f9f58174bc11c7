"""Keys and unique values that move onto each other: set aside where the table is small, refused by name where it is not."""

from __future__ import annotations

import pytest

from tests.postgres.crashing import cutting
from tests.postgres.test_long_locks import apply, spec
from tests.support.command import run
from tests.support.cuts import run as run_cut
from tests.support.cuts import there_and_back
from tests.support.database import same
from tests.support.factor import FACTOR
from tests.support.postgres import Place

SMALL = """
CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT UNIQUE);
INSERT INTO t SELECT n, 'c' || n FROM generate_series(1, 5) AS n;
"""
LARGE = """
CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT UNIQUE);
INSERT INTO t SELECT n, 'c' || n FROM generate_series(1, 50001) AS n;
"""
STEPS = """transform: {table: t, set: {id: "id + 1"}, where: "true"}
  - transform: {table: t, set: {code: "'c' || (8 - id)"}, where: "true"}"""
BY_ONE = 'transform: {table: t, set: {id: "id + 1"}, where: "true"}'


def test_a_session_cut_before_any_of_its_statements_is_gone_on_with(place: Place) -> None:
    every_so_many(place, 50)


@pytest.mark.slow
def test_a_session_cut_before_many_of_its_statements_is_gone_on_with(place: Place) -> None:
    """Before every ninth of them, before each with ENGINE_TEST_FACTOR=9."""
    every_so_many(place, max(1, round(9 / FACTOR)))


def every_so_many(place: Place, step: int) -> None:
    """End the session before every `step`-th statement, of apply and of rollback."""
    spec(STEPS, "transaction: step\n")
    place.script(SMALL)
    before = place.snapshot()
    with cutting(place) as there:
        assert run_cut(place, "apply").code == 0
    after = place.snapshot()
    with cutting(place) as back:
        assert run_cut(place, "rollback", "--to", "0").code == 0
    same(before, place.snapshot())
    for at in range(step, there.seen + 1, step):
        with cutting(place, at):
            run_cut(place, "apply")
        there_and_back(place, before, after)
    for at in range(step, back.seen + 1, step):
        assert run_cut(place, "apply").code == 0
        with cutting(place, at):
            run_cut(place, "rollback", "--to", "0")
        undone = run_cut(place, "rollback", "--to", "0")
        assert undone.code == 0, undone.output
        same(before, place.snapshot())


def test_on_a_large_table_a_row_that_meets_another_is_named_before_the_first_write(place: Place) -> None:
    spec(BY_ONE)
    place.script(LARGE)
    before = place.snapshot()
    ran = apply(place)
    assert ran.code == 3, ran.output
    assert "50,000 rows of t have values of id that other rows are to get" in " ".join(ran.output.split()), ran.output
    assert "move them in two steps" in " ".join(ran.output.split()), ran.output
    same(before, place.snapshot())


def test_on_a_large_table_keys_that_meet_none_move_in_batches_and_back(place: Place) -> None:
    spec(BY_ONE.replace("+ 1", "+ 100000").replace('"true"}', '"true", batch_size: 20000}'))
    place.script(LARGE)
    before = place.snapshot()
    ran = apply(place)
    assert ran.code == 0, ran.output
    assert place.ask("SELECT min(id), max(id) FROM t") == [[100001, 150001]]
    undone = run("rollback", "--db", place.url, "--yes", "--to", "0", "specs")
    assert undone.code == 0, undone.output
    same(before, place.snapshot())


def test_where_a_trigger_fires_nothing_is_set_aside_that_it_would_see(place: Place) -> None:
    spec(BY_ONE)
    place.script(SMALL)
    place.script(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';"
        "CREATE TRIGGER f BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()"
    )
    before = place.snapshot()
    ran = apply(place)
    assert ran.code == 1 and "duplicate key value" in ran.output, ran.output
    same(before, place.snapshot())


def test_fifty_thousand_rows_move_by_one_and_back(place: Place) -> None:
    spec(BY_ONE)
    place.script(LARGE.replace("50001", "50000"))
    before = place.snapshot()
    ran = apply(place)
    assert ran.code == 0, ran.output
    assert place.ask("SELECT min(id), max(id), count(*) FROM t WHERE code = 'c' || (id - 1)") == [[2, 50001, 50000]]
    undone = run("rollback", "--db", place.url, "--yes", "--to", "0", "specs")
    assert undone.code == 0, undone.output
    same(before, place.snapshot())
