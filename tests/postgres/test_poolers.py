"""A pooler that gives each transaction another session is refused before anything is set in one; one per session will do."""

from __future__ import annotations

import psycopg
import pytest

from tests.postgres.test_others_at_work import T, spec
from tests.postgres.test_refusals import TRANSFORM
from tests.support.command import run
from tests.support.database import same
from tests.support.pooler import pooler
from tests.support.postgres import Place

SETTINGS = "SELECT current_setting('TimeZone'), current_setting('default_transaction_read_only')"


@pytest.mark.parametrize("command", ["plan", "apply", "status", "rollback"])
def test_a_pooler_by_transaction_is_refused_and_its_sessions_stay_as_they_were(place: Place, command: str) -> None:
    spec(TRANSFORM)
    place.script(T)
    before = place.snapshot()
    with pooler(place.url, by_session=False) as between:
        with psycopg.connect(between.url, autocommit=True) as other:
            settings = other.execute(SETTINGS).fetchall()
        more = {"apply": ["--yes"], "rollback": ["--yes", "--to", "0"]}.get(command, [])
        ran = run(command, "--db", between.url, *more, "specs")
        assert ran.code == 1, ran.output
        words = " ".join(ran.output.split())
        assert "a pooler between the engine and the server gives each transaction another session" in words
        assert "to the pooler in session mode" in words and "nothing was done" in words
        with psycopg.connect(between.url, autocommit=True) as other:
            assert other.execute(SETTINGS).fetchall() == settings
    same(before, place.snapshot())


def test_a_pooler_by_session_will_do(place: Place) -> None:
    spec(TRANSFORM)
    place.script(T)
    before = place.snapshot()
    with pooler(place.url, by_session=True) as between:
        ran = run("apply", "--db", between.url, "--yes", "specs")
        assert ran.code == 0, ran.output
        assert place.ask("SELECT count(*) FROM t WHERE a LIKE 'A%'") == [[50]]
        undone = run("rollback", "--db", between.url, "--yes", "--to", "0", "specs")
        assert undone.code == 0, undone.output
    same(before, place.snapshot())


def test_a_server_that_is_too_old_is_refused(place: Place) -> None:
    spec(TRANSFORM)
    place.script(T)
    before = place.snapshot()
    with pooler(place.url, by_session=True, version="12.22") as between:
        ran = run("apply", "--db", between.url, "--yes", "specs")
        assert ran.code == 1, ran.output
        assert "the server is PostgreSQL 12, and 13 is the oldest that will do" in ran.output
    same(before, place.snapshot())
