"""Specs on a state: plans, findings at their places, single or stepwise, ways back."""

from __future__ import annotations

import pytest
from compiling import catalogue, changes, compiled, counts, findings, plan, planned, spec, unit

from engine import dialects
from engine.dialects.base import Features
from engine.model.changes import AlterTable, CreateTable
from engine.plan.compile import Compiler
from engine.plan.sizes import no_database

T = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
FAMILY = T + "CREATE TABLE child (id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t (id));"
FEW = counts({}, 3)


def create(table: str, columns: str = "id: {type: integer, primary_key: true}, v: text") -> str:
    """Return a step that makes a table."""
    return f"  - create: {{table: {table}, columns: {{{columns}}}}}\n"


# ── plans ─────────────────────────────────────────────────────────────────
def test_the_state_goes_on_from_spec_to_spec() -> None:
    first, second = planned(spec(create("a")), spec("  - drop: {table: a}\n", version="002"))
    assert first.after == second.before
    assert first.before == second.after, "what is made and dropped leaves the schema as it was"
    assert (second.version, second.description, second.spec_name) == ("002", "Spec 002", "002_a.yaml")
    assert first.checksum.startswith("1:") and first.spec_text.startswith('version: "001"')


def test_the_same_specs_on_the_same_schema_give_the_same_plan() -> None:
    steps = create("a") + "  - copy: {from: t, into: a, columns: same, expect_rows: all}\n"
    assert plan(steps, T, FEW) == plan(steps, T, FEW)


def test_units_carry_the_step_s_id_and_description() -> None:
    made = plan("  - {id: fresh, description: for the shop, index: {table: t, columns: [v]}}\n", T)
    (only,) = made.units
    assert (only.step, only.id) == ("fresh", "fresh")
    assert only.title.endswith(": for the shop")


def test_unit_ids_are_unique_where_a_step_makes_several() -> None:
    steps = "  - alter: {table: t, add: {w: text, x: text}, add_unique: [{columns: [w]}], rename: {v: y}}\n"
    made = plan(steps + steps.replace("v: y", "y: z").replace("w", "w2").replace("x:", "x2:"), T, FEW)
    ids = [u.id for u in made.units]
    assert len(set(ids)) == len(ids)
    assert {u.step for u in made.units} == {"1-alter", "2-alter"}


def test_a_spec_that_is_not_meant_for_this_database_is_passed_over() -> None:
    made, after = planned(
        spec(create("a"), dialects="[postgresql, mysql]"), spec(create("a"), version="002", dialects="[sqlite]")
    )
    assert made.skipped == "meant for postgresql, mysql, and this is sqlite"
    assert made.units == () and made.before == made.after
    assert not after.skipped and after.units


def test_indexes_of_a_new_table_come_after_the_load() -> None:
    steps = (
        create("a")
        + "  - index: {table: a, columns: [v]}\n"
        + "  - copy: {from: t, into: a, columns: same, expect_rows: all}\n"
    )
    assert [u.step for u in plan(steps, T, FEW).units] == ["1-create", "3-copy", "2-index"]


def test_a_scratch_table_is_dropped_at_the_end_of_its_migration() -> None:
    steps = "  - create: {table: pick, scratch: true, columns: {id: {type: integer, primary_key: true}}}\n"
    first, second = planned(spec(steps), spec(create("pick"), version="002"))
    assert first.before == first.after
    assert changes(second)


# ── findings ──────────────────────────────────────────────────────────────
def test_a_mistake_is_shown_at_its_word_with_its_step() -> None:
    found = compiled(spec("  - {id: find, index: {table: t, columns: [w]}}\n"), given=T)
    (one,) = found.diagnostics
    assert findings(found) == ["4:44 RF102 `t` has no column `w`"]
    assert (one.version, one.step, one.severity) == ("001", "find", "error")


