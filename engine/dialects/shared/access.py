"""What a query touches, and whether its names exist: by sqlglot's parser, on a folded schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from engine.dialects.base import Access
from engine.dialects.shared.frames import NOTHING
from engine.dialects.shared.names import meant, real
from engine.dialects.shared.schema import AnySchema, column_names
from engine.errors import Path, Problem

Schema = AnySchema[Any, Any, Any, Any]
Known = Callable[[Any], "tuple[tuple[str, ...] | None, str]"]
"""Returns a source's columns (None where nobody can say) and the relation's name."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was found: `access`, the tables that sub-selects read, the columns of a query, aggregates."""

    access: Access
    nested: frozenset[str]
    columns: tuple[str, ...] = ()
    aggregates: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """How a database reads names in SQL.

    Attributes:
        title: the database's name in messages.
        read: sqlglot's name for its SQL.
        prepared: SQL as sqlglot reads it.
        exact: names differ by their case; those without quotes are lowered.
        built_in: names without parentheses that are functions, and hidden columns.
        rows: the name of a table stands for the whole row too.
        elsewhere: whether a name with this before its dot ("" for none) is that of a relation that is not looked at.
    """

    title: str
    read: str
    prepared: Callable[[str], str]
    exact: bool
    built_in: frozenset[str]
    rows: bool
    elsewhere: Callable[[Schema, str, str], bool]

    def look(self, schema: Schema, sql: str, path: Path, table: str = "", *, given: bool = False) -> Look:
        """Return what `sql` touches.

        Args:
            schema: as it is so far.
            sql: a query or statement.
            path: of the field.
            table: whose columns it speaks of, for messages.
            given: written for this database: what sqlglot does not understand is left to the server.

        Raises:
            Problem: SP110 it can't be parsed; RF101, RF102, RF110 a name that is not there or not clear.
        """
        import sqlglot
        from sqlglot import exp
        from sqlglot.errors import SqlglotError

        nothing = Look(NOTHING, frozenset())
        try:
            trees = sqlglot.parse(self.prepared(sql), read=self.read)
        except SqlglotError as error:
            if given:
                return nothing
            words = str(error).splitlines()[0].split(" Line ")[0].rstrip(".:")
            raise Problem("SP110", f"{self.title} would refuse this: {words}", path) from error
        except RecursionError as error:
            raise Problem("SP110", "this SQL is nested too deeply", path) from error
        tree: Any = trees[0]
        if len(trees) != 1 or tree is None or isinstance(tree, exp.Command):
            return nothing
        return _Looker(self, schema, path, table).look(tree)


def lowered(identifier: Any) -> str:
    """Return the name that an identifier spells where those without quotes are lowered."""
    name = str(identifier.name)
    return name if identifier.args.get("quoted") else name.lower()


