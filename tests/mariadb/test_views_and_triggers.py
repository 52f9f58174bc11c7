"""Views and triggers: made, replaced, dropped, renamed, and put back as their author wrote them, mode and all."""

from __future__ import annotations

from pathlib import Path

import pymysql
import pytest

from tests.support.command import run
from tests.support.database import same
from tests.support.mariadb import Place

GIVEN = """
CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL, city INT, note VARCHAR(9))
 COLLATE utf8mb4_nopad_bin;
CREATE TABLE seen (id INTEGER PRIMARY KEY AUTO_INCREMENT, what VARCHAR(40));
INSERT INTO people VALUES (1, 'Ann', 1, 'n'), (2, ' Bob', 1, NULL);
CREATE ALGORITHM = MERGE SQL SECURITY INVOKER VIEW short (who, slashed) AS
 SELECT name, name || '\\n''' FROM people WHERE id > 0 WITH LOCAL CHECK OPTION
"""
# As another program would make them: other modes, other character sets, in an order.
OTHERS = (
    "SET SESSION sql_mode = 'STRICT_TRANS_TABLES', character_set_client = latin1, collation_connection = latin1_swedish_ci",
    'CREATE TRIGGER `first` BEFORE INSERT ON people FOR EACH ROW SET NEW.name = CONCAT(NEW.name, "\\"\'\\\\")',
    "CREATE TRIGGER `second` BEFORE INSERT ON people FOR EACH ROW BEGIN SET NEW.city = 1 || 0; /* 'ta */ END",
    'CREATE TRIGGER `third` BEFORE INSERT ON people FOR EACH ROW SET NEW.note = "3"',
)
HEAD = 'version: "001"\ndescription: Views and triggers\nsteps:\n'


def _given(place: Place) -> None:
    place.script(GIVEN)
    from engine.dialects.mysql.driver import open_connection

    connection = open_connection(place.url)
    with connection.cursor() as cursor:
        for sql in OTHERS:
            cursor.execute(sql)
    connection.close()


def _there_and_back(place: Place, steps: str) -> str:
    """Apply and roll back; return what the plan said."""
    before = place.snapshot()
    Path("specs").mkdir()
    Path("specs/001_a.yaml").write_text(HEAD + steps, encoding="utf-8")
    told = run("plan", "--db", place.url, "specs")
    ran = run("apply", "--db", place.url, "--yes", "specs")
    assert ran.code == 0, ran.output
    back = run("rollback", "--db", place.url, "--yes", "specs")
    assert back.code == 0, back.output
    same(before, place.snapshot())
    again = run("apply", "--db", place.url, "--yes", "specs")
    assert again.code == 0, again.output
    return told.output


@pytest.mark.parametrize("name", ["first", "second", "third"])
def test_a_trigger_that_comes_back_is_as_its_author_wrote_it_and_fires_in_its_place(place: Place, name: str) -> None:
    _given(place)
    told = _there_and_back(place, f"  - drop: {{trigger: {name}}}\n")
    assert f'DROP TRIGGER "{name}"' in told and "SET STATEMENT sql_mode" in told


def test_triggers_of_a_table_that_is_dropped_come_back_with_it(place: Place) -> None:
    _given(place)
    place.script("DROP VIEW short")
    told = _there_and_back(place, "  - drop: {table: people}\n")
    assert told.count("DROP TRIGGER") >= 3
    assert place.ask("SELECT count(*) FROM information_schema.triggers WHERE trigger_schema = database()") == [[0]]


def test_triggers_go_along_with_a_new_name_and_a_changed_table(place: Place) -> None:
    _given(place)
    place.script("DROP VIEW short")
    steps = (
        "  - alter: {table: people, add: {age: integer}, change: {note: {nullable: false, default: x}}}\n"
        "  - rename: {table: people, to: persons}\n"
        "  - drop: {trigger: second, table: persons}\n"
    )
    place.script("UPDATE people SET note = 'n'")
    _there_and_back(place, steps)
    place.script("INSERT INTO persons (id, name, note) VALUES (3, 'Cid', '')")
    assert place.ask("SELECT name, note FROM persons WHERE id = 3") == [["Cid\"'\\", "3"]]