def test_every_mistake_is_found_in_one_go() -> None:
    steps = "  - drop: {table: a}\n  - index: {table: t, columns: [w]}\n  - drop: {index: i}\n"
    found = compiled(spec(steps), spec("  - drop: {table: b}\n", version="002"), given=T)
    assert [d.rule for d in found.diagnostics] == ["RF101", "RF102", "RF104", "RF101"]
    assert [d.version for d in found.diagnostics] == ["001", "001", "001", "002"]


def test_what_a_failed_step_would_have_made_is_no_second_mistake() -> None:
    steps = (
        create("a", "id: {type: integer, primary_key: true}, v: {type: text, check: 'w > 0'}")
        + "  - index: {table: a, columns: [v]}\n"
        + "  - copy: {from: t, into: a, columns: same, expect_rows: all}\n"
    )
    found = compiled(spec(steps), given=T)
    assert len(found.diagnostics) == 1, findings(found)
    steps = "  - {rename: {table: gone, to: a}}\n  - drop: {table: a}\n"
    assert len(compiled(spec(steps)).diagnostics) == 1
    steps = "  - alter: {table: t, add: {w: text, v: text}}\n  - index: {table: t, columns: [w]}\n"
    assert len(compiled(spec(steps), given=T).diagnostics) == 1


@pytest.mark.parametrize(
    ("steps", "line", "other", "words"),
    [
        ("  - drop: {table: t}\n  - index: {table: t, columns: [v]}\n", "5:20", "4:19", "`t` is gone at this point"),
        (
            "  - rename: {table: t, to: n}\n  - index: {table: t, columns: [v]}\n",
            "5:20",
            "4:28",
            "was renamed to `n` here",
        ),
        (
            "  - alter: {table: t, drop: [v]}\n  - index: {table: t, columns: [v]}\n",
            "5:33",
            "4:29",
            "`t.v` is gone at this point: it was dropped",
        ),
        (
            "  - alter: {table: t, rename: {v: w}}\n  - index: {table: t, columns: [v]}\n",
            "5:33",
            "4:35",
            "`t.v` is gone at this point: it was renamed to `w`",
        ),
    ],
    ids=["table dropped", "table renamed", "column dropped", "column renamed"],
)
def test_use_of_what_is_gone_shows_both_places(steps: str, line: str, other: str, words: str) -> None:
    found = compiled(spec(steps), given=T)
    (text,) = findings(found)
    assert text.startswith(f"{line} RF105") and words in text, text
    (related,) = found.diagnostics[0].related
    assert f"{related.span.line}:{related.span.column}" == other
    assert found.diagnostics[0].hint == "move this step before it, or do without it"


def test_what_is_made_again_is_not_gone() -> None:
    steps = "  - drop: {table: t}\n" + create("t") + "  - index: {table: t, columns: [x]}\n"
    assert [d.rule for d in compiled(spec(steps), given=T).diagnostics] == ["RF102"]
    back = "  - rename: {table: t, to: n}\n  - rename: {table: n, to: t}\n  - index: {table: t, columns: [v]}\n"
    assert not compiled(spec(back), given=T).diagnostics
    back = "  - alter: {table: t, rename: {v: w}}\n  - alter: {table: t, rename: {w: v}}\n"
    assert not compiled(spec(back + "  - index: {table: t, columns: [v]}\n"), given=T).diagnostics


def test_a_table_that_nobody_made_is_a_warning_where_nothing_is_known() -> None:
    step = spec("  - index: {table: somewhere, columns: [v]}\n")
    (warning,) = compiled(step, complete=False, names_must_exist=False).diagnostics
    assert (warning.rule, warning.severity) == ("RF101", "warning")
    assert "snapshot" in warning.hint
    for strict in (compiled(step), compiled(step, complete=False)):
        assert [d.severity for d in strict.diagnostics] == ["error"]


