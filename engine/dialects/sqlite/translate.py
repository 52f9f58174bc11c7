"""Portable SQL text → SQLite's, token by token; what needs no change keeps every byte.

SQLite knows nearly all of the common subset by itself, so only the few functions and types it
lacks are rewritten; no SQL parser is loaded for that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.errors import Path, Problem

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
      | (?P<text>[xX]?'(?:[^']|'')*')
      | (?P<name>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
      | (?P<number>(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?:[xX][0-9A-Fa-f]+)?)
      | (?P<cast>::)
      | (?P<parameter>[:@$][^\W]\w*|\?\d*)
      | (?P<word>[^\W\d][\w$]*)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_TEXT_TYPES = frozenset({"date", "time", "timestamp", "timestamptz", "json", "uuid"})
_CLOCK = {"current_timestamp": ":now", "current_date": "date(:now)", "current_time": "time(:now)"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A token: its kind (`space`, `comment`, `text`, `name`, `number`, `word` …) and its characters."""

    kind: str
    text: str

    @property
    def word(self) -> str:
        """The token in lower case if it is an unquoted word or a sign, else ""."""
        return self.text.lower() if self.kind in ("word", "other") else ""


def pieces(text: str) -> tuple[Piece, ...]:
    """Return the tokens of `text`; joined they give it back."""
    return tuple(Piece(m.lastgroup or "other", m.group()) for m in _TOKEN.finditer(text))


def check_fragment(text: str, path: Path = ()) -> None:
    """Make sure that `text` is closed in itself, so that it can't leak into what is put around it.

    Raises:
        Problem: SP110 at `path`.
    """
    depth = 0
    tokens = [p for p in pieces(text) if p.kind != "space"]
    if not [p for p in tokens if p.kind != "comment"]:
        raise Problem("SP110", "this SQL is empty", path)
    for place, piece in enumerate(tokens):
        if piece.text == "(":
            depth += 1
        elif piece.text == ")":
            depth -= 1
        if depth < 0:
            raise Problem("SP110", "this SQL closes a parenthesis that it does not open", path)
        if piece.text in ("'", '"', "`", "["):
            raise Problem("SP110", f"this SQL opens a quote that it does not close: {piece.text}", path)
        if piece.kind == "comment" and piece.text.startswith("/*") and not piece.text.endswith("*/"):
            raise Problem("SP110", "this SQL opens a comment that it does not close", path)
        if piece.kind == "comment" and piece.text.startswith("--") and place == len(tokens) - 1:
            raise Problem("SP110", "this SQL ends in a comment", path, hint="put the comment on a line before it")
        if piece.text == ";":
            raise Problem("SP110", "a `;` ends the SQL here, and only one expression fits", path, hint="take it out")
        if piece.kind == "cast":
            raise Problem("SP110", "`::` is no SQL that every database reads", path, hint="write `cast(… as …)`")
        if piece.kind == "parameter":
            raise Problem(
                "SP110",
                f"`{piece.text}` is a parameter, and nothing gives it a value",
                path,
                hint="put text in single quotes, or use a variable: {{ name | literal }}",
            )
    if depth:
        raise Problem("SP110", "this SQL opens a parenthesis that it does not close", path)


def bind_clock(sql: str) -> str:
    """Return `sql` with CURRENT_TIMESTAMP and its kin bound to the step's start."""
    return "".join(_CLOCK.get(p.word, p.text) if p.kind == "word" else p.text for p in pieces(sql))


def binds_of(sql: str) -> tuple[str, ...]:
    """Return the names of the `:parameters` in `sql`, in order, each once."""
    found = (p.text[1:] for p in pieces(sql) if p.kind == "parameter" and p.text[0] == ":")
    return tuple(dict.fromkeys(found))


def has_word(sql: str, *words: str) -> bool:
    """Tell whether one of `words` (lower case) stands in `sql` outside of quotes and comments."""
    return any(p.kind == "word" and p.text.lower() in words for p in pieces(sql))


def names_in(sql: str) -> frozenset[str]:
    """Return all identifiers in `sql`, unquoted and in lower case (keywords among them)."""
    found = set()
    for piece in pieces(sql):
        if piece.kind == "word":
            found.add(piece.text.lower())
        elif piece.kind == "name":
            found.add(bare(piece.text).lower())
    return frozenset(found)


def bare(token: str) -> str:
    """Return an identifier without its quotes."""
    if len(token) > 1 and token[0] in "\"`[":
        end = "]" if token[0] == "[" else token[0]
        return token[1:-1].replace(end * 2, end) if end != "]" else token[1:-1]
    return token


def is_name(sql: str) -> bool:
    """Tell whether `sql` is nothing but one identifier."""
    found = [p for p in pieces(sql) if p.kind not in ("space", "comment")]
    return len(found) == 1 and found[0].kind in ("word", "name")


def translate(text: str) -> str:
    """Return portable SQL as SQLite reads it."""
    return _translate(pieces(text))


def _translate(tokens: Sequence[Piece]) -> str:
    out: list[str] = []
    place = 0
    while place < len(tokens):
        piece = tokens[place]
        opening = _skip(tokens, place + 1)
        call = piece.kind == "word" and opening < len(tokens) and tokens[opening].text == "("
        if call and (piece.word in _REWRITES or piece.word == "cast"):
            end = _closing(tokens, opening)
            inner = tokens[opening + 1 : end]
            if piece.word == "cast":
                out.append(piece.text + "(" + _cast(inner) + ")")
                place = end + 1
                continue
            arguments = [_translate(a).strip() for a in _arguments(inner)]
            rewritten = _REWRITES[piece.word](arguments)
            if rewritten is not None:
                out.append(rewritten)
                place = end + 1
                continue
        out.append(piece.text)
        place += 1
    return "".join(out)


def _skip(tokens: Sequence[Piece], place: int) -> int:
    while place < len(tokens) and tokens[place].kind in ("space", "comment"):
        place += 1
    return place


def _closing(tokens: Sequence[Piece], opening: int) -> int:
    depth = 0
    for place in range(opening, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[place].text, 0)
        if depth == 0:
            return place
    return len(tokens)


def _arguments(tokens: Sequence[Piece]) -> list[Sequence[Piece]]:
    found: list[Sequence[Piece]] = []
    depth = start = 0
    for place, piece in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(piece.text, 0)
        if piece.text == "," and depth == 0:
            found.append(tokens[start:place])
            start = place + 1
    found.append(tokens[start:])
    return found


def _cast(tokens: Sequence[Piece]) -> str:
    """Give the types that SQLite would take for numbers the type of the text they are kept as."""
    depth = 0
    for place, piece in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(piece.text, 0)
        if depth == 0 and piece.word == "as":
            head, tail = _translate(tokens[:place]), "".join(p.text for p in tokens[place:])
            name = "".join(p.text for p in tokens[place + 1 :]).split("(")[0].strip().lower()
            return head + ("as TEXT" if name in _TEXT_TYPES else tail)
    return _translate(tokens)


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
