"""Specs whose files are not as they were, and specs that are new."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.history.acts import (
    CLEAN,
    COLUMN,
    DONE_002,
    INDEX,
    LOWER,
    NOTHING,
    UPPER,
    Answer,
    Situation,
    applied,
    gone,
    put_in_between,
    refused,
    renamed,
    text,
    then,
    write,
)

_CHANGED = "specs/001_spec.yaml was changed after it was applied"
_AGAIN = "specs/003_spec.yaml is what was applied as 001, which no file has any more: it would be done a second time"
_LATE = "version 001a is pending and sorts before 002, which is applied"

FILES: dict[str, tuple[Situation, ...]] = {
    "A spec that is applied": (
        Situation(
            "got a comment or other spacing",
            then(applied, lambda: Path("specs/001_spec.yaml").write_text("# why\n" + text("001"))),
            Answer(0, "nothing to do"),
            NOTHING,
            CLEAN,
            DONE_002,
        ),
        Situation(
            "was edited",
            then(applied, lambda: write("001", LOWER)),
            *refused(4, _CHANGED, "engine history"),
            Answer(0, f"Drift: {_CHANGED}", "engine lint"),
            DONE_002,
        ),
        Situation(
            "gets another value for a variable",
            then(
                lambda: write("001", UPPER.replace("upper(v)", "\"'{{ who }}'\""), "vars: {who: ann}\n"),
                applied,
                lambda: Path("engine.yaml").write_text("vars: {who: bob}\n"),
            ),
            *refused(4, f"{_CHANGED}, or a variable in it has another value", "engine history"),
            Answer(0, "or a variable in it has another value", "engine lint"),
            DONE_002,
        ),
        Situation(
            "can't be read any more",
            then(applied, lambda: write("001", "  - dorp: {table: t}\n")),
            *refused(1, "unknown step or key `dorp`"),
            Answer(0, "Drift: specs/001_spec.yaml is applied, and can't be read as a spec any more", "engine lint"),
            DONE_002,
        ),
        Situation(
            "has a file of another name, with its version",
            then(applied, lambda: renamed("001", "upper")),
            Answer(0, "nothing to do"),
            NOTHING,
            CLEAN,
            DONE_002,
        ),
        Situation(
            "was renumbered (001 became 003)",
            then(applied, lambda: gone("001"), lambda: write("003", UPPER)),
            *refused(1, _AGAIN),
            Answer(0, f"Drift: {_AGAIN}", "engine lint"),
            DONE_002,
        ),
        Situation(
            "has its version written in another way (1 for 001)",
            then(applied, lambda: gone("001"), lambda: write("1", UPPER)),
            *refused(4, "the version of specs/1_spec.yaml is written 1, and in the history 001", "engine history"),
            Answer(0, "is written 1, and in the history 001", "engine lint"),
            DONE_002,
        ),
        Situation(
            "changed places with another",
            then(applied, lambda: write("001", COLUMN), lambda: write("002", UPPER)),
            *refused(4, _CHANGED, "engine history"),
            Answer(0, "Drift: specs/002_spec.yaml was changed after it was applied", "engine lint"),
            DONE_002,
        ),
        Situation(
            "is gone, and nothing is pending",
            then(applied, lambda: gone("001")),
            Answer(0, "nothing to do"),
            NOTHING,
            Answer(0, "Drift: version 001 is applied, and no file has it"),
            DONE_002,
        ),
        Situation(
            "is gone, and a new one is pending",
            then(applied, lambda: gone("001"), lambda: write("003", INDEX)),
            Answer(0, "warning[VC106]: version 001 is applied, and no file has it"),
            Answer(0, "applied 003", "engine status"),
            Answer(0, "Drift: version 001 is applied, and no file has it", "engine plan"),
            DONE_002,
        ),
        Situation(
            "is gone with the whole folder",
            then(applied, lambda: shutil.rmtree("specs")),
            *refused(2, "there is no `specs`", "engine lint --help"),
            Answer(0, "Drift: the specs can't be compared: there is no `specs`"),
            DONE_002,
        ),
    ),
    "A new spec": (
        Situation(
            "sorts before one that is applied",
            then(applied, lambda: write("001a", INDEX)),
            *refused(1, _LATE),
            Answer(0, f"Drift: {_LATE}", "engine lint"),
            DONE_002,
        ),
        Situation(
            "sorts before one that is applied, and says with a reason that it may",
            put_in_between,
            Answer(0, "nothing to do"),
            NOTHING,
            CLEAN,
            Answer(0, "rolled back 002", "engine status"),
        ),
        Situation(
            "can't be read",
            then(applied, lambda: write("003", "  - dorp: {table: t}\n")),
            *refused(1, "unknown step or key `dorp`"),
            Answer(0, "Pending:  0", "engine lint"),
            DONE_002,
        ),
    ),
}
