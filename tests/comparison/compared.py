"""What other linters find, case by case, with the spec that proves that we find it; and the page about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from engine.lint.base import find, registry

GIVEN = """
CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, name VARCHAR(50), age INTEGER, country TEXT NOT NULL);
CREATE INDEX idx_users_email ON users (email);
CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER, total INTEGER, note TEXT);
CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id), body TEXT);
CREATE INDEX idx_posts_user ON posts (user_id);
"""
HEAD = """# Beside other linters

<!-- Made by `make docs` from tests/comparison/cases.yaml; each row with a rule is a test that lints such a spec. -->

What squawk 2.50 and strong_migrations 2.5 find on PostgreSQL and MySQL, and what the analyzers of Atlas (its open
part) and of Spirit find, against what `engine lint` says of a spec that does the same. *No need* says why a typed step
can't be wrong so; *not yet* is what nobody tells you here.
"""


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield tool and case."""
    text = Path(__file__).with_name("cases.yaml").read_text(encoding="utf-8")
    for tool, found in yaml.safe_load(text).items():
        for case in found:
            yield tool, case


def page_of(case: dict[str, Any]) -> dict[str, Any]:
    """Return the world and the spec of a case, as a page of tests/cases/lint has them."""
    page: dict[str, Any] = {"given": GIVEN}
    if case.get("policy"):
        page["config"] = "zero_downtime: true"
    if "specs" in case:
        return {**page, "specs": case["specs"]}
    dialects, steps = case.get("dialects", ""), case.get("steps", "")
    for dialect in ("sql", "mysql"):
        if dialect in case:
            name = "postgresql" if dialect == "sql" else "mysql"
            dialects = f"sqlite, {name}"
            text = case[dialect].replace("'", "''")
            steps = f"- sql: {{sqlite: SELECT 1, {name}: '{text}'}}\n    irreversible: a case"
    head = f"dialects: [{dialects}]\n" if dialects else ""
    return {**page, "spec": f'version: "001"\ndescription: A case\n{head}steps:\n  {steps}\n'}


def comparison_page() -> str:
    """Return docs/comparison-lint.md."""
    found, tool = [HEAD], ""
    told: set[str] = set()
    for name, case in cases():
        if name != tool:
            tool = name
            found.append(f"\n## {tool}\n\n| their rule | ours | |\n|---|---|---|\n")
        rules = [rule for rule in map(find, case.get("ours", ())) if rule is not None]
        told |= {rule.id for rule in rules} | set(case.get("near", ()))
        ours = ", ".join(f"{rule.id} `{rule.name}`" for rule in rules)
        words = "under `zero_downtime`" if case.get("policy") else "in `sql`" if {"sql", "mysql"} & set(case) else ""
        ours, words = ("no need", case["never"]) if "never" in case else (ours, words)
        ours, words = ("not yet", case["open"]) if "open" in case else (ours, words)
        found.append(f"| {case['theirs']} | {ours} | {words} |\n")
    rest = [rule for rule in registry() if rule.id not in told]
    found.append(f"\n## Only here\n\n{len(rest)} of {len(registry())} rules have no counterpart above:\n\n")
    found += [f"- {rule.id} `{rule.name}`: {rule.summary}\n" for rule in rest]
    return "".join(found)
