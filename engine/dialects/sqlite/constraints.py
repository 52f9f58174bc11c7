"""Rows against a constraint that is new to them: checks before the first write, guards before an undo.

Every question is asked of a *source*: a table, or a query in parentheses that shows the rows as
they will be, under the table's own name, so that expressions read the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.dialects.sqlite.definition import collation
from engine.dialects.sqlite.sql import columns_sql, expression_sql, quote
from engine.dialects.sqlite.statements import question
from engine.errors import Path
from engine.model.definitions import IndexDef, ReferenceDef
from engine.model.plan import Check, Guard
from engine.model.state import SchemaState


@dataclass(frozen=True, slots=True)
class Source:
    """Rows to ask about.

    Attributes:
        table: their table's name, for words and for qualified columns.
        keys: columns that tell a person which row it is.
        sql: what stands after FROM; the table itself by default.
    """

    table: str
    keys: tuple[str, ...] = ()
    sql: str = ""

    @property
    def rows(self) -> str:
        """What stands after FROM, under the table's name."""
        return f"{self.sql} AS {quote(self.table)}" if self.sql.startswith("(") else quote(self.table)

    def shown(self, columns: tuple[str, ...]) -> str:
        """Return the keys and `columns`, each once, as a select list."""
        return columns_sql(tuple(dict.fromkeys((*self.keys, *columns)))) or "*"


def not_null_check(source: Source, column: str, path: Path) -> Check:
    """Return the check that no row has NULL in `column`."""
    where = f"{quote(column)} IS NULL"
    return Check(
        f"{source.table}: {column} is never NULL",
        question(f"SELECT count(*) FROM {source.rows} WHERE {where}"),
        maximum=0,
        sample=question(f"SELECT {source.shown((column,))} FROM {source.rows} WHERE {where} LIMIT 5"),
        path=path,
        failure=f"{{count}} rows of `{source.table}` have NULL in `{column}`, which is to be NOT NULL",
    )


def condition_check(source: Source, name: str, condition: str, columns: tuple[str, ...], path: Path) -> Check:
    """Return the check that no row makes `condition` false (NULL passes, as in a CHECK).

    Args:
        name: of the constraint, "" if it has none.
        columns: columns worth showing.
    """
    where = f"NOT ({condition})"
    called = f"the check `{name}`" if name else f"the check ({condition})"
    return Check(
        f"{source.table}: {condition}",
        question(f"SELECT count(*) FROM {source.rows} WHERE {where}"),
        maximum=0,
        sample=question(f"SELECT {source.shown(columns)} FROM {source.rows} WHERE {where} LIMIT 5"),
        path=path,
        failure=f"{{count}} rows of `{source.table}` break {called}",
    )


def parsed_check(source: Source, condition: str, columns: tuple[str, ...], path: Path) -> Check:
    """Return the check that every value parses which has to.

    Args:
        condition: true for a value that does not.
    """
    return Check(
        f"{source.table}: every value parses",
        question(f"SELECT count(*) FROM {source.rows} WHERE {condition}"),
        maximum=0,
        sample=question(f"SELECT {source.shown(columns)} FROM {source.rows} WHERE {condition} LIMIT 5"),
        path=path,
        failure=f"{{count}} values in `{source.table}` do not parse; give `otherwise` for them",
    )


def as_guard(check: Check, kind: str, table: str) -> Guard:
    """Return a check as a guard of an undo, which nothing gets past."""
    return Guard(
        kind,
        table,
        replace(check.query, purpose="guard"),
        replace(check.sample, purpose="guard") if check.sample else None,
        check.failure,
        skippable=False,
    )


def duplicates_check(
    source: Source,
    name: str,
    parts: tuple[str, ...],
    path: Path,
    *,
    where: str = "",
    nulls_alike: bool = False,
) -> Check:
    """Return the check that no two rows are alike in `parts`.

    Args:
        name: of the key, "" if it has none.
        parts: expressions, quoted.
        where: condition of a partial index, "" for none.
        nulls_alike: True where NULL counts as a value (a primary key WITHOUT ROWID).
    """
    alike = _alike(source.rows, parts, where, nulls_alike)
    listed = ", ".join(parts)
    called = f"the unique key `{name}`" if name else f"a key on ({listed})"
    return Check(
        f"{source.table}: ({listed}) is unique",
        question(f"SELECT count(*) FROM ({alike})"),
        maximum=0,
        sample=question(f"{alike} LIMIT 5"),
        path=path,
        failure=f"{{count}} values of ({listed}) in `{source.table}` are there more than once, against {called}",
    )


