"""The statements that schema changes are made of: small constructors and fixed sequences."""

from __future__ import annotations

from collections.abc import Iterable

from engine.dialects.shared.frames import Syntax
from engine.dialects.shared.statements import Statements, ddl
from engine.dialects.sqlite.sql import literal_sql, quote
from engine.dialects.sqlite.tokens import binds_of
from engine.model.plan import Guard, Statement

__all__ = [
    "FOREIGN_KEYS_OFF",
    "FOREIGN_KEYS_ON",
    "LEGACY_OFF",
    "LEGACY_ON",
    "SYNTAX",
    "TICK",
    "ddl",
    "question",
    "rename_quietly",
    "restore_texts",
    "rows",
    "taken_guard",
    "text_guard",
]

TICK = "engine_tick"
FOREIGN_KEYS_OFF = Statement("PRAGMA foreign_keys = OFF", "setting", "setting")
FOREIGN_KEYS_ON = Statement("PRAGMA foreign_keys = ON", "setting", "setting")
LEGACY_ON = Statement("PRAGMA legacy_alter_table = ON", "setting", "setting")
LEGACY_OFF = Statement("PRAGMA legacy_alter_table = OFF", "setting", "setting")


_MADE = Statements(binds_of)
rows, question = _MADE.rows, _MADE.question


SYNTAX = Syntax(
    quote=quote,
    literal=lambda literal, type: literal_sql(literal),
    question=question,
    always="1",
    names_derived=False,
    equal=lambda a, b: f"{a} IS {b}",
    same=lambda a, b: f"{a} COLLATE BINARY IS {b} AND typeof({a}) = typeof({b})",
)


def rename_quietly(name: str, to: str) -> tuple[Statement, ...]:
    """Return statements that rename a table while nothing follows it.

    Foreign keys of other tables follow all the same where enforcement is on:
    turn it off before the transaction, or see to it that there are none.
    """
    return (LEGACY_ON, ddl(f"ALTER TABLE {quote(name)} RENAME TO {quote(to)}"), LEGACY_OFF)


def restore_texts(texts: Iterable[tuple[str, str, str]]) -> tuple[Statement, ...]:
    """Return statements that put `(type, name, text)` back into the catalogue, byte for byte.

    The table made and dropped at the end moves the schema cookie, so that other
    connections read the catalogue again; it also makes this one parse what was
    written, so that a malformed text fails here and not later.
    """
    updates = tuple(
        ddl(
            f"UPDATE sqlite_schema SET sql = {literal_sql(text)}"
            f" WHERE type = {literal_sql(type)} AND name = {literal_sql(name)}",
            "restore",
        )
        for type, name, text in texts
    )
    if not updates:
        return ()
    return (
        Statement("PRAGMA writable_schema = ON", "setting", "setting"),
        *updates,
        Statement("PRAGMA writable_schema = RESET", "setting", "setting"),
        ddl(f"CREATE TABLE {TICK} (x)", "restore"),
        ddl(f"DROP TABLE {TICK}", "restore"),
    )


def text_guard(type: str, name: str, table: str, text: str, words: str, *, skippable: bool = True) -> Guard:
    """Return a guard that counts 1 unless the object still has the text that the migration left."""
    return Guard(
        "schema",
        table,
        question(
            f"SELECT 1 - count(*) FROM sqlite_schema WHERE type = {literal_sql(type)}"
            f" AND name = {literal_sql(name)} AND sql = {literal_sql(text)}",
            "guard",
        ),
        None,
        words,
        skippable=skippable,
    )


def taken_guard(name: str) -> Guard:
    """Return a guard that counts what stands under a name that is to be used again."""
    return Guard(
        "taken",
        name,
        question(
            f"SELECT count(*) FROM sqlite_schema WHERE type IN ('table', 'index', 'view')"
            f" AND lower(name) = lower({literal_sql(name)})",
            "guard",
        ),
        None,
        f"the name `{name}` is taken again",
        skippable=False,
    )
