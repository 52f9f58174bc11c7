"""What `sql` says on any database: DL103 DL109 DL110 DD106 DT101 DT112 CN113 RB108 SP113."""

from __future__ import annotations

from collections.abc import Iterable

from engine.errors import Problem
from engine.lint.base import Found, Rule, SpecView
from engine.lint.story import Scene, Told, by_statement, covers, each, found, spoken
from engine.lint.texts import (
    Fragment,
    assignments,
    columns_given,
    names,
    object_after,
    statements,
    target,
    top_level,
    words_of,
)
from engine.model.changes import CheckRows, CopyRows, RunSql
from engine.model.state import fold, same_name


# ── what is lost ──────────────────────────────────────────────────────────
def _drop_schema(said: Fragment, _: Scene) -> Told:
    for word in ("SCHEMA", "DATABASE"):
        if said.begins("DROP", word):
            name = object_after(said, "DROP", word)
            return f"a whole {word.lower()} `{name}` goes", "drop its tables one by one, each with a `validate`", name
    return None


def _replace(said: Fragment, scene: Scene) -> Told:
    if not (said.begins("REPLACE", "INTO") or said.begins("INSERT", "OR", "REPLACE")):
        return None
    state, name = scene.fact.before, target(said)
    table = state.table(name)
    if table is None:
        return None
    given = columns_given(said)
    left = [c.name for c in table.columns if given is not None and not any(same_name(c.name, g) for g in given)]
    tied = [t.name for t in state.referring_to(name)]
    why = f"rows of `{tied[0]}` that refer to it go or break" if tied else ""
    why = why or ("its triggers fire for a delete" if state.triggers_of(name) else "")
    why = why or (f"`{left[0]}` is not in the list and is reset" if left else "")
    if not why:
        return None
    hint = "write `insert` or `copy` with `on_conflict: replace`, or ON CONFLICT … DO UPDATE"
    return f"REPLACE deletes the old row of `{table.name}` first: {why}", hint, table.name


def _ignored(view: SpecView) -> Iterable[Found]:
    for scene, said in spoken(view):
        nothing = said.says("DO", "NOTHING")
        silent = said.begins("INSERT", "OR", "IGNORE") or said.begins("INSERT", "IGNORE") or nothing
        if silent and not _looked_at_later(scene, target(said)):
            words = "rows that can't be written are left out without a word, also for NOT NULL and bad types"
            yield found(scene, "DL110", words, said.path, subject=target(said))
    for scene, copy in each(view, CopyRows):
        if copy.on_conflict == "skip" and copy.expect is None and not _looked_at_later(scene, copy.target):
            words = f"rows that `{copy.target}` has already are left out, and nothing says how many may be"
            path = ("copy", "on_conflict")
            yield found(scene, "DL110", words, path, "add `expect_rows: all`, or a number", copy.target)


def _looked_at_later(scene: Scene, table: str) -> bool:
    return any(
        check.kind in ("row_count", "same_rows", "no_rows") and covers(check, table)
        for _, rows in scene.later(CheckRows)
        for check in rows.checks
    )


# ── rows ──────────────────────────────────────────────────────────────────
def _unbatched(view: SpecView) -> Iterable[Found]:
    for scene, said in spoken(view):
        name = target(said)
        moves = said.begins("UPDATE") or said.begins("DELETE") or (said.begins("INSERT") and said.says("SELECT"))
        if not moves or not name or fold(name) in scene.made or _made_here(scene, name):
            continue
        large = view.world.settings.large_table_rows
        count = f'SELECT count(*) FROM (SELECT 1 FROM "{name}" LIMIT {large + 1})'
        rows = view.world.rows(count) if scene.fact.before.table(name) else None
        if rows is not None and rows <= large:
            continue
        servers = bool(set(scene.targets) - {"sqlite"}) or said.dialect not in ("", "sqlite")
        whole = not said.says("WHERE")
        verb = {"UPDATE": "transform", "DELETE": "delete"}.get(said.words[0], "copy")
        yield found(
            scene,
            "DT101",
            f"this changes rows of `{name}` in one statement, however many there are",
            said.path,
            f"write it as `{verb}`: it goes in batches, can be resumed, and is taken back by itself",
            name,
            "error" if rows is not None or (servers and whole) else "warning" if servers or whole else "info",
        )


