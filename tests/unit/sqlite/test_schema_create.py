"""Tables that a spec makes: every property arrives, and the undo takes only what is the migration's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from decimal import Decimal

import pytest

from engine.dialects.sqlite.dialect import SQLite
from engine.errors import Problem
from engine.model import changes as c
from engine.model.definitions import (
    CheckDef,
    ColumnDef,
    ExcludeDef,
    ForeignKeyDef,
    KeyDef,
    ReferenceDef,
    TableDef,
)
from engine.model.expression import Literal, PerDialect, Sql
from tests.unit.sqlite.schema_runner import SHOP, Bench, Broken, InConflict


def kind(text: str) -> PerDialect:
    return PerDialect(text)


ID = ColumnDef("id", kind("integer"), primary_key=True)


@pytest.fixture
def shop() -> Iterator[Bench]:
    bench = Bench(SHOP)
    yield bench
    bench.close()


ALBUMS = TableDef(
    'al"bums 🎵',
    (
        ColumnDef("id", kind("bigint"), primary_key=True, auto_increment=True),
        ColumnDef(
            "title",
            kind("varchar( 40 )"),
            nullable=False,
            unique=True,
            collate="nocase",
            comment="on the cover",
        ),
        ColumnDef(
            "artist",
            kind("integer"),
            nullable=False,
            references=ReferenceDef("artists", ("id",), "cascade", "no action"),
        ),
        ColumnDef("price", kind("decimal(10, 2)"), default=Literal(Decimal("0.00"), "0.00"), check=Sql("price >= 0")),
        ColumnDef("select", kind("boolean"), default=Literal(True, "true")),
        ColumnDef("added", kind("timestamp"), nullable=False, default=Sql("current_timestamp")),
        ColumnDef("day", kind("date"), default=Sql("date('now')")),
        ColumnDef("none", PerDialect(None, (("sqlite", "my type"),)), default=Literal(None, "null")),
        ColumnDef("slug", kind("text"), generated=Sql("lower(title)")),
        ColumnDef("loud", kind("text"), generated=Sql("upper(title)"), stored=True),
        ColumnDef("words", kind("text"), default=Literal("it's", "it's")),
    ),
    uniques=(KeyDef(("artist", "title"), "uq pair"), KeyDef(("slug",), "", ("id",))),
    checks=(
        CheckDef('ck_al"bums 🎵_1', Sql("title <> ''")),
        CheckDef("later", Sql("1"), validate_later=True),
    ),
    foreign_keys=(
        ForeignKeyDef(
            ("price",), ReferenceDef('al"bums 🎵', ("id",), on_delete="set null", deferrable=True), "fk self"
        ),
    ),
    comment="one row per record",
)


def test_a_table_has_all_that_was_asked_and_goes_again(shop: Bench) -> None:
    before = shop.snapshot()
    units = shop.apply(c.CreateTable(ALBUMS))
    assert [unit.title for unit in units] == [
        'create table al"bums 🎵',
        'create unique index uq pair on al"bums 🎵',
        'create unique index uq_al"bums 🎵_slug on al"bums 🎵',
        'create unique index uq_al"bums 🎵_title on al"bums 🎵',
    ]
    assert units[0].why == (
        "SQLite keeps no comments; `include` is left out: SQLite has no such thing, and it changes no result;"
        " checks hold from the start"
    )
    assert shop.query("SELECT sql FROM sqlite_schema WHERE name = 'al\"bums 🎵'") == [
        (
            'CREATE TABLE "al""bums 🎵" (\n'
            '  "id" INTEGER PRIMARY KEY AUTOINCREMENT,\n'
            '  "title" VARCHAR(40) NOT NULL COLLATE NOCASE,\n'
            '  "artist" INTEGER NOT NULL CONSTRAINT "fk_al""bums 🎵_artist" REFERENCES "artists" ("id")'
            " ON DELETE CASCADE ON UPDATE NO ACTION,\n"
            '  "price" DECIMAL(10,2) DEFAULT 0.00 CONSTRAINT "ck_al""bums 🎵_2" CHECK (price >= 0),\n'
            '  "select" BOOLEAN DEFAULT 1,\n'
            '  "added" TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,\n'
            "  \"day\" TEXT DEFAULT (date('now')),\n"
            '  "none" my type DEFAULT NULL,\n'
            '  "slug" TEXT GENERATED ALWAYS AS (lower(title)) VIRTUAL,\n'
            '  "loud" TEXT GENERATED ALWAYS AS (upper(title)) STORED,\n'
            "  \"words\" TEXT DEFAULT 'it''s',\n"
            '  CONSTRAINT "ck_al""bums 🎵_1" CHECK (title <> \'\'),\n'
            '  CONSTRAINT "later" CHECK (1),\n'
            '  CONSTRAINT "fk self" FOREIGN KEY ("price") REFERENCES "al""bums 🎵" ("id")'
            " ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED\n)",
        )
    ]
    shop.db.execute('INSERT INTO "al""bums 🎵" (title, artist, price) VALUES (\'Ä\', 1, NULL)')
    shop.db.execute("INSERT INTO engine_step VALUES ('1', 'apply', 'u', 'al\"bums 🎵', 1)")
    shop.undo()
    assert shop.snapshot() == before


def test_rows_of_others_stop_the_drop_of_a_made_table(shop: Bench) -> None:
    shop.apply(c.CreateTable(TableDef("t", (ID,))))
    shop.db.execute("INSERT INTO engine_step VALUES ('1', 'apply', 'u', 't', 2), ('0', 'apply', 'u', 't', 9)")
    shop.db.execute("INSERT INTO t VALUES (1), (2), (3)")
    with pytest.raises(InConflict) as caught:
        shop.undo()
    assert caught.value.found == [("added", "1 rows of `t` are not this migration's, and would go with the table")]


def test_children_of_others_stop_the_drop_of_a_made_table(shop: Bench) -> None:
    shop.apply(c.CreateTable(TableDef("t", (ID,))))
    shop.db.execute("CREATE TABLE child (x REFERENCES t ON DELETE CASCADE)")
    with pytest.raises(Broken) as caught:
        shop.undo()
    assert "1 foreign keys of other tables refer to `t`" in caught.value.found[0][1]


def test_rows_count_for_the_name_that_a_made_table_had_at_first(shop: Bench) -> None:
    before = shop.snapshot()
    shop.apply(c.CreateTable(TableDef("t", (ID,))), c.RenameTable("t", "t2"), made=frozenset({"t"}))
    shop.db.execute("INSERT INTO t2 VALUES (1)")
    shop.db.execute("INSERT INTO engine_step VALUES ('1', 'apply', 'u', 't2', 1)")
    shop.undo()
    assert shop.snapshot() == before


@pytest.mark.parametrize(
    ("options", "tail"),
    [
        ((("sqlite", (("strict", True),)), ("mysql", (("engine", "InnoDB"),))), "STRICT"),
        ((("sqlite", (("without_rowid", True), ("strict", True))),), "STRICT, WITHOUT ROWID"),
        ((("sqlite", (("strict", False),)),), ")"),
    ],
)
def test_options_are_those_for_sqlite(shop: Bench, options: object, tail: str) -> None:
    table = TableDef(
        "t",
        (ColumnDef("a", kind("boolean")), ColumnDef("b", kind("decimal(3,1)")), ColumnDef("c", kind("text"))),
        primary_key=KeyDef(("a", "b"), "pk_t"),
        options=options,  # type: ignore[arg-type]
    )
    shop.apply(c.CreateTable(table))
    (text,) = shop.query("SELECT sql FROM sqlite_schema WHERE name = 't'")[0]
    assert text.endswith(tail)
    assert 'CONSTRAINT "pk_t" PRIMARY KEY ("a", "b")' in text
    assert ('"a" INTEGER NOT NULL' in text) == ("STRICT" in tail)


def test_a_named_key_of_one_integer_is_the_row_id(shop: Bench) -> None:
    shop.apply(c.CreateTable(TableDef("t", (ColumnDef("k", kind("smallint")),), primary_key=KeyDef(("k",), "pk"))))
    assert shop.query("SELECT sql FROM sqlite_schema WHERE name = 't'") == [
        ('CREATE TABLE "t" (\n  "k" INTEGER CONSTRAINT "pk" PRIMARY KEY\n)',)
    ]


def test_a_text_key_is_never_null(shop: Bench) -> None:
    shop.apply(c.CreateTable(TableDef("t", (ColumnDef("k", kind("text"), primary_key=True),))))
    assert shop.query("SELECT \"notnull\" FROM pragma_table_info('t')") == [(1,)]


def test_a_table_that_is_there_is_left_alone_if_asked(shop: Bench) -> None:
    before = shop.snapshot()
    (unit,) = shop.apply(c.CreateTable(TableDef("plain", (ID,)), if_not_exists=True))
    assert unit.before == () and unit.undo == ()
    assert shop.snapshot() == before


def test_scratch_tables_go_at_the_end_and_have_no_way_back(shop: Bench) -> None:
    before = shop.snapshot()
    units = shop.apply(
        c.CreateTable(TableDef("pick", (ID,), scratch=True)),
        c.AlterTable("pick", (c.AddColumn(ColumnDef("x", kind("text"), after="id")), c.DropColumn("x"))),
        c.CreateTable(TableDef("pick2", (ID,), scratch=True)),
    )
    assert units[1].undo == () and units[1].keeps == ()
    end = shop.session.finish("end")
    assert [unit.title for unit in end] == ["drop scratch table pick2", "drop scratch table pick"]
    shop.run(end)
    assert shop.snapshot() == before
    assert shop.session.state.table("pick") is None
    shop.undo()
    assert shop.snapshot() == before
    assert shop.session.finish("end") == ()


def test_a_scratch_table_can_be_dropped_early_but_not_renamed(shop: Bench) -> None:
    shop.apply(c.CreateTable(TableDef("pick", (ID,), scratch=True)))
    with pytest.raises(Problem, match="keeps its name"):
        shop.plan(c.RenameTable("pick", "other"))
    shop.apply(c.DropTable("pick"))
    assert shop.session.finish("end") == ()


def test_an_enum_is_a_check_on_the_columns_that_use_it(shop: Bench) -> None:
    before = shop.snapshot()
    table = TableDef("t", (ID, ColumnDef("size", kind("album_size"), nullable=False)))
    units = shop.apply(c.CreateType("album_size", ("lp", "it's")), c.CreateTable(table))
    assert units[0].before == () and "check" in units[0].why
    check = "\"size\" TEXT NOT NULL CONSTRAINT \"album_size\" CHECK (\"size\" IN ('lp', 'it''s'))"
    assert check in units[1].before[0].sql
    with pytest.raises(Problem) as caught:
        shop.plan(c.DropType("album_size"))
    assert caught.value.rule == "RF107" and "table `t`" in caught.value.message
    shop.apply(
        c.AlterTable("t", (c.AddColumn(ColumnDef("s2", kind("album_size"))),)),
        c.RenameType("album_size", "size"),
    )
    assert shop.query("SELECT sql LIKE '%album_size%' FROM sqlite_schema WHERE name = 't'") == [(0,)]
    shop.db.execute("INSERT INTO t (size, s2) VALUES ('lp', NULL)")
    shop.db.execute("DELETE FROM t")
    shop.undo()
    assert shop.snapshot() == before


def test_a_later_migration_knows_an_enum_by_its_checks(shop: Bench) -> None:
    shop.apply(c.CreateType("size", ("lp", "it's")), c.CreateTable(TableDef("t", (ID, ColumnDef("s", kind("size"))))))
    shop.session = SQLite().open(shop.catalogue())
    shop.apply(c.AlterTable("log", (c.ChangeColumn("what", kind("size")),)))
    with pytest.raises(sqlite3.IntegrityError, match="CHECK constraint failed: size"):
        shop.db.execute("INSERT INTO log (what) VALUES ('single')")
    shop.apply(c.AlterTable("t", (c.DropColumn("s"),)), c.AlterTable("log", (c.DropConstraint("size"),)))
    shop.apply(c.DropType("size"), c.DropType("size", if_exists=True), c.DropType("other"))
    with pytest.raises(Problem) as caught:
        shop.plan(c.CreateType("colour", ("red",)), c.DropType("color"))
    assert (caught.value.rule, caught.value.hint) == ("RF101", "did you mean `colour`?")


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ((c.CreateType("a", ("x",)), c.CreateType("A", ("x",))), "RF103"),
        ((c.CreateType("a", ()),), "SP110"),
        ((c.CreateType("a", ("x",)), c.CreateType("b", ("x",)), c.RenameType("a", "b")), "RF103"),
    ],
)
def test_types_have_names_of_their_own(shop: Bench, changes: tuple[c.Change, ...], rule: str) -> None:
    with pytest.raises(Problem) as caught:
        shop.plan(*changes)
    assert caught.value.rule == rule


def column(*columns: ColumnDef, **rest: object) -> TableDef:
    return TableDef("t", (ID, *columns), **rest)  # type: ignore[arg-type]


INT = kind("integer")


@pytest.mark.parametrize(
    ("table", "rule", "path", "words"),
    [
        (TableDef("PLAIN", (ID,)), "RF103", ("create", "table"), "there is a table `PLAIN` already"),
        (TableDef("v titles", (ID,)), "RF103", ("create", "table"), "a view `v titles`"),
        (TableDef("idx_expr", (ID,)), "RF103", ("create", "table"), "an index `idx_expr`"),
        (TableDef("engine_x", (ID,)), "RF113", ("create", "table"), "the engine keeps"),
        (TableDef("sqlite_x", (ID,)), "RF113", ("create", "table"), "SQLite keeps"),
        (TableDef("", (ID,)), "SP110", ("create", "table"), "empty"),
        (TableDef("t\0", (ID,)), "SP110", ("create", "table"), "NUL"),
        (TableDef("t", ()), "SP110", ("create", "columns"), "needs a column"),
        (column(ColumnDef("ID", INT)), "RF103", ("create", "columns", "ID"), "twice"),
        (column(ColumnDef("", INT)), "SP110", ("create", "columns", ""), "empty"),
        (column(ColumnDef("a", INT, check=Sql("aa > 0"))), "RF102", ("create", "columns", "a", "check"), "no column `aa`"),
        (column(ColumnDef("a", INT, generated=Sql("f(id)"))), "RF112", ("create", "columns", "a", "generated"), "function `f`"),
        (column(checks=(CheckDef("x", Sql('"idd" > 0')),)), "LT108", ("create", "checks", "x"), "idd"),
        (column(uniques=(KeyDef(("a",)),)), "RF102", ("create", "unique", 0, "columns", 0), "no column `a`"),
        (column(uniques=(KeyDef(("id",), deferrable=True),)), "SP111", ("create", "unique", 0, "deferrable"), "deferrable"),
        (column(foreign_keys=(ForeignKeyDef(("a",), ReferenceDef("artists")),)), "RF102", ("create", "foreign_keys", 0, "columns", 0), "no column"),
        (column(ColumnDef("a", INT, references=ReferenceDef("artist"))), "RF101", ("create", "columns", "a", "references", "table"), "no table `artist`"),
        (column(ColumnDef("a", INT, references=ReferenceDef("artists", ("idd",)))), "RF102", ("create", "columns", "a", "references", "columns", 0), "no column `idd`"),
        (column(ColumnDef("a", INT, references=ReferenceDef("log", ("what",)))), "CN103", ("create", "columns", "a", "references"), "no primary or unique key on (what)"),
        (column(ColumnDef("a", INT, references=ReferenceDef("tracks"))), "CN103", ("create", "columns", "a", "references"), "key of 2"),
        (column(exclude=(ExcludeDef("x", "gist", ()),)), "SP111", ("create", "exclude"), "exclusion"),
        (column(primary_key=KeyDef(("b",))), "RF103", ("create", "primary_key"), "given twice"),
        (TableDef("t", (ColumnDef("a", INT),), primary_key=KeyDef(("b",))), "RF102", ("create", "primary_key", 0), "no column `b`"),
        (column(ColumnDef("a", INT, auto_increment=True)), "SP111", ("create", "columns", "a", "auto_increment"), "primary key of one column"),
        (TableDef("t", (ColumnDef("a", kind("text"), primary_key=True, auto_increment=True),)), "SP111", ("create", "columns", "a", "auto_increment"), "only an integer"),
        (TableDef("t", (ColumnDef("a", INT, primary_key=True, auto_increment=True),), options=(("sqlite", (("without_rowid", True),)),)), "LT113", ("create", "columns", "a", "auto_increment"), "WITHOUT ROWID"),
        (column(ColumnDef("a", kind("inet")), options=(("sqlite", (("strict", True),)),)), "LT114", ("create", "columns", "a", "type"), "STRICT"),
        (column(ColumnDef("a", PerDialect(None, (("mysql", "INT"),)))), "SP111", ("create", "columns", "a", "type"), "no type for sqlite"),
        (column(options=(("sqlite", (("strict", "yes"),)),)), "SP111", ("create", "options", "sqlite", "strict"), "no table option"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused_at_its_place(
    shop: Bench, table: TableDef, rule: str, path: tuple[str | int, ...], words: str
) -> None:
    before = shop.session.state
    with pytest.raises(Problem) as caught:
        shop.plan(c.CreateTable(table))
    assert (caught.value.rule, caught.value.path) == (rule, path)
    assert words in caught.value.message
    assert shop.session.state == before
