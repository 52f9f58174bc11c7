"""What `create` means."""

from __future__ import annotations

from engine.model.changes import CreateTable, CreateTrigger, CreateType, CreateView
from engine.model.definitions import (
    CheckDef,
    ColumnDef,
    ExcludeDef,
    ForeignKeyDef,
    KeyDef,
    ReferenceDef,
    TableDef,
    TriggerDef,
)
from engine.model.expression import Literal, PerDialect, Sql
from tests.unit.spec.building import change, findings


def table(text: str) -> TableDef:
    """Return the definition that a `create` makes."""
    own = change(f"create: {text}")
    assert isinstance(own, CreateTable)
    return own.table


def test_a_column_in_full() -> None:
    (own,) = table(
        "{table: t, columns: {a: {type: 'decimal(10,2)', nullable: false, default: 0.00, check: 'a >= 0', "
        "collate: nocase, comment: words, auto_increment: true, "
        "references: {table: b, column: id, on_delete: set null, on_update: cascade, deferrable: true}}}}"
    ).columns
    assert own.name == "a"
    assert own.type == PerDialect("decimal(10,2)")
    assert (own.nullable, own.auto_increment, own.collate, own.comment) == (False, True, "nocase", "words")
    assert own.default is not None and isinstance(own.default, Literal) and own.default.spelling == "0.00"
    assert own.check == Sql("a >= 0")
    assert own.references == ReferenceDef("b", ("id",), "set null", "cascade", True)


def test_short_forms_of_columns() -> None:
    own = table(
        "{table: t, columns: {a: text, b: {type: {sqlite: TEXT, other: inet}}, c: {type: text, references: d}}}"
    )
    assert own.columns == (
        ColumnDef("a", PerDialect("text")),
        ColumnDef("b", PerDialect(None, (("sqlite", "TEXT"), ("other", "inet")))),
        ColumnDef("c", PerDialect("text"), references=ReferenceDef("d")),
    )


def test_defaults_are_values_and_sql_says_so() -> None:
    own = table(
        "{table: t, columns: {a: {type: text, default: x}, b: {type: text, default: null}, "
        "c: {type: timestamp, default: {sql: CURRENT_TIMESTAMP}}, d: {type: boolean, default: false}, e: text}}"
    )
    assert [c.default for c in own.columns] == [
        Literal("x", "x"),
        Literal(None, "null"),
        Sql("CURRENT_TIMESTAMP"),
        Literal(False, "false"),
        None,
    ]


def test_columns_may_have_the_names_of_keys() -> None:
    own = table("{table: t, columns: {sqlite: text, value: text, sql: text, type: integer}}")
    assert [c.name for c in own.columns] == ["sqlite", "value", "sql", "type"]


def test_keys_get_names_and_a_unique_column_becomes_one() -> None:
    own = table(
        "{table: t, columns: {a: {type: text, unique: true}, b: text}, unique: [[a, b], {name: u, columns: b, "
        "include: [a], nulls_not_distinct: true, deferrable: true}]}"
    )
    assert own.uniques == (
        KeyDef(("a", "b"), "uq_t_a_b"),
        KeyDef(("b",), "u", ("a",), True, True),
        KeyDef(("a",), "uq_t_a"),
    )
    assert not any(c.unique for c in own.columns)


def test_the_primary_key_stands_on_a_column_or_below() -> None:
    inline = table("{table: t, columns: {id: {type: integer, primary_key: true}}}")
    assert (inline.columns[0].primary_key, inline.primary_key) == (True, None)
    below = table("{table: t, columns: {a: integer, b: integer}, primary_key: [a, b]}")
    assert below.primary_key == KeyDef(("a", "b"))
    both = table("{table: t, columns: {id: {type: integer, primary_key: true}}, primary_key: [id]}")
    assert both == inline
    named = table("{table: t, columns: {id: {type: integer, primary_key: true}}, primary_key: {name: pk, column: id}}")
    assert (named.columns[0].primary_key, named.primary_key) == (False, KeyDef(("id",), "pk"))


