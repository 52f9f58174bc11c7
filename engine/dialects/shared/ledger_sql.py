"""Texts of the engine's own tables and statements: no clock, no triggers.

`protocol()` is printed with every plan. All other texts here and in a dialect's
`Texts` are the closed list of what runs without standing in a plan.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.dialects.ledger import KEYS
from engine.model.plan import Statement

FORMAT = 1

_LO = tuple(f"lo{n}" for n in range(1, KEYS + 1))
_UP = tuple(f"up{n}" for n in range(1, KEYS + 1))

TABLE_NAMES = ("migration_history", "engine_run", "engine_event", "engine_step", "engine_meta")
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


def is_engines(table: str) -> bool:
    """Tell whether a table is one of the engine's own."""
    folded = table.lower()
    return folded == "migration_history" or folded.startswith("engine_")


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
PLAN_TEXT = "SELECT plan FROM migration_history WHERE version = :version"
SPEC_TEXT = "SELECT spec_text FROM migration_history WHERE version = :version"
PROGRESS = (
    "SELECT version, direction, unit, step, place, table_name, state, batch_no, batch_size, key_width, "
    "rows_selected, rows_written, rows_skipped, rows_added, started, answer, marks, expected, seconds, "
    f"journal_rows, {', '.join(_LO + _UP)} FROM engine_step "
    "WHERE version = :version AND direction = :direction ORDER BY place"
)
RUNS = "SELECT run, command, outcome FROM engine_run ORDER BY run DESC LIMIT 50"
COUNT = "SELECT count(*) FROM "

# ── writing ───────────────────────────────────────────────────────────────
THIS_RUN = "SELECT max(run) FROM engine_run WHERE fence = :fence"
FINISH_RUN = "UPDATE engine_run SET finished = :finished, outcome = :outcome WHERE run = :run"
NEXT_NUMBER = "SELECT coalesce(max(number), 0) + 1 FROM migration_history"
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


@dataclass(frozen=True, slots=True)
class Spelling:
    """What a database spells in its own way.

    Attributes:
        quote: a name as SQL; four columns (`before`, `after`, `user`, `key`) are reserved words somewhere.
        text: type of a text of any length.
        name: type of a text that is part of a key.
        whole, real: types of numbers, 64 bits.
        bound: type of a value of a batch key, "" for none.
        stored: type of `engine_meta.value`.
        counted: type of a primary key that counts by itself.
        begun: type of the column that keeps the order in which versions were begun, "" where `order` needs none.
        order: what the history is ordered by.
        keyed: what ends a table whose primary key is its own.
        unless: what ends an INSERT that leaves a row of the same `{key}` as it is.
        next: `engine_meta.value` and one more.
        fence: the parameter `:fence` as `engine_meta` stores it.
    """

    quote: Callable[[str], str]
    text: str
    name: str
    whole: str
    real: str
    bound: str
    stored: str
    counted: str
    begun: str
    order: str
    keyed: str
    unless: str
    next: str
    fence: str


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts that differ from database to database.

    Attributes:
        tables: make the engine's tables where they are missing.
        has_tables: names of `TABLE_NAMES` that stand, of whatever kind.
        columns_of_history, kind_of_history: of `migration_history`: names; `table` or what else it is.
        table_named: whether `:name`, one of the engine's own, stands; the dialect reads the answer.
    """

    tables: tuple[str, ...]
    has_tables: str
    columns_of_history: str
    kind_of_history: str
    table_named: str
    meta: str
    records: str
    events: str
    set_meta: str
    raise_fence: str
    same_fence: str
    start_run: str
    open_record: str
    save_record: str


def texts(
    spelling: Spelling, *, has_tables: str, columns_of_history: str, kind_of_history: str, table_named: str
) -> Texts:
    """Return a dialect's texts; those that ask its catalogue are given (see `Texts`)."""
    before, after, user, key = map(spelling.quote, ("before", "after", "user", "key"))
    return Texts(
        tables=_tables(spelling),
        has_tables=has_tables,
        columns_of_history=columns_of_history,
        kind_of_history=kind_of_history,
        table_named=table_named,
        meta=f"SELECT value FROM engine_meta WHERE {key} = :key",
        records=(
            "SELECT version, description, applied, applied_at, rolled_back_at, state, checksum, spec_name, number, "
            f"seconds, reversible, finalized_at, engine_version, {before}, {after}, code "
            f"FROM migration_history ORDER BY {spelling.order}"
        ),
        events=(
            "SELECT e.version, e.direction, e.outcome, e.started, e.finished, e.seconds, e.row_count, e.run, "
            f"coalesce(r.command, ''), coalesce(r.{user}, ''), coalesce(r.host, ''), coalesce(r.pid, 0), e.details "
            "FROM engine_event AS e LEFT JOIN engine_run AS r ON r.run = e.run ORDER BY e.event"
        ),
        set_meta=f"INSERT INTO engine_meta ({key}, value) VALUES (:key, :value) {spelling.unless.format(key=key)}",
        raise_fence=f"UPDATE engine_meta SET value = {spelling.next} WHERE {key} = 'fence'",
        same_fence=f"UPDATE engine_meta SET value = value WHERE {key} = 'fence' AND value = {spelling.fence}",
        start_run=(
            f"INSERT INTO engine_run (command, started, outcome, host, pid, {user}, fence) "
            "VALUES (:command, :started, '', :host, :pid, :user, :fence)"
        ),
        open_record=(
            "INSERT INTO migration_history (version, description, applied, state, direction, checksum, plan, "
            f"spec_name, spec_text, {before}, {after}, seconds, reversible, engine_version, code, number) "
            "VALUES (:version, '', 0, '', '', '', '', '', '', '', '', 0, 1, '', 0, 0) "
            f"{spelling.unless.format(key='version')}"
        ),
        save_record=(
            "UPDATE migration_history SET description = :description, applied = :applied, applied_at = :applied_at, "
            "rolled_back_at = :rolled_back_at, state = :state, direction = :direction, checksum = :checksum, "
            f"spec_name = :spec_name, {before} = :before, {after} = :after, seconds = :seconds, "
            "reversible = :reversible, finalized_at = :finalized_at, engine_version = :engine_version, "
            "code = :code, number = :number "
            "WHERE version = :version"
        ),
    )


