"""What reaches a terminal, a pipe, a file."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cli import files, screen
from engine.cli.ask import agree
from engine.cli.tables import table
from engine.errors import EngineError, UsageError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals_only_and_no_color_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert screen.colours(Terminal()) and not screen.colours(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not screen.colours(Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not screen.colours(Terminal())


def test_a_terminal_gets_the_plan_with_its_symbols_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    screen.out("  + 1-create  x\n      CREATE TABLE x;\na.yaml:1:2: error[SP101]: bad\n")
    assert terminal.getvalue().split("\n") == [
        "\x1b[32m  + 1-create  x\x1b[0m",
        "      CREATE TABLE x;",
        "a.yaml:1:2: \x1b[1;31merror[SP101]\x1b[0m: bad",
        "",
    ]


def test_a_reader_who_goes_away_ends_nothing() -> None:
    program = "from engine.cli import screen\nfor _ in range(9): screen.out('x' * 100000)\nscreen.say('done')"
    command = f'"{sys.executable}" -c "{program}" | head -c 1; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "done\n")


def test_a_broken_stream_of_an_embedder_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Gone())
    screen.out("x")
    screen.out("y")


def test_letters_that_a_stream_has_not_are_written_as_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    screen.prepare()
    screen.out("⟳ \udcff")
    assert raw.getvalue() == b"\\u27f3 \\udcff"


# ── tables ────────────────────────────────────────────────────────────────
def test_a_table_lines_up_also_with_wide_letters_and_numbers_stand_right() -> None:
    assert table(("version", "rows"), [("001", 5), ("漢字", 12000), ("a\x1b", None)]) == (
        "version    rows\n"
        "001           5\n"
        "漢字     12,000\n"
        "a\\x1b\n"
    )  # fmt: skip
    assert table(("a", "b"), []) == "a  b\n"


# ── files ─────────────────────────────────────────────────────────────────
def test_a_file_is_written_whole_for_its_owner_and_replaces_an_older_one(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text("old")
    files.write(path, "né\n")
    assert path.read_text(encoding="utf-8") == "né\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["plan.json"]


def test_a_link_is_replaced_and_what_it_points_at_stays(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("keep")
    link = tmp_path / "plan.json"
    link.symlink_to(target)
    files.write(link, "new")
    assert target.read_text() == "keep" and link.read_text() == "new" and not link.is_symlink()


def test_the_database_a_folder_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    database = tmp_path / "app.db"
    database.write_bytes(b"SQLite")
    with pytest.raises(UsageError, match="is the database itself"):
        files.write(tmp_path / "app.db", "x", never=database)
    assert database.read_bytes() == b"SQLite"
    with pytest.raises(UsageError, match="is a folder"):
        files.write(tmp_path, "x")
    with pytest.raises(EngineError, match="can't be written: No such file"):
        files.write(tmp_path / "no" / "plan.json", "x")


def test_what_can_not_be_read_is_said_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="can't be read: No such file"):
        files.read(tmp_path / "no.json")
    (tmp_path / "bad.json").write_bytes(b"\xff")
    with pytest.raises(EngineError, match=r"can't be read: .*utf-8"):
        files.read(tmp_path / "bad.json")


# ── questions ─────────────────────────────────────────────────────────────
def test_without_a_terminal_a_question_names_the_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    agree("really", yes=True)
    with pytest.raises(UsageError) as caught:
        agree("step 3 has no way back", yes=False)
    assert "--yes" in caught.value.hint and caught.value.kept == "nothing was done"


@pytest.mark.parametrize(("answer", "goes_on"), [("y\n", True), ("YES\n", True), ("n\n", False), ("", False)])
def test_on_a_terminal_only_a_yes_goes_on(answer: str, goes_on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    if goes_on:
        agree("really", yes=False)
    else:
        with pytest.raises(EngineError, match="not agreed to"):
            agree("really", yes=False)
