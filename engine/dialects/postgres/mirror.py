"""A schema without rows beside the real one, in a transaction that is rolled back: what is tried there locks nothing.

Tables, views, indexes and triggers are made from the catalogue's texts in a schema that comes first in the search
path; types, functions and sequences are the real ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.dialects.postgres.definition import column_sql, constraint_sql
from engine.dialects.postgres.schema import PgIndex, PgSchema, PgTable, PgTrigger, PgView
from engine.dialects.postgres.sql import literal_sql, quote
from engine.dialects.postgres.tokens import edit, tokens
from engine.model.state import fold

NAME = "engine_mirror"


def opening(number: int) -> tuple[str, ...]:
    """Return the statements that begin a mirror; `number` makes its name one of its own."""
    name = f"{NAME}_{number}"
    return (
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        "SET LOCAL lock_timeout = '500ms'",
        "SET LOCAL statement_timeout = '10s'",
        f"CREATE SCHEMA {name}",
        "SELECT pg_catalog.set_config('search_path', "
        f"{literal_sql(f'{name}, ')} || pg_catalog.current_setting('search_path'), true)",
    )


def mirrored(schema: PgSchema, wanted: Iterable[str] | None = None) -> Iterator[str]:
    """Yield the statements that make the mirror of `schema`.

    Args:
        wanted: folded names that statements spell: what they, and foreign keys and views of those, need is made.
            None for all.
    """
    names = _needed(schema, set(wanted)) if wanted is not None else {fold(r.name) for r in schema.relations}
    tables = [t for t in schema.tables if fold(t.name) in names]
    for table in tables:
        parts = [column_sql(c) for c in table.columns] + [constraint_sql(c) for c in table.constraints if c.kind != "f"]
        parts = [p.removesuffix(" NOT VALID") for p in parts]
        yield f"CREATE TABLE {quote(table.name)} ({', '.join(parts)})"
    for table in tables:
        for key in table.constraints:
            if key.kind == "f" and schema.table(key.to_table):  # one to another schema would lock the real table
                yield f"ALTER TABLE {quote(table.name)} ADD {constraint_sql(key)}"
    views = [v for v in schema.views if fold(v.name) in names]
    for view in _in_order(views):
        kind, tail = ("MATERIALIZED VIEW", " WITH NO DATA") if view.materialized else ("VIEW", "")
        yield f"CREATE {kind} {quote(view.name)} AS {view.sql}{tail}"
    for one in _standing(schema):
        if fold(one.table) in names:
            yield _unqualified(one, schema.name)


def _standing(schema: PgSchema) -> tuple[PgIndex | PgTrigger, ...]:
    return (*schema.indexes, *schema.triggers)


def _needed(schema: PgSchema, wanted: set[str]) -> set[str]:
    """Return the folded names of relations that statements with these names may touch, and what those refer to."""
    found = {fold(r.name) for r in schema.relations} & wanted
    found |= {fold(i.table) for i in _standing(schema) if fold(i.name) in wanted}
    found |= {fold(t.name) for t in schema.tables if any(fold(c.name) in wanted for c in t.constraints)}
    todo = list(found)
    while todo:
        name = todo.pop()
        one: PgTable | PgView | None = schema.table(name) or schema.view(name)
        more = [c.to_table for c in one.constraints if c.kind == "f"] if isinstance(one, PgTable) else []
        more += one.reads if isinstance(one, PgView) else []
        fresh = {fold(n) for n in more} - found
        found |= fresh
        todo += fresh
    return found


def _in_order(views: list[PgView]) -> list[PgView]:
    """Return views so that each stands after those that it reads."""
    left, done = list(views), list[PgView]()
    while left:
        waiting = {fold(v.name) for v in left}
        ready = [v for v in left if not ({fold(r) for r in v.reads} - {fold(v.name)}) & waiting] or left
        done += ready
        left = [v for v in left if v not in ready]
    return done


def _unqualified(one: PgIndex | PgTrigger, schema: str) -> str:
    """Return a definition whose table is looked up by the search path: the catalogue's functions name its schema."""
    found = tokens(one.sql)
    for place, token in enumerate(found[:-3]):
        after = place + (2 if found[place + 1].is_word("ONLY") else 1)
        if token.is_word("ON") and found[after].is_name and found[after + 1].text == ".":
            if found[after].name == schema:
                return edit(one.sql, [(token.end, found[after + 1].end, " ")])
            break
    return one.sql
