"""Changes of the text of a CREATE TABLE: only the tokens concerned change, every other byte stays.

All functions go from text to text and raise `TextError` for a name that the text does not have.
Whether SQLite takes the result is not judged here. What changes one column is in `column_edit`
and can be had from here too.
"""

from __future__ import annotations

from engine.dialects.sqlite.column_edit import (
    set_auto_increment,
    set_collate,
    set_default,
    set_generated,
    set_not_null,
    set_type,
)
from engine.dialects.sqlite.cuts import add_item, cut, cut_item, layout
from engine.dialects.sqlite.identifiers import names, references
from engine.dialects.sqlite.table_parts import ColumnText, Constraint, Name, TableText, TextError
from engine.dialects.sqlite.table_text import parse
from engine.dialects.sqlite.tokens import edit, quote, tokens
from engine.model.state import same_name

__all__ = [
    "add_column",
    "add_constraint",
    "drop_column",
    "drop_constraint",
    "drop_foreign_keys",
    "rename_column",
    "rename_constraint",
    "rename_object",
    "rename_table",
    "set_auto_increment",
    "set_collate",
    "set_default",
    "set_generated",
    "set_not_null",
    "set_options",
    "set_primary_key",
    "set_type",
]


# ── names ──
def rename_table(sql: str, to: str) -> str:
    """Return the text of the table under another name: its own references to itself follow."""
    text = parse(sql)
    old = text.name
    changes = {(old.start, old.end)}
    for constraint in text.all_constraints:
        if constraint.target is not None and same_name(constraint.target.value, old.value):
            changes.add((constraint.target.start, constraint.target.end))
        for start, end in _expressions(constraint):
            changes |= {
                (reference.qualifier.start, reference.qualifier.end)
                for reference in references(sql, start, end)
                if reference.qualifier is not None and same_name(reference.qualifier.name, old.value)
            }
    return edit(sql, [(start, end, quote(to)) for start, end in changes])


def rename_object(sql: str, to: str) -> str:
    """Return the text of a CREATE TABLE, INDEX, VIEW or TRIGGER with another name in its place.

    What refers to the object does not follow.

    Raises:
        TextError: the text is none of these.
    """
    found = list(tokens(sql))
    kinds = ("TABLE", "INDEX", "VIEW", "TRIGGER")
    at = next((i + 1 for i, token in enumerate(found[:4]) if token.is_word(*kinds)), len(found))
    if [t.text.upper() for t in found[at : at + 3]] == ["IF", "NOT", "EXISTS"]:
        at += 3
    if at + 1 < len(found) and found[at + 1].text == ".":
        at += 2
    if at >= len(found):
        raise TextError("this is no text of a table, index, view or trigger")
    return edit(sql, [(found[at].start, found[at].end, quote(to))])


def rename_column(sql: str, name: str, to: str) -> str:
    """Return `sql` with another name of a column, wherever the table's own text says it."""
    text = parse(sql)
    changes = {_stretch(_column(text, name).name)}
    for constraint in text.all_constraints:
        changes |= {_stretch(part) for part in constraint.columns if same_name(part.value, name)}
        if constraint.target is not None and same_name(constraint.target.value, text.name.value):
            changes |= {_stretch(part) for part in constraint.references if same_name(part.value, name)}
        for start, end in _expressions(constraint):
            changes |= {(t.start, t.end) for t in names(sql, name, start, end, text.name.value)}
    return edit(sql, [(start, end, quote(to)) for start, end in changes])


def rename_constraint(sql: str, constraint: Constraint, to: str) -> str:
    """Return `sql` with another name of a constraint that has one.

    Args:
        constraint: as parsed from this very text.
    """
    if not constraint.name:
        raise TextError("the constraint has no name")
    word = next(t for t in tokens(sql) if t.start > constraint.start)
    return edit(sql, [(word.start, word.end, quote(to))])


