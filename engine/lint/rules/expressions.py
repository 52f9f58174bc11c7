"""What expressions and ways back say. DT118 DT121 DT122 DD108 RB102 RB103."""

from __future__ import annotations

from collections.abc import Iterable

from engine.errors import Severity
from engine.lint.base import Found, Rule, SpecView
from engine.lint.rules.datasteps import origin, pieces
from engine.lint.rules.existing import MANY_TO_ONE
from engine.lint.story import Scene, each, found
from engine.lint.texts import MATCH, STATEMENT, VALUE, WHERE, Fragment, calls, columns_read, fragments, names, phrase_at
from engine.lint.types import kind_of, walk
from engine.lint.unlike import unlike
from engine.model.changes import CheckRows, UpdateRows
from engine.model.expression import Literal
from engine.model.state import SchemaState, Table, fold, same_name


# ── DT118 ─────────────────────────────────────────────────────────────────
def _lookup(view: SpecView) -> Iterable[Found]:
    for scene, change in each(view, UpdateRows):
        partner = scene.existing(change.join.table) if change.join is not None else None
        if partner is None or change.join is None:
            continue
        texts = [f for f in fragments(change) if f.kind == MATCH]
        used = {fold(c) for f in texts for c in _columns_of(f, partner.name)}
        leads = [partner.primary_key, *(k.columns for k in partner.keys)]
        leads += [i.columns for i in scene.fact.before.indexes_of(partner.name) if i.where is None]
        if used and not any(key and fold(key[0]) in used for key in leads):
            words = f"each batch looks through all of `{partner.name}`: no index begins with {sorted(used)[0]}"
            hint = f"index: {{table: {partner.name}, columns: [{sorted(used)[0]}]}} before it"
            large = view.world.settings.large_table_rows
            rows = view.world.rows(f'SELECT count(*) FROM (SELECT 1 FROM "{partner.name}" LIMIT {large + 1})')
            level: Severity = "warning" if rows is not None and rows > large else "info"
            yield found(scene, "DT118", words, ("transform", "join", "match"), hint, partner.name, level)


def _columns_of(said: Fragment, table: str) -> list[str]:
    found_tokens = said.tokens
    return [
        found_tokens[n + 2].name
        for n in range(len(found_tokens) - 2)
        if found_tokens[n].is_name and same_name(found_tokens[n].name, table) and found_tokens[n + 1].text == "."
    ]


# ── DT121 ─────────────────────────────────────────────────────────────────
_COMMON = frozenset(
    "cast coalesce nullif lower upper trim ltrim rtrim substr substring instr left right concat replace length "
    "char_length character_length round abs min max sum avg count row_number exists varchar char decimal".split()
)
_ONLY_SOME = ("GLOB", "REGEXP", "MATCH", "ILIKE", "SIMILAR", "RLIKE")


def _divergent(view: SpecView) -> Iterable[Found]:
    for scene, declared in walk(view):
        if not scene.multi() or scene.fact.step.verb == "sql":
            continue
        for change in scene.fact.changes:
            table = origin(change)
            for said in fragments(change):
                if said.dialect or said.kind == STATEMENT:
                    continue
                odd = [f"{c}()" for c in calls(said.text) if c not in _COMMON]
                odd += [word for word in _ONLY_SOME if any(t.is_word(word) for t in said.tokens)]
                if odd:
                    words = f"{odd[0]} is not the same on {', '.join(scene.targets)}"
                    hint = "write it with the common subset, or per database: {sqlite: …, postgresql: …}"
                    yield found(scene, "DT121", words, said.path, hint)
                    continue
                held = {t.name: kind_of(table, t.name, scene, declared).family for t in said.tokens if t.is_name}
                for words, hint in unlike(said.tokens, held):
                    yield found(scene, "DT121", words, said.path, hint)


# ── DT122 ─────────────────────────────────────────────────────────────────
_DATES = frozenset("date time datetime strftime julianday unixepoch to_date to_timestamp str_to_date".split())


def _naive_time(view: SpecView) -> Iterable[Found]:
    for scene, declared in walk(view):
        for change in scene.fact.changes:
            table = origin(change)
            owner = scene.fact.before.relation(table) if table else None
            for said in fragments(change) if owner else ():
                called = next((c for c in calls(said.text) if c in _DATES), "")
                if said.kind != VALUE or not called or owner is None:
                    continue
                read = [c.name for c in owner.columns if fold(c.name) in columns_read(said.text)]
                text = next((c for c in read if kind_of(table, c, scene, declared).family == "text"), "")
                if text and not scene.guarded(table, text):
                    sure = (fold(table), fold(text)) in declared
                    words = f"{called}() of text is NULL for 31/12/2020, takes 31 February, and knows no time zone"
                    hint = f'{{parse: {text}, as: timestamp, formats: ["%Y-%m-%d", …]}}'
                    level: Severity = "warning" if sure else "info"
                    yield found(scene, "DT122", words, said.path, hint, f"{table}.{text}", level)


