"""Makes a random SQLite database, statement by statement: rows with odd values, indexes, views, triggers."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing

from tests.random.schema import (
    ACTIONS,
    BY_KIND,
    KEYWORDS,
    ODD_TABLES,
    ODD_VALUES,
    PLAIN_TABLES,
    STRICT_TYPES,
    TYPES,
    WORD,
    Column,
    Key,
    Schema,
    Table,
    Thing,
    column_name,
    quoted,
)


class Builder:
    """Makes a database statement by statement; what SQLite does not take is not in it."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.schema = Schema()
        self.statements: list[str] = []
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.orphans = rng.random() < 0.15  # some rows have no parent from the beginning
        self.db.execute(f"PRAGMA foreign_keys = {'OFF' if self.orphans else 'ON'}")

    def build(self) -> tuple[Schema, str]:
        """Return what stands in it, and the SQL that makes it."""
        with closing(self.db):
            for _ in range(self.rng.choice((1, 1, 2, 2, 2, 3, 3, 4, 5))):
                self.table()
            for _ in range(self.rng.randint(0, 3)):
                self.index(self.rng.choice(self.schema.tables))
            early = self.rng.random() < 0.3
            if early:
                self.objects()
            for table in self.schema.tables:
                self.rows(table)
            if not early:
                self.objects()
            if self.rng.random() < 0.02:
                self.run("ANALYZE")
        self.schema.orphans = self.orphans
        # Cascades work where the page is made too.
        first = [] if self.orphans else ["PRAGMA foreign_keys = ON"]
        return self.schema, ";\n".join([*first, *self.statements]) + ";\n"

    def objects(self) -> None:
        """Add views and triggers."""
        for _ in range(self.rng.choice((0, 0, 1, 1, 2))):
            self.view()
        for _ in range(self.rng.choice((0, 0, 0, 1, 1, 2))):
            self.trigger()

    def run(self, sql: str) -> bool:
        """Run a statement; False where SQLite does not take it."""
        try:
            self.db.execute(sql)
        except sqlite3.Error:
            return False
        self.statements.append(sql)
        return True

    def spelled(self, name: str) -> str:
        """Return a name in one of the spellings that SQLite knows."""
        if WORD.fullmatch(name) and name.lower() not in KEYWORDS and self.rng.random() < 0.6:
            return name
        ways = [quoted(name)] * 3
        if "]" not in name:
            ways.append(f"[{name}]")
        if "`" not in name:
            ways.append(f"`{name}`")
        return self.rng.choice(ways)

    # ── tables ────────────────────────────────────────────────────────────
    def table(self) -> None:
        """Add a table, or none where SQLite does not take it."""
        rng = self.rng
        table = Table(self.schema.name(rng, PLAIN_TABLES, ODD_TABLES))
        table.strict = rng.random() < 0.15
        table.without_rowid = rng.random() < 0.15
        taken: set[str] = set()
        lines: list[str] = []
        inline = self.key_columns(table, taken, lines)
        for _ in range(rng.randint(1, 4)):
            column = Column(
                column_name(rng, taken), rng.choice(("integer", "text", "text", "real", "blob", "any", "numeric"))
            )
            column.type = STRICT_TYPES[column.kind] if table.strict else rng.choice(TYPES[column.kind])
            table.columns.append(column)
            lines.append(self.column_text(table, column))
        lines += self.generated(table, taken)
        if not inline:
            lines.append(f"PRIMARY KEY ({', '.join(self.spelled(c.name) for c in table.key)})")
        lines += [*self.uniques(table), *self.checks(table), *self.foreign_keys(table)]
        options = [o for o, there in (("STRICT", table.strict), ("WITHOUT ROWID", table.without_rowid)) if there]
        create = rng.choice(("CREATE TABLE", "CREATE TABLE", "create table", "CREATE  TABLE /* made */"))
        between = rng.choice((", ", ",\n  ", ", -- next\n  "))
        if self.run(f"{create} {self.spelled(table.name)} ({between.join(lines)}) {', '.join(options)}".rstrip()):
            self.schema.tables.append(table)
        elif not self.schema.tables:
            self.table()

    def key_columns(self, table: Table, taken: set[str], lines: list[str]) -> bool:
        """Add the columns of the key; tell whether it stands on its column."""
        rng = self.rng
        shape = rng.choice(("rowid", "rowid", "rowid", "counter", "text", "composite", "none", "int", "any"))
        if table.without_rowid and shape in ("counter", "none"):
            shape = "rowid"
        if shape == "none":
            return True
        names = [column_name(rng, taken) if rng.random() < 0.3 else "id"]
        taken.add(names[0].lower())
        kinds = [{"text": "text", "any": "any"}.get(shape, "integer")]
        if shape == "composite":
            names.append(column_name(rng, taken))
            kinds = [rng.choice(("integer", "text")), rng.choice(("integer", "text"))]
        for name, kind in zip(names, kinds, strict=True):
            type = STRICT_TYPES[kind] if table.strict else rng.choice(TYPES[kind])
            if shape in ("rowid", "counter"):
                type = "INTEGER"
            elif shape == "int" and not table.strict:
                type = "INT"
            column = Column(name, kind, type, null=False)
            table.columns.append(column)
            table.key.append(column)
            lines.append(f"{self.spelled(name)} {type}".rstrip())
        if shape == "composite" or (shape != "counter" and rng.random() < 0.3):
            lines[:] = [line + " NOT NULL" for line in lines]
            return False
        table.counter = shape == "counter"
        order = " DESC" if shape == "text" and rng.random() < 0.2 else ""
        lines[-1] += f" PRIMARY KEY{order}{' AUTOINCREMENT' if table.counter else ''}"
        if shape != "rowid" and not table.counter:
            lines[-1] += " NOT NULL"
        return True

    def column_text(self, table: Table, column: Column) -> str:
        """Return the definition of a column, with what may stand in it."""
        rng = self.rng
        text = f"{self.spelled(column.name)} {column.type}".rstrip()
        if rng.random() < 0.15:
            column.null = False
            text += " NOT NULL"
        if rng.random() < 0.2:
            column.default = rng.choice([v for v in BY_KIND[column.kind] if v != "NULL" and "CAST" not in v])
            text += f" DEFAULT {column.default if ' ' not in column.default else f'({column.default})'}"
        if column.kind in ("text", "any") and rng.random() < 0.2:
            text += rng.choice((" COLLATE NOCASE", " COLLATE RTRIM", " collate binary"))
        if rng.random() < 0.08:
            text += " UNIQUE"
            table.keys.append(Key("unique", "", [column]))
        if rng.random() < 0.08:
            text += f" CHECK (length({self.spelled(column.name)}) < 1000)"
            table.keys.append(Key("check", "", [column]))
        return text

    def generated(self, table: Table, taken: set[str]) -> Iterator[str]:
        """Add a generated column now and then."""
        rng = self.rng
        if rng.random() < 0.25:
            base = rng.choice(table.columns)
            form = rng.choice(("lower({})", "length({})", "{} || '!'", "typeof({})"))
            column = Column(column_name(rng, taken), "any", "", generated=form.format(base.sql))
            if table.strict:
                column.type = "ANY"
            table.columns.append(column)
            stored = rng.choice((" STORED", " VIRTUAL", ""))
            always = rng.choice(("GENERATED ALWAYS AS", "AS"))
            yield f"{self.spelled(column.name)} {column.type} {always} ({column.generated}){stored}"

    def uniques(self, table: Table) -> Iterator[str]:
        """Add a key that stands in the table's text."""
        if len(table.free) > 1 and self.rng.random() < 0.15:
            columns = self.rng.sample(table.free, 2)
            name = f"uq{self.rng.randint(1, 99)}" if self.rng.random() < 0.5 else ""
            table.keys.append(Key("unique", name, columns))
            named = f"CONSTRAINT {name} " if name else ""
            yield f"{named}UNIQUE ({', '.join(self.spelled(c.name) for c in columns)})"

    def checks(self, table: Table) -> Iterator[str]:
        """Add checks of the table."""
        if table.plain and self.rng.random() < 0.2:
            columns = self.rng.sample(table.plain, min(len(table.plain), 2))
            name = f"ck {self.rng.randint(1, 99)}" if self.rng.random() < 0.6 else ""
            text = " OR ".join(f"{c.sql} IS NOT 'never'" for c in columns)
            table.keys.append(Key("check", name, columns, text))
            yield f"{f'CONSTRAINT {quoted(name)} ' if name else ''}CHECK ({text})"

    def foreign_keys(self, table: Table) -> Iterator[str]:
        """Add a foreign key to a table that is there, or to itself."""
        rng = self.rng
        parents = [t for t in (*self.schema.tables, table) if t.key]
        if not parents or rng.random() > 0.6:
            return
        parent = rng.choice(parents[-3:])
        able = [c for c in table.free if not table.strict or c.type == parent.key[0].type]
        able = [c for c in able if c.kind != "real"]  # 2^53 + 1 finds its parent when it comes, and is another then
        if len(able) < len(parent.key):
            return
        columns = rng.sample(able, len(parent.key))
        self.schema.trees = self.schema.trees or parent is table
        for column, target in zip(columns, parent.key, strict=True):
            column.kind = "parent:" + target.base
        table.keys.append(Key("foreign key", "", columns, "", parent, list(parent.key)))
        targets = f" ({', '.join(self.spelled(c.name) for c in parent.key)})" if rng.random() < 0.8 else ""
        update = rng.choice(("", "", " ON UPDATE CASCADE", " ON UPDATE SET NULL"))
        deferred = rng.choice(("", "", "", " DEFERRABLE INITIALLY DEFERRED"))
        yield (
            f"FOREIGN KEY ({', '.join(self.spelled(c.name) for c in columns)}) REFERENCES "
            f"{self.spelled(parent.name)}{targets}{rng.choice(ACTIONS)}{update}{deferred}"
        )

    # ── rows ──────────────────────────────────────────────────────────────
    def rows(self, table: Table) -> None:
        """Put rows into a table."""
        for number in range(self.rng.choice((0, 1, 3, 4, 6, 8))):
            columns = [c for c in table.plain if c in table.key or not c.null or self.rng.random() < 0.85]
            if table.automatic and columns and self.rng.random() < 0.3:
                columns = [c for c in columns if c not in table.key]
            values = [self.value(table, c, number) for c in columns]
            if columns:
                names = ", ".join(self.spelled(c.name) for c in columns)
                self.run(f"INSERT INTO {self.spelled(table.name)} ({names}) VALUES ({', '.join(values)})")
        if table.counter and self.rng.random() < 0.3:
            self.run(
                f"DELETE FROM {table.sql} WHERE {table.key[0].sql} = (SELECT max({table.key[0].sql}) FROM {table.sql})"
            )

    def value(self, table: Table, column: Column, number: int) -> str:
        """Return a literal for a column of the row `number`."""
        rng = self.rng
        if column in table.key:
            if column.kind == "text" or (column.kind == "any" and rng.random() < 0.5):
                return f"'{rng.choice('abcXYZ')}{number}'"
            return str(rng.choice((number + 1, number * 10, -number, 2**53 + number)))
        for key in table.keys:
            if key.parent is not None and column in key.columns:
                target = key.parent_columns[key.columns.index(column)]
                try:
                    found = self.db.execute(f"SELECT quote({target.sql}) FROM {key.parent.sql}").fetchall()
                except sqlite3.Error:
                    found = []
                return str(rng.choice(found)[0]) if found and rng.random() < 0.8 else "NULL"
        return rng.choice(ODD_VALUES if not table.strict and rng.random() < 0.2 else BY_KIND[column.base])

    # ── indexes, views, triggers ──────────────────────────────────────────
    def index(self, table: Table) -> None:
        """Add an index: partial, by expression, descending, unique."""
        rng = self.rng
        columns = rng.sample(table.columns, min(len(table.columns), rng.randint(1, 2)))
        forms = ("{}", "{}", "{} DESC", "lower({})", "{} COLLATE NOCASE", "length({}) DESC")
        parts = [rng.choice(forms).format(c.sql) for c in columns]
        name = self.schema.name(rng, ("idx", "by_a", "ix"), ("index", "i x", "idx🎬"))
        where = f" WHERE {columns[0].sql} IS NOT NULL" if rng.random() < 0.3 else ""
        unique = "UNIQUE " if rng.random() < 0.15 else ""
        if self.run(
            f"CREATE {unique}INDEX {self.spelled(name)} ON {self.spelled(table.name)} ({', '.join(parts)}){where}"
        ):
            self.schema.things.append(Thing("index", name, table, columns, [table]))

    def view(self) -> None:
        """Add a view of one table, of two, or of all columns."""
        rng = self.rng
        table = rng.choice(self.schema.tables)
        name = self.schema.name(rng, ("seen", "v_all", "shown"), ("view", "the view", "v🎬"))
        columns = rng.sample(table.columns, min(len(table.columns), 2))
        shows = [c.name for c in columns]
        uses, tables = list(columns), [table]
        if rng.random() < 0.25:
            query, uses, shows = f"SELECT * FROM {table.sql}", list(table.columns), [c.name for c in table.columns]
        elif len(self.schema.tables) > 1 and rng.random() < 0.3:
            other = rng.choice([t for t in self.schema.tables if t is not table])
            uses.append(other.columns[0])
            tables.append(other)
            query = (
                f"SELECT m.{columns[0].sql} AS one, o.{other.columns[0].sql} AS two FROM {table.sql} AS m "
                f"LEFT JOIN {other.sql} o ON o.{other.columns[0].sql} = m.{columns[0].sql}"
            )
            shows = ["one", "two"]
        else:
            query = f"SELECT {', '.join(self.spelled(c.name) for c in columns)} FROM {self.spelled(table.name)}"
            if rng.random() < 0.3:
                query += f" WHERE {columns[0].sql} IS NOT NULL"
        if self.run(f"CREATE VIEW {self.spelled(name)} AS {query}"):
            self.schema.things.append(Thing("view", name, None, uses, tables, shows))

    def trigger(self) -> None:
        """Add a trigger that writes to another table."""
        rng = self.rng
        table, other = rng.choice(self.schema.tables), rng.choice(self.schema.tables)
        target = [c for c in other.free if c.null]
        if not target or (other is table and rng.random() < 0.7):
            return
        column, own = rng.choice(target), rng.choice(table.columns)
        event = rng.choice(("INSERT", "UPDATE", "DELETE", f"UPDATE OF {own.sql}"))
        row = "old" if event == "DELETE" else "new"
        body = rng.choice(
            (
                f"INSERT OR IGNORE INTO {other.sql} ({column.sql}) VALUES ({row}.{own.sql});",
                f"UPDATE OR IGNORE {other.sql} SET {column.sql} = {row}.{own.sql} WHERE {column.sql} IS NULL;",
                f"DELETE FROM {other.sql} WHERE {column.sql} = {row}.{own.sql};",
            )
        )
        when = f" WHEN {row}.{own.sql} IS NOT NULL" if rng.random() < 0.3 else ""
        name = self.schema.name(rng, ("touch", "after_it", "tr"), ("trigger", "on it", "tr🎬"))
        timing = rng.choice(("AFTER", "AFTER", "BEFORE"))
        if self.run(
            f"CREATE TRIGGER {self.spelled(name)} {timing} {event} ON {self.spelled(table.name)}{when} BEGIN {body} END"
        ):
            self.schema.things.append(Thing("trigger", name, table, [column, own], [table, other]))
