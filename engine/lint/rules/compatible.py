"""BC and NM: programs that run beside the migration, and names. BC101 to BC107, NM102 to NM104, DT115, TX107, RB105."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.errors import Path, Severity
from engine.lint.base import Found, Rule, SpecView
from engine.lint.story import Scene, actions, each, found, new_columns, written
from engine.lint.texts import fragments, names
from engine.lint.types import Kind, as_written, kind_of, loses, walk
from engine.model.changes import (
    AddCheck,
    AddColumn,
    AddForeignKey,
    AddUnique,
    AlterTable,
    ChangeColumn,
    CopyRows,
    CreateIndex,
    CreateTable,
    CreateView,
    DropColumn,
    DropTable,
    RenameColumn,
    RenameTable,
)
from engine.model.naming import among_latin
from engine.model.state import fold, same_name
from engine.steps.keywords import RESERVED


# ── BC ────────────────────────────────────────────────────────────────────
def _table_renamed(view: SpecView) -> Iterable[Found]:
    if not view.world.settings.zero_downtime:
        return
    views = {fold(c.name) for _, c in each(view, CreateView)}
    made_again = {fold(c.table.name) for _, c in each(view, CreateTable)}
    for scene, rename in each(view, RenameTable):
        if scene.existing(rename.name) and fold(rename.name) not in views | made_again:
            words = f"programs that still ask for `{rename.name}` fail from here on"
            hint = f'leave a view behind: create: {{view: {rename.name}, as: "SELECT * FROM {rename.to}"}}'
            yield found(scene, "BC101", words, ("rename", "to"), hint, rename.name, _level(scene))


def _column_renamed(view: SpecView) -> Iterable[Found]:
    if not view.world.settings.zero_downtime:
        return
    for scene, table, rename in actions(view, RenameColumn):
        if not scene.had(table, rename.name):
            continue
        after = scene.fact.after.table(table)
        if after is not None and after.column(rename.name) is not None:
            continue
        verb = scene.fact.step.verb
        path: Path = ("alter", "rename", rename.name) if verb == "alter" else ("rename", "to")
        words = f"programs that still ask for `{table}.{rename.name}` fail from here on"
        hint = "add the new column, copy the values, and drop the old one in a later spec"
        yield found(scene, "BC102", words, path, hint, f"{table}.{rename.name}", _level(scene))


def _together(view: SpecView) -> Iterable[Found]:
    if not view.world.settings.zero_downtime:
        return
    for scene, drop in each(view, DropTable):
        copies = [c for _, c in scene.earlier(CopyRows) if same_name(c.source, drop.name)]
        if scene.existing(drop.name) and any(fold(c.target) in scene.made for c in copies):
            words = f"`{drop.name}` goes in the spec that brings `{copies[0].target}` in its place"
            hint = "drop it in a later spec, when no program asks for it any more"
            yield found(scene, "BC103", words, ("drop", "table"), hint, drop.name, _level(scene))
    for scene, table, lost in actions(view, DropColumn):
        added = [
            a.column.name for s, t, a in actions(view, AddColumn) if same_name(t, table) and s.place <= scene.place
        ]
        if not scene.had(table, lost.name):
            continue
        moved = [
            name
            for f in scene.all[: scene.place]
            for c in f.changes
            for said in fragments(c)
            if same_name(written(c), table) and names(said.text, lost.name)
            for name in added
            if same_name(said.column, name)
        ]
        if moved:
            words = f"`{lost.name}` goes in the spec that brings `{moved[0]}` in its place"
            hint = "drop it in a later spec, when no program asks for it any more"
            yield found(scene, "BC103", words, ("alter", "drop"), hint, f"{table}.{lost.name}", _level(scene))


def _level(scene: Scene) -> Severity:
    return "error" if scene.view.world.settings.zero_downtime else "info"


def _retyped(view: SpecView) -> Iterator[tuple[Scene, str, Kind, Kind, Path]]:
    """Yield the columns that were there and get another type: scene, table.column, old and new kind, path."""
    for scene, declared in walk(view):
        for change in scene.fact.changes:
            for action in change.actions if isinstance(change, AlterTable) else ():
                if not isinstance(change, AlterTable) or not isinstance(action, ChangeColumn) or action.type is None:
                    continue
                if scene.had(change.table, action.name):
                    old = kind_of(change.table, action.name, scene, declared)
                    path: Path = ("alter", "change", action.name, "type")
                    yield scene, f"{change.table}.{action.name}", old, as_written(action.type), path


def _type_changed(view: SpecView) -> Iterable[Found]:
    if not view.world.settings.zero_downtime:
        return
    for scene, column, old, new, path in _retyped(view):
        if old.family and new.family and old.family != new.family:
            words = f"programs that read `{column}` get {new.family} where they got {old.family}"
            hint = "add a column of the new type, and drop the old one in a later spec"
            yield found(scene, "BC104", words, path, hint, column, _level(scene))


def _restricted(view: SpecView) -> Iterable[Found]:
    if not view.world.settings.zero_downtime:
        return
    hint = "see that all that write are ready for it first"
    for scene, table, action in actions(view, ChangeColumn):
        path: Path = ("alter", "change", action.name)
        if scene.had(table, action.name) and (action.nullable is False or action.drop_default):
            words = f"programs that write `{table}` without a `{action.name}` fail from here on"
            yield found(scene, "BC105", words, path, hint, f"{table}.{action.name}", _level(scene))
    for kind, word in ((AddCheck, "add_checks"), (AddForeignKey, "add_foreign_keys"), (AddUnique, "add_unique")):
        for scene, table, _ in actions(view, kind):
            if scene.existing(table):
                words = f"programs that write rows into `{table}` that break this fail from here on"
                yield found(scene, "BC105", words, ("alter", word), hint, table, _level(scene))


def _view_changed(view: SpecView) -> Iterable[Found]:
    for scene, create in each(view, CreateView):
        before, after = scene.view.live[0].before.view(create.name), scene.fact.after.view(create.name)
        if before is None or after is None:
            continue
        old, new = [fold(c.name) for c in before.columns], [fold(c.name) for c in after.columns]
        if old and new[: len(old)] != old:
            gone = [c for c in old if c not in new]
            words = f"`{create.name}` has no `{gone[0]}` any more" if gone else f"the columns of `{create.name}` move"
            hint = "keep the old columns in front, or make a view of a new name"
            yield found(scene, "BC106", words, ("create", "as"), hint, create.name)


def _nullable_now(view: SpecView) -> Iterable[Found]:
    for scene, table, action in actions(view, ChangeColumn):
        owner = scene.existing(table)
        column = owner.column(action.name) if owner else None
        if action.nullable is True and column is not None and column.not_null:
            words = f"programs that read `{table}.{action.name}` may meet NULL from here on"
            path: Path = ("alter", "change", action.name, "nullable")
            yield found(
                scene, "BC107", words, path, "see that all that read are ready for it", f"{table}.{action.name}"
            )


def _behind_the_copy(view: SpecView) -> Iterable[Found]:
    if not view.world.settings.zero_downtime:
        return
    for scene, copy in each(view, CopyRows):
        gone = [d.name for _, d in scene.later(DropTable)] + [r.name for _, r in scene.later(RenameTable)]
        if scene.existing(copy.source) and any(same_name(n, copy.source) for n in gone):
            words = f"rows that programs write into `{copy.source}` after this copy are lost when it goes"
            hint = "stop the writers, or copy once more before it goes, and compare with `same_rows`"
            yield found(scene, "DT115", words, ("copy", "from"), hint, copy.source)


def _many_tables(view: SpecView) -> Iterable[Found]:
    touched: dict[str, Scene] = {}
    for scene, change in each(view, AlterTable):
        if scene.existing(change.table):
            touched.setdefault(fold(change.table), scene)
    if len(touched) > 5:
        scene = list(touched.values())[5]
        words = f"this spec alters {len(touched)} tables that were there: much is locked, and much to take back"
        yield found(scene, "TX107", words, ("alter", "table"), "split it into several specs")


def _may_not_go_back(view: SpecView) -> Iterable[Found]:
    for scene, column, old, new, path in _retyped(view):
        if loses(new, old) and not loses(old, new):
            words = f"the way back makes `{column}` {old.name} again, and what was written since may not fit"
            yield found(scene, "RB105", words, path, "look before a late rollback", column)


# ── NM ────────────────────────────────────────────────────────────────────
def new_names(view: SpecView) -> Iterator[tuple[Scene, str, str, Path]]:
    """Yield the names that a spec gives: scene, kind, name, path."""
    for scene, create in each(view, CreateTable):
        yield scene, "table", create.table.name, ("create", "table")
    for scene, _, column, path in new_columns(view):
        yield scene, "column", column.name, (*path, "<key>")
    for scene, index in each(view, CreateIndex):
        if ("index", "name") in scene.fact.step.spans:
            yield scene, "index", index.index.name, ("index", "name")
    for scene, rename in each(view, RenameTable):
        yield scene, "table", rename.to, ("rename", "to")
    for scene, _, renamed in actions(view, RenameColumn):
        verb = scene.fact.step.verb
        yield scene, "column", renamed.to, ("alter", "rename", renamed.name) if verb == "alter" else ("rename", "to")


def _same_when_cut(view: SpecView) -> Iterable[Found]:
    for scene, kind, name, path in new_names(view):
        cut = fold(name.encode("utf-8")[:63].decode("utf-8", "ignore"))
        if len(name.encode("utf-8")) <= 63 or kind == "column":
            continue
        state = scene.fact.after
        others = [t.name for t in state.tables] + [v.name for v in state.views] + [i.name for i in state.indexes]
        others = [other for other in others if not same_name(other, name)]
        twin = next((o for o in others if fold(o.encode("utf-8")[:63].decode("utf-8", "ignore")) == cut), "")
        if twin:
            words = f"PostgreSQL cuts names at 63 bytes, and then `{name}` and `{twin}` are one"
            yield found(scene, "NM102", words, path, "shorten one of them", name)


_RESERVED = RESERVED & frozenset(
    "ALL AND AS ASC BETWEEN BY CASE CHECK CONSTRAINT CREATE CROSS DEFAULT DELETE DESC DISTINCT DROP ELSE EXISTS "
    "FOREIGN FROM GROUP HAVING IN INDEX INNER INSERT INTO IS JOIN LEFT LIKE LIMIT NATURAL NOT NULL ON OR ORDER "
    "PRIMARY REFERENCES RIGHT SELECT SET TABLE THEN TO UNION UNIQUE UPDATE USER USING VALUES WHEN WHERE".split()
)


def _reserved(view: SpecView) -> Iterable[Found]:
    for scene, kind, name, path in new_names(view):
        if name.upper() in _RESERVED:
            words = f"`{name}` is a word of SQL: every query that names this {kind} must quote it"
            yield found(scene, "NM103", words, path, "take another name", name)


def _needs_quotes(view: SpecView) -> Iterable[Found]:
    import re

    for scene, kind, name, path in new_names(view):
        if not re.fullmatch(r"[a-z_][a-z0-9_]*", name):
            why = "capitals" if name != name.lower() and name.isascii() else "more than a-z, 0-9 and _"
            if other := among_latin(name):
                why = f"{other} among Latin letters"
            words = f"the {kind} `{name}` has {why}: PostgreSQL wants quotes around it everywhere"
            yield found(scene, "NM104", words, path, "write it in snake_case", name)


RULES = (
    Rule(
        "BC101",
        "rename-table",
        "error",
        "A table that was there gets another name, and no view keeps the old one.",
        "Programs that run beside the migration fail at once (told under `zero_downtime` only).",
        "Leave a view of the old name behind, or move in two specs.",
        "rename: {table: a, to: d}",
        'create: {view: d, as: "SELECT id, b FROM a"}',
        check_spec=_table_renamed,
        ranges=True,
    ),
    Rule(
        "BC102",
        "rename-column",
        "error",
        "A column that was there gets another name.",
        "Programs that run beside the migration fail at once (told under `zero_downtime` only).",
        "Add the new column, copy the values, drop the old one in a later spec.",
        "alter: {table: a, rename: {b: d}}",
        "alter: {table: a, add: {d: text}}",
        check_spec=_column_renamed,
        ranges=True,
    ),
    Rule(
        "BC103",
        "expand-and-contract-together",
        "error",
        "One spec brings a replacement and takes the original away.",
        "There is no moment at which old and new programs both work (told under `zero_downtime` only).",
        "Drop the original in a later spec.",
        "steps:\n  - alter: {table: a, add: {d: text}}\n  - transform: {table: a, set: {d: b}}\n"
        "  - alter: {table: a, drop: [b]}",
        "steps:\n  - alter: {table: a, add: {d: text}}\n  - transform: {table: a, set: {d: b}}",
        check_spec=_together,
        ranges=True,
    ),
    Rule(
        "BC104",
        "incompatible-type-change",
        "error",
        "A column that was there becomes one of another kind.",
        "Programs get another type from their driver (told under `zero_downtime` only).",
        "Add a column of the new type.",
        'alter: {table: a, change: {b: {type: integer, using: "length(b)"}}}',
        "alter: {table: a, add: {n: integer}}",
        check_spec=_type_changed,
        ranges=True,
    ),
    Rule(
        "BC105",
        "new-write-restriction",
        "error",
        "A new rule refuses what programs could write before.",
        "Between two deploys old programs fail (told under `zero_downtime` only).",
        "Deploy those that write first.",
        "alter: {table: a, add_checks: {ck_b: \"b <> ''\"}}",
        "alter: {table: a, add: {d: text}}",
        check_spec=_restricted,
        ranges=True,
    ),
    Rule(
        "BC106",
        "view-shape-changed",
        "warning",
        "A view loses columns, or they come in another order.",
        "Queries that name them fail, and those that count them get others.",
        "Keep the old ones in front.",
        'create: {view: names, as: "SELECT name FROM users", replace: true}',
        'create: {view: names, as: "SELECT id, name, email FROM users", replace: true}',
        check_spec=_view_changed,
    ),
    Rule(
        "BC107",
        "nullability-relaxed",
        "info",
        "A column that was NOT NULL may be NULL.",
        "Programs that read it may not expect that.",
        "See that all that read are ready for it.",
        "alter: {table: users, change: {email: {nullable: true}}}",
        "alter: {table: a, add: {d: text}}",
        check_spec=_nullable_now,
    ),
    Rule(
        "DT115",
        "source-changes-during-copy",
        "warning",
        "A table that programs write to is copied, and goes later.",
        "Rows written behind the copy are lost (told under `zero_downtime` only).",
        "Stop the writers, or copy once more before it goes.",
        "steps:\n  - copy: {from: a, into: c, columns: same, expect_rows: all}\n  - drop: {table: a}",
        "copy: {from: a, into: c, columns: same, expect_rows: all}",
        check_spec=_behind_the_copy,
    ),
    Rule(
        "TX107",
        "too-many-tables",
        "info",
        "One spec alters more than five tables that were there.",
        "Much is locked at once, and much must be taken back.",
        "Split it.",
        'steps:\n  - for_each: {t: [a, b, c, d, e, f]}\n    alter: {table: "{{ t }}", add: {note: text}}',
        "alter: {table: a, add: {note: text}}",
        check_spec=_many_tables,
    ),
    Rule(
        "RB105",
        "rollback-may-fail",
        "info",
        "The way back gives a column a narrower type than it has in between.",
        "Values written since may not fit.",
        "Know it, and look before a late rollback.",
        "steps:\n  - alter: {table: a, change: {code: {type: varchar(40)}}}",
        "alter: {table: a, add: {d: text}}",
        check_spec=_may_not_go_back,
    ),
    Rule(
        "NM102",
        "identifier-collision",
        "error",
        "Two names are one when PostgreSQL cuts them at 63 bytes.",
        "The second can't be made there.",
        "Shorten one of them.",
        "steps:\n  - index: {table: a, columns: [b], name: idx_…_of_63_bytes_and_more_1}",
        "index: {table: a, columns: [b]}",
        check_spec=_same_when_cut,
    ),
    Rule(
        "NM103",
        "reserved-word",
        "warning",
        "A new name is a word of SQL.",
        "Each query must quote it, and the one that forgets fails.",
        "Take another name.",
        "alter: {table: a, add: {order: integer}}",
        "alter: {table: a, add: {position: integer}}",
        check_spec=_reserved,
    ),
    Rule(
        "NM104",
        "needs-quoting",
        "warning",
        "A new name has capitals, blanks or signs.",
        "PostgreSQL wants quotes around it in every query.",
        "Write it in snake_case.",
        "alter: {table: a, add: {firstName: text}}",
        "alter: {table: a, add: {first_name: text}}",
        check_spec=_needs_quotes,
    ),
)