def test_a_view_is_dropped_replaced_and_renamed_and_comes_back_with_its_options(place: Place) -> None:
    place.script(GIVEN)
    steps = (
        "  - create: {view: long, as: \"SELECT id, name AS who FROM people WHERE name <> ''\"}\n"
        "  - rename: {view: long, to: longer}\n"
        "  - create: {view: longer, replace: true, as: SELECT id FROM people}\n"
        "  - create: {view: short, replace: true, as: SELECT id AS who FROM people}\n"
        "  - drop: {view: short}\n"
    )
    _there_and_back(place, steps)
    assert place.ask("SELECT * FROM longer ORDER BY id") == [[1], [2]]
    assert place.ask("SHOW TABLES LIKE 'short'") == []


def test_a_trigger_for_two_events_becomes_two_and_is_replaced_and_dropped_as_one(place: Place) -> None:
    place.script(GIVEN)
    body = "INSERT INTO seen (what) VALUES (NEW.name)"
    made = f"{{trigger: watch, table: people, timing: after, events: [insert, update], when: new.id > 1, body: {body}}}"
    steps = (
        f"  - create: {made}\n  - create: {made.replace('{trigger', '{replace: true, trigger').replace('> 1', '> 2')}\n"
    )
    _there_and_back(place, steps)
    place.script("INSERT INTO people (id, name) VALUES (3, 'Cid'); UPDATE people SET city = 5")
    assert place.ask("SELECT what FROM seen") == [["Cid"], ["Cid"]]
    Path("specs/002_b.yaml").write_text(HEAD.replace("001", "002") + "  - drop: {trigger: watch}\n", encoding="utf-8")
    assert run("apply", "--db", place.url, "--yes", "specs").code == 0
    assert place.ask("SELECT count(*) FROM information_schema.triggers WHERE trigger_schema = database()") == [[0]]


REFUSED = {
    "the view `short` needs `people.name`": "alter: {table: people, rename: {name: full}}",
    "the trigger `third` names `people.note`": "alter: {table: people, rename: {note: text}}",
    "the view `short` needs `people`": "drop: {table: people}",
    "a trigger on delete has no NEW": "create: {trigger: x, table: seen, timing: after, events: delete, body: INSERT INTO seen (what) VALUES (NEW.id)}",
    "`seen` has no column `idd`": "create: {trigger: x, table: seen, timing: after, events: delete, body: INSERT INTO seen (what) VALUES (OLD.idd)}",
    "there is a trigger `first` already": "create: {trigger: first, table: seen, timing: after, events: delete, body: DELETE FROM seen}",
    "MariaDB has no `instead of`": "create: {trigger: x, table: seen, timing: instead of, events: delete, body: DELETE FROM seen}",
    "there is no view `shor`": "drop: {view: shor}",
    "there is no trigger `thrid`": "drop: {trigger: thrid}",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_would_break_something_is_refused_before_anything_runs(place: Place, words: str) -> None:
    _given(place)
    before = place.snapshot()
    Path("specs").mkdir()
    Path("specs/001_a.yaml").write_text(f"{HEAD}  - {REFUSED[words]}\n", encoding="utf-8")
    ran = run("apply", "--db", place.url, "--yes", "specs")
    assert ran.code == 1 and words in ran.output and "001_a.yaml:4:" in ran.output, ran.output
    same(before, place.snapshot())


def test_values_are_not_given_back_past_a_trigger(place: Place) -> None:
    place.script(GIVEN)
    place.script("CREATE TRIGGER t AFTER UPDATE ON people FOR EACH ROW INSERT INTO seen (what) VALUES ('x')")
    Path("specs").mkdir()
    Path("specs/001_a.yaml").write_text(f"{HEAD}  - alter: {{table: people, drop: [note]}}\n", encoding="utf-8")
    ran = run("apply", "--db", place.url, "--yes", "specs")
    assert ran.code == 1 and "would fire the trigger `t` of `people`" in ran.output, ran.output


def test_a_view_that_breaks_off_is_not_made_twice(place: Place) -> None:
    """A view that is there already under the name is somebody's: it is not taken for ours."""
    place.script(GIVEN)
    Path("specs").mkdir()
    Path("specs/001_a.yaml").write_text(f"{HEAD}  - create: {{view: short, as: SELECT 1 AS a}}\n", encoding="utf-8")
    ran = run("apply", "--db", place.url, "--yes", "specs")
    assert ran.code == 1 and "there is a view `short` already" in ran.output, ran.output
    with pytest.raises(pymysql.Error):
        place.script("CREATE VIEW short AS SELECT 1")
