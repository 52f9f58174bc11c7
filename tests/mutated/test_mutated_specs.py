"""Where lint puts its finger on mistakes: 100 of them here, 1,000 in the slow part; the rest is told, class by class."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutated.corpus import Verdict, judge, samples, table

EXPLAINED = {
    "the spec is for another database, and nothing of it is planned here": lambda v: " only" in v.sample.world,
    "moved, it is a spec that can be read, and says something else": lambda v: (
        v.sample.mutation.kind == "indent" and any(" SP102 " in line for line in v.told)
    ),
    "the name stands amid a query of several lines; the query's first line is told": lambda v: (
        "`sql`" in v.sample.mutation.what and any(" RF102 " in line for line in v.told)
    ),
    "a condition on rows is told at the step that stands under it": lambda v: (
        v.sample.mutation.what.endswith("`where`") and any(" RF102 " in line for line in v.told)
    ),
    "a check of what exists may ask for what does not": lambda v: "exists" in v.sample.mutation.text,
    "any word may be a type on SQLite, also one near an enum's": lambda v: v.sample.mutation.what.startswith("word"),
}
"""Why a mistake is told at another line, or not at all."""


def _check(count: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = judge(samples(count), folder, monkeypatch)
    print(table(verdicts))
    missed = [v for v in verdicts if v.place != "at"]
    unexplained = [v for v in missed if not any(fits(v) for fits in EXPLAINED.values())]
    assert not unexplained, "\n".join(_shown(v) for v in unexplained)
    assert len(missed) <= count * 0.05, "\n".join(_shown(v) for v in missed)


def _shown(verdict: Verdict) -> str:
    sample = verdict.sample
    lines = sorted(sample.mutation.lines)
    return f"{sample.world}/{sample.file}: {sample.mutation.kind} {sample.mutation.what}, at {lines}: {verdict.told}"


def test_mistakes_are_told_at_their_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _check(100, tmp_path, monkeypatch)


@pytest.mark.slow
def test_a_thousand_mistakes_are_told_at_their_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _check(1000, tmp_path, monkeypatch)
