"""What server or rights refuse has a clear end: the exit code of the contract, what is true now, the next command."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from tests.postgres.test_others_at_work import T, apply, session, spec
from tests.support.command import Ran, run
from tests.support.database import same
from tests.support.postgres import Place

TRANSFORM = 'transform: {table: t, set: {a: "upper(a)"}, where: "true"}'
ROLE = "engine_test_guest"


def at(place: Place, user: str = "", password: str = "", port: int = 0, options: str = "") -> str:
    """Return the database's URL with another user, password, port or option of the session."""
    parts = urlsplit(place.url)
    name = user or parts.username or ""
    secret = f":{password}" if password else ""
    where = f"{parts.hostname or ''}:{port or parts.port or ''}".rstrip(":")
    query = "&".join(filter(None, [parts.query, f"options={options}" if options else ""]))
    return urlunsplit(parts._replace(netloc=f"{name}{secret}@{where}", query=query))


def refused(place: Place, url: str, code: int, *says: str) -> Ran:
    """Applying ends so, says so, and leaves the database as it was."""
    before = place.snapshot()
    ran = run("apply", "--db", url, "--yes", "specs")
    assert ran.code == code, ran.output
    for words in says:
        assert words in ran.output, ran.output
    same(before, place.snapshot())
    return ran


@pytest.fixture
def guest(place: Place) -> Iterator[str]:
    """A role that may read, and no more."""
    place.script(T)
    place.script(f"DROP ROLE IF EXISTS {ROLE}; CREATE ROLE {ROLE} LOGIN PASSWORD 's3cr3t'")
    place.script(f"GRANT USAGE ON SCHEMA public TO {ROLE}; GRANT SELECT ON t TO {ROLE}")
    yield ROLE
    place.script(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")


def test_no_server(place: Place) -> None:
    spec(TRANSFORM)
    ran = refused(
        place, "postgresql://me:s3cr3t@127.0.0.1:1/db", 1, "no connection to the database", "nothing was done"
    )
    assert "s3cr3t" not in ran.output


def test_a_role_that_is_not_there_or_a_wrong_password(place: Place) -> None:
    spec(TRANSFORM)
    url = at(place, "engine_test_nobody", "s3cr3t")
    ran = refused(place, url, 1, "no connection to the database", "engine_test_nobody", "nothing was done")
    assert "s3cr3t" not in ran.output


def test_a_role_without_rights(place: Place, guest: str) -> None:
    spec(TRANSFORM)
    ran = refused(place, at(place, guest, "s3cr3t"), 1, "permission denied", "needs more rights")
    assert "s3cr3t" not in ran.output


def test_a_role_that_may_not_change_this_table(place: Place, guest: str) -> None:
    place.script(f"GRANT CREATE ON SCHEMA public TO {guest}")
    spec(TRANSFORM)
    refused(
        place,
        at(place, guest, "s3cr3t"),
        1,
        "permission denied for table t",
        "needs more rights",
        "nothing of 001 was kept",
    )


def test_a_session_that_only_reads(place: Place) -> None:
    place.script(T)
    spec(TRANSFORM)
    url = at(place, options="-c%20default_transaction_read_only%3Don")
    refused(place, url, 1, "read-only", "connect to the primary")


def test_a_statement_that_takes_longer_than_the_server_allows(place: Place) -> None:
    place.script(T)
    spec('transform: {table: t, set: {a: {postgresql: "a || pg_sleep(1)::text"}}, where: "id < 5"}')
    url = at(place, options="-c%20statement_timeout%3D400")
    refused(place, url, 1, "statement timeout", "`statement_timeout` of the role", "nothing of 001 was kept")


@pytest.mark.parametrize("more", ["", "transaction: step\n"], ids=["single", "stepwise"])
def test_a_deadlock_is_tried_again(place: Place, more: str) -> None:
    place.script(T)
    place.script("CREATE TABLE other (id INTEGER PRIMARY KEY, a TEXT); INSERT INTO other VALUES (1, 'x')")
    spec('transform: {table: t, set: {a: "upper(a)"}, where: "true"}\n  - ' + TRANSFORM.replace(" t,", " other,"), more)
    Path("engine.yaml").write_text("lock_timeout: 10s\n", encoding="utf-8")
    with psycopg.connect(place.url) as held:
        held.execute("SET deadlock_timeout = '10s'")  # so that the engine is the one that has to give way
        held.execute("SELECT * FROM other FOR UPDATE")

        def cross() -> None:
            while not place.ask("SELECT 1 FROM pg_locks WHERE NOT granted"):
                pass
            held.execute("SELECT * FROM t FOR UPDATE")
            held.rollback()

        thread = threading.Thread(target=cross)
        thread.start()
        ran = apply(place)
        thread.join()
    assert ran.code == 0, ran.output
    assert place.ask("SELECT count(*) FROM t WHERE a LIKE 'A%'") == [[50]]
    assert place.ask("SELECT a FROM other") == [["X"]]


def test_a_serialization_failure_is_tried_again(place: Place) -> None:
    place.script(T)
    place.script(
        "CREATE SEQUENCE tries; CREATE FUNCTION once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF nextval('tries') = 1 THEN RAISE SQLSTATE '40001'; END IF; RETURN NEW; END $$;"
        " CREATE TRIGGER once BEFORE UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION once()"
    )
    spec('transform: {table: t, set: {a: "upper(a)"}, where: "true"}\n    irreversible: a trigger fires')
    ran = apply(place)
    assert ran.code == 0, ran.output
    assert place.ask("SELECT last_value FROM tries") == [[2]]
    assert place.ask("SELECT count(*) FROM t WHERE a LIKE 'A%'") == [[50]]


def test_a_row_that_somebody_holds_too_long_is_theirs_and_nothing_is_kept(place: Place) -> None:
    place.script(T)
    spec(TRANSFORM)
    before = place.snapshot()
    with session(place, "SELECT * FROM t WHERE id = 30 FOR UPDATE"):
        ran = apply(place)
        assert ran.code == 5 and "next: engine apply" in ran.output, ran.output
    same(before, place.snapshot())
