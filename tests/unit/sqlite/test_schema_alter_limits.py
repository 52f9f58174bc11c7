"""What `alter` refuses, what stops it before its first write, and what others did before its undo."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from engine.dialects.sqlite.dialect import SQLite
from engine.errors import Problem
from engine.model import changes as c
from engine.model.definitions import CheckDef, ColumnDef, ExcludeDef, ForeignKeyDef, KeyDef, ReferenceDef
from engine.model.expression import Literal, Parse, PerDialect, Sql
from tests.unit.sqlite.schema_runner import ODD, SHOP, Bench, Broken, InConflict


def kind(text: str) -> PerDialect:
    return PerDialect(text)


def value(plain: str | int | Decimal | bool | None) -> Literal:
    return Literal(plain, str(plain))


@pytest.fixture
def shop() -> Iterator[Bench]:
    bench = Bench(SHOP)
    yield bench
    bench.close()


# ── rows that do not fit ──────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("table", "actions", "path", "words"),
    [
        ("plain", (c.ChangeColumn("b", nullable=False),), ("change", "b", "nullable"), "1 rows of `plain` have NULL in `b`"),
        ("plain", (c.AddColumn(ColumnDef("d", kind("text"), False)),), ("add", "d"), "4 rows of `plain` have NULL in `d`"),
        ("plain", (c.SetPrimaryKey(KeyDef(("b",))),), ("primary_key",), "have NULL in `b`"),
        ("plain", (c.AddCheck(CheckDef("ck", Sql("c > 1.9"))),), ("add_checks", "ck"), "1 rows of `plain` break the check `ck`"),
        (
            "plain",
            (c.RenameColumn("c", "z"), c.ChangeColumn("z", using=Sql("1")), c.AddUnique(KeyDef(("z",), "uq"))),
            ("add_unique", 0),
            "1 values of (\"z\") in `plain` are there more than once, against the unique key `uq`",
        ),
        (
            ODD,
            (c.ChangeColumn("artist", using=Sql("3")), c.DropConstraint(foreign_key=("artist",)),
             c.AddForeignKey(ForeignKeyDef(("artist",), ReferenceDef("artists"), "fk2"))),
            ("add_foreign_keys", 0),
            "refer to nothing in `artists`, against the foreign key `fk2`",
        ),
        (
            "plain",
            (c.AddColumn(ColumnDef("n", kind("integer"), True, value(-1), check=Sql("n > 0"))),),
            ("add", "n", "check"),
            "4 rows of `plain` break the check `ck_plain_1`",
        ),
        ("plain", (c.SetOptions((("sqlite", (("strict", True),)),)),), ("options", "sqlite", "strict"), "hold something else"),
        (
            "plain",
            (c.ChangeColumn("a", using=Parse(Sql("b"), "integer")),),
            ("change", "a", "using"),
            "values in `plain` do not parse",
        ),
    ],
)  # fmt: skip
def test_rows_that_break_what_is_new_are_counted_and_shown_first(
    shop: Bench, table: str, actions: tuple[c.Action, ...], path: tuple[str | int, ...], words: str
) -> None:
    if words.endswith("something else"):
        shop.db.execute("INSERT INTO plain (c) VALUES ('text')")
        shop.db.execute("UPDATE plain SET a = NULL")
    before = shop.snapshot()
    units = shop.plan(c.AlterTable(table, actions))
    with pytest.raises(Broken) as caught:
        shop.run(units)
    assert path in [found[0] for found in caught.value.found]
    (sentence, sample) = next((f[1], f[2]) for f in caught.value.found if f[0] == path and words in f[1])
    assert words in sentence and sample
    assert shop.snapshot() == before


# ── refusals ──────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("table", "action", "rule", "path", "words"),
    [
        ("plian", c.DropColumn("a"), "RF101", ("table",), "there is no table `plian`"),
        ("v titles", c.DropColumn("a"), "RF111", ("table",), "is a view"),
        ("plain", c.DropColumn("z"), "RF102", ("drop", 0), "`plain` has no column `z`"),
        ("plain", c.ChangeColumn("z"), "RF102", ("change", "z"), "`plain` has no column `z`"),
        ("plain", c.RenameColumn("z", "y"), "RF102", ("rename", "z"), "`plain` has no column `z`"),
        ("plain", c.RenameColumn("a", "b"), "RF103", ("rename", "a"), "has a column `b` already"),
        ("plain", c.RenameColumn("a", " "), "SP110", ("rename", "a"), "empty"),
        ("plain", c.AddColumn(ColumnDef("A", kind("text"))), "RF103", ("add", "A"), "has a column `A` already"),
        ("plain", c.AddColumn(ColumnDef("", kind("text"))), "SP110", ("add", ""), "empty"),
        ("plain", c.AddColumn(ColumnDef("x", kind("text"), after="q")), "RF102", ("add", "x", "after"), "no column `q`"),
        ("artists", c.AddColumn(ColumnDef("x", kind("integer"), primary_key=True)), "RF103", ("add", "x", "primary_key"), "primary key"),
        ("plain", c.AddColumn(ColumnDef("x", kind("integer"), auto_increment=True)), "SP111", ("add", "x", "auto_increment"), "numbers itself"),
        ("plain", c.AddColumn(ColumnDef("x", kind("text"), using=Sql("aa"))), "RF102", ("add", "x", "using"), "no column `aa`"),
        ("plain", c.AddColumn(ColumnDef("x", kind("text"), using=Sql('"aa"'))), "LT108", ("add", "x", "using"), "text"),
        ("plain", c.AddColumn(ColumnDef("x", kind("text"), check=Sql("yy > 0"))), "RF102", ("add", "x", "check"), "no column `yy`"),
        ("plain", c.AddColumn(ColumnDef("x", kind("text"), using=Sql("(select max(a) from plain)"))), "SP111", ("add", "x", "using"), "can't query"),
        ("plain", c.AddColumn(ColumnDef("x", kind("text"), references=ReferenceDef("nobody"))), "RF101", ("add", "x", "references", "table"), "no table"),
        ("plain", c.ChangeColumn("b", stored=True), "SP110", ("change", "b", "stored"), "not generated"),
        (ODD, c.ChangeColumn("the title", kind("bigint")), "SP110", ("change", "the title", "type"), "does not fit"),
        (ODD, c.DropColumn("the title"), "RF107", ("drop", 0), "`idx title`"),
        (ODD, c.DropColumn("artist"), "RF107", ("drop", 0), "unique key"),
        (ODD, c.DropColumn("id"), "RF107", ("drop", 0), "primary key"),
        (ODD, c.DropColumn("code"), "RF107", ("drop", 0), "`v titles`"),
        ("log", c.DropColumn("what"), "RF107", (), "trigger `touched`"),
        ("artists", c.SetPrimaryKey(KeyDef(("name",))), "RF107", ("primary_key",), "foreign key of table"),
        ("artists", c.SetPrimaryKey(KeyDef(("nam",))), "RF102", ("primary_key", 0), "no column `nam`"),
        ("plain", c.DropConstraint("ck"), "RF104", ("drop_constraints", 0), "no constraint or unique index `ck`"),
        ("plain", c.DropConstraint(unique=("a",)), "RF104", ("drop_constraints", 0), "no unique key on (a)"),
        ("plain", c.DropConstraint(check="a > 0"), "RF104", ("drop_constraints", 0), "no check (a > 0)"),
        ("plain", c.DropConstraint(foreign_key=("a",)), "RF104", ("drop_constraints", 0), "no foreign key on (a)"),
        ("plain", c.ValidateConstraint("ck"), "RF104", ("validate_constraints", 0), "no constraint `ck`"),
        (ODD, c.RenameConstraint("ck on", "x"), "RF104", ("constraint",), "no constraint `ck on`"),
        (ODD, c.RenameConstraint("ck one", "CK ONE"), "RF103", ("to",), "already"),
        (ODD, c.AddCheck(CheckDef("ck one", Sql("1"))), "RF103", ("add_checks", "ck one"), "already"),
        (ODD, c.AddCheck(CheckDef("ck", Sql("nope > 1"))), "RF102", ("add_checks", "ck"), "no column `nope`"),
        ("plain", c.AddForeignKey(ForeignKeyDef(("a",), ReferenceDef("plain", ("b",)))), "CN103", ("add_foreign_keys", 0, "references"), "no primary or unique key"),
        ("plain", c.AddUnique(KeyDef(("a",), nulls_not_distinct=True)), "SP111", ("add_unique", 0, "nulls_not_distinct"), "NULLs"),
        ("plain", c.AddUnique(KeyDef(("q",))), "RF102", ("add_unique", 0, "columns", 0), "no column `q`"),
        ("plain", c.AddExclude(ExcludeDef("x", "gist", ())), "SP111", ("add_exclude", 0), "exclusion"),
        ("plain", c.SetOptions((("sqlite", (("engine", "x"),)),)), "SP111", ("options", "sqlite", "engine"), "no table option"),
        ("plain", c.SetOptions((("sqlite", (("without_rowid", True),)),)), "SP111", ("options", "sqlite", "without_rowid"), "primary key"),
        ("artists", c.SetOptions((("sqlite", (("without_rowid", True),)),)), "LT113", ("options", "sqlite", "without_rowid"), "automatic numbers"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_at_its_place(
    shop: Bench, table: str, action: c.Action, rule: str, path: tuple[str | int, ...], words: str
) -> None:
    before = shop.session.state
    with pytest.raises(Problem) as caught:
        shop.plan(c.AlterTable(table, (action,)))
    assert (caught.value.rule, caught.value.path) == (rule, path)
    assert words in caught.value.message
    assert shop.session.state == before


# ── what others did since ─────────────────────────────────────────────────
def test_values_of_others_stop_an_undo_unless_forced(shop: Bench) -> None:
    shop.apply(c.AlterTable("log", (c.AddColumn(ColumnDef("who", kind("text"))),)))
    shop.db.execute("INSERT INTO log (what, who) VALUES ('x', 'me')")
    with pytest.raises(InConflict) as caught:
        shop.undo()
    assert caught.value.found == [("changed", "1 rows of `log` hold values of others in `who`, which would go")]


def test_changed_rows_keep_their_values_unless_forced(shop: Bench) -> None:
    shop.db.execute("INSERT INTO log VALUES (1, '1'), (2, 'b'), (3, '3')")
    shop.apply(c.AlterTable("log", (c.ChangeColumn("what", kind("bigint"), using=Sql("length(what)")),)))
    shop.db.execute("UPDATE log SET what = 99 WHERE at = 2")
    shop.db.execute("DELETE FROM log WHERE at = 3")
    ran = list(shop.ran)
    with pytest.raises(InConflict) as caught:
        shop.undo()
    assert [kind for kind, _ in caught.value.found] == ["changed", "deleted"]
    shop.undo(conflicts=False)
    assert shop.query("SELECT * FROM log") == [(1, "1"), (2, "99")]
    assert ran[0].keeps == ("engine_undo_2",)


def test_force_gives_old_values_back_over_newer_ones(shop: Bench) -> None:
    shop.db.execute("INSERT INTO log VALUES (2, 'b')")
    shop.apply(c.AlterTable("log", (c.ChangeColumn("what", kind("bigint"), using=Sql("length(what)")),)))
    shop.db.execute("UPDATE log SET what = 99 WHERE at = 2")
    shop.undo(force=1, conflicts=False)
    assert shop.query("SELECT * FROM log") == [(2, "b")]


@pytest.mark.parametrize(
    ("action", "by_others", "kind_of", "words"),
    [
        (
            c.ChangeColumn("name", nullable=True),
            "INSERT INTO artists VALUES (8, NULL)",
            "changed",
            "NOT NULL",
        ),
        (
            c.ChangeColumn("name", nullable=True),
            "CREATE INDEX i ON artists (name)",
            "schema",
            "were changed since",
        ),
        (
            c.ChangeColumn("name", nullable=True),
            "ALTER TABLE artists ADD COLUMN z",
            "schema",
            "were changed since",
        ),
        (
            c.DropConstraint(unique=("name",)),
            "INSERT INTO artists VALUES (8, 'ac/dc')",
            "changed",
            "more than once",
        ),
        (
            c.RenameColumn("name", "title"),
            "ALTER TABLE artists RENAME TO people",
            "schema",
            "were changed since",
        ),
    ],
)
def test_what_others_did_to_the_table_stops_an_undo(
    shop: Bench, action: c.Action, by_others: str, kind_of: str, words: str
) -> None:
    shop.apply(c.AlterTable("artists", (action,)))
    shop.db.execute(by_others)
    (undo,) = shop.ran[0].undo
    counts = {
        (guard.kind, guard.words, guard.skippable): shop.query(guard.count.sql)[0][0]
        for guard in undo.guards
        if guard.kind == "schema" or not by_others.startswith("ALTER TABLE artists RENAME")
    }
    assert any(n and kind == kind_of and words in text and not skip for (kind, text, skip), n in counts.items())


@pytest.mark.parametrize(
    ("script", "actions", "words"),
    [
        ("CREATE TABLE x (a TEXT, b)", (c.ChangeColumn("a", kind("integer")), c.SetPrimaryKey(KeyDef(("a",)))), "hold something else than INTEGER in `a`"),
        ("CREATE TABLE x (a TEXT PRIMARY KEY, b)", (c.ChangeColumn("a", kind("integer")),), "hold something else than INTEGER in `a`"),
        ("CREATE TABLE x (a TEXT PRIMARY KEY, b)", (c.SetOptions((("sqlite", (("without_rowid", True),)),)),), "have NULL in `a`"),
        ("CREATE TABLE x (a TEXT, b CHECK (b <> 'seven'))", (c.ChangeColumn("b", using=Sql("'seven'")),), "break the check (b <> 'seven')"),
        ("CREATE TABLE x (a TEXT UNIQUE, b)", (c.ChangeColumn("a", using=Sql("'same'")),), "more than once"),
    ],
)  # fmt: skip
def test_changed_values_are_held_against_what_stays(script: str, actions: tuple[c.Action, ...], words: str) -> None:
    bench = Bench(f"{script};;INSERT INTO x VALUES ('1', 1), ('seven', 2), (NULL, 3)")
    with pytest.raises(Broken) as caught:
        bench.apply(c.AlterTable("x", actions))
    assert any(words in sentence and sample for _, sentence, sample in caught.value.found)
    bench.close()


@pytest.mark.parametrize(
    ("script", "actions"),
    [
        # text that looks like a number becomes one, and comes back as it was spelled
        ("CREATE TABLE x (a TEXT PRIMARY KEY, b);;INSERT INTO x VALUES ('7', 1), ('08', 2)", (c.ChangeColumn("a", kind("bigint")),)),
        # a key that is INTEGER without being the row id
        ("CREATE TABLE x (a INTEGER PRIMARY KEY DESC, b);;INSERT INTO x VALUES ('z', 1), (2, 2)", (c.DropColumn("b"),)),
        ("CREATE TABLE x (a INT PRIMARY KEY, b) WITHOUT ROWID;;INSERT INTO x VALUES ('z', 1), (2, 2)", (c.DropColumn("b"),)),
        # a bare word after DEFAULT is text
        ("CREATE TABLE x (a, b DEFAULT foo, d DEFAULT \"t\");;INSERT INTO x (a) VALUES (1), (2);;UPDATE x SET b = 1 WHERE a = 2", (c.DropColumn("b"), c.DropColumn("d"))),
        # no row id before, one after
        ("CREATE TABLE x (a TEXT PRIMARY KEY, b) WITHOUT ROWID;;INSERT INTO x VALUES ('k', 1), ('l', 2)", (c.SetOptions((("sqlite", (("without_rowid", False),)),)), c.DropColumn("b"))),
        # columns called as the row id is
        ("CREATE TABLE x (rowid TEXT, oid, b);;INSERT INTO x VALUES ('k', 1, 2), ('l', 2, 3)", (c.ChangeColumn("b", kind("text")), c.DropColumn("oid"))),
        ("CREATE TABLE x (rowid TEXT, b);;INSERT INTO x VALUES ('k', 1), ('l', 2)", (c.DropColumn("rowid"),)),
        # a generated column that names a later one
        ("CREATE TABLE x (a, b AS (d || 'x') STORED, d AS (a + 1));;INSERT INTO x VALUES (1), (2)", (c.ChangeColumn("a", nullable=False),)),
        # a stored generated column goes and comes back
        ("CREATE TABLE x (a, b AS (a + 1) STORED, d);;INSERT INTO x VALUES (1, 2), (2, 3)", (c.DropColumn("b"),)),
        # a table called as the engine calls nothing, with its own name in its text
        ("CREATE TABLE [x] (a CHECK (x.a > 0), b REFERENCES x(a), UNIQUE (a));;INSERT INTO x VALUES (1, 1)", (c.AddColumn(ColumnDef("z", kind("text"), after="a")),)),
        ("CREATE TABLE x (a ANY, b TEXT, PRIMARY KEY (b)) STRICT;;INSERT INTO x VALUES ('007', 'x'), (7, 'y')", (c.DropColumn("a"),)),
        ("CREATE TABLE x (a DECIMAL(3,1), b BOOLEAN, d DATE, e VARCHAR(3), f);;INSERT INTO x VALUES (1, 1, '2024-01-01', 'x', x'00')", (c.SetOptions((("sqlite", (("strict", True),)),)),)),
    ],
)  # fmt: skip
def test_odd_tables_come_back_too(script: str, actions: tuple[c.Action, ...]) -> None:
    bench = Bench(script)
    before = bench.snapshot()
    bench.apply(c.AlterTable("x", actions))
    bench.undo()
    after = bench.snapshot()
    if "WITHOUT" not in script and "bigint" not in str(actions):
        assert after["rows"] == before["rows"]
    assert {k: v for k, v in after.items() if k != "rows"} == {k: v for k, v in before.items() if k != "rows"}
    assert [r[:4] for r in after["rows"]["x"]] == [r[:4] for r in before["rows"]["x"]]
    bench.close()


def test_rows_that_could_not_be_known_again_are_refused() -> None:
    bench = Bench("CREATE TABLE x (a TEXT PRIMARY KEY, b) WITHOUT ROWID")
    actions = (
        c.SetPrimaryKey(KeyDef(())),
        c.DropColumn("a"),
        c.SetOptions((("sqlite", (("without_rowid", False),)),)),
    )
    with pytest.raises(Problem, match="can't be known again"):
        bench.plan(c.AlterTable("x", actions))
    bench.plan(c.AlterTable("x", actions), irreversible="old")
    bench.close()


def test_a_key_can_go_and_come_back(shop: Bench) -> None:
    before = shop.snapshot()
    shop.apply(c.AlterTable("log", (c.SetPrimaryKey(KeyDef(())),)))
    assert shop.query("SELECT sum(pk) FROM pragma_table_info('log')") == [(0,)]
    shop.undo()
    assert shop.snapshot() == before


@pytest.mark.parametrize(
    ("action", "note"),
    [
        (c.ChangeColumn("what", kind("text"), comment="words"), "SQLite keeps no comments"),
        (c.AddCheck(CheckDef("ck", Sql("1"), validate_later=True)), "holds from the start"),
        (c.AddUnique(KeyDef(("what",), "uq", ("at",))), "`include` is left out"),
    ],
)
def test_what_sqlite_does_not_have_is_said(shop: Bench, action: c.Action, note: str) -> None:
    (unit,) = shop.plan(c.AlterTable("log", (action,)))
    assert note in unit.why


def test_numbering_ends_with_the_key_that_it_came_with() -> None:
    bench = Bench("CREATE TABLE x (id INTEGER PRIMARY KEY AUTOINCREMENT, b NOT NULL)")
    bench.db.execute("INSERT INTO x VALUES (5, 1)")
    before = bench.snapshot()
    bench.apply(c.AlterTable("x", (c.SetPrimaryKey(KeyDef(("b",))),)))
    assert "no longer numbers itself" in bench.ran[0].why
    bench.undo()
    bench.session = SQLite().open(bench.catalogue())
    bench.apply(c.AlterTable("x", (c.ChangeColumn("id", kind("text")),)))
    assert "no longer numbers itself" in bench.ran[0].why
    assert bench.query("SELECT \"notnull\", type FROM pragma_table_info('x') WHERE pk") == [(1, "TEXT")]
    bench.undo()
    assert bench.snapshot() == before
    bench.close()


def test_a_unique_constraint_is_renamed_by_building_it_again() -> None:
    bench = Bench("CREATE TABLE x (a, CONSTRAINT u UNIQUE (a));;CREATE UNIQUE INDEX i ON x (a COLLATE nocase DESC)")
    before = bench.snapshot()
    bench.apply(c.AlterTable("x", (c.RenameConstraint("i", "j"), c.RenameConstraint("u", "v"))))
    texts = [text for (text,) in bench.query("SELECT sql FROM sqlite_schema WHERE tbl_name = 'x' AND sql > ''")]
    assert texts == [
        'CREATE TABLE x (a, CONSTRAINT "v" UNIQUE (a))',
        'CREATE UNIQUE INDEX "j" ON x (a COLLATE nocase DESC)',
    ]
    bench.apply(c.AlterTable("x", (c.ValidateConstraint("v"),)))
    bench.undo()
    assert bench.snapshot() == before
    bench.close()


def test_orphans_that_came_while_a_foreign_key_was_away_are_a_conflict(shop: Bench) -> None:
    shop.apply(c.AlterTable(ODD, (c.DropConstraint(foreign_key=("artist",)),)))
    shop.db.execute("DELETE FROM artists WHERE id = 1")
    with pytest.raises(InConflict) as caught:
        shop.undo()
    assert [(kind, words) for kind, words in caught.value.found if "refer to nothing" in words]
    shop.undo(conflicts=False)
    assert shop.query("PRAGMA foreign_key_check") != []


def test_one_key_twice_is_refused(shop: Bench) -> None:
    twice = (c.AddUnique(KeyDef(("a",), "u")), c.AddUnique(KeyDef(("b",), "U")))
    with pytest.raises(Problem, match="twice"):
        shop.plan(c.AlterTable("plain", twice))
