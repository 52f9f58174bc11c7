"""`{parse: …}`: dirty text read in pure SQL, the same way as on every other database.

A value is taken as text without the white space around it. It parses or it does not; NULL stays
NULL. Dates are read by a chain of queries, a few per part of the format, each of which takes its
piece off the front of what is left (`r`).
"""

from __future__ import annotations

import re

from engine.dialects.sqlite.sql import expression_sql, literal_sql, text_for_sqlite
from engine.errors import Path, Problem
from engine.model.expression import Parse

_SPACE = "' ' || char(9, 10, 11, 12, 13)"
_BOUNDS = {
    "smallint": (-(2**15), 2**15 - 1),
    "integer": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
}
_KNOWN = "smallint, integer, bigint, decimal(p,s), real, double, boolean, date, time, timestamp, json, uuid, text"
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
_NUMBERS = {  # directive: name of the part, digits at least and at most, lowest and highest value
    "Y": ("y", 4, 4, 1, 9999),
    "m": ("mo", 1, 2, 1, 12),
    "d": ("d", 1, 2, 1, 31),
    "H": ("h", 1, 2, 0, 23),
    "I": ("h12", 1, 2, 1, 12),
    "M": ("mi", 1, 2, 0, 59),
    "S": ("s", 1, 2, 0, 59),
    "y": ("y2", 2, 2, 0, 99),
}
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_FULL_MONTHS = "january february march april may june july august september october november december".split()
_TYPE = re.compile(r"\s*([a-z]+)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*", re.IGNORECASE)


def parse_sql(parse: Parse, path: Path = ()) -> str:
    """Return the expression that reads `parse.column`; NULL, or `otherwise`, where it does not parse.

    Raises:
        Problem: SP110 or SP111 at `path`: a type or format that can't be read.
    """
    value = text_for_sqlite(parse.column, (*path, "parse"))
    parsed = _parsed(parse, value, path)
    if parse.otherwise is None:
        return parsed
    otherwise = expression_sql(parse.otherwise, (*path, "otherwise"))
    return f"CASE WHEN ({value}) IS NOT NULL THEN coalesce({parsed}, ({otherwise})) END"


def unparsed_sql(parse: Parse, path: Path = ()) -> str:
    """Return the condition that is true for values that do not parse."""
    value = text_for_sqlite(parse.column, (*path, "parse"))
    return f"({value}) IS NOT NULL AND {_parsed(parse, value, path)} IS NULL"


def _parsed(parse: Parse, value: str, path: Path) -> str:
    match = _TYPE.fullmatch(parse.type)
    kind = match[1].lower() if match else ""
    # A NUL would end the text for GLOB and length() before its end.
    text = f"SELECT CAST(({value}) AS TEXT) AS v"
    trimmed = f"SELECT CASE WHEN instr(v, char(0)) = 0 THEN trim(v, {_SPACE}) END AS v FROM ({text})"
    if kind in _BOUNDS:
        return _integer(trimmed, *_BOUNDS[kind])
    if kind in ("real", "double", "decimal") and match is not None:
        return _number(trimmed, kind, int(match[2] or 0), int(match[3] or 0))
    if kind in _DEFAULT_FORMATS or kind == "timestamptz":
        base = "timestamp" if kind == "timestamptz" else kind
        formats = parse.formats or _DEFAULT_FORMATS[base]
        read = [_unix(base) if f == "unix" else _format(f, base, (*path, "formats")) for f in formats]
        return f"(SELECT {read[0] if len(read) == 1 else 'coalesce(' + ', '.join(read) + ')'} FROM ({trimmed}))"
    if kind == "boolean":
        return (
            "(SELECT CASE WHEN lower(v) IN ('1', 't', 'true', 'y', 'yes', 'on') THEN 1 "
            f"WHEN lower(v) IN ('0', 'f', 'false', 'n', 'no', 'off') THEN 0 END FROM ({trimmed}))"
        )
    if kind in ("text", "varchar", "char"):
        return f"CAST(({value}) AS TEXT)"
    if kind == "json":
        return f"(SELECT CASE WHEN json_valid(v) THEN v END FROM ({trimmed}))"
    if kind == "uuid":
        hex4 = "[0-9a-f]" * 4
        pattern = f"{hex4 * 2}-{hex4}-{hex4}-{hex4}-{hex4 * 3}"
        return f"(SELECT CASE WHEN lower(v) GLOB '{pattern}' THEN lower(v) END FROM ({trimmed}))"
    raise Problem(
        "SP110",
        f"text can't be parsed as `{parse.type}`",
        (*path, "as"),
        hint=f"it can be {_KNOWN}",
    )


