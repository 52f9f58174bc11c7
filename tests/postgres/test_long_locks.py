"""On a table of more than 50,000 rows nobody is kept from writing for as long as it takes to read them all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.command import document, run
from tests.support.database import same
from tests.support.postgres import Place
from tests.test_cases import sent_as_planned

LARGE = """
CREATE TABLE t (id INTEGER NOT NULL, a INTEGER, b TEXT);
INSERT INTO t SELECT n, n, 'b' || n FROM generate_series(1, 50001) AS n;
"""


def spec(step: str) -> None:
    """Write a spec of one step."""
    Path("specs").mkdir(exist_ok=True)
    Path("specs/001_one.yaml").write_text(
        f'version: "001"\ndescription: One step\nsteps:\n  - {step}\n', encoding="utf-8"
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


def test_a_null_is_named_and_nothing_is_left(place: Place) -> None:
    spec("alter: {table: t, change: {a: {nullable: false}}}")
    place.script(LARGE)
    before = place.snapshot()
    place.script("INSERT INTO t VALUES (0, NULL, 'x')")
    ran = apply(place)
    assert ran.code == 3 and "1 rows of t have NULL in a" in ran.output, ran.output
    place.script("DELETE FROM t WHERE id = 0")
    same(before, place.snapshot())
