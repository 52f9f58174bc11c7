"""The rules that look at effects, and the pages of all rules."""

from __future__ import annotations

import re

import pytest
import yaml
from compiling import compiled, spec, told

from engine.errors import Problem
from engine.lint import rules
from engine.lint.base import Rule, Settings, World, find, registry
from engine.lint.check import check

GIVEN = """
CREATE TABLE a (id INTEGER PRIMARY KEY, b TEXT);
CREATE TABLE albums (id INTEGER PRIMARY KEY, title TEXT);
CREATE TABLE old_albums (id INTEGER PRIMARY KEY, title TEXT);
CREATE TABLE b (id INTEGER PRIMARY KEY, b TEXT);
CREATE TABLE c (id INTEGER PRIMARY KEY, b TEXT);
CREATE TABLE sessions (id INTEGER PRIMARY KEY, expires_at TEXT);
CREATE TABLE artists (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE tracks (id INTEGER PRIMARY KEY, artist_id INTEGER REFERENCES artists (id) ON DELETE CASCADE, title TEXT);
CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT);
CREATE TABLE logs (line TEXT, at TEXT);
CREATE INDEX idx_users_name ON users (name);
CREATE VIEW names AS SELECT id, name FROM users;
"""


STRICT = World(Settings(zero_downtime=True), "sqlite")


def lint(steps: str, world: World = World()) -> list[str]:  # noqa: B008 - a frozen value
    """Return what the rules find in steps that can be planned."""
    made = compiled(spec(steps), given=GIVEN)
    assert not made.diagnostics, [told(d) for d in made.diagnostics]
    off = {rule.id for rule in registry() if rule.off}
    return [told(d) for d in check(made.facts, world) if d.rule not in off]


def step(text: str) -> str:
    """Return a step of a spec from its lines."""
    first, *rest = text.strip().splitlines()
    return "\n".join([f"  - {first}", *(f"    {line}" for line in rest)]) + "\n"


# ── DT107 ─────────────────────────────────────────────────────────────────
COPY = "  - copy: {from: a, into: c, columns: same}\n"


def test_a_copy_says_how_many_rows_it_brings() -> None:
    assert lint(COPY) == ["4:5 DT107 nothing says how many rows this copy must bring into `c`"]
    for expected in ("all", "5", "{min: 1}", "{sql: SELECT count(*) FROM a}"):
        assert lint(f"  - copy: {{from: a, into: c, columns: same, expect_rows: {expected}}}\n") == []


@pytest.mark.parametrize(
    ("after", "enough"),
    [
        ("row_count: {table: c, equals: {table: a}}", True),
        ("row_count: {table: C, min: 5}", True),
        ("same_rows: {left: {table: c}, right: {table: a}, columns: same, key: [id]}", True),
        ("row_count: {table: a, equals: 5}", False),
        ("unique: {table: c, columns: [b]}", False),
    ],
)
def test_a_later_check_that_counts_is_as_good(after: str, enough: bool) -> None:
    assert (lint(COPY + f"  - validate: [{{{after}}}]\n") == []) is enough


def test_a_check_that_comes_before_the_copy_does_not_count() -> None:
    assert len(lint("  - validate: [{row_count: {table: c, equals: 0}}]\n" + COPY)) == 1


# ── RB101 ─────────────────────────────────────────────────────────────────
def test_free_sql_says_how_it_goes_back_or_that_it_does_not() -> None:
    (line,) = lint('  - sql: "ANALYZE a"\n')
    assert line.startswith("4:5 RB101 this `sql` has no way back")
    assert lint('  - {sql: "ANALYZE a", undo: "ANALYZE a"}\n') == []
    assert lint('  - {sql: "ANALYZE a", irreversible: nobody needs the old}\n') == []


# ── DL104 ─────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("where", ["true", "TRUE", "1", "1=1", " 1 = 1 "])
def test_a_delete_of_every_row_says_how_many(where: str) -> None:
    assert lint(f"  - delete: {{from: a, where: '{where}'}}\n") == ["4:30 DL104 every row of `a` is deleted"]
    assert lint(f"  - delete: {{from: a, where: '{where}', expect_rows: {{max: 9}}}}\n") == []


def test_a_delete_of_some_rows_needs_no_count() -> None:
    assert lint("  - delete: {from: a, where: \"b = 'x'\"}\n") == []
    assert lint("  - delete: {from: a, all_but_first_of: {columns: [b], order: [id]}}\n") == []


