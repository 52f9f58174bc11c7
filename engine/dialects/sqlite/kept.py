"""What an `alter` takes from rows, kept by key in a table of the engine: how it is filled and read back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from engine.dialects.sqlite.names import contains
from engine.dialects.sqlite.sql import affinity, columns_sql, literal_sql, quote, zeros_differ
from engine.dialects.sqlite.statements import ddl, question, rows
from engine.dialects.sqlite.tokens import tokens
from engine.dialects.sqlite.walk import Key, identity, is_row_id
from engine.model.plan import Guard, Statement
from engine.model.state import Column, SchemaState, Table, same_name


def row_key(before: Table, after: Table, state: SchemaState) -> Key | None:
    """Return the key by which rows are known again: one that is never NULL, else the row id.

    Args:
        before, after: the table before the step, and as the step leaves it.
        state: its indexes.

    Returns:
        None where the step takes the old key away and there is no row id on both sides.
    """
    key = identity(after, state)
    if not key.nullable and not key.hidden:
        return key
    if before.row_id and after.row_id:
        return Key((Column(after.row_id, "INTEGER", not_null=True),), hidden=True)
    columns = tuple(column for name in before.primary_key if (column := after.column(name)) is not None)
    return Key(columns) if columns and len(columns) == len(before.primary_key) else None


@dataclass(frozen=True, slots=True)
class Kept:
    """The side table of one `alter`.

    Attributes:
        name: of the side table.
        before, after: the altered table.
        key: how rows are known, in the table that is left.
        changed: columns whose values may change.
        dropped: columns of the old table whose values go.
        filled: new columns whose values no default tells; kept to see later what others wrote.
    """

    name: str
    before: Table
    after: Table
    key: Key
    changed: tuple[Column, ...] = ()
    dropped: tuple[Column, ...] = ()
    filled: tuple[Column, ...] = ()

    # ── forward ──
    def make(self) -> Statement:
        """Return the statement that makes the side table."""
        keys = [f"{quote('key_' + c.name)} {self._key_type(c)} NOT NULL" for c in self.key.columns]
        old = [
            f"{quote('old_' + c.name)} {affinity(c.type, self.before.strict)}" for c in (*self.changed, *self.dropped)
        ]
        new = [f"{quote('new_' + c.name)} {affinity(self._type(c), self.after.strict)}" for c in self._new]
        primary = f"PRIMARY KEY ({', '.join(quote('key_' + c.name) for c in self.key.columns)})"
        return ddl(f"CREATE TABLE {quote(self.name)} ({', '.join([*keys, *old, *new, primary])})", "journal")

    def fill(self) -> Statement:
        """Return the statement that keeps values before they are dropped in place."""
        columns = [
            *(quote("key_" + n) for n in self.key.names),
            *(quote("old_" + c.name) for c in self.dropped),
        ]
        # The row id may go by another name here: a column that is called `rowid` can be the one that goes.
        keys = (self.before.row_id,) if self.key.hidden else tuple(quote(name) for name in self.key.names)
        values = [*keys, *(quote(c.name) for c in self.dropped)]
        wanted = " OR ".join(_goes(quote(c.name), c) for c in self.dropped)
        return rows(
            f"INSERT INTO {quote(self.name)} ({', '.join(columns)})"
            f" SELECT {', '.join(values)} FROM {quote(self.before.name)} WHERE {wanted}",
            "journal",
        )

    def fill_between(self, aside: str, row_ids: bool, values: Iterable[tuple[str, str]]) -> Statement:
        """Return the statement that compares the old rows with the new ones and keeps what differs.

        Args:
            aside: the old table's name meanwhile.
            row_ids: True where both tables have the same hidden row ids.
            values: column of the new table → expression over the old row.
        """
        old, new = quote(aside), quote(self.after.name)
        given = dict(values)
        source, match = old, []
        if row_ids:
            match = [f"{old}.{self.before.row_id} = {new}.{self.after.row_id}"]
        else:
            computed = []
            for name in self.key.names:
                value = next((v for n, v in given.items() if same_name(n, name)), quote(name))
                # Without an affinity of its own it is compared as the new column has it: 2 is '2' in a text column.
                computed.append(f"+({value}) AS {quote('key_' + name)}")
                match.append(f"{new}.{quote(name)} = {old}.{quote('key_' + name)}")
            source = f"(SELECT *, {', '.join(computed)} FROM {old} AS {quote(self.before.name)}) AS {old}"
        columns = [quote("key_" + n) for n in self.key.names]
        columns += [quote("old_" + c.name) for c in (*self.changed, *self.dropped)]
        columns += [quote("new_" + c.name) for c in self._new]
        chosen = [*self._keys(new), *(f"{old}.{quote(c.name)}" for c in (*self.changed, *self.dropped))]
        chosen += [f"{new}.{quote(c.name)}" for c in self._new]
        wanted = [
            _differs(a := f"{old}.{quote(c.name)}", b := f"{new}.{quote(c.name)}")
            + zeros_differ(a, b, c.type, self.before.strict)
            for c in self.changed
        ]
        wanted += [_goes(f"{old}.{quote(c.name)}", c) for c in self.dropped]
        wanted += [f"{new}.{quote(c.name)} IS NOT NULL" for c in self.filled]
        return rows(
            f"INSERT INTO {quote(self.name)} ({', '.join(columns)})"
            f" SELECT {', '.join(chosen)} FROM {source} JOIN {new} ON {' AND '.join(match)}"
            f" WHERE {' OR '.join(wanted)}",
            "journal",
        )

    # ── back ──
    def join(self, live: str) -> str:
        """Return the join that puts what is kept beside a live row; `live` is its table, quoted."""
        return f" LEFT JOIN {quote(self.name)} ON {self._match(live)}"

    def value(self, column: Column, live: str, force: str) -> str:
        """Return the expression that gives a column of the old table back.

        Args:
            live: the live row's table, quoted.
            force: `:force`, or `0` in a question.
        """
        kept = quote(self.name)
        absent = f"{kept}.{quote('key_' + self.key.names[0])} IS NULL"
        old = self._was(column)
        if contains((c.name for c in self.dropped), column.name):
            return f"CASE WHEN {absent} THEN {fallback(column)} ELSE {old} END"
        now = f"{live}.{quote(column.name)}"
        if contains((c.name for c in self.changed), column.name):
            same = f"NOT ({_differs(now, self._now(column))})"
            return f"CASE WHEN {absent} THEN {now} WHEN {same} OR {force} THEN {old} ELSE {now} END"
        return now

    def guards(self) -> tuple[Guard, ...]:
        """Return what others may have done to the rows since, that an undo would lose."""
        live, kept = quote(self.after.name), quote(self.name)
        shown = ", ".join(self._keys(live))
        found = []
        if rest := self.overwritten():
            words = f"{{count}} rows of `{self.after.name}` were changed since in {_listed(self.changed)}"
            found.append(self._guard("changed", rest, shown, words))
        if rest := self.lost():
            words = f"{{count}} rows of `{self.after.name}` hold values of others in {_listed(self.filled)}"
            found.append(replace(self._guard("changed", rest, shown, f"{words}, which would go"), loses=True))
        if self.changed or self.dropped:
            keys = ", ".join(f"{kept}.{quote('key_' + name)}" for name in self.key.names)
            found.append(
                self._guard(
                    "deleted",
                    f"FROM {kept} WHERE ({keys}) NOT IN (SELECT {shown} FROM {live})",
                    keys,
                    f"{{count}} rows of `{self.after.name}` were deleted since: their old values have no place",
                )
            )
        return tuple(found)

    def overwritten(self) -> str:
        """Return `FROM … WHERE …` of the rows that others changed in columns that get their old values, or ""."""
        live = quote(self.after.name)
        changed = []
        for column in self.changed:
            now = f"{live}.{quote(column.name)}"
            changed.append(f"(({_differs(now, self._now(column))}) AND ({_differs(now, self._was(column))}))")
        source = f"FROM {live} JOIN {quote(self.name)} ON {self._match(live)}"
        return f"{source} WHERE {' OR '.join(changed)}" if changed else ""

    def lost(self) -> str:
        """Return `FROM … WHERE …` of the rows that hold values of others in columns that go, or ""."""
        live = quote(self.after.name)
        new = [_differs(f"{live}.{quote(c.name)}", self._now(c)) for c in self.filled]
        return f"FROM {live}{self.join(live)} WHERE {' OR '.join(new)}" if new else ""

    # ── parts ──
    @property
    def _new(self) -> tuple[Column, ...]:
        return (*self.changed, *self.filled)

    def _type(self, column: Column) -> str:
        found = self.after.column(column.name)
        return found.type if found else column.type

    def _key_type(self, column: Column) -> str:
        """Return the type of a key's column; INTEGER makes it the row id, which takes integers only."""
        found = affinity(column.type, self.after.strict)
        if found != "INTEGER" or self.key.hidden or is_row_id(self.after, column.name):
            return found
        return "INT"

    def _was(self, column: Column) -> str:
        return f"{quote(self.name)}.{quote('old_' + column.name)}"

    def _now(self, column: Column) -> str:
        return f"{quote(self.name)}.{quote('new_' + column.name)}"

    def _keys(self, table: str) -> tuple[str, ...]:
        """Return the key's columns qualified by `table` (quoted)."""
        if self.key.hidden:
            return (f"{table}.{self.after.row_id}",)
        return tuple(f"{table}.{quote(name)}" for name in self.key.names)

    def _match(self, live: str) -> str:
        # The side table stands on the left: its columns compare byte for byte.
        pairs = zip(self.key.names, self._keys(live), strict=True)
        return " AND ".join(f"{quote(self.name)}.{quote('key_' + name)} = {column}" for name, column in pairs)

    def _guard(self, kind: str, rest: str, shown: str, words: str) -> Guard:
        return Guard(
            kind,
            self.after.name,
            question(f"SELECT count(*) {rest}", "guard"),
            question(f"SELECT {shown} {rest} LIMIT 5", "guard"),
            words,
        )


