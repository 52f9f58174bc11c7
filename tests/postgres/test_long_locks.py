"""On a table of more than 50,000 rows nobody is kept from writing for as long as it takes to read them all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.postgres.crashing import cutting
from tests.support.command import document, run
from tests.support.cuts import run as run_cut
from tests.support.database import same
from tests.support.postgres import Place
from tests.test_cases import sent_as_planned

LARGE = """
CREATE TABLE t (id INTEGER NOT NULL, a INTEGER, b TEXT);
INSERT INTO t SELECT n, n, 'b' || n FROM generate_series(1, 50001) AS n;
"""


def spec(step: str, more: str = "") -> None:
    """Write a spec of one step."""
    Path("specs").mkdir(exist_ok=True)
    Path("specs/001_one.yaml").write_text(
        f'version: "001"\ndescription: One step\n{more}steps:\n  - {step}\n', encoding="utf-8"
    )


def apply(place: Place) -> Any:
    return run("apply", "--db", place.url, "--yes", "specs")


def there_and_back(place: Place, says: str) -> None:
    """What is planned has these words in this order, is what is sent, and goes back to the last byte."""
    place.script(LARGE)
    before = place.snapshot()
    planned = document("plan", "--db", place.url, "specs")
    lines = iter([s["sql"] for m in planned["migrations"] for s in m["statements"]])
    for words in says.strip().splitlines():
        assert any(words.strip() in line for line in lines), words
    applied = apply(place)
    assert applied.code == 0, applied.output
    sent_as_planned(planned, applied, "sql")
    undone = run("rollback", "--db", place.url, "--yes", "--to", "0", "specs")
    assert undone.code == 0, undone.output
    same(before, place.snapshot())


def test_not_null_comes_by_a_check_that_is_validated_while_others_write(place: Place) -> None:
    spec("alter: {table: t, change: {a: {nullable: false}}}")
    there_and_back(
        place,
        """
        ADD CONSTRAINT engine_not_null_1 CHECK ("a" IS NOT NULL) NOT VALID
        VALIDATE CONSTRAINT engine_not_null_1
        ALTER COLUMN "a" SET NOT NULL
        DROP CONSTRAINT engine_not_null_1
        """,
    )
    assert apply(place).code == 0
    assert place.ask("SELECT attnotnull::int FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'a'") == [
        [1]
    ]
    assert place.ask("SELECT count(*) FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'c'") == [[0]]


def test_a_unique_key_comes_over_an_index_that_is_built_while_others_write(place: Place) -> None:
    spec("alter: {table: t, add_unique: [{columns: [b], name: b_once}]}")
    there_and_back(
        place,
        """
        CREATE UNIQUE INDEX CONCURRENTLY "b_once" ON "t" ("b")
        ADD CONSTRAINT "b_once" UNIQUE USING INDEX "b_once"
        """,
    )
    assert apply(place).code == 0
    assert place.ask("SELECT contype::text FROM pg_constraint WHERE conname = 'b_once'") == [["u"]]


def test_a_primary_key_comes_over_columns_and_an_index_that_hold_nobody_up(place: Place) -> None:
    spec("alter: {table: t, primary_key: [id, a]}")
    there_and_back(
        place,
        """
        VALIDATE CONSTRAINT engine_not_null_1
        ALTER COLUMN "a" SET NOT NULL
        CREATE UNIQUE INDEX CONCURRENTLY "t_pkey" ON "t" ("id", "a")
        ADD CONSTRAINT "t_pkey" PRIMARY KEY USING INDEX "t_pkey"
        """,
    )
    assert apply(place).code == 0
    assert place.ask("SELECT contype::text FROM pg_constraint WHERE conname = 't_pkey'") == [["p"]]


def test_a_spec_that_asks_for_one_transaction_gets_it(place: Place) -> None:
    spec("alter: {table: t, add_unique: [[b]]}", "transaction: spec\n")
    there_and_back(place, 'ADD CONSTRAINT "uq_t_b" UNIQUE ("b")')


@pytest.mark.parametrize("after", range(1, 7))
def test_a_key_that_fails_half_way_leaves_nothing(place: Place, after: int) -> None:
    spec("alter: {table: t, primary_key: [id, a]}")
    place.script(LARGE)
    before = place.snapshot()
    with cutting(place, after_commit=after) as cuts:
        ran = run_cut(place, "apply")
    assert cuts.commits >= after and ran.code in (1, 6), ran.output
    undone = run("rollback", "--db", place.url, "--yes", "--to", "0", "specs")
    assert undone.code == 0, undone.output
    same(before, place.snapshot())


def test_duplicates_are_named_and_nothing_is_left(place: Place) -> None:
    spec("alter: {table: t, add_unique: [[b]]}")
    place.script(LARGE)
    place.script("INSERT INTO t VALUES (0, 0, 'b7')")
    before = place.snapshot()
    ran = apply(place)
    assert ran.code == 3 and "b7" in ran.output, ran.output
    same(before, place.snapshot())


def test_a_null_is_named_and_nothing_is_left(place: Place) -> None:
    spec("alter: {table: t, change: {a: {nullable: false}}}")
    place.script(LARGE)
    before = place.snapshot()
    place.script("INSERT INTO t VALUES (0, NULL, 'x')")
    ran = apply(place)
    assert ran.code == 3 and "1 rows of t have NULL in a" in ran.output, ran.output
    place.script("DELETE FROM t WHERE id = 0")
    same(before, place.snapshot())