# ── columns ──
def add_column(sql: str, definition: str, after: str = "", first: bool = False) -> str:
    """Return `sql` with one more column.

    Args:
        definition: name, type and constraints, as they are to stand.
        after: name of the column that it follows, "" for the end.
        first: put it before all others.
    """
    text = parse(sql)
    last = text.columns[-1] if not after else _column(text, after)
    items: list[ColumnText | Constraint] = [*text.columns, *text.constraints]
    at = 0 if first else items.index(last) + 1
    if at == len(items):
        return add_item(sql, last.end, text.close, definition)
    following = items[at]
    return edit(sql, [(following.start, following.start, f"{definition},{layout(sql, following.start)}")])


def drop_column(sql: str, name: str) -> str:
    """Return `sql` without a column and what is written on it; table constraints stay.

    Raises:
        TextError: there is no such column, or no other.
    """
    text = parse(sql)
    column = _column(text, name)
    if len(text.columns) == 1:
        raise TextError(f"{name} is the only column")
    return cut_item(sql, column.start, column.end)


# ── constraints and options ──
def set_primary_key(sql: str, columns: tuple[str, ...], name: str = "") -> str:
    """Return `sql` with another primary key, written on the table; no columns take it away.

    AUTOINCREMENT goes with the old one.
    """
    while True:
        key = next((c for c in parse(sql).all_constraints if c.kind == "primary key"), None)
        if key is None:
            break
        sql = drop_constraint(sql, key)
    if not columns:
        return sql
    for column in columns:
        _column(parse(sql), column)
    head = f"CONSTRAINT {quote(name)} " if name else ""
    return add_constraint(sql, f"{head}PRIMARY KEY ({', '.join(quote(column) for column in columns)})")


def add_constraint(sql: str, constraint: str) -> str:
    """Return `sql` with one more table constraint, given as text, at its end."""
    text = parse(sql)
    items: list[ColumnText | Constraint] = [*text.columns, *text.constraints]
    return add_item(sql, items[-1].end, text.close, constraint)


def drop_constraint(sql: str, constraint: Constraint) -> str:
    """Return `sql` without a constraint.

    Args:
        constraint: as parsed from this very text, on a column or on the table.
    """
    if constraint.column:
        return cut(sql, constraint.start, constraint.end)
    return cut_item(sql, constraint.start, constraint.end)


def drop_foreign_keys(sql: str) -> str:
    """Return `sql` without any foreign key, on columns or on the table."""
    while True:
        found = [c for c in parse(sql).all_constraints if c.kind in ("foreign key", "deferrable")]
        if not found:
            return sql
        sql = drop_constraint(sql, found[-1])


def set_options(sql: str, strict: bool | None = None, without_rowid: bool | None = None) -> str:
    """Return `sql` with the table's options changed; None leaves one as it is."""
    for option, on in (("STRICT", strict), ("WITHOUT ROWID", without_rowid)):
        text = parse(sql)
        present = next((o for o in text.options if o.value == option), None)
        if on is None or on == (present is not None):
            continue
        if present is not None:
            sql = _cut_option(sql, text, present)
        elif text.options:
            end = text.options[-1].end
            sql = edit(sql, [(end, end, f", {option}")])
        else:
            sql = edit(sql, [(text.close + 1, text.close + 1, f" {option}")])
    return sql


def _cut_option(sql: str, text: TableText, option: Name) -> str:
    commas = [t for t in tokens(sql) if t.start > text.close and t.text == ","]
    before = next((t for t in reversed(commas) if t.end <= option.start), None)
    after = next((t for t in commas if t.start >= option.end), None)
    comma = before or after
    cuts = [_stretch(option)] + ([(comma.start, comma.end)] if comma is not None else [])
    for start, end in sorted(cuts, reverse=True):
        sql = cut(sql, start, end)
    return sql


def _expressions(constraint: Constraint) -> tuple[tuple[int, int], ...]:
    """Return the stretch of the expression in a constraint that may name columns, if it has one."""
    return (constraint.body,) if constraint.kind in ("check", "generated") else ()


def _stretch(name: Name) -> tuple[int, int]:
    return name.start, name.end


def _column(text: TableText, name: str) -> ColumnText:
    found = text.column(name)
    if found is None:
        raise TextError(f"there is no column {name}")
    return found
