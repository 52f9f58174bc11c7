"""Portable SQL text → SQLite's, token by token; what needs no change keeps every byte.

SQLite knows nearly all of the common subset by itself, so only the few functions and types it
lacks are rewritten; no SQL parser is loaded for that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.dialects.sqlite.tokens import Token, all_tokens, tokens, unquote
from engine.errors import Path, Problem
from engine.model.state import fold

_TEXT_TYPES = frozenset({"date", "time", "timestamp", "timestamptz", "json", "uuid"})
_CLOCK = {"CURRENT_TIMESTAMP": ":now", "CURRENT_DATE": "date(:now)", "CURRENT_TIME": "time(:now)"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A token by four kinds: `space`, `comment`, `name` (quoted), `word`; the rest is known by its text."""

    kind: str
    text: str

    @property
    def word(self) -> str:
        """The token in lower case if it is an unquoted word or a sign, else ""."""
        return self.text.lower() if self.kind in ("word", "other") else ""


_KINDS = {"quoted": "name", "string": "text", "blob": "text", "operator": "other", "illegal": "other"}


def pieces(text: str) -> tuple[Piece, ...]:
    """Return the tokens of `text`; joined they give it back."""
    return tuple(Piece(_KINDS.get(t.kind, t.kind), t.text) for t in all_tokens(text))


def bare(token: str) -> str:
    """Return an identifier without its quotes."""
    return unquote(token)


def check_fragment(text: str, path: Path = ()) -> None:
    """Make sure that `text` is closed in itself, so that it can't leak into what is put around it.

    Raises:
        Problem: SP110 at `path`.
    """
    found = tokens(text)
    if not found:
        raise Problem("SP110", "this SQL is empty", path)
    depth = 0
    for token in found:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth < 0:
            raise Problem("SP110", "this SQL closes a parenthesis that it does not open", path)
        _check_token(token, path)
    if depth:
        raise Problem("SP110", "this SQL opens a parenthesis that it does not close", path)
    last = all_tokens(text.rstrip())[-1]
    if last.kind == "comment" and last.text.startswith("--"):
        raise Problem("SP110", "this SQL ends in a comment", path, hint="put the comment on a line before it")
    if any(t.kind == "comment" and t.text[:2] == "/*" and t.text[-2:] != "*/" for t in all_tokens(text)):
        raise Problem("SP110", "this SQL opens a comment that it does not close", path)


def _check_token(token: Token, path: Path) -> None:
    if token.text == ";":
        raise Problem("SP110", "a `;` ends the SQL here, and only one expression fits", path, hint="take it out")
    if token.kind == "illegal" and token.text in "\"'`[":
        raise Problem("SP110", f"this SQL opens a quote that it does not close: {token.text}", path)
    if token.kind == "illegal" and token.text == ":":
        raise Problem("SP110", "`::` is no SQL that every database reads", path, hint="write `cast(… as …)`")
    if token.kind == "parameter":
        raise Problem(
            "SP110",
            f"`{token.text}` is a parameter, and nothing gives it a value",
            path,
            hint="put text in single quotes, or use a variable: {{ name | literal }}",
        )


def bind_clock(sql: str) -> str:
    """Return `sql` with CURRENT_TIMESTAMP and its kin bound to the step's start."""
    return "".join(_CLOCK.get(t.text.upper(), t.text) if t.kind == "word" else t.text for t in all_tokens(sql))


def names_in(sql: str) -> frozenset[str]:
    """Return all identifiers in `sql`, folded, keywords among them."""
    return frozenset(fold(token.name) for token in tokens(sql) if token.is_name)


def is_name(sql: str) -> bool:
    """Tell whether `sql` is nothing but one identifier."""
    found = tokens(sql)
    return len(found) == 1 and found[0].is_name


def translate(text: str) -> str:
    """Return portable SQL as SQLite reads it."""
    return _translate(all_tokens(text))


def _translate(found: Sequence[Token]) -> str:
    out: list[str] = []
    place = 0
    while place < len(found):
        token = found[place]
        opening = _skip(found, place + 1)
        name = token.text.lower() if token.kind == "word" else ""
        if opening < len(found) and found[opening].text == "(" and (name in _REWRITES or name == "cast"):
            end = _closing(found, opening)
            inner = found[opening + 1 : end]
            if name == "cast":
                rewritten: str | None = f"{token.text}({_cast(inner)})"
            else:
                rewritten = _REWRITES[name]([_translate(a).strip() for a in _arguments(inner)])
            if rewritten is not None:
                out.append(rewritten)
                place = end + 1
                continue
        out.append(token.text)
        place += 1
    return "".join(out)


def _skip(found: Sequence[Token], place: int) -> int:
    while place < len(found) and found[place].kind in ("space", "comment"):
        place += 1
    return place


def _closing(found: Sequence[Token], opening: int) -> int:
    depth = 0
    for place in range(opening, len(found)):
        depth += {"(": 1, ")": -1}.get(found[place].text, 0)
        if depth == 0:
            return place
    return len(found)


def _arguments(found: Sequence[Token]) -> list[Sequence[Token]]:
    arguments: list[Sequence[Token]] = []
    depth = start = 0
    for place, token in enumerate(found):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if token.text == "," and depth == 0:
            arguments.append(found[start:place])
            start = place + 1
    return [*arguments, found[start:]]


def _cast(found: Sequence[Token]) -> str:
    """Give the types that SQLite would take for numbers the type of the text they are kept as."""
    depth = 0
    for place, token in enumerate(found):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.is_word("AS"):
            name = "".join(t.text for t in found[place + 1 :]).split("(")[0].strip().lower()
            tail = "as TEXT" if name in _TEXT_TYPES else "".join(t.text for t in found[place:])
            return _translate(found[:place]) + tail
    return _translate(found)


def _left(arguments: list[str]) -> str | None:
    return f"substr({arguments[0]}, 1, {arguments[1]})" if len(arguments) == 2 else None


def _right(arguments: list[str]) -> str | None:
    if len(arguments) != 2:
        return None
    text, count = arguments
    if count.isdigit() and int(count) > 0:
        return f"substr({text}, -{count})"
    return f"CASE WHEN ({count}) > 0 THEN substr({text}, -({count})) WHEN ({count}) <= 0 THEN '' END"


def _concat(arguments: list[str]) -> str | None:
    if arguments == [""]:
        return None
    return "(" + " || ".join(f"coalesce({a}, '')" for a in arguments) + ")"


def _length(arguments: list[str]) -> str | None:
    return f"length({arguments[0]})" if len(arguments) == 1 else None


_REWRITES: dict[str, Callable[[list[str]], str | None]] = {
    "left": _left,
    "right": _right,
    "concat": _concat,
    "char_length": _length,
    "character_length": _length,
}
