"""CN: keys, constraints, indexes. CN101 CN102 CN104 to CN109 CN111."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.errors import Path, Severity
from engine.lint.base import Found, Rule, SpecView
from engine.lint.rules.existing import unique_keys
from engine.lint.story import Scene, actions, each, found, written
from engine.model.changes import (
    AddCheck,
    AddForeignKey,
    AddUnique,
    AlterTable,
    ChangeColumn,
    CreateIndex,
    CreateTable,
    DropConstraint,
    DropIndex,
    SetPrimaryKey,
)
from engine.model.state import ForeignKey, SchemaState, Table, fold, same_name


def new_foreign_keys(scene: Scene) -> Iterator[tuple[Table, ForeignKey, Path]]:
    """Yield the foreign keys that a step adds, as the state after it has them, with their places."""
    verb = scene.fact.step.verb
    for change in scene.fact.changes:
        name = change.table.name if isinstance(change, CreateTable) else getattr(change, "table", "")
        table = scene.fact.after.table(name) if isinstance(change, CreateTable | AlterTable) else None
        if table is None or not table.foreign_keys:
            continue
        before = scene.fact.before.table(table.name)
        old = {(tuple(map(fold, f.columns)), fold(f.table)) for f in before.foreign_keys} if before else set()
        for key in table.foreign_keys:
            if (tuple(map(fold, key.columns)), fold(key.table)) not in old:
                yield table, key, _foreign_path(scene, verb, key)


def _foreign_path(scene: Scene, verb: str, key: ForeignKey) -> Path:
    word = "foreign_keys" if verb == "create" else "add_foreign_keys"
    for place, given in enumerate(getattr(scene.fact.step.body, word, ())):
        if tuple(map(fold, given.columns)) == tuple(map(fold, key.columns)):
            return (verb, word, place)
    return (verb, "columns" if verb == "create" else "add", key.columns[0], "references")


# ── CN101, CN102 ──────────────────────────────────────────────────────────
def _no_key(view: SpecView) -> Iterable[Found]:
    for scene, change in each(view, CreateTable):
        table = scene.fact.after.table(change.table.name)
        if table is None or table.virtual or change.table.scratch or unique_keys(table, scene.fact.after):
            continue
        used = any(same_name(written(c), table.name) for f in view.live for c in f.changes)
        words = f"`{table.name}` has no primary key: batches and journals can't tell its rows apart"
        hint = "e.g. `id: {type: bigint, primary_key: true, auto_increment: true}`"
        yield found(scene, "CN101", words, ("create", "table"), hint, table.name, "error" if used else "warning")


def _foreign_without_index(view: SpecView) -> Iterable[Found]:
    last = view.live[-1].after if view.live else SchemaState()
    for scene, _ in each(view, object):
        for table, key, path in new_foreign_keys(scene):
            now = last.table(table.name)
            if now is None or _leads(now, last, key.columns):
                continue
            words = f"no index of `{table.name}` begins with ({', '.join(key.columns)})"
            hint = f"index: {{table: {table.name}, columns: [{', '.join(key.columns)}]}}"
            severity: Severity = "warning" if scene.existing(table.name) else "info"
            yield found(scene, "CN102", words, path, hint, f"{table.name}.{','.join(key.columns)}", severity)


def _leads(table: Table, state: SchemaState, columns: tuple[str, ...]) -> bool:
    wanted = {fold(c) for c in columns}
    keys = [table.primary_key, *(k.columns for k in table.keys), *(i.columns for i in state.indexes_of(table.name))]
    return any({fold(c) for c in key[: len(columns)]} == wanted for key in keys)


# ── CN104, CN105, CN106 ───────────────────────────────────────────────────
def _self_cascade(view: SpecView) -> Iterable[Found]:
    for scene, _ in each(view, object):
        for table, key, path in new_foreign_keys(scene):
            if key.on_delete.upper() != "CASCADE":
                continue
            if same_name(key.table, table.name) or fold(table.name) in _reached(scene.fact.after, key.table):
                words = f"one delete in `{table.name}` may take the whole tree: the cascade leads back to it"
                yield found(scene, "CN104", words, path, "write `on_delete: restrict`", table.name)


def _reached(state: SchemaState, start: str) -> set[str]:
    """Return the tables that `start` refers to by keys that cascade, and theirs in turn."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        table = state.table(todo.pop())
        for key in table.foreign_keys if table else ():
            if key.on_delete.upper() == "CASCADE" and fold(key.table) not in seen:
                seen.add(fold(key.table))
                todo.append(key.table)
    return seen


def _cycle(view: SpecView) -> Iterable[Found]:
    for scene, _ in each(view, object):
        for table, key, path in new_foreign_keys(scene):
            if same_name(key.table, table.name) or key.deferrable:
                continue
            after = scene.fact.after
            solid = [c for c in table.columns if c.not_null and any(same_name(c.name, n) for n in key.columns)]
            if solid and _leads_back(after, key.table, table.name):
                words = f"`{table.name}` and `{key.table}` need rows of each other first: neither can get its first row"
                yield found(scene, "CN105", words, path, "make one of them nullable or `deferrable: true`", table.name)


