"""SQLite's words of refusal → a Problem that a person can act on."""

from __future__ import annotations

import re

from engine.dialects.base import Access
from engine.dialects.sqlite.names import meant
from engine.dialects.sqlite.shadow import Shadow
from engine.dialects.sqlite.shadow_connection import ShadowError
from engine.dialects.sqlite.sql import quote
from engine.errors import Path, Problem
from engine.model.state import SchemaState, Table, fold

# Foreign code, and files of whoever runs the migration: where a library or an extension has them.
_FOREIGN = frozenset("load_extension fts3_tokenizer readfile writefile edit fsdir lsdir zipfile sqlar_compress".split())
_NO_COLUMN = re.compile(r"no such column: (.+)", re.DOTALL)
_NO_TABLE = re.compile(r"no such table: (?:main\.)?(.+)", re.DOTALL)
_AMBIGUOUS = re.compile(r"ambiguous column name: (.+)", re.DOTALL)
_NO_FUNCTION = re.compile(r"no such function: (.+)", re.DOTALL)
_ROW_IDS = ("rowid", "_rowid_", "oid")
_IN_OBJECT = re.compile(r"error in (view|trigger|index|table) (.+?)(?: after [a-z ]+)?: (.+)", re.DOTALL)


def problem_of(message: str, state: SchemaState, path: Path, table: str = "") -> Problem:
    """Return the Problem that a refusal of the shadow stands for.

    Args:
        message: SQLite's words.
        state: where close names are looked for.
        path: where the SQL stands, below the step.
        table: the table whose columns the SQL speaks of, "" for any.
    """
    if message == "interrupted":
        return Problem("SP110", "this SQL runs on and on, even where no table has a row", path, hint="give it an end")
    if found := _IN_OBJECT.search(message):
        kind, name, words = found.groups()
        return Problem(
            "LT107" if kind == "trigger" and "after drop column" in message else "RF107",
            f"the {kind} `{name}` would no longer work: {words}",
            path,
            hint=f"drop `{name}` before this step and create it again after it",
            subject=name,
        )
    if found := _NO_COLUMN.search(message):
        name = found.group(1)
        owner = state.relation(table) if table else None
        columns = owner.columns if owner else tuple(c for t in state.tables for c in t.columns)
        bare = name.rpartition(".")[2]
        if isinstance(owner, Table) and not owner.row_id and not owner.virtual and fold(bare) in _ROW_IDS:
            words = f"`{owner.name}` is WITHOUT ROWID: its rows have no `{bare}`"
            return Problem("LT113", words, path, hint=f"name its key ({', '.join(owner.primary_key)})")
        close = meant(bare, (c.name for c in columns))
        where = f"`{owner.name}` has no column `{name}`" if owner else f"there is no column `{name}` here"
        return Problem(
            "RF102",
            where,
            path,
            hint=close or f"text is written in single quotes, or as {{value: {bare}}}",
            subject=f"{owner.name}.{bare}" if owner else "",
        )
    if found := _NO_TABLE.search(message):
        name = found.group(1)
        known = [t.name for t in state.tables] + [v.name for v in state.views]
        return Problem("RF101", f"there is no table or view `{name}`", path, hint=meant(name, known), subject=name)
    if found := _AMBIGUOUS.search(message):
        return Problem(
            "RF110",
            f"`{found.group(1)}` could be a column of more than one table here",
            path,
            hint="put the table's name and a dot before it",
        )
    if found := _NO_FUNCTION.search(message):
        return Problem("RF112", f"SQLite has no function `{found.group(1)}`", path)
    return Problem("SP110", f"SQLite refuses this: {message}", path)


def see(shadow: Shadow, sql: str, path: Path, table: str = "") -> Access:
    """Return what a statement touches, having seen that it can be prepared.

    Args:
        table: the table whose columns the SQL speaks of, "" for any.

    Raises:
        Problem: SP110, RF101, RF102, RF110 at `path`; LT108 for a quoted name that names nothing.
    """
    try:
        access = shadow.access(sql)
    except ShadowError as error:
        raise problem_of(str(error), shadow.state, path, table) from error
    if foreign := sorted(access.functions & _FOREIGN):
        raise Problem("SP111", f"{foreign[0]}() reaches out of the database", path, hint="leave it out")
    if access.quoted_text:
        word = access.quoted_text[0]
        raise Problem(
            "LT108",
            f"\"{word}\" names no column, and SQLite would take it for the text '{word}'",
            path,
            hint="write text in single quotes, and names as they are",
        )
    return access


def see_condition(shadow: Shadow, table: str, expression: str, path: Path) -> Access:
    """Return what an expression over one row of `table` touches; see `see`."""
    return see(shadow, f"SELECT ({expression}) FROM {quote(table)}", path, table)