def _tables(spelling: Spelling) -> tuple[str, ...]:
    """Return the tables. A letter for each column: n name, t text, w whole number, r real; a capital: NOT NULL."""
    s, quote = spelling, spelling.quote
    bounds = [f"{name} {s.bound}".rstrip() for name in (*_LO, *_UP)]
    types = {"n": s.name, "t": s.text, "w": s.whole, "r": s.real}

    def columns(kinds: str, names: tuple[str, ...]) -> list[str]:
        return [
            f"{quote(name) if name in ('before', 'after', 'user') else name} {types[kind.lower()]}"
            + (" NOT NULL" if kind.isupper() else "")
            for kind, name in zip(kinds, names, strict=True)
        ]

    def table(name: str, parts: list[str], end: str = "") -> str:
        body = ",\n  ".join(parts)
        return f"CREATE TABLE IF NOT EXISTS {name} (\n  {body}\n){end}"

    history = columns("TWttTTTTTTTTRWtTWW", HISTORY_COLUMNS[1:])
    run = ("command", "started", "finished", "outcome", "host", "pid", "user", "fence")
    event = ("run", "version", "direction", "outcome", "started", "finished", "seconds", "row_count", "details")
    step = ("version", "direction", "unit", "step", "place", "table_name", "state", "fence", "batch_no", "batch_size")
    rest = ("key_width", "rows_selected", "rows_written", "rows_skipped", "rows_added", "started", "answer", "marks")
    return (
        table(
            "migration_history",
            [f"version {s.name} NOT NULL PRIMARY KEY", *history, *([f"begun {s.begun}"] if s.begun else [])],
        ),
        table("engine_run", [f"run {s.counted}", *columns("TTtTTWTW", run)]),
        table("engine_event", [f"event {s.counted}", *columns("WTTTTTRWT", event)]),
        table(
            "engine_step",
            [
                *columns("NNNTWTTWWw", step),
                *bounds,
                *columns("WWWWWTwT", rest),
                *columns("wRT", ("expected", "seconds", "journal_rows")),
                "PRIMARY KEY (version, direction, unit)",
            ],
            s.keyed,
        ),
        table(
            "engine_meta",
            [f"{quote('key')} {s.name} NOT NULL PRIMARY KEY", " ".join(("value", *s.stored.split(), "NOT NULL"))],
            s.keyed,
        ),
    )
