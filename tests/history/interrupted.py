"""What was interrupted, there and back, and whose spec was edited in its done part, in what is to come, or is gone."""

from __future__ import annotations

import shutil

from tests.history.acts import (
    DONE_001,
    DONE_002,
    INDEX,
    LONG,
    LOWER,
    STEPWISE,
    Answer,
    Situation,
    applied,
    gone,
    half_applied,
    half_back,
    refused,
    renamed,
    then,
    write,
)

_CHANGED = "specs/001_spec.yaml was changed after it was applied"
_BEGUN = "specs/001_spec.yaml was changed since its apply began"
_HALF_GONE = "001 is half applied, and its spec is gone"
_GOES_ON = "001: going on where it stopped (apply)"
_BACK_BEGUN = "the rollback of 001 has begun and not ended"
_LEFT = "the apply of 001 has begun and not ended: this is what is left of it"

INTERRUPTED: dict[str, tuple[Situation, ...]] = {
    "An apply was interrupted, and its spec": (
        Situation(
            "is as it was",
            half_applied,
            Answer(0, f"{_LEFT}; `engine apply` goes on"),
            Answer(0, _GOES_ON, "engine status"),
            Answer(0, "Unfinished: apply of 001, step 2-transform, batch 1, 1 of 6 rows", "engine apply"),
            DONE_001,
        ),
        Situation(
            "has a file of another name, with its version",
            then(half_applied, lambda: renamed("001", "upper")),
            Answer(0, f"{_LEFT}; `engine apply` goes on"),
            Answer(0, _GOES_ON, "engine status"),
            Answer(0, "it can be resumed", "engine apply"),
            DONE_001,
        ),
        Situation(
            "was edited in a step that is done",
            then(half_applied, lambda: write("001", LONG.replace("[v]", "[id]"), STEPWISE)),
            *refused(4, _BEGUN, "engine rollback"),
            Answer(0, f"Drift: {_BEGUN}", "engine rollback"),
            DONE_001,
        ),
        Situation(
            "was edited in a step that is to come",
            then(half_applied, lambda: write("001", LONG.replace("{x:", "{y:"), STEPWISE)),
            *refused(4, _BEGUN, "engine rollback"),
            Answer(0, f"Drift: {_BEGUN}", "engine rollback"),
            DONE_001,
        ),
        Situation(
            "is gone",
            then(half_applied, lambda: gone("001")),
            *refused(4, _HALF_GONE, "engine rollback"),
            Answer(0, f"Drift: {_HALF_GONE}", "engine rollback"),
            DONE_001,
        ),
        Situation(
            "is gone with the whole folder",
            then(half_applied, lambda: shutil.rmtree("specs")),
            *refused(2, "there is no `specs`", "engine lint --help"),
            Answer(0, f"Drift: {_HALF_GONE}", "engine rollback"),
            DONE_001,
        ),
        Situation(
            "was renumbered",
            then(half_applied, lambda: gone("001"), lambda: write("003", LONG, STEPWISE)),
            *refused(4, _HALF_GONE, "engine rollback"),
            Answer(0, f"Drift: {_HALF_GONE}", "engine rollback"),
            DONE_001,
        ),
        Situation(
            "is as it was; an earlier one, applied, was edited",
            then(lambda: applied("--to", "001"), lambda: half_applied("002"), lambda: write("001", LOWER)),
            Answer(0, "the apply of 002 has begun and not ended"),
            Answer(4, "002 went well before, and nothing was done after that", "engine history"),
            Answer(0, f"Drift: {_CHANGED}", "engine apply"),
            DONE_002,
        ),
        Situation(
            "is as it was; a new one sorts before it",
            then(half_applied, lambda: write("000", INDEX.replace("[v]", "[id]"))),
            Answer(0, f"{_LEFT}; `engine apply` goes on"),
            Answer(1, "001 went well before, and nothing was done after that"),
            Answer(0, "Drift: version 000 is pending and sorts before 001, which is half applied", "engine apply"),
            DONE_001,
        ),
        Situation(
            "is as it was; another can't be read",
            then(half_applied, lambda: write("002", "  - dorp: {table: t}\n")),
            *refused(1, "unknown step or key `dorp`"),
            Answer(0, "Unfinished: apply of 001", "engine lint"),
            DONE_001,
        ),
    ),
    "A rollback was interrupted, and its spec": (
        Situation(
            "is as it was",
            half_back,
            Answer(0, f"{_BACK_BEGUN}: this is what is left of it; `engine rollback` goes on"),
            Answer(6, _BACK_BEGUN, "engine rollback"),
            Answer(0, "Unfinished: rollback of 001", "engine rollback"),
            Answer(0, "001: going on where it stopped (rollback)", "engine status"),
        ),
        Situation(
            "was edited",
            then(half_back, lambda: write("001", LOWER)),
            Answer(0, _BACK_BEGUN),
            Answer(6, _BACK_BEGUN, "engine rollback"),
            Answer(0, "Unfinished: rollback of 001", "engine rollback"),
            DONE_001,
        ),
        Situation(
            "is gone",
            then(half_back, lambda: gone("001")),
            Answer(0, _BACK_BEGUN),
            Answer(6, _BACK_BEGUN, "engine rollback"),
            Answer(0, "Unfinished: rollback of 001", "engine rollback"),
            DONE_001,
        ),
    ),
}
