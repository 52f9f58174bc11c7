"""A migration that fails leaves the database as it was, though each schema statement commits by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import run
from tests.support.database import same
from tests.support.mariadb import Place

GIVEN = """
CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL, city INT) COLLATE utf8mb4_nopad_bin;
INSERT INTO people VALUES (1, 'Ann', 1), (2, ' Bob', 1), (3, 'Cid', NULL)
"""
SPEC = """version: "001"
description: Five steps, of which the last one fails
steps:
  - create: {table: city, columns: {id: {type: integer, primary_key: true}, name: text}}
  - index: {table: people, columns: [name]}
  - transform: {table: people, set: {name: "trim(name)"}, where: "true"}
  - alter: {table: people, add: {age: {type: integer, default: 3}}, rename: {city: town}}
"""
FAILS = {
    "a check": "  - validate: [{row_count: {table: people, equals: 4}}]\n",
    "a statement": "  - transform: {table: people, set: {name: {value: null}}, where: id = 2}\n",
    "a constraint": "  - alter: {table: people, add_checks: {grown: age > 3}}\n",
    "a foreign key": "  - alter: {table: people, add_foreign_keys: [{columns: [town], references: {table: city}}]}\n",
}


@pytest.mark.parametrize("last", FAILS.values(), ids=FAILS)
def test_a_failure_in_the_fifth_step_leaves_nothing_of_the_first_four(place: Place, last: str) -> None:
    place.script(GIVEN)
    before = place.snapshot()
    Path("specs").mkdir()
    Path("specs/001_fails.yaml").write_text(SPEC + last, encoding="utf-8")
    ran = run("apply", "--db", place.url, "--yes", "specs")
    assert ran.code in (1, 3) and "5-" in ran.output, ran.output
    same(before, place.snapshot())
    assert place.ask("SHOW TABLES LIKE 'engine_undo%'") == []


def test_rows_that_others_changed_since_stop_a_rollback_unless_forced(place: Place) -> None:
    place.script(GIVEN)
    Path("specs").mkdir()
    Path("specs/001_trim.yaml").write_text(SPEC, encoding="utf-8")
    assert run("apply", "--db", place.url, "--yes", "specs").code == 0
    place.script("UPDATE people SET name = 'Rob' WHERE id = 2")
    stopped = run("rollback", "--db", place.url, "--yes", "specs")
    assert stopped.code == 4 and "1 rows of people were changed since" in stopped.output, stopped.output
    forced = run("rollback", "--db", place.url, "--yes", "--on-conflict", "force", "specs")
    assert forced.code == 0, forced.output
    assert place.ask("SELECT name FROM people ORDER BY id") == [["Ann"], [" Bob"], ["Cid"]]


REFUSED = {
    "above U+FFFF": "  - create: {table: 'party 🎉', columns: {id: {type: integer, primary_key: true}}}\n",
    "`old` has text in latin1": "  - transform: {table: old, set: {name: upper(name)}, where: 'true'}\n",
    "`parse`": "  - transform: {table: people, set: {city: {parse: name, as: integer, otherwise: null}}, where: 'true'}\n",
    "partial indexes": "  - index: {table: people, columns: [name], where: id > 1}\n",
    "`join`": "  - transform: {table: people, set: {name: other.name}, join: {sql: SELECT 1 AS id, as: other, match: other.id = people.id}}\n",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_is_not_there_yet_is_refused_by_name_before_anything_runs(place: Place, words: str) -> None:
    place.script(GIVEN + "; CREATE TABLE old (id INT PRIMARY KEY, name VARCHAR(9) CHARACTER SET latin1)")
    Path("specs").mkdir()
    text = f'version: "001"\ndescription: Not there yet\nsteps:\n{REFUSED[words]}'
    Path("specs/001_not_yet.yaml").write_text(text, encoding="utf-8")
    ran = run("apply", "--db", place.url, "--yes", "specs")
    assert ran.code == 1 and words in ran.output and "error[SP11" in ran.output, ran.output


LOOSENED = """version: "001"
description: A table takes what it did not take at first
steps:
  - create: {table: fresh, columns: {id: {type: integer, primary_key: true}, city: {type: integer, nullable: false}}}
  - alter: {table: fresh, change: {city: {nullable: true}}}
  - copy: {from: people, into: fresh, columns: {id: id, city: city}, expect_rows: all}
"""


def test_a_table_of_the_same_migration_that_took_nulls_goes_back(place: Place) -> None:
    place.script(GIVEN)
    before = place.snapshot()
    Path("specs").mkdir()
    Path("specs/001_loose.yaml").write_text(LOOSENED, encoding="utf-8")
    assert run("apply", "--db", place.url, "--yes", "specs").code == 0
    assert place.ask("SELECT id FROM fresh WHERE city IS NULL") == [[3]]
    undone = run("rollback", "--db", place.url, "--yes", "specs")
    assert undone.code == 0, undone.output
    same(before, place.snapshot())
