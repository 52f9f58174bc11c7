"""Runs on a server that are cut off: the session is ended before the n-th statement, or right after a commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from engine.dialects.mysql.driver import MySQLDriver, open_connection
from tests.support.cuts import Cuts
from tests.support.mariadb import Place

GIVEN = """
CREATE TABLE city (id INTEGER PRIMARY KEY, name VARCHAR(20) UNIQUE) COLLATE utf8mb4_nopad_bin;
CREATE TABLE people (id INTEGER AUTO_INCREMENT PRIMARY KEY, name TEXT, born VARCHAR(9) NOT NULL DEFAULT 'x', city INT,
  KEY (born)) COLLATE utf8mb4_nopad_bin;
CREATE TABLE old (id INTEGER PRIMARY KEY, n INT, city INT, CONSTRAINT of_city FOREIGN KEY (city) REFERENCES city (id));
CREATE INDEX old_n ON old(n);
INSERT INTO city VALUES (1, 'Rome'), (2, 'Oslo');
INSERT INTO people (name, born, city) SELECT ' p' || seq, 1900 + seq, 1 + seq % 2 FROM seq_1_to_12;
INSERT INTO old SELECT seq, seq * seq, 1 FROM seq_1_to_9
"""
SPEC = """version: "001"
description: Everything once
steps:
  - create: {table: new, columns: {id: {type: integer, primary_key: true, auto_increment: true}, n: integer}}
  - copy: {from: old, into: new, columns: [id, n], batch_size: 4, expect_rows: all}
  - insert: {into: city, rows: [{id: 3, name: Bonn}, {id: 1, name: Roma}], on_conflict: skip, conflict_key: id}
  - copy: {from: old, into: city, columns: {id: "id + 1", name: "'c' || n"}, on_conflict: skip, conflict_key: id, batch_size: 3, expect_rows: all}
  - copy: {from: old, into: people, columns: {name: "'n' || n"}, batch_size: 4, expect_rows: all}
  - transform: {table: people, set: {name: "trim(name)"}, where: "true", batch_size: 5}
  - drop: {index: born, table: people}
  - alter: {table: people, add: {age: {type: integer, default: 7}}, drop: [born], rename: {name: called}}
  - delete: {from: people, where: "id > 9", batch_size: 2}
  - index: {table: people, columns: [called]}
  - index: {table: people, columns: [city, id], unique: true, name: once}
  - rename: {table: new, to: newer}
  - rename: {index: once, to: only_once}
  - drop: {table: old}
  - alter: {table: people, add_foreign_keys: [{columns: [city], references: {table: city}}]}
  - alter: {table: people, change: {city: {nullable: true, default: 1}}}
"""


@contextmanager
def cutting(place: Place, at: int = 0, after_commit: int = 0) -> Iterator[Cuts]:
    """End the session of the engine that writes, as a server or a network may."""
    cuts = Cuts(at, after_commit)
    plain = MySQLDriver.commit

    def end(driver: MySQLDriver) -> None:
        db = open_connection(place.url)
        with suppress(Exception), db.cursor() as cursor:
            cursor.execute(f"KILL CONNECTION {driver._connection.thread_id()}")
        db.close()

    def heard(driver: MySQLDriver, sql: str, params: Any) -> None:
        if cuts.heard(sql):
            end(driver)

    def commit(driver: MySQLDriver) -> None:
        plain(driver)
        if cuts.committed():
            end(driver)
            # The answer is lost: the client sees only that the connection is gone.
            driver.execute("DO 1")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MySQLDriver, "listener", heard)
        patch.setattr(MySQLDriver, "commit", commit)
        yield cuts
