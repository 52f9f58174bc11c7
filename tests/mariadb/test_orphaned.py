"""A client dies in a long ALTER, with which the server goes on: the next run waits, or says so, and then goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.command import run
from tests.support.database import same
from tests.support.mariadb import Place

ROWS = 1200
# A check is judged for each row while the table is copied; this one takes some 20 ms, on a quick machine 10.
SLOW = "length(sha2(repeat(name, 1000000), 512)) > 0"
GIVEN = f"""
CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL) COLLATE utf8mb4_nopad_bin;
INSERT INTO people SELECT seq, concat('p', seq) FROM seq_1_to_{ROWS}
"""
SPEC = f"""version: "001"
description: A long ALTER between two short steps
steps:
  - transform: {{table: people, set: {{name: upper(name)}}, where: "true"}}
  - alter: {{table: people, add_checks: {{long: {{mariadb: "{SLOW}"}}}}}}
  - alter: {{table: people, add: {{age: {{type: integer, default: 3}}}}}}
"""
AT_WORK = "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'ALTER TABLE%'"


def killed_in_the_alter(place: Place, command: str) -> None:
    """Begin `command` in a process of its own, and kill that when the server is at the ALTER."""
    args = [sys.executable, "-m", "engine", command, "--db", place.url, "--yes", "specs"]
    process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 60
    while place.ask(AT_WORK) == [[0]]:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[0]
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert place.ask(AT_WORK) == [[1]], "the server ended the ALTER with its client: the test proves nothing"


@pytest.fixture
def begun(place: Place) -> Place:
    """The database and the spec."""
    place.script(GIVEN)
    Path("specs").mkdir()
    Path("specs/001_long.yaml").write_text(SPEC, encoding="utf-8")
    return place


def test_an_apply_at_once_after_a_client_died_in_an_alter_says_so_or_waits_and_then_goes_on(begun: Place) -> None:
    before = begun.snapshot()
    killed_in_the_alter(begun, "apply")
    told = run("apply", "--db", begun.url, "--yes", "specs")
    assert told.code == 5 and "still at a statement of a run that ended" in told.output, told.output
    assert "ALTER TABLE" in told.output and "--lock-wait" in told.output
    # Who only looks is not held up.
    begin = time.monotonic()
    status = run("status", "--db", begun.url, "specs")
    assert status.code == 0 and "another process (" in status.output and "is at work on it" in status.output
    assert run("plan", "--db", begun.url, "specs").code in (0, 2)
    assert begun.ask(AT_WORK) == [[1]], f"the ALTER was too short, looking took {time.monotonic() - begin:.1f} s"
    applied = run("apply", "--db", begun.url, "--yes", "--lock-wait", "120s", "specs")
    assert applied.code == 0, applied.output
    assert not [sql for sql in applied.sent if "ADD CONSTRAINT" in sql], "the ALTER was sent a second time"
    assert begun.ask("SELECT name, age FROM people WHERE id = 7") == [["P7", 3]]
    undone = run("rollback", "--db", begun.url, "--yes", "specs")
    assert undone.code == 0, undone.output
    same(before, begun.snapshot())


def test_a_rollback_at_once_after_a_client_died_in_an_alter_waits_and_takes_it_back(begun: Place) -> None:
    before = begun.snapshot()
    killed_in_the_alter(begun, "apply")
    undone = run("rollback", "--db", begun.url, "--yes", "--lock-wait", "120s", "specs")
    assert undone.code == 0, undone.output
    same(before, begun.snapshot())
    assert begun.ask("SHOW TABLES LIKE 'engine_undo%'") == []
