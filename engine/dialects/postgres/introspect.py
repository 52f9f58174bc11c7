"""The catalogue's own words about one schema → `PgSchema`. One query per kind of object."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from engine.dialects.postgres.schema import (
    PgColumn,
    PgConstraint,
    PgEnum,
    PgFunction,
    PgIndex,
    PgSchema,
    PgTable,
    PgTrigger,
    PgUse,
    PgView,
)

Ask = Callable[[str], Sequence[Sequence[Any]]]

_HERE = "(SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = pg_catalog.current_schema())"
SCHEMA = "SELECT pg_catalog.current_schema()"
ENGINES = (
    "SELECT c.relname FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'r' AND (n.nspname = pg_catalog.current_schema() OR n.nspname = 'engine_aside')"
    " AND (c.relname = 'migration_history' OR c.relname LIKE 'engine\\_%') ORDER BY c.relname"
)


def _extras(**found: str) -> str:
    """Return SQL for the names of those conditions that hold, as an array."""
    cases = ", ".join(f"CASE WHEN {condition} THEN '{name.replace('_', ' ')}' END" for name, condition in found.items())
    return f"pg_catalog.array_remove(ARRAY[{cases}]::text[], NULL)"


def _comment(oid: str, kind: str) -> str:
    return f"pg_catalog.obj_description({oid}, '{kind}') IS NOT NULL"


_OTHERS = "pg_catalog.pg_get_userbyid({owner}) <> current_user"
RELATIONS = (
    "SELECT c.oid, c.relname, c.relkind, coalesce(pg_catalog.obj_description(c.oid, 'pg_class'), ''), c.relrowsecurity,"
    " c.relispartition, c.relpersistence, EXISTS (SELECT 1 FROM pg_catalog.pg_policy AS p WHERE p.polrelid = c.oid),"
    " EXISTS (SELECT 1 FROM pg_catalog.pg_inherits AS i WHERE c.oid IN (i.inhrelid, i.inhparent)),"
    " EXISTS (SELECT 1 FROM pg_catalog.pg_rewrite AS r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN'),"
    " EXISTS (SELECT 1 FROM pg_catalog.pg_statistic_ext AS e WHERE e.stxrelid = c.oid),"
    " CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid) ELSE '' END, "
    + _extras(
        grants="c.relacl IS NOT NULL",
        options="c.reloptions IS NOT NULL",
        another_owner=_OTHERS.format(owner="c.relowner"),
        settings_of_columns="EXISTS (SELECT 1 FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = c.oid"
        " AND a.attnum > 0 AND (a.attacl IS NOT NULL OR a.atthasdef"
        " OR pg_catalog.col_description(c.oid, a.attnum) IS NOT NULL))",
    )
    + f" FROM pg_catalog.pg_class AS c WHERE c.relnamespace = {_HERE} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')"
    " AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')"
    " ORDER BY c.oid"
)
COLUMNS = (
    "SELECT a.attrelid, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,"
    " pg_catalog.pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated,"
    " CASE WHEN a.attcollation <> t.typcollation THEN coalesce(k.collname, '') ELSE '' END,"
    " coalesce(pg_catalog.col_description(a.attrelid, a.attnum), ''), "
    + _extras(
        grants="a.attacl IS NOT NULL",
        options="EXISTS (SELECT 1 FROM unnest(a.attoptions) AS o WHERE o LIKE 'n\\_distinct%')",
        a_statistics_target="coalesce(a.attstattarget, -1) <> -1",
        a_storage="a.attstorage <> t.typstorage",
        a_compression="coalesce(pg_catalog.to_jsonb(a) ->> 'attcompression', '') <> ''",  # from 14 on
    )
    + " FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid"
    " JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid"
    " LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
    " LEFT JOIN pg_catalog.pg_collation AS k ON k.oid = a.attcollation"
    f" WHERE c.relnamespace = {_HERE} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0"
    " AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum"
)
_NAMES = (
    "ARRAY(SELECT a.attname::text FROM unnest({numbers}) WITH ORDINALITY AS k(n, o)"
    " JOIN pg_catalog.pg_attribute AS a ON a.attrelid = {table} AND a.attnum = k.n ORDER BY k.o)"
)
CONSTRAINTS = (
    "SELECT r.conrelid, r.conname, r.contype, pg_catalog.pg_get_constraintdef(r.oid),"
    f" {_NAMES.format(numbers='r.conkey', table='r.conrelid')}, "
    f" CASE WHEN f.relnamespace <> {_HERE} THEN f.relnamespace::pg_catalog.regnamespace || '.' ELSE '' END"
    " || coalesce(f.relname, ''),"
    f" {_NAMES.format(numbers='r.confkey', table='r.confrelid')},"
    " r.confdeltype, r.confupdtype, r.condeferrable, r.convalidated, "
    + _extras(
        a_comment=_comment("r.oid", "pg_constraint"),
        another_use="EXISTS (SELECT 1 FROM pg_catalog.pg_index AS x WHERE x.indexrelid = r.conindid"
        " AND r.contype <> 'f' AND (x.indisclustered OR x.indisreplident))",
    )
    + " FROM pg_catalog.pg_constraint AS r JOIN pg_catalog.pg_class AS c ON c.oid = r.conrelid"
    " LEFT JOIN pg_catalog.pg_class AS f ON f.oid = r.confrelid"
    f" WHERE c.relnamespace = {_HERE} AND r.contype IN ('p', 'u', 'c', 'f', 'x') ORDER BY r.conrelid, r.oid"
)
INDEXES = (
    "SELECT i.relname, t.relname, x.indisunique, pg_catalog.pg_get_expr(x.indpred, x.indrelid),"
    " pg_catalog.pg_get_indexdef(x.indexrelid), x.indisvalid,"
    " ARRAY(SELECT coalesce(a.attname, '')::text FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS k(n, o)"
    " LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = x.indrelid AND a.attnum = k.n AND k.n > 0"
    " WHERE k.o <= x.indnkeyatts ORDER BY k.o), "
    + _extras(
        a_comment=_comment("i.oid", "pg_class"),
        another_use="x.indisclustered OR x.indisreplident",
        a_tablespace="i.reltablespace <> 0",
        a_statistics_target="EXISTS (SELECT 1 FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = i.oid"
        " AND coalesce(a.attstattarget, -1) <> -1)",
    )
    + " FROM pg_catalog.pg_index AS x JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid"
    " JOIN pg_catalog.pg_class AS t ON t.oid = x.indrelid"
    f" WHERE t.relnamespace = {_HERE}"
    " AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint AS r WHERE r.conindid = x.indexrelid"
    " AND r.contype IN ('p', 'u', 'x')) ORDER BY i.oid"
)
# A function of another owner's rights, or with settings of its own, is not what it says.
_BODY = (
    "CASE WHEN (SELECT l.lanname FROM pg_catalog.pg_language AS l WHERE l.oid = p.prolang) IN ('plpgsql', 'sql')"
    " AND NOT p.prosecdef AND p.proconfig IS NULL THEN p.prosrc ELSE '' END"
)
FUNCTIONS = (
    f"SELECT p.proname, {_BODY} FROM pg_catalog.pg_proc AS p"
    " WHERE p.pronamespace NOT IN (SELECT n.oid FROM pg_catalog.pg_namespace AS n"
    " WHERE n.nspname IN ('pg_catalog', 'information_schema'))"
    f" AND EXISTS (SELECT 1 FROM pg_catalog.pg_trigger AS g JOIN pg_catalog.pg_class AS c ON c.oid = g.tgrelid"
    f" WHERE NOT g.tgisinternal AND c.relnamespace = {_HERE}) ORDER BY p.proname, p.oid"
)
TRIGGERS = (
    "SELECT g.tgname, c.relname, pg_catalog.pg_get_triggerdef(g.oid), p.proname,"
    " CASE WHEN (SELECT count(*) FROM pg_catalog.pg_trigger AS o WHERE o.tgfoid = g.tgfoid) = 1"
    f" THEN pg_catalog.pg_get_functiondef(p.oid) ELSE '' END, g.tgtype, {_BODY}, "
    + _extras(
        a_comment=f"{_comment('g.oid', 'pg_trigger')} OR {_comment('p.oid', 'pg_proc')}",
        another_state="g.tgenabled <> 'O'",
        grants="p.proacl IS NOT NULL",
        another_owner=_OTHERS.format(owner="p.proowner"),
    )
    + " FROM pg_catalog.pg_trigger AS g JOIN pg_catalog.pg_class AS c ON c.oid = g.tgrelid"
    " JOIN pg_catalog.pg_proc AS p ON p.oid = g.tgfoid"
    f" WHERE c.relnamespace = {_HERE} AND NOT g.tgisinternal ORDER BY g.oid"
)
ENUMS = (
    "SELECT t.typname, ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum AS e"
    " WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder), "
    + _extras(
        a_comment=_comment("t.oid", "pg_type"),
        grants="t.typacl IS NOT NULL",
        another_owner=_OTHERS.format(owner="t.typowner"),
    )
    + f" FROM pg_catalog.pg_type AS t WHERE t.typnamespace = {_HERE} AND t.typtype = 'e' ORDER BY t.oid"
)
READS = (
    "SELECT DISTINCT r.ev_class, t.relname FROM pg_catalog.pg_depend AS d"
    " JOIN pg_catalog.pg_rewrite AS r ON r.oid = d.objid AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass"
    " JOIN pg_catalog.pg_class AS t ON t.oid = d.refobjid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass"
    f" WHERE t.relnamespace = {_HERE} AND r.ev_class <> d.refobjid ORDER BY 1, 2"
)
# What hangs on a table or column beside keys, indexes, triggers and the schema's own views.
USES = (
    "SELECT DISTINCT d.refobjid, coalesce(a.attname, '')::text, CASE WHEN o.own THEN"
    " coalesce('policy ' || p.polname, 'statistics ' || e.stxname, 'rule ' || r.rulename)"
    " ELSE pg_catalog.pg_describe_object(d.classid, d.objid, 0) END, coalesce(o.own, false)"
    " FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_class AS c ON c.oid = d.refobjid"
    " LEFT JOIN pg_catalog.pg_attribute AS a"
    " ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND d.refobjsubid > 0"
    " LEFT JOIN pg_catalog.pg_policy AS p ON p.oid = d.objid AND d.classid = 'pg_catalog.pg_policy'::regclass"
    " LEFT JOIN pg_catalog.pg_statistic_ext AS e"
    " ON e.oid = d.objid AND d.classid = 'pg_catalog.pg_statistic_ext'::regclass"
    " LEFT JOIN pg_catalog.pg_rewrite AS r ON r.oid = d.objid AND d.classid = 'pg_catalog.pg_rewrite'::regclass"
    " LEFT JOIN pg_catalog.pg_class AS v ON v.oid = r.ev_class"
    " LEFT JOIN pg_catalog.pg_constraint AS k ON k.oid = d.objid AND d.classid = 'pg_catalog.pg_constraint'::regclass"
    " LEFT JOIN pg_catalog.pg_class AS m ON m.oid = k.conrelid"
    " CROSS JOIN LATERAL (SELECT coalesce(p.polrelid, e.stxrelid, r.ev_class) = d.refobjid AS own) AS o"
    f" WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND c.relnamespace = {_HERE}"
    " AND (p.oid IS NOT NULL OR e.oid IS NOT NULL OR d.classid = 'pg_catalog.pg_proc'::regclass"
    f" OR (r.oid IS NOT NULL AND NOT (r.rulename = '_RETURN' AND v.relnamespace = {_HERE}))"
    f" OR (k.contype = 'f' AND k.confrelid = d.refobjid AND m.relnamespace <> {_HERE})"
    " OR (d.classid = 'pg_catalog.pg_publication_rel'::regclass AND d.refobjsubid > 0)) ORDER BY 1, 2, 3"
)
_ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT", " ": "NO ACTION"}
_FEATURES: tuple[tuple[Callable[[Sequence[Any]], Any], str], ...] = (
    (lambda r: r[2] == "p" or r[5], "partitions"),
    (lambda r: r[2] == "f", "a foreign server"),
    (lambda r: r[4] or r[7], "row security"),
    (lambda r: r[8] and r[2] != "p" and not r[5], "inheritance"),
    (lambda r: r[9], "rules"),
    (lambda r: r[10], "statistics objects"),
    (lambda r: r[6] == "u", "UNLOGGED"),
)


def is_engines(name: str) -> bool:
    """Tell whether a table is one of the engine's own."""
    return name == "migration_history" or name.startswith("engine_")


