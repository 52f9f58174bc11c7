"""Where the common subset is spelled the same and still gives other values on another database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from engine.dialects.sqlite.tokens import Token
from engine.lint.types import kind

Family = Mapping[str, str]
"""Name of a column → the family of its type, "" or nothing where it is not known."""

_ROUNDED = ("round", "length", "char_length", "character_length", "instr", "count", "row_number")
_WIDE = ("float", "decimal")


def unlike(tokens: Sequence[Token], family: Family) -> Iterator[tuple[str, str]]:
    """Yield what differs, and the form that does not: casts that cut or round, and values spelled as text.

    Args:
        tokens: of an expression in the common subset.
        family: of the columns in its scope.
    """
    for place, token in enumerate(tokens):
        opens = tokens[place + 1].text == "(" if place + 1 < len(tokens) else False
        if opens and token.is_word("CAST"):
            yield from _cast(_inner(tokens, place + 1), family)
        elif opens and token.is_word("CONCAT"):
            for argument in _arguments(_inner(tokens, place + 1)):
                yield from _as_text(argument, family)
        elif token.text == "||":
            yield from _joined(tokens, place, family)


def _inner(tokens: Sequence[Token], opening: int) -> Sequence[Token]:
    depth = 0
    for place in range(opening, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[place].text, 0)
        if depth == 0:
            return tokens[opening + 1 : place]
    return tokens[opening + 1 :]


def _arguments(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    depth = start = 0
    for place, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if token.text == "," and depth == 0:
            yield tokens[start:place]
            start = place + 1
    yield tokens[start:]


def _families(tokens: Sequence[Token], family: Family) -> set[str]:
    found = {family.get(t.name, "") for t in tokens if t.is_name}
    found |= {"decimal" if "." in t.text or "e" in t.text.lower() else "integer" for t in tokens if t.kind == "number"}
    return (found | {"text" for t in tokens if t.kind == "string"}) - {""}


def _cast(tokens: Sequence[Token], family: Family) -> Iterator[tuple[str, str]]:
    depth, at = 0, -1
    for place, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.is_word("AS"):
            at = place
    value = tokens[:at]
    if at < 1:
        return
    to = kind("".join(_spaced(t) for t in tokens[at + 1 :]).strip())
    rounded = value[0].is_name and value[0].name.lower() in _ROUNDED
    held = _families(value, family)
    if to.family == "integer" and held & set(_WIDE) and not rounded:
        yield (
            "cast() of a number with digits after the point to a whole one cuts on SQLite and rounds elsewhere",
            "write cast(round(…) as integer)",
        )
    elif to.family == "decimal" and to.size and held & {*_WIDE, "text"} and not rounded:
        yield (
            "SQLite keeps all digits in a cast to decimal, and the others round them",
            f"write round(cast(… as double), {to.scale})",
        )
    elif to.family == "text" and to.size:
        yield "SQLite cuts nothing in a cast to varchar, and the others do", f"write substr(…, 1, {to.size})"
    elif to.family == "text":
        yield from _as_text(value, family)


def _spaced(token: Token) -> str:
    return f"{token.text} " if token.is_name else token.text


def _as_text(value: Sequence[Token], family: Family) -> Iterator[tuple[str, str]]:
    """Yield the finding of a column whose type each database spells in its own way."""
    held = family.get(value[-1].name, "") if value and value[-1].is_name and len(value) in (1, 3) else ""
    if held == "boolean":
        yield (
            f"`{value[-1].name}` as text is 1 on some databases and true on others",
            f"write case when {value[-1].name} then 'true' else 'false' end",
        )
        return
    rounded = len(value) > 1 and value[0].is_word("ROUND") and value[-1].text == ")"
    if held in _WIDE or rounded:
        yield (
            f"{'a rounded number' if rounded else f'`{value[-1].name}`'} as text has other digits after the point"
            " on each database",
            "keep it a number, or say how it is written per database: {sqlite: …, postgresql: …}",
        )


def _joined(tokens: Sequence[Token], place: int, family: Family) -> Iterator[tuple[str, str]]:
    dotted = place >= 3 and tokens[place - 2].text == "."
    left = tokens[place - (3 if dotted else 1) : place] if place else ()
    after = [t.text for t in tokens[place + 2 : place + 3]]
    right = () if after == ["("] else tokens[place + 1 : place + (4 if after == ["."] else 2)]
    yield from _as_text(left, family)
    yield from _as_text(right, family)
    sides = [_families(side, family) for side in (left, right)]
    if all(side and side <= {"integer", "decimal", "float", "boolean"} for side in sides):
        yield "`||` between two numbers is no text on every database", "write concat(…, …)"
