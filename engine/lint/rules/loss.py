"""DL: what is lost. DL101 DL102 DL103 DL105 DL106 DL107 DL108 DL111 DL114 (see `rows` and `sqltexts` for the rest)."""

from __future__ import annotations

from collections.abc import Iterable

from engine.errors import Problem
from engine.lint.base import Found, Rule, SpecView
from engine.lint.story import Scene, actions, each, found, reads_column
from engine.lint.texts import filled_rows, fragments, is_bare, names, object_after, statements
from engine.lint.types import NUMBERS, as_written, kind_of, loses, walk
from engine.model.changes import (
    AddColumn,
    AlterTable,
    ChangeColumn,
    CopyRows,
    DeleteRows,
    DropColumn,
    DropTable,
    RunSql,
    UpdateRows,
)
from engine.model.state import SchemaState, fold, same_name


# ── DL101, DL102, DL108 ───────────────────────────────────────────────────
def _dropped_tables(view: SpecView) -> Iterable[tuple[Scene, str, Problem]]:
    """Yield tables that go and were there before, with an empty problem at their place."""
    for scene, drop in each(view, DropTable):
        if scene.existing(drop.name):
            yield scene, drop.name, Problem("", "", ("drop", "table"), subject=drop.name)
    for scene, change in each(view, RunSql):
        for said in statements(change):
            name = object_after(said, "DROP", "TABLE") if said.begins("DROP", "TABLE") else ""
            if name and scene.existing(name) and scene.fact.after.table(name) is None:
                yield scene, name, Problem("", "", said.path, subject=name)


def _dropped_columns(view: SpecView) -> Iterable[tuple[Scene, str, str]]:
    for scene, table, action in actions(view, DropColumn):
        owner = scene.existing(table)
        column = owner.column(action.name) if owner else None
        if column is None or not scene.had(table, action.name) or (column.generated is not None and not column.stored):
            continue
        yield scene, table, action.name


def _unverified_source(scene: Scene, table: str, column: str = "") -> str:
    """Return where rows of what is dropped were copied to with no `validate` after it, or ""."""
    found = ""
    for place, fact in enumerate(scene.all[: scene.place]):
        for change in fact.changes:
            target = ""
            if isinstance(change, CopyRows) and _is_source(change, table):
                target = change.target if not column or reads_column(change, column) or change.columns is None else ""
            elif isinstance(change, UpdateRows) and column and same_name(change.table, table):
                others = [n for n, _ in change.set if not same_name(n, column)]
                target = change.table if others and reads_column(change, column) else ""
            if target and not scene.guarded(table, column, after=place):
                found = target
    return found


def _is_source(change: CopyRows, table: str) -> bool:
    if change.source:
        return same_name(change.source, table)
    return any(names(f.text, table) for f in fragments(change) if f.kind == "query")


def _drop_table(view: SpecView) -> Iterable[Found]:
    for scene, name, place in _dropped_tables(view):
        if scene.guarded(name) or _unverified_source(scene, name):
            continue
        lost = bool(scene.fact.step.irreversible) or scene.fact.step.verb == "sql"
        words = "with all its rows, for good" if lost else "with all its rows (kept aside until `engine finalize`)"
        yield found(
            scene,
            "DL101",
            f"`{name}` is dropped {words}, and no `validate` before it looks at them",
            place.path,
            hint=f"say what must hold before it goes, e.g. row_count: {{table: {name}, equals: 0}}",
            severity="error" if lost else "warning",
            subject=name,
        )


def _drop_column(view: SpecView) -> Iterable[Found]:
    for scene, table, name in _dropped_columns(view):
        if scene.guarded(table, name) or _unverified_source(scene, table, name):
            continue
        lost = bool(scene.fact.step.irreversible)
        words = "for good" if lost else "kept aside until `engine finalize`"
        yield found(
            scene,
            "DL102",
            f"the values of `{table}.{name}` go with it ({words}), and no `validate` before it looks at them",
            _drop_path(scene, name),
            hint=f"e.g. before it: no_rows: {{sql: {filled_rows(table, name)}}}",
            severity="error" if lost else "warning",
            subject=f"{table}.{name}",
        )


