"""How MariaDB spells the texts of the engine's own tables."""

from __future__ import annotations

from engine.dialects.mysql.sql import BINARY, quote
from engine.dialects.shared.ledger_sql import TABLE_NAMES, Spelling, texts

_EXACT = f"CHARACTER SET utf8mb4 COLLATE {BINARY}"
_HERE = "FROM information_schema.tables WHERE table_schema = database() AND table_name"

SPELLING = Spelling(
    quote=quote,
    text=f"LONGTEXT {_EXACT}",
    name=f"VARCHAR(191) {_EXACT}",
    whole="BIGINT",
    real="DOUBLE",
    bound=f"LONGTEXT {_EXACT}",
    stored=f"VARCHAR(191) {_EXACT}",
    counted="BIGINT AUTO_INCREMENT PRIMARY KEY",
    begun="BIGINT NOT NULL AUTO_INCREMENT UNIQUE",
    order="begun",
    keyed="",
    unless="ON DUPLICATE KEY UPDATE {key} = {key}",
    next="CAST(value AS SIGNED) + 1",
    fence=":fence",
)
TEXTS = texts(
    SPELLING,
    has_tables=f"SELECT table_name {_HERE} IN ({', '.join(repr(name) for name in TABLE_NAMES)})",
    columns_of_history=(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = database() AND table_name = 'migration_history'"
    ),
    kind_of_history=(
        f"SELECT CASE table_type WHEN 'BASE TABLE' THEN 'table' ELSE 'view' END {_HERE} = 'migration_history'"
    ),
    table_named=f"SELECT table_name {_HERE} = :name AND table_type = 'BASE TABLE'",
)
CHECKSUM = "CHECKSUM TABLE {table} EXTENDED"