def _made_here(scene: Scene, table: str) -> bool:
    texts = [f for change in scene.fact.changes for f in statements(change)]
    return any(f.begins("CREATE", "TABLE") and same_name(object_after(f, "CREATE", "TABLE"), table) for f in texts)


def _shift(said: Fragment, scene: Scene) -> Told:
    if not said.begins("UPDATE"):
        return None
    table = scene.fact.before.table(target(said))
    if table is None:
        return None
    from engine.lint.rules.existing import unique_keys

    for name, text in assignments(said):
        words = words_of(text)
        own = len(words) == 3 and words[1] in ("+", "-") and same_name(words[0], name)
        if own and any(len(k) == 1 and same_name(k[0], name) for k in unique_keys(table, scene.fact.before)):
            message = f"each new `{name}` may be the old one of the next row, and `{name}` is unique"
            return message, "write it as `transform`, which takes the rows aside first", f"{table.name}.{name}"
    return None


def _positional(said: Fragment, scene: Scene) -> Told:
    if not (said.begins("INSERT") or said.begins("REPLACE")) or columns_given(said) is not None or said.says("DEFAULT"):
        return None
    table = scene.fact.before.table(target(said))
    if fold(target(said)) in scene.made or (table is None and scene.fact.after.table(target(said))):
        return None  # its columns stand in this spec
    listed = f"({', '.join(c.name for c in table.columns if c.generated is None)})" if table else "(…)"
    return (
        f"no columns are named: values go into `{target(said)}` by position",
        f"name them: INSERT INTO {target(said)} {listed}",
        target(said),
    )


# ── rules, tables and ways back ───────────────────────────────────────────
def _as_select(view: SpecView) -> Iterable[Found]:
    for scene, said in spoken(view):
        name = object_after(said, "CREATE", "TABLE") if said.begins("CREATE", "TABLE") else ""
        if not name or "AS" not in top_level(said.text) or not said.says("SELECT"):
            continue
        swapped = any(
            later.begins("ALTER", "TABLE") and later.says("RENAME", "TO") and names(later.text, name)
            for _, later in spoken(view)
        ) or any(
            getattr(c, "name", "") and same_name(str(getattr(c, "name", "")), name) and getattr(c, "to", "")
            for _, c in scene.later(object)
        )
        if swapped:
            words = f"`{name}` has neither keys nor NOT NULL, defaults or checks: a table made from a query keeps none"
            yield found(scene, "CN113", words, said.path, "write `create` and `copy`", name)


def _undo_unbatched(view: SpecView) -> Iterable[Found]:
    for fact in view.live:
        if fact.step.verb not in ("copy", "transform", "delete"):
            continue
        for number, step in enumerate(fact.step.undo or ()):
            for change in step.body.changes(fact.after):
                for said in statements(change) if isinstance(change, RunSql) else ():
                    if said.words[:1] in (("UPDATE",), ("DELETE",), ("INSERT",)):
                        words = "forward this goes in batches, and back in one statement"
                        hint = "leave `undo` out: the derived way back is exact; or write a `transform` there"
                        yield found(fact, "RB108", words, ("undo", number), hint, target(said))
                        break


_TYPED = {
    ("CREATE", "TABLE"): "create",
    ("CREATE", "INDEX"): "index",
    ("CREATE", "UNIQUE"): "index",
    ("CREATE", "VIEW"): "create",
    ("DROP", "TABLE"): "drop",
    ("DROP", "INDEX"): "drop",
    ("DROP", "VIEW"): "drop",
    ("ALTER", "TABLE"): "alter",
    ("UPDATE",): "transform",
    ("DELETE",): "delete",
    ("INSERT",): "insert` or `copy",
}


def _raw(view: SpecView) -> Iterable[Found]:
    for scene, change in each(view, RunSql):
        verbs = [next((v for p, v in _TYPED.items() if f.begins(*p)), "") for f in statements(change)]
        if verbs and all(verbs):
            words = f"`{verbs[0]}` can say this, with a way back of its own"
            yield scene.fact, Problem("SP113", words, ("sql", "<key>"), severity="info")


