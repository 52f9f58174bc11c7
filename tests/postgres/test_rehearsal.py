"""What the server would refuse is a finding at its place, before anything runs; and looking changes and locks nothing."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
import pytest

from tests.support.command import run
from tests.support.database import same
from tests.support.postgres import Place

GIVEN = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE parents (id INTEGER PRIMARY KEY);
CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, n INTEGER, feel mood, parent INTEGER REFERENCES parents,
  g INTEGER GENERATED ALWAYS AS (n * 2) STORED);
CREATE INDEX by_a ON t (lower(a));
CREATE VIEW v AS SELECT id, a FROM t;
CREATE VIEW w AS SELECT * FROM v;
INSERT INTO t (id, a, n) VALUES (1, 'x', 1);
"""

# Steps → (line:column, words) of what is found.
REFUSED = {
    "an unknown function": (
        '- transform: {table: t, set: {a: {sql: {postgresql: "nosuch(a)"}}}}',
        "5:56",
        "nosuch(text)",
    ),
    "a value of another type": (
        '- transform: {table: t, set: {n: "upper(a)"}, where: "id > 0"}',
        "5:37",
        '_n" is of type integer',
    ),
    "a comparison of unlike types": ('- delete: {from: t, where: "n = a"}', "5:33", "integer = text"),
    "a constant that can't be read": (
        "- transform: {table: t, set: {a: {value: x}}, where: \"n = 'many'\"}",
        "5:61",
        '"many"',
    ),
    "an enum without the value": (
        "- transform: {table: t, set: {a: {value: x}}, where: \"feel = 'glad'\"}",
        "5:64",
        '"glad"',
    ),
    "a check over unlike types": ('- alter: {table: t, add_checks: {c: "a > n"}}', "5:40", "text > integer"),
    "an index that is not immutable": (
        '- index: {table: t, columns: [{sql: {postgresql: "to_char(current_timestamp, a)"}}], name: i}',
        "5:53",
        "must be marked IMMUTABLE",
    ),
    "a type that there is not": (
        "- alter: {table: t, change: {feel: {type: jsonb}}}",
        "5:5",
        "cannot cast type mood to jsonb",
    ),
    "a table that the migration makes": (
        "- create: {table: made, columns: {id: {type: integer, primary_key: true}, b: boolean}}\n"
        '  - copy: {from: t, into: made, columns: {id: id, b: "id + 1"}, expect_rows: all}',
        "6:55",
        '"b" is of type boolean',
    ),
    "a column of another name by now": (
        '- alter: {table: t, rename: {a: name}}\n  - transform: {table: t, set: {name: {sql: {postgresql: "nosuch(name)"}}}}',
        "6:59",
        "nosuch(text)",
    ),
    "a question of a validate": (
        '- validate: [{no_rows: {sql: "SELECT id FROM t WHERE n = a"}}]',
        "5:58",
        "integer = text",
    ),
    "a view": ('- create: {view: x, as: "SELECT id FROM w WHERE id = a"}', "5:54", "integer = text"),
    "a statement of sql": (
        '- sql: {postgresql: "DELETE FROM t WHERE n = a"}\n    irreversible: for the test',
        "5:46",
        "integer = text",
    ),
}

FINE = """
- create: {table: made, columns: {id: {type: integer, primary_key: true, auto_increment: true}, a: text, parent: {type: integer, references: {table: parents}}}}
- copy: {from: t, into: made, columns: {id: id, a: "coalesce(a, 'none')", parent: parent}, expect_rows: all}
- drop: {index: by_a}
- alter: {table: t, rename: {a: name}, add: {extra: {type: integer, using: "n + 1"}}}
- index: {table: t, columns: [name], concurrently: true}
- transform: {table: t, set: {n: "n + extra"}, where: "name <> ''", batch_size: 10}
- rename: {table: t, to: things}
- delete: {from: things, where: "n > 100", expect_rows: {max: 5}}
- validate: [{no_rows: {sql: "SELECT id FROM things WHERE n IS NULL"}}]
- drop: {table: made}
"""


def spec(steps: str) -> None:
    """Write a spec; the first step is on line 5."""
    Path("specs").mkdir(exist_ok=True)
    text = f'version: "001"\ndescription: A case\ndialects: [postgresql]\nsteps:\n  {steps}\n'
    Path("specs/001_case.yaml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_server_refuses_is_found_at_its_place_before_anything_runs(name: str, place: Place) -> None:
    steps, where, words = REFUSED[name]
    place.script(GIVEN)
    spec(steps)
    before = place.snapshot()
    for args in (("plan",), ("apply", "--yes")):
        ran = run(*args, "--db", place.url, "specs")
        assert ran.code == 1, ran.output
        assert f"001_case.yaml:{where}: error[SP110]: the database refuses this: " in ran.output, ran.output
        assert words in ran.output, ran.output
        same(before, place.snapshot())


def test_nothing_is_found_where_nothing_is_wrong_and_nothing_is_left_of_the_look(place: Place) -> None:
    place.script(GIVEN)
    spec("\n  ".join(FINE.strip().splitlines()))
    before = place.snapshot()
    ran = run("plan", "--db", place.url, "specs")
    assert ran.code == 0, ran.output
    same(before, place.snapshot())
    assert place.ask("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'engine_mirror%'") == []
    assert run("apply", "--db", place.url, "--yes", "specs").code == 0


def test_the_look_waits_for_nobody(place: Place) -> None:
    place.script(GIVEN)
    spec('- alter: {table: t, add: {b: text}}\n  - transform: {table: t, set: {n: "upper(a)"}, where: "id > 0"}')
    with psycopg.connect(place.url) as other:
        other.execute("LOCK TABLE t IN ROW EXCLUSIVE MODE")
        ran = run("plan", "--db", place.url, "specs")
        other.rollback()
    assert ran.code == 1 and '_n" is of type integer' in ran.output, ran.output


def test_a_role_that_may_make_no_schema_plans_without_the_look(place: Place) -> None:
    role = f"engine_test_{os.getpid()}_reader"
    place.script(
        f"{GIVEN} CREATE ROLE {role}; GRANT USAGE ON SCHEMA public TO {role};"
        f" GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"
    )
    try:
        spec('- transform: {table: t, set: {a: {sql: {postgresql: "nosuch(a)"}}}, where: "id > 0"}')
        sign = "&" if "?" in place.url else "?"
        ran = run("plan", "--db", f"{place.url}{sign}options=-crole%3D{role}", "specs")
        assert ran.code == 0, ran.output
    finally:
        place.script(f"DROP OWNED BY {role}; DROP ROLE {role}")
