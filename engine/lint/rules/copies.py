"""DT: copies that lose, repeat or mix up. DT108 DT110 DT111 DT113."""

from __future__ import annotations

from collections.abc import Iterable

from engine.lint.base import Found, Rule, SpecView
from engine.lint.rules.existing import unique_keys
from engine.lint.rules.loss import moved
from engine.lint.story import covers, each, found
from engine.lint.texts import QUERY, Fragment, columns_read, fragments, top_level
from engine.lint.types import NUMBERS, kind_of, walk
from engine.model.changes import CheckRows, CopyRows, DropTable
from engine.model.state import SchemaState, fold, same_name


# ── DT108 ─────────────────────────────────────────────────────────────────
def _cardinality(view: SpecView) -> Iterable[Found]:
    for scene, change in each(view, CopyRows):
        exact = change.expect is not None and (change.expect.exact is not None or change.expect.query is not None)
        if exact or any(covers(c, change.target) for _, rows in scene.later(CheckRows) for c in rows.checks):
            continue
        for said in fragments(change):
            if said.kind == QUERY and (why := _join_risk(said, scene.fact.before)):
                hint = "say `expect_rows: {sql: …}` with the number there must be, or join on a unique key"
                yield found(scene, "DT108", why, said.path, hint, change.target)


def _join_risk(said: Fragment, state: SchemaState) -> str:
    """Return why the one join of a query may lose or repeat rows, "" where it can't or nobody knows."""
    words = top_level(said.text)
    if words.count("JOIN") != 1 or "ON" not in words or _OTHER_JOINS & set(words):
        return ""
    at, on = words.index("JOIN"), words.index("ON")
    tail = words[on + 1 :]
    if len(tail) < 7 or (tail[1], tail[3], tail[5]) != (".", "=", ".") or tail[7:8] in (("AND",), ("OR",)):
        return ""
    joined, base = state.table(words[at + 1]), state.table(words[words.index("FROM") + 1])
    sides = {fold(tail[0]): fold(tail[2]), fold(tail[4]): fold(tail[6])}
    mine = sides.pop(fold(words[on - 1]), "")
    if joined is None or base is None or not mine or len(sides) != 1:
        return ""
    if not any(len(k) == 1 and same_name(k[0], mine) for k in unique_keys(joined, state)):
        return f"`{joined.name}.{mine}` is not unique: a row with two partners is copied twice"
    column = base.column(next(iter(sides.values())))
    tied = [f for f in base.foreign_keys if same_name(f.table, joined.name)]
    sure = column is not None and column.not_null and any(same_name(c, column.name) for f in tied for c in f.columns)
    if sure or "LEFT" in words[max(0, at - 2) : at]:
        return ""
    return f"rows of `{base.name}` without a partner in `{joined.name}` are left out: it is no LEFT JOIN"


_OTHER_JOINS = frozenset({"USING", "CROSS", "RIGHT", "FULL", "NATURAL"})


# ── DT110, DT111, DT113 ───────────────────────────────────────────────────
_SAME = (("integer", "boolean"), ("boolean", "integer"), ("date", "timestamp"), ("date", "timestamptz"))


def _families(view: SpecView) -> Iterable[Found]:
    for scene, declared in walk(view):
        for change in scene.fact.changes:
            for table, target, column, source, path in moved(change, scene.fact.before):
                old, new = kind_of(table, source, scene, declared), kind_of(target, column, scene, declared)
                pair = (old.family, new.family)
                if not old.family or not new.family or old.family == new.family or pair in _SAME:
                    continue
                numbers = old.family in NUMBERS and new.family in NUMBERS
                lossy = old.family == "text" and new.family in NUMBERS  # DL106 says more
                spelled = old.family == "text" or new.family == "text"
                dates = {"date", "time", "timestamp", "timestamptz", "json", "uuid"}
                as_text = spelled and bool(dates & set(pair)) and (fold(table), fold(source)) not in declared
                if numbers or lossy or as_text:
                    continue
                words = f"`{table}.{source}` is {old.name} and `{target}.{column}` is {new.name}"
                hint = f"say how: cast({source} as {new.name}), or {{parse: {source}, as: {new.name}}} for text"
                alone = set(scene.targets) <= {"sqlite"} and old.family in NUMBERS and new.family == "text"
                yield found(scene, "DT110", words, path, hint, f"{target}.{column}", "info" if alone else "error")