def default_guard(table: Table, column: Column, keys: tuple[str, ...]) -> Guard:
    """Return a guard for a column that the migration added with a constant default, and that goes again."""
    rest = default_lost(table, column)
    return Guard(
        "changed",
        table.name,
        question(f"SELECT count(*) {rest}", "guard"),
        question(f"SELECT {columns_sql(keys) or '*'} {rest} LIMIT 5", "guard"),
        f"{{count}} rows of `{table.name}` hold values of others in `{column.name}`, which would go",
        loses=True,
    )


def default_lost(table: Table, column: Column) -> str:
    """Return `FROM … WHERE …` of the rows that hold something else than the column's constant default."""
    return f"FROM {quote(table.name)} WHERE {quote(column.name)} IS NOT {fallback(column)} COLLATE BINARY"


def fallback(column: Column) -> str:
    """Return what a row of others gets in a column that comes back: its constant default, else NULL."""
    return constant(column.default or "NULL") or "NULL"


def constant(default: str) -> str:
    """Return a default as an expression if it is a literal, the same for every row; else "".

    After DEFAULT a bare or a double-quoted word is text.
    """
    found = tokens(default)
    if not found or found[0].text == "(" or found[0].is_word("CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME"):
        return ""
    if len(found) == 1 and found[0].is_name and not found[0].is_word("NULL", "TRUE", "FALSE"):
        return literal_sql(found[0].name)
    return default


def _goes(value: str, column: Column) -> str:
    given = fallback(column)
    if given.upper() == "NULL":
        return f"{value} IS NOT NULL"
    return _differs(value, given)


def _differs(left: str, right: str) -> str:
    return f"{left} IS NOT {right} COLLATE BINARY OR typeof({left}) <> typeof({right})"


def _listed(columns: tuple[Column, ...]) -> str:
    return ", ".join(f"`{column.name}`" for column in columns)