def test_a_name_close_to_a_known_one_is_a_mistake_even_there() -> None:
    steps = create("somewhere") + "  - index: {table: somewhre, columns: [v]}\n"
    (found,) = compiled(spec(steps), complete=False, names_must_exist=False).diagnostics
    assert found.severity == "error" and "somewhere" in found.hint


def test_the_values_of_for_each_stand_with_a_finding() -> None:
    steps = '  - {for_each: {name: [t, u]}, index: {table: "{{ name }}", columns: [v]}}\n'
    (found,) = compiled(spec(steps), given=T).diagnostics
    assert found.bindings == (("name", "u"),)
    assert found.step == "1-index[u]"


def test_facts_tell_what_each_step_did_to_the_state() -> None:
    found = compiled(spec(create("a") + "  - alter: {table: a, add: {w: text}}\n"))
    first, second = found.facts
    assert isinstance(first.changes[0], CreateTable) and isinstance(second.changes[0], AlterTable)
    assert first.before.relation("a") is None and first.after == second.before
    assert [c.name for t in second.after.tables for c in t.columns] == ["id", "v", "w"]


# ── ways back ─────────────────────────────────────────────────────────────
def test_a_given_undo_takes_the_place_of_the_derived_one() -> None:
    steps = """
  - insert: {into: t, rows: [{id: 9, v: x}], expect_rows: 1}
    undo:
      - delete: {from: t, where: "id = 9", expect_rows: 1}
      - sql: "UPDATE t SET v = v"
"""
    first = unit(plan(steps, T, FEW), "1-insert")
    assert (first.reversible, first.reason) == ("given", "as the spec's `undo` says")
    sent = [s.sql for u in first.undo for s in u.statements()]
    assert any(sql.startswith("DELETE") for sql in sent) and sent[-1] == "UPDATE t SET v = v"
    assert all(u.undo == () and u.step == "1-insert" for u in first.undo)
    assert first.keeps == ()


def test_a_given_undo_sees_the_state_after_its_step_and_leaves_it() -> None:
    steps = """
  - sql: "CREATE TABLE extra (id INTEGER PRIMARY KEY)"
    undo: {drop: {table: extra}}
  - index: {table: extra, columns: [id]}
"""
    made = plan(steps, T)
    assert [u.step for u in made.units] == ["1-sql", "2-index"]
    assert unit(made, "1-sql").reversible == "given"


def test_a_mistake_in_a_given_undo_is_shown_there() -> None:
    steps = """
  - index: {table: t, columns: [v]}
    undo:
      - drop: {index: idx_t_v}
      - drop: {table: nowhere}
"""
    (line,) = findings(compiled(spec(steps), given=T))
    assert line.startswith("8:23 RF101") and "nowhere" in line, line


def test_a_given_undo_of_a_step_of_several_units_hangs_on_the_first() -> None:
    columns = "{id: {type: integer, primary_key: true}, v: text}"
    steps = f"  - {{create: {{table: a, columns: {columns}, unique: [[v]]}}, undo: {{drop: {{table: a}}}}}}\n"
    units = plan(steps).units
    assert len(units) > 1
    assert units[0].undo and all(u.undo == () and u.reversible == "given" for u in units[1:])


def test_an_undo_of_a_step_that_does_nothing_here_does_nothing_either() -> None:
    columns = "{id: {type: integer, primary_key: true}}"
    steps = f"  - {{create: {{table: t, if_not_exists: true, columns: {columns}}}, undo: {{drop: {{table: t}}}}}}\n"
    assert [u.undo for u in plan(steps, T).units] == [()], "a table that was there before must not go"
    assert plan(steps).units[0].undo


def test_an_irreversible_step_keeps_nothing_and_says_why() -> None:
    made = plan("  - {drop: {table: t}, irreversible: the data is old}\n", T)
    (only,) = made.units
    assert (only.reversible, only.reason, only.undo) == ("no", "the data is old", ())
    assert only.keeps == () and not made.reversible


