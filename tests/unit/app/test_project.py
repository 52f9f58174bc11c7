"""The project: which database, which dialect, which texts."""

from __future__ import annotations

from pathlib import Path

import pytest
from shelf import UPPER, Shelf

from engine import app, dialects
from engine.config import Config
from engine.dialects import Quoting
from engine.errors import EngineError, UsageError
from engine.url import DatabaseUrl


def test_a_database_that_comes_later_is_told_so() -> None:
    for refused in (dialects.known, dialects.load, Quoting):
        with pytest.raises(UsageError, match="does not run on mysql yet"):
            refused("mysql")


def test_a_database_that_nobody_knows_is_told_so() -> None:
    with pytest.raises(UsageError, match="there is no dialect `oracle`") as caught:
        dialects.load("oracle")
    assert caught.value.hint == "one of sqlite, postgresql, mysql, mariadb"


def test_templates_quote_as_the_database_does() -> None:
    quoting = Quoting("sqlite")
    assert quoting.literal("it's") == "'it''s'"
    assert quoting.literal(None) == "NULL" and quoting.literal(3) == "3"
    assert quoting.literal(Path("a'b")) == "'a''b'", "what is no plain value goes in as its text"
    assert quoting.ident('a "b"') == '"a ""b"""'


@pytest.mark.parametrize(
    ("url", "dialect", "kind"),
    [
        (None, "", "sqlite"),
        ("app.db", "", "sqlite"),
        ("postgresql://h/d", "", "postgresql"),
        (None, "mysql", "mysql"),
    ],
)
def test_the_kind_is_the_option_s_else_the_database_s_else_sqlite(url: str | None, dialect: str, kind: str) -> None:
    project = app.Project(url=DatabaseUrl.parse(url) if url else None, dialect_name=dialect)
    assert project.kind == kind


def test_another_database_is_refused_as_such_by_every_use_case(shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    project = app.Project(Path("specs"), DatabaseUrl.parse("mysql://u:secret@h/app.db"))
    for use in (app.plan, app.apply, app.rollback, app.lint, app.history, app.snapshot, app.current_version):
        with pytest.raises(UsageError, match="does not run on mysql yet") as caught:
            use(project)
        assert "secret" not in str(caught.value) + caught.value.hint


def test_a_new_database_is_one_that_apply_would_make(shelf: Shelf) -> None:
    def new(url: str) -> bool:
        return app.Project(url=DatabaseUrl.parse(url)).is_new

    assert new("new.db") and new("sqlite:///new.db")
    assert not new("app.db") and not new(":memory:") and not new("postgresql://h/nowhere")
    assert not app.Project().is_new


def test_variables_of_the_command_win_over_the_config_s_and_those_over_the_spec_s(shelf: Shelf) -> None:
    shelf.spec(
        "001",
        "  - transform: {table: t, set: {v: {value: '{{ a }}{{ b }}{{ c }}'}}, where: 'true', expect_rows: 3}\n",
        vars="{a: s, b: s, c: s}",
    )
    shelf.project_fields = {"config": Config(vars={"b": "c", "c": "c"}), "variables": {"c": "v"}}
    shelf.apply()
    assert shelf.rows()[0] == (1, "scv")


def test_a_plan_file_s_texts_stand_in_for_a_folder_that_is_gone(shelf: Shelf) -> None:
    text = f'version: "001"\ndescription: From a file\nsteps:\n{UPPER}'
    specs, found, count = shelf.project(specs=None, texts=(("specs/001_a.yaml", text),)).read()
    assert [(s.version, s.source.name) for s in specs] == [("001", "specs/001_a.yaml")]
    assert (found, count) == ((), 1)
    specs, found, count = shelf.project(specs=None, texts=(("001_a.yaml", "steps: ["),)).read()
    assert (specs, [d.rule for d in found], count) == ((), ["SP101"], 1)


def test_no_folder_and_no_texts_are_no_specs(shelf: Shelf) -> None:
    assert shelf.project(specs=None).read() == ((), (), 0)


def test_a_folder_that_is_not_there_is_wrong_use(shelf: Shelf) -> None:
    with pytest.raises(UsageError, match="there is no `nowhere`"):
        shelf.project(specs=Path("nowhere")).read()
    with pytest.raises(EngineError, match="there are no specs in `specs`"):
        shelf.project().read()
