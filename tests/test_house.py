"""The rules of the house that no tool knows, and: what is written about the engine is true."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.command import run

ROOT = Path(__file__).resolve().parents[1]
ENGINE = sorted((ROOT / "engine").rglob("*.py"))
PURE = ("model", "steps", "plan", "lint")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def calls(tree: ast.AST) -> list[ast.Call]:
    """Return all calls below `tree`."""
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for such an expression, else "…" in place of what has no name."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "…"


@pytest.mark.parametrize("file", ENGINE, ids=lambda p: str(p.relative_to(ROOT)))
def test_source_keeps_the_house_rules(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert len(text.splitlines()) <= 400, "a file answers one question: split it"
    assert ast.get_docstring(tree) or not tree.body, "a module says which question it answers"
    assert not re.search(r"#\s*(TODO|FIXME|XXX)|pragma: no cover|# type: ignore(?!\[)", text)
    if "dialects" not in file.parts:
        assert not re.search(r"dialect\.name *(==|!=|in\b)", text), "ask features, not the name"
    for call in calls(tree):
        called = dotted(call.func)
        if called != "….executescript":  # `super()`: the connection lent to a migration in Python guards it
            assert not called.endswith("executescript"), "it commits behind the executor's back"
        assert called not in ("yaml.load", "yaml.safe_load", "eval", "exec", "os.system"), called
        assert not any(k.arg == "shell" for k in call.keywords), called
        if called.split(".")[-1] == "Environment":
            assert any(k.arg == "autoescape" for k in call.keywords), "templates of users go to the sandbox"
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.ExceptHandler) and n.type is None], "bare except"
    if file.relative_to(ROOT / "engine").parts[0] in PURE:
        imported = {a.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        imported |= {(n.module or "").split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        assert not imported & {"time", "random", "os", "sqlite3", "socket", "subprocess"}, "this floor is pure"


def test_verbs_do_not_look_at_each_other() -> None:
    from engine.steps.base import verbs

    modules = {cls.__module__ for cls in verbs().values()}
    for module in modules:
        file = ROOT / f"{module.replace('.', '/')}.py"
        tree = ast.parse(file.read_text(encoding="utf-8"))
        imported = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        assert not imported & (modules - {module}), f"{module}: what two verbs share has a module of its own"


def test_schema_json_is_fresh() -> None:
    made = subprocess.run([sys.executable, "-m", "engine.spec.derive"], cwd=ROOT, capture_output=True, check=True)
    assert made.stdout == (ROOT / "schema.json").read_bytes(), "run make schema"


def test_pages_are_fresh() -> None:
    from tests.scaffold.pages import PAGES

    for name, page in PAGES.items():
        assert (ROOT / name).read_text(encoding="utf-8") == page(), f"{name} is stale: run make docs"


def test_every_verb_has_cases_and_a_line_in_the_readme() -> None:
    from engine.steps.base import verbs

    for verb in verbs():
        assert list((ROOT / "tests" / "cases" / verb).glob("*.yaml")), f"no case for {verb}"
        assert re.search(rf"^\| `{verb}` \|", README, re.MULTILINE), f"{verb} is not in the README's table"


def test_every_command_is_in_the_readme_and_shows_help() -> None:
    import click

    from engine.cli.main import cli

    names = cli.list_commands(click.Context(cli))
    assert len(names) >= 12
    for name in names:
        assert f"engine {name}" in README, f"engine {name} is not in the README"
        assert run(name, "--help").code == 0


def test_every_exit_code_is_in_the_readme() -> None:
    from engine import errors

    codes = {c.exit_code for c in vars(errors).values() if isinstance(c, type) and hasattr(c, "exit_code")}
    for code in codes | {0, 130}:
        assert re.search(rf"^\| {code} \|", README, re.MULTILINE), f"exit code {code} is not in the README"


def test_the_first_spec_of_the_readme_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("specs").mkdir()
    blocks = re.findall(r"```yaml\n# (specs/\S+)\n(.*?)```", README, re.DOTALL)
    assert blocks
    for name, text in blocks:
        Path(name).write_text(text, encoding="utf-8")
    shell = re.search(r"```sh\n(engine lint.*?)```", README, re.DOTALL)
    assert shell
    for line in shell[1].splitlines():
        words = line.split("#")[0].split()
        if words[:1] == ["engine"]:
            ran = run(*words[1:], *(["--yes"] if words[1] in ("apply", "rollback") else []))
            assert ran.code == 0, f"{line}: {ran.output}"


def test_set_up_is_one_block_of_two_lines() -> None:
    assert "```sh\nmake demo\nmake test\n```" in README


def test_versions_and_workflows_are_readable() -> None:
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    assert action["runs"]["using"] == "composite"
    hook = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))[0]
    assert hook["entry"] == "engine lint"


def test_a_new_verb_can_be_begun(tmp_path: Path) -> None:
    from tests.scaffold.step import make

    module, case = make("split", tmp_path)
    assert ast.parse(module.read_text(encoding="utf-8"))
    assert yaml.safe_load(case.read_text(encoding="utf-8"))["steps"] == "- split: {table: albums, column: title}\n"
    for refused in ("split", "Split", "1st", "class", ""):
        with pytest.raises(SystemExit):
            make(refused, tmp_path)
