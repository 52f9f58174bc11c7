"""What `alter`, `rename`, `drop` and `index` mean."""

from __future__ import annotations

import pytest

from engine.model.changes import (
    AddCheck,
    AddColumn,
    AddExclude,
    AddForeignKey,
    AddUnique,
    AlterTable,
    ChangeColumn,
    CreateIndex,
    DropColumn,
    DropConstraint,
    DropIndex,
    DropTable,
    DropTrigger,
    DropType,
    DropView,
    RenameColumn,
    RenameConstraint,
    RenameIndex,
    RenameTable,
    RenameType,
    RenameView,
    SetComment,
    SetOptions,
    SetPrimaryKey,
    ValidateConstraint,
)
from engine.model.definitions import (
    CheckDef,
    ColumnDef,
    ExcludeDef,
    ForeignKeyDef,
    IndexColumnDef,
    IndexDef,
    KeyDef,
    ReferenceDef,
)
from engine.model.expression import Literal, PerDialect, Sql
from tests.unit.spec.building import change, findings


def test_alter_does_all_in_the_order_of_the_contract() -> None:
    own = change(
        "alter:\n"
        "  options: {sqlite: {strict: true}}\n"
        "  comment: words\n"
        "  validate_constraints: later\n"
        "  add_exclude: [{name: e, elements: {a: '='}}]\n"
        "  add_foreign_keys: [{column: a, references: o, validate: later}]\n"
        "  add_checks: {ck: 'a > 0', late: {sql: 'b > 0', validate: later}, each: {sqlite: x, other: y}}\n"
        "  add_unique: [[a, b]]\n"
        "  drop: d\n"
        "  primary_key: [a, b]\n"
        "  change: {c: {type: bigint, using: 'c * 2', nullable: false, default: null}, f: text}\n"
        "  add: {b: {type: text, unique: true, using: 'lower(a)', after: a}}\n"
        "  drop_constraints: [ck_a, {unique: [a, b]}, {check: 'a > 1'}, {foreign_key: a}]\n"
        "  rename: {x: y}\n"
        "  table: t\n"
    )
    assert own == AlterTable(
        "t",
        (
            RenameColumn("x", "y"),
            DropConstraint("ck_a"),
            DropConstraint(unique=("a", "b")),
            DropConstraint(check="a > 1"),
            DropConstraint(foreign_key=("a",)),
            AddColumn(ColumnDef("b", PerDialect("text"), using=Sql("lower(a)"), after="a")),
            ChangeColumn("c", PerDialect("bigint"), nullable=False, drop_default=True, using=Sql("c * 2")),
            ChangeColumn("f", PerDialect("text")),
            SetPrimaryKey(KeyDef(("a", "b"))),
            DropColumn("d"),
            AddUnique(KeyDef(("a", "b"), "uq_t_a_b")),
            AddUnique(KeyDef(("b",), "uq_t_b")),
            AddCheck(CheckDef("ck", Sql("a > 0"))),
            AddCheck(CheckDef("late", Sql("b > 0"), True)),
            AddCheck(CheckDef("each", Sql(None, (("sqlite", "x"), ("other", "y"))))),
            AddForeignKey(ForeignKeyDef(("a",), ReferenceDef("o"), "fk_t_a", "later")),
            AddExclude(ExcludeDef("e", "gist", (("a", "="),))),
            ValidateConstraint("later"),
            SetComment("words"),
            SetOptions((("sqlite", (("strict", True),)),)),
        ),
    )


def test_a_comment_goes_by_null_and_stays_by_silence() -> None:
    assert change("alter: {table: t, comment: null}") == AlterTable("t", (SetComment(None),))
    assert change("alter: {table: t, drop: a}") == AlterTable("t", (DropColumn("a"),))