def unique_check(index: IndexDef, path: Path, source: Source | None = None) -> Check:
    """Return the check that a unique index can be built."""
    parts = []
    for part in index.columns:
        text = f"({expression_sql(part.sql, path)})" if part.sql is not None else quote(part.column)
        parts.append(f"{text} COLLATE {collation(part.collate)}" if part.collate else text)
    where = expression_sql(index.where, path) if index.where is not None else ""
    return duplicates_check(source or Source(index.table), index.name, tuple(parts), path, where=where)


def duplicate_guard(name: str, table: str, columns: tuple[str, ...], where: str) -> Guard:
    """Return a guard that rows are still unique by a key which an undo brings back."""
    alike = _alike(quote(table), tuple(quote(c) for c in columns), where, False)
    return Guard(
        "added",
        table,
        question(f"SELECT count(*) FROM ({alike})", "guard"),
        question(f"{alike} LIMIT 5", "guard"),
        f"{{count}} values of ({', '.join(columns)}) in `{table}` are there more than once now,"
        f" against the unique key `{name}` that comes back",
        skippable=False,
    )


def orphans_check(
    source: Source,
    name: str,
    columns: tuple[str, ...],
    reference: ReferenceDef,
    state: SchemaState,
    path: Path,
) -> Check:
    """Return the check that every row has the row that it refers to (NULLs refer to nothing)."""
    target = state.table(reference.table)
    keys = reference.columns or (target.primary_key if target else ())
    mine = quote(source.table)
    # A parent of the same name as the child needs another name in the subquery; `+` lets the parent's
    # column decide what is equal, as the database does.
    match = " AND ".join(
        f"parent.{quote(key)} = +{mine}.{quote(column)}" for column, key in zip(columns, keys, strict=False)
    )
    filled = " AND ".join(f"{quote(column)} IS NOT NULL" for column in columns)
    where = f"{filled} AND NOT EXISTS (SELECT 1 FROM {quote(reference.table)} AS parent WHERE {match})"
    called = f"the foreign key `{name}`" if name else "the foreign key"
    return Check(
        f"{source.table}: ({', '.join(columns)}) is in {reference.table}",
        question(f"SELECT count(*) FROM {source.rows} WHERE {where}"),
        maximum=0,
        sample=question(f"SELECT {source.shown(columns)} FROM {source.rows} WHERE {where} LIMIT 5"),
        path=path,
        failure=f"{{count}} rows of `{source.table}` refer to nothing in `{reference.table}`, against {called}",
    )


def type_check(source: Source, column: str, type: str, path: Path) -> Check:
    """Return the check that a column's values fit a type that SQLite insists on.

    That is a type of a STRICT table, or INTEGER where it makes the row id. Text that looks like a
    number is one: SQLite converts it.
    """
    name = quote(column)
    # The comparison converts text that looks like a number, and only that.
    number = f"typeof({name}) <> 'blob' AND {name} = CAST({name} AS NUMERIC)"
    fits = {
        "INT": f"{number} AND CAST({name} AS NUMERIC) = CAST({name} AS INTEGER)",
        "REAL": number,
        "TEXT": f"typeof({name}) <> 'blob'",
        "BLOB": f"typeof({name}) = 'blob'",
    }[type.upper().replace("INTEGER", "INT")]
    where = f"{name} IS NOT NULL AND NOT ({fits})"
    return Check(
        f"{source.table}: {column} holds {type.upper()}",
        question(f"SELECT count(*) FROM {source.rows} WHERE {where}"),
        maximum=0,
        sample=question(f"SELECT {source.shown((column,))} FROM {source.rows} WHERE {where} LIMIT 5"),
        path=path,
        failure=f"{{count}} rows of `{source.table}` hold something else than {type.upper()} in `{column}`",
    )


def _alike(rows: str, parts: tuple[str, ...], where: str, nulls_alike: bool) -> str:
    conditions = [f"({where})"] if where else []
    if not nulls_alike:
        conditions += [f"{part} IS NOT NULL" for part in parts]
    condition = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    group = ", ".join(parts)
    return f"SELECT {group}, count(*) FROM {rows}{condition} GROUP BY {group} HAVING count(*) > 1"
