"""`{parse: …}`: dirty text read in pure SQL, the same way as on every other database.

A value is taken as text without the white space around it. It parses or it does not; NULL stays
NULL. Nothing is cast before a pattern has seen that the cast can't fail.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from engine.dialects.postgres.sql import literal_sql
from engine.dialects.postgres.translate import expression_sql, text_for
from engine.errors import Path, Problem
from engine.model.expression import Parse

_BOUNDS = {
    "smallint": (-(2**15), 2**15 - 1),
    "integer": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
}
_KNOWN = "smallint, integer, bigint, decimal(p,s), real, double, boolean, date, time, timestamp, uuid, text"
_DEFAULT_FORMATS = {
    "date": ("%Y-%m-%d",),
    "time": ("%H:%M:%S", "%H:%M:%S.%f", "%H:%M"),
    "timestamp": (
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d %H:%M:%S.%f",
        "%Y-%m-%dT%H:%M:%S.%f",
        "%Y-%m-%d",
    ),
}
_PATTERNS = {
    "Y": ("y", r"(\d{4})"),
    "y": ("y2", r"(\d{2})"),
    "m": ("mo", r"(\d{1,2})"),
    "d": ("d", r"(\d{1,2})"),
    "H": ("h", r"(\d{1,2})"),
    "I": ("h12", r"(\d{1,2})"),
    "M": ("mi", r"(\d{1,2})"),
    "S": ("s", r"(\d{1,2})"),
    "f": ("f", r"(\d{1,6})"),
    "p": ("p", r"([aApP][mM])"),
    "b": ("mon", "([A-Za-z]{3})"),
    "B": ("month", "([A-Za-z]+)"),
}
_MONTHS = "january february march april may june july august september october november december".split()
_TYPE = re.compile(r"\s*([a-z]+)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*", re.IGNORECASE)


def parse_sql(parse: Parse, names: Collection[str], path: Path = ()) -> str:
    """Return the expression that reads `parse.column`; NULL, or `otherwise`, where it does not parse.

    Raises:
        Problem: SP110 or SP111 at `path`: a type or format that can't be read.
    """
    value = text_for(parse.column, names, (*path, "parse"))
    parsed = _parsed(parse, value, path)
    if parse.otherwise is None:
        return parsed
    otherwise = expression_sql(parse.otherwise, names, (*path, "otherwise"))
    return f"CASE WHEN ({value}) IS NOT NULL THEN coalesce({parsed}, ({otherwise})) END"


def unparsed_sql(parse: Parse, names: Collection[str], path: Path = ()) -> str:
    """Return the condition that is true for values that do not parse."""
    value = text_for(parse.column, names, (*path, "parse"))
    return f"({value}) IS NOT NULL AND {_parsed(parse, value, path)} IS NULL"


def _parsed(parse: Parse, value: str, path: Path) -> str:
    match = _TYPE.fullmatch(parse.type)
    kind = match[1].lower() if match else ""
    text = f"(SELECT btrim(CAST(({value}) AS text), E' \\t\\n\\x0b\\f\\r') AS v) AS given"
    if kind in _BOUNDS:
        low, high = _BOUNDS[kind]
        fits = f"CAST(v AS numeric) BETWEEN {low} AND {high}"
        whole = "v ~ '^[+-]?[0-9]{1,40}$'"
        return f"(SELECT CASE WHEN {whole} THEN CASE WHEN {fits} THEN CAST(v AS {kind}) END END FROM {text})"
    if kind in ("real", "double", "decimal") and match is not None:
        return _number(text, kind, int(match[2] or 0), int(match[3] or 0))
    if kind in _DEFAULT_FORMATS or kind == "timestamptz":
        base = "timestamp" if kind == "timestamptz" else kind
        formats = parse.formats or _DEFAULT_FORMATS[base]
        read = [_unix(base) if f == "unix" else _format(f, base, (*path, "formats")) for f in formats]
        found = read[0] if len(read) == 1 else "coalesce(" + ", ".join(read) + ")"
        zone = " AT TIME ZONE 'UTC'" if kind == "timestamptz" else ""
        return f"((SELECT {found} FROM {text}){zone})"
    if kind == "boolean":
        return (
            "(SELECT CASE WHEN lower(v) IN ('1', 't', 'true', 'y', 'yes', 'on') THEN TRUE "
            f"WHEN lower(v) IN ('0', 'f', 'false', 'n', 'no', 'off') THEN FALSE END FROM {text})"
        )
    if kind in ("text", "varchar", "char"):
        return f"CAST(({value}) AS text)"
    if kind == "uuid":
        hexes = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
        return f"(SELECT CASE WHEN v ~ '{hexes}' THEN CAST(lower(v) AS uuid) END FROM {text})"
    if kind == "json":
        raise Problem(
            "SP111",
            "PostgreSQL can't look whether a text is JSON without failing on one that is not",
            (*path, "as"),
            hint="cast it: `cast(x as json)`, where all of them are",
        )
    raise Problem("SP110", f"`{parse.type}` is no type that `parse` reads", (*path, "as"), hint=f"it can be {_KNOWN}")


def _number(text: str, kind: str, precision: int, scale: int) -> str:
    type = {"real": "real", "double": "double precision"}.get(kind, "numeric")
    valid = "v ~ '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$'"
    inner = f"CAST(v AS {type})"
    if type == "numeric":
        fits = f"abs(round(CAST(v AS numeric), {scale})) < 1e{precision - scale}" if precision else "TRUE"
        inner = f"round(CAST(v AS numeric), {scale})" if precision else inner
    else:
        # What is too large, or too small for anything but zero, would fail.
        most, least = ("3.4e38", "1.2e-38") if type == "real" else ("1.7976931348623157e308", "2.3e-308")
        fits = f"(CAST(v AS numeric) = 0 OR abs(CAST(v AS numeric)) BETWEEN {least} AND {most})"
    return f"(SELECT CASE WHEN {valid} THEN CASE WHEN {fits} THEN {inner} END END FROM {text})"


def _unix(kind: str) -> str:
    moment = "to_timestamp(CAST(v AS double precision)) AT TIME ZONE 'UTC'"
    return f"CASE WHEN v ~ '^[+-]?[0-9]{{1,11}}$' THEN CAST({moment} AS {kind}) END"


def _format(format: str, kind: str, path: Path) -> str:
    """Return a scalar sub-select that reads `v` by a strptime format, NULL where it does not fit."""
    pattern, have = "", list[str]()
    for part in re.findall(r"%.|[^%]+|%", format.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S")):
        if part == "%%" or not part.startswith("%"):
            pattern += (
                re.sub(r"([^A-Za-z0-9 ])", r"[\1]", part.replace("%%", "%"))
                .replace("[^]", r"\^")
                .replace("[\\]", r"\\")
            )
            continue
        if part[1:] not in _PATTERNS:
            raise Problem(
                "SP110",
                f"format `{format}`: `{part}` is not known",
                path,
                hint="known are %Y %y %m %b %B %d %H %I %p %M %S %f %F %T %% and `unix`",
            )
        name, piece = _PATTERNS[part[1:]]
        name = "mo" if name in ("mon", "month") else name
        if name in have:
            raise Problem("SP110", f"format `{format}` gives the same part twice", path)
        have.append(name)
        pattern += piece if part[1:] not in "bB" else _month_pattern(part[1:])
    if kind != "time" and not (set(have) & {"y", "y2"} and {"mo", "d"} <= set(have)):
        raise Problem("SP110", f"format `{format}` gives no full date: it needs year, month and day", path)
    fields = {name: f"m[{place}]" for place, name in enumerate(have, 1)}
    whole = {n: f"CAST({sql} AS integer)" for n, sql in fields.items() if n not in ("p", "f")}
    if "%b" in format or "%B" in format:
        cases = " ".join(f"WHEN '{month[:3]}' THEN {n}" for n, month in enumerate(_MONTHS, 1))
        whole["mo"] = f"CASE lower(left({fields['mo']}, 3)) {cases} END"
    return _assemble(pattern, whole, fields, kind)


def _month_pattern(letter: str) -> str:
    names = [m[:3] if letter == "b" else m for m in _MONTHS]
    return "(" + "|".join("".join(f"[{c}{c.upper()}]" for c in name) for name in names) + ")"


def _assemble(pattern: str, whole: dict[str, str], fields: dict[str, str], kind: str) -> str:
    year = whole.get("y") or f"CASE WHEN {whole.get('y2')} < 69 THEN 2000 ELSE 1900 END + {whole.get('y2')}"
    hour = whole.get("h", "0")
    if "h12" in whole:
        hour = f"{whole['h12']} % 12" + (
            f" + CASE lower({fields['p']}) WHEN 'pm' THEN 12 ELSE 0 END" if "p" in fields else ""
        )
    minute, second = whole.get("mi", "0"), whole.get("s", "0")
    micro = f"CAST(rpad({fields['f']}, 6, '0') AS integer)" if "f" in fields else "0"
    exact = f"({second}) + ({micro}) / 1000000.0"
    ok = [f"({minute}) <= 59", f"({second}) <= 59", f"({whole.get('h', '0')}) <= 23"]
    if "h12" in whole:
        ok.append(f"({whole['h12']}) BETWEEN 1 AND 12")
    if kind == "time":
        value = f"make_time({hour}, {minute}, {exact})"
    else:
        day, month = whole["d"], whole["mo"]
        leap = f"CASE WHEN (({year}) % 4 = 0 AND ({year}) % 100 <> 0) OR ({year}) % 400 = 0 THEN 29 ELSE 28 END"
        short = " ".join(f"WHEN {n} THEN 30" for n in (4, 6, 9, 11))
        last = f"CASE ({month}) WHEN 2 THEN {leap} {short} ELSE 31 END"
        ok += [f"({year}) >= 1", f"({month}) BETWEEN 1 AND 12", f"({day}) BETWEEN 1 AND {last}"]
        value = f"make_date({year}, {month}, {day})"
        if kind == "timestamp":
            value = f"make_timestamp({year}, {month}, {day}, {hour}, {minute}, {exact})"
    full = literal_sql(f"^{pattern}$")
    found = f"(SELECT regexp_match(v, {full}) AS m) AS found WHERE m IS NOT NULL"
    return f"(SELECT CASE WHEN {' AND '.join(ok)} THEN {value} END FROM {found})"
