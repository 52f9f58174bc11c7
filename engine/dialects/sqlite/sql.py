"""Names, values, types and expressions as SQLite spells them. Pure text."""

from __future__ import annotations

import re

from engine.dialects.shared import sql as shared
from engine.errors import Path, Problem
from engine.model.expression import Expression, Literal, Parse, PerDialect, Sql

DIALECT = "sqlite"

_PORTABLE = {
    "boolean": "BOOLEAN",
    "smallint": "INTEGER",
    "integer": "INTEGER",
    "bigint": "INTEGER",
    "decimal": "DECIMAL",
    "real": "REAL",
    "double": "REAL",
    "text": "TEXT",
    "varchar": "VARCHAR",
    "char": "CHAR",
    "blob": "BLOB",
    "date": "TEXT",
    "time": "TEXT",
    "timestamp": "TEXT",
    "timestamptz": "TEXT",
    "json": "TEXT",
    "uuid": "TEXT",
}
_STRICT = {"BOOLEAN": "INTEGER", "DECIMAL": "REAL", "VARCHAR": "TEXT", "CHAR": "TEXT"}
_TYPE = re.compile(r"\s*(?P<name>[A-Za-z]+)\s*(?P<size>\([\s\d,]*\))?\s*")

quote, columns_sql = shared.quote, shared.columns_sql


def literal_sql(value: shared.Value) -> str:
    """Return a value as a SQL literal; a `Literal` keeps its spelling where that is a number."""
    return shared.literal(value, ("1", "0"), _text)


def _text(value: str) -> str:
    if "\0" in value:  # the library takes no NUL inside a statement
        return f"CAST(X'{value.encode('utf-8', 'surrogatepass').hex().upper()}' AS TEXT)"
    return shared.quoted_text(value)


def type_sql(type: PerDialect, strict: bool = False) -> str:
    """Return a column type as SQLite writes it.

    Args:
        type: a portable type, any other text (passed through), or one per database.
        strict: True for a STRICT table, which knows only five types and ANY.

    Raises:
        Problem: SP111 where the spec gives no type for SQLite.
    """
    given = type.given_for(DIALECT)
    if given is not None:
        return given
    if type.text is None:
        raise Problem("SP111", "there is no type for sqlite among those given", ("type",), hint="add `sqlite: …`")
    match = _TYPE.fullmatch(type.text)
    name = match["name"].lower() if match else ""
    if match is None or name not in _PORTABLE:
        return type.text
    base = _PORTABLE[name]
    if strict:
        return _STRICT.get(base, base)
    size = match["size"] or ""
    return base + re.sub(r"\s+", "", size) if base in ("DECIMAL", "VARCHAR", "CHAR") else base


def affinity(type: str, strict: bool = False) -> str:
    """Return the affinity that SQLite gives a declared type: INTEGER, TEXT, BLOB, REAL or NUMERIC.

    Engine tables are declared with it, so that they keep values as the column does.
    """
    upper = type.upper()
    if strict and upper == "ANY":
        return "BLOB"
    if "INT" in upper:
        return "INTEGER"
    if "CHAR" in upper or "CLOB" in upper or "TEXT" in upper:
        return "TEXT"
    if "BLOB" in upper or not upper.strip():
        return "BLOB"
    if "REAL" in upper or "FLOA" in upper or "DOUB" in upper:
        return "REAL"
    return "NUMERIC"


def zeros_differ(left: str, right: str, type: str, strict: bool = False) -> str:
    """Return ` OR …`: two zeros of which one may be -0.0; "" where the column holds no -0.0.

    SQL can't tell -0.0 from 0.0, so both count as changed. All but untyped columns make one of the other.
    """
    if affinity(type, strict) != "BLOB":
        return ""
    return f" OR (typeof({left}) = 'real' AND typeof({right}) = 'real' AND {left} = 0)"


def text_for_sqlite(sql: Sql, path: Path = ()) -> str:
    """Return the text of `sql` for SQLite; see `translate.text_for`."""
    from engine.dialects.sqlite.translate import text_for

    return text_for(sql, path)


def expression_sql(expression: Expression, path: Path = ()) -> str:
    """Return an expression as SQLite's own text.

    Literals are quoted, portable text is translated where SQLite lacks a function, and a `Parse`
    becomes a CASE. Names are not looked at: `expression.py` does that on a shadow.

    Raises:
        Problem: SP110, SP111 at `path`.
    """
    if isinstance(expression, Literal):
        return literal_sql(expression)
    if isinstance(expression, Parse):
        from engine.dialects.sqlite.parsing import parse_sql

        return parse_sql(expression, path)
    return text_for_sqlite(expression, path)