RULES = (
    Rule(
        "DL103",
        "drop-schema-or-database",
        "error",
        "`sql` drops a whole schema or database.",
        "That is out of proportion for a migration: nothing of it comes back.",
        "Drop its tables one by one.",
        'steps:\n  - sql: {postgresql: "DROP SCHEMA old CASCADE"}',
        "drop: {table: old_albums}",
        check_spec=by_statement("DL103", _drop_schema),
        needs_reason=True,
        over=("SP113",),
    ),
    Rule(
        "DL109",
        "replace-instead-of-upsert",
        "error",
        "REPLACE into a table that others refer to, that has triggers, or with columns left out.",
        "It deletes the old row first: child rows cascade away, columns that are not listed are reset.",
        "Use `on_conflict: replace`, which updates.",
        'sql: "INSERT OR REPLACE INTO artists (id) VALUES (1)"\nirreversible: test',
        "insert: {into: artists, rows: [{id: 1, name: AC/DC}], on_conflict: replace, conflict_key: [id]}",
        check_spec=by_statement("DL109", _replace),
        needs_reason=True,
        over=("SP113",),
    ),
    Rule(
        "DL110",
        "conflicts-ignored",
        "error",
        "Rows that can't be written are left out, and nothing counts them.",
        "OR IGNORE also swallows NOT NULL and, on MySQL, bad types: three rows in, one row out, no error.",
        "Say with `expect_rows` or a later `validate` how many there must be.",
        "copy: {from: a, into: c, columns: same, on_conflict: skip, conflict_key: id}",
        "copy: {from: a, into: c, columns: same, on_conflict: skip, conflict_key: id, expect_rows: all}",
        check_spec=_ignored,
        needs_reason=True,
        over=("DT107", "SP113"),
    ),
    Rule(
        "DD106",
        "key-shift-in-place",
        "error",
        "`sql` counts a unique key up or down in place.",
        "Row by row the new key of one may be the old key of the next: the statement fails, or not, by chance.",
        "Write a `transform`, which takes the rows aside first.",
        'sql: "UPDATE a SET id = id + 1000"\nirreversible: test',
        'transform: {table: a, set: {id: "id + 1000"}}',
        check_spec=by_statement("DD106", _shift),
        over=("SP113",),
    ),
    Rule(
        "DT101",
        "unbatched-data-step",
        "error",
        "`sql` changes rows of a table in one statement.",
        "On a large table that is one long transaction: locks, a full log, no progress, no resume.",
        "Write `transform`, `delete` or `copy`.",
        'sql: "UPDATE a SET b = 1"\nirreversible: test',
        'transform: {table: a, set: {b: {value: 1}}, where: "b IS NULL"}',
        check_spec=_unbatched,
        ranges=True,
        over=("SP113",),
    ),
    Rule(
        "DT112",
        "positional-or-star-copy",
        "error",
        "`sql` inserts without naming the columns.",
        "Values are matched by position: the same number in another order goes in without an error.",
        "Name the columns, or write `copy`.",
        'sql: "INSERT INTO a SELECT * FROM c"\nirreversible: test',
        "copy: {from: a, into: c, columns: same, expect_rows: all}",
        check_spec=by_statement("DT112", _positional),
        over=("SP113",),
    ),
    Rule(
        "CN113",
        "create-table-as-select",
        "error",
        "A table made from a query takes the place of another.",
        "It has neither keys nor NOT NULL, defaults or checks.",
        "Write `create` and `copy`.",
        'steps:\n  - sql: ["CREATE TABLE n AS SELECT * FROM a", "DROP TABLE a", "ALTER TABLE n RENAME TO a"]',
        "copy: {from: a, into: c, columns: same, expect_rows: all}",
        check_spec=_as_select,
        over=("SP113",),
    ),
    Rule(
        "RB108",
        "rollback-unbatched",
        "warning",
        "A step goes in batches, and its `undo` in one statement.",
        "The way back in an emergency would hold the longest lock.",
        "Leave `undo` out, or write it with `transform`, `delete` or `copy`.",
        "transform: {table: a, set: {b: \"b || '!'\"}}\nundo: \"UPDATE a SET b = replace(b, '!', '')\"",
        "transform: {table: a, set: {b: \"b || '!'\"}}",
        check_spec=_undo_unbatched,
    ),
    Rule(
        "SP113",
        "raw-sql-step",
        "info",
        "`sql` says what a typed step can say.",
        "A typed step has a way back of its own, goes in batches and is looked at more closely.",
        "Use the verb that is named.",
        'sql: "DROP INDEX idx_users_name"\nirreversible: test',
        "drop: {index: idx_users_name}",
        check_spec=_raw,
    ),
)