def _leads_back(state: SchemaState, start: str, goal: str) -> bool:
    """Tell whether NOT NULL foreign keys lead from `start` to `goal`."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        name = todo.pop()
        table = state.table(name)
        if same_name(name, goal):
            return True
        if table is None or fold(name) in seen:
            continue
        seen.add(fold(name))
        for key in table.foreign_keys:
            columns = [table.column(c) for c in key.columns]
            if not key.deferrable and all(c is not None and c.not_null for c in columns):
                todo.append(key.table)
    return False


def _set_null(view: SpecView) -> Iterable[Found]:
    for scene, _ in each(view, object):
        for table, key, path in new_foreign_keys(scene):
            for event, action in (("delete", key.on_delete.upper()), ("update", key.on_update.upper())):
                columns = [c for c in (table.column(n) for n in key.columns) if c is not None]
                null = action == "SET NULL" and any(c.not_null for c in columns)
                default = action == "SET DEFAULT" and any(c.not_null and c.default is None for c in columns)
                if null or default:
                    words = f"each {event} in `{key.table}` fails: `{key.columns[0]}` may not be NULL"
                    yield found(scene, "CN106", words, path, "allow NULL, or choose another action", table.name)


# ── CN107, CN108, CN109, CN111 ────────────────────────────────────────────
def _redundant(view: SpecView) -> Iterable[Found]:
    for scene, change in each(view, CreateIndex):
        index = change.index
        plain = all(p.column and not p.order and not p.collate for p in index.columns)
        table = scene.fact.after.table(index.table)
        if index.unique or index.where is not None or not plain or table is None or scene.fact.step.verb != "index":
            continue
        mine = tuple(fold(p.column) for p in index.columns)
        others = [(i.name, i.columns) for i in scene.fact.before.indexes_of(index.table) if i.where is None]
        others += [("the primary key", table.primary_key)]
        others += [(k.name or "a unique key", k.columns) for k in table.keys if not k.primary]
        twin, columns = next((o for o in others if tuple(map(fold, o[1]))[: len(mine)] == mine), ("", ()))
        if twin:
            level: Severity = "warning" if len(columns) == len(mine) else "info"
            words = f"{twin if ' ' in twin else f'`{twin}`'} begins with ({', '.join(mine)}) already"
            yield found(scene, "CN107", words, ("index", "columns"), "leave one of the two out", index.table, level)


def _still_needed(view: SpecView) -> Iterable[Found]:
    last = view.live[-1].after if view.live else SchemaState()
    for scene, drop in each(view, DropIndex):
        index = scene.fact.before.index(drop.name)
        table = last.table(index.table) if index and fold(index.table) not in scene.made else None
        if index is None or table is None:
            continue
        keys = [k for k in table.foreign_keys if tuple(map(fold, k.columns)) == tuple(map(fold, index.columns))]
        path = ("drop", "index")
        if index.unique and not any(
            set(map(fold, k)) <= set(map(fold, index.columns)) for k in unique_keys(table, last)
        ):
            words = f"nothing keeps ({', '.join(index.columns)}) of `{table.name}` unique any more"
            yield found(scene, "CN108", words, path, "make the new one first, in the same spec", index.name)
        elif keys and not _leads(table, last, keys[0].columns):
            words = f"deletes in `{keys[0].table}` look through all of `{table.name}` without it"
            yield found(scene, "CN108", words, path, "make the new one first, in the same spec", index.name)


def _constraint_gone(view: SpecView) -> Iterable[Found]:
    for scene, table, drop in actions(view, DropConstraint):
        if scene.existing(table) is None:
            continue
        again = [
            c for kind in (AddCheck, AddForeignKey, AddUnique) for _, t, c in actions(view, kind) if same_name(t, table)
        ]
        retyped = [c for _, t, c in actions(view, ChangeColumn) if same_name(t, table)]
        if again or retyped or any(same_name(t, table) for _, t, _ in actions(view, SetPrimaryKey)):
            continue
        what = drop.name or drop.check or ", ".join(drop.unique or drop.foreign_key)
        places = getattr(scene.fact.step.body, "drop_constraints", ())
        place = next((n for n, ref in enumerate(places) if ref.change() == drop), 0)
        words = f"`{table}` keeps `{what}` no longer, and nothing takes its place"
        path: Path = ("alter", "drop_constraints", place)
        yield found(scene, "CN109", words, path, "say why in `description`, and ignore this with that reason", table)


def _nullable_unique(view: SpecView) -> Iterable[Found]:
    for scene, change in each(view, CreateIndex):
        table = scene.fact.after.table(change.index.table)
        if not change.index.unique or change.index.where is not None or table is None:
            continue
        for place, part in enumerate(change.index.columns):
            column = table.column(part.column) if part.column else None
            if column is not None and not column.not_null and not column.key_position:
                words = f"rows without a `{column.name}` are never alike: several of them are let in"
                path: Path = ("index", "columns", place) if scene.fact.step.verb == "index" else ()
                yield found(scene, "CN111", words, path, "make it NOT NULL, or narrow the key with `where`", table.name)
                break


ID = "id: {type: integer, primary_key: true}"

RULES = (
    Rule(
        "CN101",
        "missing-primary-key",
        "error",
        "A table is made without a primary or unique key.",
        "Nothing tells its rows apart: no batches, no journal by key, no exact comparison.",
        "Add a key, e.g. `id: {type: bigint, primary_key: true, auto_increment: true}`.",
        "create: {table: t, columns: {n: text}}",
        f"create: {{table: t, columns: {{{ID}, n: text}}}}",
        check_spec=_no_key,
        ranges=True,
    ),
    Rule(
        "CN102",
        "fk-without-index",
        "warning",
        "The columns of a new foreign key lead no index.",
        "Each delete or change of a key there looks through the whole table here.",
        "Add an `index` step.",
        f"create: {{table: t, columns: {{{ID}, a_id: {{type: integer, references: {{table: a, column: id}}}}}}}}",
        f"steps:\n  - create: {{table: t, columns: {{{ID}, a_id: {{type: integer, references: {{table: a}}}}}}}}\n"
        "  - index: {table: t, columns: [a_id]}",
        check_spec=_foreign_without_index,
        ranges=True,
    ),
    Rule(
        "CN104",
        "self-referencing-cascade",
        "warning",
        "A cascade leads back to its own table.",
        "One delete can take the whole tree, and databases limit the depth.",
        "Write `on_delete: restrict`.",
        f"create: {{table: t, columns: {{{ID}, up: {{type: integer, references: {{table: t, on_delete: cascade}}}}}}}}",
        f"create: {{table: t, columns: {{{ID}, up: {{type: integer, references: "
        "{table: t, on_delete: restrict}}}}",
        check_spec=_self_cascade,
    ),
    Rule(
        "CN105",
        "fk-cycle",
        "warning",
        "Foreign keys that may not be NULL go in a circle.",
        "Neither table can get its first row.",
        "Make one of them nullable, or `deferrable: true`.",
        "steps:\n  - alter: {table: a, add_foreign_keys: [{columns: [b_id], references: {table: b}}]}",
        "steps:\n  - alter: {table: a, add_foreign_keys: [{columns: b_id, references: {table: b}, deferrable: true}]}",
        check_spec=_cycle,
    ),
    Rule(
        "CN106",
        "set-null-on-not-null",
        "error",
        "A foreign key sets NULL in a column that may not be NULL.",
        "Every delete of a row there fails.",
        "Allow NULL, or choose another action.",
        f"create: {{table: t, columns: {{{ID}, a_id: {{type: integer, nullable: false, "
        "references: {table: a, on_delete: set null}}}}",
        f"create: {{table: t, columns: {{{ID}, a_id: {{type: integer, references: "
        "{table: a, on_delete: set null}}}}",
        check_spec=_set_null,
    ),
    Rule(
        "CN107",
        "redundant-index",
        "warning",
        "An index begins another one, or repeats a key.",
        "Each write pays for it, and no query needs it.",
        "Leave one of the two out.",
        "index: {table: a, columns: [id], name: idx_again}",
        "index: {table: a, columns: [b]}",
        check_spec=_redundant,
        ranges=True,
    ),
    Rule(
        "CN108",
        "index-still-needed",
        "warning",
        "A dropped index is the only one that a key or a foreign key has.",
        "Uniqueness is gone, or deletes look through whole tables.",
        "Make the new one first, in the same spec.",
        "steps:\n  - drop: {index: uq_users_email}",
        "steps:\n  - index: {table: users, columns: [email, name], unique: true}\n  - drop: {index: uq_users_email}",
        check_spec=_still_needed,
    ),
    Rule(
        "CN109",
        "constraint-dropped",
        "warning",
        "A constraint goes, and none comes in its place.",
        "A guarantee that programs may rely on disappears.",
        "Say why, and ignore this with that reason.",
        "steps:\n  - alter: {table: a, drop_constraints: [ck_b]}",
        "steps:\n  - alter: {table: a, drop_constraints: [ck_b], add_checks: {ck_b: \"b <> ''\"}}",
        check_spec=_constraint_gone,
    ),
    Rule(
        "CN111",
        "nullable-unique",
        "info",
        "A unique key is over a column that may be NULL.",
        "NULLs are never alike: several rows without a value are let in.",
        "Make it NOT NULL, or narrow it with `where`.",
        "index: {table: a, columns: [b], unique: true}",
        'index: {table: a, columns: [b], unique: true, where: "b IS NOT NULL"}',
        check_spec=_nullable_unique,
    ),
)
