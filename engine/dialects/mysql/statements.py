"""Small constructors of statements, and the questions by which it is told whether one was done."""

from __future__ import annotations

from dataclasses import replace

from engine.dialects.mysql.sql import literal_for, literal_sql, quote
from engine.dialects.mysql.tokens import binds_of
from engine.dialects.shared.frames import Syntax
from engine.dialects.shared.statements import Statements, ddl
from engine.model.plan import Guard, Statement

_MADE = Statements(binds_of)
rows, question = _MADE.rows, _MADE.question

SYNTAX = Syntax(
    quote=quote,
    literal=literal_for,
    question=question,
    always="TRUE",
    names_derived=True,
    equal=lambda a, b: f"{a} <=> {b}",
    same=lambda a, b: f"CAST({a} AS BINARY) <=> CAST({b} AS BINARY)",
)
_HERE = "table_schema = database()"


def probed(sql: str, done: str, purpose: str = "change") -> Statement:
    """Return a schema statement with the question whether it was done (1) or not (0)."""
    return replace(ddl(sql, purpose), done=done)


def table_there(name: str) -> str:
    """Return the question whether there is a table or view of this name."""
    return f"SELECT count(*) FROM information_schema.tables WHERE {_HERE} AND table_name = {literal_sql(name)}"


def table_gone(name: str) -> str:
    """Return the question whether there is no table or view of this name."""
    return f"SELECT 1 - count(*) FROM information_schema.tables WHERE {_HERE} AND table_name = {literal_sql(name)}"


def index_there(table: str, name: str) -> str:
    """Return the question whether a table has an index of this name."""
    return _index("count(DISTINCT index_name)", table, name)


def index_gone(table: str, name: str) -> str:
    """Return the question whether a table has no index of this name."""
    return _index("1 - count(DISTINCT index_name)", table, name)


def _index(what: str, table: str, name: str) -> str:
    return (
        f"SELECT {what} FROM information_schema.statistics WHERE {_HERE}"
        f" AND table_name = {literal_sql(table)} AND index_name = {literal_sql(name)}"
    )


def column_there(table: str, name: str) -> str:
    """Return the question whether a table has a column of this name."""
    return _column("count(*)", table, name)


def column_gone(table: str, name: str) -> str:
    """Return the question whether a table has no column of this name."""
    return _column("1 - count(*)", table, name)


def _column(what: str, table: str, name: str) -> str:
    return (
        f"SELECT {what} FROM information_schema.columns WHERE {_HERE}"
        f" AND table_name = {literal_sql(table)} AND column_name = {literal_sql(name)}"
    )


def index_anywhere(name: str) -> str:
    """Return the question whether a table has an index of this name."""
    return (
        "SELECT count(DISTINCT index_name) FROM information_schema.statistics"
        f" WHERE {_HERE} AND index_name = {literal_sql(name)}"
    )


def constraint_there(table: str, name: str) -> str:
    """Return the question whether a table has a constraint of this name."""
    return _constraint("count(*)", table, name)


def constraint_gone(table: str, name: str) -> str:
    """Return the question whether a table has no constraint of this name."""
    return _constraint("1 - count(*)", table, name)


def _constraint(what: str, table: str, name: str) -> str:
    return (
        f"SELECT {what} FROM information_schema.table_constraints WHERE {_HERE}"
        f" AND table_name = {literal_sql(table)} AND constraint_name = {literal_sql(name)}"
    )


def trigger_there(name: str) -> str:
    """Return the question whether there is a trigger of this name."""
    return _trigger("count(*)", name)


def trigger_gone(name: str) -> str:
    """Return the question whether there is no trigger of this name."""
    return _trigger("1 - count(*)", name)


def _trigger(what: str, name: str) -> str:
    return (
        f"SELECT {what} FROM information_schema.triggers"
        f" WHERE trigger_schema = database() AND trigger_name = {literal_sql(name)}"
    )


def trigger_guard(name: str, table: str) -> Guard:
    """Return a guard that looks whether a trigger's name is taken again."""
    words = f"there is a trigger `{name}` again"
    return Guard("taken", table, question(trigger_there(name), "guard"), None, words, skippable=False, looks=())


def taken_guard(name: str) -> Guard:
    """Return a guard that counts what stands under a name that is to be used again."""
    words = f"the name `{name}` is taken again"
    return Guard("taken", name, question(table_there(name), "guard"), None, words, skippable=False)
