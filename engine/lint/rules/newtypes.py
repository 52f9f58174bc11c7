"""TY: what types of new columns cost later. TY102 TY105 TY106 TY107 TY108 TY110."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from engine.errors import Diagnostic, Path
from engine.lint.base import Found, Rule, SpecView
from engine.lint.edits import Edit, reword
from engine.lint.story import Scene, found, new_columns
from engine.lint.types import Kind, as_written, kind, kind_of, walk
from engine.model.changes import AddColumn, AlterTable, CreateTable
from engine.model.definitions import ColumnDef
from engine.model.state import fold, same_name

POSTGRES = ("postgresql",)
SERVERS = ("postgresql", "mysql", "mariadb")


def given(view: SpecView, dialects: tuple[str, ...]) -> Iterator[tuple[Scene, str, ColumnDef, str, Path]]:
    """Yield the types that new columns get on some databases: scene, table, column, type, its place.

    A portable type is theirs where the spec is meant for them and for no other.
    """
    for scene, table, column, path in new_columns(view):
        targets = scene.targets or (view.world.dialect,)
        if column.type.text is not None and set(targets) <= set(dialects):
            yield scene, table, column, column.type.text, (*path, "type")
        for dialect, text in column.type.texts:
            if dialect in dialects:
                yield scene, table, column, text, (*path, "type", dialect)


def _reworded(pattern: str, new: str, told: Diagnostic) -> Iterable[Edit]:
    return reword(told.span, pattern, new) if told.span else ()


# ── TY102 ─────────────────────────────────────────────────────────────────
_SMALL = r"\b(tinyint|smallint|mediumint|integer|int|int2|int4)\b"


def _small_key(view: SpecView) -> Iterable[Found]:
    small: set[tuple[str, str]] = set()
    for scene, declared in walk(view):
        for change in scene.fact.changes:
            columns = change.table.columns if isinstance(change, CreateTable) else ()
            owner = change.table.name if isinstance(change, CreateTable) else ""
            for column in columns:
                if column.auto_increment and _is_small(as_written(column.type)):
                    small.add((fold(owner), fold(column.name)))
            verb = scene.fact.step.verb
            if isinstance(change, AlterTable):
                columns = tuple(a.column for a in change.actions if isinstance(a, AddColumn))
                owner = change.table
            for column in columns:
                path = (verb, "columns" if verb == "create" else "add", column.name, "type")
                subject = f"{owner}.{column.name}"
                if not _is_small(as_written(column.type)) or not _aimed(scene, SERVERS):
                    continue
                if column.auto_increment:
                    words = f"`{subject}` ends at {_last(as_written(column.type))}, and a wider key is a rewrite then"
                    yield found(scene, "TY102", words, path, "write `bigint`", subject)
                elif column.references is not None:
                    parent = column.references.table
                    key = column.references.columns or _key(scene, parent)
                    there = kind_of(parent, key[0], scene, declared) if len(key) == 1 else Kind("")
                    if len(key) == 1 and ((fold(parent), fold(key[0])) in small) and _is_small(there):
                        words = f"`{subject}` goes with `{parent}.{key[0]}`, which is to be 64 bits wide"
                        yield found(scene, "TY102", words, path, "write `bigint` in both", subject)


def _key(scene: Scene, table: str) -> tuple[str, ...]:
    owner = scene.fact.after.table(table)
    return owner.primary_key if owner else ()


def _aimed(scene: Scene, dialects: tuple[str, ...]) -> bool:
    """Tell whether the spec is meant for one of these, or, where it says nothing, linted for one."""
    return bool(set(scene.targets or (scene.view.world.dialect,)) & set(dialects))


def _is_small(type: Kind) -> bool:
    return type.family == "integer" and 0 < type.size < 8


def _last(type: Kind) -> str:
    return f"{2 ** (8 * type.size - 1) - 1:,}"


# ── TY105, TY106, TY107, TY108 ────────────────────────────────────────────
def _without_zone(view: SpecView) -> Iterable[Found]:
    for scene, table, column, text, path in given(view, POSTGRES):
        if kind(text).family == "timestamp":
            words = f"`{table}.{column.name}` keeps no time zone: an offset that comes with a value is dropped"
            hint = "write `timestamptz`, which keeps the moment"
            yield found(scene, "TY105", words, path, hint, f"{table}.{column.name}")


def _fixed(view: SpecView) -> Iterable[Found]:
    for scene, table, column, text, path in given(view, SERVERS):
        if kind(text).name in ("char", "character"):
            words = f"`{table}.{column.name}` fills short values with blanks, and compares without them"
            hint = f"write `{text.lower().replace('character', 'char').replace('char', 'varchar')}`"
            yield found(scene, "TY106", words, path, hint, f"{table}.{column.name}")


def _limited(view: SpecView) -> Iterable[Found]:
    for scene, table, column, text, path in given(view, POSTGRES):
        type = kind(text)
        if type.name in ("varchar", "character varying") and type.size:
            words = f"`{table}.{column.name}` can't be made shorter without a look at every row"
            hint = f"write `text` with the check `length({column.name}) <= {type.size}`"
            yield found(scene, "TY107", words, path, hint, f"{table}.{column.name}")


def _json(view: SpecView) -> Iterable[Found]:
    for scene, table, column, text, path in given(view, POSTGRES):
        if kind(text).name == "json" and path[-1] != "type":  # the portable `json` is jsonb there
            words = f"`{table}.{column.name}` has no equality: DISTINCT, GROUP BY and UNION fail on it"
            yield found(scene, "TY108", words, path, "write `jsonb`", f"{table}.{column.name}")


# ── TY110 ─────────────────────────────────────────────────────────────────
def _unlike(view: SpecView) -> Iterable[Found]:
    """A column `artist_id` that refers to nothing by a key, beside `artists.id` of another type."""
    last = view.live[-1].after if view.live else None
    for scene, declared in walk(view):
        for change in scene.fact.changes:
            if not isinstance(change, CreateTable | AlterTable):
                continue
            owner = change.table.name if isinstance(change, CreateTable) else change.table
            for column, path in _columns(change):
                word, _, end = fold(column.name).rpartition("_")
                table = last.table(owner) if last else None
                keys = table.foreign_keys if table else ()
                keyed = any(same_name(column.name, c) for k in keys for c in k.columns)
                mine = as_written(column.type)
                if end != "id" or not word or keyed or not mine.family:
                    continue
                for name in (f"{word}s", word, f"{word}es", f"{word[:-1]}ies"):
                    other = kind_of(name, "id", scene, declared)
                    if scene.fact.before.table(name) and other.family and not _alike(mine, other):
                        words = f"`{owner}.{column.name}` is {mine.name} and `{name}.id` is {other.name}"
                        yield found(scene, "TY110", words, path, f"give it the type of `{name}.id`", owner)


def _columns(change: CreateTable | AlterTable) -> Iterator[tuple[ColumnDef, Path]]:
    if isinstance(change, CreateTable):
        for column in change.table.columns:
            yield column, ("create", "columns", column.name, "type")
    else:
        for action in change.actions:
            if isinstance(action, AddColumn):
                yield action.column, ("alter", "add", action.column.name, "type")


def _alike(mine: Kind, other: Kind) -> bool:
    if mine.family != other.family:
        return False
    # SQLite's own INTEGER is as wide as a bigint: of one that no spec declared the name is all that is known.
    return mine.family != "integer" or mine.size >= other.size or mine.name == other.name


_PG = "dialects: [postgresql]\nsteps:\n  - alter: {table: a, add: {"

RULES = (
    Rule(
        "TY102",
        "small-key-type",
        "warning",
        "A key that numbers itself has 32 bits or less on PostgreSQL or MySQL.",
        "When it is used up inserts stop, and a wider key writes the table and all that refer to it anew.",
        "Write `bigint`, in the columns that refer to it too.",
        "dialects: [postgresql]\nsteps:\n  - create: {table: t, columns: "
        "{id: {type: integer, primary_key: true, auto_increment: true}}}",
        "dialects: [postgresql]\nsteps:\n  - create: {table: t, columns: "
        "{id: {type: bigint, primary_key: true, auto_increment: true}}}",
        check_spec=_small_key,
        fix="auto",
        mend=partial(_reworded, _SMALL, "bigint"),
    ),
    Rule(
        "TY105",
        "time-without-zone",
        "info",
        "A new column on PostgreSQL is a timestamp without time zone.",
        "An offset that comes with a value is dropped without a word.",
        "Write `timestamptz`. Not said where a spec is meant for other databases too.",
        f"{_PG}at: timestamp}}}}",
        f"{_PG}at: timestamptz}}}}",
        check_spec=_without_zone,
        fix="auto",
        mend=partial(_reworded, r"\btimestamp\b(\s*\(\d+\))?(\s+without\s+time\s+zone)?", r"timestamptz\1"),
    ),
    Rule(
        "TY106",
        "fixed-char",
        "info",
        "A new column on PostgreSQL or MySQL is `char(n)`.",
        "Short values are filled with blanks, and blanks at the end do not count when values are compared.",
        "Write `varchar(n)` or `text`.",
        f"{_PG}code: char(2)}}}}",
        f"{_PG}code: varchar(2)}}}}",
        check_spec=_fixed,
        fix="auto",
        mend=partial(_reworded, r"\bchar(acter)?\b", "varchar"),
    ),
    Rule(
        "TY107",
        "length-limited-text",
        "info",
        "A new column on PostgreSQL is `varchar(n)`, where text with a check would do.",
        "A check can be changed without a look at every row under a lock; a length can only grow so.",
        "Write `text` with a check on `length(…)`. It speaks only if the config gives it a severity.",
        f"{_PG}code: varchar(2)}}}}",
        f'{_PG}code: {{type: text, check: "length(code) <= 2"}}}}}}',
        check_spec=_limited,
        off=True,
    ),
    Rule(
        "TY108",
        "json-without-equality",
        "warning",
        "A new column is given the type `json` for PostgreSQL.",
        "It has no equality: DISTINCT, GROUP BY and UNION fail on it, and no index helps.",
        "Write `jsonb`, or the portable `json`, which is jsonb on PostgreSQL.",
        f"{_PG}d: {{type: {{postgresql: json}}}}}}}}",
        f"{_PG}d: jsonb}}}}",
        check_spec=_json,
        fix="auto",
        mend=partial(_reworded, r"\bjson\b", "jsonb"),
    ),
    Rule(
        "TY110",
        "same-name-different-type",
        "info",
        "A column `artist_id` without a foreign key has another type than `artists.id`.",
        "Joins cast, and use no index.",
        "Give both one type, or make it a foreign key.",
        "alter: {table: a, add: {user_id: text}}",
        "alter: {table: a, add: {user_id: bigint}}",
        check_spec=_unlike,
    ),
)
