"""What docs/rights.md grants on MariaDB is enough for a whole life, and what is lacking is named, with nothing kept."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.mariadb.crashing import GIVEN, SPEC
from tests.mariadb.test_contract_on_mariadb import SHORTS
from tests.support.command import run as plain_run
from tests.support.cuts import begun, run
from tests.support.database import same
from tests.support.mariadb import Place
from tests.test_contract import EXAMPLES

PAGE = Path(__file__).parents[2] / "docs" / "rights.md"
SECRET = "s3cret"
USER = f"engine_user_{os.getpid()}"
LACKING = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "INDEX")


def rights() -> list[str]:
    """Return what the page grants."""
    found = re.search(r"GRANT ([A-Z, \n]+)\n? *ON shop\.\*", PAGE.read_text(encoding="utf-8"))
    assert found, "the page grants nothing"
    return re.split(r",\s*", found[1].strip())


@contextmanager
def granted(place: Place, lacking: str = "") -> Iterator[Place]:
    """Give the same database as a user that has the page's rights, but one."""
    name = place.ask("SELECT database()")[0][0]
    place.script(f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{SECRET}'")
    try:
        place.script(f"GRANT {', '.join(r for r in rights() if r != lacking)} ON `{name}`.* TO '{USER}'@'%'")
        yield Place(re.sub(r"//[^@]*@", f"//{USER}:{SECRET}@", place.url))
    finally:
        place.script(f"DROP USER '{USER}'@'%'")


def test_the_rights_of_the_page_are_enough_there_back_and_again(place: Place) -> None:
    with granted(place) as own:
        before = begun(place, GIVEN, SPEC)
        for _ in range(2):
            for command in (["apply"], ["rollback", "--to", "0"]):
                ran = run(own, *command)
                assert ran.code == 0, ran.output
        same(before, place.snapshot())
        place.clean()
        place.script(SHORTS)
        before = place.snapshot()
        for way in (["plan"], ["apply", "--yes"], ["status"], ["rollback", "--yes", "--to", "0"]):
            ran = plain_run(way[0], "--db", own.url, *way[1:], str(EXAMPLES))
            assert ran.code == 0, ran.output
        same(before, place.snapshot())


def test_views_and_triggers_are_made_and_taken_back_with_them(place: Place) -> None:
    steps = """steps:
  - create: {view: seen, as: "SELECT id, name FROM people"}
  - create: {trigger: noting, table: city, timing: after, events: [update], body: "DELETE FROM old WHERE id = new.id"}
  - rename: {view: seen, to: shown}
  - drop: {trigger: noting}
"""
    with granted(place) as own:
        before = begun(place, GIVEN, SPEC[: SPEC.index("steps:")] + steps)
        ran = run(own, "apply")
        assert ran.code == 0, ran.output
        back = run(own, "rollback")
        assert back.code == 0, back.output
        same(before, place.snapshot())


@pytest.mark.parametrize("lacking", LACKING)
def test_a_right_that_is_lacking_is_named_and_nothing_is_kept(lacking: str, place: Place) -> None:
    with granted(place, lacking) as own:
        before = begun(place, GIVEN, SPEC)
        ran = run(own, "apply")
        assert ran.code == 1 and SECRET not in ran.output, ran.output
        assert f"{lacking} command denied to user '{USER}'" in ran.output, ran.output
        assert "hint: the user that connects needs more rights on this table" in ran.output
        assert "is as it was before" in ran.output, ran.output
        same(before, place.snapshot())


def test_a_wrong_password_is_told_without_the_password(place: Place) -> None:
    with granted(place) as own:
        begun(place, GIVEN, SPEC)
        for command in ("plan", "apply", "status", "rollback"):
            ran = plain_run(command, "--db", own.url.replace(SECRET, "n0tit"), "specs")
            assert ran.code == 1 and "n0tit" not in ran.output, ran.output
            assert f"Access denied for user '{USER}'" in ran.output, ran.output
