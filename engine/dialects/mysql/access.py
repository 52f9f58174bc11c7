"""What a query touches, and whether its names exist: by sqlglot's parser, on the folded schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.dialects.base import Access
from engine.dialects.mysql.names import columns_of, meant, real
from engine.dialects.mysql.schema import MySchema
from engine.dialects.mysql.tokens import backticked
from engine.errors import Path, Problem

# Names without parentheses that are functions.
_BUILT_IN = frozenset("current_user current_date current_time current_timestamp localtime localtimestamp".split())


@dataclass
class _Seen:
    reads: set[tuple[str, str]] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)
    nested: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Look:
    """What was found: `access`, the tables that sub-selects read, the columns of a query, aggregates."""

    access: Access
    nested: frozenset[str]
    columns: tuple[str, ...] = ()
    aggregates: bool = False


def look(schema: MySchema, sql: str, path: Path, table: str = "", *, given: bool = False) -> Look:
    """Return what `sql` touches.

    Args:
        table: whose columns it speaks of, for messages.
        given: written for MariaDB: what sqlglot does not understand is left to the server.

    Raises:
        Problem: SP110 it can't be parsed; RF101, RF102, RF110 a name that is not there or not clear.
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    nothing = Look(Access(frozenset(), frozenset(), frozenset()), frozenset())
    try:
        trees = sqlglot.parse(backticked(sql), read="mysql")
    except SqlglotError as error:
        if given:
            return nothing
        words = str(error).splitlines()[0].split(" Line ")[0].rstrip(".:")
        raise Problem("SP110", f"MariaDB would refuse this: {words}", path) from error
    except RecursionError as error:
        raise Problem("SP110", "this SQL is nested too deeply", path) from error
    tree: Any = trees[0]
    if len(trees) != 1 or tree is None or isinstance(tree, exp.Command):
        return nothing
    seen = _Seen()
    _tables(schema, tree, seen, path, exp)
    for function in tree.find_all(exp.Func):
        name = function.name if isinstance(function, exp.Anonymous) else function.sql_name()
        seen.functions.add(name.lower())
    _columns(schema, tree, seen, path, table)
    names = tuple(tree.named_selects) if isinstance(tree, exp.Query) else ()
    aggregates = any(
        found.find_ancestor(exp.Select) is tree and found.find_ancestor(exp.Window) is None
        for found in tree.find_all(exp.AggFunc)
    )
    access = Access(frozenset(seen.reads), frozenset(seen.writes), frozenset(seen.functions))
    return Look(access, frozenset(seen.nested), names, aggregates)


def _tables(schema: MySchema, tree: Any, seen: _Seen, path: Path, exp: Any) -> None:
    target = None
    if isinstance(tree, (exp.Insert, exp.Update, exp.Delete, exp.Merge)):
        target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    ctes = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    for node in tree.find_all(exp.Table):
        name = node.name
        if not name or not isinstance(node.this, exp.Identifier):
            continue  # a function
        if node.db:
            continue
        if name.lower() in ctes:
            continue
        found = schema.table(name) or schema.view(name)
        if found is None and _is_engines(name):
            continue
        if found is None:
            known = [t.name for t in schema.tables] + [v.name for v in schema.views]
            raise Problem("RF101", f"there is no table or view `{name}`", path, hint=meant(name, known), subject=name)
        if node is target:
            seen.writes.add(found.name)
            continue
        seen.reads.add((found.name, ""))
        select = node.find_ancestor(exp.Select)
        if select is not None and select is not tree:
            seen.nested.add(found.name.lower())
            if schema.view(found.name):
                seen.nested |= {t.name.lower() for t in schema.tables}


def _is_engines(name: str) -> bool:
    return name.startswith("engine_") or name == "migration_history"


def _columns(schema: MySchema, tree: Any, seen: _Seen, path: Path, table: str) -> None:
    from sqlglot import exp
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.scope import Scope, traverse_scope

    if not isinstance(tree, exp.Query):
        return
    try:
        scopes = traverse_scope(tree)
    except (SqlglotError, RecursionError):
        return
    owner: dict[int, Any] = {}
    scope: Any
    for scope in scopes:
        for node in scope.walk():
            if isinstance(node, exp.Column):
                owner[id(node)] = scope

    def known(source: Any) -> tuple[tuple[str, ...] | None, str]:
        """Return a source's columns (None where nobody can say) and the relation's name."""
        if isinstance(source, Scope):
            names = tuple(source.expression.named_selects) if isinstance(source.expression, exp.Query) else ()
            return (None if not names or "*" in names else names), ""
        found = schema.table(source.name) or schema.view(source.name)
        if found is None or (source.args.get("alias") and source.args["alias"].args.get("columns")):
            return None, ""
        return tuple(c.name for c in columns_of(found)), found.name

    for column in tree.find_all(exp.Column):
        scope = owner.get(id(column))
        if scope is None or isinstance(column.this, exp.Star):
            continue
        name = column.name
        if name.lower() in _BUILT_IN and not column.this.args.get("quoted"):
            continue
        _resolve(schema, column, name, scope, known, seen, path, table)


def _resolve(
    schema: MySchema, column: Any, name: str, scope: Any, known: Any, seen: _Seen, path: Path, table: str
) -> None:
    first: Any = scope
    wanted = column.table
    while scope is not None:
        matches = 0
        for alias, source in scope.sources.items():
            if wanted and alias.lower() != wanted.lower():
                continue
            columns, relation = known(source)
            if columns is None:
                return
            if real(columns, name):
                matches += 1
                if relation:
                    seen.reads.add((relation, real(columns, name)))
            elif wanted:
                raise _no_column(schema, column.name, relation or table, columns, path)
        if matches > 1:
            raise Problem(
                "RF110",
                f"`{column.name}` could be a column of more than one table here",
                path,
                hint="put the table's name and a dot before it",
            )
        if matches or (not wanted and name in _aliases(column, scope)):
            return
        scope = scope.parent
    if wanted:
        raise Problem("RF101", f"there is no table `{wanted}` here", path, hint="", subject=wanted)
    every = [c for s in first.sources.values() for c in (known(s)[0] or ())]
    raise _no_column(schema, column.name, table, every, path)


def _aliases(column: Any, scope: Any) -> set[str]:
    """Return the names given to what is selected, where they may stand: after ORDER BY, GROUP BY, HAVING."""
    from sqlglot import exp

    if column.find_ancestor(exp.Order, exp.Group, exp.Having) is None:
        return set()
    return {e.alias for e in getattr(scope.expression, "selects", ()) if isinstance(e, exp.Alias)}


def _no_column(schema: MySchema, name: str, table: str, columns: Any, path: Path) -> Problem:
    found = schema.table(table) or schema.view(table) if table else None
    close = meant(name, columns)
    return Problem(
        "RF102",
        f"`{found.name}` has no column `{name}`" if found else f"there is no column `{name}` here",
        path,
        hint=close or f"text is written in single quotes, or as {{value: {name}}}",
        subject=f"{found.name}.{name}" if found else "",
    )