def test_two_different_primary_keys_are_refused() -> None:
    text = "steps:\n  - create: {table: t, columns: {a: {type: integer, primary_key: true}, b: {type: integer%s}}%s}\n"
    (own,) = findings(text % ("", ", primary_key: [b]"))
    assert "SP102 the primary key is `a` by its column, and another here | keep one of the two" in own
    (own,) = findings(text % (", primary_key: true", ""))
    assert own.endswith("one key over all: primary_key: [a, b]")


def test_checks_foreign_keys_exclusions_options() -> None:
    own = table(
        "{table: t, columns: {a: integer, b: integer}, checks: {ck: 'a > b'}, comment: words, "
        "foreign_keys: [{columns: [a, b], references: {table: o, columns: [x, y], on_update: restrict}, "
        "on_delete: cascade, deferrable: true}], exclude: [{name: e, elements: {a: '='}}], "
        "options: {sqlite: {strict: true}, mysql: {engine: InnoDB, limit: 5, ratio: 0.50}}, scratch: true}"
    )
    assert own.checks == (CheckDef("ck", Sql("a > b")),)
    reference = ReferenceDef("o", ("x", "y"), "cascade", "restrict", True)
    assert own.foreign_keys == (ForeignKeyDef(("a", "b"), reference, "fk_t_a_b"),)
    assert own.exclude == (ExcludeDef("e", "gist", (("a", "="),)),)
    assert own.options == (
        ("sqlite", (("strict", True),)),
        ("mysql", (("engine", "InnoDB"), ("limit", 5), ("ratio", "0.50"))),
    )
    assert (own.comment, own.scratch) == ("words", True)


def test_a_table_only_where_it_is_not_there() -> None:
    assert change("create: {table: t, columns: {a: text}, if_not_exists: true}").if_not_exists  # type: ignore[union-attr]


def test_a_foreign_key_must_fit() -> None:
    head = "steps:\n  - create: {table: t, columns: {a: text}, foreign_keys: [{columns: [a], "
    (own,) = findings(head + "references: {table: o, columns: [x, y]}}]}\n")
    assert "SP102 1 columns can't refer to 2" in own
    (own,) = findings(head + "on_delete: cascade, references: {table: o, on_delete: restrict}}]}\n")
    assert "`on_delete` stands here as `cascade` and below `references` as `restrict`" in own


def test_columns_that_contradict_themselves() -> None:
    (own,) = findings("steps:\n  - create: {table: t, columns: {a: {type: text, stored: true}}}\n")
    assert "`stored` is for generated columns" in own
    found = findings(
        "steps:\n  - create: {table: t, columns: {a: {type: text, generated: b, default: 1, auto_increment: true}}}\n"
    )
    assert len(found) == 2


def test_views_triggers_types() -> None:
    assert change("create: {view: v, as: 'SELECT 1', replace: true}") == CreateView("v", Sql("SELECT 1"), True)
    assert change("create: {type: size, values: [s, 'no']}") == CreateType("size", ("s", "no"))
    assert change(
        "create: {trigger: g, table: t, timing: instead of, event: delete, when: 'old.a > 0', body: 'SELECT 1;'}"
    ) == CreateTrigger(TriggerDef("g", "t", "instead of", ("delete",), Sql("SELECT 1;"), Sql("old.a > 0")))


def test_what_is_missing_or_does_not_belong() -> None:
    assert findings("steps:\n  - create: {view: v}\n") == ["4:5 SP102 `as` is missing: a view needs it | add `as`"]
    assert findings("steps:\n  - create: {view: v, as: x, columns: {a: text}}\n") == [
        "4:30 SP102 `columns` is not for a view | take it out"
    ]
    assert findings("steps:\n  - create: {comment: x}\n") == [
        "4:5 SP102 nothing says what is meant: name `table` or `type` or `trigger` or `view` | "
    ]
