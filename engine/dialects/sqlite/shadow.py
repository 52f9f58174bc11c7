"""The shadow: an in-memory SQLite that holds a schema and no rows, on which DDL really runs.

What planning asks of it is thereby exact: texts after a rename, what a query reads, why a
statement is refused. Nothing in it is the user's; it never outlives the plan.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from engine.dialects.base import Access, Catalogue, CatalogueObject
from engine.dialects.sqlite.introspect import (
    grown,
    is_engines,
    is_virtual,
    mark_untouchable,
    state,
    unknown_collations,
    users,
)
from engine.dialects.sqlite.shadow_connection import OPCODES, Base, ShadowError, connect, own, see_whole
from engine.dialects.sqlite.tokens import edit, quote, tokens
from engine.dialects.sqlite.touches import Touch, access_of
from engine.model.state import Column, SchemaState, fold

_ORDER = ("table", "index", "view", "trigger")


class _Nulls(dict[str, None]):
    """Binds NULL to every name. (The library takes any other kind of mapping for a sequence.)"""

    def __missing__(self, name: str) -> None:
        return None


@dataclass(eq=False)
class Savepoint:
    """How a shadow stood at a moment."""

    base: Base


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of the catalogue.

    Attributes:
        last: its highest row.
        objects: the user's, in the order of rows.
        engines: names of the engine's own tables.
    """

    last: int = 0
    objects: tuple[CatalogueObject, ...] = ()
    engines: frozenset[str] = frozenset()


