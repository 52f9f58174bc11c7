"""CREATE INDEX CONCURRENTLY, interrupted in four ways: never called a success, never left invalid by the next apply."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.postgres.test_others_at_work import INDEX, INVALID, T, apply, session, spec
from tests.support.factor import scaled
from tests.support.own_server import OwnServer, own_server
from tests.support.postgres import Place
from tests.support.processes import Child, engine

BUILDING = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND state = 'active'"
COUNT = "SELECT count(*) FROM pg_class WHERE relname = 'idx_t_a'"


def building(place: Place) -> Child:
    """Start an apply whose build waits for a transaction of somebody else, and return once it does."""
    child = engine(["apply", "--db", place.url, "--yes", "specs"], Path("out.txt"))
    deadline = time.monotonic() + 30
    while not place.ask(f"{BUILDING} AND wait_event_type = 'Lock'"):
        assert time.monotonic() < deadline and not child.poll(), child.output
        time.sleep(0.02)
    return child


def begun(place: Place, patience: str = "30s") -> None:
    place.clean()
    place.script(T)
    spec(INDEX)
    Path("engine.yaml").write_text(f"lock_timeout: {patience}\n", encoding="utf-8")
    Path("out.txt").unlink(missing_ok=True)


def ends_well(place: Place) -> None:
    """The next apply builds the index, whatever was left, and nothing of the rest stays."""
    ran = apply(place)
    assert ran.code == 0, ran.output
    assert place.ask(INVALID) == [[0]]
    assert place.ask(COUNT) == [[1]]


def by_the_client(place: Place) -> None:
    """The engine is killed; its session goes on for as long as it waits."""
    begun(place)
    with session(place, "INSERT INTO t VALUES (99, 'z')"):
        child = building(place)
        child.signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        Path("engine.yaml").write_text("lock_timeout: 200ms\n", encoding="utf-8")
        ran = apply(place)
        assert ran.code == 5 and "holds it" in ran.output and "next: engine apply" in ran.output, ran.output
        Path("engine.yaml").write_text("lock_timeout: 30s\n", encoding="utf-8")
    ends_well(place)


def by_an_end(place: Place) -> None:
    """The server ends the session."""
    begun(place)
    with session(place, "INSERT INTO t VALUES (99, 'z')"):
        child = building(place)
        place.ask(f"SELECT pg_terminate_backend(({BUILDING}), 5000)::int")
        assert child.wait() in (1, 6) and "next: engine apply" in child.output, child.output
        assert place.ask(INVALID) == [[1]]
    ends_well(place)


def by_a_cancel(place: Place) -> None:
    """Somebody cancels the statement (as a statement timeout does): the migration failed, and is taken back."""
    begun(place)
    with session(place, "INSERT INTO t VALUES (99, 'z')") as held:
        child = building(place)
        place.ask(f"SELECT pg_cancel_backend(({BUILDING}))::int")
        time.sleep(0.3)
        held.rollback()
        assert child.wait() == 1 and "canceling statement" in child.output, child.output
    assert place.ask(INVALID) == [[0]], child.output
    assert place.ask(COUNT) == [[0]]
    ends_well(place)


WAYS = (by_the_client, by_an_end, by_a_cancel)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_build_that_is_interrupted_is_no_success_and_leaves_nothing_invalid(
    way: Callable[[Place], None], place: Place
) -> None:
    way(place)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_ten_builds_that_are_interrupted_leave_nothing_invalid(way: Callable[[Place], None], place: Place) -> None:
    for _ in range(scaled(10)):
        way(place)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnServer]:
    """A server of our own, which may be stopped."""
    monkeypatch.chdir(tmp_path)
    with own_server() as found:
        yield found


@contextmanager
def held_until_the_stop(place: Place) -> Iterator[None]:
    """Hold a transaction that the end of the server ends."""
    held: psycopg.Connection[Any] = psycopg.connect(place.url)
    held.execute("INSERT INTO t VALUES (99, 'z')")
    try:
        yield
    finally:
        with suppress(psycopg.Error):
            held.close()


def by_a_stop(own: OwnServer) -> None:
    """The server stops at once."""
    begun(own.place)
    with held_until_the_stop(own.place):
        child = building(own.place)
        own.stop_at_once()
        assert child.wait() in (1, 6) and "next: engine apply" in child.output, child.output
    own.start()
    assert own.place.ask(INVALID) == [[1]]
    ends_well(own.place)


def test_a_build_during_which_the_server_stops_is_done_again(own: OwnServer) -> None:
    by_a_stop(own)


@pytest.mark.slow
def test_ten_builds_during_which_the_server_stops_are_done_again(own: OwnServer) -> None:
    for _ in range(scaled(10)):
        by_a_stop(own)