def read(ask: Ask) -> tuple[PgSchema, tuple[str, ...]]:
    """Return the schema and the names of the engine's own tables."""
    columns: dict[int, list[PgColumn]] = defaultdict(list)
    for oid, name, type, solid, default, identity, generated, collate, comment, extras in ask(COLUMNS):
        made = default if generated else None
        columns[oid].append(
            PgColumn(name, type, solid, None if generated else default, identity, made, collate, comment, tuple(extras))
        )
    constraints: dict[int, list[PgConstraint]] = defaultdict(list)
    for oid, name, kind, sql, mine, to, theirs, on_delete, on_update, deferrable, valid, extras in ask(CONSTRAINTS):
        constraints[oid].append(
            PgConstraint(
                name,
                kind,
                tuple(mine),
                sql,
                to,
                tuple(theirs),
                _ACTIONS[on_delete],
                _ACTIONS[on_update],
                deferrable,
                valid,
                tuple(extras),
            )
        )
    reads: dict[int, list[str]] = defaultdict(list)
    for oid, table in ask(READS):
        reads[oid].append(table)
    uses: dict[int, list[PgUse]] = defaultdict(list)
    for oid, column, words, own in ask(USES):
        uses[oid].append(PgUse(column, words, own))
    tables: list[PgTable] = []
    views: list[PgView] = []
    others: list[str] = []
    for row in ask(RELATIONS):
        oid, name, kind, comment = row[:4]
        if is_engines(name):
            continue
        if kind == "S":
            others.append(name)
        elif kind in ("v", "m"):
            sql = str(row[11]).strip().rstrip(";")
            listed = tuple((c.name, c.type) for c in columns[oid])
            views.append(
                PgView(
                    name, listed, sql, kind == "m", False, comment, tuple(reads[oid]), tuple(row[12]), tuple(uses[oid])
                )
            )
        else:
            features = tuple(words for fits, words in _FEATURES if fits(row))
            tables.append(
                PgTable(name, tuple(columns[oid]), tuple(constraints[oid]), comment, features, tuple(uses[oid]))
            )
    indexes = [
        PgIndex(name, table, tuple(names), unique, where, sql, valid, False, tuple(extras))
        for name, table, unique, where, sql, valid, names, extras in ask(INDEXES)
        if not is_engines(table)
    ]
    triggers = [
        PgTrigger(name, table, sql, function, function_sql, _events(kind), False, tuple(extras), body)
        for name, table, sql, function, function_sql, kind, body, extras in ask(TRIGGERS)
        if not is_engines(table)
    ]
    enums = [PgEnum(name, tuple(values), tuple(extras)) for name, values, extras in ask(ENUMS)]
    ((here,),) = ask(SCHEMA)
    schema = PgSchema(
        tuple(tables),
        tuple(indexes),
        tuple(views),
        tuple(triggers),
        name=here or "public",
        enums=tuple(enums),
        others=tuple(others),
        functions=tuple(PgFunction(name, body) for name, body in ask(FUNCTIONS)),
    )
    return schema, tuple(name for (name,) in ask(ENGINES))


def _events(kind: int) -> tuple[str, ...]:
    bits = ((4, "insert"), (8, "delete"), (16, "update"), (32, "truncate"))
    return tuple(name for bit, name in bits if kind & bit)
