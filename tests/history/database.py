"""A database from elsewhere: restored from a backup, or shared by two clones of the specs."""

from __future__ import annotations

from tests.history.acts import (
    DONE_001,
    DONE_002,
    INDEX,
    NOTHING,
    Answer,
    Situation,
    applied,
    both_clones,
    gone,
    half_applied,
    refused,
    restored,
    sql,
    then,
    write,
)

_ELSE = "version 002 was applied from specs/002_spec.yaml, and specs/002_mine.yaml says something else"
_GOES_ON = "001: going on where it stopped (apply)"
_LEFT = "the apply of 001 has begun and not ended: this is what is left of it"

DATABASE: dict[str, tuple[Situation, ...]] = {
    "The database was restored from a backup": (
        Situation(
            "older than the last apply",
            restored(lambda: applied("--to", "001"), applied),
            Answer(0, "002"),
            Answer(0, "applied 002", "engine status"),
            Answer(0, "Applied:  1 (001)", "engine plan"),
            DONE_001,
        ),
        Situation(
            "older than the first apply",
            restored(lambda: None, applied),
            Answer(0, "way back: all 2 steps"),
            Answer(0, "applied 001", "engine status"),
            Answer(0, "Version:  empty", "engine plan"),
            Answer(0, "nothing to undo"),
        ),
        Situation(
            "made in the middle of an apply",
            restored(half_applied, applied),
            Answer(0, f"{_LEFT}; `engine apply` goes on"),
            Answer(0, _GOES_ON, "engine status"),
            Answer(0, "it can be resumed", "engine apply"),
            DONE_001,
        ),
        Situation(
            "newer than the files",
            then(lambda: write("003", INDEX), applied, lambda: gone("003")),
            Answer(0, "nothing to do"),
            NOTHING,
            Answer(0, "Drift: version 003 is applied, and no file has it"),
            Answer(0, "rolled back 003", "engine status"),
        ),
        Situation(
            "without the engine's tables",
            then(
                applied,
                sql(
                    "".join(
                        f"DROP TABLE {name};"
                        for name in ("migration_history", "engine_run", "engine_event", "engine_step", "engine_meta")
                    )
                ),
            ),
            *refused(1, "`t` has a column `w` already"),
            Answer(0, "Version:  empty", "engine plan"),
            Answer(0, "nothing to undo"),
        ),
    ),
    "Two clones of the repository": (
        Situation(
            "gave one version to two specs",
            then(applied, lambda: gone("002"), lambda: write("002", INDEX, name="mine")),
            *refused(4, _ELSE, "engine history"),
            Answer(0, f"Drift: {_ELSE}", "engine lint"),
            DONE_002,
        ),
        Situation(
            "have each a spec that the other has not; the newer one is applied",
            both_clones,
            *refused(1, "version 002 is pending and sorts before 003, which is applied"),
            Answer(0, "Drift: version 003 is applied, and no file has it", "engine lint"),
            Answer(0, "rolled back 003", "engine status"),
        ),
        Situation(
            "have each a spec that the other has not; the older one is applied",
            then(applied, lambda: gone("002"), lambda: write("003", INDEX, name="mine")),
            Answer(0, "warning[VC106]: version 002 is applied, and no file has it"),
            Answer(0, "applied 003", "engine status"),
            Answer(0, "Drift: version 002 is applied, and no file has it", "engine plan"),
            DONE_002,
        ),
    ),
}
