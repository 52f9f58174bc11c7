"""Specs that nobody would write: the pages of tests/cases, changed at random as trees and as text."""

from __future__ import annotations

import copy
import random
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

CASES = Path(__file__).parents[1] / "cases"
DATABASE = """
CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT, n REAL);
CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT UNIQUE, a_id INTEGER REFERENCES a (id));
CREATE TABLE albums (id INTEGER PRIMARY KEY, title TEXT, price NUMERIC);
CREATE VIEW w AS SELECT id, v FROM t;
INSERT INTO a VALUES (1, 'x', 1.5), (2, NULL, 'odd');
INSERT INTO t VALUES (1, 'y', 1), (2, 'z', 2);
"""
TEXTS = (
    "", " ", "x", "id", "{{ a }}", "{{ nope }}", "{% for a in b %}", "{{ 'x' * 9 }}", "{{ a.__class__ }}", "';--",
    "a; b", "(", "now()", "no", "all", "same", "auto", "true", "1e999", "9" * 400, "x" * 3000, "((" * 500, "\u202e",
    "a\u200bb", "\x1b[31m", "é" * 130, "engine_x", "sqlite_y", "migration_history", "SELECT 1", "SELECT abs(-9223372036854775808)",
    "load_extension('x')", "(SELECT v FROM t)", "CASE", "/*", "-- x", "\"id\"", "`id`", "[id]", "id COLLATE nosuch",
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT max(x) FROM c", "randomblob(9999999999)",
)  # fmt: skip
ODD: tuple[Any, ...] = (
    *TEXTS, None, True, False, 0, -1, 5, 1.5, 2**63, 2**64, -(2**63), float("1e308"),
    [], {}, [[]], [None], [[[]]], {"x": None}, {"sqlite": "a"}, {"other": "a"}, {"sql": {"sqlite": "a"}}, {"value": [1]},
    {"value": None}, {"parse": 1}, {"parse": "v", "as": "date", "formats": []}, ["a", "a"], [{"column": "a"}],
    {"a": {"b": {"c": "d"}}}, {"min": 5, "max": 1}, {"table": "t"}, {"sql": "SELECT 1"}, {"steps": []},
)  # fmt: skip
KEYS = (
    "x", "sqlite", "sql", "value", "column", "columns", "table", "where", "id", "undo", "steps", "drop", "5", "", "from",
    "into", "when", "for_each", "key", "set", "irreversible", "ignore", "add", "change", "a\u200b", "transaction", "vars",
)  # fmt: skip
SPLICES = ("{", "}", "[", "]", ": ", "- ", "#", "&x ", "*x", "!t ", "|", ">", "\t", "\n", "'", '"', "\\", "%", "@", "`",
           "---\n", "...\n", "? ", "<<: ", "{{ ", " }}", "\x85", "\u2028", "\x00", "\ufeff", "\r", ",", "  ")  # fmt: skip


@cache
def pages() -> tuple[str, ...]:
    """Return the specs of all cases, those that can't be meant included."""
    found: list[str] = []
    for file in sorted(CASES.glob("*/**/*.yaml")):
        text = file.read_text(encoding="utf-8")
        if file.parent.name == "malformed" or "contract" in file.parts:
            found.append(text)
            continue
        for page in yaml.safe_load_all(text):
            if isinstance(page.get("steps"), str):
                found.append(f'version: "001"\ndescription: A case\nsteps:\n{page["steps"]}')
            found += [page["spec"]] if isinstance(page.get("spec"), str) else []
            found += page.get("specs", {}).values()
    return tuple(found)


@cache
def trees() -> tuple[Any, ...]:
    """Return those specs that plain YAML reads, as data."""
    found = []
    for text in pages():
        if re.search(r"[ :]&\w", text):
            continue  # what its aliases stand for would be walked here, place by place
        try:
            data = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError):
            continue
        if isinstance(data, dict) and isinstance(data.get("steps"), list):
            found.append(data)
    return tuple(found)


def spots(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of everything in `node`."""
    if len(path) > 12:
        return [path]
    below = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(p for key, value in below for p in spots(value, (*path, key)))]


def changed_tree(rng: random.Random) -> str:
    """Return a spec in which one to three values or keys are something else, or come from another spec."""
    data = copy.deepcopy(rng.choice(trees()))
    data["version"] = "001"
    for _ in range(rng.randint(1, 3)):
        places = [p for p in spots(data)[1:] if p != ("version",)]
        if not places:
            break
        path = rng.choice(places)
        node = data
        for key in path[:-1]:
            node = node[key]
        kind = rng.randrange(6)
        if kind == 0:
            node[path[-1]] = copy.deepcopy(rng.choice(ODD))
        elif kind == 1:
            del node[path[-1]]
        elif kind == 2 and isinstance(node, dict):
            node[rng.choice(KEYS)] = node.pop(path[-1])
        elif kind == 3 and isinstance(node, dict):
            node[rng.choice(KEYS)] = copy.deepcopy(rng.choice(ODD))
        elif kind == 4 and isinstance(node[path[-1]], str):
            node[path[-1]] = node[path[-1]] + rng.choice(TEXTS)
        elif isinstance(data.get("steps"), list):
            data["steps"] += copy.deepcopy(rng.choice(trees())["steps"][:2])
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, default_flow_style=rng.random() < 0.4)


def changed_text(rng: random.Random) -> str:
    """Return a spec in which pieces of text were put in, taken out, doubled or swapped."""
    text = rng.choice(pages())
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text) + 1)
        to = min(len(text), at + rng.randint(0, 20))
        kind = rng.randrange(5)
        if kind == 0:
            text = text[:at] + rng.choice(SPLICES) + text[at:]
        elif kind == 1:
            text = text[:at] + text[to:]
        elif kind == 2:
            text = text[:to] + text[at:to] * rng.choice((1, 2, 50)) + text[to:]
        elif kind == 3:
            text = text[:at] + chr(rng.choice((rng.randrange(0x20, 0x7F), rng.randrange(0xD800), 0x1F600))) + text[at:]
        else:
            text = text[:at] + rng.choice(TEXTS) + text[to:]
    return text


def spec(seed: int) -> str:
    """Return the spec of a seed; a third of them changed as text."""
    rng = random.Random(seed)
    return changed_text(rng) if seed % 3 == 0 else changed_tree(rng)
