"""A small plan with one unit of each kind, as a dialect would make it."""

from __future__ import annotations

from dataclasses import replace

from engine.model.plan import (
    Check,
    Condition,
    Expectation,
    Guard,
    Loop,
    MigrationPlan,
    Plan,
    Statement,
    Unit,
)

CREATE = Unit(
    "1-create",
    "1-create",
    "create table albums",
    "+",
    why="new table",
    before=(Statement("CREATE TABLE albums (\n  id INTEGER PRIMARY KEY\n)", "ddl"),),
    undo=(
        Unit(
            "1-create.undo",
            "1-create",
            "drop table albums",
            "-",
            guards=(
                Guard(
                    "added",
                    "albums",
                    Statement("SELECT count(*) FROM albums", "check", "guard"),
                    Statement("SELECT id FROM albums LIMIT 5", "check", "guard"),
                    "{count} rows of others",
                ),
            ),
            before=(Statement("DROP TABLE albums", "ddl"),),
        ),
    ),
    touches=("albums",),
)
COPY = Unit(
    "2-copy",
    "2-copy",
    "copy old_albums into albums",
    ">",
    condition=Condition("c", Statement("SELECT 1", "check", "when"), "old_albums has rows"),
    checks=(
        Check(
            "albums: id is unique",
            Statement("SELECT 0", "check", "check"),
            sample=Statement("SELECT id", "check"),
        ),
    ),
    expectation=Expectation("all", every=True, early=Statement("SELECT count(*) FROM old_albums", "check", "count")),
    marks=(Statement("SELECT max(id) FROM old_albums", "check", "mark"),),
    before=(Statement("CREATE TABLE engine_undo_1 (seq INTEGER PRIMARY KEY)", "ddl", "journal"),),
    loop=Loop(
        "old_albums",
        ("id",),
        Statement("SELECT min(id), max(id) FROM old_albums", "check", "bound"),
        Statement(
            "SELECT id FROM old_albums WHERE id >= :lo1 LIMIT 1 OFFSET :skip",
            "check",
            "bound",
            ("lo1", "skip"),
        ),
        (
            Statement(
                "INSERT INTO albums SELECT id FROM old_albums WHERE id BETWEEN :lo1 AND :hi1",
                "rows",
                count="written",
            ),
        ),
        Statement("SELECT id FROM old_albums WHERE id > :hi1 LIMIT 1", "check", "bound", ("hi1",)),
    ),
    after=(Statement("UPDATE sqlite_sequence SET seq = 1", "rows", "restore"),),
    undo=(
        Unit(
            "2-copy.undo",
            "2-copy",
            "take the copied rows away",
            ">",
            before=(Statement("DELETE FROM albums", "rows"),),
        ),
    ),
    reversible="journal",
    rows=1200,
    touches=("albums",),
    keeps=("engine_undo_1",),
)
FREE = Unit(
    "3-sql",
    "3-sql",
    "free SQL",
    "~",
    settings=(Statement("PRAGMA foreign_keys = OFF", "setting", "setting"),),
    unchanged=(Statement("PRAGMA foreign_key_check", "check", "check"),),
    before=(Statement("UPDATE albums SET id = id", "rows"), Statement("SELECT 5;", "rows", only="force")),
    resets=(Statement("PRAGMA foreign_keys = ON", "setting", "setting"),),
    reversible="no",
    reason="calls a billing system",
)
CHECK = Unit(
    "4-validate",
    "4-validate",
    "1 check",
    "?",
    checks=(Check("albums has rows", Statement("SELECT count(*) FROM albums", "check", "check"), minimum=1),),
)
MIGRATION = MigrationPlan(
    "001",
    "first things",
    (CREATE, COPY, FREE, CHECK),
    single=True,
    mode_reason="small",
    checksum="1:ab",
    spec_name="specs/001_first.yaml",
    spec_text='version: "001"\n',
)
PLAN = Plan(
    "sqlite",
    (MIGRATION,),
    (Statement("UPDATE engine_step SET batch_no = :batch", "rows", "checkpoint", ("batch",)),),
    "f1",
)


def only(*units: Unit, **changes: object) -> Plan:
    """Return a plan of one migration with `units`."""
    return replace(PLAN, migrations=(replace(MIGRATION, units=units, **changes),), protocol=())  # type: ignore[arg-type]
