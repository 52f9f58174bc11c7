"""LT: keys of tables on SQLite, and what an older library does not know. LT110 LT112 LT116."""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.lint.base import Found, Rule, SpecView
from engine.lint.rules.sqlite import BASE
from engine.lint.story import Scene, each, found, scenes, spoken
from engine.lint.texts import STATEMENT, Fragment, fragments, is_bare, object_after
from engine.model.changes import AlterTable, CopyRows, CreateTable, DeleteRows, SetOptions
from engine.model.state import same_name


# ── LT110, LT112 ──────────────────────────────────────────────────────────
def _null_key(view: SpecView) -> Iterable[Found]:
    """A key that `sql` makes: `create` makes it NOT NULL by itself."""
    for scene, said in spoken(view):
        here = said.begins("CREATE", "TABLE") and said.dialect in ("", *BASE) and view.world.dialect in BASE
        name = object_after(said, "CREATE", "TABLE") if here else ""
        table = scene.fact.after.table(name) if name else None
        if table is None or scene.fact.before.table(name) is not None or table.strict or not table.row_id:
            continue
        key = [c for c in (table.column(n) for n in table.primary_key) if c is not None]
        numbered = len(key) == 1 and key[0].type.upper() == "INTEGER"
        loose = next((c for c in key if not c.not_null), None)
        if loose is not None and not numbered:
            words = f"the key of `{name}` takes NULL in `{loose.name}`, and takes it again and again"
            hint = f"write `{loose.name} {loose.type} NOT NULL`, or `create`, which does so by itself"
            yield found(scene, "LT110", words, said.path, hint, f"{name}.{loose.name}")


def _numbers_again(view: SpecView) -> Iterable[Found]:
    """Rows whose numbers were copied elsewhere are deleted: the highest of these numbers come again."""
    for scene, gone in each(view, DeleteRows):
        table = scene.existing(gone.table) if view.world.dialect in BASE else None
        key = table.primary_key if table else ()
        column = table.column(key[0]) if table and len(key) == 1 else None
        if table is None or column is None or column.type.upper() != "INTEGER":
            continue
        if table.auto_increment or not table.row_id:
            continue
        kept = next((c for _, c in scene.earlier(CopyRows) if _brings(c, table.name, column.name)), None)
        if kept is not None:
            words = (
                f"new rows of `{table.name}` may get numbers that rows in `{kept.target}` have: the highest come again"
            )
            hint = f"give `{table.name}.{column.name}` `auto_increment: true`, or never delete the last row"
            yield found(scene, "LT112", words, ("delete", "from"), hint, table.name)


def _brings(copy: CopyRows, table: str, key: str) -> bool:
    if not same_name(copy.source, table) or same_name(copy.target, table):
        return False
    return copy.columns is None or any(f.column and same_name(is_bare(f.text), key) for f in fragments(copy))


# ── LT116 ─────────────────────────────────────────────────────────────────
_STRICT = ((3, 37), "STRICT tables", r"\)\s*(?:without\s+rowid\s*,\s*)?strict\s*$")
_SINCE = (
    _STRICT,
    ((3, 38), "-> and ->>", r"->>?"),
    ((3, 38), "unixepoch()", r"\bunixepoch\s*\("),
    ((3, 39), "RIGHT and FULL JOIN", r"\b(?:right|full)\s+(?:outer\s+)?join\b"),
    ((3, 39), "IS DISTINCT FROM", r"\bis\s+(?:not\s+)?distinct\s+from\b"),
    ((3, 43), "octet_length() and timediff()", r"\b(?:octet_length|timediff)\s*\("),
    ((3, 44), "concat(), concat_ws() and string_agg()", r"\b(?:concat|concat_ws|string_agg)\s*\("),
    ((3, 45), "functions of jsonb", r"\bjsonb(?:_\w+)?\s*\("),
    ((3, 46), "json_pretty()", r"\bjson_pretty\s*\("),
)


def _newer(view: SpecView) -> Iterable[Found]:
    for scene in scenes(view) if view.world.dialect in BASE else ():
        for change in scene.fact.changes:
            for said in fragments(change):
                if said.dialect in BASE or (said.kind == STATEMENT and not said.dialect and not scene.multi()):
                    since, what = _since(said)
                    if what:
                        yield _needs(scene, since, what, said.path)
            for options, path in _options(change):
                if dict(options).get("strict") is True:
                    yield _needs(scene, _STRICT[0], _STRICT[1], path)


def _options(change: object) -> Iterable[tuple[tuple[tuple[str, str | int | bool], ...], tuple[str, ...]]]:
    match change:
        case CreateTable(table=table):
            given, verb = table.options, "create"
        case AlterTable(actions=actions):
            given, verb = tuple(o for a in actions if isinstance(a, SetOptions) for o in a.options), "alter"
        case _:
            return
    for dialect, pairs in given:
        if dialect in BASE:
            yield pairs, (verb, "options", dialect, "strict")


def _since(said: Fragment) -> tuple[tuple[int, int], str]:
    text = "".join(" " if t.kind == "string" else f"{t.text} " for t in said.tokens)
    hits = [(since, what) for since, what, pattern in _SINCE if re.search(pattern, text, re.IGNORECASE)]
    return max(hits, default=((0, 0), ""))


def _needs(scene: Scene, since: tuple[int, int], what: str, path: tuple[str | int, ...]) -> Found:
    words = f"SQLite {since[0]}.{since[1]} or later is needed for {what}, and the engine runs from 3.35 on"
    hint = "see that every machine that applies this has it: Python brings its own library"
    return found(scene, "LT116", words, path, hint, what)


RULES = (
    Rule(
        "LT110",
        "nullable-primary-key",
        "warning",
        "`sql` makes a table on SQLite whose key takes NULL.",
        "Only INTEGER keys, STRICT tables and those WITHOUT ROWID refuse it: NULL comes in again and again.",
        "Write NOT NULL beside PRIMARY KEY, or `create`, which does so by itself.",
        "steps:\n  - sql: CREATE TABLE t (code TEXT PRIMARY KEY, n INTEGER)",
        "steps:\n  - sql: CREATE TABLE t (code TEXT PRIMARY KEY NOT NULL, n INTEGER)",
        check_spec=_null_key,
        dialects=BASE,
        over=("SP113",),
    ),
    Rule(
        "LT112",
        "rowid-reuse",
        "info",
        "Rows whose numbers were copied elsewhere are deleted, and SQLite gives the highest of them again.",
        "Two different rows then have one number, here and there.",
        "Give the key `auto_increment: true`.",
        "steps:\n  - copy: {from: a, into: c, columns: same, expect_rows: all}\n  - delete: {from: a, where: id < 100}",
        "steps:\n  - copy: {from: a, into: c, columns: {b: b}, expect_rows: all}\n"
        "  - delete: {from: a, where: id < 100}",
        check_spec=_numbers_again,
        dialects=BASE,
    ),
    Rule(
        "LT116",
        "needs-newer-sqlite",
        "info",
        "SQL for SQLite, or STRICT, needs a library that is newer than the oldest that the engine runs on.",
        "Python brings its own library: what works here may fail where it is applied.",
        "See that every machine has it. What the library at hand does not know is an error of its own.",
        "create: {table: t, columns: {id: {type: integer, primary_key: true}}, options: {sqlite: {strict: true}}}",
        "create: {table: t, columns: {id: {type: integer, primary_key: true}}}",
        check_spec=_newer,
        dialects=BASE,
    ),
)