# ── DD108 ─────────────────────────────────────────────────────────────────
def _null_unsafe(view: SpecView) -> Iterable[Found]:
    for scene, said in pieces(view):
        yield from _of_fragment(scene, said)
    for scene, rows in each(view, CheckRows):
        for said in fragments(rows):
            yield from _of_fragment(scene, said)


def _of_fragment(scene: Scene, said: Fragment) -> Iterable[Found]:
    if said.kind == VALUE:
        return
    for sign in ("=", "<>", "!="):
        if phrase_at(said.words, (sign, "NULL")) >= 0:
            words = f"`{sign} NULL` is true of no row"
            yield found(scene, "DD108", words, said.path, "write IS NULL or IS NOT NULL")
            return
    at = phrase_at(said.words, ("NOT", "IN", "(", "SELECT"))
    if at >= 0 and _may_be_null(said, at, scene.fact.before):
        words = "NOT IN is true of no row once the sub-select gives one NULL"
        yield found(scene, "DD108", words, said.path, "write NOT EXISTS, or add IS NOT NULL in the sub-select")
        return
    table = scene.fact.before.table(_table_of(scene))
    if said.kind == WHERE and table is not None and not said.says("IS") and "coalesce" not in calls(said.text):
        for name in _unequal(said, table):
            words = f"rows without a `{name}` are left out too: NULL <> 'x' is not true"
            hint = f"add `OR {name} IS NULL` if they are meant"
            yield found(scene, "DD108", words, said.path, hint, f"{table.name}.{name}", "info")
            return


def _table_of(scene: Scene) -> str:
    return next((origin(c) for c in scene.fact.changes if origin(c)), "")


def _may_be_null(said: Fragment, at: int, state: SchemaState) -> bool:
    words = said.words[at + 4 :]
    end, depth = len(words), 0
    for place, word in enumerate(words):
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth < 0:
            end = place
            break
    inner = words[:end]
    if phrase_at(inner, ("IS", "NOT", "NULL")) >= 0 or "FROM" not in inner:
        return False
    column = inner[0] if inner[1:2] == ("FROM",) else inner[2] if inner[1:2] == (".",) else ""
    table = state.table(inner[inner.index("FROM") + 1])
    known = table.column(column) if table and column else None
    return known is not None and not known.not_null and not known.key_position


def _unequal(said: Fragment, table: Table) -> list[str]:
    """Return the columns that may be NULL and are compared with a text by <>, NOT IN or NOT LIKE."""
    found_tokens = said.tokens
    names_found = []
    for n, token in enumerate(found_tokens):
        column = table.column(token.name) if token.is_name else None
        if column is None or column.not_null or column.key_position:
            continue
        rest = [t.text.upper() for t in found_tokens[n + 1 : n + 4]]
        literal = n + 2 < len(found_tokens) and found_tokens[n + 2].kind in ("string", "number")
        if (rest[:1] in (["<>"], ["!="]) and literal) or rest[:2] in (["NOT", "LIKE"],) or rest == ["NOT", "IN", "("]:
            names_found.append(column.name)
    return names_found


# ── RB102, RB103 ──────────────────────────────────────────────────────────
_LOSES = MANY_TO_ONE | {"coalesce", "nullif", "replace", "abs", "min", "max", "length"}


def _lossy_undo(view: SpecView) -> Iterable[Found]:
    for scene, change in each(view, UpdateRows):
        undo = scene.fact.step.undo
        if undo is None or scene.fact.step.irreversible or any(_reads_elsewhere(step, scene) for step in undo):
            continue
        for name, expression in change.set:
            texts = [f.text for f in fragments(change) if same_name(f.column, name)]
            lossy = isinstance(expression, Literal) or any(_LOSES & set(calls(t)) or not names(t, name) for t in texts)
            where = " ".join(f.text for f in fragments(change) if f.kind == WHERE)
            if lossy and not _one_value(where, name):
                words = f"several old values of `{name}` become one, and `undo` can't tell which it was"
                hint = "leave `undo` out: the engine keeps the old values"
                yield found(scene, "RB102", words, ("undo",), hint, f"{change.table}.{name}")
                break


def _reads_elsewhere(step: object, scene: Scene) -> bool:
    changes = step.body.changes(scene.fact.after)  # type: ignore[attr-defined]
    return any(f.says("SELECT") or f.kind == MATCH for c in changes for f in fragments(c)) or any(
        getattr(c, "join", None) is not None
        for c in step.body.changes(scene.fact.after)  # type: ignore[attr-defined]
    )


def _one_value(where: str, name: str) -> bool:
    """Tell whether a condition leaves one old value only: `name = 'x'`, `name IS NULL`."""
    from engine.lint.texts import words_of

    words = words_of(where)
    at = next((n for n, w in enumerate(words) if same_name(w, name)), -1)
    return at >= 0 and words[at + 1 : at + 2] in (("=",), ("IS",)) and "OR" not in words


