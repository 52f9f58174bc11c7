"""What `alter` does to a table that others need, and that its undo gives everything back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from engine.model import changes as c
from engine.model.definitions import CheckDef, ColumnDef, ForeignKeyDef, KeyDef, ReferenceDef
from engine.model.expression import Literal, PerDialect, Sql
from tests.unit.sqlite.schema_runner import ODD, SHOP, Bench, Broken


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


# ── how it is done ────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("action", "symbol"),
    [
        (c.RenameColumn("b", "bb"), "~"),
        (c.AddColumn(ColumnDef("d", kind("text"))), "~"),
        (c.AddColumn(ColumnDef("d", kind("integer"), False, value(0))), "~"),
        (c.AddColumn(ColumnDef("d", kind("text"), after="c")), "~"),
        (c.DropColumn("b"), "~"),
        (c.AddUnique(KeyDef(("a", "b"))), "~"),
        (c.SetComment("words"), "~"),
        (c.AddColumn(ColumnDef("d", kind("text"), False)), "⟳"),
        (c.AddColumn(ColumnDef("d", kind("text"), default=Sql("CURRENT_TIMESTAMP"))), "⟳"),
        (c.AddColumn(ColumnDef("d", kind("text"), after="a")), "⟳"),
        (c.ChangeColumn("b", kind("bigint")), "⟳"),
        (c.ChangeColumn("b", using=Sql("trim(b)")), "⟳"),
    ],
)
def test_a_table_is_rebuilt_only_where_sqlite_cannot_do_it_in_place(shop: Bench, action: c.Action, symbol: str) -> None:
    (unit,) = shop.plan(c.AlterTable("plain", (action,)))
    assert unit.symbol == symbol
    assert bool(unit.settings) == (symbol == "⟳")
    assert unit.why.startswith("rebuild: SQLite can't" if symbol == "⟳" else "in place")


def test_a_rebuild_fires_no_trigger_and_keeps_children(shop: Bench) -> None:
    tracks = shop.rows("tracks")
    shop.apply(c.AlterTable(ODD, (c.ChangeColumn("code", kind("text")),)))
    assert shop.rows("log") == [] and shop.rows("tracks") == tracks
    shop.undo()
    assert shop.rows("log") == [] and shop.rows("tracks") == tracks


def test_a_rebuild_does_not_give_numbers_again(shop: Bench) -> None:
    shop.apply(c.AlterTable(ODD, (c.ChangeColumn("code", kind("text")),)))
    shop.db.execute(f"INSERT INTO \"{ODD.replace(chr(34), chr(34) * 2)}\" (code) VALUES ('next')")
    assert shop.query('SELECT max(id) FROM "v titles"') == [(10,)]


def test_a_counter_that_went_with_autoincrement_comes_back(shop: Bench) -> None:
    shop.apply(c.AlterTable("artists", (c.ChangeColumn("id", auto_increment=False),)))
    assert ("artists", 7) not in shop.snapshot()["counters"]
    shop.undo()
    assert ("artists", 7) in shop.snapshot()["counters"]


def test_other_connections_see_texts_that_were_put_back(tmp_path: Path) -> None:
    bench = Bench(SHOP, tmp_path / "a.db")
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    seen = 'SELECT t FROM "v titles" ORDER BY id'
    assert len(other.execute(seen).fetchall()) == 3
    before = bench.snapshot()
    bench.apply(c.AlterTable(ODD, (c.RenameColumn("the title", "name"),)), c.RenameTable(ODD, "records"))
    assert other.execute("SELECT count(name) FROM records").fetchall() == [(3,)]
    bench.undo()
    assert bench.snapshot() == before
    assert len(other.execute(seen).fetchall()) == 3
    assert (
        other.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (ODD,))
        .fetchone()[0]
        .startswith("CREATE TABLE [odd")
    )
    other.execute("INSERT INTO artists(name) VALUES ('new')")
    assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    other.close()
    bench.close()


def test_a_failed_transaction_leaves_the_texts_alone(shop: Bench) -> None:
    shop.apply(c.AlterTable("plain", (c.RenameColumn("b", "z"),)))
    (undo,) = shop.ran[-1].undo
    after = shop.snapshot()
    shop.db.execute("BEGIN")
    for statement in undo.before:
        shop.db.execute(statement.sql)
    shop.db.execute("ROLLBACK")
    assert shop.snapshot() == after
    assert shop.query("SELECT z FROM plain LIMIT 1") == [("007",)]


def test_without_a_way_back_nothing_is_kept(shop: Bench) -> None:
    (unit,) = shop.apply(c.AlterTable("plain", (c.DropColumn("b"),)), irreversible="old data")
    assert unit.undo == () and unit.keeps == ()
    assert shop.query("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'engine_undo%'") == [(0,)]


def test_steps_build_on_each_other_and_go_back_together(shop: Bench) -> None:
    before = shop.snapshot()
    shop.apply(
        c.AlterTable("plain", (c.RenameColumn("b", "code"), c.AddColumn(ColumnDef("d", kind("text"), after="a")))),
        c.AlterTable("plain", (c.ChangeColumn("code", kind("bigint")), c.DropColumn("d"))),
        c.RenameTable("plain", "simple"),
        c.AlterTable("simple", (c.DropColumn("code"),)),
    )
    assert shop.query("SELECT name FROM pragma_table_info('simple')") == [("a",), ("c",)]
    shop.undo()
    assert shop.snapshot() == before


def test_both_sides_of_a_key_change_type_in_consecutive_steps(shop: Bench) -> None:
    before = shop.snapshot()
    shop.apply(
        c.AlterTable("artists", (c.ChangeColumn("id", kind("text"), using=Sql("'a' || id")),)),
        c.AlterTable(ODD, (c.ChangeColumn("artist", kind("text"), using=Sql("'a' || artist")),)),
    )
    assert shop.query("PRAGMA foreign_key_check") == []
    units = shop.session.finish("end")
    assert [len(unit.checks) for unit in units] == [1]
    shop.run(units)
    shop.undo()
    assert shop.snapshot() == before


def test_a_key_whose_other_side_was_forgotten_fails_at_the_end(shop: Bench) -> None:
    shop.apply(c.AlterTable("artists", (c.ChangeColumn("id", kind("text"), using=Sql("'a' || id")),)))
    with pytest.raises(Broken) as caught:
        shop.run(shop.session.finish("end"))
    assert "2 rows" in caught.value.found[0][1]
