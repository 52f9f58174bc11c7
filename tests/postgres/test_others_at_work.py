"""Others hold what a migration needs: it waits politely, tries again, names them, and leaves nothing half done."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.command import run
from tests.support.factor import scaled
from tests.support.postgres import Place

T = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT); INSERT INTO t SELECT n, 'a' || n FROM generate_series(1, 50) AS n"
INVALID = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
INDEX = "index: {table: t, columns: [a], concurrently: true}"


def spec(step: str, more: str = "") -> None:
    """Write a spec of one step, and a config with little patience."""
    Path("specs").mkdir(exist_ok=True)
    Path("specs/001_one.yaml").write_text(
        f'version: "001"\ndescription: One step\n{more}steps:\n  - {step}\n', encoding="utf-8"
    )
    Path("engine.yaml").write_text("lock_timeout: 200ms\n", encoding="utf-8")


def apply(place: Place) -> Any:
    return run("apply", "--db", place.url, "--yes", "specs")


@contextmanager
def session(place: Place, sql: str) -> Iterator[psycopg.Connection[Any]]:
    """Hold a transaction in which `sql` was run."""
    with psycopg.connect(place.url) as held:
        held.execute(sql)
        yield held
        held.rollback()


def ended_soon(place: Place, wanted: str, after: float) -> threading.Thread:
    """End the session whose statement looks like `wanted`, once it runs for a while."""

    def end() -> None:
        with psycopg.connect(place.url, autocommit=True) as db:
            for _ in range(200):
                time.sleep(0.05)
                running = "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE %s AND pid <> pg_backend_pid()"
                found = db.execute(running, (wanted,)).fetchone()
                if found:
                    time.sleep(after)
                    db.execute("SELECT pg_terminate_backend(%s, 5000)", found)
                    return

    thread = threading.Thread(target=end)
    thread.start()
    return thread


def test_who_holds_a_lock_is_named_and_nothing_is_done(place: Place) -> None:
    place.script(T)
    spec("alter: {table: t, add: {b: text}}")
    with session(place, "LOCK TABLE t IN SHARE MODE") as held:
        ran = apply(place)
        assert ran.code == 5, ran.output
        assert f"session {held.info.backend_pid} of " in ran.output
        assert "nothing of 001 was kept" in ran.output and "next: engine apply" in ran.output
    assert apply(place).code == 0


@pytest.mark.parametrize("more", ["", "transaction: step\n"], ids=["single", "stepwise"])
def test_a_lock_that_is_given_up_soon_is_waited_for(place: Place, more: str) -> None:
    place.script(T)
    spec('transform: {table: t, set: {a: "upper(a)"}, where: "true", batch_size: 20}', more)
    with session(place, "SELECT * FROM t WHERE id = 30 FOR UPDATE") as held:
        threading.Timer(0.7, held.rollback).start()
        ran = apply(place)
    assert ran.code == 0, ran.output
    assert place.ask("SELECT count(*) FROM t WHERE a LIKE 'A%'") == [[50]]


def test_another_engine_at_work_is_named(place: Place) -> None:
    from engine.dialects.postgres.lock import AdvisoryLock

    place.script(T)
    spec("alter: {table: t, add: {b: text}}")
    other = AdvisoryLock(place.url)
    assert other.acquire("apply", 0.0)
    try:
        ran = apply(place)
        assert ran.code == 5 and "the lock is held by process" in ran.output
    finally:
        other.release()
    assert apply(place).code == 0


def interrupted_build(place: Place) -> None:
    """A build that is ended while it waits for an older transaction leaves an invalid index."""
    place.clean()
    place.script(T)
    spec(INDEX)
    Path("engine.yaml").write_text("lock_timeout: 30s\n", encoding="utf-8")
    with session(place, "INSERT INTO t VALUES (99, 'z')"):
        thread = ended_soon(place, "CREATE INDEX CONCURRENTLY%", 0.1)
        ran = apply(place)
        thread.join()
        assert ran.code in (1, 6), ran.output
        assert "next: engine apply" in ran.output, ran.output
    assert place.ask(INVALID) == [[1]]


def test_an_interrupted_build_is_replaced_by_the_next_apply(place: Place) -> None:
    for _ in range(2):
        interrupted_build(place)
        ran = apply(place)
        assert ran.code == 0, ran.output
        assert place.ask(INVALID) == [[0]]
        assert place.ask("SELECT count(*) FROM pg_class WHERE relname = 'idx_t_a'") == [[1]]


def test_an_interrupted_build_can_be_rolled_back(place: Place) -> None:
    interrupted_build(place)
    ran = run("rollback", "--db", place.url, "--yes", "specs")
    assert ran.code == 0, ran.output
    assert place.ask("SELECT count(*) FROM pg_class WHERE relname = 'idx_t_a'") == [[0]]


def test_a_build_that_waits_too_long_is_no_success_and_goes_on_later(place: Place) -> None:
    place.script(T)
    spec(INDEX)
    with session(place, "INSERT INTO t VALUES (99, 'z')"):
        ran = apply(place)
        assert ran.code == 5, ran.output
        assert "next: engine apply" in ran.output
    ran = apply(place)
    assert ran.code == 0, ran.output
    assert place.ask(INVALID) == [[0]]


@pytest.mark.slow
def test_builds_interrupted_ten_times_are_never_left_invalid(place: Place) -> None:
    for _ in range(scaled(10)):
        interrupted_build(place)
        assert apply(place).code == 0
        assert place.ask(INVALID) == [[0]]
