"""From text to steps: the contract's files, places, groups, repetitions, variables, ways back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.model.changes import DropTable, RunSql
from engine.model.expression import Sql
from engine.model.state import SchemaState
from engine.model.when import (
    AllOf,
    AnyOf,
    ColumnExists,
    DialectIs,
    IndexExists,
    Not,
    RowsAre,
    SqlIsTrue,
    TableExists,
)
from engine.source import Source
from engine.spec.build import build
from tests.unit.spec.building import HEAD, Quotes, change, findings, read, spec, step, steps

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "specs").glob("*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=[p.stem for p in EXAMPLES])
def test_example_specs_build_without_a_finding(path: Path) -> None:
    made, found = build(Source(path.name, path.read_text()), {}, "sqlite", Quotes(), path.name.split("_")[0])
    assert not found
    assert made is not None
    assert all(tuple(own.body.changes(SchemaState())) for own in made.steps)


def test_a_file_says_what_it_is() -> None:
    made = spec(
        'requires: "000"\ndialects: [sqlite, mysql]\non_failure: stop\ntransaction: step\n'
        'ignore: [{rule: DT107, reason: counted elsewhere, until: "2027-01-31"}]\n'
        "steps: [{drop: {table: a}}]\n"
    )
    assert (made.version, made.description, made.requires, made.dialects) == (
        "001",
        "A test",
        ("000",),
        ("sqlite", "mysql"),
    )
    assert (made.on_failure, made.transaction) == ("stop", "step")
    assert [(i.rule, i.reason, i.until) for i in made.ignore] == [("DT107", "counted elsewhere", "2027-01-31")]
    assert str(made.ignore[0].span) == "001_test.yaml:7:10"
    assert str(made.span(("transaction",))) == "001_test.yaml:6:14"


def test_defaults_of_a_file() -> None:
    made = spec("steps: [{drop: {table: a}}]\n")
    assert (made.requires, made.dialects, made.on_failure, made.transaction) == (None, (), "rollback", "auto")


# ── places ────────────────────────────────────────────────────────────────
def place(own: object, *path: object) -> str:
    return str(own.span(path)).removeprefix("001_test.yaml:")  # type: ignore[attr-defined]


def test_each_field_has_its_place() -> None:
    own = step("index: {table: users, columns: [emial, {column: b, order: desc}]}")
    assert place(own) == "4:5"
    assert place(own, "index", "<key>") == "4:5"
    assert place(own, "index", "columns", 0) == "4:37"
    assert place(own, "index", "columns", 1, "order") == "4:63"
    assert place(own, "index", "columns", 0, "no", "such") == "4:37"


def test_another_spelling_of_a_key_has_the_place_too() -> None:
    own = step("insert: {table: t, rows: [{a: 1}]}")
    assert place(own, "insert", "into") == place(own, "insert", "table") == "4:21"
    assert place(own, "insert", "into", "<key>") == "4:14"
    assert place(step("delete: {table: t, where: a}"), "delete", "from") == "4:21"
    assert place(step("index: {table: t, column: a}"), "index", "columns", 0) == "4:31"


def test_a_check_is_found_by_number_and_kind() -> None:
    own = step("validate:\n  - row_count: {table: a, min: 0}\n")
    assert place(own, "validate", 0, "row_count", "min") == "5:36"


def test_steps_of_undo_have_places_in_the_step() -> None:
    own = step("sql: x\nundo:\n  - drop: {table: a}\n  - sql: y\n")
    assert place(own, "undo", 0, "drop", "table") == "6:23"
    assert place(own, "undo", 1, "sql") == "7:14"
    assert place(step("sql: x\nundo: {drop: {table: a}}\n"), "undo", 0, "drop", "table") == "5:26"


def test_a_condition_of_a_group_has_its_place_in_each_step() -> None:
    own = steps("  - when: {rows: {table: a}}\n    steps:\n      - drop: {table: b}\n")[0]
    assert place(own, "when", "rows", "table") == "4:26"


# ── ids ───────────────────────────────────────────────────────────────────
def test_a_step_is_called_by_position_and_verb_unless_it_has_an_id() -> None:
    made = steps("  - drop: {table: a}\n  - {id: mine, drop: {table: b}}\n  - sql: x\n    irreversible: y\n")
    assert [own.id for own in made] == ["1-drop", "mine", "3-sql"]


def test_positions_count_steps_as_written_through_groups_and_repetitions() -> None:
    made = steps(
        "  - steps:\n      - drop: {table: a}\n      - for_each: {t: [b, c]}\n        drop: {table: '{{ t }}'}\n"
        "  - drop: {table: d}\n"
    )
    assert [own.id for own in made] == ["1-drop", "2-drop[b]", "2-drop[c]", "3-drop"]
    assert [own.position for own in made] == [1, 2, 2, 3]


def test_a_step_that_is_wrong_keeps_the_others_positions() -> None:
    found = findings("steps:\n  - drpo: {table: a}\n  - drop: {tabel: b}\n  - {id: 3-drop, drop: {table: c}}\n")
    assert [line.split(" ")[0] for line in found] == ["4:5", "5:12"]


def test_an_id_twice_is_refused_with_the_first_place() -> None:
    made, found = read(HEAD + "steps:\n  - {id: a, drop: {table: x}}\n  - {id: a, drop: {table: y}}\n")
    assert made is None
    (own,) = found
    assert (own.rule, str(own.span), str(own.related[0].span)) == (
        "SP112",
        "001_test.yaml:5:10",
        "001_test.yaml:4:10",
    )


def test_one_value_twice_in_for_each_is_an_id_twice() -> None:
    (own,) = findings("steps:\n  - for_each: {t: [a, a]}\n    drop: {table: '{{ t }}'}\n")
    assert "SP112 two steps have the id `1-drop[a]`" in own


def test_an_anchored_step_used_twice_is_two_steps() -> None:
    made = steps("  - &a {drop: {table: a, if_exists: true}}\n  - *a\n")
    assert [own.id for own in made] == ["1-drop", "2-drop"]


def test_every_finding_in_a_step_says_which() -> None:
    _, found = read(
        HEAD + "steps:\n  - drop: {tabel: a}\n  - steps:\n      - {id: x, drop: {table: no}}\n      - drpo: 1\n"
        "  - text\n  - drop: {table: '{{ a }}'}\n  - sql: {{ b }}\nvars: {a: no}\n"
    )
    assert [d.step for d in found] == ["1-drop", "x", "3", "4", "6-sql", ""]


def test_no_requirement_can_be_said() -> None:
    assert spec("requires: []\nignore: []\nsteps: [{drop: {table: a}}]\n").requires == ()


# ── variables, for_each, groups ───────────────────────────────────────────
def test_overrides_win_over_vars_and_databases_differ() -> None:
    text = "vars: {t: {sqlite: a, mysql: b, other: c}, n: 5}\nsteps:\n  - drop: {table: '{{ t }}_{{ n }}'}\n"

    def table(dialect: str, **variables: object) -> str:
        (own,) = spec(text, variables, dialect).steps[0].body.changes(SchemaState())
        assert isinstance(own, DropTable)
        return own.name

    assert table("sqlite") == "a_5"
    assert table("mariadb") == "b_5"
    assert table("postgresql") == "c_5"
    assert table("sqlite", t="x", n={"sqlite": 7}) == "x_7"
    assert spec(text, {"t": "x"}).variables == {"t": "x", "n": 5}


def test_a_variable_without_a_value_for_this_database_is_refused_unless_the_file_is_not_for_it() -> None:
    text = "vars: {t: {mysql: b}}\nsteps:\n  - drop: {table: '{{ t }}'}\n"
    assert findings(text) == ["3:11 SP111 there is no value for sqlite among those given | "
                              "add `sqlite: …`, or `other: …` for all the rest"]  # fmt: skip
    assert spec("dialects: mysql\n" + text).dialects == ("mysql",)


def test_a_variable_that_is_wrong_makes_no_template_wrong() -> None:
    found = findings("vars: {a: no, b: [1], n: '{{ a }}'}\nsteps:\n  - drop: {table: '{{ a }}{{ b }}{{ n }}'}\n")
    assert [f.split(" | ")[0] for f in found] == [
        "3:11 SP104 unquoted `no` would be read as the boolean false by other YAML readers",
        "3:18 SP102 `b` takes text, a number, `true` or `false`, `null` or a mapping, and this is a list",
        "3:26 SP105 a variable's own value takes no template",
    ]


def test_a_template_is_rendered_in_names_sql_and_numbers() -> None:
    made = spec(
        "vars: {t: my table, n: 500, source: it's}\nsteps:\n"
        "  - transform: {table: '{{ t }}', set: {a: 'upper(a)'}, where: 'a = {{ source | literal }}', "
        "batch_size: '{{ n }}'}\n"
    )
    (own,) = made.steps[0].body.changes(SchemaState())
    assert own.table == "my table"  # type: ignore[union-attr]
    assert own.where == Sql("a = 'it''s'")  # type: ignore[union-attr]
    assert own.batch_size == 500  # type: ignore[union-attr]


def test_a_template_that_gives_no_number_where_one_is_expected_is_refused() -> None:
    (own,) = findings("vars: {n: many}\nsteps:\n  - transform: {table: t, set: {a: b}, batch_size: '{{ n }}'}\n")
    assert "5:52 SP102 a whole number is expected here, and this is `many`" in own
    (own,) = findings("vars: {n: 0}\nsteps:\n  - transform: {table: t, set: {a: b}, batch_size: '{{ n }}'}\n")
    assert "this is at least 1, and 0 is less" in own


def test_keys_that_templates_make_equal_are_refused() -> None:
    (own,) = findings("vars: {a: x}\nsteps:\n  - insert: {into: t, rows: [{x: 1, '{{ a }}': 2}]}\n")
    assert own.startswith("5:37 SP103 `x` is there twice")


def test_for_each_takes_values_or_pairs() -> None:
    made = steps("  - for_each: {m: [{from: a, to: b}, {from: c, to: d}]}\n"
                 "    rename: {table: '{{ m.from }}', to: '{{ m.to }}'}\n")  # fmt: skip
    assert [own.id for own in made] == ["1-rename[a,b]", "1-rename[c,d]"]
    assert made[1].bindings == (("m.from", "c"), ("m.to", "d"))
    assert place(made[1], "rename", "table") == "5:21"


def test_groups_share_condition_repetition_description_and_ignores() -> None:
    made = spec(
        "steps:\n  - for_each: {p: [a, b]}\n    when: {table_exists: '{{ p }}'}\n"
        "    description: for each of both\n    ignore: [{rule: DT107}]\n    steps:\n"
        "      - when: {not: {index_exists: i}}\n        drop: {table: '{{ p }}'}\n"
        "      - {drop: {table: '{{ p }}_x'}, description: its own, ignore: [{rule: DL104, reason: r}]}\n"
    ).steps
    assert [own.id for own in made] == ["1-drop[a]", "2-drop[a]", "1-drop[b]", "2-drop[b]"]
    assert made[0].when == AllOf((TableExists("a"), Not(IndexExists("i"))))
    assert made[3].when == TableExists("b")
    assert [own.description for own in made[:2]] == ["for each of both", "its own"]
    assert [i.rule for i in made[1].ignore] == ["DT107", "DL104"]


def test_bindings_are_in_the_findings_of_a_repetition() -> None:
    _, found = read(HEAD + "steps:\n  - for_each: {n: [1, x]}\n    transform: "
                    "{table: t, set: {a: b}, batch_size: '{{ n }}'}\n")  # fmt: skip
    assert [d.bindings for d in found] == [(("n", "x"),)]


# ── when, undo, irreversible ──────────────────────────────────────────────
def test_all_conditions() -> None:
    own = step(
        "when:\n"
        "  dialect: sqlite\n  table_exists: a\n  column_exists: s.a.b\n  index_exists: i\n"
        "  rows: {table: a, where: x > 1, min: 2, max: 3}\n  sql: SELECT 1\n"
        "  any: [{table_exists: c}, {rows: d}]\n  not: {table_exists: e, index_exists: f}\n"
        "drop: {table: a}\n"
    )
    assert own.when == AllOf(
        (
            DialectIs(("sqlite",)),
            TableExists("a"),
            ColumnExists("s.a", "b"),
            IndexExists("i"),
            Not(AllOf((TableExists("e"), IndexExists("f")))),
            AnyOf((TableExists("c"), RowsAre("d", None, None, None))),
            RowsAre("a", Sql("x > 1"), 2, 3),
            SqlIsTrue(Sql("SELECT 1")),
        )
    )


@pytest.mark.parametrize(
    ("undo", "expected"),
    [
        ("DELETE FROM a", [RunSql((Sql("DELETE FROM a"),))]),
        ("[x, y]", [RunSql((Sql("x"),)), RunSql((Sql("y"),))]),
        ("{sqlite: x, other: y}", [RunSql((Sql(None, (("sqlite", "x"), ("other", "y"))),))]),
        ("{run: x, writes: a}", [RunSql((Sql("x"),), (), ("a",))]),
        ("{drop: {table: a}}", [DropTable("a")]),
        ("[{drop: {table: a}}, x]", [DropTable("a"), RunSql((Sql("x"),))]),
        ("{for_each: {t: [a, b]}, drop: {table: '{{ t }}'}}", [DropTable("a"), DropTable("b")]),
        ("{steps: [{drop: {table: a}}, {sql: x}]}", [DropTable("a"), RunSql((Sql("x"),))]),
    ],
)
def test_a_way_back_is_sql_a_step_or_a_list(undo: str, expected: list[object]) -> None:
    own = step(f"sql: x\nundo: {undo}\n")
    assert own.undo is not None
    assert [c for back in own.undo for c in back.body.changes(SchemaState())] == expected


def test_a_way_back_knows_the_repetition() -> None:
    made = steps("  - for_each: {t: [a, b]}\n    sql: 'x {{ t }}'\n    undo: 'y {{ t }}'\n")
    assert [tuple(own.undo[0].body.changes(SchemaState())) for own in made if own.undo] == [
        (RunSql((Sql("y a"),)),),
        (RunSql((Sql("y b"),)),),
    ]


def test_a_step_without_a_way_back_says_why() -> None:
    own = step("sql: x\nirreversible: ' the law wants it '\n")
    assert (own.irreversible, own.undo) == ("the law wants it", None)


# ── text per database ─────────────────────────────────────────────────────
def test_text_per_database_must_be_there_for_each_database_that_is_meant() -> None:
    text = "steps:\n  - transform: {table: t, set: {a: {sqlite: x}}}\n"
    assert spec(text)
    assert "SP111 there is no SQL for postgresql" in findings("dialects: [sqlite, postgresql]\n" + text)[0]
    assert "SP111 there is no SQL for postgresql" in findings(text, dialect="postgresql")[0]


def test_a_condition_on_the_database_narrows_what_must_be_there() -> None:
    head = "dialects: [sqlite, mariadb]\nsteps:\n"
    assert spec(head + "  - when: {dialect: sqlite}\n    transform: {table: t, set: {a: {sqlite: x}}}\n")
    assert spec(head + "  - when: {dialect: mysql}\n    transform: {table: t, set: {a: {mysql: x}}}\n")
    assert spec(head + "  - transform: {table: t, set: {a: {sqlite: x, mysql: y}}}\n")


def test_a_condition_on_the_database_goes_for_conditions_and_ways_back_too() -> None:
    made = spec(
        "dialects: [sqlite, postgresql]\nsteps:\n  - when: {dialect: sqlite, sql: {sqlite: SELECT 1}}\n"
        "    sql: {sqlite: a}\n    undo: {sqlite: b}\n"
        "  - when: {dialect: [sqlite]}\n    steps:\n      - sql: {sqlite: a}\n        undo: [{sqlite: b}]\n"
    )
    assert len(made.steps) == 2


def test_repetitions_of_repetitions_have_an_end() -> None:
    items = ", ".join(str(n) for n in range(120))
    (own,) = findings(
        f"steps:\n  - for_each: {{a: [{items}]}}\n    steps:\n"
        f"      - for_each: {{b: [{items}]}}\n        drop: {{table: 't{{{{ a }}}}_{{{{ b }}}}'}}\n"
    )
    assert "SP102 with all its repetitions this file has more than 10,000 steps" in own


def test_the_first_findings_are_first() -> None:
    found = findings("steps:\n  - drop: {tabel: a}\nvars: {a: no}\nfoo: 1\n")
    places = [tuple(map(int, re.findall(r"\d+", line)[:2])) for line in found]
    assert places == sorted(places)
    assert len(found) == 3


def test_text_is_given_back_as_it_stands() -> None:
    own = change("insert: {into: t, rows: [{a: 'x: y', b: \"tab\\t\", c: 0.00, d: null, e: true, f: '5'}]}")
    row = own.rows[0]  # type: ignore[union-attr]
    assert [value.spelling for value in row] == ["x: y", "tab\t", "0.00", "null", "true", "5"]
    assert [value.value for value in row][3:] == [None, True, "5"]
