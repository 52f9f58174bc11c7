"""A whole shop through seven migrations that real shops need, and back to the byte."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support import shop
from tests.support.command import run
from tests.support.database import same, snapshot

pytestmark = pytest.mark.slow

SPECS = {
    "001_rename_a_table.yaml": """
steps:
  - rename: {table: Artist, to: Performer}
  - rename: {table: Invoice, to: Bill}
""",
    "002_money_in_cents.yaml": """
steps:
  - alter: {table: Track, change: {UnitPrice: {type: bigint, using: "cast(round(UnitPrice * 100) as integer)"}}}
  - alter: {table: InvoiceLine, change: {UnitPrice: {type: bigint, using: "cast(round(UnitPrice * 100) as integer)"}}}
  - alter: {table: Bill, change: {Total: {type: bigint, using: "cast(round(Total * 100) as integer)"}}}
  - validate:
      - no_rows: {sql: "SELECT TrackId FROM Track WHERE typeof(UnitPrice) <> 'integer' OR UnitPrice NOT IN (99, 199)"}
      - no_rows: {sql: "SELECT InvoiceId FROM Bill WHERE typeof(Total) <> 'integer'"}
""",
    "003_split_a_name.yaml": """
steps:
  - alter:
      table: Customer
      add: {FirstName: {type: text, after: Name}, LastName: {type: text, after: FirstName}}
  - transform:
      table: Customer
      set:
        FirstName: "case when instr(Name, ' ') > 0 then substr(Name, 1, instr(Name, ' ') - 1) else Name end"
        LastName: "case when instr(Name, ' ') > 0 then substr(Name, instr(Name, ' ') + 1) end"
      where: "true"
      expect_rows: 59
""",
    "004_drop_a_column.yaml": """
steps:
  - alter: {table: Customer, drop: [Fax]}
""",
    "005_require_a_column.yaml": """
steps:
  - transform: {table: Track, set: {Composer: {value: unknown}}, where: "Composer IS NULL", expect_rows: {max: 5000}}
  - alter: {table: Track, change: {Composer: {nullable: false}}}
  - alter: {table: Customer, change: {Email: {nullable: false}}}
""",
    "006_delete_and_move_rows.yaml": """
steps:
  - create:
      table: OldLine
      columns:
        InvoiceLineId: {type: integer, primary_key: true}
        InvoiceId: {type: integer, nullable: false}
        TrackId: {type: integer, nullable: false}
        UnitPrice: {type: bigint, nullable: false}
        Quantity: {type: integer, nullable: false}
  - copy:
      from: {sql: "SELECT l.* FROM InvoiceLine l JOIN Bill b ON b.InvoiceId = l.InvoiceId WHERE b.InvoiceDate < '2010-01-01'"}
      key: InvoiceLineId
      into: OldLine
      columns: [InvoiceLineId, InvoiceId, TrackId, UnitPrice, Quantity]
      expect_rows: all
  - delete: {from: Bill, where: "InvoiceDate < '2010-01-01'", expect_rows: {min: 1, max: 200}}
  - delete: {from: PlaylistTrack, where: "PlaylistId = 1", expect_rows: {min: 1}}
  - validate:
      - references: {table: InvoiceLine, columns: [InvoiceId], to: {table: Bill, columns: [InvoiceId]}}
""",
    "007_managers.yaml": """
steps:
  - alter: {table: Employee, change: {LastName: {type: text}}, add: {Level: {type: integer, nullable: false, default: 1}}}
  - transform: {table: Employee, set: {Level: "2"}, where: "EmployeeId IN (SELECT ReportsTo FROM Employee)", expect_rows: 4}
""",
}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop, and the specs beside it."""
    monkeypatch.chdir(tmp_path)
    Path("specs").mkdir()
    for name, steps in SPECS.items():
        head = f'version: "{name[:3]}"\ndescription: {name[4:-5].replace("_", " ")}'
        Path("specs", name).write_text(head + steps, encoding="utf-8")
    shop.make(tmp_path / "shop.db")
    return tmp_path / "shop.db"


def test_a_shop_goes_there_and_back_to_the_byte(made: Path) -> None:
    before = snapshot(made)
    applied = run("apply", "--db", "shop.db", "--yes", "specs")
    assert applied.code == 0, applied.output
    moved = ask(made, "SELECT count(*) FROM OldLine")
    assert ask(made, "SELECT typeof(UnitPrice), min(UnitPrice), max(UnitPrice) FROM Track") == [
        ("integer", 99, 199)
    ]
    assert moved[0][0] + ask(made, "SELECT count(*) FROM InvoiceLine")[0][0] == 2240
    assert ask(made, "SELECT count(*) FROM AlbumList") == [(350,)]
    assert ask(made, "PRAGMA foreign_key_check") == []
    names = ask(made, "SELECT FirstName, LastName FROM Customer WHERE Name LIKE 'Jean%' LIMIT 1")
    assert names == [("Jean-Luc", "Picard 🖖")]
    undone = run("rollback", "--db", "shop.db", "--yes", "--to", "0", "specs")
    assert undone.code == 0, undone.output
    same(before, snapshot(made))


def test_each_migration_goes_back_to_the_state_it_found(made: Path) -> None:
    states = [snapshot(made)]
    for name in SPECS:
        applied = run("apply", "--db", "shop.db", "--yes", "--to", name[:3], "specs")
        assert applied.code == 0, applied.output
        states.append(snapshot(made))
    for name, state in zip(reversed(SPECS), reversed(states[:-1]), strict=True):
        undone = run("rollback", "--db", "shop.db", "--yes", "--steps", "1", "specs")
        assert undone.code == 0, f"{name}: {undone.output}"
        same(state, snapshot(made))


def ask(path: Path, query: str) -> list[Any]:
    """Return the rows of a query."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()
