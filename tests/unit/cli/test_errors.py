"""Every end says what, where, what is true now, and the next command; never a traceback."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from engine.cli.errors import Shown, guarded
from engine.errors import (
    CheckFailed,
    Conflict,
    DatabaseError,
    Diagnostic,
    Drift,
    EngineError,
    FindingsError,
    LockHeld,
    NotReversible,
    Stopped,
    UsageError,
)
from engine.source import Source, Span

SOURCE = Source("specs/003_move.yaml", "steps:\n  - copy: {expect_rows: 5}\n")
FAILED = CheckFailed(
    "step 1-copy selected 4 rows, expected 5",
    "one row is missing",
    "the migration was undone",
    "engine apply",
    Span(SOURCE, 2, 25, 2, 26),
    {"step": "1-copy"},
)


def raiser(error: BaseException) -> Callable[[], int]:
    def body() -> int:
        raise error

    return body


def test_a_person_reads_what_where_why_what_is_true_and_the_next_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert guarded(raiser(FAILED), Shown(options="specs --db app.db")) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert (
        err
        == """\
error: step 1-copy selected 4 rows, expected 5
  specs/003_move.yaml:2:25
   2 |   - copy: {expect_rows: 5}
     |                         ^
hint: one row is missing
now: the migration was undone
next: engine apply specs --db app.db
"""
    )


def test_a_program_reads_the_same_as_one_document_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(raiser(FAILED), Shown(json=True, base=(("migrations", []),))) == 3
    out, err = capsys.readouterr()
    assert err == ""
    assert json.loads(out) == {
        "schema_version": 1,
        "migrations": [],
        "error": {
            "code": "assertion",
            "message": "step 1-copy selected 4 rows, expected 5",
            "hint": "one row is missing",
            "file": "specs/003_move.yaml",
            "line": 2,
            "column": 25,
            "kept": "the migration was undone",
            "next": "engine apply",
            "step": "1-copy",
        },
    }


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EngineError("x"), 1),
        (UsageError("x"), 2),
        (NotReversible("x"), 1),
        (DatabaseError("x"), 1),
        (CheckFailed("x"), 3),
        (Drift("x"), 4),
        (Conflict("x"), 4),
        (LockHeld("x"), 5),
        (Stopped("x"), 6),
        (FindingsError(()), 1),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (ValueError("x"), 1),
        (RecursionError("x"), 1),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_every_end_has_its_code_and_no_traceback(
    error: BaseException, code: int, as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(raiser(error), Shown(json=as_json)) == code
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    assert bool(out) == as_json
    if as_json:
        assert {"code", "message", "file", "line", "column", "kept", "next"} <= json.loads(out)["error"].keys()


def test_findings_are_shown_as_lint_shows_them(capsys: pytest.CaptureFixture[str]) -> None:
    found = Diagnostic("DT107", "error", "nothing counts", Span(SOURCE, 2, 5, 2, 9), "add one")
    assert guarded(raiser(FindingsError([found])), Shown()) == 1
    assert (
        capsys.readouterr().err
        == """\
specs/003_move.yaml:2:5: error[DT107]: nothing counts
   2 |   - copy: {expect_rows: 5}
     |     ^^^^
     = hint: add one

error: 1 finding in the specs; nothing was done
"""
    )
    guarded(raiser(FindingsError([found])), Shown(json=True))
    document = json.loads(capsys.readouterr().out)
    assert document["findings"][0]["rule"] == "DT107" and document["summary"]["error"] == 1
    assert document["error"]["code"] == "findings"


def test_conflicts_of_a_rollback_are_listed_with_samples(capsys: pytest.CaptureFixture[str]) -> None:
    conflicts = [
        {"table": "albums", "kind": "changed", "rows": 2, "sample": [[1], [5]]},
        {"table": "songs", "kind": "taken", "rows": 1, "sample": []},
    ]
    error = Conflict("rows changed since", details={"conflicts": conflicts})
    assert guarded(raiser(error), Shown()) == 4
    err = capsys.readouterr().err
    assert "  albums: 2 rows changed, such as 1; 5\n  songs: 1 row taken\n" in err
    guarded(raiser(error), Shown(json=True))
    assert json.loads(capsys.readouterr().out)["error"]["conflicts"] == conflicts


def test_a_bug_says_that_it_is_ours_and_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(raiser(ValueError("odd\x1b[2J")), Shown(options="--db app.db")) == 1
    assert (
        capsys.readouterr().err
        == """\
this is a bug in engine: ValueError: odd\\x1b[2J
hint: please report it; --debug writes the details to a file
now: what was committed is kept and can be resumed
next: engine status --db app.db
"""
    )


def test_debug_writes_the_traceback_to_a_file_of_the_users_own_and_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for error in (ValueError("odd"), EngineError("known")):
        guarded(raiser(error), Shown(debug=True))
        err = capsys.readouterr().err
        (name,) = os.listdir(tmp_path)
        written = tmp_path / name
        assert f"the traceback is in {written}" in err and "Traceback" not in err
        assert "Traceback" in written.read_text() and str(error) in written.read_text()
        assert written.stat().st_mode & 0o777 == 0o600
        written.unlink()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "no"))
    guarded(raiser(ValueError("odd")), Shown(debug=True))
    assert "the traceback is in no file: No such file" in capsys.readouterr().err


def test_a_next_command_that_names_the_database_is_left_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    guarded(raiser(EngineError("x", next="engine plan --db app.db")), Shown(options="--db other.db"))
    assert "next: engine plan --db app.db\n" in capsys.readouterr().err
    guarded(raiser(EngineError("x", next="engine lint --help")), Shown(options="--db other.db"))
    assert "next: engine lint --help\n" in capsys.readouterr().err
    guarded(raiser(EngineError("x", "one\ntwo", next="git diff")), Shown(options="--db other.db"))
    assert "hint: one\n      two\nnext: git diff\n" in capsys.readouterr().err
