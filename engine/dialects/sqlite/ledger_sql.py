"""How SQLite spells the texts of the engine's own tables: no AUTOINCREMENT; row ids keep the order."""

from __future__ import annotations

from engine.dialects.shared.ledger_sql import TABLE_NAMES, Spelling, texts
from engine.dialects.sqlite.sql import quote

SPELLING = Spelling(
    quote=quote,
    text="TEXT",
    name="TEXT",
    whole="INTEGER",
    real="REAL",
    bound="",
    stored="",
    counted="INTEGER PRIMARY KEY",
    begun="",
    order="rowid",
    keyed=" WITHOUT ROWID",
    unless="ON CONFLICT ({key}) DO NOTHING",
    next="value + 1",
    fence=":fence",
)
TEXTS = texts(
    SPELLING,
    has_tables=(
        "SELECT name FROM sqlite_schema WHERE name COLLATE NOCASE IN "
        f"({', '.join(repr(name) for name in TABLE_NAMES)}) ORDER BY name"
    ),
    columns_of_history="SELECT name FROM pragma_table_info('migration_history')",
    kind_of_history="SELECT type FROM sqlite_schema WHERE name = 'migration_history' COLLATE NOCASE",
    table_named="SELECT name FROM sqlite_schema WHERE type = 'table' AND name = :name COLLATE NOCASE",
)
EMPTY = "DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} LIMIT :rows)"

# Three triggers make the seal of a table that holds a way back; they cost its step nothing.
EVENTS = ("insert", "update", "delete")
SEAL = (
    "CREATE TRIGGER {name} BEFORE {event} ON {table} BEGIN"
    " SELECT RAISE(ABORT, 'this table holds the way back of a migration: nobody but the engine writes to it'); END"
)
UNSEAL = "DROP TRIGGER IF EXISTS {name}"
SEALS = (
    "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = :table COLLATE NOCASE"
    " AND name LIKE :table || '!_sealed!_%' ESCAPE '!' ORDER BY name"
)
