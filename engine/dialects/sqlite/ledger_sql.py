"""Texts of the engine's own tables and statements on SQLite. No AUTOINCREMENT, no clock, no triggers.

`protocol()` is printed with every plan. All other texts here are the closed
list of what runs without standing in a plan.
"""

from __future__ import annotations

from engine.dialects.ledger import KEYS
from engine.model.plan import Statement

FORMAT = 1

_LO = tuple(f"lo{n}" for n in range(1, KEYS + 1))
_UP = tuple(f"up{n}" for n in range(1, KEYS + 1))

# ── tables ────────────────────────────────────────────────────────────────
HISTORY_COLUMNS = (
    "version",
    "description",
    "applied",
    "applied_at",
    "rolled_back_at",
    "state",
    "direction",
    "checksum",
    "plan",
    "spec_name",
    "spec_text",
    "before",
    "after",
    "seconds",
    "reversible",
    "finalized_at",
    "engine_version",
    "code",
    "number",
)
TABLES: tuple[str, ...] = (
    """CREATE TABLE IF NOT EXISTS migration_history (
  version TEXT NOT NULL PRIMARY KEY,
  description TEXT NOT NULL,
  applied INTEGER NOT NULL,
  applied_at TEXT,
  rolled_back_at TEXT,
  state TEXT NOT NULL,
  direction TEXT NOT NULL,
  checksum TEXT NOT NULL,
  plan TEXT NOT NULL,
  spec_name TEXT NOT NULL,
  spec_text TEXT NOT NULL,
  "before" TEXT NOT NULL,
  "after" TEXT NOT NULL,
  seconds REAL NOT NULL,
  reversible INTEGER NOT NULL,
  finalized_at TEXT,
  engine_version TEXT NOT NULL,
  code INTEGER NOT NULL,
  number INTEGER NOT NULL
)""",
    """CREATE TABLE IF NOT EXISTS engine_run (
  run INTEGER PRIMARY KEY,
  command TEXT NOT NULL,
  started TEXT NOT NULL,
  finished TEXT,
  outcome TEXT NOT NULL,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  user TEXT NOT NULL,
  fence INTEGER NOT NULL
)""",
    """CREATE TABLE IF NOT EXISTS engine_event (
  event INTEGER PRIMARY KEY,
  run INTEGER NOT NULL,
  version TEXT NOT NULL,
  direction TEXT NOT NULL,
  outcome TEXT NOT NULL,
  started TEXT NOT NULL,
  finished TEXT NOT NULL,
  seconds REAL NOT NULL,
  row_count INTEGER NOT NULL,
  details TEXT NOT NULL
)""",
    f"""CREATE TABLE IF NOT EXISTS engine_step (
  version TEXT NOT NULL,
  direction TEXT NOT NULL,
  unit TEXT NOT NULL,
  step TEXT NOT NULL,
  place INTEGER NOT NULL,
  table_name TEXT NOT NULL,
  state TEXT NOT NULL,
  fence INTEGER NOT NULL,
  batch_no INTEGER NOT NULL,
  batch_size INTEGER,
  {", ".join(_LO)},
  {", ".join(_UP)},
  key_width INTEGER NOT NULL,
  rows_selected INTEGER NOT NULL,
  rows_written INTEGER NOT NULL,
  rows_skipped INTEGER NOT NULL,
  rows_added INTEGER NOT NULL,
  started TEXT NOT NULL,
  answer INTEGER,
  marks TEXT NOT NULL,
  expected INTEGER,
  seconds REAL NOT NULL,
  journal_rows TEXT NOT NULL,
  PRIMARY KEY (version, direction, unit)
) WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS engine_meta (key TEXT NOT NULL PRIMARY KEY, value NOT NULL) WITHOUT ROWID",
)

# ── what goes with every transaction: printed in the plan ─────────────────
GUARD = Statement(
    "UPDATE engine_step SET fence = :fence "
    "WHERE version = :version AND direction = :direction AND unit = :unit "
    "AND fence = :fence AND state = :state AND batch_no = :batch_no",
    "rows",
    "guard",
    ("fence", "version", "direction", "unit", "state", "batch_no"),
)
_STORED = (
    "state",
    "batch_no",
    "batch_size",
    *_LO,
    *_UP,
    "key_width",
    "rows_selected",
    "rows_written",
    "rows_skipped",
    "rows_added",
    "started",
    "answer",
    "marks",
    "expected",
    "seconds",
    "journal_rows",
)
CHECKPOINT = Statement(
    f"UPDATE engine_step SET {', '.join(f'{name} = :{name}' for name in _STORED)} "
    "WHERE version = :version AND direction = :direction AND unit = :unit AND fence = :fence",
    "rows",
    "checkpoint",
    (*_STORED, "version", "direction", "unit", "fence"),
)


def protocol() -> tuple[Statement, ...]:
    """Return the statements that begin and end each transaction of a unit, as they are sent."""
    return (GUARD, CHECKPOINT)


# ── reading ───────────────────────────────────────────────────────────────
TABLE_NAMES = ("migration_history", "engine_run", "engine_event", "engine_step", "engine_meta")
HAS_TABLES = (
    "SELECT name FROM sqlite_schema WHERE name COLLATE NOCASE IN "
    f"({', '.join(repr(name) for name in TABLE_NAMES)}) ORDER BY name"
)
COLUMNS_OF_HISTORY = "SELECT name FROM pragma_table_info('migration_history')"
KIND_OF_HISTORY = "SELECT type FROM sqlite_schema WHERE name = 'migration_history' COLLATE NOCASE"
META = "SELECT value FROM engine_meta WHERE key = :key"
RECORDS = (
    "SELECT version, description, applied, applied_at, rolled_back_at, state, checksum, spec_name, number, "
    'seconds, reversible, finalized_at, engine_version, "before", "after", code '
    "FROM migration_history ORDER BY rowid"
)
PLAN_TEXT = "SELECT plan FROM migration_history WHERE version = :version"
SPEC_TEXT = "SELECT spec_text FROM migration_history WHERE version = :version"
PROGRESS = (
    "SELECT version, direction, unit, step, place, table_name, state, batch_no, batch_size, key_width, "
    "rows_selected, rows_written, rows_skipped, rows_added, started, answer, marks, expected, seconds, "
    f"journal_rows, {', '.join(_LO + _UP)} FROM engine_step "
    "WHERE version = :version AND direction = :direction ORDER BY place"
)
EVENTS = (
    "SELECT e.version, e.direction, e.outcome, e.started, e.finished, e.seconds, e.row_count, e.run, "
    "coalesce(r.command, ''), coalesce(r.user, ''), coalesce(r.host, ''), coalesce(r.pid, 0), e.details "
    "FROM engine_event AS e LEFT JOIN engine_run AS r ON r.run = e.run ORDER BY e.event"
)
TABLE_NAMED = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = :name COLLATE NOCASE"

# ── writing ───────────────────────────────────────────────────────────────
SET_META = "INSERT INTO engine_meta (key, value) VALUES (:key, :value) ON CONFLICT (key) DO NOTHING"
RAISE_FENCE = "UPDATE engine_meta SET value = value + 1 WHERE key = 'fence'"
SAME_FENCE = "UPDATE engine_meta SET value = value WHERE key = 'fence' AND value = :fence"
START_RUN = (
    "INSERT INTO engine_run (command, started, outcome, host, pid, user, fence) "
    "VALUES (:command, :started, '', :host, :pid, :user, :fence)"
)
THIS_RUN = "SELECT max(run) FROM engine_run WHERE fence = :fence"
FINISH_RUN = "UPDATE engine_run SET finished = :finished, outcome = :outcome WHERE run = :run"
NEXT_NUMBER = "SELECT coalesce(max(number), 0) + 1 FROM migration_history"
OPEN_RECORD = (
    "INSERT INTO migration_history (version, description, applied, state, direction, checksum, plan, "
    'spec_name, spec_text, "before", "after", seconds, reversible, engine_version, code, number) '
    "VALUES (:version, '', 0, '', '', '', '', '', '', '', '', 0, 1, '', 0, 0) "
    "ON CONFLICT (version) DO NOTHING"
)
SAVE_RECORD = (
    "UPDATE migration_history SET description = :description, applied = :applied, applied_at = :applied_at, "
    "rolled_back_at = :rolled_back_at, state = :state, direction = :direction, checksum = :checksum, "
    'spec_name = :spec_name, "before" = :before, "after" = :after, seconds = :seconds, '
    "reversible = :reversible, finalized_at = :finalized_at, engine_version = :engine_version, "
    "code = :code, number = :number "
    "WHERE version = :version"
)
SAVE_TEXTS = "UPDATE migration_history SET plan = :plan, spec_text = :spec WHERE version = :version"
CLEAR_STEPS = "DELETE FROM engine_step WHERE version = :version AND direction = :direction"
ADD_STEP = (
    "INSERT INTO engine_step (version, direction, unit, step, place, table_name, state, fence, "
    "batch_no, key_width, rows_selected, rows_written, rows_skipped, rows_added, started, marks, seconds, "
    "journal_rows) "
    "VALUES (:version, :direction, :unit, :step, :place, :table_name, 'todo', :fence, "
    "0, 0, 0, 0, 0, 0, '', '[]', 0, '[]')"
)
TAKE_OVER = "UPDATE engine_step SET fence = :fence WHERE version = :version AND direction = :direction"
UNDONE = (
    "UPDATE engine_step SET state = 'undone', rows_added = 0 "
    "WHERE version = :version AND direction = 'apply' AND unit = :unit"
)
LOG = (
    "INSERT INTO engine_event "
    "(run, version, direction, outcome, started, finished, seconds, row_count, details) "
    "SELECT run, :version, :direction, :outcome, :started, :finished, :seconds, :rows, :details "
    "FROM engine_run WHERE run = :run"
)
DROP = "DROP TABLE IF EXISTS "
COUNT = "SELECT count(*) FROM "
EMPTY = "DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} LIMIT :rows)"


def quoted(table: str) -> str:
    """Return the name of one of the engine's own tables for use in SQL."""
    return '"' + table.replace('"', '""') + '"'
