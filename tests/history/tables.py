"""The engine's own tables, of another edition of the engine or changed by hand."""

from __future__ import annotations

from tests.history.acts import (
    CLEAN,
    DONE_002,
    NOTHING,
    Answer,
    Situation,
    applied,
    damaged,
    half_applied,
    refused,
    sql,
    then,
)

_LOST = "the checkpoints of 001 do not fit its stored plan"

TABLES: dict[str, tuple[Situation, ...]] = {
    "Another version of the engine": (
        Situation(
            "newer than this one made the tables",
            then(applied, sql("UPDATE engine_meta SET value = 2 WHERE key = 'format'")),
            *damaged("the history was written by a newer version of the engine"),
        ),
        Situation(
            "made the tables in a form that nobody knows",
            then(applied, sql("UPDATE engine_meta SET value = 0 WHERE key = 'format'")),
            *damaged("the format of the history is 0, and this version reads 1"),
        ),
        Situation(
            "wrote a state that this one does not know",
            then(applied, sql("UPDATE migration_history SET state = 'paused' WHERE version = '002'")),
            *damaged("the history says that 002 is 'paused', which this version does not know"),
        ),
        Situation(
            "compares specs in another way",
            then(applied, sql("UPDATE migration_history SET checksum = '2:ab', engine_version = '9.9'")),
            *refused(4, "it was applied by engine 9.9, which compares specs in another way", "engine history"),
            Answer(
                0, "Drift: whether specs/001_spec.yaml was changed after it was applied can't be told", "engine lint"
            ),
            DONE_002,
        ),
        Situation(
            "stored a plan that this one can't read",
            then(applied, sql("""UPDATE migration_history SET plan = replace(plan, '"format":1', '"format":2')""")),
            Answer(0, "nothing to do"),
            NOTHING,
            CLEAN,
            Answer(4, "the stored plan of 002 can't be read: its format is 2, and this version reads format 1"),
        ),
        Situation(
            "stored the plan of what was interrupted, and this one can't read it",
            then(
                half_applied, sql("""UPDATE migration_history SET plan = replace(plan, '"format":1', '"format":2')""")
            ),
            *refused(4, "the stored plan of 001 can't be read"),
            Answer(0, "Drift: the stored plan of 001 can't be read"),
            Answer(4, "the stored plan of 001 can't be read"),
        ),
    ),
    "Somebody changed the engine's tables by hand:": (
        Situation(
            "the history is gone, and the other tables are there",
            then(applied, sql("DROP TABLE migration_history")),
            *damaged("the engine's own table migration_history is gone"),
        ),
        Situation(
            "tables are gone, and the history is there",
            then(applied, sql("DROP TABLE engine_step; DROP TABLE engine_run")),
            *damaged("the engine's own tables engine_run, engine_step are gone"),
        ),
        Situation(
            "the row of one version is gone",
            then(applied, sql("DELETE FROM migration_history WHERE version = '001'")),
            *refused(1, "version 001 is pending and sorts before 002, which is applied"),
            Answer(0, "Drift: version 001 is pending and sorts before 002", "engine lint"),
            DONE_002,
        ),
        Situation(
            "the checkpoints of what is applied are gone",
            then(applied, sql("DELETE FROM engine_step")),
            Answer(0, "nothing to do"),
            NOTHING,
            CLEAN,
            Answer(4, "the history does not tell what of 002 ran: checkpoints are missing"),
        ),
        Situation(
            "the checkpoints of what was interrupted are gone",
            then(half_applied, sql("DELETE FROM engine_step")),
            *refused(4, _LOST),
            Answer(0, f"Drift: {_LOST}"),
            Answer(4, "the history does not tell what of 001 ran: checkpoints are missing"),
        ),
        Situation(
            "the fence is gone",
            then(lambda: applied("--to", "001"), sql("DELETE FROM engine_meta WHERE key = 'fence'")),
            Answer(0, "002"),
            Answer(4, "the number that fences runs off is gone from engine_meta"),
            Answer(0, "Applied:  1 (001)", "engine plan"),
            Answer(4, "the number that fences runs off is gone from engine_meta"),
        ),
        Situation(
            "a `migration_history` is there that is not the engine's",
            sql("CREATE TABLE migration_history (id INTEGER PRIMARY KEY)"),
            *(Answer(1, "the database has a table `migration_history` that is not the engine's"),) * 4,
        ),
    ),
}
