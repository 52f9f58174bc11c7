"""Faults of server and network at any instant: no batch is lost, none is done twice, and nobody has to help."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from tests.postgres.crashing import GIVEN, SPEC
from tests.support.command import run as plain_run
from tests.support.cuts import begun, run, some, there_and_back
from tests.support.database import Snapshot, same
from tests.support.factor import scaled
from tests.support.own_server import OwnServer, own_server
from tests.support.postgres import Place
from tests.support.proxy import proxy

SESSIONS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'engine%'"
    " ORDER BY pid"
)


def once(place: Place) -> tuple[Snapshot, Snapshot, float]:
    """Return the database before and after, and the seconds that apply takes."""
    before = begun(place, GIVEN, SPEC)
    begin = time.monotonic()
    assert run(place, "apply").code == 0
    seconds = time.monotonic() - begin
    after = place.snapshot()
    assert run(place, "rollback", "--to", "0").code == 0
    same(before, place.snapshot())
    return before, after, seconds


@contextmanager
def meanwhile(seconds: float, work: Callable[[], object]) -> Iterator[None]:
    """Do `work` in so many seconds, beside what stands within."""
    timer = threading.Timer(seconds, work)
    timer.start()
    try:
        yield
    finally:
        timer.join()


# ── sessions that the server ends ─────────────────────────────────────────
def ended_at_random(place: Place, times: int) -> None:
    before, after, seconds = once(place)
    chance = random.Random(times)

    def end() -> None:
        with psycopg.connect(place.url, autocommit=True) as db:
            found = [row[0] for row in db.execute(SESSIONS).fetchall()]
            if found:
                db.execute("SELECT pg_terminate_backend(%s, 5000)", (chance.choice(found),))

    for _ in range(times):
        begun(place, GIVEN, SPEC)
        with meanwhile(chance.uniform(0, seconds), end):
            run(place, "apply")
        there_and_back(place, before, after)


def test_a_session_ended_at_a_random_instant_is_gone_on_with(place: Place) -> None:
    ended_at_random(place, 4)


@pytest.mark.slow
def test_a_hundred_sessions_ended_at_random_instants_are_gone_on_with(place: Place) -> None:
    ended_at_random(place, scaled(100))


# ── the answer to COMMIT is lost ──────────────────────────────────────────
def cut_at_commits(place: Place, times: int) -> None:
    with proxy(place.url) as between:
        through = replace(place, url=between.url)
        before = begun(place, GIVEN, SPEC)
        assert run(through, "apply").code == 0
        after, commits = place.snapshot(), between.commits
        assert commits > 10
        for turn, at in enumerate(some(times, commits)):
            begun(place, GIVEN, SPEC)
            # Of four, one does not even get there.
            between.commits, between.cut_at, between.arrives = 0, at, turn % 4 != 3
            ran = run(through, "apply")
            assert between.commits >= at, "the connection was not cut"
            assert ran.code in (0, 1, 6), ran.output
            assert "Traceback" not in ran.output
            there_and_back(place, before, after)
        between.cut_at = 0


def test_a_connection_cut_while_commit_is_answered_loses_no_batch_and_doubles_none(place: Place) -> None:
    cut_at_commits(place, 4)


@pytest.mark.slow
def test_sixty_connections_cut_at_commit_lose_no_batch_and_double_none(place: Place) -> None:
    for _ in range(scaled(3)):
        cut_at_commits(place, 20)


# ── the server stops at once ──────────────────────────────────────────────
@pytest.fixture(scope="module")
def own() -> Iterator[OwnServer]:
    """A server of our own, which may be stopped."""
    with own_server() as found:
        yield found


def stopped_at_random(own: OwnServer, times: int) -> None:
    place = own.place
    before, after, seconds = once(place)
    chance = random.Random(times)
    for _ in range(times):
        begun(place, GIVEN, SPEC)
        with meanwhile(chance.uniform(0, seconds), own.stop_at_once):
            ran = run(place, "apply")
        assert "Traceback" not in ran.output
        own.start()
        there_and_back(place, before, after)


def test_a_server_stopped_at_once_loses_no_batch_and_doubles_none(
    own: OwnServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stopped_at_random(own, 2)


def test_a_replica_is_refused_before_anything_is_done(
    own: OwnServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = begun(own.place, GIVEN, SPEC)
    standby = Path(own.handle.pgdata, "standby.signal")
    own.stop_at_once()
    standby.touch()
    own.start()
    try:
        ran = run(own.place, "apply")
        assert ran.code == 1, ran.output
        assert "this server is a replica, which only reads" in ran.output and "connect to the primary" in ran.output
        assert plain_run("plan", "--db", own.place.url, "specs").code == 0
        same(before, own.place.snapshot())
    finally:
        own.stop_at_once()
        standby.unlink()
        own.start()


@pytest.mark.slow
def test_fifteen_stops_of_the_server_lose_no_batch_and_double_none(
    own: OwnServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stopped_at_random(own, scaled(15))
