"""Plan files, history rows, config, environment and arguments that somebody tampered with."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.mutating import ODD, TEXTS, spots
from tests.support.command import run
from tests.support.database import same, snapshot

SPEC = """version: "001"
description: d
steps:
  - transform: {table: t, set: {v: upper(v)}, where: "id > 0"}
  - alter: {table: t, add: {w: text}}
"""
CODES = {0, 1, 2, 3, 4, 5, 6}
COMMANDS = (
    ("status", "specs"),
    ("list", "specs"),
    ("history", "specs"),
    ("plan", "specs"),
    ("verify", "specs"),
    ("rollback", "specs", "--dry-run"),
    ("apply", "specs", "--yes"),
    ("rollback", "specs", "--yes"),
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a database of two rows and one spec."""
    monkeypatch.chdir(tmp_path)
    Path("specs").mkdir()
    Path("specs/001_case.yaml").write_text(SPEC, encoding="utf-8")
    with closing(sqlite3.connect("app.db")) as database:
        database.executescript(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b')"
        )
    yield tmp_path


def changed(data: Any, rng: random.Random) -> Any:
    """Return a JSON document with one thing in it that is odd or gone."""
    data = json.loads(json.dumps(data))
    path = rng.choice(spots(data)[1:])
    node = data
    for key in path[:-1]:
        node = node[key]
    if rng.random() < 0.3:
        del node[path[-1]]
    else:
        node[path[-1]] = rng.choice(ODD)
    return data


def test_a_plan_file_that_was_tampered_with_is_refused_or_its_sql_is_not_what_runs(place: Path) -> None:
    assert run("plan", "specs", "--db", "app.db", "--out", "plan.json").code == 0
    document = json.loads(Path("plan.json").read_text(encoding="utf-8"))
    before = snapshot("app.db")
    assert run("apply", "specs", "--db", "app.db", "--yes").code == 0
    after = snapshot("app.db")
    assert run("rollback", "specs", "--db", "app.db", "--yes").code == 0
    rng = random.Random(1)
    for _ in range(25):
        Path("odd.json").write_text(json.dumps(changed(document, rng)), encoding="utf-8")
        ran = run("apply", "--plan", "odd.json", "--db", "app.db", "--yes")
        assert ran.code in CODES, ran.output
        if ran.code == 0:
            same(after, snapshot("app.db"))
            assert run("rollback", "specs", "--db", "app.db", "--yes").code == 0
        same(before, snapshot("app.db"))


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{}", "5", "{", "[" * 100_000, '{"a": NaN}', '{"plan_hash": 1}', "\x00", "\ufeff{}", "9" * 9999],
    ids=range(12),
)
def test_a_plan_file_that_is_none(text: str, place: Path) -> None:
    Path("odd.json").write_text(text, encoding="utf-8")
    ran = run("apply", "--plan", "odd.json", "--db", "app.db", "--yes")
    assert ran.code == 1 and "odd.json" in ran.output, ran.output
    Path("odd.json").write_bytes(b"\xff\xfe")
    assert run("apply", "--plan", "odd.json", "--db", "app.db", "--yes").code == 1


def test_an_engine_table_that_is_gone_is_told_in_words(place: Path) -> None:
    assert run("apply", "specs", "--db", "app.db", "--yes").code == 0
    whole = Path("app.db").read_bytes()
    with closing(sqlite3.connect("app.db")) as database:
        names = [r[0] for r in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    for name in names:
        if not (name.startswith("engine_") or name == "migration_history"):
            continue
        Path("app.db").write_bytes(whole)
        with closing(sqlite3.connect("app.db", isolation_level=None)) as database:
            database.execute(f'DROP TABLE "{name}"')
        for command in COMMANDS:
            ran = run(*command, "--db", "app.db")
            assert ran.code in CODES, f"without {name}: {ran.output}"


CONFIG = {
    "db": "sqlite:///app.db",
    "specs": "specs",
    "dialects": ["sqlite"],
    "vars": {"tenant": "acme"},
    "environments": {"prod": {"db": "app.db", "require_reversible": True}},
    "batch": {"target_seconds": 0.5, "max_rows": 250000},
    "lock_timeout": "5s",
    "lock_wait": "0s",
    "lint": {"fail_on": "error", "severity": {"DD103": "error"}, "ignore": [{"rule": "NM101", "reason": "x"}]},
}


def test_a_config_with_something_odd_in_it_is_read_or_refused_with_its_place(place: Path) -> None:
    rng = random.Random(1)
    for _ in range(60):
        Path("engine.yaml").write_text(json.dumps(changed(CONFIG, rng), indent=1), encoding="utf-8")
        ran = run("lint", *rng.choice([(), ("-e", "prod"), ("--var", "tenant=x")]))
        assert ran.code in (0, 1, 2), ran.output


@pytest.mark.parametrize("data", [b"\xff\xfe", b"\x00", b"a: &a [*a]", b"{" * 5000, b"db: [", b"- x", b"db: ${NOPE}"])
def test_a_config_that_is_none(data: bytes, place: Path) -> None:
    Path("engine.yaml").write_bytes(data)
    for command in (("lint", "specs"), ("plan", "specs", "--db", "app.db")):
        ran = run(*command)
        assert ran.code in (1, 2) and "error: " in ran.output, ran.output


def test_arguments_and_environment_that_nobody_would_give(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(1)
    odd = [t.replace("\x00", "") for t in TEXTS] + ["-1", "0", "--", "\udcff", "../..", "a=b=c", "=", "é=\udcff"]
    options = (
        "--db",
        "--to",
        "--var",
        "-e",
        "--config",
        "--dialect",
        "--format",
        "--batch-size",
        "--max-duration",
        "--plan",
        "--out",
    )
    for _ in range(40):
        args = [rng.choice(("lint", "plan", "status", "list", "rollback", "apply"))]
        args += [rng.choice(("specs", rng.choice(odd)))] if rng.random() < 0.5 else []
        for _ in range(rng.randint(1, 2)):
            args += [rng.choice(options), rng.choice(odd)]
        for name in ("ENGINE_DB", "DATABASE_URL"):
            monkeypatch.setenv(name, rng.choice(odd))
        ran = run(*args)
        assert ran.code in CODES, (args, ran.output)
    assert run("status", "specs", "--db", "app.db").code == 0


def test_history_that_was_tampered_with_is_told_in_words(place: Path) -> None:
    assert run("apply", "specs", "--db", "app.db", "--yes").code == 0
    whole = Path("app.db").read_bytes()
    with closing(sqlite3.connect("app.db")) as database:
        names = [r[0] for r in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        own = [n for n in names if n.startswith("engine_") or n == "migration_history"]
        columns = [(n, r[1]) for n in own for r in database.execute(f'PRAGMA table_info("{n}")')]
    values = (None, "", "x", -1, 2**62, 1.5, b"\x00\xff", "\x1b[31m", "{", "[]", "null", "a\u202eb", "9" * 500)
    rng = random.Random(1)
    for table, column in columns:
        Path("app.db").write_bytes(whole)
        with closing(sqlite3.connect("app.db", isolation_level=None)) as database:
            try:
                database.execute(f'UPDATE "{table}" SET "{column}" = ?', (rng.choice(values),))
            except sqlite3.Error:
                continue  # the table itself refuses it
        for command in rng.sample(COMMANDS, 2):
            ran = run(*command, "--db", "app.db")
            assert ran.code in CODES, f"{table}.{column}: {ran.output}"
            assert "\x1b" not in ran.output and "\u202e" not in ran.output
