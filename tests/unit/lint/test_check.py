"""Suppressions: what they take away, what stays, and what is wrong with them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from compiling import compiled, spec

from engine.config import IgnoreConfig
from engine.errors import Diagnostic
from engine.lint.check import check
from engine.lint.ordering import ordered
from engine.lint.suppress import suppress
from engine.source import Source, Span
from engine.spec.model import Spec

GIVEN = "CREATE TABLE a (id INTEGER PRIMARY KEY, b TEXT); CREATE TABLE c (id INTEGER PRIMARY KEY, b TEXT);"
COPY = "  - copy: {from: a, into: c, columns: same}\n"
SQL = '  - sql: "ANALYZE a"\n'


def left(*specs: Spec, config: tuple[IgnoreConfig, ...] = ()) -> list[tuple[str, str]]:
    """Return rule and version of what stays of all findings on specs."""
    made = compiled(*specs, given=GIVEN)
    found = suppress([*made.diagnostics, *check(made.facts)], specs, config)
    return [(d.rule, d.version) for d in found]


def ignored(rule: str, reason: str = "as agreed") -> IgnoreConfig:
    """Return an entry as the config has it."""
    return IgnoreConfig(rule, reason)


# ── where it holds ────────────────────────────────────────────────────────
@pytest.mark.parametrize("word", ["DT107", "dt107", "copy-without-count-assertion", "DT"])
def test_a_spec_ignores_a_rule_by_id_name_or_family(word: str) -> None:
    assert left(spec(COPY)) == [("DT107", "001")]
    assert left(spec(COPY, ignore=f"[{{rule: {word}, reason: counted by hand}}]")) == []


def test_an_ignore_of_a_spec_holds_in_that_spec_only() -> None:
    first = spec(COPY, ignore="[{rule: DT107, reason: counted by hand}]")
    assert left(first, spec(COPY, version="002")) == [("DT107", "002")]


def test_an_ignore_of_a_step_holds_for_that_step_only() -> None:
    steps = "  - {copy: {from: a, into: c, columns: same}, ignore: [{rule: DT107, reason: by hand}]}\n" + COPY
    made = compiled(spec(steps), given=GIVEN)
    found = suppress(check(made.facts), [spec(steps)])
    assert [(d.rule, d.step) for d in found] == [("DT107", "2-copy")]


def test_an_ignore_of_the_config_holds_everywhere() -> None:
    assert left(spec(COPY), spec(COPY, version="002"), config=(ignored("DT107"),)) == []


def test_another_rule_s_ignore_changes_nothing() -> None:
    assert left(spec(COPY), config=(ignored("RB101"), ignored("RB"))) == [("DT107", "001")]


# ── what stays ────────────────────────────────────────────────────────────
def test_what_makes_a_plan_untrusted_can_t_be_ignored() -> None:
    wrong = spec("  - drop: {table: nowhere}\n", ignore="[{rule: RF101, reason: it is there}]")
    assert left(wrong) == [("RF101", "001")]
    assert left(wrong, config=(ignored("RF101"),)) == [("RF101", "001")]


def test_a_rule_that_needs_a_reason_stays_without_one_and_the_entry_is_a_mistake() -> None:
    bare = spec(SQL, ignore="[{rule: RB101, reason: 'the shop is told'}]")
    assert left(bare) == []
    emptied = replace(bare, ignore=(replace(bare.ignore[0], reason="  "),))
    assert left(emptied) == [("RB101", "001"), ("SP118", "001")]
    made = compiled(emptied, given=GIVEN)
    sp118 = suppress(check(made.facts), [emptied])[1]
    assert (sp118.severity, sp118.span) == ("error", emptied.ignore[0].span)
    assert sp118.message == "`ignore` of RB101 needs a reason" and "reason:" in sp118.hint
    assert left(spec(COPY), config=(ignored("DT107", ""),)) == [], "others need none from the config"


def test_an_ignore_of_no_rule_is_a_warning_at_its_place() -> None:
    steps = "  - {index: {table: a, columns: [b]}, ignore: [{rule: XX999, reason: none}]}\n"
    odd = spec(steps, ignore="[{rule: no-such-rule, reason: none}, {rule: VC, reason: a family}]")
    found = suppress((), [odd])
    assert [(d.rule, d.severity, d.version) for d in found] == [("SP116", "warning", "001")] * 2
    assert "`no-such-rule`" in found[0].message and "`XX999`" in found[1].message
    assert found[0].span is not None and found[0].span.line == 3
    assert found[1].span is not None and found[1].span.line == 5


def test_what_belongs_to_no_spec_is_ignored_by_the_config_only() -> None:
    lost = Diagnostic("VC106", "warning", "gone", None, version="009")
    assert suppress([lost], [spec(COPY)]) == (lost,)


# ── passed over ───────────────────────────────────────────────────────────
def test_rules_do_not_look_at_steps_that_do_not_run() -> None:
    assert left(spec("  - {when: {table_exists: nowhere}, copy: {from: a, into: c, columns: same}}\n")) == []


# ── order ─────────────────────────────────────────────────────────────────
def test_findings_are_sorted_by_place_and_told_once() -> None:
    def at(name: str, line: int, rule: str = "RF101", message: str = "m") -> Diagnostic:
        return Diagnostic(rule, "error", message, Span(Source(name, ""), line, 1, line, 2))

    lost = Diagnostic("VC106", "warning", "gone", None)
    mixed = [at("b", 1), at("a", 10), at("a", 9), at("a", 9), at("a", 9, "RF100"), at("a", 9, message="l"), lost]
    assert ordered(mixed) == (
        lost,
        at("a", 9, "RF100"),
        at("a", 9, message="l"),
        at("a", 9),
        at("a", 10),
        at("b", 1),
    )
