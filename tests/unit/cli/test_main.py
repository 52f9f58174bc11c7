"""`engine` itself: help, wrong use, quick start."""

from __future__ import annotations

import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner, Result

from engine import __version__
from engine.cli.commands import change
from engine.cli.main import Engine, cli
from engine.cli.options import LINT_FORMATS, duration
from engine.lint.report import FORMATS

CONTEXT = click.Context(cli)
COMMANDS = {name: command for name in cli.list_commands(CONTEXT) if (command := cli.get_command(CONTEXT, name))}


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, list(args))


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    heavy = ("jsonschema", "jinja2", "sqlglot", "rich", "yaml", "sqlite3")
    program = f"import sys, engine.cli.main; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_command_is_imported_when_it_is_asked_for() -> None:
    program = (
        "import sys, engine.cli.main as m\n"
        "context = m.click.Context(m.cli); found = m.cli.get_command(context, 'lint')\n"
        "assert found.name == 'lint' and m.cli.get_command(context, 'lnt') is None\n"
        "print(sorted(n for n in sys.modules if n.startswith('engine.cli.commands.')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "['engine.cli.commands.checking']\n"


def test_engine_alone_shows_what_there_is_and_how_to_start() -> None:
    result = run()
    assert result.exit_code == 0
    for name in ("lint plan apply migrate rollback status list history verify finalize snapshot schema").split():
        assert f"\n  {name} " in result.stdout
    assert result.stdout.endswith("Start with:\n  engine lint specs\n  engine plan specs --db app.db\n")
    assert "..." not in result.stdout.split("Commands:")[1].split("Start with")[0]


def test_python_dash_m_is_the_same_program() -> None:
    done = subprocess.run([sys.executable, "-m", "engine", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"engine {__version__}\n")
    wrong = subprocess.run([sys.executable, "-m", "engine", "no"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2 and wrong.stderr.startswith("error: there is no command `no`\n")


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_each_help_ends_with_examples_that_parse(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    lines = result.stdout.split("Examples:\n")[1].splitlines()
    assert 1 <= len(lines) <= 3
    for line in lines:
        words = line.strip().split(" && ")[0].split(" > ")[0].split()
        assert words[0] == "engine"
        cli.make_context("engine", words[1:], resilient_parsing=False)
        COMMANDS[words[1]].make_context(words[1], words[2:])


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_options_that_mean_the_same_are_everywhere(command: str) -> None:
    names = {name for param in COMMANDS[command].params for name in param.opts}
    assert {"--db", "--format", "--var", "-e", "--env", "--yes", "--config", "--no-cache", "--debug"} <= names


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["pln"], "error: there is no command `pln`\nhint: did you mean `engine plan`?\n"),
        (["zzzzz"], "hint: there are apply, finalize, history"),
        (["plan", "--bach"], "error: there is no option `--bach`\nhint: did you mean `--batch-size`?\n"),
        (["plan", "--zzzzzzz"], "hint: `engine plan --help` shows what there is\n"),
        (["plan", "--format", "xml"], "error: --format: 'xml' is not one of 'text', 'json'"),
        (["lint", "--var", "x"], "error: --var: `x` is not NAME=VALUE\n"),
        (["finalize"], "error: VERSION is missing\nhint: `engine finalize --help` shows how it is used\n"),
        (["snapshot"], "error: --out is missing\n"),
        (["plan", "a", "b"], "error: got unexpected extra argument (b)\n"),
        (
            ["apply", "--lock-wait", "5q"],
            "error: --lock-wait: `5q` is no duration: write 30s, 5m, 1h30m or a number of seconds\n",
        ),
        (["apply", "--batch-size", "0"], "error: --batch-size: 0 is not in the range x>=1\n"),
        (["rollback", "--to", "1", "--steps", "2"], "error: --steps and --to can't be given together\n"),
        (["lint", "--explain", "VA10"], "error: there is no rule `VA10`\nhint: did you mean VA110?\n"),
        (["lint", "--explain", "nope"], "hint: `engine lint --list-rules` shows them all\n"),
    ],
)
def test_wrong_use_is_2_in_our_words(args: list[str], words: str) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert result.stderr.startswith(words) or words in result.stderr
    assert result.stdout == "" and "Usage:" not in result.stderr


def test_wrong_use_is_a_document_where_json_is_asked_for() -> None:
    for args in (["plan", "--format", "json", "--nope"], ["plan", "--format=json", "a", "b"]):
        result = run(*args)
        assert result.exit_code == 2
        assert json.loads(result.stdout)["error"]["code"] == "usage"


def test_rules_are_listed_and_explained_without_any_spec() -> None:
    listed = run("lint", "--list-rules")
    assert listed.exit_code == 0 and "VA101  error    tautological-validate" in listed.stdout
    by_name = run("lint", "--explain", "tautological-validate")
    assert by_name.stdout == run("lint", "--explain", "va101").stdout
    assert by_name.stdout.startswith("VA101 tautological-validate (error)\n")
    as_json = json.loads(run("lint", "--list-rules", "--format", "json").stdout)
    assert {"id", "name", "severity", "summary", "can_be_ignored"} <= as_json["rules"][0].keys()


def test_formats_of_lint_are_those_of_the_report() -> None:
    assert LINT_FORMATS == FORMATS


def test_migrate_takes_what_apply_takes() -> None:
    assert change.migrate.params == change.apply.params
    assert isinstance(cli, Engine)


@pytest.mark.parametrize(
    ("text", "expected"), [("30s", 30.0), ("5m", 300.0), ("1h", 3600.0), ("250ms", 0.25), ("1.5", 1.5)]
)
def test_durations_are_read_with_their_unit(text: str, expected: float) -> None:
    context = click.Context(cli)
    assert duration(context, cli.params[0], text) == expected
    assert duration(context, cli.params[0], None) is None
