"""LT: SQLite's own ways. LT102 LT103 LT104 LT105 LT106 LT109 LT111; and steps that do nothing: RF114 LK111."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from engine.errors import Path
from engine.lint.base import Found, Rule, SpecView
from engine.lint.story import Scene, Told, by_statement, each, found, new_columns, spoken
from engine.lint.texts import Fragment, name_at, names, object_after, phrase_at, statements
from engine.lint.types import misspelt
from engine.model.changes import (
    AlterTable,
    ChangeColumn,
    CreateTable,
    DropIndex,
    DropTable,
    DropView,
    RenameColumn,
    RenameTable,
    RunSql,
)
from engine.model.definitions import TableDef
from engine.model.state import same_name

BASE = ("sqlite",)
_ACTS = ("CASCADE", "SET NULL", "SET DEFAULT")


def _here(said: Fragment) -> bool:
    return said.dialect in ("", "sqlite")


# ── rebuilds by hand ──────────────────────────────────────────────────────
def _drop_fires(said: Fragment, scene: Scene) -> Told:
    name = object_after(said, "DROP", "TABLE") if said.begins("DROP", "TABLE") and _here(said) else ""
    state = scene.fact.before
    hit = [
        t.name
        for t in state.tables
        for f in t.foreign_keys
        if name and same_name(f.table, name) and not same_name(t.name, name) and f.on_delete.upper() in _ACTS
    ]
    if not hit or scene.existing(name) is None:
        return None
    message = f"DROP TABLE deletes each row of `{name}` first, and rows of `{hit[0]}` go or change with them"
    return message, "write `alter` or `drop`: they see to the foreign keys", name


def _renames(view: SpecView) -> Iterator[tuple[Scene, Fragment, str, str]]:
    """Yield the tables that `sql` renames: scene, statement, old name, new name."""
    for scene, said in spoken(view):
        if not said.begins("ALTER", "TABLE") or not _here(said):
            continue
        at = phrase_at(said.words, ("RENAME", "TO"))
        old, new = object_after(said, "ALTER", "TABLE"), name_at(said.text, at + 2) if at > 0 else ""
        if old and new:
            yield scene, said, old, new


def _original_first(view: SpecView) -> Iterable[Found]:
    for scene, said, old, new in _renames(view):
        again = any(
            other.begins("CREATE", "TABLE") and same_name(object_after(other, "CREATE", "TABLE"), old)
            for s, other in spoken(view)
            if s.place >= scene.place
        )
        if again and scene.fact.before.referring_to(old):
            words = f"foreign keys to `{old}` follow it to `{new}`, and the new `{old}` gets none"
            hint = "make the new table under another name, fill it, drop the old, rename the new; or write `alter`"
            yield found(scene, "LT103", words, said.path, hint, old)


def _swapped(view: SpecView) -> Iterator[tuple[Scene, str]]:
    """Yield the tables that one `sql` step drops and makes again."""
    for scene, change in each(view, RunSql):
        texts = [f for f in statements(change) if _here(f)]
        for said in texts:
            name = object_after(said, "DROP", "TABLE") if said.begins("DROP", "TABLE") else ""
            if name and scene.existing(name) and scene.fact.after.table(name):
                yield scene, name


def _loses_dependents(view: SpecView) -> Iterable[Found]:
    for scene, name in _swapped(view):
        before, after = scene.fact.before, scene.fact.after
        lost = [f"index `{i.name}`" for i in before.indexes_of(name) if after.index(i.name) is None]
        lost += [f"trigger `{t.name}`" for t in before.triggers_of(name) if after.trigger(t.name) is None]
        last = scene.all[-1].after
        later = [i.name for i in last.indexes] + [t.name for t in last.triggers]
        lost = [word for word in lost if not any(f"`{n}`" in word for n in later)]
        if lost:
            words = f"{lost[0]} goes with the old `{name}`, and nothing makes it again"
            yield found(scene, "LT104", words, ("sql", "<key>"), "write `alter`, which keeps all of them", name)


def _counter_lost(view: SpecView) -> Iterable[Found]:
    for scene, name in _swapped(view):
        old = scene.existing(name)
        every = [f for c in scene.fact.changes for f in statements(c)]
        if old is not None and old.auto_increment and not any(names(f.text, "sqlite_sequence") for f in every):
            words = f"the counter of `{name}.{old.auto_increment}` begins anew: ids of deleted rows come again"
            yield found(scene, "LT105", words, ("sql", "<key>"), "write `alter`, which carries it over", name)


def _rebuilt(view: SpecView) -> Iterable[Found]:
    for scene, change in each(view, AlterTable):
        unit = next((u for u in scene.fact.units if u.why.startswith("rebuild")), None)
        if unit is None or unit.rows is None or view.world.dialect not in BASE:
            continue
        if unit.rows >= view.world.settings.large_table_rows:
            words = f"SQLite can't do this in place: `{change.table}` is written anew, {unit.rows:,} rows or more"
            verb = scene.fact.step.verb
            hint = "nothing is lost; it takes time and room in proportion to the rows"
            yield found(scene, "LT106", words, (verb, "table"), hint, change.table)


# ── types ─────────────────────────────────────────────────────────────────
def _not_row_id(view: SpecView) -> Iterable[Found]:
    for scene, create in each(view, CreateTable):
        table = scene.fact.after.table(create.table.name)
        key = table.primary_key if table else ()
        if table is None or len(key) != 1 or not table.row_id or view.world.dialect not in BASE:
            continue
        column = table.column(key[0])
        kind = column.type.upper() if column else ""
        if "INT" in kind and kind != "INTEGER" and not table.strict:
            words = f"only the very word INTEGER makes `{key[0]}` number itself; {kind} does not"
            yield found(scene, "LT109", words, _column_path(create.table, key[0]), "write `integer`", table.name)


def _column_path(table: TableDef, column: str) -> Path:
    return ("create", "columns", next((c.name for c in table.columns if same_name(c.name, column)), column), "type")


_SURPRISES = {"STRING": "a number", "FLOATING POINT": "an integer", "POINT": "an integer", "DATETIME": "a number"}
_SURPRISES |= {"BOOL": "a number", "JSON": "a number", "JSONB": "a number", "UUID": "a number", "DATE": "a number"}
_SURPRISES |= {"TIMESTAMP": "a number", "TIMESTAMPTZ": "a number", "INTERVAL": "an integer", "INET": "a number"}


def _affinity(view: SpecView) -> Iterable[Found]:
    for scene, table, column, path in new_columns(view):
        given = column.type.given_for("sqlite") or column.type.text
        after = scene.fact.after.table(table) if given and view.world.dialect in BASE else None
        if not given or after is None or after.strict:
            continue
        meant = misspelt(given)
        kept = after.column(column.name)
        if meant and kept is not None and kept.type.lower() == given.strip().lower():
            words = f"there is no type `{given}`: SQLite takes text in it that looks like a number for one"
            yield found(scene, "LT111", words, (*path, "type"), f"did you mean `{meant}`?", f"{table}.{column.name}")
            continue
        turned = _SURPRISES.get(given.split("(")[0].strip().upper(), "")
        if turned and "sqlite" in dict(column.type.texts):
            words = f"SQLite knows no type {given}: text that looks like {turned} becomes one"
            hint = "write TEXT, or a STRICT table"
            yield found(scene, "LT111", words, (*path, "type"), hint, f"{table}.{column.name}")


# ── steps that do nothing ─────────────────────────────────────────────────
def _nothing_done(view: SpecView) -> Iterable[Found]:
    for scene in (s for s, _ in each(view, object)):
        for change in scene.fact.changes:
            yield from _of_change(scene, change)


def _of_change(scene: Scene, change: object) -> Iterable[Found]:
    state = scene.fact.before
    match change:
        case RenameTable(name=name, to=to) if name == to:
            yield found(scene, "RF114", f"`{name}` is called so already", ("rename", "to"), "take the step out", name)
        case DropTable(name=name, if_exists=True) if state.table(name) is None and state.complete:
            yield found(scene, "RF114", f"there is no table `{name}`", ("drop", "table"), "take the step out", name)
        case DropView(name=name, if_exists=True) if state.view(name) is None and state.complete:
            yield found(scene, "RF114", f"there is no view `{name}`", ("drop", "view"), "take the step out", name)
        case DropIndex(name=name, if_exists=True) if state.index(name) is None and state.complete:
            yield found(scene, "RF114", f"there is no index `{name}`", ("drop", "index"), "take the step out", name)
        case AlterTable(table=name, actions=actions):
            table = state.table(name)
            for action in actions:
                if isinstance(action, RenameColumn) and action.name == action.to:
                    path: Path = ("alter", "rename", action.name)
                    yield found(scene, "RF114", f"`{action.name}` is called so already", path, subject=name)
                column = table.column(action.name) if table and isinstance(action, ChangeColumn) else None
                if column is not None and isinstance(action, ChangeColumn) and _unchanged(action, column.not_null):
                    words = f"`{name}.{action.name}` is {'NOT NULL' if column.not_null else 'nullable'} already"
                    path = ("alter", "change", action.name, "nullable")
                    yield found(scene, "RF114", words, path, "take it out", f"{name}.{action.name}")
        case _:
            pass


def _unchanged(action: ChangeColumn, not_null: bool) -> bool:
    others = (action.type, action.default, action.using, action.collate, action.comment, action.generated)
    alone = all(o is None for o in others) and not action.drop_default and action.auto_increment is None
    return alone and action.nullable is not None and action.nullable is (not not_null)


def _could_be_one(view: SpecView) -> Iterable[Found]:
    every = view.live
    for first, second in pairwise(every):
        one, two = first.changes[0] if first.changes else None, second.changes[0] if second.changes else None
        if first.step.verb != "alter" or second.step.verb != "alter" or first.step.when != second.step.when:
            continue
        if not isinstance(one, AlterTable) or not isinstance(two, AlterTable) or not same_name(one.table, two.table):
            continue
        rebuilt = [f for f in (first, second) if any(u.why.startswith("rebuild") for u in f.units)]
        if len(rebuilt) == 2 and not first.step.irreversible and not second.step.irreversible:
            words = f"`{two.table}` is written anew by the step before and by this one: one `alter` does it once"
            yield found(second, "LK111", words, ("alter", "table"), "put both into one step", two.table)


_SWAP = (
    "steps:\n  - sql:\n      - CREATE TABLE n (id INTEGER PRIMARY KEY, b TEXT)\n"
    "      - INSERT INTO n (id, b) SELECT id, b FROM a\n      - DROP TABLE a\n      - ALTER TABLE n RENAME TO a"
)
_ALTER = "alter: {table: a, change: {b: {default: x}}}"

RULES = (
    Rule(
        "LT102",
        "rebuild-fires-fk-actions",
        "error",
        "`sql` drops a table on SQLite that others refer to with an action.",
        "DROP TABLE deletes its rows first: child rows were deleted, or lost their reference, without an error.",
        "Write `alter` or `drop`.",
        'sql: "DROP TABLE artists"\nirreversible: test',
        _ALTER,
        check_spec=by_statement("LT102", _drop_fires),
        needs_reason=True,
        over=("SP113", "DL101", "DL108"),
    ),
    Rule(
        "LT103",
        "rebuild-renames-original-first",
        "error",
        "`sql` renames a table away and makes a new one of its name.",
        "Foreign keys follow the old table to its new name.",
        "Make the new one under another name first, or write `alter`.",
        "steps:\n  - sql:\n      - ALTER TABLE artists RENAME TO old\n      - CREATE TABLE artists (id INTEGER)",
        _ALTER,
        check_spec=_original_first,
        needs_reason=True,
        over=("SP113",),
    ),
    Rule(
        "LT104",
        "rebuild-loses-dependents",
        "error",
        "`sql` makes a table anew, and not its indexes and triggers.",
        "They go with the old table, without a word.",
        "Write `alter`, which keeps all of them.",
        _SWAP,
        _ALTER,
        check_spec=_loses_dependents,
        needs_reason=True,
        over=("SP113",),
    ),
    Rule(
        "LT105",
        "rebuild-resets-autoincrement",
        "error",
        "`sql` makes a table anew that numbers its rows for good.",
        "The counter begins anew: ids of deleted rows are given again.",
        "Write `alter`, which carries it over.",
        _SWAP,
        _ALTER,
        check_spec=_counter_lost,
        over=("SP113",),
    ),
    Rule(
        "LT106",
        "native-alter-impossible",
        "info",
        "SQLite can't do an `alter` of a large table in place, so it is written anew.",
        "It takes time and room in proportion to the rows.",
        "Nothing: the engine keeps all that hangs on the table.",
        "steps:\n  - alter: {table: a_large_table, change: {b: {default: x}}}",
        "alter: {table: a, add: {d: text}}",
        check_spec=_rebuilt,
    ),
    Rule(
        "LT109",
        "integer-key-not-rowid",
        "warning",
        "A key on SQLite is BIGINT or INT, not INTEGER.",
        "Only the very word INTEGER numbers rows; other keys take NULL, and no number by themselves.",
        "Write `integer`.",
        "create: {table: t, columns: {id: {type: {sqlite: BIGINT}, primary_key: true}}}",
        "create: {table: t, columns: {id: {type: bigint, primary_key: true}}}",
        check_spec=_not_row_id,
    ),
    Rule(
        "LT111",
        "surprising-affinity",
        "warning",
        "SQLite knows a given type not, and takes it for numbers.",
        "Text that looks like a number is changed when it is stored: 007 becomes 7.",
        "Write TEXT, or a STRICT table.",
        "alter: {table: a, add: {d: {type: {sqlite: STRING, other: text}}}}",
        "alter: {table: a, add: {d: text}}",
        check_spec=_affinity,
    ),
    Rule(
        "RF114",
        "no-op-step",
        "warning",
        "A step does nothing.",
        "Often it is the wrong table, or a migration that came twice.",
        "Take it out.",
        "drop: {table: nowhere, if_exists: true}",
        "drop: {index: idx_users_name, if_exists: true}",
        check_spec=_nothing_done,
    ),
    Rule(
        "LK111",
        "combine-alters",
        "info",
        "Two steps one after the other write one table anew.",
        "Each costs time and room for the whole table.",
        "Put both into one `alter`.",
        "steps:\n  - alter: {table: a, change: {b: {default: x}}}\n  - alter: {table: a, add_checks: {c: \"b <> ''\"}}",
        "alter: {table: a, add: {d: text}}",
        check_spec=_could_be_one,
    ),
)