def _drop_path(scene: Scene, column: str) -> tuple[str | int, ...]:
    dropped = getattr(scene.fact.step.body, "drop", ())
    place = next((n for n, name in enumerate(dropped) if same_name(name, column)), 0)
    return ("alter", "drop", place)


def _source_unverified(view: SpecView) -> Iterable[Found]:
    gone = [(s, name, "", place.path) for s, name, place in _dropped_tables(view)]
    gone += [(s, table, name, _drop_path(s, name)) for s, table, name in _dropped_columns(view)]
    for scene, table, column, path in gone:
        target = _unverified_source(scene, table, column)
        if target:
            what = f"{table}.{column}" if column else table
            lost = bool(scene.fact.step.irreversible) or scene.fact.step.verb == "sql"
            yield found(
                scene,
                "DL108",
                f"`{what}` is the source of what is now in `{target}`, and nothing compares the two first",
                path,
                hint="put a `validate` with `same_rows`, `row_count` or `no_rows` between the copy and this step",
                severity="error" if lost else "warning",
                subject=what,
            )


# ── DL105, DL106 ──────────────────────────────────────────────────────────
def _narrowing(view: SpecView) -> Iterable[Found]:
    for scene, declared in walk(view):
        for change in scene.fact.changes:
            if not isinstance(change, AlterTable) or scene.existing(change.table) is None:
                continue
            for action in change.actions:
                if not isinstance(action, ChangeColumn) or action.type is None or action.using is not None:
                    continue
                lost = loses(kind_of(change.table, action.name, scene, declared), as_written(action.type))
                if lost and scene.had(change.table, action.name) and not scene.guarded(change.table, action.name):
                    yield found(
                        scene,
                        "DL105",
                        f"as `{action.type.text or action.type.texts[0][1]}` `{change.table}.{action.name}` "
                        f"can't hold {lost}",
                        ("alter", "change", action.name, "type"),
                        hint="look for such values with `validate`, or say with `using` what becomes of them",
                        subject=f"{change.table}.{action.name}",
                    )


def _lossy_mapping(view: SpecView) -> Iterable[Found]:
    for scene, declared in walk(view):
        for change in scene.fact.changes:
            for table, target, column, source, path in moved(change, scene.fact.before):
                old, new = kind_of(table, source, scene, declared), kind_of(target, column, scene, declared)
                numbers = old.family == "text" and new.family in NUMBERS
                floats = old.family == "decimal" and new.family == "float"
                points = old.family in ("float", "decimal") and new.family == "integer"
                short = old.family == new.family == "text" and loses(old, new) and old.size
                if not (numbers or floats or points or short) or scene.guarded(table, source):
                    continue
                yield found(
                    scene,
                    "DL106",
                    f"`{target}.{column}` can't hold {loses(old, new)}, and `{table}.{source}` may have them",
                    path,
                    hint=f"write {{parse: {source}, as: {new.name}}}, or keep the type"
                    if numbers
                    else "keep the type, or look for such values with a `validate` before it",
                    subject=f"{target}.{column}",
                )


def moved(change: object, state: SchemaState) -> Iterable[tuple[str, str, str, str, tuple[str | int, ...]]]:
    """Yield what goes as it is from column to column: source table, target table, its column, the source's, path."""
    if isinstance(change, CopyRows) and change.source and state.table(change.source):
        if change.columns is None:
            source, target = state.table(change.source), state.table(change.target)
            for column in target.columns if source and target else ():
                if source and source.column(column.name) and column.generated is None:
                    yield change.source, change.target, column.name, column.name, ("copy", "columns")
        for said in fragments(change):
            if said.kind == "value" and (name := is_bare(said.text)) and said.path[-1] != "parse":
                yield change.source, change.target, said.column, name, said.path
    elif isinstance(change, UpdateRows) and change.join is None:
        for said in fragments(change):
            if said.kind == "value" and (name := is_bare(said.text)) and said.path[-1] != "parse":
                yield change.table, change.table, said.column, name, said.path


# ── DL107 ─────────────────────────────────────────────────────────────────
_TAKEN_ALONG = ("CASCADE", "SET NULL", "SET DEFAULT")