# ── VA101 ─────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "one",
    [
        "row_count: {table: a, min: 0}",
        "row_count: {table: a, equals: {table: a}}",
        "row_count: {table: a, where: id > 1, equals: {table: a, where: id > 1}}",
        'no_rows: {sql: "SELECT id FROM a WHERE 1 = 0"}',
        'no_rows: {sql: "SELECT id FROM a WHERE false"}',
        'no_rows: {sql: "SELECT id FROM a where 0"}',
    ],
)
def test_a_check_that_can_t_fail_is_an_error(one: str) -> None:
    (line,) = lint(f"  - validate: [{{{one}}}]\n")
    assert line.startswith("4:") and "VA101 this check can't fail" in line


@pytest.mark.parametrize(
    "one",
    [
        "row_count: {table: a, min: 1}",
        "row_count: {table: a, min: 0, max: 9}",
        "row_count: {table: a, max: 0}",
        "row_count: {table: a, equals: 0}",
        "row_count: {table: a, equals: {table: c}}",
        "row_count: {table: a, where: id > 1, equals: {table: a}}",
        'no_rows: {sql: "SELECT id FROM a WHERE id = 0"}',
        'no_rows: {sql: "SELECT id FROM a WHERE b = 1 OR id < 10"}',
        "not_null: {table: a, columns: [b]}",
    ],
)
def test_a_check_that_can_fail_is_fine(one: str) -> None:
    assert lint(f"  - validate: [{{{one}}}]\n") == []


def test_each_check_of_a_step_is_looked_at() -> None:
    two = "  - validate:\n      - row_count: {table: a, min: 1}\n      - row_count: {table: a, min: 0}\n"
    (line,) = lint(two)
    assert line.startswith("6:36 VA101")


# ── all rules ─────────────────────────────────────────────────────────────
WITH_CHECK = [rule for rule in registry() if (rule.check or rule.check_spec) and not rule.off]


@pytest.mark.parametrize("rule", WITH_CHECK, ids=lambda rule: rule.id)
def test_the_page_s_bad_is_found_and_its_good_is_not(rule: Rule) -> None:
    if "steps:" in rule.bad + rule.good:
        return  # a whole spec: its case pages show it
    assert any(f" {rule.id} " in line for line in lint(step(rule.bad), STRICT))
    assert not [line for line in lint(step(rule.good), STRICT) if f" {rule.id} " in line]


def test_every_rule_has_one_id_one_name_and_a_page() -> None:
    found = registry()
    assert rules.registry() is found and len(found) > 30
    assert [r.id for r in found] == sorted({r.id for r in found})
    assert len({r.name for r in found}) == len(found)
    for rule in found:
        assert re.fullmatch(r"[A-Z]{2}\d{3}", rule.id), rule.id
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.name), rule.name
        assert rule.severity in ("error", "warning", "info")
        for text in (rule.summary, rule.reason, rule.instead):
            assert text.endswith((".", "?")), (rule.id, text)
        assert bool(rule.bad) == bool(rule.good), f"{rule.id} shows both or none"


@pytest.mark.parametrize("rule", [r for r in registry() if r.good], ids=lambda rule: rule.id)
def test_the_page_s_good_is_yaml(rule: Rule) -> None:
    assert yaml.safe_load(rule.good) is not None


def test_a_rule_is_found_by_id_or_name() -> None:
    by_id = find("dt107")
    assert by_id is not None and by_id is find("copy-without-count-assertion")
    assert find("DT999") is None


def test_rules_that_tell_of_an_untrusted_plan_are_final() -> None:
    final = {r.id for r in registry() if r.final}
    assert {"SP101", "SP103", "RF101", "RF102", "RF105", "TX101", "VC101", "VC105"} <= final
    assert not final & {"VC104", "DT107", "RB101", "VA101", "DL104"}


def test_a_rule_that_crashes_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(fact: object) -> list[Problem]:
        raise ValueError("oh")

    broken = Rule("XX101", "broken", "error", "s", "r", "i", check=crash)
    monkeypatch.setattr("engine.lint.check.registry", lambda: (broken, *registry()))
    made = compiled(spec(COPY), given=GIVEN)
    crashed, found = check(made.facts)
    assert (crashed.rule, crashed.severity) == ("XX101", "warning")
    assert "the rule itself failed on this step (ValueError: oh); please report it" in crashed.message
    assert found.rule == "DT107"
