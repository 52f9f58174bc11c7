"""Names, values and types as MariaDB spells them in the engine's session (ANSI_QUOTES, no backslashes). Pure text."""

from __future__ import annotations

import re

from engine.dialects.shared import sql as shared
from engine.errors import Path, Problem
from engine.model.expression import Literal, PerDialect

DIALECT = "mariadb"
MAX_NAME = 64  # characters
BINARY = "utf8mb4_nopad_bin"
"""Collation of the text that the engine makes: equal means equal in every character, trailing spaces too."""

PREFIX = 191
"""Characters of a long text that an index holds: with four bytes each they fit everywhere."""

# Whoever connects, the same text means the same: names in double quotes, || joins text, a value that does not fit
# is an error, a division by zero too.
SQL_MODE = (
    "ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO,SIMULTANEOUS_ASSIGNMENT"
)

# Portable spelling → the one that the server prints.
_TYPES = {
    "boolean": "tinyint(1)",
    "bool": "tinyint(1)",
    "smallint": "smallint(6)",
    "integer": "int(11)",
    "int": "int(11)",
    "bigint": "bigint(20)",
    "decimal": "decimal",
    "numeric": "decimal",
    "real": "float",
    "float": "float",
    "double": "double",
    "double precision": "double",
    "text": "text",
    "varchar": "varchar",
    "char": "char",
    "blob": "longblob",
    "date": "date",
    "time": "time(6)",
    "timestamp": "datetime(6)",
    "timestamptz": "timestamp(6)",
    "uuid": "char(36)",
}
_TYPE = re.compile(r"\s*(?P<name>[A-Za-z][A-Za-z0-9_ ]*?)\s*(?P<size>\([\s\d,]*\))?\s*")
_WHOLE = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})
_NUMERIC = _WHOLE | {"decimal", "float", "double"}
_TEXT = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"})
_LONG = frozenset({"tinytext", "text", "mediumtext", "longtext", "tinyblob", "blob", "mediumblob", "longblob"})

quote, columns_sql = shared.quote, shared.columns_sql


def literal_sql(value: shared.Value) -> str:
    """Return a value as a SQL literal; a `Literal` keeps its spelling where that is a number."""
    return shared.literal(value, ("1", "0"))


def literal_for(value: Literal, type: str) -> str:
    """Return a literal in the type of the column it goes to."""
    plain = value.value
    if plain is None or isinstance(plain, (bool, str)) or base_type(type) in _NUMERIC or not type:
        return literal_sql(value)
    return literal_sql(literal_sql(value))  # a number for a text column, with its spelling


def type_sql(type: PerDialect, path: Path) -> str:
    """Return a column's type.

    Raises:
        Problem: SP111 the spec gives none, or json; SP110 it is no type.
    """
    given = type.given_for(DIALECT)
    if given is not None:
        return canonical(_seen(given, path))
    if type.text is None:
        raise Problem("SP111", "there is no type for mariadb among those given", path, hint="add `mariadb: …`")
    if type.text.strip().lower() in ("json", "jsonb"):
        words = "columns of JSON, which is text with a check on MariaDB, are not handled yet"
        raise Problem("SP111", words, path, hint="use `text`")
    return canonical(_seen(type.text, path))


def _seen(text: str, path: Path) -> str:
    if not re.fullmatch(r"[\w ]+(\([\w ,']*\))?[\w ]*", text):
        raise Problem("SP110", f"`{text}` is no type", path)
    if text.lower() == "serial":
        raise Problem("SP111", "`serial` is a type with a counter", path, hint="write `auto_increment: true`")
    return text


def canonical(text: str) -> str:
    """Return a type in the server's spelling; one that is not known stays as it is."""
    match = _TYPE.fullmatch(text)
    if match is None:
        return text.strip()
    base = _TYPES.get(re.sub(r"\s+", " ", match["name"].lower()))
    if base is None:
        return text.strip().lower()
    size = re.sub(r"\s+", "", match["size"] or "")
    if base == "decimal":
        size = size or "(10,0)"
        return base + (size if "," in size else size[:-1] + ",0)")
    if base == "char" and not size:
        size = "(1)"
    return base if "(" in base else base + size


def base_type(type: str) -> str:
    """Return a type without its size."""
    return re.sub(r"\(.*?\)", "", type).strip().split(" ")[0].lower()


def is_number(type: str) -> bool:
    """Tell whether a type is one of numbers."""
    return base_type(type) in _NUMERIC


def is_text(type: str) -> bool:
    """Tell whether a type is one of text."""
    return base_type(type) in _TEXT


def is_long(type: str) -> bool:
    """Tell whether a type is one of which an index holds the beginning only."""
    return base_type(type) in _LONG


def collated(type: str, collate: str) -> str:
    """Return a type with the collation that its text is kept in."""
    return f"{type} CHARACTER SET utf8mb4 COLLATE {collate}" if collate and is_text(type) else type


def plain_type(type: str) -> str:
    """Return a type without its size, for the text that states are compared by."""
    return base_type(type)


def same(left: str, right: str, type: str) -> str:
    """Return the condition that two values of `type` are the same in everything: a collation says less."""
    if is_text(type) or not type:
        return f"CAST({left} AS BINARY) <=> CAST({right} AS BINARY)"
    return f"{left} <=> {right}"


def differs(left: str, right: str, type: str) -> str:
    """Return the condition that two values of `type` differ in anything."""
    return f"NOT ({same(left, right, type)})"


def key_shown(column: str, type: str) -> str:
    """Return a key's column as text, exactly."""
    if base_type(type) in ("binary", "varbinary"):
        return f"HEX({column})"
    return column if is_text(type) else f"CAST({column} AS CHAR)"


def key_bound(parameter: str, type: str) -> str:
    """Return a parameter, which is text, as a value of a key's type: a text beside a number would be a double."""
    base = base_type(type)
    if base in _WHOLE:
        return f"CAST({parameter} AS {'UNSIGNED' if 'unsigned' in type else 'SIGNED'})"
    if base == "decimal":
        return f"CAST({parameter} AS {type.removesuffix(' unsigned')})"
    if base in ("binary", "varbinary"):
        return f"UNHEX({parameter})"
    return parameter


def can_be_key(type: str) -> bool:
    """Tell whether rows can be walked by a column of this type, exactly."""
    return base_type(type) in _WHOLE | _TEXT - {"enum", "set"} | {
        "decimal",
        "binary",
        "varbinary",
        "date",
        "time",
        "datetime",
    }
