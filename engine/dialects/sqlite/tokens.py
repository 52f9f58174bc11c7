"""SQLite's SQL as tokens with offsets. Pure text; knows no grammar."""

from __future__ import annotations

import re

from engine.dialects.shared.tokens import ID, LETTER, BaseToken, Lexer, edit
from engine.dialects.sqlite.sql import quote

__all__ = ["LEXER", "Token", "all_tokens", "binds_of", "edit", "has_word", "quote", "tokens", "unquote"]

# Letters above 0x7F belong to names, as in SQLite's own table: also U+00A0, which looks like a space.
_TOKEN = re.compile(
    rf"""
      (?P<space>[ \t\n\f\r]+)
    | (?P<comment>--[^\n]*\n?|/\*(?=.).*?(?:\*/|\Z))
    | (?P<blob>[xX]'(?:[0-9a-fA-F]{{2}})*')
    | (?P<word>{LETTER}{ID}*)
    | (?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
    | (?P<string>'(?:[^']|'')*')
    | (?P<number>(?:0[xX][0-9a-fA-F_]+
                   |(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9][0-9_]*)?)
                 (?!{ID}))
    | (?P<parameter>\?[0-9]*|[$@:\#]{ID}+(?:::{ID}+)*(?:\([^ \t\n\f\r)]*\))?)
    | (?P<operator>->>|->|\|\||<=|<>|<<|>=|>>|==|!=|[-+*/%=<>|&~(),;.])
    | (?P<illegal>::|.)
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(BaseToken):
    """A token of SQLite's SQL."""

    @property
    def name(self) -> str:
        """The identifier that it spells, without quotes."""
        return unquote(self.text)


LEXER = Lexer(_TOKEN, Token)
all_tokens, tokens, binds_of, has_word = LEXER.all_tokens, LEXER.tokens, LEXER.binds_of, LEXER.has_word


def unquote(text: str) -> str:
    """Return the name in a token's text: `"a""b"`, `[a]`, `` `a` `` and `'a'` lose their quotes."""
    if len(text) < 2 or text[0] not in "\"'`[":
        return text
    if text[0] == "[":
        return text[1:-1]
    return text[1:-1].replace(text[0] * 2, text[0])