def test_a_change_of_everything_else_of_a_column() -> None:
    own = change(
        "alter: {table: t, change: {a: {default: 5, collate: nocase, comment: '', generated: 'b', stored: true, "
        "auto_increment: false}}}"
    )
    assert own == AlterTable(
        "t",
        (
            ChangeColumn(
                "a",
                default=Literal(5, "5"),
                collate="nocase",
                comment="",
                generated=Sql("b"),
                stored=True,
                auto_increment=False,
            ),
        ),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{table: t}", "4:5 SP102 nothing is changed here | name what to do, e.g. `add`"),
        (
            "{table: t, change: {a: {}}}",
            "4:35 SP102 nothing is changed here | name what changes, e.g. `type: bigint`",
        ),
        (
            "{table: t, add: {a: text}, drop: A}",
            "4:29 SP102 `a` stands under `add` and under `drop` | keep one of the two",
        ),
        (
            "{table: t, rename: {a: b}, change: {a: text}}",
            "4:48 SP102 `a` is called `b` after the renames of this step | write `b`",
        ),
        (
            "{table: t, drop_constraints: [{name: a, check: b}]}",
            "4:52 SP102 say which constraint: by `name`, `unique`, `check` or `foreign_key`, one of them | "
            "e.g. {unique: [a, b]}",
        ),
    ],
)
def test_alter_that_cannot_be_meant(text: str, expected: str) -> None:
    assert findings(f"steps:\n  - alter: {text}\n") == [expected]


def test_names_may_change_places() -> None:
    assert change("alter: {table: t, rename: {a: b, b: a}, change: {a: text}}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{table: a, to: b}", RenameTable("a", "b")),
        ("{table: t, column: a, to: b}", AlterTable("t", (RenameColumn("a", "b"),))),
        ("{table: t, constraint: a, to: b}", AlterTable("t", (RenameConstraint("a", "b"),))),
        ("{index: a, to: b}", RenameIndex("a", "b")),
        ("{index: a, table: t, to: b}", RenameIndex("a", "b")),
        ("{view: a, to: b}", RenameView("a", "b")),
        ("{type: a, to: b}", RenameType("a", "b")),
    ],
)
def test_rename(text: str, expected: object) -> None:
    assert change(f"rename: {text}") == expected


def test_rename_that_cannot_be_meant() -> None:
    assert findings("steps:\n  - rename: {table: a, to: a}\n") == [
        "4:28 SP102 `a` is its name already | give another name"
    ]
    assert findings("steps:\n  - rename: {column: a, to: b}\n") == [
        "4:5 SP102 `table` is missing: a column needs it | add `table`"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{table: a, if_exists: true}", DropTable("a", True)),
        ("{index: a, table: t}", DropIndex("a", "t")),
        ("{view: a}", DropView("a")),
        ("{trigger: a, table: t, if_exists: true}", DropTrigger("a", "t", True)),
        ("{type: a}", DropType("a")),
    ],
)
def test_drop(text: str, expected: object) -> None:
    assert change(f"drop: {text}") == expected


def test_index_in_full() -> None:
    own = change(
        "index: {table: t, columns: [a, {column: b, order: desc, nulls: last, collate: nocase, opclass: o, length: 5}, "
        "{sql: 'lower(c)'}], unique: true, where: 'a > 0', concurrently: false, method: gin, include: d, "
        "with: {fillfactor: 70}}"
    )
    assert own == CreateIndex(
        IndexDef(
            "t",
            (
                IndexColumnDef("a"),
                IndexColumnDef("b", None, "desc", "last", "nocase", "o", 5),
                IndexColumnDef(sql=Sql("lower(c)")),
            ),
            "idx_t_a_b_lower_c",
            True,
            Sql("a > 0"),
            "false",
            "gin",
            ("d",),
            (("fillfactor", 70),),
        )
    )


def test_index_in_short() -> None:
    assert change("index: {table: t, column: a}") == CreateIndex(IndexDef("t", (IndexColumnDef("a"),), "idx_t_a"))
    assert change("index: {table: t, columns: {sql: a + 1}, name: mine}") == CreateIndex(
        IndexDef("t", (IndexColumnDef(sql=Sql("a + 1")),), "mine")
    )
    own = change("index: {table: t, columns: {sql: {sqlite: a + 1, other: b}}}")
    assert isinstance(own, CreateIndex)
    assert own.index.name == "idx_t_a_1"


def test_a_part_of_an_index_is_a_column_or_an_expression() -> None:
    (own,) = findings("steps:\n  - index: {table: t, columns: [{column: a, sql: b}]}\n")
    assert own.startswith("4:45 SP102 a part of an index is a `column` or `sql`, one of the two")
