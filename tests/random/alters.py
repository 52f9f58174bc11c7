"""Random values and conditions for a schema, and random `alter` steps with every action."""

from __future__ import annotations

import random
from typing import Any

from tests.random.schema import PORTABLE, Column, Key, Schema, Table, column_name

Step = dict[str, Any]

LITERALS: dict[str, tuple[Any, ...]] = {
    "integer": (0, 1, -5, 42, 9007199254740993),
    "text": ("x", "X", "", " pad ", "007", "it's", "🎬", "1e3", "null"),
    "real": (0.5, 1.0, -2.25),
    "blob": ({"sql": "X'00ff'"}, {"sql": "X''"}),
    "numeric": (1, 0, "abc", 1.5),
    "any": (1, "x", 0.5, {"sql": "X'31'"}),
}


class Alters:
    """What steps are made of."""

    def __init__(self, rng: random.Random, schema: Schema) -> None:
        self.rng = rng
        self.schema = schema
        self.types: list[str] = []

    def any_table(self) -> Table:
        """Return a table."""
        return self.rng.choice(self.schema.tables)

    # ── values ────────────────────────────────────────────────────────────
    def parent_of(self, table: Table, column: Column) -> Key | None:
        """Return the foreign key that `column` is in."""
        return next((k for k in table.keys if k.parent is not None and column in k.columns), None)

    def literal(self, table: Table, column: Column) -> Any:
        """Return a value as `insert` takes it."""
        if column.null and (self.parent_of(table, column) is not None or self.rng.random() < 0.2):
            return None
        return self.rng.choice(LITERALS[column.base])

    def value_for(self, source: Table, column: Column, table: Table | None = None) -> Any:
        """Return an expression over a row of `source` for a column of `table` (or of `source`)."""
        rng = self.rng
        if table is not None and self.parent_of(table, column) is not None and column.null and rng.random() < 0.95:
            return None
        other = column if table is None and rng.random() < 0.7 else rng.choice(source.columns)
        ways: dict[str, tuple[Any, ...]] = {
            "text": (
                *(
                    f"upper({other.sql})",
                    f"trim({other.sql})",
                    f"coalesce({other.sql}, '') || '!'",
                    f"lower({other.sql})",
                ),
                *({"value": "fixed"}, f"CASE WHEN {other.sql} IS NULL THEN 'none' ELSE 'some' END"),
            ),
            "integer": (
                *(f"length({other.sql})", f"coalesce(length({other.sql}), 0) + 1", {"value": 7}),
                *(f"(SELECT count(*) FROM {self.any_table().sql})", f"CASE WHEN {other.sql} IS NULL THEN 0 ELSE 1 END"),
            ),
            "real": (f"length({other.sql}) * 0.5", {"value": 1.5}, f"coalesce(length({other.sql}), 0) / 4.0"),
            "blob": ({"sqlite": "X'00ff'", "other": "NULL"}, {"sqlite": f"CAST({other.sql} AS BLOB)", "other": "NULL"}),
        }
        ways["integer"] = (*ways["integer"], {"parse": other.name, "as": "bigint", "otherwise": -1})
        loose = (*ways["text"], *ways["integer"], *ways["real"], other.sql, f"nullif({other.sql}, 1)")
        if column.base in ("any", "numeric"):
            return rng.choice(loose)
        if not (table or source).strict and rng.random() < 0.2:
            return other.sql
        found = rng.choice(ways[column.base])
        if column.null and rng.random() < 0.1:
            return None
        return found

    def new_key(self, source: Table, column: Column) -> Any:
        """Return an expression that makes a key of a row of `source`."""
        if source.key and self.rng.random() < 0.85:
            old = source.key[0]
            if column.base == "text":
                return f"'n' || {old.sql}"
            return old.sql if self.rng.random() < 0.5 else f"{old.sql} + 1000"
        return self.rng.choice(source.columns).sql

    def where(self, table: Table) -> str:
        """Return a condition on a row."""
        column = self.rng.choice(table.columns)
        forms = (
            *("{} IS NOT NULL", "{} IS NULL", "{} > 'm'", "{} < 5", "{} IN (1, 'x', 'X')", "true", "length({}) > 1"),
            *("{} = (SELECT max({}) FROM {table})", "NOT ({} = 'x')", "{} LIKE 'x%'"),
        )
        return self.rng.choice(forms).replace("{}", column.sql).replace("{table}", table.sql)

    # ── columns ───────────────────────────────────────────────────────────
    def definition(self, table: Table, column: Column, *, filled: bool = False) -> Any:
        """Return the definition of a new column; `filled`: the table may have rows."""
        rng = self.rng
        if self.types and rng.random() < 0.5:
            column.kind, column.type = "text", rng.choice(self.types)
            return {"type": column.type}
        if rng.random() < 0.3:
            return column.type
        body: Step = {"type": column.type}
        before = [c for c in table.columns if c is not column and c.type not in self.types]
        if before and rng.random() < 0.12:
            base = rng.choice(before)
            column.generated = rng.choice(("lower({})", "length({})", "{} || '!'")).format(base.sql)
            return {**body, "generated": column.generated, "stored": rng.random() < 0.4}
        literal = rng.choice([v for v in LITERALS[column.base] if v != "null"])
        if rng.random() < 0.3:
            body["default"] = literal
        if rng.random() < 0.2 and (not filled or "default" in body):
            body["nullable"] = column.null = False
        if column.base == "text" and rng.random() < 0.2:
            body["collate"] = rng.choice(("nocase", "rtrim"))
        if rng.random() < 0.1:
            body["check"] = f"{column.sql} IS NOT 'never'"
            table.keys.append(Key("check", "", [column]))
        if rng.random() < 0.05:
            body["unique"] = True
            table.keys.append(Key("unique", "", [column]))
        parents = [t for t in self.schema.tables if len(t.key) == 1 and t.key[0].base == column.base]
        if parents and not table.strict and "default" not in body and rng.random() < 0.2:
            parent = rng.choice(parents)
            self.schema.trees = self.schema.trees or parent is table
            body["references"] = {"table": parent.name, "column": parent.key[0].name}
            if rng.random() < 0.5:
                body["references"]["on_delete"] = rng.choice(("cascade", "set null", "restrict"))
            table.keys.append(Key("foreign key", "", [column], "", parent, [parent.key[0]]))
        return body

    def renamed(self, table: Table, column: Column) -> None:
        """Give a column another name, also in what is made of it."""
        before = column.sql
        column.name = column_name(self.rng, {c.name.lower() for c in table.columns})
        for other in table.columns:
            other.generated = other.generated.replace(before, column.sql)
        for key in table.keys:
            key.text = key.text.replace(before, column.sql)

    # ── alter ─────────────────────────────────────────────────────────────
    def alter(self) -> Step | None:
        """Return an `alter` with one to three actions, in the order of the contract."""
        rng = self.rng
        table = self.any_table()
        body: Step = {"table": table.name}
        actions = [self.alter_rename, self.alter_drop_constraints, self.alter_add, self.alter_add, self.alter_change]
        actions += [self.alter_change, self.alter_key, self.alter_drop, self.alter_drop, self.alter_unique]
        actions += [self.alter_checks, self.alter_references, self.alter_options, self.alter_special]
        chosen = sorted(rng.sample(range(len(actions)), rng.choice((1, 1, 1, 2, 2, 3))))
        for number in chosen:
            actions[number](table, body)
        return {"alter": body} if len(body) > 1 else None

    def alter_rename(self, table: Table, body: Step) -> None:
        column = self.rng.choice(table.columns)
        before = column.name
        self.renamed(table, column)
        body["rename"] = {before: column.name}

    def alter_drop_constraints(self, table: Table, body: Step) -> None:
        if not table.keys:
            return
        key = self.rng.choice(table.keys)
        if key.name:
            body["drop_constraints"] = [key.name]
        elif key.kind == "unique":
            body["drop_constraints"] = [{"unique": [c.name for c in key.columns]}]
        elif key.kind == "foreign key":
            body["drop_constraints"] = [{"foreign_key": [c.name for c in key.columns]}]
        elif key.text:
            body["drop_constraints"] = [{"check": key.text}]
        else:
            return
        table.keys.remove(key)

    def alter_add(self, table: Table, body: Step) -> None:
        rng = self.rng
        kind = rng.choice(("integer", "text", "real", "blob", "numeric"))
        column = Column(column_name(rng, {c.name.lower() for c in table.columns}), kind)
        column.type = rng.choice(PORTABLE[kind])
        place = len(table.columns)
        made = self.definition(table, column, filled=True)
        if isinstance(made, dict) and not column.generated and rng.random() < 0.3:
            made["using"] = self.value_for(table, column)
        if rng.random() < 0.2:
            made = {"type": made} if isinstance(made, str) else made
            place = rng.randrange(len(table.columns))
            made["after"] = table.columns[place].name
            place += 1
        body.setdefault("add", {})[column.name] = made
        table.columns.insert(place, column)

    def alter_change(self, table: Table, body: Step) -> None:
        rng = self.rng
        added = body.get("add", {})
        columns = [c for c in table.free if c.name not in added and c.type not in self.types]
        if not columns:
            return
        column = rng.choice(columns)
        change: Step = {}
        if rng.random() < 0.5 and self.parent_of(table, column) is None:
            column.kind = rng.choice(("integer", "text", "real", "numeric"))
            change["type"] = column.type = rng.choice(PORTABLE[column.kind])
            if table.strict or rng.random() < 0.6:
                change["using"] = self.value_for(table, column)
            change["default"] = None
        if rng.random() < 0.3:
            if column.null:
                change["nullable"] = column.null = False
                change.setdefault("using", f"coalesce({column.sql}, {self.safe(column)})")
            else:
                change["nullable"] = column.null = True
        if rng.random() < 0.3:
            change["default"] = rng.choice([v for v in (*LITERALS[column.base], None) if v != "null"])
        if column.base == "text" and rng.random() < 0.3:
            change["collate"] = rng.choice(("nocase", "binary", "rtrim"))
        if change:
            body.setdefault("change", {})[column.name] = change

    def safe(self, column: Column) -> str:
        """Return a literal that is no NULL."""
        return {"text": "'none'", "real": "0.5", "blob": "X'00'"}.get(column.base, "0")

    def alter_key(self, table: Table, body: Step) -> None:
        if self.schema.children(table) or any(k.parent is table for k in table.keys):
            return
        changed = body.get("change", {})
        able = [c for c in table.plain if not c.null and c.name not in changed]
        if len(able) < 1 or able == table.key:
            return
        columns = self.rng.sample(able, min(len(able), self.rng.randint(1, 2)))
        if columns == table.key:
            return
        body["primary_key"] = [c.name for c in columns]
        table.key = columns

    def alter_drop(self, table: Table, body: Step) -> None:
        taken = {*body.get("add", {}), *body.get("change", {}), *body.get("drop", ())}
        columns = [c for c in table.free if c.name not in taken and not self.schema.needed(c)]
        columns += [c for c in table.columns if c.generated and c.name not in taken and not self.schema.needed(c)]
        if len(table.columns) - len(body.get("drop", ())) < 3 or not columns:
            return
        if self.rng.random() < 0.1:
            columns = [c for c in table.columns if c.name not in taken]  # most likely refused, with what needs it
            if not columns:
                return
        column = self.rng.choice(columns)
        body.setdefault("drop", []).append(column.name)
        table.columns.remove(column)
        table.key = [c for c in table.key if c is not column]

    def alter_unique(self, table: Table, body: Step) -> None:
        dropped = body.get("drop", ())
        columns = [c for c in table.columns if c.name not in dropped]
        chosen = self.rng.sample(columns, min(len(columns), 2))
        if self.rng.random() < 0.6 and table.key:
            chosen = list(dict.fromkeys([table.key[0], *chosen]))  # so that it holds
        name = f"uq_new{self.rng.randint(1, 999)}"
        body["add_unique"] = [{"name": name, "columns": [c.name for c in chosen]}]
        table.keys.append(Key("unique", name, chosen))

    def alter_checks(self, table: Table, body: Step) -> None:
        column = self.rng.choice(table.columns)
        name = f"ck_new{self.rng.randint(1, 999)}"
        text = f"{column.sql} IS NOT 'never'"
        body["add_checks"] = {name: text if self.rng.random() < 0.7 else {"sql": text, "validate": "now"}}
        table.keys.append(Key("check", name, [column], text))

    def alter_references(self, table: Table, body: Step) -> None:
        parents = [t for t in self.schema.tables if len(t.key) == 1]
        if not parents or not table.free:
            return
        parent, column = self.rng.choice(parents), self.rng.choice(table.free)
        self.schema.trees = self.schema.trees or parent is table
        key: Step = {"columns": [column.name], "references": {"table": parent.name, "columns": [parent.key[0].name]}}
        if self.rng.random() < 0.4:
            key["on_delete"] = self.rng.choice(("cascade", "set null"))
        if self.rng.random() < 0.6 and column.null:
            body.setdefault("change", {})[column.name] = {"using": None}  # so that it holds
        body["add_foreign_keys"] = [key]
        table.keys.append(Key("foreign key", "", [column], "", parent, [parent.key[0]]))

    def alter_options(self, table: Table, body: Step) -> None:
        option = self.rng.choice(("strict", "without_rowid"))
        now = getattr(table, option)
        if (option == "strict" and not now and self.rng.random() < 0.7) or (
            option == "without_rowid" and not table.key
        ):
            return
        setattr(table, option, not now)
        body["options"] = {"sqlite": {option: not now}}

    def alter_special(self, table: Table, body: Step) -> None:
        """Change a generated column, the type of a key, or who numbers the rows; or say something about the table."""
        rng = self.rng
        changed = {*body.get("change", {}), *body.get("add", {}), *body.get("drop", ())}
        made = [c for c in table.columns if c.generated and c.name not in changed]
        if made and rng.random() < 0.6:
            column = rng.choice(made)
            change: Step = {"stored": rng.random() < 0.5}
            base = rng.choice([c for c in table.plain if c.name not in changed] or table.plain)
            if rng.random() < 0.5 and base.type not in self.types:
                change["generated"] = column.generated = f"upper({base.sql})"
            body.setdefault("change", {})[column.name] = change
        elif table.automatic and "primary_key" not in body and table.key[0].name not in changed and rng.random() < 0.7:
            table.counter = not table.counter
            body.setdefault("change", {})[table.key[0].name] = {"auto_increment": table.counter}
        elif len(table.key) == 1 and table.key[0].name not in changed and not self.schema.children(table):
            key = table.key[0]
            if any(k.parent is table for k in table.keys) or table.counter or "primary_key" in body or table.strict:
                return
            key.kind = key.type = "text"
            body.setdefault("change", {})[key.name] = {"type": "text"}
        else:
            body["comment"] = "as it was told"
