"""Indexes, views and triggers: made, replaced, renamed and dropped, and all of it taken back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.errors import Problem
from engine.model import changes as c
from engine.model.definitions import IndexColumnDef, IndexDef, TriggerDef
from engine.model.expression import PerDialect, Sql
from tests.unit.sqlite.schema_runner import ODD, SHOP, Bench, Broken, InConflict


@pytest.fixture
def shop() -> Iterator[Bench]:
    bench = Bench(SHOP)
    yield bench
    bench.close()


def index(table: str, *columns: str | IndexColumnDef, **rest: object) -> c.CreateIndex:
    parts = tuple(IndexColumnDef(part) if isinstance(part, str) else part for part in columns)
    return c.CreateIndex(IndexDef(table, parts, **{"name": "i new", **rest}))  # type: ignore[arg-type]


def trigger(name: str, table: str, timing: str, *events: str, body: str, when: str = "") -> c.CreateTrigger:
    return c.CreateTrigger(TriggerDef(name, table, timing, events, PerDialect(body), Sql(when) if when else None))


ROUND_TRIPS: dict[str, tuple[c.Change, ...]] = {
    "index": (index(ODD, "code", IndexColumnDef("the title", order="desc", collate="rtrim")),),
    "partial expression index": (index(ODD, IndexColumnDef(sql=Sql("lower([the title])")), where=Sql('"select" > 0')),),
    "unique index": (index("plain", "a", unique=True),),
    "drop index": (c.DropIndex("idx title"),),
    "rename index": (c.RenameIndex("idx title", 'other "one"'),),
    "rename index by case": (c.RenameIndex("idx_expr", "IDX_expr"),),
    "index under a renamed table": (
        c.RenameTable(ODD, "records"),
        c.DropIndex("idx title"),
        index("records", "code"),
    ),
    "view": (c.CreateView("v 2", Sql("SELECT a AS x, b FROM plain")),),
    "replace view": (c.CreateView("v titles", Sql('SELECT id, code AS t FROM [odd "table" 🎵]'), replace=True),),
    "replace no view": (c.CreateView("v new", Sql("SELECT 1 AS one"), replace=True),),
    "drop view": (c.DropView("v titles"),),
    "rename view": (c.RenameView("v titles", "v 'new'"),),
    "rename view by case": (c.RenameView("v titles", "V titles"),),
    "trigger": (trigger("tr", "plain", "after", "insert", body="INSERT INTO log(what) VALUES (new.b);"),),
    "trigger of three": (
        trigger("tr", "plain", "before", "update of a, b", "insert", "delete", body="SELECT 1", when="1 > 0"),
    ),
    "trigger on view": (trigger("tr", "v titles", "instead of", "update", body="SELECT old.t;"),),
    "drop trigger": (c.DropTrigger("touched"),),
    "drop trigger of three": (
        trigger("tr", "plain", "after", "insert", "update", "delete", body="SELECT 1"),
        c.DropTrigger("tr", "plain"),
        c.DropTrigger("touched"),
    ),
    "put aside": (c.DropTable("plain"),),
    "put aside a child": (
        c.DropView("v titles"),
        c.DropTrigger("gone"),
        c.DropTable("tracks"),
        c.DropTable(ODD),
    ),
    "name used again": (c.DropTable("tracks"), c.RenameTable("plain", "tracks")),
    "rename table": (c.RenameTable(ODD, 'new "name" 🎵'),),
    "rename table by case": (c.RenameTable("artists", "ARTISTS"),),
    "rename a parent": (c.RenameTable("artists", "people"),),
    "swap names": (c.RenameTable("plain", "x"), c.RenameTable("log", "plain"), c.RenameTable("x", "log")),
}


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_objects_and_their_undo_leave_everything_as_it_was(shop: Bench, name: str) -> None:
    changes = ROUND_TRIPS[name]
    if name == "swap names":
        changes = (c.DropTrigger("touched"), *changes)
    before = shop.snapshot()
    shop.apply(*changes)
    assert shop.snapshot()["schema"] != before["schema"]
    assert shop.query("PRAGMA foreign_key_check") == [] and shop.query("PRAGMA integrity_check") == [("ok",)]
    shop.undo()
    assert shop.snapshot() == before


def test_a_table_put_aside_keeps_rows_and_counter_and_holds_nobody_up(shop: Bench) -> None:
    before = shop.snapshot()
    shop.apply(c.DropView("v titles"), c.DropTrigger("gone"), c.DropTable("tracks"), c.DropTable(ODD))
    assert shop.ran[-1].keeps == ("engine_aside_2",) and shop.ran[-1].reversible == "journal"
    assert shop.query("SELECT count(*) FROM engine_aside_2") == [(3,)]
    assert shop.query("SELECT name, tbl_name FROM sqlite_schema WHERE tbl_name = 'engine_aside_2' AND sql > ''") == [
        ("engine_aside_2", "engine_aside_2")
    ]
    shop.db.execute("DELETE FROM artists WHERE id = 1")  # its children are put aside: nothing refers to it
    shop.db.execute("INSERT INTO artists VALUES (1, 'AC/DC')")
    assert shop.query("SELECT count(*) FROM engine_aside_2") == [(3,)]
    shop.undo()
    assert shop.snapshot() == before


def test_a_table_that_names_itself_in_its_text_can_be_put_aside() -> None:
    bench = Bench("CREATE TABLE x (a CHECK (x.a > 0 AND [X] . a < 9), b REFERENCES x, PRIMARY KEY (a))")
    bench.db.execute("INSERT INTO x VALUES (1, 1)")
    before = bench.snapshot()
    bench.apply(c.DropTable("x"))
    bench.undo()
    assert bench.snapshot() == before
    bench.close()


def test_a_name_that_was_taken_again_stops_the_undo(shop: Bench) -> None:
    shop.apply(c.DropTable("plain"))
    shop.db.execute("CREATE VIEW PLAIN AS SELECT 1")
    with pytest.raises(InConflict) as caught:
        shop.undo()
    assert caught.value.found == [("taken", "the name `plain` is taken again")]


def test_a_table_can_be_dropped_for_good(shop: Bench) -> None:
    (unit,) = shop.apply(c.DropTable("plain", keep=False))
    assert (unit.undo, unit.reversible, unit.keeps) == ((), "no", ())
    (unit,) = shop.apply(c.DropTable("tracks"), irreversible="old")
    assert (unit.undo, unit.reason) == ((), "old")
    assert shop.query("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'engine_aside%'") == [(0,)]


def test_what_is_not_there_need_not_be_dropped_if_so_said(shop: Bench) -> None:
    units = shop.apply(
        c.DropTable("x", if_exists=True),
        c.DropIndex("x", if_exists=True),
        c.DropView("x", if_exists=True),
        c.DropTrigger("x", if_exists=True),
    )
    assert all(unit.before == () and unit.symbol == "=" for unit in units)


def test_duplicates_stop_a_unique_index_before_it_is_built(shop: Bench) -> None:
    shop.db.execute("INSERT INTO plain (b, c) VALUES ('x', 1), ('x', 2), ('x', NULL)")
    (unit,) = shop.plan(index("plain", "b", unique=True, name="uq_b", where=Sql("c > 0")))
    with pytest.raises(Broken) as caught:
        shop.run((unit,))
    assert caught.value.found == [
        (
            ("index",),
            '1 values of ("b") in `plain` are there more than once, against the unique key `uq_b`',
            [("x", 2)],
        )
    ]


def test_duplicates_of_others_stop_the_return_of_a_unique_index(shop: Bench) -> None:
    shop.apply(index("plain", "b", unique=True, name="uq_b"))
    shop.ran = []
    shop.apply(c.DropIndex("uq_b", "plain"))
    shop.db.execute("INSERT INTO plain (b) VALUES ('x'), ('x')")
    with pytest.raises(InConflict) as caught:
        shop.undo()
    assert caught.value.found[0][0] == "added"


def test_an_index_that_others_changed_stops_an_undo_and_may_be_passed_over(shop: Bench) -> None:
    shop.apply(index("plain", "b"))
    shop.db.execute('DROP INDEX "i new"')
    with pytest.raises(InConflict) as caught:
        shop.undo()
    assert caught.value.found == [("schema", "the index `i new` was changed or dropped since")]
    shop.undo(conflicts=False)


def test_a_trigger_of_several_events_fires_for_each(shop: Bench) -> None:
    (unit,) = shop.apply(
        trigger(
            "tr",
            "plain",
            "after",
            "insert",
            "update",
            body="INSERT INTO log(what) VALUES (new.b)",
            when="new.c > 1",
        )
    )
    assert "tr, tr_update" in unit.why
    shop.db.execute("INSERT INTO plain VALUES (1, 'a', 2), (2, 'b', 0)")
    shop.db.execute("UPDATE plain SET b = 'c' WHERE b = 'a'")
    assert shop.query("SELECT what FROM log") == [("a",), ("c",)]


def test_a_trigger_can_be_replaced_and_put_back(shop: Bench) -> None:
    shop.apply(trigger("tr", "plain", "after", "insert", "delete", body="SELECT 1"))
    shop.ran = []
    before = shop.snapshot()
    change = trigger("tr", "plain", "after", "update", body="SELECT 2")
    shop.apply(c.CreateTrigger(change.trigger, replace=True))
    names = shop.query("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'tr%'")
    assert names == [("tr",)]
    shop.undo()
    assert shop.snapshot() == before


def test_a_rename_follows_everywhere(shop: Bench) -> None:
    shop.apply(c.RenameTable(ODD, "records"))
    shop.db.execute("UPDATE records SET code = 'z' WHERE id = 5")
    assert shop.query("SELECT what FROM log") == [("u5",)]
    assert shop.query('SELECT count(*) FROM "v titles"') == [(3,)]
    shop.db.execute("DELETE FROM records WHERE id = 1")
    assert shop.query("SELECT count(*) FROM tracks WHERE album = 1") == [(0,)]


def test_changes_of_others_stop_a_rename_back(shop: Bench) -> None:
    shop.apply(c.RenameTable("artists", "people"))
    shop.db.execute("ALTER TABLE people ADD COLUMN x")
    with pytest.raises(InConflict) as caught:
        shop.undo()
    assert caught.value.found == [("schema", "the table `people` was changed or dropped since")]


REFUSED: tuple[tuple[c.Change, str, tuple[str | int, ...], str], ...] = (
    (index("plian", "a"), "RF101", ("index", "table"), "no table `plian`"),
    (index("v titles", "t"), "RF111", ("index", "table"), "is a view"),
    (index("plain", "a", "bb"), "RF102", ("index", "columns", 1), "no column `bb`"),
    (
        index("plain", IndexColumnDef(sql=Sql("lower(zz)"))),
        "RF102",
        ("index", "columns", 0),
        "no column `zz`",
    ),
    (index("plain", IndexColumnDef(sql=Sql('lower("zz")'))), "LT108", ("index", "columns", 0), "zz"),
    (index("plain", "a", where=Sql("z > 0")), "RF102", ("index", "where"), "no column `z`"),
    (index("plain", "a", name="idx_expr"), "RF103", ("index", "name"), "an index `idx_expr` already"),
    (index("plain", "a", method="gin"), "SP111", ("index", "method"), "`gin`"),
    (
        index("plain", IndexColumnDef("b", length=3), unique=True),
        "SP111",
        ("index", "columns"),
        "part of a text",
    ),
    (index("plain", IndexColumnDef(sql=Sql("random()"))), "SP110", (), "non-deterministic"),
    (c.DropIndex("idx_exp"), "RF104", ("drop", "index"), "no index `idx_exp`"),
    (c.DropIndex("idx_expr", "plain"), "RF104", ("drop", "index"), "not on `plain`"),
    (c.RenameIndex("idx_expr", "plain"), "RF103", ("rename", "to"), "a table `plain`"),
    (c.CreateView("plain", Sql("SELECT 1")), "RF103", ("create", "view"), "a table `plain`"),
    (c.CreateView("v", Sql("SELECT a FROM plian")), "RF101", ("create", "as"), "no table or view `plian`"),
    (c.CreateView("v", Sql("SELECT aa FROM plain")), "RF102", ("create", "as"), "no column `aa`"),
    (c.CreateView("v", PerDialect(None, (("mysql", "x"),))), "SP111", ("create", "as"), "no SQL for sqlite"),  # type: ignore[arg-type]
    (c.DropView("v title"), "RF101", ("drop", "view"), "no view `v title`"),
    (c.DropView("plain"), "RF111", ("drop", "view"), "is a table"),
    (c.RenameView("v titles", "log"), "RF103", ("rename", "to"), "a table `log`"),
    (c.DropTable("v titles"), "RF111", ("drop", "table"), "is a view"),
    (c.DropTable("artist"), "RF101", ("drop", "table"), "no table `artist`"),
    (c.DropTable("artists"), "RF107", ("drop", "table"), "the foreign key of table"),
    (c.DropTable("log"), "RF107", ("drop", "table"), "the trigger `touched` needs `log`"),
    (c.DropTable(ODD), "RF107", ("drop", "table"), "the view `v titles` and the trigger `gone`"),
    (c.RenameTable("plain", "log"), "RF103", ("rename", "to"), "a table `log`"),
    (c.RenameTable("plain", "engine_x"), "RF113", ("rename", "to"), "the engine"),
    (c.DropTrigger("touche"), "RF104", ("drop", "trigger"), "no trigger `touche`"),
    (c.DropTrigger("touched", "plain"), "RF104", ("drop", "trigger"), "not on `plain`"),
    (trigger("t", "plian", "after", "insert", body="SELECT 1"), "RF101", ("create", "table"), "`plian`"),
    (
        trigger("t", "plain", "instead of", "insert", body="SELECT 1"),
        "RF111",
        ("create", "timing"),
        "is a table",
    ),
    (
        trigger("t", "v titles", "after", "insert", body="SELECT 1"),
        "RF111",
        ("create", "timing"),
        "is a view",
    ),
    (
        trigger("t", "plain", "after", "truncate", body="SELECT 1"),
        "SP111",
        ("create", "events", 0),
        "truncate",
    ),
    (
        trigger("t", "plain", "after", "update of x", body="SELECT 1"),
        "RF102",
        ("create", "events", 0),
        "no column `x`",
    ),
    (
        trigger("t", "plain", "after", "insert", body="INSERT INTO lgo VALUES (1)"),
        "RF101",
        ("create", "body"),
        "`lgo`",
    ),
    (trigger("t", "plain", "after", "insert", body=" "), "SP110", ("create", "body"), "empty"),
    (
        trigger("touched", "plain", "after", "insert", body="SELECT 1"),
        "RF103",
        ("create", "trigger"),
        "already",
    ),
)


@pytest.mark.parametrize(("change", "rule", "path", "words"), REFUSED)
def test_what_cannot_be_done_is_refused_at_its_place(
    shop: Bench, change: c.Change, rule: str, path: tuple[str | int, ...], words: str
) -> None:
    before = shop.session.state
    with pytest.raises(Problem) as caught:
        shop.plan(change)
    assert (caught.value.rule, caught.value.path) == (rule, path), caught.value.message
    assert words in caught.value.message
    assert shop.session.state == before


def test_a_view_that_others_read_stays(shop: Bench) -> None:
    shop.apply(c.CreateView("second", Sql('SELECT t FROM "v titles"')))
    for change in (
        c.DropView("v titles"),
        c.RenameView("v titles", "other"),
        c.CreateView("v titles", Sql("SELECT 1 AS one"), replace=True),
    ):
        with pytest.raises(Problem) as caught:
            shop.plan(change)
        assert caught.value.rule == "RF107" and "`second`" in caught.value.message


def test_a_unique_index_that_a_foreign_key_needs_stays(shop: Bench) -> None:
    shop.apply(index("log", "what", unique=True, name="uq_what"))
    shop.db.execute("CREATE TABLE child (x TEXT REFERENCES log (what))")
    shop.session = type(shop.session)(type(shop.session.shadow)(shop.catalogue()))
    with pytest.raises(Problem) as caught:
        shop.plan(c.DropIndex("uq_what"))
    assert caught.value.rule == "RF107" and "`child`" in caught.value.message


def test_a_virtual_table_is_left_alone(shop: Bench) -> None:
    shop.db.execute("CREATE VIRTUAL TABLE search USING fts5(a)")
    shop.session = type(shop.session)(type(shop.session.shadow)(shop.catalogue()))
    for change in (c.DropTable("search"), c.RenameTable("search", "s"), c.AlterTable("search", ())):
        with pytest.raises(Problem) as caught:
            shop.plan(change)
        assert caught.value.rule == "RF111"


def test_hints_that_change_no_result_are_left_out_with_a_word(shop: Bench) -> None:
    change = c.CreateIndex(
        IndexDef(
            "plain",
            (IndexColumnDef("a", nulls="last", opclass="x", length=3),),
            "i",
            include=("b",),
            with_=(("f", 1),),
        )
    )
    (unit,) = shop.apply(change)
    assert unit.why == "SQLite has no include, with, opclass, nulls, length: left out, no result changes by it"
