"""Random steps for a random schema: mostly such that a plan takes them, and then the schema is as after them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tests.random.alters import Alters
from tests.random.schema import (
    ODD_TABLES,
    PLAIN_TABLES,
    PORTABLE,
    Column,
    Schema,
    Table,
    Thing,
    column_name,
    quoted,
)

Step = dict[str, Any]


class Steps(Alters):
    """Makes steps; each maker returns None where the schema has nothing for it."""

    def __init__(self, rng: random.Random, schema: Schema) -> None:
        super().__init__(rng, schema)
        # What makes an orphan's parent, or takes the orphan, has no way back: the database would not have it so again.
        many = 0 if schema.orphans else 1
        self.makers: tuple[tuple[int, Callable[[], Step | None]], ...] = (
            *((9 * many, self.transform), (6 * many, self.copy), (4 * many, self.insert), (6 * many, self.delete)),
            *((3, self.create_table), (1, self.create_view), (1, self.create_trigger), (1, self.create_type)),
            *((3, self.index), (14, self.alter)),
            *((2, self.rename_table), (3, self.rename_column), (1, self.rename_thing), (1, self.rename_constraint)),
            *((3, self.drop_table), (2, self.drop_thing), (1, self.sql), (1, self.validate)),
        )

    def steps(self, number: int) -> list[Step]:
        """Return so many steps, now and then under a condition or in a group."""
        found: list[Step] = []
        for _ in range(number * 8):
            if len(found) == number:
                break
            maker = self.rng.choices([m for _, m in self.makers], [w for w, _ in self.makers])[0]
            step = maker()
            if step is not None:
                found.append(self.dressed(step))
        return found

    def dressed(self, step: Step) -> Step:
        """Return the step with what may stand beside a verb."""
        rng = self.rng
        verb = next(iter(step))
        if rng.random() < 0.05 and "undo" not in step and verb != "validate":
            return {**step, "irreversible": "so it was asked"}
        if verb in ("transform", "copy", "insert", "delete") and rng.random() < 0.15:
            table = rng.choice(self.schema.tables)
            limit = rng.choice(({}, {"min": 2}, {"max": 3}))
            condition: Step = {"rows": {"table": table.name, **limit}}
            if rng.random() < 0.3:
                condition = {"sql": f"SELECT count(*) > 1 FROM {table.sql}"}
            if rng.random() < 0.3:
                condition = {"not": condition}
            if rng.random() < 0.3:
                return {"when": condition, "steps": [step]}
            return {**step, "when": condition}
        return step

    # ── rows ──────────────────────────────────────────────────────────────
    def transform(self) -> Step | None:
        rng = self.rng
        table = self.any_table()
        free = [c for c in (table.plain if rng.random() < 0.1 else table.free) if not self.parent_of(table, c)]
        if not free:
            return None
        columns = rng.sample(free, min(len(free), rng.choice((1, 1, 2))))
        body: Step = {"table": table.name, "set": {c.name: self.value_for(table, c) for c in columns}}
        others = [t for t in self.schema.tables if t is not table and t.key and len(t.key) == 1]
        if others and rng.random() < 0.15:
            other = rng.choice(others)
            mine = rng.choice(table.plain)
            body["join"] = {"table": other.name, "match": f"{other.sql}.{other.key[0].sql} = {table.sql}.{mine.sql}"}
            body["set"] = {columns[0].name: f"{other.sql}.{rng.choice(other.columns).sql}"}
        elif rng.random() < 0.6:
            body["where"] = self.where(table)
        return {"transform": self.sized(body)}

    def copy(self) -> Step | None:
        rng = self.rng
        into, source = self.any_table(), self.any_table()
        if into is source and rng.random() < 0.8:
            return None
        wanted = [c for c in into.plain if c in into.key or not c.null or rng.random() < 0.7]
        if into.automatic and rng.random() < 0.6:
            wanted = [c for c in wanted if c not in into.key]
        if not wanted:
            return None
        columns: Step = {}
        for column in wanted:
            if column in into.key:
                columns[column.name] = self.new_key(source, column)
            else:
                columns[column.name] = self.value_for(source, column, into)
        body: Step = {"from": source.name, "into": into.name, "columns": columns}
        names = [c.name for c in source.plain if not c.generated]
        if rng.random() < 0.1 and all(c.name in names for c in wanted):
            body["columns"] = [c.name for c in wanted]
        views = [v for v in self.schema.of("view") if set(v.tables) == {source} and v.shows]
        if views and rng.random() < 0.3:
            view = rng.choice(views)
            shown = [c for c in source.columns if c.name in view.shows]
            if shown:
                body["from"] = view.name
                part = Table(source.name, shown)
                body["columns"] = {
                    c.name: self.new_key(part, c) if c in into.key else self.value_for(part, c, into) for c in wanted
                }
                source = part
        elif rng.random() < 0.1 and source.key:
            body["from"] = {"sql": f"SELECT * FROM {source.sql}"}
            body["key"] = [c.name for c in source.key]
        if rng.random() < 0.4:
            body["where"] = (
                self.where(source) if body["from"] == source.name else f"{source.columns[0].sql} IS NOT NULL"
            )
        if rng.random() < 0.15:
            body["first_of"] = {"columns": [rng.choice(source.columns).name]}
        if into.key and all(c in wanted for c in into.key) and rng.random() < 0.6:
            body["on_conflict"] = rng.choice(("skip", "replace"))
            body["conflict_key"] = [c.name for c in into.key]
        if rng.random() < 0.15:
            body["triggers"] = "skip"
        body["expect_rows"] = "all" if body.get("on_conflict") != "skip" and rng.random() < 0.3 else {"min": 0}
        return {"copy": self.sized(body)}

    def insert(self) -> Step | None:
        rng = self.rng
        table = self.any_table()
        rows = []
        for number in range(rng.randint(1, 3)):
            row: Step = {}
            for column in table.plain:
                if column in table.key:
                    if table.automatic and rng.random() < 0.5:
                        continue
                    row[column.name] = f"new{number}" if column.base == "text" else 1000 + number
                elif not column.null or rng.random() < 0.6:
                    row[column.name] = self.literal(table, column)
            rows.append(row)
        if not all(rows):
            return None
        body: Step = {"into": table.name, "rows": rows}
        if table.key and all(c.name in row for row in rows for c in table.key) and rng.random() < 0.3:
            body["on_conflict"] = rng.choice(("skip", "replace"))
            body["conflict_key"] = [c.name for c in table.key]
        return {"insert": body}

    def delete(self) -> Step | None:
        rng = self.rng
        table = self.any_table()
        body: Step = {"from": table.name}
        if rng.random() < 0.2 and table.key:
            body["all_but_first_of"] = {"columns": [rng.choice(table.columns).name]}
            if rng.random() < 0.5:
                body["all_but_first_of"]["order"] = [{"column": rng.choice(table.columns).name, "order": "desc"}]
        else:
            body["where"] = self.where(table).replace("true", f"length({table.columns[0].sql}) >= 0")
        return {"delete": self.sized(body)}

    def sized(self, body: Step) -> Step:
        """Return the step with a size of batches or a number of rows that holds, now and then."""
        if self.rng.random() < 0.3:
            body["batch_size"] = self.rng.choice((1, 2, 3))
        if self.rng.random() < 0.15:
            body.setdefault("expect_rows", {"max": 1000})
        return body

    # ── what is made ──────────────────────────────────────────────────────
    def create_table(self) -> Step | None:
        rng = self.rng
        table = Table(self.schema.name(rng, PLAIN_TABLES, ODD_TABLES))
        table.strict, table.without_rowid = rng.random() < 0.2, rng.random() < 0.15
        taken = {"id"}
        columns: Step = {}
        key = Column("id", rng.choice(("integer", "integer", "text")), null=False)
        key.type = "INTEGER" if key.kind == "integer" else "TEXT"
        body: Step = {"type": "integer" if key.kind == "integer" else "text", "primary_key": True}
        if key.kind == "integer" and not table.without_rowid and rng.random() < 0.4:
            body["auto_increment"] = table.counter = True
        columns["id"] = body
        table.columns, table.key = [key], [key]
        for _ in range(rng.randint(1, 3)):
            column = Column(column_name(rng, taken), rng.choice(("integer", "text", "real", "blob", "numeric")))
            column.type = rng.choice(PORTABLE[column.kind])
            table.columns.append(column)
            columns[column.name] = self.definition(table, column)
        step: Step = {"table": table.name, "columns": columns}
        if table.strict or table.without_rowid:
            step["options"] = {"sqlite": {o: True for o in ("strict", "without_rowid") if getattr(table, o)}}
        if rng.random() < 0.2:
            step["checks"] = {f"ck_{rng.randint(1, 99)}": f"{table.columns[1].sql} IS NOT 'never'"}
        if rng.random() < 0.08:
            step["scratch"] = True
            return {"create": step}  # nothing else is to need it
        self.schema.tables.append(table)
        return {"create": step}

    def create_view(self) -> Step | None:
        table = self.any_table()
        columns = self.rng.sample(table.columns, min(2, len(table.columns)))
        names = [c.name for c in columns]
        query = f"SELECT {', '.join(c.sql for c in columns)} FROM {table.sql}"
        views = self.schema.of("view")
        if views and self.rng.random() < 0.3:
            old = self.rng.choice(views)
            self.schema.things.remove(old)
            self.schema.things.append(Thing("view", old.name, None, columns, [table], names))
            return {"create": {"view": old.name, "as": query, "replace": True}}
        name = self.schema.name(self.rng, ("seen", "shown"), ("view", "v🎬"))
        self.schema.things.append(Thing("view", name, None, columns, [table], names))
        return {"create": {"view": name, "as": query}}

    def create_trigger(self) -> Step | None:
        rng = self.rng
        table, other = self.any_table(), self.any_table()
        target = [c for c in other.free if c.null]
        if not target or other is table:
            return None
        column, own = rng.choice(target), rng.choice(table.columns)
        event = rng.choice(("insert", "update", "delete"))
        row = "old" if event == "delete" else "new"
        name = self.schema.name(rng, ("touch", "tr"), ("trigger", "on it"))
        body = f"UPDATE OR IGNORE {other.sql} SET {column.sql} = {row}.{own.sql} WHERE {column.sql} IS NULL;"
        self.schema.things.append(Thing("trigger", name, table, [column, own], [table, other]))
        made = {"trigger": name, "table": table.name, "timing": rng.choice(("after", "before")), "events": [event]}
        if rng.random() < 0.3:
            made["when"] = f"{row}.{own.sql} IS NOT NULL"
        return {"create": {**made, "body": {"sqlite": body, "other": body}}}

    def create_type(self) -> Step | None:
        name = self.schema.name(self.rng, ("mood", "size_of"), ("my type", "type"))
        self.types.append(name)
        return {"create": {"type": name, "values": ["x", "X", "it's", "🎬"]}}

    def index(self) -> Step | None:
        rng = self.rng
        table = self.any_table()
        columns = rng.sample(table.columns, min(len(table.columns), rng.randint(1, 2)))
        parts: list[Any] = []
        for column in columns:
            part = rng.choice(
                (
                    column.name,
                    column.name,
                    {"column": column.name, "order": "desc"},
                    {"sql": f"lower({column.sql})"},
                    {"column": column.name, "collate": "nocase"},
                )
            )
            parts.append(part)
        name = self.schema.name(rng, ("idx", "ix"), ("index", "i x", "idx🎬"))
        body: Step = {"table": table.name, "columns": parts, "name": name}
        if rng.random() < 0.15:
            body["unique"] = True
        if rng.random() < 0.3:
            body["where"] = f"{columns[0].sql} IS NOT NULL"
        self.schema.things.append(Thing("index", name, table, columns, [table]))
        return {"index": body}

    # ── other names ───────────────────────────────────────────────────────
    def rename_table(self) -> Step | None:
        table = self.any_table()
        to = self.schema.name(self.rng, PLAIN_TABLES, ODD_TABLES)
        step = {"rename": {"table": table.name, "to": to}}
        table.name = to
        return step

    def rename_column(self) -> Step | None:
        table = self.any_table()
        column = self.rng.choice(table.columns)
        if any(column in thing.columns for thing in self.schema.of("view")) and self.rng.random() < 0.5:
            return None
        before = column.name
        self.renamed(table, column)
        return {"rename": {"table": table.name, "column": before, "to": column.name}}

    def rename_thing(self) -> Step | None:
        things = [t for t in self.schema.things if t.kind != "trigger"]
        if not things:
            return None
        thing = self.rng.choice(things)
        to = self.schema.name(self.rng, ("other", "again"), ("an other", "o🎬"))
        step = {"rename": {thing.kind: thing.name, "to": to}}
        thing.name = to
        return step

    def rename_constraint(self) -> Step | None:
        named = [(t, k) for t in self.schema.tables for k in t.keys if k.name]
        if not named:
            return None
        table, key = self.rng.choice(named)
        before, key.name = key.name, f"renamed_{self.rng.randint(1, 999)}"
        return {"rename": {"table": table.name, "constraint": before, "to": key.name}}

    # ── what goes ─────────────────────────────────────────────────────────
    def drop_table(self) -> Step | None:
        if self.schema.things and self.rng.random() < 0.5:
            return self.drop_thing()
        tables = [t for t in self.schema.tables if not self.schema.children(t) and not self.schema.reading(t)]
        if not tables or len(self.schema.tables) < 2:
            return None
        table = self.rng.choice(tables)
        self.schema.tables.remove(table)
        self.schema.things = [t for t in self.schema.things if t.table is not table]
        if self.rng.random() < 0.5:
            self.schema.names.discard(table.name.lower())
        return {"drop": {"table": table.name}}

    def drop_thing(self) -> Step | None:
        if not self.schema.things:
            return None
        thing = self.rng.choice(self.schema.things)
        self.schema.things.remove(thing)
        return {"drop": {thing.kind: thing.name}}

    # ── the rest ──────────────────────────────────────────────────────────
    def sql(self) -> Step | None:
        name = self.schema.name(self.rng, ("made", "extra"), ("by hand", "m🎬"))
        ways: tuple[Step, ...] = (
            {"sql": f"CREATE TABLE {quoted(name)} (a)", "undo": f"DROP TABLE {quoted(name)}"},
            {"sql": f"CREATE VIEW {quoted(name)} AS SELECT 1 AS one", "undo": [{"sql": f"DROP VIEW {quoted(name)}"}]},
            {"sql": "ANALYZE", "irreversible": "it only measures"},
        )
        return self.rng.choice(ways)

    def validate(self) -> Step | None:
        table = self.any_table()
        checks: list[Step] = [{"row_count": {"table": table.name, "min": 0, "max": 100000}}]
        if table.key:
            checks.append({"unique": {"table": table.name, "columns": [c.name for c in table.key]}})
        checks.append({"exists": {"table": table.name, "columns": [table.columns[0].name]}})
        return {"validate": self.rng.sample(checks, self.rng.randint(1, len(checks)))}
