"""PostgreSQL's SQL as tokens with offsets. Pure text; knows no grammar."""

from __future__ import annotations

import re

from engine.dialects.shared.tokens import ID, LETTER, WORD, BaseToken, Lexer, edit

__all__ = ["LEXER", "Token", "all_tokens", "binds_of", "edit", "has_word", "numbered", "renamed", "tokens"]

_TOKEN = re.compile(
    rf"""
      (?P<space>\s+)
    | (?P<comment>--[^\n]*\n?|/\*.*?\*/)
    | (?P<string>[eE]'(?:[^'\\]|\\.|'')*'|(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*'
                 |(?P<dollar>\$(?:{LETTER}{WORD}*)?\$).*?(?P=dollar))
    | (?P<quoted>(?:[uU]&)?"(?:[^"]|"")*")
    | (?P<word>{LETTER}{ID}*)
    | (?P<number>(?:[0-9]+(?:\.(?!\.)[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?!{ID}))
    | (?P<parameter>:[A-Za-z_][A-Za-z0-9_]*|\$[0-9]+|\?)
    | (?P<operator>::|:=|<=|>=|<>|!=|==|\|\||->>|->|\#>>|\#>|@>|<@|[-+*/%=<>|&~(),;.\[\]^!@\#:])
    | (?P<illegal>.)
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(BaseToken):
    """A token of PostgreSQL's SQL."""

    @property
    def name(self) -> str:
        """The identifier that it spells: unquoted ones are lowered, as PostgreSQL does."""
        if self.kind == "quoted" and self.text[0] == '"':
            return self.text[1:-1].replace('""', '"')
        return self.text.lower()


LEXER = Lexer(_TOKEN, Token)
all_tokens, tokens, binds_of, has_word = LEXER.all_tokens, LEXER.tokens, LEXER.binds_of, LEXER.has_word


def numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """Return `sql` with each `:name` as `$n`, and the names in the order of their numbers."""
    names = binds_of(sql)
    place = {name: f"${number}" for number, name in enumerate(names, 1)}
    changes = [(t.start, t.end, place[t.text[1:]]) for t in tokens(sql) if t.kind == "parameter" and t.text[0] == ":"]
    return edit(sql, changes), names


def renamed(sql: str, name: str, to: str) -> str:
    """Return `sql` with each identifier `name` spelled `to`, functions aside."""
    found = tokens(sql)
    if not found:
        return sql
    after = [*(t.text for t in found[1:]), ""]
    quoted = '"' + to.replace('"', '""') + '"'
    return edit(
        sql,
        [
            (t.start, t.end, quoted)
            for t, sign in zip(found, after, strict=True)
            if t.is_name and t.name == name and sign != "("
        ],
    )
