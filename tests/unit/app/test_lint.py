"""`lint` as a use-case: between files, against a database's history, and what specs and config ignore."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from shelf import COLUMN, INDEX, UPPER, Shelf

from engine import app
from engine.cli.main import cli
from engine.config import Config, IgnoreConfig, LintConfig
from engine.errors import EngineError
from tests.support.command import document, run

COPY = "  - create: {table: u, columns: {id: {type: integer, primary_key: true}, v: text}}\n"
COPY += "  - copy: {from: t, into: u, columns: same}\n"
CREATE_T = "  - create: {table: t, columns: {id: {type: integer, primary_key: true}, v: text}}\n"
SQL = '  - sql: "UPDATE t SET v = 1"\n'


# ── between files ─────────────────────────────────────────────────────────
def test_two_files_with_one_version_show_each_other(shelf: Shelf) -> None:
    shelf.spec("001", CREATE_T)
    shelf.spec("001", COLUMN, name="twice")
    (finding,) = document_of_lint(1)["findings"]
    assert (finding["rule"], finding["file"]) == ("VC101", "specs/001_twice.yaml")
    assert (finding["line"], finding["column"]) == (1, 10)
    (other,) = finding["related"]
    assert (other["file"], other["line"]) == ("specs/001_spec.yaml", 1)


def test_a_file_without_a_version_in_its_name_is_a_finding(shelf: Shelf) -> None:
    shelf.spec("001", CREATE_T)
    Path("specs/notes_of_may.yaml").write_text("a: 1\n", encoding="utf-8")
    Path("specs/_draft.yaml").write_text("nonsense: [\n", encoding="utf-8")
    (line,) = shelf.lint()
    assert line.startswith("specs/notes_of_may.yaml:1:1 VC102 error `notes_of_may.yaml` has no version")


def test_versions_that_require_each_other_go_in_a_circle(shelf: Shelf) -> None:
    shelf.spec("001", CREATE_T, requires='["003"]')
    shelf.spec("002", COLUMN, requires='["001"]')
    shelf.spec("003", INDEX, requires='["002"]')
    (line,) = shelf.lint()
    assert line.startswith("specs/001_spec.yaml:3:") and "VC107 error `requires` goes in a circle: 001 → 003" in line


def test_a_version_that_requires_itself_goes_in_a_circle(shelf: Shelf) -> None:
    shelf.spec("001", CREATE_T, requires='"001"')
    (line,) = shelf.lint()
    assert "VC107 error `requires` goes in a circle: 001 → 001" in line


def test_a_version_that_requires_a_later_or_unknown_one_is_refused(shelf: Shelf) -> None:
    shelf.spec("001", CREATE_T, requires='"002"')
    shelf.spec("002", COLUMN, requires='["001x", "001"]')
    late, unknown = sorted(shelf.lint(), key=lambda line: "002_spec" in line)
    assert "VC107" in late, "001 needs 002, which needs 001"
    assert "VC108 error 002 requires 001x, and there is no such version" in unknown
    shelf.spec("002", COLUMN)
    (line,) = shelf.lint()
    assert "VC108 error 001 requires 002, which comes later" in line
    assert run("apply", "--db", "app.db", "--yes", "specs").code == 1


def test_requires_of_an_earlier_version_is_fine(shelf: Shelf) -> None:
    shelf.spec("001", CREATE_T)
    shelf.spec("002", COLUMN, requires='["001"]')
    shelf.spec("010", INDEX, requires='["001", "002"]')
    assert shelf.lint() == []


def test_a_folder_without_specs_is_told(shelf: Shelf) -> None:
    with pytest.raises(EngineError, match="there are no specs in `specs`"):
        app.lint(shelf.project(url=None))


def test_single_files_and_several_folders_can_be_linted(shelf: Shelf) -> None:
    first = shelf.spec("001", CREATE_T)
    shelf.spec("002", "  - drop: {table: nowhere}\n")
    result = app.lint(shelf.project(url=None), [first])
    assert (result.files, result.diagnostics) == (1, ())
    Path("more").mkdir()
    Path("more/003_more.yaml").write_text('version: "003"\ndescription: More\nsteps:\n' + INDEX, encoding="utf-8")
    assert app.lint(shelf.project(url=None), [Path("more"), first]).files == 2


# ── without and with a database ───────────────────────────────────────────
def test_without_a_database_a_table_that_no_spec_makes_is_a_warning(shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    (line,) = shelf.lint()
    assert "RF101 warning no spec makes `t`, and without a database nothing is known of it" in line
    assert shelf.lint(database=True) == []
    assert run("lint", "specs").code == 0 and run("lint", "--strict", "specs").code == 1


def test_a_snapshot_in_the_config_stands_in_for_the_database(shelf: Shelf) -> None:
    Path("schema.json").write_text(app.snapshot(shelf.project()), encoding="utf-8")
    shelf.project_fields["config"] = Config(schema=Path("schema.json"))
    shelf.spec("001", UPPER)
    assert shelf.lint() == []
    shelf.spec("002", "  - index: {table: t, columns: [x]}\n")
    (line,) = shelf.lint()
    assert "RF102 error" in line


def test_with_a_database_lint_looks_at_its_history(shelf: Shelf) -> None:
    shelf.spec("001", UPPER)
    gone = shelf.spec("002", COLUMN)
    shelf.apply()
    gone.unlink()
    shelf.spec("001", INDEX)
    shelf.spec("001a", INDEX)
    found = {line.split()[1]: line for line in shelf.lint(database=True)}
    assert found.keys() == {"VC104", "VC105", "VC106"}
    assert found["VC105"].startswith("specs/001_spec.yaml:1:10 VC105 error")
    assert found["VC104"].startswith("specs/001a_spec.yaml:1:10 VC104 error version 001a is pending")
    assert found["VC106"] == "- VC106 warning version 002 is applied, and no file has it"
    assert not [line for line in shelf.lint() if " VC" in line], "without a database there is no history"


def test_with_a_database_only_what_is_pending_is_planned_on_it(shelf: Shelf) -> None:
    shelf.spec("001", "  - rename: {table: t, to: u}\n")
    shelf.apply()
    assert shelf.lint(database=True) == []
    shelf.spec("002", "  - drop: {table: t}\n")
    (line,) = shelf.lint(database=True)
    assert "002_spec" in line and "RF101" in line


def test_during_an_unfinished_migration_lint_tells_what_it_can(shelf: Shelf) -> None:
    shelf.spec("001", INDEX + COLUMN, transaction="step")
    assert shelf.interrupted_apply().error is not None
    assert shelf.lint(database=True) == []
    shelf.spec("002", "  - dorp: {table: t}\n")
    (line,) = shelf.lint(database=True)
    assert "SP102" in line


# ── ignores of specs ──────────────────────────────────────────────────────
def test_a_finding_goes_where_the_spec_says_why(shelf: Shelf) -> None:
    shelf.spec("001", CREATE_T + COPY)
    (line,) = shelf.lint()
    assert "DT107 error" in line
    shelf.spec("001", CREATE_T + COPY, ignore="[{rule: DT107, reason: counted by hand}]")
    assert shelf.lint() == []


def test_an_ignore_without_a_reason_is_no_ignore(shelf: Shelf) -> None:
    shelf.spec("001", CREATE_T + SQL, ignore="[{rule: RB101}]")
    found = shelf.lint()
    assert any("RB101" in line or "SP118" in line or "reason" in line for line in found), found
    assert run("plan", "--dialect", "sqlite", "specs").code == 1


def test_an_ignore_of_an_unknown_rule_is_told(shelf: Shelf) -> None:
    shelf.spec("001", CREATE_T, ignore="[{rule: DT999, reason: old}]")
    (line,) = shelf.lint()
    assert line.startswith("specs/001_spec.yaml:3:") and "SP116 warning there is no rule `DT999`" in line


# ── the config ────────────────────────────────────────────────────────────
def configured(shelf: Shelf, **lint: object) -> Shelf:
    """Put a `lint:` section into the config."""
    shelf.project_fields["config"] = Config(lint=replace(LintConfig(), **lint))  # type: ignore[arg-type]
    return shelf


def test_the_config_ignores_by_file(shelf: Shelf) -> None:
    shelf.spec("001", CREATE_T + COPY)
    shelf.spec("002", "  - copy: {from: t, into: u, columns: same}\n")
    entry = IgnoreConfig("DT107", "old ones", ("specs/001",))
    (line,) = configured(shelf, ignore=(entry,)).lint()
    assert "002_spec" in line
    assert configured(shelf, ignore=(replace(entry, paths=("specs/00*",)),)).lint() == []
    assert configured(shelf, ignore=(replace(entry, paths=()),)).lint() == []


def test_the_config_must_say_why_where_a_rule_asks_for_it(shelf: Shelf) -> None:
    shelf.spec("001", CREATE_T + SQL)
    lines = configured(shelf, ignore=(IgnoreConfig("RB101", ""),)).lint()
    assert any("RB101 error" in line for line in lines) and any("SP118 error" in line for line in lines)
    assert configured(shelf, ignore=(IgnoreConfig("RB101", "scripts are thrown away"),)).lint() == []


@pytest.mark.parametrize(
    ("severity", "left"),
    [("warning", ["warning"]), ("info", ["info"]), ("error", ["error"]), ("off", [])],
)
@pytest.mark.parametrize("word", ["DT107", "copy-without-count-assertion"])
def test_the_config_sets_severities(word: str, severity: str, left: list[str], shelf: Shelf) -> None:
    shelf.spec("001", CREATE_T + COPY)
    found = configured(shelf, severity=((word, severity),)).lint()
    assert [line.split()[2] for line in found] == left


def test_the_config_has_no_say_over_what_makes_a_plan_untrusted(shelf: Shelf) -> None:
    shelf.spec("001", "  - dorp: {table: t}\n")
    shelf.spec("002", CREATE_T + "  - index: {table: t, columns: [x]}\n")
    configured(
        shelf,
        severity=(("SP102", "off"), ("RF102", "warning")),
        ignore=(IgnoreConfig("RF102", "it is there"), IgnoreConfig("SP", "all fine")),
    )
    assert [line.split()[1:3] for line in shelf.lint()] == [["SP102", "error"], ["RF102", "error"]]


def test_what_the_config_lowers_stands_in_no_plan_s_way(shelf: Shelf) -> None:
    shelf.spec("001", COPY)
    assert run("plan", "--db", "app.db", "specs").code == 1
    Path("engine.yaml").write_text("lint: {severity: {DT107: warning}}\n", encoding="utf-8")
    ran = run("plan", "--db", "app.db", "specs")
    assert ran.code == 0 and "DT107" in ran.output
    assert run("apply", "--db", "app.db", "--yes", "specs").code == 0


def test_the_file_of_the_config_works_on_the_command_line(shelf: Shelf) -> None:
    shelf.spec("001", CREATE_T + COPY)
    Path("engine.yaml").write_text(
        'lint: {ignore: [{rule: DT107, reason: old ones, paths: ["specs/00*"]}]}\n', encoding="utf-8"
    )
    assert document("lint", "specs")["findings"] == []


# ── parts ─────────────────────────────────────────────────────────────────
def document_of_lint(code: int) -> dict[str, list[dict[str, object]]]:
    """Return the document of `engine lint specs`."""
    result = CliRunner().invoke(cli, ["lint", "specs", "--format", "json"])
    assert result.exit_code == code, result.output
    found: dict[str, list[dict[str, object]]] = json.loads(result.stdout)
    return found
