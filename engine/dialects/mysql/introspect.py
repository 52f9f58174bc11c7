"""What a MariaDB database says about itself → `MySchema`. Pure but for the queries that it is given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from engine.dialects.mysql.schema import MyColumn, MyConstraint, MyIndex, MySchema, MyTable, MyTrigger, MyView
from engine.dialects.mysql.sql import columns_sql, quote
from engine.dialects.mysql.tokens import tokens
from engine.dialects.shared.ledger_sql import is_engines
from engine.errors import DatabaseError

Ask = Callable[[str], Sequence[Sequence[Any]]]

_OF = "WHERE table_schema = database()"
TABLES = (
    "SELECT table_name, table_type, engine, table_comment, create_options, table_collation"
    f" FROM information_schema.tables {_OF} ORDER BY table_name"
)
COLUMNS = (
    "SELECT table_name, column_name, column_type, is_nullable, column_default, extra, collation_name, column_comment,"
    f" generation_expression FROM information_schema.columns {_OF} ORDER BY table_name, ordinal_position"
)
INDEXES = (
    "SELECT table_name, index_name, non_unique, column_name, sub_part, collation, index_type, ignored"
    f" FROM information_schema.statistics {_OF} ORDER BY table_name, index_name, seq_in_index"
)
FOREIGN = (
    "SELECT k.table_name, k.constraint_name, k.column_name, k.referenced_table_name, k.referenced_column_name,"
    " r.delete_rule, r.update_rule FROM information_schema.key_column_usage AS k"
    " JOIN information_schema.referential_constraints AS r ON r.constraint_schema = k.constraint_schema"
    " AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name"
    " WHERE k.table_schema = database() AND k.referenced_table_name IS NOT NULL"
    " ORDER BY k.table_name, k.constraint_name, k.ordinal_position"
)
CHECKS = (
    "SELECT table_name, constraint_name, check_clause, level FROM information_schema.check_constraints"
    " WHERE constraint_schema = database() ORDER BY table_name, constraint_name"
)
VIEWS = "SELECT table_name, view_definition FROM information_schema.views WHERE table_schema = database()"
TRIGGERS = (
    "SELECT trigger_name, event_object_table, event_manipulation, action_timing, sql_mode, character_set_client,"
    " collation_connection FROM information_schema.triggers WHERE trigger_schema = database()"
    " ORDER BY event_object_table, event_manipulation, action_timing, action_order"
)


def read(ask: Ask) -> tuple[MySchema, tuple[str, ...]]:
    """Return the schema, and the names of the engine's own tables that stand."""
    columns: dict[str, list[MyColumn]] = defaultdict(list)
    for row in ask(COLUMNS):
        columns[str(row[0])].append(_column(row))
    constraints: dict[str, list[MyConstraint]] = defaultdict(list)
    indexes = _indexes(ask(INDEXES), constraints)
    _foreign(ask(FOREIGN), constraints)
    odd: dict[str, set[str]] = defaultdict(set)
    for table, name, clause, level in ask(CHECKS):
        if level == "Column":
            odd[str(table)].add("a check on a column, which belongs to its definition")
        constraints[str(table)].append(MyConstraint(str(name), "c", (), f"CHECK ({clause})"))
    texts = {str(name): {t.name for t in tokens(str(text or "")) if t.is_name} for name, text in ask(VIEWS)}
    tables, views, taken = [], [], []
    known = {str(row[0]) for row in ask(TABLES)}
    for name, kind, engine, comment, options, _ in ask(TABLES):
        if is_engines(str(name)):
            taken.append(str(name))
        elif kind == "VIEW":
            reads = tuple(sorted(known & texts.get(str(name), set())))
            shown = tuple((c.name, c.type) for c in columns[name])
            views.append(MyView(str(name), shown, reads, *_view(ask, str(name))))
        else:
            features = set(odd[name])
            if kind != "BASE TABLE":
                features.add(f"the kind {str(kind).lower()}")
            if str(engine).lower() != "innodb":
                features.add(f"the storage engine {engine}, which has no transactions or other rules")
            if "partitioned" in str(options or ""):
                features.add("partitions")
            others = {c.collate.partition("_")[0] for c in columns[name] if c.collate} - {"utf8mb4"}
            features.update(f"text in {charset}" for charset in others)
            tables.append(
                MyTable(name, tuple(columns[name]), tuple(constraints[name]), comment or "", tuple(sorted(features)))
            )
    triggers = [
        MyTrigger(str(n), str(t), str(e).lower(), str(at).lower(), _shown(ask, "TRIGGER", str(n))[2], m, cs, co)
        for n, t, e, at, m, cs, co in ask(TRIGGERS)
    ]
    own = [i for i in indexes if not is_engines(i.table)]
    return MySchema(tuple(tables), tuple(own), tuple(views), tuple(triggers)), tuple(taken)


