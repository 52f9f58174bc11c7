"""`apply --plan FILE`: what was read is what runs, or nothing does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from shelf import COLUMN, INDEX, UPPER, Shelf

from engine import app
from engine.errors import Drift
from engine.plan.document import PlanFile, read_plan_file
from engine.url import DatabaseUrl
from tests.support.command import document, run
from tests.support.database import same, snapshot

DB = ("--db", "app.db")


@pytest.fixture
def planned(shelf: Shelf) -> Shelf:
    """Two specs, and their plan in `plan.json`."""
    shelf.spec("001", UPPER)
    shelf.spec("002", COLUMN)
    plan()
    return shelf


def plan(*more: str) -> dict[str, Any]:
    """Write `plan.json` and return what it holds."""
    ran = run("plan", *DB, "--out", "plan.json", *more, "specs")
    assert ran.code == 0, ran.output
    found: dict[str, Any] = json.loads(Path("plan.json").read_text(encoding="utf-8"))
    return found


def apply_refused(*more: str, code: int = 4) -> str:
    """Apply the plan file; it must be refused, and leave the database as it is."""
    before = snapshot("app.db")
    ran = run("apply", *DB, "--yes", "--plan", "plan.json", *more)
    assert ran.code == code, ran.output
    same(before, snapshot("app.db"))
    return ran.output


def test_a_plan_file_runs_where_nothing_changed(planned: Shelf) -> None:
    assert run("apply", *DB, "--yes", "--plan", "plan.json", "specs").code == 0
    assert document("status", *DB, "specs")["applied"] == ["001", "002"]
    assert planned.rows() == [(1, "A", 0), (2, "B", 0), (3, "C", 0)]


def test_a_plan_file_runs_without_the_specs(planned: Shelf) -> None:
    shutil.rmtree("specs")
    ran = run("apply", *DB, "--yes", "--plan", "plan.json")
    assert ran.code == 0, ran.output
    assert app.current_version(planned.project()) == "002"
    assert run("rollback", *DB, "--yes", "--to", "0").code == 0
    assert planned.rows() == [(1, "a"), (2, "b"), (3, "c")]


def test_only_what_the_file_holds_is_applied(shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    shelf.spec("002", COLUMN)
    assert [m["version"] for m in plan("--to", "001")["migrations"]] == ["001"]
    shelf.spec("003", INDEX)
    assert run("apply", *DB, "--yes", "--plan", "plan.json", "specs").code == 0
    assert document("status", *DB, "specs")["applied"] == ["001"]


def test_a_plan_file_for_what_is_applied_already_has_nothing_to_do(planned: Shelf) -> None:
    planned.apply()
    ran = run("apply", *DB, "--yes", "--plan", "plan.json", "specs")
    assert ran.code == 0 and "nothing to do" in ran.output


def test_rows_that_come_meanwhile_do_not_count_as_change(planned: Shelf) -> None:
    planned.spec("001", UPPER.replace(", expect_rows: 3", ""))
    plan()
    planned.sql("INSERT INTO t VALUES (4, 'd')")
    assert run("apply", *DB, "--yes", "--plan", "plan.json", "specs").code == 0
    assert planned.rows()[3] == (4, "D", 0)


@pytest.mark.parametrize(
    "edit", [INDEX, "  - {}\n", "  - drop: {table: nowhere}\n"], ids=["other", "broken", "impossible"]
)
def test_a_spec_that_was_edited_since_is_drift(edit: str, planned: Shelf) -> None:
    planned.spec("002", edit)
    output = apply_refused("specs")
    assert "002_spec.yaml is not what it was when the plan was made" in output
    assert "now: nothing was done" in output and "next: engine plan --out FILE" in output


def test_a_spec_that_is_gone_is_drift(planned: Shelf) -> None:
    Path("specs/002_spec.yaml").unlink()
    assert "002_spec.yaml" in apply_refused("specs")


def test_a_database_that_changed_since_is_drift(planned: Shelf) -> None:
    planned.sql("CREATE TABLE other (id INTEGER PRIMARY KEY)")
    assert "the database is not what it was when the plan was made" in apply_refused("specs")
    shutil.rmtree("specs")
    assert "the database is not what it was" in apply_refused()


def test_a_database_that_is_further_on_is_drift(planned: Shelf) -> None:
    planned.apply("001")
    assert "what would run now is not what the plan file says" in apply_refused("specs")


def test_a_view_that_a_step_reads_is_part_of_the_database_that_must_not_change(shelf: Shelf) -> None:
    shelf.sql("CREATE VIEW few AS SELECT * FROM t WHERE id = 1; CREATE TABLE u (id INTEGER PRIMARY KEY, v TEXT)")
    shelf.spec("001", "  - copy: {from: few, into: u, columns: same, key: [id], expect_rows: all}\n")
    plan()
    shelf.sql("DROP VIEW few; CREATE VIEW few AS SELECT * FROM t")
    apply_refused("specs")


def test_other_variables_are_other_statements_and_drift(shelf: Shelf) -> None:
    shelf.spec(
        "001",
        "  - transform: {table: t, set: {v: {value: '{{ word }}'}}, where: 'true', expect_rows: 3}\n",
        vars="{word: first}",
    )
    plan()
    assert "what would run now is not what the plan file says" in apply_refused("--var", "word=second", "specs")
    assert run("apply", *DB, "--yes", "--plan", "plan.json", "specs").code == 0
    assert {v for _, v in shelf.rows()} == {"first"}


def test_a_plan_that_is_made_up_is_refused(planned: Shelf) -> None:
    found = json.loads(Path("plan.json").read_text())
    found["plan_hash"] = "0" * 64
    Path("plan.json").write_text(json.dumps(found))
    assert "what would run now is not what the plan file says" in apply_refused("specs")


def test_a_plan_and_a_version_together_are_wrong_use(planned: Shelf) -> None:
    output = apply_refused("--to", "001", "specs", code=2)
    assert "--plan and --to can't be given together" in output


@pytest.mark.parametrize(
    "text", ["", "no json", "[]", "{}", '{"plan_hash": "x", "schema_version": 2}', "\udcff", '{"plan_hash": 1}']
)
def test_a_file_that_is_no_plan_is_an_error(text: str, planned: Shelf) -> None:
    Path("plan.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert "plan.json" in apply_refused("specs", code=1)


def test_a_plan_for_another_kind_of_database_is_drift(planned: Shelf) -> None:
    found = read_plan_file(Path("plan.json").read_text(), "plan.json")
    other = PlanFile("mysql", found.versions, found.specs, found.plan_hash, found.schema_fingerprint)
    with pytest.raises(Drift, match="the plan is for mysql, and this database is sqlite"):
        app.apply(planned.project(), plan_file=other)


def test_a_plan_file_makes_a_database_that_was_not_there(shelf: Shelf) -> None:
    shelf.database = Path("new.db")
    shelf.spec("001", "  - create: {table: a, columns: {id: {type: integer, primary_key: true}}}\n")
    assert run("plan", "--db", "new.db", "--out", "plan.json", "specs").code == 0
    assert not Path("new.db").exists()
    found = read_plan_file(Path("plan.json").read_text(), "plan.json")
    project = app.Project(Path("nowhere"), DatabaseUrl.parse("new.db"))
    result = app.apply(project, plan_file=found)
    assert [(m.version, m.state) for m in result.migrations] == [("001", "applied")]
