"""PostgreSQL's SQL as tokens with offsets. Pure text; knows no grammar."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Kind = Literal["space", "comment", "word", "quoted", "string", "number", "parameter", "operator", "illegal"]

_ID = r"A-Za-z0-9_$\x80-\U0010ffff"
_TOKEN = re.compile(
    rf"""
      (?P<space>\s+)
    | (?P<comment>--[^\n]*\n?|/\*.*?\*/)
    | (?P<string>[eE]'(?:[^'\\]|\\.|'')*'|(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*'
                 |(?P<dollar>\$(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?\$).*?(?P=dollar))
    | (?P<quoted>(?:[uU]&)?"(?:[^"]|"")*")
    | (?P<word>[A-Za-z_\x80-\U0010ffff][{_ID}]*)
    | (?P<number>(?:[0-9]+(?:\.(?!\.)[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![{_ID}]))
    | (?P<parameter>:[A-Za-z_][A-Za-z0-9_]*|\$[0-9]+|\?)
    | (?P<operator>::|:=|<=|>=|<>|!=|==|\|\||->>|->|\#>>|\#>|@>|<@|[-+*/%=<>|&~(),;.\[\]^!@\#:])
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
        """True for what can be an identifier."""
        return self.kind in ("word", "quoted")

    @property
    def name(self) -> str:
        """The identifier that it spells: unquoted ones are lowered, as PostgreSQL does."""
        if self.kind == "quoted" and self.text[0] == '"':
            return self.text[1:-1].replace('""', '"')
        return self.text.lower()


def all_tokens(sql: str) -> tuple[Token, ...]:
    """Return all tokens of `sql`; joined they give it again. What is left open is of the kind `illegal`."""
    return tuple(Token(_kind(match), match[0], match.start(), match.end()) for match in _TOKEN.finditer(sql))


def _kind(match: re.Match[str]) -> Kind:
    kind = match.lastgroup
    return "string" if kind == "dollar" else kind  # type: ignore[return-value]


@lru_cache(maxsize=4096)
def tokens(sql: str) -> tuple[Token, ...]:
    """Return the tokens of `sql` without spaces and comments."""
    return tuple(token for token in all_tokens(sql) if token.kind not in ("space", "comment"))


def edit(sql: str, changes: Iterable[tuple[int, int, str]]) -> str:
    """Return `sql` with each stretch `(start, end, text)` replaced; they must not overlap."""
    parts: list[str] = []
    at = 0
    for start, end, text in sorted(changes):
        parts += [sql[at:start], text]
        at = end
    return "".join([*parts, sql[at:]])


def binds_of(sql: str) -> tuple[str, ...]:
    """Return the names of the `:parameters` in `sql`, in order, each once."""
    found = (t.text[1:] for t in tokens(sql) if t.kind == "parameter" and t.text[0] == ":")
    return tuple(dict.fromkeys(found))


def numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """Return `sql` with each `:name` as `$n`, and the names in the order of their numbers."""
    names = binds_of(sql)
    place = {name: f"${number}" for number, name in enumerate(names, 1)}
    changes = [(t.start, t.end, place[t.text[1:]]) for t in tokens(sql) if t.kind == "parameter" and t.text[0] == ":"]
    return edit(sql, changes), names


def has_word(sql: str, *words: str) -> bool:
    """Tell whether one of `words` (in capitals) stands in `sql` outside of quotes and comments."""
    return any(token.is_word(*words) for token in tokens(sql))


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