def _integer(trimmed: str, low: int, high: int) -> str:
    unsigned = "CASE WHEN substr(v, 1, 1) IN ('+', '-') THEN substr(v, 2) ELSE v END"
    digits = f"SELECT v, {unsigned} AS b FROM ({trimmed})"
    # Longer than 19 digits would become a float; the text compares as the number does.
    fits = (
        "length(ltrim(b, '0')) < 19 OR (length(ltrim(b, '0')) = 19 AND ltrim(b, '0') <= "
        "CASE WHEN substr(v, 1, 1) = '-' THEN '9223372036854775808' ELSE '9223372036854775807' END)"
    )
    bounds = "" if high == 2**63 - 1 else f" AND CAST(v AS INTEGER) BETWEEN {low} AND {high}"
    valid = f"b <> '' AND b NOT GLOB '*[^0-9]*' AND ({fits}){bounds}"
    return f"(SELECT CASE WHEN {valid} THEN CAST(v AS INTEGER) END FROM ({digits}))"


def _number(trimmed: str, kind: str, precision: int, scale: int) -> str:
    split = f"SELECT v, instr(lower(v), 'e') AS e FROM ({trimmed})"
    parts = (
        "SELECT v, e, CASE WHEN e = 0 THEN v ELSE substr(v, 1, e - 1) END AS m, "
        f"CASE WHEN e = 0 THEN '0' ELSE substr(v, e + 1) END AS x FROM ({split})"
    )
    signs = (
        "SELECT v, CASE WHEN substr(m, 1, 1) IN ('+', '-') THEN substr(m, 2) ELSE m END AS m, "
        f"CASE WHEN substr(x, 1, 1) IN ('+', '-') THEN substr(x, 2) ELSE x END AS x FROM ({parts})"
    )
    valid = (
        "m GLOB '*[0-9]*' AND m NOT GLOB '*[^0-9.]*' AND length(m) - length(replace(m, '.', '')) <= 1 "
        "AND x <> '' AND x NOT GLOB '*[^0-9]*' AND abs(CAST(v AS REAL)) <= 1.7976931348623157e308"
    )
    result = "CAST(v AS REAL)"
    if kind == "decimal":
        result = "CAST(v AS NUMERIC)"
        if precision:
            valid += f" AND abs(round(CAST(v AS REAL), {scale})) < 1e{precision - scale}"
            result = f"round(CAST(v AS REAL), {scale})" if scale else "CAST(round(CAST(v AS REAL)) AS INTEGER)"
    return f"(SELECT CASE WHEN {valid} THEN {result} END FROM ({signs}))"


def _unix(kind: str) -> str:
    function = {"date": "date", "time": "time"}.get(kind, "datetime")
    digits = "CASE WHEN substr(v, 1, 1) IN ('+', '-') THEN substr(v, 2) ELSE v END"
    return (
        f"CASE WHEN {digits} <> '' AND {digits} NOT GLOB '*[^0-9]*' AND length(v) <= 13 "
        f"THEN {function}(CAST(v AS INTEGER), 'unixepoch') END"
    )


