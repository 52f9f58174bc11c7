"""SQLite's SQL as tokens with offsets. Pure text; knows no grammar."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from engine.dialects.sqlite.sql import quote

__all__ = ["Kind", "Token", "all_tokens", "edit", "quote", "tokens", "unquote"]

Kind = Literal["space", "comment", "word", "quoted", "string", "blob", "number", "parameter", "operator", "illegal"]

# Letters above 0x7F belong to names, as in SQLite's own table: also U+00A0, which looks like a space.
_ID = r"A-Za-z0-9_$\x80-\U0010ffff"
_TOKEN = re.compile(
    rf"""
      (?P<space>[ \t\n\f\r]+)
    | (?P<comment>--[^\n]*\n?|/\*(?=.).*?(?:\*/|\Z))
    | (?P<blob>[xX]'(?:[0-9a-fA-F]{{2}})*')
    | (?P<word>[A-Za-z_\x80-\U0010ffff][{_ID}]*)
    | (?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
    | (?P<string>'(?:[^']|'')*')
    | (?P<number>(?:0[xX][0-9a-fA-F_]+
                   |(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9][0-9_]*)?)
                 (?![{_ID}]))
    | (?P<parameter>\?[0-9]*|[$@:\#][{_ID}]+(?:::[{_ID}]+)*(?:\([^ \t\n\f\r)]*\))?)
    | (?P<operator>->>|->|\|\||<=|<>|<<|>=|>>|==|!=|[-+*/%=<>|&~(),;.])
    | (?P<illegal>.)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A token: its kind, its text, and where it stands (`sql[start:end] == text`)."""

    kind: Kind
    text: str
    start: int
    end: int

    def is_word(self, *words: str) -> bool:
        """Tell whether it is one of `words` (given in capitals), unquoted."""
        return self.kind == "word" and self.text.upper() in words

    @property
    def is_name(self) -> bool:
        """True for what can be an identifier: a word or a quoted name ('text' is not)."""
        return self.kind in ("word", "quoted")

    @property
    def name(self) -> str:
        """The identifier that it spells, without quotes."""
        return unquote(self.text)


def all_tokens(sql: str) -> tuple[Token, ...]:
    """Return all tokens of `sql`, spaces and comments too: joined they give `sql` again.

    Never fails: what SQLite would not take (an open quote) is of the kind `illegal`.
    """
    return tuple(
        Token(match.lastgroup, match[0], match.start(), match.end())  # type: ignore[arg-type]
        for match in _TOKEN.finditer(sql)
    )


@lru_cache(maxsize=4096)
def tokens(sql: str) -> tuple[Token, ...]:
    """Return the tokens of `sql` without spaces and comments."""
    return tuple(token for token in all_tokens(sql) if token.kind not in ("space", "comment"))


def unquote(text: str) -> str:
    """Return the name in a token's text: `"a""b"`, `[a]`, `` `a` `` and `'a'` lose their quotes."""
    if len(text) < 2 or text[0] not in "\"'`[":
        return text
    if text[0] == "[":
        return text[1:-1]
    return text[1:-1].replace(text[0] * 2, text[0])


def edit(sql: str, changes: Iterable[tuple[int, int, str]]) -> str:
    """Return `sql` with each stretch `(start, end, text)` replaced; all else stays, byte for byte.

    The stretches must not overlap; their order does not matter.
    """
    parts: list[str] = []
    at = 0
    for start, end, text in sorted(changes):
        parts += [sql[at:start], text]
        at = end
    return "".join([*parts, sql[at:]])
