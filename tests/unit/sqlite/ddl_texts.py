"""Random CREATE TABLE texts in all the ways SQLite lets them be written, and what PRAGMAs say of them."""

from __future__ import annotations

import random
import re
import sqlite3
from functools import lru_cache
from typing import Any

from engine.dialects.base import Catalogue, CatalogueObject
from engine.dialects.sqlite.tokens import all_tokens, quote

NAMES = ("a", "b c", "end", "like", "key", 'x"y', "ü☃", "select", "it's", "temp", "Rowid", "match", "z,(")
_BARE = ("a", "end", "like", "key", "temp", "Rowid", "match", "ü☃")
_GAPS = (" ", " ", " ", "\n  ", "\t", " /* c, (' */ ", " -- it's \"(\n", "/**/")
_TYPES = (
    "",
    "INT",
    "integer",
    "TEXT",
    "BLOB",
    "REAL",
    "varchar(10)",
    "DECIMAL ( 10 , -2 )",
    "double precision",
    '"my type"',
    "[odd]",
    "unsigned big int (8)",
    "generated",
    "temp",
)
_DEFAULTS = (
    "1",
    "-1.5e3",
    "+ 7",
    "'it''s'",
    '"text"',
    "x'0aFF'",
    "null",
    "current_timestamp",
    "true",
    "foo",
    "(1 + (2))",
    "( 'a)' || \")\" )",
    ".5",
    "0x1F",
)
_ACTIONS = ("cascade", "SET NULL", "set  default", "restrict", "no action")
_STANDARD = ("INTEGER", "INT", "TEXT", "BLOB", "REAL", "ANY")
_CONFLICTS = ("", "", "", " on conflict fail", " ON CONFLICT replace")


class Texts:
    """Makes texts out of one source of chance."""

    def __init__(self, chance: random.Random, comments: bool = True) -> None:
        self.chance = chance
        self.comments = comments

    def gap(self) -> str:
        return self.chance.choice(_GAPS) if self.comments else " "

    def some(self, probability: float) -> bool:
        return self.chance.random() < probability

    def spell(self, name: str, strings: bool = True) -> str:
        ways = [quote(name), quote(name)]
        if "]" not in name:
            ways.append(f"[{name}]")
        ways.append("`" + name.replace("`", "``") + "`")
        if strings:
            ways.append("'" + name.replace("'", "''") + "'")
        if name in _BARE:
            ways += [name, name.upper() if name.isascii() else name]
        return self.chance.choice(ways)

    def join(self, *parts: str) -> str:
        return "".join(part + self.gap() for part in parts if part)

    def named(self) -> str:
        return self.join("constraint", self.spell(self.chance.choice(NAMES))) if self.some(0.3) else ""

    def expression(self, names: list[str]) -> str:
        first, second = (self.spell(self.chance.choice(names), strings=False) for _ in range(2))
        return self.chance.choice(
            (
                f"{first} > 0",
                f"{first} is not null and {second} not like 'x%'",
                f"case when {first} then {second} else 0 end",
                f"cast({first} as text) <> ')'",
                f"length({first}) < 9 or {second}{self.gap()}in (1, 2)",
                f"{first} collate nocase = 'a(' or {second} between 1 and 2",
                f"{self.spell('t', strings=False)}.{first} <> {second}",
            )
        )

    def reference(self, names: list[str]) -> str:
        own = self.some(0.2)
        text = self.join("references", self.spell("t" if own else "p q"))
        if own:
            text += f"({self.spell(self.chance.choice(names))})" + self.gap()
        elif self.some(0.5):
            text += f"({self.spell('id')})" + self.gap()
        for event in ("delete", "UPDATE"):
            if self.some(0.4):
                text += self.join("on", event, self.chance.choice(_ACTIONS))
        if self.some(0.1):
            text += self.join("match", "full")
        if self.some(0.3):
            text += self.chance.choice(("", "not ")) + "deferrable" + self.gap()
            text += self.chance.choice(("", "initially deferred ", "INITIALLY immediate "))
        return text

    def column(self, name: str, names: list[str], inline_key: bool) -> str:
        parts: list[str] = []
        generated = self.some(0.15) and names.index(name) > 0
        if inline_key and not generated:
            order = self.chance.choice(("", "asc", "DESC"))
            parts.append(self.join("primary", "key", order) + self.chance.choice(_CONFLICTS))
        if generated:
            head = self.chance.choice(("generated always as", "as", "GENERATED  ALWAYS /**/ AS"))
            body = self.expression([n for n in names if n != name])
            parts.append(f"{head}{self.gap()}( {body} ) {self.chance.choice(('', 'stored', 'VIRTUAL'))}")
        elif self.some(0.4):
            parts.append(self.join("default", self.chance.choice(_DEFAULTS)))
        if self.some(0.3):
            parts.append(self.join("not", "null") + self.chance.choice(_CONFLICTS))
        if self.some(0.1):
            parts.append("NULL")
        if self.some(0.2):
            parts.append("unique" + self.chance.choice(_CONFLICTS))
        if self.some(0.2):
            parts.append(self.join("check", f"({self.expression(names)})"))
        if self.some(0.2):
            parts.append(self.join("collate", self.chance.choice(("nocase", "'rtrim'", '"BINARY"'))))
        if self.some(0.2) and not generated:
            parts.append(self.reference(names))
        self.chance.shuffle(parts)
        # SQLite takes a quoted type before GENERATED ALWAYS for one with an odd name
        types = [type for type in _TYPES if not (generated and type.startswith(('"', "[")))]
        head = self.join(self.spell(name), self.chance.choice(types))
        return head + "".join(self.named() + part + self.gap() for part in parts)

    def constraint(self, names: list[str], key: bool) -> str:
        columns = self.chance.sample(names, self.chance.randint(1, min(3, len(names))))
        listed = ",".join(self.gap() + self.spell(c) + self.gap() for c in columns)
        ordered = ",".join(
            self.spell(c) + self.chance.choice(("", " desc", " collate nocase", " COLLATE binary ASC "))
            for c in columns
        )
        if key:
            return self.named() + self.join("primary", "key", f"({ordered})") + self.chance.choice(_CONFLICTS)
        kind = self.chance.choice(("unique", "check", "foreign"))
        if kind == "unique":
            return self.named() + self.join("unique", f"({ordered})") + self.chance.choice(_CONFLICTS)
        if kind == "check":
            return self.named() + self.join("check", f"({self.expression(names)})")
        columns = columns[:1]
        listed = self.gap() + self.spell(columns[0])
        return self.named() + self.join("foreign", "key", f"({listed})") + self.reference(names)

    def table(self, name: str = "t") -> str:
        """Return the text of a table; SQLite refuses some of them."""
        names = self.chance.sample(NAMES, self.chance.randint(1, 5))
        key = self.chance.choice(("inline", "table", "", ""))
        keyed = self.chance.choice(names)
        items = [self.column(n, names, key == "inline" and n == keyed) for n in names]
        constraints = [self.constraint(names, False) for _ in range(self.chance.choice((0, 0, 1, 2)))]
        if key == "table":
            constraints.insert(self.chance.randint(0, len(constraints)), self.constraint(names, True))
        tail = self.chance.choice((" ", ",")).join(constraints) if constraints else ""
        options = self.chance.choice(("", "", "", " strict", "without rowid", "without/**/ROWID , STRICT"))
        items_text = ("," + self.gap()).join(items + ([tail] if tail else []))
        head = self.join("create", "table", self.spell(name))
        return f"{head}({self.gap()}{items_text}){self.gap()}{options}"


