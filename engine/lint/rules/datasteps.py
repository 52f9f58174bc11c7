"""DT: steps that move rows. DT102 DT104 DT117 DT119 DT120."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.errors import Path
from engine.lint.base import Found, Rule, SpecView
from engine.lint.edits import remove_key
from engine.lint.rules.existing import unique_keys
from engine.lint.story import Scene, each, found, written
from engine.lint.texts import (
    WHERE,
    Fragment,
    calls,
    fragments,
    names,
    words_of,
)
from engine.model.changes import CheckRows, CopyRows, DeleteRows, InsertRows, UpdateRows
from engine.model.state import Table, fold, same_name

MOVES = (CopyRows, UpdateRows, DeleteRows)


def pieces(view: SpecView) -> Iterator[tuple[Scene, Fragment]]:
    """Yield the SQL of all copies, transforms and deletes."""
    for scene, change in each(view, object):
        if isinstance(change, MOVES):
            for said in fragments(change):
                yield scene, said


def origin(change: object) -> str:
    """Return the table whose rows a step reads one by one, "" for a query."""
    if isinstance(change, CopyRows):
        return change.source
    return change.table if isinstance(change, UpdateRows | DeleteRows) else ""


# ── DT102 ─────────────────────────────────────────────────────────────────
def _batch_key(view: SpecView) -> Iterable[Found]:
    for scene, change in each(view, object):
        key = getattr(change, "key", ())
        table = scene.fact.before.table(origin(change)) if key and isinstance(change, MOVES) else None
        if table is None or not isinstance(change, MOVES):
            continue
        path: Path = (scene.fact.step.verb, "key")
        given = {fold(c) for c in key}
        if not any({fold(c) for c in known} <= given for known in unique_keys(table, scene.fact.before)):
            if not _seen(scene, table.name, "unique", key):
                words = f"nothing keeps ({', '.join(key)}) of `{table.name}` unique: the step stops at the first pair"
                hint = "take a key that is unique, or look with `validate: [{unique: …}]` before"
                yield found(scene, "DT102", words, path, hint, table.name)
            continue
        loose = [c for c in (table.column(n) for n in key) if c and not c.not_null and not _is_row_id(table, c.name)]
        where = " ".join(f.text for f in fragments(change) if f.kind == WHERE)
        for column in loose:
            if not names(where, column.name) and not _seen(scene, table.name, "not_null", (column.name,)):
                words = f"`{table.name}.{column.name}` may be NULL: a row without it belongs to no batch"
                hint = "take another key, or look with `validate: [{not_null: …}]` before"
                yield found(scene, "DT102", words, path, hint, f"{table.name}.{column.name}")


def _is_row_id(table: Table, column: str) -> bool:
    found_column = table.column(column)
    whole = found_column is not None and found_column.type.strip().upper() == "INTEGER"
    return whole and len(table.primary_key) == 1 and same_name(table.primary_key[0], column)


def _seen(scene: Scene, table: str, kind: str, columns: tuple[str, ...]) -> bool:
    wanted = {fold(c) for c in columns}
    for _, rows in scene.earlier(CheckRows):
        for check in rows.checks:
            mine = {fold(c) for c in check.columns}
            enough = mine <= wanted if kind == "unique" else wanted <= mine
            if check.kind == kind and same_name(check.table, table) and mine and enough:
                return True
    return False


# ── DT104 ─────────────────────────────────────────────────────────────────
_CHANCE = frozenset({"random", "rand", "randomblob", "uuid", "gen_random_uuid", "uuid_generate_v4", "newid", "nextval"})
_CHANCE |= {"lastval", "currval", "last_insert_rowid", "last_insert_id", "changes", "total_changes", "now", "sysdate"}
_CHANCE |= {"clock_timestamp", "statement_timestamp", "timeofday", "getdate", "current_setting"}
_CLOCKS = frozenset({"date", "time", "datetime", "julianday", "strftime", "unixepoch"})


def _chance(view: SpecView) -> Iterable[Found]:
    for scene, said in pieces(view):
        called = calls(said.text)
        name = next((c for c in called if c in _CHANCE), "")
        clock = bool(_CLOCKS & set(called)) and any(t.text.lower() == "'now'" for t in said.tokens)
        if name or clock:
            what = f"{name}()" if name else "'now'"
            words = f"{what} gives another value in each batch, and after a resume"
            hint = "write CURRENT_TIMESTAMP: it is the step's start in every row" if clock or "now" in name else ""
            hint = hint or "make it from the key, or put the values into a table first"
            yield found(scene, "DT104", words, said.path, hint)
        elif said.says("LIMIT") and not said.says("ORDER", "BY"):
            words = "LIMIT without ORDER BY takes any rows, and others after a resume"
            yield found(scene, "DT104", words, said.path, "say ORDER BY with a unique column")


# ── DT117, DT119, DT120 ───────────────────────────────────────────────────
_EVENTS = ((CopyRows, "INSERT"), (UpdateRows, "UPDATE"), (DeleteRows, "DELETE"))


def _triggers(view: SpecView) -> Iterable[Found]:
    for kind, event in _EVENTS:
        for scene, change in each(view, kind):
            table = written(change)  # type: ignore[arg-type]
            fired = [t.name for t in scene.fact.before.triggers_of(table) if event in words_of(t.sql)[3:12]]
            said = ("copy", "triggers") in scene.fact.step.spans
            if fired and not said:
                verb = scene.fact.step.verb
                words = f"`{fired[0]}` fires for every row that this writes into `{table}`"
                hint = "say `triggers: fire`, or `skip`" if verb == "copy" else "see that this is meant"
                place: Path = (verb, {"copy": "into", "delete": "from"}.get(verb, "table"))
                yield found(scene, "DT117", words, place, hint, table, "warning" if verb == "copy" else "info")


def _batch_size(view: SpecView) -> Iterable[Found]:
    for scene, change in each(view, object):
        size = getattr(change, "batch_size", None)
        if isinstance(change, MOVES) and size is not None and not 50 <= size <= 50_000:
            words = "batches as small as this take long" if size < 50 else "a batch as large as this locks for long"
            path: Path = (scene.fact.step.verb, "batch_size")
            yield found(scene, "DT119", words, path, "leave it out: `auto` keeps each batch short", origin(change))


def _child_first(view: SpecView) -> Iterable[Found]:
    for scene, change in each(view, object):
        child = scene.fact.before.table(written(change)) if isinstance(change, CopyRows | InsertRows) else None
        if child is None:
            continue
        columns = getattr(change, "columns", None) or ()
        given = {fold(c if isinstance(c, str) else c[0]) for c in columns}
        for key in child.foreign_keys:
            parent = fold(key.table)
            mapped = not given or {fold(c) for c in key.columns} <= given
            if parent not in scene.made or parent == fold(child.name) or key.deferrable or not mapped:
                continue
            filled = any(_fills(c, parent) for _, c in scene.earlier(object))
            later = next((f for f, c in scene.later(object) if _fills(c, parent)), None)
            if later is not None and not filled:
                words = f"`{child.name}` refers to `{key.table}`, which is empty until step {later.step.id}"
                path: Path = (scene.fact.step.verb, "into")
                yield found(scene, "DT120", words, path, "move it behind that step", child.name)


def _fills(change: object, table: str) -> bool:
    """Tell whether a change brings new rows into a table (folded)."""
    return isinstance(change, CopyRows | InsertRows) and fold(change.target) == table


RULES = (
    Rule(
        "DT102",
        "no-stable-batch-key",
        "warning",
        "The key given to cut batches by is not unique or can be NULL.",
        "Rows without a key belong to no batch; the step looks for them first, and stops.",
        "Name a unique key without NULLs, or look with a `validate` before.",
        "copy: {from: a, into: c, columns: same, key: b, expect_rows: all}",
        "copy: {from: a, into: c, columns: same, key: id, expect_rows: all}",
        check_spec=_batch_key,
    ),
    Rule(
        "DT104",
        "nondeterministic-expression",
        "error",
        "A value or a filter depends on chance or on the clock.",
        "Each batch gets other values, and a resume other ones again; no check can compare them.",
        "Write CURRENT_TIMESTAMP, which is the step's start in every row; or make the value from the key.",
        "transform: {table: a, set: {b: \"datetime('now')\"}, where: b IS NULL}",
        "transform: {table: a, set: {b: CURRENT_TIMESTAMP}, where: b IS NULL}",
        check_spec=_chance,
    ),
    Rule(
        "DT117",
        "trigger-fires-on-data-step",
        "warning",
        "The table that a step writes to has triggers.",
        "Audit rows, mails, `updated_at`: what they do happens for every row.",
        "Say `triggers: fire`, or `skip`.",
        "steps:\n  - copy: {from: a, into: c, columns: same, expect_rows: all}",
        "copy: {from: a, into: c, columns: same, triggers: fire, expect_rows: all}",
        check_spec=_triggers,
        ranges=True,
    ),
    Rule(
        "DT119",
        "batch-size-out-of-range",
        "info",
        "`batch_size` is below 50 or above 50,000.",
        "Small batches take long, large ones hold locks long.",
        "Leave it out: `auto` keeps each batch short.",
        "transform: {table: a, set: {b: trim(b)}, batch_size: 1}",
        "transform: {table: a, set: {b: trim(b)}, batch_size: 5000}",
        check_spec=_batch_size,
        fix="auto",
        mend=lambda told: remove_key(told.span, "batch_size") if told.span else (),
    ),
    Rule(
        "DT120",
        "child-before-parent",
        "error",
        "Rows go into a table before those that they refer to.",
        "The foreign key refuses them.",
        "Fill the table that is referred to first.",
        "steps:\n  - copy: {from: a, into: child, columns: same, expect_rows: all}\n"
        "  - copy: {from: b, into: parent, columns: same, expect_rows: all}",
        "steps:\n  - copy: {from: b, into: parent, columns: same, expect_rows: all}\n"
        "  - copy: {from: a, into: child, columns: same, expect_rows: all}",
        check_spec=_child_first,
    ),
)
