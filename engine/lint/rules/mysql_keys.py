"""Keys and indexes on MySQL and MariaDB: MY111, MY112, MY113."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.errors import Path, Severity
from engine.lint.base import Found, Rule, SpecView
from engine.lint.rules.existing import unique_keys
from engine.lint.rules.mysql import BASE, aimed, mysql
from engine.lint.story import Scene, Told, by_statement, each, found, new_columns
from engine.lint.texts import Fragment, name_at, object_after, phrase_at
from engine.lint.types import as_written, kind_of, walk
from engine.model.changes import DeleteRows, DropIndex
from engine.model.state import same_name


# ── MY111 ─────────────────────────────────────────────────────────────────
def _shrinks(said: Fragment, scene: Scene) -> Told:
    """A column that `sql` drops; of a typed step the plan refuses it."""
    table = object_after(said, "ALTER", "TABLE") if said.begins("ALTER", "TABLE") and mysql(said, scene) else ""
    at = phrase_at(said.words, ("DROP",)) if table else -1
    if at < 0 or said.words[at + 1 : at + 2] in (("INDEX",), ("KEY",), ("PRIMARY",), ("FOREIGN",), ("CONSTRAINT",)):
        return None
    name = name_at(said.text, at + (2 if said.words[at + 1 : at + 2] == ("COLUMN",) else 1))
    for index in scene.fact.before.indexes_of(table) if scene.existing(table) else ():
        if len(index.columns) > 1 and any(same_name(c, name) for c in index.columns):
            rest = ", ".join(c for c in index.columns if not same_name(c, name))
            words = f"on MySQL the index `{index.name}` silently becomes one over ({rest})"
            words += ", and rows that differed may be alike in it" if index.unique else ""
            return words, f"drop `{index.name}` first, and make the one that is meant", f"{table}.{name}"
    return None


# ── MY112 ─────────────────────────────────────────────────────────────────
def _alike(view: SpecView) -> Iterable[Found]:
    for scene, table, name, path, drops in _text_keys(view):
        level: Severity = "warning" if drops else "info"
        words = f"on MySQL `{table}.{name}` takes a and A, and a with a blank behind it, for one value"
        words += ": such rows are deleted as doubles" if drops else ": a unique key lets one of them in"
        hint = "give the column a binary collation, or look for such values with a `validate` first"
        yield found(scene, "MY112", words, path, hint, f"{table}.{name}", level)


def _text_keys(view: SpecView) -> Iterator[tuple[Scene, str, str, Path, bool]]:
    """Yield the text columns that are to tell rows apart: scene, table, column, place, whether rows go by it."""
    for scene, declared in walk(view):
        for change in scene.fact.changes if aimed(scene) else ():
            if not isinstance(change, DeleteRows) or change.all_but_first_of is None:
                continue
            owner = scene.fact.before.table(change.table)
            for place, part in enumerate(change.all_but_first_of.columns):
                known = owner.column(part.column) if owner and part.column else None
                exact = known is None or same_name(known.collate[-4:], "_bin")
                if not exact and kind_of(change.table, part.column, scene, declared).family == "text":
                    yield scene, change.table, part.column, ("delete", "all_but_first_of", "columns", place), True
    for scene, table, made, where in new_columns(view):
        owner = scene.fact.after.table(table)
        keys = unique_keys(owner, scene.fact.after) if owner else ()
        keyed = any(same_name(made.name, c) for key in keys for c in key)
        several = aimed(scene) and set(scene.targets) - set(BASE)
        if keyed and several and not made.collate and as_written(made.type).family == "text":
            yield scene, table, made.name, where, False


# ── MY113 ─────────────────────────────────────────────────────────────────
def _gone_at_once(view: SpecView) -> Iterable[Found]:
    for scene, drop in each(view, DropIndex):
        index = scene.fact.before.index(drop.name)
        if index is None or not aimed(scene) or scene.existing(index.table) is None:
            continue
        if set(scene.targets) <= set(BASE):
            words = f"if a query turns out to need `{index.name}`, it must be built again"
            hint = f"hide it for a while first: ALTER TABLE {index.table} ALTER INDEX {index.name} INVISIBLE "
            hint += "(IGNORED on MariaDB)"
            yield found(scene, "MY113", words, ("drop", "index"), hint, index.name)


RULES = (
    Rule(
        "MY111",
        "drop-column-shrinks-index",
        "warning",
        "`sql` drops a column on MySQL that is in an index with others.",
        "The index goes on over the rest without a word: what was unique may fail, or be tighter.",
        "Drop the index first, and make the one that is meant; `alter` refuses it by name.",
        'dialects: [mysql]\nsteps:\n  - sql: "ALTER TABLE a DROP COLUMN b"',
        "dialects: [mysql]\nsteps:\n  - drop: {index: idx_b_c}\n  - alter: {table: a, drop: [b]}",
        check_spec=by_statement("MY111", _shrinks),
        over=("SP113",),
    ),
    Rule(
        "MY112",
        "collation-equality",
        "warning",
        "Text tells rows apart on MySQL, whose collations take a and A for one value.",
        "Rows that differ elsewhere are doubles there: one is deleted, or refused.",
        "Give the column a binary collation, or look for such values with a `validate` first.",
        "dialects: [mysql]\nsteps:\n  - delete: {from: a, all_but_first_of: {columns: [b], order: [id]}}",
        "dialects: [mysql]\nsteps:\n  - delete: {from: a, all_but_first_of: {columns: [n], order: [id]}}",
        check_spec=_alike,
    ),
    Rule(
        "MY113",
        "visible-index-dropped",
        "info",
        "An index goes on MySQL without a time in which it is only hidden.",
        "If a query needs it, it must be built again, which takes long on a large table.",
        "Make it INVISIBLE (IGNORED on MariaDB) first, and drop it in a later version.",
        "dialects: [mysql]\nsteps:\n  - drop: {index: idx_b}",
        'dialects: [mysql]\nsteps:\n  - sql: "ALTER TABLE a ALTER INDEX idx_b INVISIBLE"',
        check_spec=_gone_at_once,
    ),
)