def _forgotten(view: SpecView) -> Iterable[Found]:
    for scene, copy in each(view, CopyRows):
        source, target = scene.fact.before.table(copy.source), scene.fact.before.table(copy.target)
        gone = any(same_name(d.name, copy.source) for _, d in scene.later(DropTable))
        if source is None or target is None or not gone:
            continue
        if copy.columns is None:
            used = {fold(c.name) for c in target.columns}
        else:
            used = {name for f in fragments(copy) for name in columns_read(f.text)}
        checks = [c for _, rows in scene.later(CheckRows) for c in rows.checks]
        left = [
            c.name
            for c in source.columns
            if fold(c.name) not in used
            and not c.key_position
            and not any(covers(k, source.name, c.name) for k in checks)
        ]
        if left:
            listed = ", ".join(f"`{n}`" for n in left)
            words = f"{listed} of `{copy.source}` goes nowhere, and the table is dropped later"
            hint = "map it, or show with a `validate` that nobody needs it"
            yield found(scene, "DT111", words, ("copy", "columns", "<key>"), hint, copy.source)


def _not_empty(view: SpecView) -> Iterable[Found]:
    for scene, copy in each(view, CopyRows):
        target = scene.existing(copy.target)
        if target is None or copy.on_conflict != "fail" or scene.guarded(copy.target):
            continue
        given = {fold(c.name) for c in target.columns} if copy.columns is None else {fold(n) for n, _ in copy.columns}
        if any({fold(c) for c in key} <= given for key in unique_keys(target, scene.fact.before)):
            continue
        words = f"nothing would notice rows that `{copy.target}` has already: no unique key is among the columns"
        hint = "say `on_conflict` with `conflict_key`, or look with a `validate` before"
        yield found(scene, "DT113", words, ("copy", "into"), hint, copy.target)


RULES = (
    Rule(
        "DT108",
        "copy-cardinality-risk",
        "warning",
        "A copy from a join may lose rows or take some twice.",
        "An inner join leaves rows without a partner out; a join on what is not unique repeats rows.",
        "Say with `expect_rows` or a `validate` how many there must be, or join on a unique key.",
        'copy: {from: {sql: "SELECT a.id, c.b FROM a JOIN c ON c.b = a.b"}, into: b, columns: [id, b], key: id}',
        'copy: {from: {sql: "SELECT a.id, c.b FROM a LEFT JOIN c ON c.id = a.id"}, into: b, columns: [id, b], key: id}',
        check_spec=_cardinality,
    ),
    Rule(
        "DT110",
        "mapping-type-mismatch",
        "error",
        "A value goes as it is into a column of another kind.",
        "SQLite stores the wrong type, PostgreSQL stops, MySQL guesses.",
        "Say with cast or `{parse: …}` what is meant.",
        "copy: {from: a, into: c, columns: {b: id}, expect_rows: all}",
        'copy: {from: a, into: c, columns: {b: "cast(id as text)"}, expect_rows: all}',
        check_spec=_families,
        ranges=True,
    ),
    Rule(
        "DT111",
        "unmapped-source-column",
        "warning",
        "A column of a table that is copied and dropped goes nowhere.",
        "In a long mapping columns get forgotten.",
        "Map it, or show with a `validate` that nobody needs it.",
        "steps:\n  - copy: {from: a, into: c, columns: [id], expect_rows: all}\n  - drop: {table: a}",
        "steps:\n  - copy: {from: a, into: c, columns: [id, b], expect_rows: all}\n  - drop: {table: a}",
        check_spec=_forgotten,
    ),
    Rule(
        "DT113",
        "target-not-empty",
        "info",
        "A copy into a table that was there has no key among its columns.",
        "If the rows are there already, they are there twice.",
        "Say `on_conflict` with `conflict_key`, or look with a `validate`.",
        "copy: {from: a, into: c, columns: [b], expect_rows: all}",
        "copy: {from: a, into: c, columns: [id, b], expect_rows: all}",
        check_spec=_not_empty,
    ),
)
