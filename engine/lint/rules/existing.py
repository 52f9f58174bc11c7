"""DD: what depends on the rows that are there. DD101 DD102 DD103 DD104 DD105 DD107 MY101."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.errors import Path, Problem
from engine.lint.base import Found, Rule, SpecView
from engine.lint.story import Scene, actions, covers, each, found
from engine.lint.texts import WHERE, calls, columns_read, fragments, names, words_of
from engine.lint.types import Declared, kind_of, walk
from engine.model.changes import (
    AddCheck,
    AddColumn,
    AddForeignKey,
    AddUnique,
    AlterTable,
    ChangeColumn,
    CheckRows,
    CopyRows,
    CreateIndex,
    DeleteRows,
    SetPrimaryKey,
    UpdateRows,
)
from engine.model.expression import Literal, Sql
from engine.model.state import SchemaState, Table, fold, same_name


# ── DD101, MY101 ──────────────────────────────────────────────────────────
def _required(view: SpecView) -> Iterable[tuple[Scene, str, AddColumn, Path]]:
    for scene, table, action in actions(view, AddColumn):
        column = action.column
        empty = column.default is None or (isinstance(column.default, Literal) and column.default.value is None)
        given = column.using is not None or column.generated is not None or column.auto_increment or column.primary_key
        if scene.existing(table) and not column.nullable and empty and not given:
            yield scene, table, action, ("alter", "add", column.name)


def _add_required(view: SpecView) -> Iterable[Found]:
    for scene, table, action, path in _required(view):
        name = action.column.name
        yield found(
            scene,
            "DD101",
            f"`{table}.{name}` may not be NULL, and nothing says what the rows that are there get",
            path,
            hint=f"give `{name}` a `default`, or `using` with an expression",
            subject=f"{table}.{name}",
        )


def _zero_fill(view: SpecView) -> Iterable[Found]:
    for scene, table, action, path in _required(view):
        if {"mysql", "mariadb"} & set(scene.targets):
            name = action.column.name
            yield found(
                scene,
                "MY101",
                f"MySQL would fill `{table}.{name}` with 0 or an empty text in the rows that are there, "
                "without an error",
                path,
                hint=f"give `{name}` a `default`, or `using` with an expression",
                subject=f"{table}.{name}",
            )


# ── DD102 ─────────────────────────────────────────────────────────────────
def _not_null(view: SpecView) -> Iterable[Found]:
    for scene, table, action in actions(view, ChangeColumn):
        owner = scene.existing(table)
        column = owner.column(action.name) if owner else None
        if action.nullable is not False or action.using is not None or column is None or column.not_null:
            continue
        if _filled(scene, table, action.name) or scene.guarded(table, action.name):
            continue
        yield found(
            scene,
            "DD102",
            f"`{table}.{action.name}` may hold NULL in rows that are there, and no step before fills them",
            ("alter", "change", action.name, "nullable"),
            hint=f"fill them first: transform: {{table: {table}, set: {{{action.name}: …}}, "
            f'where: "{action.name} IS NULL"}}',
            subject=f"{table}.{action.name}",
        )


def _filled(scene: Scene, table: str, column: str) -> bool:
    for _, change in scene.earlier(UpdateRows):
        if same_name(change.table, table) and any(same_name(n, column) for n, _ in change.set):
            wheres = [f.text for f in fragments(change) if f.kind == WHERE]
            if all(names(text, column) for text in wheres):
                return True
    return False


# ── DD103 ─────────────────────────────────────────────────────────────────
def _new_keys(view: SpecView) -> Iterable[tuple[Scene, str, tuple[str, ...], Path]]:
    for scene, index in each(view, CreateIndex):
        made = index.index
        if made.unique and made.where is None and all(p.column for p in made.columns):
            path: Path = ("index", "columns") if scene.fact.step.verb == "index" else (scene.fact.step.verb, "<key>")
            yield scene, made.table, tuple(p.column for p in made.columns), path
    for scene, table, key in actions(view, AddUnique):
        place = _place(getattr(scene.fact.step.body, "add_unique", ()), key.key.columns)
        yield scene, table, key.key.columns, ("alter", "add_unique", *place)
    for scene, table, primary in actions(view, SetPrimaryKey):
        yield scene, table, primary.key.columns, ("alter", "primary_key")


def _place(keys: Sequence[object], columns: tuple[str, ...]) -> tuple[int, ...]:
    return next(((n,) for n, key in enumerate(keys) if getattr(key, "columns", ()) == columns), ())


def _unique(view: SpecView) -> Iterable[Found]:
    for scene, table, columns, path in _new_keys(view):
        owner = scene.existing(table)
        if owner is None or not any(scene.had(table, c) for c in columns) or _is_unique(owner, columns, scene):
            continue
        if _seen_unique(scene, table, columns):
            continue
        listed = ", ".join(columns)
        yield found(
            scene,
            "DD103",
            f"rows of `{table}` may be alike in ({listed}), and no step before looks",
            path,
            hint=f"validate: [{{unique: {{table: {table}, columns: [{listed}]}}}}] before it",
            subject=f"{table}.{','.join(columns)}",
        )


def _is_unique(table: Table, columns: tuple[str, ...], scene: Scene) -> bool:
    wanted = {fold(c) for c in columns}
    return any({fold(c) for c in key} <= wanted for key in unique_keys(table, scene.fact.before))


def unique_keys(table: Table, state: SchemaState) -> list[tuple[str, ...]]:
    """Return the column lists that the schema keeps unique."""
    found = [table.primary_key, *(k.columns for k in table.keys)]
    found += [i.columns for i in state.indexes_of(table.name) if i.unique and i.where is None and "" not in i.columns]
    return [key for key in found if key]


def _seen_unique(scene: Scene, table: str, columns: tuple[str, ...]) -> bool:
    wanted = {fold(c) for c in columns}
    for _, rows in scene.earlier(CheckRows):
        for check in rows.checks:
            if check.kind == "unique" and same_name(check.table, table) and {fold(c) for c in check.columns} <= wanted:
                return True
            if check.kind == "no_rows" and all(covers(check, table, c) for c in columns):
                return True
    for _, change in scene.earlier(DeleteRows):
        if same_name(change.table, table) and change.all_but_first_of is not None:
            alike = {fold(p.column) for p in change.all_but_first_of.columns if p.column}
            if alike and alike <= wanted and len(alike) == len(change.all_but_first_of.columns):
                return True
    return False


# ── DD104 ─────────────────────────────────────────────────────────────────
def _check_or_reference(view: SpecView) -> Iterable[Found]:
    for scene, table, check in actions(view, AddCheck):
        owner = scene.existing(table)
        text = check.check.sql.text or (check.check.sql.texts[0][1] if check.check.sql.texts else "")
        columns = [c.name for c in owner.columns if names(text, c.name) and scene.had(table, c.name)] if owner else []
        if not columns or check.check.validate_later or any(scene.guarded(table, c) for c in columns):
            continue
        if any(_filled(scene, table, c) for c in columns):
            continue
        yield _may_break(scene, f"{table}.{check.check.name}", table, ("alter", "add_checks", check.check.name))
    for scene, table, foreign in actions(view, AddForeignKey):
        key = foreign.foreign_key
        if (
            scene.existing(table) is None
            or key.validate == "later"
            or not any(scene.had(table, c) for c in key.columns)
        ):
            continue
        if all(scene.guarded(table, c) for c in key.columns):
            continue
        place = _place(getattr(scene.fact.step.body, "add_foreign_keys", ()), key.columns)
        yield _may_break(scene, f"{table}.{','.join(key.columns)}", table, ("alter", "add_foreign_keys", *place))


def _may_break(scene: Scene, subject: str, table: str, path: Path) -> Found:
    return scene.fact, Problem(
        "DD104",
        f"rows of `{table}` may break this, and no step before looks",
        path,
        hint="look first with a `validate` (`references`, `range`, `accepted`, `no_rows`)",
        subject=subject,
    )


# ── DD105 ─────────────────────────────────────────────────────────────────
MANY_TO_ONE = frozenset({"lower", "upper", "trim", "ltrim", "rtrim", "substr", "substring", "left", "right", "round"})


def _collision(view: SpecView) -> Iterable[Found]:
    for scene, change in each(view, UpdateRows):
        table = scene.fact.before.table(change.table)
        if table is None or scene.existing(change.table) is None:
            continue
        for said in fragments(change):
            keys = [k for k in unique_keys(table, scene.fact.before) if any(same_name(said.column, c) for c in k)]
            risky = MANY_TO_ONE & set(calls(said.text)) and names(said.text, said.column) if said.column else False
            if keys and risky and not scene.guarded(change.table, said.column) and not _deduped(scene, change.table):
                yield found(
                    scene,
                    "DD105",
                    f"two values of `{change.table}.{said.column}` may become one in a unique key",
                    said.path,
                    hint="look first: a `no_rows` that groups by the new value, HAVING count(*) > 1",
                    subject=f"{change.table}.{said.column}",
                )


def _deduped(scene: Scene, table: str) -> bool:
    return any(same_name(d.table, table) and d.all_but_first_of for _, d in scene.earlier(DeleteRows))


# ── DD107 ─────────────────────────────────────────────────────────────────
_TYPES = frozenset({"INTEGER", "INT", "BIGINT", "SMALLINT", "DECIMAL", "NUMERIC", "REAL", "DOUBLE", "FLOAT", "DATE"})
_TYPES |= frozenset({"TIMESTAMP", "TIMESTAMPTZ", "TIME", "UUID", "JSON"})


def _casts(view: SpecView) -> Iterable[Found]:
    for scene, declared in walk(view):
        for table, text, path in _cast_places(scene):
            for inner in _cast_columns(text):
                if not _is_text(table, inner, scene, declared) or scene.guarded(table, inner):
                    continue
                yield found(
                    scene,
                    "DD107",
                    f"`{table}.{inner}` is text: what is no number or date becomes 0 or stops the step, "
                    "as the database likes",
                    path,
                    hint=f"{{parse: {inner}, as: …}} reads it the same way everywhere",
                    subject=f"{table}.{inner}",
                )
                break


def _cast_places(scene: Scene) -> Iterable[tuple[str, str, Path]]:
    for change in scene.fact.changes:
        if isinstance(change, AlterTable) and scene.existing(change.table):
            for action in change.actions:
                if isinstance(action, ChangeColumn) and isinstance(action.using, Sql) and action.using.text:
                    yield change.table, action.using.text, ("alter", "change", action.name, "using")
        elif isinstance(change, CopyRows | UpdateRows):
            table = change.table if isinstance(change, UpdateRows) else change.source
            for said in fragments(change):
                if said.kind == "value" and table:
                    yield table, said.text, said.path


def _cast_columns(text: str) -> tuple[str, ...]:
    """Return the columns read inside of CASTs to numbers and dates that nothing else stands around."""
    words = words_of(text)
    found: list[str] = []
    for at, word in enumerate(words):
        if word == "CAST" and words[at + 1 : at + 2] == ("(",):
            depth = 0
            for place in range(at + 1, len(words)):
                depth += {"(": 1, ")": -1}.get(words[place], 0)
                if depth == 0:
                    break
                if depth == 1 and words[place] == "AS" and "CASE" not in words and words[place + 1] in _TYPES:
                    found += sorted(columns_read(" ".join(words[at + 2 : place])))
    return tuple(found)


def _is_text(table: str, column: str, scene: Scene, declared: Declared) -> bool:
    return kind_of(table, column, scene, declared).family == "text"


RULES = (
    Rule(
        "DD101",
        "add-required-column",
        "error",
        "A NOT NULL column without a default is added to a table that was there before.",
        "It works on an empty table and fails on one with rows; MySQL invents values.",
        "Give it a `default`, or `using`; or add it nullable, fill it, then change it.",
        "alter: {table: a, add: {c: {type: text, nullable: false}}}",
        "alter: {table: a, add: {c: {type: text, nullable: false, default: unknown}}}",
        check_spec=_add_required,
    ),
    Rule(
        "DD102",
        "not-null-without-backfill",
        "error",
        "A column becomes NOT NULL, and no step before fills the NULLs or looks for them.",
        "The first NULL stops the migration, after earlier steps were done.",
        "Fill the column with a `transform`, or look with `validate`, before it.",
        "alter: {table: a, change: {b: {nullable: false}}}",
        "alter: {table: a, change: {b: {nullable: false, using: \"coalesce(b, '')\"}}}",
        check_spec=_not_null,
    ),
    Rule(
        "DD103",
        "unique-on-existing-column",
        "warning",
        "A unique key is made over columns that were there before, and no step before looks for duplicates.",
        "It fails late, after a scan of the whole table.",
        "Look with `validate: [{unique: …}]` first, or take the duplicates out with `all_but_first_of`.",
        "index: {table: a, columns: [b], unique: true}",
        "steps:\n  - validate: [{unique: {table: a, columns: [b]}}]\n  - index: {table: a, columns: [b], unique: true}",
        check_spec=_unique,
    ),
    Rule(
        "DD104",
        "check-or-fk-on-existing-rows",
        "warning",
        "A check or a foreign key is added over columns that were there before, and no step before looks at the rows.",
        "One row that breaks it stops the migration.",
        "Look with a `validate` first: `references`, `range`, `accepted`, `no_rows`.",
        "alter: {table: a, add_checks: {ck_b: \"b <> ''\"}}",
        "steps:\n"
        "  - validate: [{no_rows: {sql: \"SELECT id FROM a WHERE b = ''\"}}]\n"
        "  - alter: {table: a, add_checks: {ck_b: \"b <> ''\"}}",
        check_spec=_check_or_reference,
    ),
    Rule(
        "DD105",
        "normalisation-collision",
        "warning",
        "A `transform` makes one value of several in a column that is unique.",
        "`lower()` on two e-mail addresses that differ in case breaks the key in the middle of the run.",
        "Look for such pairs with a `validate` first, or take the duplicates out.",
        'transform: {table: users, set: {email: "lower(email)"}}',
        'transform: {table: a, set: {b: "lower(b)"}}',
        check_spec=_collision,
    ),
    Rule(
        "DD107",
        "cast-may-fail",
        "warning",
        "Text is cast to a number or a date, and not every text is one.",
        "SQLite makes 12 of `12ab` and 0 of `n/a`, PostgreSQL stops at the first.",
        "`{parse: …}` reads it the same way everywhere; or look for bad values with a `validate` first.",
        'copy: {from: sessions, into: albums, columns: {id: "cast(expires_at as integer)"}, expect_rows: all}',
        "copy: {from: sessions, into: albums, columns: {id: {parse: expires_at, as: integer}}, expect_rows: all}",
        check_spec=_casts,
    ),
    Rule(
        "MY101",
        "implicit-zero-fill",
        "error",
        "A NOT NULL column without a default is added on MySQL or MariaDB.",
        "The rows that are there get 0, an empty text or 0000-00-00, without an error even in strict mode.",
        "Give it a `default`, or `using`.",
        "dialects: [mysql]\nsteps:\n  - alter: {table: a, add: {c: {type: text, nullable: false}}}",
        "dialects: [mysql]\nsteps:\n  - alter: {table: a, add: {c: {type: text, nullable: false, default: unknown}}}",
        check_spec=_zero_fill,
        over=("DD101",),
    ),
)