def _not_inverse(view: SpecView) -> Iterable[Found]:
    for scene, _ in each(view, object):
        back, before = scene.fact.back, scene.fact.before
        if back is None or (difference := _difference(before, back)) == "":
            continue
        words = f"after this `undo` the schema is not as it was: {difference}"
        yield found(
            scene, "RB103", words, ("undo",), "leave `undo` out where the derived way back is exact, or complete it"
        )


def _difference(before: SchemaState, back: SchemaState) -> str:
    """Return the first difference in structure (texts aside), in a few words; "" for none."""
    for word, old, new in (
        ("table", before.tables, back.tables),
        ("index", before.indexes, back.indexes),
        ("view", before.views, back.views),
        ("trigger", before.triggers, back.triggers),
    ):
        mine = {fold(o.name): _shape(o) for o in old}
        other = {fold(o.name): _shape(o) for o in new}
        gone = sorted(mine.keys() - other.keys())
        more = sorted(other.keys() - mine.keys())
        if gone or more:
            return f"{word} `{(gone or more)[0]}` is {'missing' if gone else 'left'}"
        changed = sorted(name for name in mine if mine[name] != other[name])
        if changed:
            return f"{word} `{changed[0]}` is another one"
    return ""


def _shape(thing: object) -> object:
    if isinstance(thing, Table):
        return (thing.columns, thing.foreign_keys, len(thing.checks), {k.columns for k in thing.keys})
    return (getattr(thing, "table", ""), getattr(thing, "columns", ()), getattr(thing, "unique", None))


RULES = (
    Rule(
        "DT118",
        "unindexed-lookup",
        "warning",
        "The other table of a `join` has no index for `match`.",
        "Each batch looks through the whole of it.",
        "Make an index first; drop it afterwards if nobody else needs it.",
        "transform: {table: a, join: {table: c, match: c.b = a.b}, set: {b: c.b}}",
        "transform: {table: a, join: {table: c, match: c.id = a.id}, set: {b: c.b}}",
        check_spec=_lookup,
        ranges=True,
    ),
    Rule(
        "DT121",
        "dialect-divergent-expression",
        "error",
        "Plain SQL of a spec for several databases leaves the common subset, or casts what each casts in its way.",
        "It fails on one of them, or gives another value.",
        "Write it with the common subset, or per database.",
        "dialects: [sqlite, postgresql]\nsteps:\n  - transform: {table: a, set: {b: \"printf('%d', id)\"}}",
        "dialects: [sqlite, postgresql]\nsteps:\n  - transform: {table: a, set: {b: cast(id as text)}}",
        check_spec=_divergent,
    ),
    Rule(
        "DT122",
        "naive-time-conversion",
        "warning",
        "Text becomes a time by a function that takes it as it comes.",
        "SQLite's date() is NULL for 31/12/2020 and takes 31 February; the zone is the session's.",
        "`{parse: …}` with `formats` reads it the same way everywhere.",
        "steps:\n  - transform: {table: a, set: {born: date(b)}}",
        "transform: {table: a, set: {b: {parse: b, as: date, otherwise: null}}}",
        check_spec=_naive_time,
        ranges=True,
    ),
    Rule(
        "DD108",
        "null-unsafe-predicate",
        "warning",
        "A filter forgets that NULL is equal and unequal to nothing.",
        "Rows with NULL are left out without a word; NOT IN with one NULL finds no row at all.",
        "IS NULL, NOT EXISTS, or `OR column IS NULL`.",
        "transform: {table: a, set: {b: {value: x}}, where: b = NULL}",
        "transform: {table: a, set: {b: {value: x}}, where: b IS NULL}",
        check_spec=_null_unsafe,
    ),
    Rule(
        "RB102",
        "lossy-transform-rollback",
        "error",
        "A given `undo` can't know the old values of a `transform`.",
        "Several old values became one: no formula gives them back.",
        "Leave `undo` out: the engine keeps the old values.",
        "transform: {table: a, set: {b: lower(b)}}\nundo:\n  - transform: {table: a, set: {b: upper(b)}}",
        "transform: {table: a, set: {b: lower(b)}}",
        check_spec=_lossy_undo,
        needs_reason=True,
    ),
    Rule(
        "RB103",
        "rollback-not-inverse",
        "error",
        "A given `undo` does not give back the schema of before.",
        "A way back that is half written is worse than none.",
        "Leave `undo` out, or complete it.",
        'create: {table: t, columns: {id: {type: integer, primary_key: true}}}\nundo: "SELECT 1"',
        'create: {table: t, columns: {id: {type: integer, primary_key: true}}}\nundo: "DROP TABLE t"',
        check_spec=_not_inverse,
    ),
)
