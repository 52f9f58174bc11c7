"""What docs/rights.md grants on PostgreSQL is enough for a whole life, and what is lacking is named, with nothing kept."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.postgres.crashing import GIVEN, SPEC
from tests.support.command import run as plain_run
from tests.support.cuts import begun, run
from tests.support.database import Snapshot, same
from tests.support.postgres import Place

PAGE = Path(__file__).parents[2] / "docs" / "rights.md"
SECRET = "s3cret"
ROLE = f"engine_role_{os.getpid()}"
OWN = f"""
DO $$ DECLARE one record; BEGIN
  FOR one IN SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('ALTER TABLE %I OWNER TO {ROLE}', one.name);
  END LOOP;
  FOR one IN SELECT p.oid::regprocedure AS name FROM pg_proc AS p WHERE pronamespace = 'public'::regnamespace LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO {ROLE}', one.name);
  END LOOP;
END $$
"""
LACKING = {
    "CREATE ON DATABASE": "permission denied for database",
    "USAGE, CREATE ON SCHEMA": "this role sees no schema of the search path",
    "OWNER": "must be owner of table",
}


@contextmanager
def granted(place: Place, lacking: str = "") -> Iterator[tuple[Place, Snapshot]]:
    """Give a database as a role that has the page's rights, but one; and as it is before anything is done."""
    place.script(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{SECRET}'")
    name = place.ask("SELECT current_database()")[0][0]
    try:
        begun(place, GIVEN, SPEC)
        place.script("REVOKE CREATE ON SCHEMA public FROM PUBLIC; REVOKE USAGE ON SCHEMA public FROM PUBLIC")
        for line in re.findall(r"^GRANT .*? TO migrator;", PAGE.read_text(encoding="utf-8"), re.MULTILINE):
            if not lacking or lacking not in line:
                place.script(line.replace("shop", name).replace("migrator", ROLE))
        place.script(OWN if lacking != "OWNER" else f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {ROLE}")
        if lacking == "OWNER":
            place.script(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {ROLE}")
        yield Place(re.sub(r"//[^@]*@", f"//{ROLE}:{SECRET}@", place.url)), place.snapshot()
    finally:
        place.clean()
        place.script(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")


def test_the_rights_of_the_page_are_enough_there_back_and_again(place: Place) -> None:
    with granted(place) as (own, before):
        for command in (["plan"], ["apply"], ["rollback", "--to", "0"], ["apply"], ["rollback", "--to", "0"]):
            if command == ["plan"]:
                ran = plain_run("plan", "--db", own.url, "specs")
            else:
                ran = run(own, *command)
            assert ran.code == 0, ran.output
        same(before, place.snapshot())


@pytest.mark.parametrize("lacking", LACKING)
def test_a_right_that_is_lacking_is_named_and_nothing_is_kept(lacking: str, place: Place) -> None:
    with granted(place, lacking) as (own, before):
        ran = run(own, "apply")
        assert ran.code == 1 and SECRET not in ran.output, ran.output
        assert LACKING[lacking] in ran.output, ran.output
        assert "is as it was before" in ran.output or "no schema" in ran.output, ran.output
        same(before, place.snapshot())
