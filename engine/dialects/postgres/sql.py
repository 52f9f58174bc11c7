"""Names, values and types as PostgreSQL spells them. Pure text."""

from __future__ import annotations

import re

from engine.dialects.shared import sql as shared
from engine.errors import Path, Problem
from engine.model.expression import Literal, PerDialect

DIALECT = "postgresql"
MAX_NAME = 63  # bytes

# Any spelling → the one that `format_type` prints.
_TYPES = {
    "boolean": "boolean",
    "bool": "boolean",
    "smallint": "smallint",
    "int2": "smallint",
    "integer": "integer",
    "int": "integer",
    "int4": "integer",
    "bigint": "bigint",
    "int8": "bigint",
    "decimal": "numeric",
    "numeric": "numeric",
    "real": "real",
    "float4": "real",
    "double": "double precision",
    "double precision": "double precision",
    "float8": "double precision",
    "float": "double precision",
    "text": "text",
    "varchar": "character varying",
    "character varying": "character varying",
    "char": "character",
    "character": "character",
    "blob": "bytea",
    "bytea": "bytea",
    "date": "date",
    "time": "time without time zone",
    "time without time zone": "time without time zone",
    "timetz": "time with time zone",
    "time with time zone": "time with time zone",
    "timestamp": "timestamp without time zone",
    "timestamp without time zone": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "timestamp with time zone": "timestamp with time zone",
    "json": "json",
    "jsonb": "jsonb",
    "uuid": "uuid",
}
_TYPE = re.compile(
    r"\s*(?P<name>[A-Za-z][A-Za-z0-9_ ]*?)\s*(?P<size>\([\s\d,]*\))?\s*(?P<tail>with(?:out)? time zone)?\s*", re.I
)
_WHOLE = frozenset({"smallint", "integer", "bigint"})
_NUMERIC = _WHOLE | {"numeric", "real", "double precision"}
# Types of which equal values have equal bytes: no text is needed to compare them.
_EXACT = _WHOLE | {
    "boolean",
    "date",
    "time without time zone",
    "timestamp without time zone",
    "timestamp with time zone",
    "uuid",
    "bytea",
}

quote, columns_sql = shared.quote, shared.columns_sql


def dollar_quoted(text: str) -> str:
    """Return `text` between dollar signs, whatever stands in it."""
    tag = "engine"
    while f"${tag}$" in text:
        tag += "_"
    return f"${tag}${text}${tag}$"


def literal_sql(value: shared.Value) -> str:
    """Return a value as a SQL literal; a `Literal` keeps its spelling where that is a number."""
    return shared.literal(value, ("TRUE", "FALSE"), _text)


def _text(value: str) -> str:
    if "\0" in value:
        raise Problem("SP110", "PostgreSQL's text can't hold the character NUL")
    return shared.quoted_text(value)


def literal_for(value: Literal, type: str) -> str:
    """Return a literal in the type of the column it goes to."""
    plain = value.value
    base = base_type(type)
    if isinstance(plain, bool) and base in _NUMERIC:
        return "1" if plain else "0"
    if base == "boolean" and plain in (0, 1) and not isinstance(plain, bool):
        return "TRUE" if plain else "FALSE"
    if plain is None or isinstance(plain, (bool, str)) or base in _NUMERIC:
        return literal_sql(value)
    return literal_sql(literal_sql(value))  # a number for a text or jsonb column, with its spelling


def type_sql(type: PerDialect, path: Path = ("type",)) -> str:
    """Return a column type as `format_type` prints it, where it is a type that the engine knows.

    Raises:
        Problem: SP111 where the spec gives no type for PostgreSQL.
    """
    given = type.given_for(DIALECT)
    if given is not None:
        return _seen(canonical(given), path)
    if type.text is None:
        raise Problem("SP111", "there is no type for postgresql among those given", path, hint="add `postgresql: …`")
    found = canonical(type.text)
    return "jsonb" if found == "json" else _seen(found, path)


def _seen(text: str, path: Path) -> str:
    """Return a type's text if it is one type and no more.

    Raises:
        Problem: SP110 it is not; SP111 it is a shorthand for more than a type.
    """
    if not re.fullmatch(r"[\w \".,\[\]]+(\([\w ,]*\))?[\w \[\]]*", text):
        raise Problem("SP110", f"`{text}` is no type", path)
    if text.lower() in ("serial", "bigserial", "smallserial", "serial4", "serial8", "serial2"):
        raise Problem("SP111", f"`{text}` is a type with a sequence", path, hint="write `auto_increment: true`")
    return text


def canonical(text: str) -> str:
    """Return a type in the spelling of `format_type`; one that is not known stays as it is."""
    text = text.strip()
    array = ""
    while text.endswith("[]"):
        text, array = text[:-2].rstrip(), "[]"
    match = _TYPE.fullmatch(text)
    if match is None:
        return text + array
    name = re.sub(r"\s+", " ", match["name"].lower())
    tail = re.sub(r"\s+", " ", (match["tail"] or "").lower())
    base = _TYPES.get(f"{name} {tail}".strip())
    if base is None:
        return text + array
    size = re.sub(r"\s+", "", match["size"] or "")
    if base == "numeric" and size and "," not in size:
        size = size[:-1] + ",0)"
    if base == "character" and not size:
        size = "(1)"
    if size and " " in base and base.startswith("time"):
        first, _, rest = base.partition(" ")
        return f"{first}{size} {rest}{array}"
    return base + size + array


def plain_type(type: str) -> str:
    """Return a type without its size if the engine knows it, else "": its name may have other spellings."""
    base = base_type(canonical(type))
    return base if base.removesuffix("[]") in _TYPES.values() else ""


def kept_type(type: str) -> str:
    """Return the type in which a journal keeps values: text for types of users, which may be dropped meanwhile."""
    return type if plain_type(type) else "text"


def given_back(sql: str, type: str) -> str:
    """Return a journal's value (`kept_type`) as one of `type`."""
    return sql if plain_type(type) else f"CAST({sql} AS {type})"


def base_type(type: str) -> str:
    """Return a type without its size."""
    return re.sub(r"\(.*?\)", "", type).strip()


def cast_type(type: str) -> str:
    """Return the type to cast to so that nothing is cut off: an explicit cast to `varchar(3)` cuts silently."""
    base = base_type(type)
    if base in ("character varying", "bit varying"):
        return base
    if base == "character":
        return "bpchar"
    return "varbit" if base == "bit" else type


def is_number(type: str) -> bool:
    """Tell whether a type is one of numbers."""
    return base_type(type) in _NUMERIC


def is_text(type: str) -> bool:
    """Tell whether a type is one of text."""
    return base_type(type) in ("text", "character varying", "character")


def differs(left: str, right: str, type: str) -> str:
    """Return the condition that two values of `type` differ in anything: also in scale, sign of zero or bytes."""
    if base_type(type) in _EXACT:
        return f"{left} IS DISTINCT FROM {right}"
    return f'CAST({left} AS text) COLLATE "C" IS DISTINCT FROM CAST({right} AS text) COLLATE "C"'


def same(left: str, right: str, type: str) -> str:
    """Return the condition that two values of `type` are the same in everything."""
    if base_type(type) in _EXACT:
        return f"{left} IS NOT DISTINCT FROM {right}"
    return f'CAST({left} AS text) COLLATE "C" IS NOT DISTINCT FROM CAST({right} AS text) COLLATE "C"'