def _format(format: str, kind: str, path: Path) -> str:
    """Return a scalar sub-select that reads `v` by a strptime format, NULL where it does not fit."""
    steps = ["SELECT v AS r"]
    have: set[str] = set()
    for part in re.findall(r"%.|[^%]+|%", format.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S")):
        if part == "%%" or not part.startswith("%"):
            text = literal_sql("%" if part == "%%" else part)
            rest = f"CASE WHEN substr(r, 1, length({text})) = {text} THEN substr(r, length({text}) + 1) END"
            steps.append(f"SELECT {''.join(f'{name}, ' for name in sorted(have))}{rest} AS r FROM")
        else:
            steps += _directive(part[1:], have, format, path)
    if kind != "time" and not (have & {"y", "y2"} and {"mo", "d"} <= have):
        raise Problem("SP110", f"format `{format}` gives no full date: it needs year, month and day", path)
    result = _assemble(steps, have, kind)
    # Common table expressions, because nested sub-selects overflow the parser; materialized, because
    # merged into one they repeat `r` in themselves until memory is full.
    chain = ", ".join(
        f"c{place} AS MATERIALIZED ({step} c{place - 1})" if place else f"c0 AS ({step})"
        for place, step in enumerate(steps)
    )
    return f"(WITH {chain} SELECT {result} FROM c{len(steps) - 1})"


def _directive(letter: str, have: set[str], format: str, path: Path) -> list[str]:
    """Return the steps that take one part of the format off the front of `r`."""
    if letter in _NUMBERS:
        name, least, most, low, high = _NUMBERS[letter]
        sizes = " ".join(f"WHEN substr(r, 1, {n}) GLOB '{'[0-9]' * n}' THEN {n}" for n in range(most, least - 1, -1))
        steps = [
            f"SELECT *, CASE {sizes} END AS n FROM",
            f"SELECT *, CAST(substr(r, 1, n) AS INTEGER) AS {name} FROM",
        ]
        rest = f"CASE WHEN {name} BETWEEN {low} AND {high} THEN substr(r, n + 1) END"
    elif letter == "f":
        name = "f"
        steps = [
            "SELECT *, length(r) - length(ltrim(r, '0123456789')) AS n FROM",
            "SELECT *, substr(substr(r, 1, n) || '000000', 1, 6) AS f FROM",
        ]
        rest = "CASE WHEN n BETWEEN 1 AND 6 THEN substr(r, n + 1) END"
    elif letter in "bB":
        name = "mo"
        months = _MONTHS if letter == "b" else _FULL_MONTHS
        cases = " ".join(
            f"WHEN lower(substr(r, 1, {len(month)})) = '{month}' THEN {place}" for place, month in enumerate(months, 1)
        )
        sizes = " ".join(f"WHEN {place} THEN {len(month)}" for place, month in enumerate(months, 1))
        steps = [f"SELECT *, CASE {cases} END AS mo FROM"]
        rest = f"substr(r, CASE mo {sizes} END + 1)"
    elif letter == "p":
        name = "p"
        steps = ["SELECT *, lower(substr(r, 1, 2)) AS p FROM"]
        rest = "CASE WHEN p IN ('am', 'pm') THEN substr(r, 3) END"
    else:
        raise Problem(
            "SP110",
            f"format `{format}`: `%{letter}` is not known",
            path,
            hint="known are %Y %y %m %b %B %d %H %I %p %M %S %f %F %T %% and `unix`",
        )
    if name in have:
        raise Problem("SP110", f"format `{format}` gives the same part twice", path)
    have.add(name)
    return [*steps, f"SELECT {''.join(f'{n}, ' for n in sorted(have))}{rest} AS r FROM"]


def _assemble(steps: list[str], have: set[str], kind: str) -> str:
    """Return the expression over the last step that gives the value, after a step for the day if needed."""
    year = "y" if "y" in have else "CASE WHEN y2 < 69 THEN 2000 + y2 ELSE 1900 + y2 END"
    hour = "h" if "h" in have else "0"
    if "h12" in have:
        hour = "h12 % 12" + (" + CASE p WHEN 'pm' THEN 12 ELSE 0 END" if "p" in have else "")
    minute, second = ("mi" if "mi" in have else "0"), ("s" if "s" in have else "0")
    clock = f"printf('%02d:%02d:%02d', {hour}, {minute}, {second})"
    if "f" in have:
        clock += " || CASE WHEN f = '000000' THEN '' ELSE '.' || f END"
    if kind == "time":
        return f"CASE WHEN r = '' THEN {clock} END"
    steps.append(f"SELECT *, printf('%04d-%02d-%02d', {year}, mo, d) AS day FROM")
    result = "day" if kind == "date" else f"day || ' ' || {clock}"
    # date() moves the 30th of February to March: a day that stays where it is exists.
    return f"CASE WHEN r = '' AND date(day, '+0 days') = day THEN {result} END"
