"""Documents for programs, and the same in words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from engine.cli.documents import (
    document,
    history_text,
    list_text,
    plain,
    result_text,
    seconds,
    status_text,
)

STATUS: dict[str, Any] = {
    "database": "app.db",
    "dialect": "sqlite",
    "current_version": "002",
    "applied": ["001", "002"],
    "pending": [{"version": "003", "description": "Move rows"}],
    "in_progress": None,
    "drift": [],
    "next": "engine plan",
}


@dataclass(frozen=True)
class Value:
    name: str
    parts: tuple[int, ...]
    inner: Value | None = None


def test_frozen_values_become_documents_with_a_version() -> None:
    found = json.loads(document({"value": Value("a", (1, 2), Value("b", ())), "at": {"x": b"1"}}))
    assert found == {
        "schema_version": 1,
        "value": {"name": "a", "parts": [1, 2], "inner": {"name": "b", "parts": [], "inner": None}},
        "at": {"x": "b'1'"},
    }
    assert plain(Value) == str(Value)


def test_status_says_version_pending_and_the_next_command() -> None:
    assert (
        status_text(STATUS, "--db app.db")
        == """\
Database: app.db (sqlite)
Version:  002
Applied:  2 (001, 002)
Pending:  1
  003  Move rows
next: engine plan --db app.db
"""
    )


def test_status_of_an_empty_and_of_a_finished_database() -> None:
    empty = {**STATUS, "current_version": None, "applied": [], "pending": [], "next": ""}
    assert status_text(empty, "") == "Database: app.db (sqlite)\nVersion:  empty\nApplied:  0\nPending:  0\n"
    many = {**empty, "applied": [f"{n:03}" for n in range(1, 21)]}
    assert "Applied:  20 (001, 002, 003, …, 018, 019, 020)\n" in status_text(many, "")


def test_status_tells_what_is_unfinished_and_what_goes_on_with_it() -> None:
    at = {
        "version": "003",
        "direction": "rollback",
        "step": "2-copy",
        "batch": 12,
        "rows_done": 120_000,
        "rows_total": 1_000_000,
        "resumable": True,
    }
    drift = ["002 was edited", {"message": "gone"}, {"a": 1}]
    text = status_text({**STATUS, "in_progress": at, "drift": drift, "next": "engine rollback"}, "")
    assert "Unfinished: rollback of 003, step 2-copy, batch 12, 120,000 of 1,000,000 rows; it can be resumed\n" in text
    assert "Drift: 002 was edited\nDrift: gone\nDrift: a: 1\n" in text
    assert text.endswith("next: engine rollback\n")
    busy = {**at, "rows_total": None, "step": "", "resumable": False, "direction": "apply", "holder": None}
    text = status_text({**STATUS, "in_progress": busy}, "")
    assert "Unfinished: apply of 003, 120,000 rows; it can't be resumed\n" in text
    holder = {"pid": 7, "user": "ann", "host": "box", "since": "2026-01-02 03:04:05", "command": "apply"}
    text = status_text({**STATUS, "in_progress": {**busy, "holder": holder}}, "")
    assert "; process 7 (ann@box) is at work on it since 2026-01-02 03:04:05 UTC\n" in text


def test_list_marks_the_applied_ones() -> None:
    base = {"applied": False, "applied_at": None, "rolled_back_at": None, "reversible": None}
    text = list_text(
        [
            {
                **base,
                "version": "001",
                "description": "One",
                "applied": True,
                "applied_at": "2026-01-02 03:04:05",
            },
            {**base, "version": "002", "description": "Two", "rolled_back_at": "2026-01-03 00:00:00"},
            {**base, "version": "003", "description": "Three", "reversible": False},
        ]
    )
    assert text == (
        "   version  description  applied at (UTC)\n"
        "✓  001      One          2026-01-02 03:04:05\n"
        "   002      Two          rolled back 2026-01-03 00:00:00\n"
        "   003      Three        pending                          no way back\n"
    )
    assert list_text([]) == "no migrations\n"


def test_history_says_who_ran_what_when_how_long_how_many_rows() -> None:
    event = {
        "started": "2026-01-02 03:04:05",
        "version": "001",
        "outcome": "applied",
        "seconds": 75.2,
        "rows": 120000,
        "by": "ann",
        "host": "box",
    }
    assert history_text([event, {**event, "by": "", "rows": 5}]) == (
        "started (UTC)        version  outcome  took         rows  by\n"
        "2026-01-02 03:04:05  001      applied  1 min 15 s  120,000  ann@box\n"
        "2026-01-02 03:04:05  001      applied  1 min 15 s        5  box\n"
    ).replace("took         rows", "took           rows")
    assert history_text([]) == "nothing has been run on this database\n"


def test_the_end_of_a_run_is_a_line_per_migration() -> None:
    steps = [
        {"step": "1-copy", "rows_written": 1, "rows_skipped": 0},
        {"step": "2-copy", "rows_written": 1199, "rows_skipped": 3},
    ]
    done = {"version": "001", "state": "rolled_back", "seconds": 0.44, "steps": steps, "conflicts": []}
    kept = {
        **done,
        "state": "applied",
        "steps": steps[:1],
        "conflicts": [{"message": "2 rows changed since"}],
    }
    assert result_text([done, kept]) == (
        "rolled back 001: 2 steps, 1,200 rows written, 3 skipped, 0.4 s\n"
        "applied 001: 1 step, 1 row written, 0.4 s\n"
        "  left or overwritten: 2 rows changed since\n"
    )


def test_spans_of_time_are_written_for_people() -> None:
    assert [seconds(s) for s in (0.04, 59.9, 60, 3599, 3840)] == [
        "0.0 s", "59.9 s", "1 min 0 s", "59 min 59 s", "1 h 4 min",
    ]  # fmt: skip
