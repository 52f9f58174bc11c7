"""`engine lint` asked again: the same answer without a look, and another look wherever something changed."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.cli import again, main, start

HEAD = 'version: "{0}"\ndescription: Number {0}\nsteps:\n'
TABLE = HEAD.format("001") + "  - create: {table: t, columns: {id: {type: integer, primary_key: true}, a: text}}\n"
INDEX = HEAD.format("002") + "  - index: {table: t, columns: [a]}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    Path("specs").mkdir()
    Path("specs/001_t.yaml").write_text(TABLE, encoding="utf-8")
    Path("specs/002_i.yaml").write_text(INDEX, encoding="utf-8")
    settle()
    return tmp_path


def settle() -> None:
    """Let the files be older than a run: what is as young as that proves nothing."""
    time.sleep(0.15)


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, object]:
    """Return what `engine lint` prints with these words, and its exit code."""
    before = sys.argv
    sys.argv = ["engine", "lint", *words]
    try:
        with pytest.raises(SystemExit) as end:
            start.main()
    finally:
        sys.argv = before
    return capsys.readouterr().out, end.value.code


def is_known(*words: str) -> bool:
    """Tell whether an answer is there without a look at the specs."""
    return again.answer(["lint", *words]) is not None


def test_the_second_answer_needs_no_look(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("specs/003_x.yaml").write_text(HEAD.format("003") + "  - index: {table: t, columns: [b]}\n", encoding="utf-8")
    settle()
    first = said(capsys)
    assert "RF102" in first[0] and first[1] == 1
    monkeypatch.setattr(main.cli, "main", lambda **_: pytest.fail("it looked again"))
    assert said(capsys) == first


@pytest.mark.parametrize("words", [(), ("--format", "json"), ("specs", "--strict")])
def test_whatever_is_edited_is_seen(capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    chance = random.Random(20)
    for _ in range(15):
        files = sorted(Path("specs").iterdir())
        at = chance.choice(files)
        match chance.randrange(6):
            case 0:
                at.write_text(at.read_text(encoding="utf-8").replace("[a]", "[b]"), encoding="utf-8")  # the same size
            case 1:
                at.write_text(at.read_text(encoding="utf-8").replace("[b]", "[a]"), encoding="utf-8")
            case 2:
                number = f"{chance.randrange(3, 900):03d}"
                Path(f"specs/{number}_n.yaml").write_text(INDEX.replace("002", number), encoding="utf-8")
            case 3 if len(files) > 1:
                at.unlink()
            case 4:
                about = at.stat()
                at.write_text(at.read_text(encoding="utf-8").replace("table: t", "table: u"), encoding="utf-8")
                os.utime(at, ns=(about.st_atime_ns, about.st_mtime_ns))  # its old time, as an archive gives it back
            case _:
                at.rename(at.with_name(f"{at.name[:3]}_{chance.randrange(100)}.yaml"))
        if chance.random() < 0.5:
            settle()
        expected = said(capsys, *words, "--no-cache")
        for _ in range(3):
            assert said(capsys, *words) == expected


def test_config_baseline_day_and_environment_are_part_of_the_question(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("specs/003_x.yaml").write_text(HEAD.format("003") + '  - sql: "UPDATE t SET a = 1"\n', encoding="utf-8")
    settle()
    first = said(capsys)
    assert first[1] == 1 and is_known()
    assert not is_known("--strict") and not is_known("--no-cache")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert not is_known()
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert is_known()
    Path("engine.yaml").write_text("lint: {severity: {RB: info, DT: info, LK: info}}\n", encoding="utf-8")
    assert not is_known()
    settle()
    assert said(capsys) == said(capsys, "--no-cache") != first
    assert is_known()
    monkeypatch.setattr(time, "strftime", lambda form: "2999-01-01")
    assert not is_known(), "an `ignore` may have ended"


def test_what_the_environment_has_a_say_in_is_asked_anew(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("engine.yaml").write_text("vars: {name: '${NAME}'}\n", encoding="utf-8")
    monkeypatch.setenv("NAME", "a")
    settle()
    assert said(capsys)[1] == 0
    assert not is_known()


def test_a_young_file_a_link_and_single_files_are_asked_anew(capsys: pytest.CaptureFixture[str]) -> None:
    Path("specs/001_t.yaml").touch()
    said(capsys)
    assert not is_known()
    settle()
    said(capsys, "specs/001_t.yaml")
    assert not is_known("specs/001_t.yaml")
    Path("specs/003_link.yaml").symlink_to("002_i.yaml")
    settle()
    said(capsys)
    assert not is_known()


def test_a_damaged_answer_or_one_of_another_engine_is_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = said(capsys)
    (kept,) = Path("cache/engine/lint").glob("*.said")
    whole = kept.read_bytes()
    for bad in (b"", whole[:-9], whole.replace(b"no findings", b"no problems"), whole[::-1], b"\n{}"):
        kept.write_bytes(bad)
        assert not is_known()
        assert said(capsys) == first
    assert kept.read_bytes() == whole
    with monkeypatch.context() as other:
        other.setattr("engine.__version__", "99")
        assert not is_known()
    assert is_known()


def test_a_cache_that_cant_be_written_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    Path("cache").write_text("no folder", encoding="utf-8")
    assert said(capsys) == said(capsys) == said(capsys, "--no-cache")


def test_one_changed_spec_imports_what_it_needs_and_no_more() -> None:
    Path("specs/003_v.yaml").write_text(
        HEAD.format("003") + "  - validate: [{not_null: {table: t, columns: [a]}}]\n", encoding="utf-8"
    )
    settle()
    ways = [f"engine.dialects.sqlite.{name}" for name in ("alter", "create", "indexes", "rows", "triggers", "views")]
    heavy = ["sqlglot", "jinja2", "jsonschema", "rich", "engine.cli.commands.change", *ways]
    program = (
        "import atexit, sys\nfrom engine.cli import start\n"
        f"atexit.register(lambda: print([m for m in {heavy!r} if m in sys.modules]))\n"
        "sys.argv = ['engine', 'lint']\nstart.main()"
    )

    def imported() -> str:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        return done.stdout.splitlines()[-1]

    assert ways[1] in imported(), "the first run folds all"
    with Path("specs/003_v.yaml").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert imported() == "[]"
