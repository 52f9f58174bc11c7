"""Faults of the server and of others on it: what can be done again is, what can't has a clear end, and apply goes on."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.dialects.mysql.driver import MySQLDriver, open_connection
from tests.mariadb.crashing import GIVEN, SPEC, cutting
from tests.support.command import run as plain_run
from tests.support.cuts import begun, run, some, there_and_back
from tests.support.database import Snapshot, same
from tests.support.factor import scaled
from tests.support.mariadb import MISSING, OwnServer, Place, database, own_server


@contextmanager
def holding(place: Place, seconds: float) -> Iterator[None]:
    """Another session holds a row for so long, as an application may."""
    connection = open_connection(place.url)
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("UPDATE people SET born = concat(born, '') WHERE id = 7")
        timer = threading.Timer(seconds, connection.rollback)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            connection.close()


def lives(place: Place) -> tuple[Snapshot, Snapshot]:
    """Return the database before and after an apply that nobody disturbs, which is taken back."""
    before = begun(place, GIVEN, SPEC)
    assert run(place, "apply").code == 0
    after = place.snapshot()
    assert run(place, "rollback", "--to", "0").code == 0
    same(before, place.snapshot())
    return before, after


# ── others ────────────────────────────────────────────────────────────────
def test_a_row_that_others_hold_for_a_while_is_waited_for(place: Place) -> None:
    before, after = lives(place)
    Path("engine.yaml").write_text("lock_timeout: 1s\n", encoding="utf-8")
    with holding(place, 2.5):
        ran = run(place, "apply")
    assert ran.code == 0, ran.output
    there_and_back(place, before, after)


def test_a_row_that_others_hold_on_to_ends_the_apply_which_goes_on_later(place: Place) -> None:
    before, after = lives(place)
    Path("engine.yaml").write_text("lock_timeout: 1s\n", encoding="utf-8")
    with holding(place, 60):
        ran = run(place, "apply")
    assert ran.code == 5, ran.output
    assert "waited too long for a lock" in ran.output and "next: engine apply" in ran.output, ran.output
    there_and_back(place, before, after)


# ── the server ────────────────────────────────────────────────────────────
@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OwnServer, Place]]:
    """A server that keeps what it committed, whatever ends it."""
    if OwnServer.programs() is None:
        pytest.skip(MISSING)
    with own_server(tmp_path_factory.mktemp("durable"), durable=True) as found, database(found.url, "shop") as place:
        yield found, place


@contextmanager
def stopped(server: OwnServer, place: Place, at: int, *, at_once: bool) -> Iterator[None]:
    """Stop the server before statement `at` of what runs within, and start it again behind it."""
    with cutting(place) as cuts, pytest.MonkeyPatch.context() as patch:
        counting = MySQLDriver.listener

        def heard(driver: MySQLDriver, sql: str, params: Any) -> None:
            assert counting is not None
            counting(driver, sql, params)
            if cuts.seen == at:
                server.stop(at_once=at_once)

        patch.setattr(MySQLDriver, "listener", heard)
        yield
    if server.running is None:
        server.start()


def stops(server: OwnServer, place: Place, count: int) -> None:
    before, after = lives(place)
    begun(place, GIVEN, SPEC)
    with cutting(place) as whole:
        assert run(place, "apply").code == 0
    for number, at in enumerate(some(count, whole.seen)):
        begun(place, GIVEN, SPEC)
        with stopped(server, place, at, at_once=number % 2 == 0):
            ran = run(place, "apply")
        assert ran.code == 1 and "the connection to the server was lost" in ran.output, ran.output
        assert "next: engine apply" in ran.output, ran.output
        there_and_back(place, before, after)


def test_a_server_that_stops_in_the_middle_is_gone_on_with(
    own: tuple[OwnServer, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stops(*own, 2)


@pytest.mark.slow
def test_fifteen_stops_of_the_server_lose_no_batch_and_double_none(
    own: tuple[OwnServer, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stops(*own, scaled(15))


def test_a_server_that_only_reads_is_told_and_plans(
    own: tuple[OwnServer, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _, place = own
    before = begun(place, GIVEN, SPEC)
    place.script("CREATE USER reader@'%'; GRANT ALL ON shop.* TO reader@'%'; SET GLOBAL read_only = 1")
    reader = Place(re.sub(r"//[^@]*@", "//reader@", place.url))
    try:
        ran = run(reader, "apply")
        assert ran.code == 1 and "this server is set to read only" in ran.output, ran.output
        assert "hint: connect to the primary\nnow: nothing was done" in ran.output, ran.output
        assert plain_run("plan", "--db", reader.url, "specs").code == 0
    finally:
        place.script("SET GLOBAL read_only = 0; DROP USER reader@'%'")
    same(before, place.snapshot())
