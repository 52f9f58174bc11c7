"""What lint remembers changes nothing but the time: the same findings as without it, whatever was edited."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from engine.config import Config, LintConfig
from engine.lint.report import render
from engine.linting import lint
from engine.project import Project

SPECS = {
    "001_tables.yaml": """version: "001"
description: Tables
steps:
  - create: {table: a, columns: {id: {type: integer, primary_key: true}, b: text, c: text}}
  - create: {table: d, columns: {id: {type: integer, primary_key: true}, b: text}}
""",
    "002_views.yaml": """version: "002"
description: Views
steps:
  - create: {view: v, as: "SELECT id, b FROM a"}
  - create: {type: colour, values: [red, green]}
""",
    "003_drop.yaml": """version: "003"
description: A column goes
ignore: [{rule: DT107, reason: counted by hand}]
steps:
  - alter: {table: a, drop: [c]}
  - copy: {from: a, into: d, columns: same}
""",
    "004_use.yaml": """version: "004"
description: It is used
steps:
  - index: {table: a, columns: [c]}
  - copy: {from: a, into: d, columns: same}
""",
    "005_more.yaml": """version: "005"
description: More
steps:
  - rename: {table: d, to: e}
  - insert: {into: e, rows: [{id: 1, b: x}]}
  - create: {table: f, columns: {id: {type: integer, primary_key: true}, colour: colour}}
""",
    "006_late.yaml": """version: "006"
description: Late
requires: "009"
steps:
  - index: {table: d, columns: [b]}
  - index: {table: nowhere, columns: [b]}
  - sql: "UPDATE e SET b = 1"
""",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("specs").mkdir()
    for name, text in SPECS.items():
        Path("specs", name).write_text(text, encoding="utf-8")
    return tmp_path


def shown(project: Project) -> str:
    """Return what a lint prints, fingerprints and all."""
    from engine.lint.base import registry

    result = lint(project)
    return render("json", result.diagnostics, result.files, registry()) + render(
        "text", result.diagnostics, result.files
    )


def same(**other: object) -> str:
    """Lint with and without the memo; both print the same."""
    alone = shown(Project(**other))  # type: ignore[arg-type]
    kept = shown(Project(**other, cache=Path("cache")))  # type: ignore[arg-type]
    assert kept == alone
    return alone


def test_the_findings_are_those_of_a_lint_without_memory() -> None:
    first = same()
    for rule in ("RF105", "DT107", "RB101", "VC108", "RF101"):
        assert rule in first, rule
    assert same() == first, "the second time from memory"


def test_every_edit_is_seen() -> None:
    edits = [
        ("001_tables.yaml", "b: text, c: text", "b: text, cc: text"),
        ("001_tables.yaml", "version:", "# a comment\nversion:"),
        ("002_views.yaml", "SELECT id, b", "SELECT id"),
        ("003_drop.yaml", "description: A column goes", "description: >\n  A column\n  goes"),
        ("003_drop.yaml", "drop: [c]", "drop: [b]"),
        ("003_drop.yaml", "ignore: [{rule: DT107, reason: counted by hand}]\n", ""),
        ("004_use.yaml", "columns: [c]", "columns: [b]"),
        ("005_more.yaml", "rename: {table: d, to: e}", "drop: {table: d}"),
        ("005_more.yaml", "steps:", "steps: ["),
        ("006_late.yaml", 'requires: "009"\n', ""),
    ]
    same()
    for name, old, new in edits:
        text = Path("specs", name).read_text(encoding="utf-8")
        assert old in text
        Path("specs", name).write_text(text.replace(old, new, 1), encoding="utf-8")
        same()
        same()
    Path("specs/002_views.yaml").unlink()
    same()
    Path("specs/0025_new.yaml").write_text(SPECS["002_views.yaml"].replace('"002"', '"0025"'), encoding="utf-8")
    same()


def test_random_edits_are_seen() -> None:
    rng = random.Random(5)
    words = ["a", "b", "c", "d", "e", "text", "integer", "id", "copy", "index", "drop", "v"]
    for _ in range(40):
        name = rng.choice(sorted(SPECS))
        text = SPECS[name] if rng.random() < 0.3 else Path("specs", name).read_text(encoding="utf-8")
        parts = text.split(" ")
        place = rng.randrange(len(parts))
        parts[place] = parts[place].replace(rng.choice(words), rng.choice(words))
        Path("specs", name).write_text(" ".join(parts), encoding="utf-8")
        same()


def test_only_what_follows_from_an_edit_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.plan.compile import Compiler

    asked: list[str] = []
    plain = Compiler.migration

    def migration(self: Compiler, spec: object) -> object:
        asked.append(spec.version)  # type: ignore[attr-defined]
        return plain(self, spec)  # type: ignore[arg-type]

    monkeypatch.setattr(Compiler, "migration", migration)

    def edited(name: str, old: str, new: str) -> list[str]:
        path = Path("specs", name)
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
        asked.clear()
        lint(Project(cache=Path("cache")))
        return list(asked)

    assert edited("001_tables.yaml", "", "") == ["001", "002", "003", "004", "005", "006"]
    assert edited("001_tables.yaml", "", "") == []
    assert edited("005_more.yaml", "description: More", "description: Much more") == ["005"]
    assert edited("001_tables.yaml", "description: Tables", "description: The tables") == ["001"]
    assert edited("003_drop.yaml", "version:", "# moved down\nversion:") == ["003"]
    assert edited("006_late.yaml", "columns: [b]", "columns: [id]") == ["006"]
    assert edited("005_more.yaml", "to: e", "to: g") == ["005", "006"]


def test_config_and_variables_are_part_of_the_key() -> None:
    same()
    same(config=Config(zero_downtime=True))
    same(config=Config(lint=LintConfig(severity=(("DT107", "info"),))))
    same(variables={"x": "1"})
    Path("schema.json").write_text(
        '{"engine_snapshot": 1, "dialect": "sqlite", "objects": [{"type": "table", "name": "nowhere", '
        '"table": "nowhere", "sql": "CREATE TABLE nowhere (b)"}]}',
        encoding="utf-8",
    )
    assert "nowhere" not in same(config=Config(schema=Path("schema.json")))
    same()


@pytest.mark.parametrize("damage", ["", "x", "cut", "flip", "folder", "other"])
def test_a_damaged_memory_is_none(damage: str) -> None:
    first = same()
    (file,) = Path("cache/lint").iterdir()
    data = file.read_bytes()
    if damage == "folder":
        file.unlink()
        file.mkdir()
    elif damage == "other":
        head, _, body = data.partition(b"\n")
        file.write_bytes(head[:-1] + b"\n" + body)
    else:
        place = len(data) // 2
        flipped = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        file.write_bytes({"": b"", "x": b"x", "cut": data[:-5], "flip": flipped}[damage])
    assert same() == first


def test_a_cache_that_can_t_be_written_is_none(tmp_path: Path) -> None:
    Path("cache").write_text("a file stands here", encoding="utf-8")
    same()


def test_the_config_s_ignores_are_judged_anew() -> None:
    project = Project(cache=Path("cache"))
    before = lint(project).diagnostics
    config = Config(lint=LintConfig(severity=(("RB101", "off"),)))
    after = lint(replace(project, config=config)).diagnostics
    assert {d.rule for d in before} - {d.rule for d in after} == {"RB101"}
