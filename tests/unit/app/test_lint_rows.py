"""Lint and plan with a database: rows that would break what a step adds are counted before anything runs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.command import run

GIVEN = """
CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE a (id INTEGER PRIMARY KEY, b TEXT, c TEXT, parent INTEGER);
INSERT INTO parents VALUES (1, 'x');
INSERT INTO a VALUES (1, 'x', 'long words', 1), (2, 'x', NULL, 2), (5, NULL, 'y', NULL), (7, NULL, 'z', 9);
"""


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("specs").mkdir()
    with closing(sqlite3.connect("a.db")) as db:
        db.executescript(GIVEN)


def found(steps: str, command: str = "lint") -> tuple[int, list[str]]:
    """Return the exit code and the findings in one line each."""
    Path("specs/001_a.yaml").write_text(f'version: "001"\ndescription: A\nsteps:\n{steps}', encoding="utf-8")
    before = Path("a.db").read_bytes()
    ran = run(command, "--db", "a.db", *(["--format", "concise"] if command == "lint" else []))
    assert Path("a.db").read_bytes() == before
    return ran.code, [line for line in ran.output.splitlines() if "[D" in line and "DT107" not in line]


BREAKING = [
    (
        "  - alter: {table: a, change: {b: {nullable: false}}}\n",
        "specs/001_a.yaml:4:46: error[DD102]: 2 rows of `a` have NULL in `b`: id 5, 7",
    ),
    (
        "  - alter: {table: a, add: {d: {type: text, nullable: false}}}\n",
        "specs/001_a.yaml:4:32: error[DD101]: 4 rows of `a` would have no value in `d`, which may not be NULL: id 1, 2, 5",
    ),
    (
        "  - alter: {table: a, add_unique: [[b]]}\n",
        "specs/001_a.yaml:4:36: error[DD103]: 1 value of `a` is in more than one row: (b) = x",
    ),
    (
        "  - index: {table: a, columns: [b], unique: true}\n",
        "specs/001_a.yaml:4:32: error[DD103]: 1 value of `a` is in more than one row: (b) = x",
    ),
    (
        '  - alter: {table: a, add_checks: {ck_c: "length(c) < 5"}}\n',
        "specs/001_a.yaml:4:42: error[DD104]: 1 row of `a` breaks the check `ck_c`: id 1",
    ),
    (
        "  - alter: {table: a, add_foreign_keys: [{columns: [parent], references: {table: parents, columns: [id]}}]}\n",
        "specs/001_a.yaml:4:42: error[DD104]: 2 rows of `a` refer to rows of `parents` that are not there: id 2, 7",
    ),
    (
        '  - alter: {table: a, change: {c: {type: "varchar(5)"}}}\n',
        "specs/001_a.yaml:4:42: error[DL105]: 1 row of `a` has more than 5 characters in `c`: id 1",
    ),
]


@pytest.mark.parametrize(
    ("steps", "line"), BREAKING, ids=[line.split("[")[1][:5] + str(n) for n, (_, line) in enumerate(BREAKING)]
)
def test_rows_that_would_break_are_counted_and_shown(steps: str, line: str) -> None:
    code, lines = found(steps)
    assert code == 1 and len(lines) == 1 and lines[0].startswith(line), lines
    assert found(steps, "plan")[0] == 1


@pytest.mark.parametrize(
    "steps",
    [
        "  - alter: {table: a, change: {id: {nullable: false}}}\n",
        "  - alter: {table: a, add: {d: {type: text, nullable: false, default: x}}}\n",
        "  - alter: {table: a, add_unique: [[c]]}\n",
        '  - index: {table: a, columns: [b], unique: true, where: "id > 1"}\n',
        '  - alter: {table: a, add_checks: {ck_c: "length(c) < 50"}}\n',
        '  - alter: {table: a, change: {c: {type: "varchar(10)"}}}\n',
    ],
)
def test_rows_that_are_right_are_not_told_and_what_a_rule_supposed_is_gone(steps: str) -> None:
    assert found(steps) == (0, [])
    assert found(steps, "plan")[0] == 0


def test_nothing_is_counted_of_rows_that_an_earlier_step_changes() -> None:
    mended = (
        '  - transform: {table: a, set: {b: {value: none}}, where: "b IS NULL"}\n'
        "  - alter: {table: a, change: {b: {nullable: false}}}\n"
    )
    assert not [line for line in found(mended)[1] if "rows of" in line]
    new = (
        "  - create: {table: n, columns: {id: {type: integer, primary_key: true}, b: text}}\n"
        "  - alter: {table: n, change: {b: {nullable: false}}}\n"
    )
    assert not [line for line in found(new)[1] if "rows of" in line]


def test_apply_looks_for_itself_and_ends_with_3() -> None:
    found("  - alter: {table: a, change: {b: {nullable: false}}}\n")
    ran = run("apply", "--db", "a.db", "--yes")
    assert ran.code == 3, ran.output


@pytest.mark.parametrize(
    "first",
    [
        "  - insert: {into: a, rows: [{id: 9, b: x}]}\n",
        '  - delete: {from: a, where: "b IS NULL"}\n',
        '  - {sql: "UPDATE a SET b = 1", irreversible: a test}\n',
        "  - alter: {table: a, rename: {c: cc}}\n",
    ],
)
def test_whatever_changes_a_table_leaves_it_to_the_rule(first: str) -> None:
    steps = first + "  - alter: {table: a, change: {b: {nullable: false}}}\n"
    assert not [line for line in found(steps)[1] if "rows of" in line]


def test_what_changes_another_table_does_not() -> None:
    steps = (
        "  - insert: {into: parents, rows: [{id: 2, name: y}]}\n"
        "  - index: {table: a, columns: [c]}\n"
        "  - alter: {table: a, change: {b: {nullable: false}}}\n"
    )
    assert [line for line in found(steps)[1] if "DD102" in line and "2 rows of `a` have NULL" in line]


def test_a_step_that_may_not_run_is_left_to_the_rule() -> None:
    steps = '  - when: {rows: {table: a, where: "id > 100"}}\n    alter: {table: a, change: {b: {nullable: false}}}\n'
    assert not [line for line in found(steps)[1] if "rows of" in line]