def _cascade(view: SpecView) -> Iterable[Found]:
    for scene, change in each(view, DeleteRows):
        reached = _closure(scene.fact.before, change.table)
        reached -= {fold(c.table) for _, c in scene.earlier(DeleteRows)}
        tables = [t.name for t in scene.fact.before.tables if fold(t.name) in reached]
        if tables and scene.existing(change.table):
            listed = ", ".join(f"`{t}`" for t in tables)
            yield found(
                scene,
                "DL107",
                f"rows of {listed} go or change with those of `{change.table}`, by their foreign keys",
                ("delete", "from"),
                hint="delete or move them first in a step of its own, with their own `expect_rows`",
                severity="info" if change.expect is not None else "warning",
                subject=change.table,
            )


def _closure(state: SchemaState, table: str) -> set[str]:
    found: set[str] = set()
    todo = [table]
    while todo:
        now = todo.pop()
        for other in state.tables:
            ties = [f.on_delete.upper() for f in other.foreign_keys if same_name(f.table, now)]
            if any(t in _TAKEN_ALONG for t in ties) and fold(other.name) not in found | {fold(table)}:
                found.add(fold(other.name))
                todo += [other.name] if "CASCADE" in ties else []
    return found


# ── DL111, DL114 ──────────────────────────────────────────────────────────
def _overwritten(view: SpecView) -> Iterable[Found]:
    for scene, change in each(view, UpdateRows):
        if change.where is not None or change.join is not None or change.expect is not None:
            continue
        for name, _ in change.set:
            values = [f.text for f in fragments(change) if same_name(f.column, name)]
            if any(names(text, name) for text in values) or not scene.had(change.table, name):
                continue
            if not scene.guarded(change.table, name):
                yield found(
                    scene,
                    "DL111",
                    f"every row of `{change.table}` loses what stands in `{name}`: "
                    "there is no `where`, and the new value does not read the old one",
                    ("transform", "set", name, "<key>"),
                    hint=f'narrow it, e.g. `where: "{name} IS NULL"`, or write to a new column',
                    subject=f"{change.table}.{name}",
                )


def _looks_like_rename(view: SpecView) -> Iterable[Found]:
    for scene, table, dropped in actions(view, DropColumn):
        owner = scene.existing(table)
        old = owner.column(dropped.name) if owner else None
        if owner is None or old is None or not scene.had(table, dropped.name) or scene.guarded(table, dropped.name):
            continue
        alter = next(c for c in scene.fact.changes if isinstance(c, AlterTable))
        steps = [*(c for _, c in scene.earlier(AlterTable)), alter, *(c for _, c in scene.later(AlterTable))]
        added = [a.column for c in steps if same_name(c.table, table) for a in c.actions if isinstance(a, AddColumn)]
        twins = [c for c in added if _same_type(c.type.text or "", old.type) and c.nullable == (not old.not_null)]
        used = any(reads_column(c, dropped.name) for f in scene.all for c in f.changes)
        used = used or any(c.using is not None or c.generated is not None for c in added)
        if len(twins) == 1 and len(added) == 1 and not used:
            yield found(
                scene,
                "DL114",
                f"`{dropped.name}` goes and `{twins[0].name}` of the same type comes: if that is a new name, "
                "the values are lost",
                _drop_path(scene, dropped.name),
                hint=f"alter: {{table: {table}, rename: {{{dropped.name}: {twins[0].name}}}}}",
                subject=f"{table}.{dropped.name}",
            )


def _same_type(portable: str, declared: str) -> bool:
    from engine.lint.types import kind

    left, right = kind(portable), kind(declared)
    if left.family in ("date", "time", "timestamp", "timestamptz", "json", "uuid"):
        left = kind("text")
    return (bool(left.family) and left.family == right.family and left.size == right.size) or portable == declared


