"""Runs on a server that are cut off: the session is ended before the n-th statement, or right after a commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from engine.dialects.postgres.driver import COMMIT, PostgresDriver
from tests.support.cuts import Cuts
from tests.support.postgres import Place

GIVEN = """
CREATE TABLE people (id SERIAL PRIMARY KEY, name TEXT, born TEXT, city INT);
CREATE TABLE city (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE visits (id INTEGER PRIMARY KEY, who INT REFERENCES people(id) ON DELETE CASCADE, at NUMERIC(6,2));
CREATE TABLE old (id INTEGER PRIMARY KEY, n INT);
CREATE INDEX old_n ON old(n);
CREATE TABLE noted (id INTEGER PRIMARY KEY, n INT);
CREATE TABLE notes (was INT);
CREATE FUNCTION noting() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO notes VALUES (old.n); RETURN new; END';
CREATE TRIGGER noting AFTER UPDATE ON noted FOR EACH ROW EXECUTE FUNCTION noting();
INSERT INTO noted SELECT n, n FROM generate_series(1, 5) AS n;
INSERT INTO city VALUES (1, 'Rome'), (2, 'Oslo');
INSERT INTO people (name, born, city) SELECT ' p' || n, (1900 + n)::text, 1 + n % 2 FROM generate_series(1, 12) AS n;
INSERT INTO visits SELECT n, 1 + n % 12, n * 1.10 FROM generate_series(1, 20) AS n;
INSERT INTO old SELECT n, n * n FROM generate_series(1, 9) AS n;
"""
SPEC = """version: "001"
description: Everything once
transaction: step
steps:
  - create: {table: new, columns: {id: {type: integer, primary_key: true, auto_increment: true}, n: integer}}
  - copy: {from: old, into: new, columns: [id, n], batch_size: 4, expect_rows: all}
  - insert: {into: city, rows: [{id: 3, name: Bonn}, {id: 1, name: Roma}], on_conflict: replace, conflict_key: id}
  - copy: {from: old, into: city, columns: {id: "id + 1", name: "'c' || n"}, on_conflict: skip, conflict_key: id, batch_size: 3, expect_rows: all}
  - transform: {table: people, set: {name: "trim(name)"}, where: "true", batch_size: 5}
  - alter: {table: people, add: {age: {type: integer, using: "2000 - cast(born as integer)"}}, drop: [born]}
  - alter: {table: visits, change: {at: {type: text, using: "cast(at as text)"}}}
  - delete: {from: people, where: "id > 9", batch_size: 2, expect_rows: 3}
  - transform: {table: noted, set: {n: "n + 1"}, where: "true", batch_size: 3}
  - transform: {table: city, set: {id: "case when id < 3 then 3 - id else id end", name: "case name when 'c1' then 'c4' when 'c4' then 'c1' else name end"}, where: "true"}
  - transform: {table: city, set: {name: "case name when 'c9' then 'c16' when 'c16' then 'c9' else name end"}, where: "true"}
  - index: {table: people, columns: [name]}
  - rename: {table: city, to: town}
  - drop: {table: old}
  - alter: {table: people, add_foreign_keys: [{columns: [city], references: {table: town}}]}
"""


@contextmanager
def cutting(place: Place, at: int = 0, after_commit: int = 0) -> Iterator[Cuts]:
    """End the session of the engine that writes, as a server or a network may."""
    cuts = Cuts(at, after_commit)
    plain = PostgresDriver._command

    def end(driver: PostgresDriver) -> None:
        with psycopg.connect(place.url, autocommit=True) as db:
            pid = driver._connection.info.backend_pid
            db.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))

    def heard(driver: PostgresDriver, sql: str, params: Any) -> None:
        if cuts.heard(sql):
            end(driver)

    def command(driver: PostgresDriver, sql: str) -> str:
        if sql == COMMIT and cuts.committed():
            plain(driver, sql)
            end(driver)
            # The answer is lost: the client sees only that the connection is gone.
            return plain(driver, "SELECT 1")
        return plain(driver, sql)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PostgresDriver, "listener", heard)
        patch.setattr(PostgresDriver, "_command", command)
        yield cuts
