"""A database of many rows under three kinds of key, and specs that copy and change them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {rows})"


@dataclass(frozen=True)
class Keyed:
    """How the rows of one database are known.

    Attributes:
        columns: the key's columns as SQL declares them.
        key: names of the key's columns.
        values: expressions of the number `i` that give them, in no order.
        fields: the key's columns as a spec declares them.
    """

    columns: str
    key: tuple[str, ...]
    values: str
    fields: str


KEYS = {
    "integer": Keyed("id INTEGER PRIMARY KEY", ("id",), "i + 1", "id: {type: integer, primary_key: true}"),
    # From far below zero to far above, in clumps with holes of many sizes between them.
    "gappy": Keyed(
        "id INTEGER PRIMARY KEY",
        ("id",),
        "(i - {rows} / 2) * 3 + (i / 1000) * 1000003 + CASE WHEN i % 7 = 0 THEN 1 ELSE 0 END",
        "id: {type: integer, primary_key: true}",
    ),
    # Few first halves, so that batches end in the middle of one; upper and lower case; text that looks like numbers.
    "composite": Keyed(
        "region TEXT NOT NULL, code TEXT NOT NULL, PRIMARY KEY (region, code)",
        ("region", "code"),
        "CASE i % 5 WHEN 0 THEN 'eu' WHEN 1 THEN 'EU' WHEN 2 THEN '' WHEN 3 THEN 'ünder' ELSE '007' END,"
        " printf('%x', (i * 2654435761) % 4294967296) || '-' || i",
        "region: {type: text, nullable: false}\n        code: {type: text, nullable: false}",
    ),
}


def make(path: Path, kind: str, rows: int) -> None:
    """Make the database: `source`, and `target` that holds a part of the same rows already."""
    keyed = KEYS[kind]
    values = keyed.values.replace("{rows}", str(rows))
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute(f"CREATE TABLE source (name TEXT, number INTEGER, note TEXT, {keyed.columns})")
        db.execute(f"CREATE TABLE target (name TEXT, number INTEGER, note TEXT, {keyed.columns})")
        db.execute(
            f"INSERT INTO source (name, number, note, {', '.join(keyed.key)}) {_NUMBERS.format(rows=rows)}"
            " SELECT CASE WHEN i % 3 = 0 THEN '  name ' || i || ' ' ELSE 'name ' || i END,"
            f" CASE WHEN i % 11 = 0 THEN NULL ELSE i % 1000 END, CASE WHEN i % 4 = 0 THEN NULL ELSE 'n' || i END,"
            f" {values} FROM n"
        )
        same = ", ".join(keyed.key)
        db.execute(
            f"INSERT INTO target (name, number, note, {same}) SELECT 'mine', -1, note, {same} FROM source"
            " WHERE number % 50 = 7"
        )
        db.commit()


def specs(kind: str) -> dict[str, str]:
    """Return the specs (file name → text): copies beside rows of others and into a new table, and transforms."""
    keyed = KEYS[kind]
    key = ", ".join(keyed.key)
    columns = ", ".join(f"{name}: {name}" for name in (*keyed.key, "name", "number"))
    primary = "" if "primary_key" in keyed.fields else f"\n      primary_key: [{key}]"
    copy = f"""\
version: "001"
description: Copy beside rows of others, and into a new table
transaction: step
steps:
  - copy: {{from: source, into: target, columns: same, on_conflict: skip, conflict_key: [{key}], expect_rows: all}}
  - create:
      table: fresh
      columns:
        {keyed.fields}
        name: text
        number: integer{primary}
  - copy: {{from: source, into: fresh, columns: {{{columns}}}, where: number IS NOT NULL, expect_rows: all}}
"""
    transform = """\
version: "002"
description: Transform what was there and what came
transaction: step
steps:
  - transform:
      table: target
      set: {name: trim(name), number: number * 2 + 1}
      where: number IS NOT NULL
  - transform:
      table: fresh
      set: {name: upper(name)}
      where: number > 2
"""
    return {"001_copy.yaml": copy, "002_transform.yaml": transform}