# ── single or stepwise ────────────────────────────────────────────────────
def test_small_migrations_run_in_one_transaction() -> None:
    made = plan(create("a"))
    assert made.single and made.mode_reason == "small, and everything in it can be in one transaction"


@pytest.mark.parametrize(
    ("head", "single", "reason"),
    [
        ({"transaction": "spec"}, True, "as the spec asks"),
        ({"transaction": "step"}, False, "as the spec asks"),
        ({"on_failure": "stop"}, False, "what is done before a failure is to be kept"),
        ({"on_failure": "stop", "transaction": "spec"}, True, "as the spec asks"),
        ({"on_failure": "rollback"}, True, "small, and everything in it can be in one transaction"),
    ],
    ids=str,
)
def test_the_spec_s_wish_decides(head: dict[str, str], single: bool, reason: str) -> None:
    made = plan(create("a"), **head)
    assert (made.single, made.mode_reason) == (single, reason)
    assert made.on_failure == head.get("on_failure", "rollback")


REBUILD_AND_ROWS = """
  - alter: {table: t, change: {v: {nullable: false, using: "coalesce(v, '')"}}}
  - insert: {into: child, rows: [{id: 1, t_id: 1}], expect_rows: 1}
"""


def test_a_rebuild_and_rows_under_a_foreign_key_run_in_steps() -> None:
    made = plan(REBUILD_AND_ROWS, FAMILY, FEW)
    assert not made.single
    assert made.mode_reason == ("step 1-alter needs foreign keys off, and step 2-insert writes a table that has them")


def test_a_rebuild_alone_and_rows_of_other_tables_run_in_one_transaction() -> None:
    other = "CREATE TABLE lone (id INTEGER PRIMARY KEY);"
    assert plan(REBUILD_AND_ROWS.splitlines()[1] + "\n", FAMILY, FEW).single
    steps = REBUILD_AND_ROWS.replace("into: child, rows: [{id: 1, t_id: 1}]", "into: lone, rows: [{id: 1}]")
    assert plan(steps, FAMILY + other, FEW).single


def test_one_transaction_that_can_t_be_had_is_refused_where_it_is_asked_for() -> None:
    found = compiled(spec(REBUILD_AND_ROWS, transaction="spec"), given=FAMILY, count=FEW)
    (line,) = findings(found)
    assert line.startswith("3:14 TX101 one transaction for the whole migration can't be had: step 1-alter"), line


def test_a_database_that_commits_with_ddl_runs_in_steps() -> None:
    dialect = dialects.load("sqlite")
    commits = Features(**{name: getattr(dialect.features, name) for name in Features.__slots__} | FALSE)

    class Commits:
        name = "mysql"
        features = commits
        open = staticmethod(dialect.open)
        protocol = staticmethod(dialect.protocol)

    found = Compiler(dialect.open(catalogue(T)), Commits(), no_database).compile(
        [spec("  - index: {table: t, columns: [v]}\n")]
    )
    assert (found.migrations[0].single, found.migrations[0].mode_reason) == (
        False,
        "mysql commits with every schema change",
    )


FALSE = {"transactional_ddl": False}


# ── guards and collateral ─────────────────────────────────────────────────
def test_a_guard_that_needs_later_steps_undone_is_not_early() -> None:
    steps = "  - transform: {table: t, set: {v: upper(v)}, where: 'true'}\n"
    alone = unit(plan(steps, T, FEW), "1-transform")
    assert any(g.early for u in alone.undo for g in u.guards)
    made = plan(steps + "  - alter: {table: t, rename: {v: w}}\n", T, FEW)
    guards = [g for u in unit(made, "1-transform").undo for g in u.guards]
    assert guards and not any(g.early for g in guards)


def test_tables_whose_text_a_rename_rewrites_count_as_touched() -> None:
    made = plan("  - rename: {table: t, to: parent}\n", FAMILY)
    assert {"child", "parent"} <= {name for u in made.units for name in u.touches}
