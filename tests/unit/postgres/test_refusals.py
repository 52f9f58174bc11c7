"""What is refused for PostgreSQL, by name and before anything is sent. No server is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import document, run

MADE = """version: "001"
description: Tables to work on
steps:
  - create: {table: artists, columns: {id: {type: integer, primary_key: true}, name: text}}
  - create:
      table: albums
      columns:
        id: {type: integer, primary_key: true, auto_increment: true}
        title: {type: "varchar(20)", nullable: false}
        artist: {type: integer, references: {table: artists}}
        slug: {type: text, generated: "lower(title)"}
      checks: {ck_title: "title <> ''"}
  - create: {table: bare, columns: {a: text, b: integer}}
  - create: {view: titles, as: "SELECT id, title FROM albums"}
  - index: {table: albums, columns: [title], name: by_title}
"""
REFUSED = {
    "alter: {table: albums, drop: [title]}": ("RF107", "need `albums.title`"),
    "alter: {table: albums, change: {title: {type: text}}}": ("RF107", "`column slug` and `view titles` need"),
    "alter: {table: albums, change: {slug: {type: integer}}}": ("SP111", "a generated column can't be changed"),
    "alter: {table: albums, change: {titel: {type: text}}}": ("RF102", "did you mean `title`?"),
    "alter: {table: albums, add: {title: text}}": ("RF103", "has a column `title` already"),
    "alter: {table: albums, add: {n: {type: text, collate: nocase}}}": ("SP111", "no collation `nocase`"),
    "alter: {table: albums, add: {n: {type: text, auto_increment: true}}}": ("SP111", "can't number itself"),
    "alter: {table: albums, drop_constraints: [nope]}": ("RF104", "has no constraint nope"),
    "alter: {table: artists, drop_constraints: [artists_pkey]}": ("RF107", "refers to `artists_pkey`"),
    "alter: {table: albums, add_foreign_keys: [{columns: [id], references: {table: bare}}]}": (
        "CN103",
        "no primary or",
    ),
    "alter: {table: bare, drop: [a]}": ("SP111", "`bare` has no key"),
    "alter: {table: titles, add: {n: text}}": ("RF111", "`titles` is a view"),
    "alter: {table: albums, options: {postgresql: {fillfactor: 70}}}": ("SP111", "options of tables"),
    "drop: {table: artists}": ("RF107", "the foreign key"),
    "drop: {table: albums}": ("RF107", "the view `titles` needs `albums`"),
    "drop: {index: nope}": ("RF104", "there is no index `nope`"),
    "drop: {index: albums_pkey}": ("RF104", "it belongs to a constraint"),
    "rename: {table: artists, to: albums}": ("RF103", "there is a table `albums` already"),
    "rename: {table: artists, to: engine_x}": ("RF113", "the engine keeps"),
    "create: {table: by_title, columns: {id: integer}}": ("RF103", "there is an index `by_title` already"),
    "create: {table: a.b, columns: {id: integer}}": ("SP111", "names a schema"),
    "create: {view: v, as: 'DELETE FROM bare'}": ("SP110", "a query is wanted here"),
    "create: {view: v, as: 'SELECT nope FROM bare'}": ("RF102", "there is no column `nope` here"),
    "create: {view: v, as: 'SELECT id FROM albums, artists'}": ("RF110", "more than one table"),
    "index: {table: albums, columns: [{column: title, length: 3}]}": ("SP111", "left(title, 3)"),
    "index: {table: albums, columns: [{column: title, opclass: 'x; --'}]}": ("SP110", "is no operator class"),
    "transform: {table: albums, set: {title: titel}, where: 'true'}": ("RF102", "did you mean `title`?"),
    "transform: {table: albums, set: {title: 'max(title)'}, where: 'true'}": ("SP110", "an aggregate"),
    "transform: {table: albums, set: {slug: title}, where: 'true'}": ("SP110", "is generated"),
    "transform: {table: albums, set: {title: 'title ||'}, where: 'true'}": ("SP110", "PostgreSQL would refuse this"),
    "transform: {table: albums, set: {title: title}, where: 'nope.x = 1'}": ("RF101", "there is no table `nope` here"),
    "sql: {postgresql: 'DROP TABLE bare'}": ("SP111", "can't follow yet"),
    "sql: {postgresql: 'COMMIT'}": ("TX103", "ends or begins a transaction"),
    "sql: {postgresql: 'SET search_path = x'}": ("SP111", "changes how the whole session works"),
    "sql: {postgresql: 'UPDATE nope SET a = 1'}": ("RF101", "there is no table or view `nope`"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with specs, and no server."""
    monkeypatch.chdir(tmp_path)
    Path("specs").mkdir()
    Path("specs/001_made.yaml").write_text(MADE, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("step", REFUSED, ids=[s[:60] for s in REFUSED])
def test_it_is_refused_by_name(folder: Path, step: str) -> None:
    rule, words = REFUSED[step]
    text = f'version: "002"\ndescription: One step\nsteps:\n  - {step}\n'
    Path("specs/002_step.yaml").write_text(text, encoding="utf-8")
    ran = run("plan", "--dialect", "postgres", "specs")
    assert ran.code == 1, ran.output
    assert f"error[{rule}]" in ran.output and words in ran.output, ran.output


def test_what_is_not_refused_is_planned_with_its_way_back(folder: Path) -> None:
    plan = document("plan", "--dialect", "postgresql", "specs")
    (migration,) = plan["migrations"]
    assert migration["reversible"] and plan["dialect"] == "postgresql"
    made = [s["sql"] for s in migration["statements"] if s["purpose"] == "change"]
    assert made[-2:] == [
        'CREATE VIEW "titles" AS SELECT id, title FROM albums',
        'CREATE INDEX "by_title" ON "albums" ("title")',
    ]


def test_without_the_library_the_way_to_get_it_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    ran = run("status", "--db", "postgresql://u:secret@h/d", "specs")
    assert ran.code == 2, ran.output
    assert "pip install 'migration-engine[postgres]'" in ran.output and "secret" not in ran.output
