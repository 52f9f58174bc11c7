"""SQL as tokens with offsets: what does not hang on a database's own spelling. Knows no grammar."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Generic, Literal, NamedTuple, TypeVar

# Characters of names, for patterns: ASCII's own, and all from U+0080. Said by what is left out: the range itself
# takes `re` many times as long to compile, in every run.
LETTER = r"[^\x00-\x40\x5b-\x5e\x60\x7b-\x7f]"  # A-Z a-z _
WORD = r"[^\x00-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7f]"  # and digits
ID = r"[^\x00-\x23\x25-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7f]"  # and $

Kind = Literal["space", "comment", "word", "quoted", "string", "blob", "number", "parameter", "operator", "illegal"]


class BaseToken(NamedTuple):
    """A token: its kind, its text, and where it stands (`sql[start:end] == text`).

    A dialect adds the name that it spells.
    """

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


T = TypeVar("T", bound=BaseToken)


class Lexer(Generic[T]):
    """Cuts a database's SQL into tokens; never fails: what is left open is of the kind `illegal`.

    Args:
        pattern: one named group per kind, the outermost ones by the kinds' names; `dollar` is a string too.
        make: makes a token from kind, text, start and end.
    """

    def __init__(self, pattern: re.Pattern[str], make: Callable[[Kind, str, int, int], T]) -> None:
        self._pattern = pattern
        self._make = make
        self.tokens: Callable[[str], tuple[T, ...]] = lru_cache(maxsize=4096)(self._tokens)

    def all_tokens(self, sql: str) -> tuple[T, ...]:
        """Return all tokens of `sql`, spaces and comments too: joined they give `sql` again."""
        return tuple(
            self._make(_kind(match), match[0], match.start(), match.end()) for match in self._pattern.finditer(sql)
        )

    def _tokens(self, sql: str) -> tuple[T, ...]:
        """Return the tokens of `sql` without spaces and comments."""
        return tuple(
            self._make(_kind(match), match[0], match.start(), match.end())
            for match in self._pattern.finditer(sql)
            if match.lastgroup not in ("space", "comment")
        )

    def binds_of(self, sql: str) -> tuple[str, ...]:
        """Return the names of the `:parameters` in `sql`, in order, each once."""
        found = (t.text[1:] for t in self.tokens(sql) if t.kind == "parameter" and t.text[0] == ":")
        return tuple(dict.fromkeys(found))

    def has_word(self, sql: str, *words: str) -> bool:
        """Tell whether one of `words` (in capitals) stands in `sql` outside of quotes and comments."""
        return any(token.is_word(*words) for token in self.tokens(sql))


def _kind(match: re.Match[str]) -> Kind:
    kind = match.lastgroup
    return "string" if kind == "dollar" else kind  # type: ignore[return-value]


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