@lru_cache
def accepted(count: int) -> tuple[tuple[int, str], ...]:
    """Return the texts that SQLite takes, of `count` random ones, as it keeps them, with their seeds."""
    found = []
    for seed in range(count):
        made = connection()
        text = create(made, Texts(random.Random(seed)).table())
        made.close()
        if text is not None:
            found.append((seed, text))
    return tuple(found)


def connection() -> sqlite3.Connection:
    """Return a database with the table that foreign keys refer to."""
    made = sqlite3.connect(":memory:", isolation_level=None)
    made.execute('CREATE TABLE "p q"(id INTEGER PRIMARY KEY)')
    return made


def create(made: sqlite3.Connection, text: str) -> str | None:
    """Create the table `t`; return its text in the catalogue, or None where SQLite refuses it."""
    try:
        made.execute(text)
    except sqlite3.OperationalError:
        return None
    return text_of(made, "t")


def text_of(made: sqlite3.Connection, table: str) -> str:
    """Return the text of a table."""
    query = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?"
    return str(made.execute(query, (table,)).fetchone()[0])


def catalogue(made: sqlite3.Connection) -> Catalogue:
    """Return what a database prints about itself."""
    rows = made.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema ORDER BY rowid").fetchall()
    return Catalogue(tuple(CatalogueObject(*row) for row in rows))


def plain(type: str) -> str:
    """Return a type as PRAGMAs compare: no comments, one blank, standard names in capitals."""
    text = "".join(" " if t.kind in ("comment", "space") else t.text for t in all_tokens(type))
    text = re.sub(r"\s+", " ", text).strip()
    return text.upper() if text.upper() in _STANDARD else text


def facts(made: sqlite3.Connection, table: str = "t") -> dict[str, Any]:
    """Return what PRAGMAs say of a table: columns, foreign keys, columns of its unique keys."""
    rows = made.execute(f"PRAGMA table_xinfo({quote(table)})").fetchall()
    columns = [(row[1], plain(row[2]), *row[3:]) for row in rows]  # SQLite keeps comments in types
    rows = made.execute(f"PRAGMA foreign_key_list({quote(table)})").fetchall()
    keys: dict[int, list[tuple[object, ...]]] = {}
    for row in sorted(rows, key=lambda row: (-row[0], row[1])):
        keys.setdefault(row[0], []).append(tuple(row[2:7]))
    unique = set()
    for row in made.execute(f"PRAGMA index_list({quote(table)})").fetchall():
        if row[3] in ("u", "pk"):
            unique.add((row[3], tuple(part[2] for part in made.execute(f"PRAGMA index_info({quote(row[1])})"))))
    return {"columns": columns, "foreign keys": list(keys.values()), "unique": unique}