class Shadow:
    """An in-memory SQLite with the objects of a catalogue.

    Attributes:
        base: the connection; clones and savepoints have the same one until something is to run.
        opaque: objects that SQLite would not make here (an unknown module or function); they stay
            in `state` and `catalogue()` as text, their tables as `virtual`.
        collations: names of collations that the library lacks and that the texts use; they are
            stood in for here, but a statement that needs one fails on the database itself.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.complete = catalogue.complete
        self._taken = frozenset(catalogue.taken)
        objects = users(catalogue)
        self.collations = unknown_collations(objects)
        self.base = connect(self.collations)
        self.base.users.add(self)
        self.opaque = self._load(objects)
        self._state: SchemaState | None = None
        self._catalogue: Catalogue | None = None
        self._read = _Read()
        self._only_made = False
        self._objects: dict[tuple[object, ...], CatalogueObject] = {}
        self._seen: tuple[Catalogue | None, SchemaState] = (None, SchemaState())
        self._columns: tuple[object, dict[str, tuple[Column, ...]]] = (None, {})

    # ── change ──
    def run(self, sql: str) -> None:
        """Run one statement, as `apply` will send it; parameters are NULL.

        Raises:
            ShadowError: SQLite refused it.
        """
        own(self, self.collations)
        self._state = self._catalogue = None
        self._only_made = self._only_made and _makes(sql)
        self._execute(sql)

    def savepoint(self) -> Savepoint:
        """Remember how the shadow stands, settings included.

        No savepoint of SQL's: inside one, `PRAGMA foreign_keys` would do nothing. The copy is made when
        something is about to run: most steps change rows only.
        """
        point = Savepoint(self.base)
        self.base.users.add(point)
        return point

    def undo(self, point: Savepoint) -> None:
        """Go back to `point`, which stays good."""
        if point.base is self.base:
            return
        self.base.users.discard(self)
        self.base = point.base
        self.base.users.add(self)
        self._state = self._catalogue = None
        self._only_made = False

    def clone(self) -> Shadow:
        """Return an independent copy; it is made when one of the two is about to run something.

        Raises:
            ShadowError: a transaction is open.
        """
        see_whole(self.base)
        copy = Shadow.__new__(Shadow)
        copy.complete = self.complete
        copy._taken = self._taken
        copy.collations = self.collations
        copy.opaque = self.opaque
        copy.base = self.base
        copy.base.users.add(copy)
        copy._state = self._state
        copy._catalogue = self._catalogue
        copy._read = self._read
        copy._only_made = self._only_made
        copy._objects = self._objects
        copy._seen = self._seen
        copy._columns = self._columns
        return copy

    # ── ask ──
    @property
    def state(self) -> SchemaState:
        """The schema as it stands, without the engine's own tables."""
        if self._state is None:
            catalogue = self.catalogue()
            if self._seen[0] != catalogue:
                self._seen = (catalogue, self._state_of(catalogue))
            self._state = self._seen[1]
        return self._state

    def _state_of(self, catalogue: Catalogue) -> SchemaState:
        before, known = self._seen
        if before is not None and not self.opaque:
            count = len(before.objects)
            if before.objects == catalogue.objects[:count]:
                found = grown(known, catalogue.objects[count:])
                if found is not None:
                    return found
        return mark_untouchable(state(catalogue, self._view_columns(catalogue)), self.opaque)

    def catalogue(self) -> Catalogue:
        """Return what the shadow prints about itself, without the engine's own tables."""
        if self._catalogue is None:
            self._look()
            taken = tuple(sorted(self._read.engines | self._taken))
            self._catalogue = Catalogue(self._read.objects + self.opaque, taken, self.complete)
        return self._catalogue

    def _look(self) -> None:
        """Read the catalogue: all of it, or what came to it where nothing else can have changed."""
        read = self._read if self._only_made else _Read()
        rows = self._rows(
            "SELECT type, name, tbl_name, sql, rowid FROM sqlite_schema"
            f" WHERE rowid > {read.last} AND sql <> '' ORDER BY rowid"
        )
        if rows:
            known = self._objects
            found = []
            for *row, _ in rows:
                key = tuple(row)
                one = known.get(key)
                if one is None:
                    one = known[key] = CatalogueObject(*(_text(value) for value in key))
                found.append(one)
            made = {o.name for o in found if o.type == "table" and is_engines(o.name, sqlites=False)}
            objects = read.objects + users(Catalogue(tuple(found)))
            read = _Read(int(str(rows[-1][-1])), objects, read.engines | made)
        self._read, self._only_made = read, True

    def prepare(self, sql: str) -> None:
        """Compile a statement without running it.

        Raises:
            ShadowError: it can't be compiled, or is a PRAGMA (which acts when compiled).
        """
        self.touches(sql)

    def touches(self, sql: str) -> tuple[Touch, ...]:
        """Return what a statement does, step by step, views and triggers seen through.

        Raises:
            ShadowError: it can't be compiled.
        """
        found = tokens(sql)
        if not found:
            raise ShadowError("there is no statement")
        if found[0].is_word("PRAGMA", "EXPLAIN"):
            raise ShadowError(f"{found[0].text.upper()} can't be looked into")
        self.base.log.clear()
        self._execute("EXPLAIN " + sql)
        return tuple(self.base.log)

    def access(self, sql: str) -> Access:
        """Return what a statement reads, writes and calls.

        Views are seen through and are in `reads` themselves, too; what triggers and the actions
        of foreign keys do counts. A column `ROWID` is the hidden row id. Function names are in
        small letters and include those of operators (`like`, `->`). For DDL `writes` holds the
        tables (and views) concerned.

        Raises:
            ShadowError: it can't be compiled.
        """
        return access_of(self.touches(sql), self.state, self._quoted_text(sql))

    def columns(self, query: str) -> tuple[str, ...]:
        """Return the names of a query's columns.

        Raises:
            ShadowError: it can't be compiled, or is no query.
        """
        touches = self.touches(query)
        if any(t.kind == "write" for t in touches) or not tokens(query)[0].is_word("SELECT", "WITH", "VALUES"):
            raise ShadowError("a query is wanted, and this is none")
        connection = self.base.connection
        # Without rows a query ends at once; one that counts up by itself may take its time.
        connection.set_progress_handler(lambda: 1, OPCODES)
        try:
            cursor = self._execute(query)
            names = tuple(str(part[0]) for part in cursor.description or ())
            cursor.close()
        except ShadowError:  # it compiles, so what went wrong is its values
            names = ()
        finally:
            self.base.watch()
        return names or self._columns_unrun(query)

    def _columns_unrun(self, query: str) -> tuple[str, ...]:
        """Return the names of a query's columns without a run: as those of a view (`a`, `a:1`)."""
        changes = [(t.start, t.end, "NULL") for t in tokens(query) if t.kind == "parameter"]
        self._execute(f"CREATE TEMP VIEW engine_columns AS {edit(query, changes)}")
        try:
            return tuple(_text(row[1]) for row in self._rows("PRAGMA temp.table_info(engine_columns)"))
        finally:
            self._execute("DROP VIEW temp.engine_columns")

    # ── inside ──
    def _execute(self, sql: str) -> sqlite3.Cursor:
        self.base.looks.clear()
        try:
            return self.base.connection.execute(sql, _parameters(sql))
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise ShadowError(str(error)) from None
        except (UnicodeError, ValueError):
            raise ShadowError("the text holds a character that SQLite does not take") from None

    def _rows(self, sql: str) -> list[tuple[object, ...]]:
        return self._execute(sql).fetchall()

    def _load(self, objects: tuple[CatalogueObject, ...]) -> tuple[CatalogueObject, ...]:
        """Make the objects; return those that SQLite will not make here."""
        refused: list[CatalogueObject] = []
        self._execute("BEGIN")
        for o in sorted(objects, key=lambda o: _ORDER.index(o.type)):
            try:
                self._execute(o.sql)
            except ShadowError:
                refused.append(o)
        self._execute("COMMIT")
        rows = self._rows("SELECT type, name, sql FROM sqlite_schema")
        made = {(kind, fold(str(name))): str(sql) for kind, name, sql in rows}
        # the tables that a virtual table makes for itself came with it
        opaque = [o for o in refused if (o.type, fold(o.name)) not in made]
        odd = [o for o in objects if made.get((o.type, fold(o.name)), o.sql) != o.sql]
        if odd:  # texts that somebody wrote into the catalogue by hand
            self._execute("PRAGMA writable_schema=ON")
            for o in odd:
                self.base.connection.execute(
                    "UPDATE sqlite_schema SET sql = ? WHERE type = ? AND name = ? COLLATE NOCASE",
                    (o.sql, o.type, o.name),
                )
            self._execute("PRAGMA writable_schema=RESET")
        return tuple(opaque)

    def _view_columns(self, catalogue: Catalogue) -> dict[str, tuple[Column, ...]]:
        """Return the columns of views and virtual tables, asked again only when a text changed."""
        key = tuple((o.name, o.sql) for o in catalogue.objects if o.type in ("table", "view"))
        if self._columns[0] != key:
            asked = [o.name for o in catalogue.objects if o.type == "view" or (o.type == "table" and is_virtual(o.sql))]
            self._columns = (key, {fold(name): self._columns_of(name) for name in asked})
        return self._columns[1]

    def _columns_of(self, name: str) -> tuple[Column, ...]:
        try:
            rows = self._rows(f"PRAGMA table_xinfo({quote(name)})")
        except ShadowError:  # a view on something that is gone
            return ()
        return tuple(Column(_text(row[1]), _text(row[2])) for row in rows if row[6] != 1)

    def _quoted_text(self, sql: str) -> tuple[str, ...]:
        """Return the "names" in a statement that compiles which SQLite reads as text."""
        quoted = [token for token in tokens(sql) if token.kind == "quoted" and token.text[0] == '"']
        # `name` is never text: what does not compile with it named nothing
        changes = [(t.start, t.end, "`" + t.name.replace("`", "``") + "`") for t in quoted]
        if not changes or self._compiles(edit(sql, changes)):
            return ()
        return tuple(
            token.name for token, change in zip(quoted, changes, strict=True) if not self._compiles(edit(sql, [change]))
        )

    def _compiles(self, sql: str) -> bool:
        try:
            self.touches(sql)
        except ShadowError:
            return False
        return True


def _makes(sql: str) -> bool:
    """Tell whether a statement makes something: its rows come behind all others, and none of those changes."""
    found = tokens(sql)
    return bool(found) and found[0].is_word("CREATE")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _parameters(sql: str) -> _Nulls | tuple[None, ...]:
    """Return NULLs for the parameters in `sql`."""
    found = [token.text for token in tokens(sql) if token.kind == "parameter"]
    if not any(text.startswith("?") for text in found):
        return _Nulls()
    highest = 0
    for text in found:
        highest = max(highest, int(text[1:])) if text[1:].isdecimal() else highest + 1
    return (None,) * highest