@dataclass(slots=True)
class _Looker:
    """One look, with what it has seen."""

    reading: Reading
    schema: Schema
    path: Path
    table: str
    reads: set[tuple[str, str]] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    nested: set[str] = field(default_factory=set)

    def look(self, tree: Any) -> Look:
        from sqlglot import exp

        self._tables(tree)
        functions = {
            (f.name if isinstance(f, exp.Anonymous) else f.sql_name()).lower() for f in tree.find_all(exp.Func)
        }
        self._columns(tree)
        names = tuple(tree.named_selects) if isinstance(tree, exp.Query) else ()
        aggregates = any(
            found.find_ancestor(exp.Select) is tree and found.find_ancestor(exp.Window) is None
            for found in tree.find_all(exp.AggFunc)
        )
        access = Access(frozenset(self.reads), frozenset(self.writes), frozenset(functions))
        return Look(access, frozenset(self.nested), names, aggregates)

    def _spelled(self, identifier: Any) -> str:
        return lowered(identifier) if self.reading.exact else str(identifier.name)

    def _relation(self, identifier: Any) -> Any:
        name = self._spelled(identifier)
        if self.reading.exact:
            return next((r for r in self.schema.relations if r.name == name), None)
        return self.schema.table(name) or self.schema.view(name)

    def _tables(self, tree: Any) -> None:
        from sqlglot import exp

        target = None
        if isinstance(tree, (exp.Insert, exp.Update, exp.Delete, exp.Merge)):
            target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        ctes = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
        for node in tree.find_all(exp.Table):
            name = node.name
            if not name or not isinstance(node.this, exp.Identifier):
                continue  # a function
            if self.reading.elsewhere(self.schema, node.db, name) or (not node.db and name.lower() in ctes):
                continue
            found = self._relation(node.this)
            if found is None and _is_engines(self._spelled(node.this)):
                continue
            if found is None:
                hint = meant(name, [r.name for r in self.schema.relations])
                raise Problem("RF101", f"there is no table or view `{name}`", self.path, hint=hint, subject=name)
            if node is target:
                self.writes.add(found.name)
                continue
            self.reads.add((found.name, ""))
            select = node.find_ancestor(exp.Select)
            if select is not None and select is not tree:
                self.nested.add(found.name.lower())
                if self.schema.view(found.name):
                    self.nested |= {t.name.lower() for t in self.schema.tables}

    def _columns(self, tree: Any) -> None:
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
            if isinstance(source, Scope):
                names = tuple(source.expression.named_selects) if isinstance(source.expression, exp.Query) else ()
                return (None if not names or "*" in names else names), ""
            found = self._relation(source.this)
            if found is None or (source.args.get("alias") and source.args["alias"].args.get("columns")):
                return None, ""
            return column_names(found), found.name

        for column in tree.find_all(exp.Column):
            scope = owner.get(id(column))
            if scope is None or isinstance(column.this, exp.Star):
                continue
            if column.name.lower() in self.reading.built_in and not column.this.args.get("quoted"):
                continue
            self._resolve(column, scope, known)

    def _resolve(self, column: Any, scope: Any, known: Known) -> None:
        first: Any = scope
        name, wanted = self._spelled(column.this), column.table
        while scope is not None:
            matches = 0
            for alias, source in scope.sources.items():
                if wanted and alias.lower() != wanted.lower():
                    continue
                columns, relation = known(source)
                if columns is None:
                    return
                found = (name if name in columns else "") if self.reading.exact else real(columns, name)
                if found:
                    matches += 1
                    if relation:
                        self.reads.add((relation, found))
                elif wanted:
                    raise self._no_column(column.name, relation or self.table, columns)
                elif self.reading.rows and name == alias.lower():
                    return
            if matches > 1:
                raise Problem(
                    "RF110",
                    f"`{column.name}` could be a column of more than one table here",
                    self.path,
                    hint="put the table's name and a dot before it",
                )
            if matches or (not wanted and name in _aliases(column, scope)):
                return
            scope = scope.parent
        if wanted:
            raise Problem("RF101", f"there is no table `{wanted}` here", self.path, hint="", subject=wanted)
        every = [c for s in first.sources.values() for c in (known(s)[0] or ())]
        raise self._no_column(column.name, self.table, every)

    def _no_column(self, name: str, table: str, columns: Any) -> Problem:
        found = self.schema.table(table) or self.schema.view(table) if table else None
        return Problem(
            "RF102",
            f"`{found.name}` has no column `{name}`" if found else f"there is no column `{name}` here",
            self.path,
            hint=meant(name, columns) or f"text is written in single quotes, or as {{value: {name}}}",
            subject=f"{found.name}.{name}" if found else "",
        )


def _is_engines(name: str) -> bool:
    return name.startswith("engine_") or name == "migration_history"


def _aliases(column: Any, scope: Any) -> set[str]:
    """Return the names given to what is selected, where they may stand: after ORDER BY, GROUP BY, HAVING."""
    from sqlglot import exp

    if column.find_ancestor(exp.Order, exp.Group, exp.Having) is None:
        return set()
    return {e.alias for e in getattr(scope.expression, "selects", ()) if isinstance(e, exp.Alias)}
