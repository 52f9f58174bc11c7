"""MariaDB's SQL as tokens with offsets, as the engine's session reads it. Pure text; knows no grammar."""

from __future__ import annotations

import re

from engine.dialects.shared.tokens import ID, LETTER, BaseToken, Lexer, edit

__all__ = ["LEXER", "Token", "all_tokens", "backticked", "binds_of", "edit", "formatted", "has_word", "tokens"]

_TOKEN = re.compile(
    rf"""
      (?P<space>\s+)
    | (?P<comment>--[^\n]*\n?|\#[^\n]*\n?|/\*.*?\*/)
    | (?P<string>[xXbBnN]?'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`)
    | (?P<word>{LETTER}{ID}*)
    | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?!{ID}))
    | (?P<parameter>:[A-Za-z_][A-Za-z0-9_]*|\?|@@?[A-Za-z_](?:{ID}|\.)*)
    | (?P<operator>:=|<=>|<=|>=|<>|!=|==|\|\||&&|->>|->|<<|>>|[-+*/%=<>|&~(),;.^!@:])
    | (?P<illegal>.)
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(BaseToken):
    """A token of MariaDB's SQL."""

    @property
    def name(self) -> str:
        """The identifier that it spells."""
        if self.kind == "quoted":
            sign = self.text[0]
            return self.text[1:-1].replace(sign * 2, sign)
        return self.text


LEXER = Lexer(_TOKEN, Token)
all_tokens, tokens, binds_of, has_word = LEXER.all_tokens, LEXER.tokens, LEXER.binds_of, LEXER.has_word


def formatted(sql: str) -> str:
    """Return `sql` with each `:name` as the driver's `%(name)s`, and each `%` doubled."""
    parts = []
    for token in all_tokens(sql):
        if token.kind == "parameter" and token.text[0] == ":":
            parts.append(f"%({token.text[1:]})s")
        else:
            parts.append(token.text.replace("%", "%%"))
    return "".join(parts)


def backticked(sql: str) -> str:
    """Return `sql` with names in backticks, as everybody else reads MySQL's SQL."""
    return "".join("`" + t.name.replace("`", "``") + "`" if t.kind == "quoted" else t.text for t in all_tokens(sql))
