"""What `alter` does to a table that others need, and that its undo gives everything back."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from engine.model import changes as c
from engine.model.definitions import CheckDef, ColumnDef, ForeignKeyDef, KeyDef, ReferenceDef
from engine.model.expression import Literal, PerDialect, Sql
from tests.unit.sqlite.schema_runner import ODD, SHOP, Bench


def kind(text: str) -> PerDialect:
    return PerDialect(text)


def value(plain: str | int | Decimal | bool | None) -> Literal:
    return Literal(plain, str(plain))


@pytest.fixture
def shop() -> Iterator[Bench]:
    bench = Bench(SHOP)
    yield bench
    bench.close()


ROUND_TRIPS: dict[str, tuple[str, tuple[c.Action, ...]]] = {
    "rename a column": (ODD, (c.RenameColumn("the title", "ti\"tle"),)),
    "rename two columns": (ODD, (c.RenameColumn("select", "price"), c.RenameColumn("code", "select"))),
    "add in place": (ODD, (c.AddColumn(ColumnDef("new one", kind("text"))),)),
    "add with default": (ODD, (c.AddColumn(ColumnDef("n", kind("integer"), False, value(5))),)),
    "add with check": (ODD, (c.AddColumn(ColumnDef("n", kind("integer"), True, value(5), check=Sql("n > 0"))),)),
    "add unique": (ODD, (c.AddColumn(ColumnDef("n", kind("integer"), unique=True)),)),
    "add reference": (ODD, (c.AddColumn(ColumnDef("n", kind("integer"), references=ReferenceDef("artists"))),)),
    "add in the middle": (ODD, (c.AddColumn(ColumnDef("n", kind("text"), after="id")),)),
    "add with using": (
        ODD,
        (c.AddColumn(ColumnDef("n", kind("text"), False, using=Sql("lower([the title])"))),),
    ),
    "add with now": (ODD, (c.AddColumn(ColumnDef("n", kind("timestamp"), False, Sql("CURRENT_TIMESTAMP"))),)),
    "add generated": (ODD, (c.AddColumn(ColumnDef("n", kind("text"), generated=Sql("id || 'x'"))),)),
    "add stored": (ODD, (c.AddColumn(ColumnDef("n", kind("text"), generated=Sql("id || 'x'"), stored=True)),)),
    "drop in place": ("plain", (c.DropColumn("b"),)),
    "drop the first": ("plain", (c.DropColumn("a"),)),
    "drop with own check": (ODD, (c.DropColumn("select"),)),
    "drop a reference": (ODD, (c.DropColumn("parent"),)),
    "drop two, add one": ("plain", (c.AddColumn(ColumnDef("d", kind("text"))), c.DropColumn("a"), c.DropColumn("c"))),
    "type to integer": ("plain", (c.ChangeColumn("b", kind("bigint")),)),
    "type to text": ("plain", (c.ChangeColumn("a", kind("text")), c.ChangeColumn("c", kind("text")))),
    "type with using": (
        ODD,
        (c.ChangeColumn("select", kind("bigint"), using=Sql("cast(round(\"select\" * 100) as integer)")),),
    ),
    "not null": (ODD, (c.ChangeColumn("select", nullable=False),)),
    "nullable": (ODD, (c.ChangeColumn("the title", nullable=True),)),
    "default": (ODD, (c.ChangeColumn("code", default=value("x")), c.ChangeColumn("the title", drop_default=True))),
    "collate": (ODD, (c.ChangeColumn("the title", collate="binary"),)),
    "generated": ("plain", (c.ChangeColumn("b", generated=Sql("c + 1")),)),
    "other generated": (ODD, (c.ChangeColumn("shout", generated=Sql("lower([the title])"), stored=True),)),
    "no autoincrement": (ODD, (c.ChangeColumn("id", auto_increment=False),)),
    "autoincrement": ("log", (c.ChangeColumn("at", auto_increment=True),)),
    "add check": (ODD, (c.AddCheck(CheckDef("ck new", Sql("code IS NULL OR code <> 8"))),)),
    "add foreign key": (
        "log",
        (c.AddForeignKey(ForeignKeyDef(("at",), ReferenceDef("artists", ("id",), "cascade"), "fk x")),),
    ),
    "unique index": (ODD, (c.AddUnique(KeyDef(("the title", "artist"), "uq t")),)),
    "drop check by name": (ODD, (c.DropConstraint("ck one"),)),
    "drop check by text": (ODD, (c.DropConstraint(check="\"select\">=0"),)),
    "drop unique": (ODD, (c.DropConstraint(unique=("artist", "code")),)),
    "drop foreign key": (ODD, (c.DropConstraint(foreign_key=("artist",)),)),
    "rename check": (ODD, (c.RenameConstraint("ck one", "ck two"),)),
    "primary key": ("plain", (c.SetPrimaryKey(KeyDef(("a",), "pk p")),)),
    "more primary key": ("tracks", (c.SetPrimaryKey(KeyDef(("album", "pos", "name"))), )),
    "with rowid": ("tracks", (c.SetOptions((("sqlite", (("without_rowid", False),)),)),)),
    "key without rowid": ("tracks", (c.ChangeColumn("pos", kind("text")),)),
    "add a key": ("plain", (c.AddColumn(ColumnDef("id", kind("integer"), primary_key=True)),)),
    "everything": (
        ODD,
        (
            c.RenameColumn("the title", "title"),
            c.DropConstraint("ck one"),
            c.AddColumn(ColumnDef("slug", kind("text"), False, after="title", using=Sql("lower(title) || id"))),
            c.ChangeColumn("select", kind("bigint"), using=Sql("round(\"select\" * 100)"), nullable=True),
            c.ChangeColumn("title", nullable=True, drop_default=True),
            c.DropColumn("parent"),
            c.AddUnique(KeyDef(("slug",), "uq_slug")),
            c.AddCheck(CheckDef("ck slug", Sql("slug <> ''"))),
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_alter_and_its_undo_leave_everything_as_it_was(shop: Bench, name: str) -> None:
    table, actions = ROUND_TRIPS[name]
    if name == "more primary key":
        shop.db.execute("UPDATE tracks SET name = 'z' WHERE name IS NULL")
        shop.db.execute("DELETE FROM log")
    before = shop.snapshot()
    shop.apply(c.AlterTable(table, actions))
    assert shop.query("PRAGMA foreign_key_check") == [] and shop.query("PRAGMA integrity_check") == [("ok",)]
    assert shop.query("PRAGMA foreign_keys") == [(1,)] and shop.query("PRAGMA legacy_alter_table") == [(0,)]
    changed = shop.snapshot()
    assert changed["rows"].keys() == before["rows"].keys()
    assert {n: len(r) for n, r in changed["rows"].items()} == {n: len(r) for n, r in before["rows"].items()}
    shop.undo()
    assert shop.snapshot() == before