RULES = (
    Rule(
        "DL101",
        "drop-table",
        "error",
        "A table that was there before is dropped, and no `validate` before it looks at its rows.",
        "What it held is kept aside until `engine finalize`; after that, or with `irreversible`, it is gone.",
        "Say with a `validate` before the drop what must hold of its rows.",
        "drop: {table: old_albums}",
        "steps:\n  - validate: [{row_count: {table: old_albums, equals: 0}}]\n  - drop: {table: old_albums}",
        check_spec=_drop_table,
        over=("SP113",),
        ranges=True,
        needs_reason=True,
    ),
    Rule(
        "DL102",
        "drop-column",
        "error",
        "A column that was there before is dropped, and no `validate` before it looks at its values.",
        "What it held is kept aside until `engine finalize`; after that, or with `irreversible`, it is gone.",
        "Say with a `validate` before the drop that its values are elsewhere, or none.",
        "alter: {table: a, drop: [b]}",
        "steps:\n"
        '  - validate: [{no_rows: {sql: "SELECT id FROM a WHERE b IS NOT NULL"}}]\n'
        "  - alter: {table: a, drop: [b]}",
        check_spec=_drop_column,
        ranges=True,
        needs_reason=True,
    ),
    Rule(
        "DL105",
        "narrowing-type-change",
        "error",
        "A column gets a type that can't hold every value of the old one.",
        "Values are rounded, cut or changed without a word, or the step stops at the first that does not fit.",
        "Look for such values with a `validate` before it, or say with `using` what becomes of them.",
        "alter: {table: a, change: {b: {type: integer}}}",
        "steps:\n"
        "  - validate: [{no_rows: {sql: \"SELECT id FROM a WHERE b GLOB '*[^0-9]*'\"}}]\n"
        "  - alter: {table: a, change: {b: {type: integer}}}",
        check_spec=_narrowing,
        needs_reason=True,
    ),
    Rule(
        "DL106",
        "lossy-cast-in-mapping",
        "error",
        "A value goes as it is into a column whose type changes it.",
        "On SQLite the text 02134 becomes the number 2134 in an integer column, without an error.",
        "Keep the type, write `{parse: …}`, or look for such values with a `validate` before the step.",
        "copy: {from: sessions, into: a, columns: {id: expires_at}, expect_rows: all}",
        "copy: {from: sessions, into: a, columns: {id: {parse: expires_at, as: integer}}, expect_rows: all}",
        check_spec=_lossy_mapping,
        needs_reason=True,
    ),
    Rule(
        "DL107",
        "cascade-reach",
        "warning",
        "A delete takes rows of tables along that the step does not name.",
        "Foreign keys with `cascade` or `set null` change rows that nobody mentioned, and nobody counted.",
        "Delete them first in steps of their own, each with its `expect_rows`.",
        'delete: {from: artists, where: "id > 5"}',
        'delete: {from: sessions, where: "id > 5"}',
        check_spec=_cascade,
        needs_reason=True,
    ),
    Rule(
        "DL108",
        "drop-source-before-verify",
        "error",
        "What rows were copied from is dropped, and nothing compares the two sides before it.",
        "If the copy missed rows, the evidence goes with the source.",
        "Put a `validate` between the copy and the drop.",
        "steps:\n"
        "  - copy: {from: old_albums, into: albums, columns: same, expect_rows: all}\n"
        "  - drop: {table: old_albums}",
        "steps:\n"
        "  - copy: {from: old_albums, into: albums, columns: same, expect_rows: all}\n"
        "  - validate: [{same_rows: {left: {table: old_albums}, right: {table: albums}, columns: same, key: id}}]\n"
        "  - drop: {table: old_albums}",
        check_spec=_source_unverified,
        over=("DL101", "DL102", "SP113"),
        ranges=True,
        needs_reason=True,
    ),
    Rule(
        "DL111",
        "unconditional-overwrite",
        "warning",
        "A `transform` without `where` gives every row a new value that does not read the old one.",
        "What stood there is lost in all rows, also where it was right.",
        "Narrow it, e.g. to rows where the column IS NULL, or write to a new column.",
        "transform: {table: a, set: {b: {value: unknown}}}",
        'transform: {table: a, set: {b: {value: unknown}}, where: "b IS NULL"}',
        check_spec=_overwritten,
        needs_reason=True,
    ),
    Rule(
        "DL114",
        "drop-add-looks-like-rename",
        "warning",
        "A column goes and one of the same type comes, with no values moved from one to the other.",
        "If a new name was meant, its values are lost.",
        "Use `rename`.",
        "alter: {table: a, add: {c: text}, drop: [b]}",
        "alter: {table: a, rename: {b: c}}",
        check_spec=_looks_like_rename,
        over=("DL102",),
        needs_reason=True,
    ),
)