# The server writes a view's text with backslashes before what a literal holds, in whatever mode it is asked.
_PRINTED = "ANSI_QUOTES"


def _view(ask: Ask, name: str) -> tuple[str, str, str, str]:
    _, text, charset, collation = _shown(ask, "VIEW", name)
    return str(text), _PRINTED, str(charset), str(collation)


def _shown(ask: Ask, kind: str, name: str) -> Sequence[Any]:
    """Return what SHOW CREATE says; empty texts where the user has not the right to see it."""
    try:
        return ask(f"SHOW CREATE {kind} {quote(name)}")[0]
    except DatabaseError:
        return ("", "", "", "")


def _column(row: Sequence[Any]) -> MyColumn:
    _, name, type, nullable, default, extra, collate, comment, generated = row
    words = str(extra or "").lower()
    default = None if default == "NULL" or generated else default
    touched = words.partition("on update ")[2]
    return MyColumn(
        str(name),
        str(type),
        nullable == "NO",
        default,
        "auto_increment" in words,
        generated or None,
        "stored" in words or "persistent" in words,
        str(collate or ""),
        str(comment or ""),
        touched,
    )


def _indexes(found: Sequence[Sequence[Any]], constraints: dict[str, list[MyConstraint]]) -> list[MyIndex]:
    groups: dict[tuple[str, str], list[Sequence[Any]]] = defaultdict(list)
    for row in found:
        groups[str(row[0]), str(row[1])].append(row)
    indexes = []
    for (table, name), rows in groups.items():
        names = tuple(str(row[3]) for row in rows)
        if name == "PRIMARY":
            constraints[table].insert(0, MyConstraint(name, "p", names, f"PRIMARY KEY ({columns_sql(names)})"))
            continue
        parts = ", ".join(
            quote(str(row[3])) + (f"({row[4]})" if row[4] else "") + (" DESC" if row[5] == "D" else "") for row in rows
        )
        kind = str(rows[0][6]) if rows[0][6] in ("FULLTEXT", "SPATIAL") else ""
        whole = not any(row[4] for row in rows) and not kind
        indexes.append(MyIndex(name, table, names, not rows[0][2], parts, whole, kind))
    return indexes


def _foreign(found: Sequence[Sequence[Any]], constraints: dict[str, list[MyConstraint]]) -> None:
    groups: dict[tuple[str, str], list[Sequence[Any]]] = defaultdict(list)
    for row in found:
        groups[str(row[0]), str(row[1])].append(row)
    for (table, name), rows in groups.items():
        mine, theirs = tuple(str(r[2]) for r in rows), tuple(str(r[4]) for r in rows)
        to, on_delete, on_update = str(rows[0][3]), str(rows[0][5]), str(rows[0][6])
        constraints[table].append(foreign_key(name, mine, to, theirs, on_delete, on_update))


def foreign_key(
    name: str, mine: tuple[str, ...], to: str, theirs: tuple[str, ...], on_delete: str, on_update: str
) -> MyConstraint:
    """Return a foreign key with its text. To the server RESTRICT and NO ACTION are the same, and the default."""
    rules = [("DELETE", on_delete), ("UPDATE", on_update)]
    sql = f"FOREIGN KEY ({columns_sql(mine)}) REFERENCES {quote(to)} ({columns_sql(theirs)})"
    sql += "".join(f" ON {event} {rule}" for event, rule in rules if rule not in ("RESTRICT", "NO ACTION"))
    return MyConstraint(name, "f", mine, sql, to, theirs, on_delete, on_update)
