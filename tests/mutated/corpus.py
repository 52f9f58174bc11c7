"""The specs that are made wrong, each in its world, and what lint says of each mistake."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.mutated.mutations import KINDS, Mutation, mutations
from tests.support import linting

HERE = Path(__file__).parents[1]
SEED = 5
OLD = """CREATE TABLE youtube_shorts (id INTEGER PRIMARY KEY, video_id TEXT NOT NULL, title TEXT, description TEXT, url TEXT,
 channel_id TEXT, channel_name TEXT, channel_url TEXT, view_count BIGINT, like_count BIGINT, comment_count BIGINT,
 published_at TEXT, created_at TEXT);"""
_COLUMN = re.compile(r"[(,]\s*([a-z_]{4,}) [A-Z]")


@dataclass(frozen=True)
class Sample:
    """One mistake in one file of a world of specs."""

    world: str
    page: dict[str, Any]
    file: str
    mutation: Mutation


@dataclass(frozen=True)
class Verdict:
    """What lint said of a sample.

    Attributes:
        place: "at" the line, "elsewhere", or "silent".
        told: the new findings.
    """

    sample: Sample
    place: str
    told: tuple[str, ...]


def worlds() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and page of each: the contract's examples, specs/, and the good specs for SQLite."""
    for name, folder in (("examples", HERE / "cases" / "contract" / "examples"), ("specs", HERE.parent / "specs")):
        files = {f.name: f.read_text(encoding="utf-8") for f in sorted(folder.glob("*.yaml"))}
        yield name, {"specs": files, "given": OLD}
    for file in (HERE / "cases" / "lint" / "good" / f"{name}.yaml" for name in ("chains", "shop", "shorts")):
        for page in yaml.safe_load_all(file.read_text(encoding="utf-8")):
            yield f"{file.stem}: {page['promise']}", page


def samples(count: int) -> list[Sample]:
    """Return `count` mistakes, as many of each class, always the same ones."""
    of_kind: dict[str, list[Sample]] = defaultdict(list)
    for world, page in worlds():
        for file, text in linting.specs(page).items():
            for mutation in mutations(text, frozenset(_COLUMN.findall(page.get("given", "")))):
                of_kind[mutation.kind].append(Sample(world, page, file, mutation))
    assert of_kind.keys() == set(KINDS)
    chosen = []
    for number, kind in enumerate(KINDS):
        many = count // len(KINDS) + (number < count % len(KINDS))
        chosen += random.Random(f"{SEED} {kind}").sample(of_kind[kind], many)
    return chosen


def judge(chosen: list[Sample], folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Verdict]:
    """Lint each sample in its world and return where lint put its finger."""
    found: list[Verdict] = []
    by_world: dict[str, list[Sample]] = defaultdict(list)
    for sample in chosen:
        by_world[sample.world].append(sample)
    for number, ours in enumerate(by_world.values()):
        place = folder / str(number)
        place.mkdir()
        monkeypatch.chdir(place)
        linting.make(ours[0].page)
        before = Counter(_key(f) for f in linting.lint(ours[0].page, "--no-cache"))
        texts = linting.specs(ours[0].page)
        for sample in ours:
            path = Path("specs", sample.file)
            path.write_text(sample.mutation.text, encoding="utf-8")
            found.append(_verdict(sample, before))
            path.write_text(texts[sample.file], encoding="utf-8")
    return found


def table(verdicts: list[Verdict]) -> str:
    """Return class, count, found at the line, elsewhere, and silent, as a table of Markdown."""
    rows = ["| class | mistakes | at the line | elsewhere | silent |", "|---|---|---|---|---|"]
    for kind in [*KINDS, "all"]:
        places = Counter(v.place for v in verdicts if kind in ("all", v.sample.mutation.kind))
        rows.append(f"| {kind} | {places.total()} | {places['at']} | {places['elsewhere']} | {places['silent']} |")
    return "\n".join(rows)


def _verdict(sample: Sample, before: Counter[tuple[str, str]]) -> Verdict:
    new = []
    rest = before.copy()
    for finding in linting.lint(sample.page, "--no-cache"):
        if rest[_key(finding)]:
            rest[_key(finding)] -= 1
        else:
            new.append(finding)
    mine = [f for f in new if f["file"].endswith(sample.file) and f["line"] in sample.mutation.lines]
    place = "at" if mine else "elsewhere" if new else "silent"
    return Verdict(sample, place, tuple(linting.told(f) for f in new))


def _key(finding: dict[str, Any]) -> tuple[str, str]:
    return finding["rule"], finding["message"]
