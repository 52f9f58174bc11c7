"""Portable SQL text → a database's, token by token; what needs no change keeps every byte.

Every database knows most of the common subset by itself, so only the few functions, words and types that it lacks or
reads otherwise are rewritten; no SQL parser is loaded for that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from engine.dialects.shared.tokens import BaseToken, Lexer
from engine.errors import Path, Problem
from engine.model.expression import Sql

T = TypeVar("T", bound=BaseToken)
Rewrite = Callable[[list[str]], "str | None"]
"""Makes a call of a function from its arguments, already translated; None leaves the call as it is."""
Spelling = Callable[[T, "T | None", "T | None"], str]
"""Spells a token that stands between two others, spaces and comments aside."""


def _as_it_is(token: BaseToken, before: BaseToken | None, after: BaseToken | None) -> str:
    del before, after
    return token.text


@dataclass(frozen=True, slots=True)
class Translator(Generic[T]):
    """How one database reads the common subset.

    Attributes:
        dialect: the key under which a spec gives SQL for it.
        lexer: of its SQL.
        clock: CURRENT_TIMESTAMP and its kin (in capitals) → what is sent, with the step's start as `:now`.
        cast: the type after AS → the one that is sent, None for the text as it is.
        rewrites: functions (in lower case) that are called otherwise.
        own: signs that may stand in what is written for it, and nowhere else.
        nests: True where a comment may hold comments.
    """

    dialect: str
    lexer: Lexer[T]
    clock: Mapping[str, str]
    cast: Callable[[str], str | None]
    rewrites: Mapping[str, Rewrite] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    nests: bool = False

    # ── what a spec gives ─────────────────────────────────────────────────
    def text_for(self, sql: Sql, translate: Callable[[str], str], path: Path) -> str:
        """Return the text of `sql` for this database, untranslated where it was written for it.

        Raises:
            Problem: SP111 where the spec gives none, SP110 where it is no single expression or query.
        """
        given = sql.given_for(self.dialect)
        text = given if given is not None else sql.text
        if text is None:
            words = f"there is no SQL for {self.dialect} among those given"
            raise Problem("SP111", words, path, hint=f"add `{self.dialect}: …`")
        self.check(text, path, given=given is not None)
        return text.strip() if given is not None else translate(text).strip()

    def check(self, text: str, path: Path = (), *, given: bool = False) -> None:
        """Make sure that `text` is closed in itself, so that it can't leak into what is put around it.

        Args:
            given: it was written for this database.

        Raises:
            Problem: SP110 at `path`.
        """
        found = self.lexer.tokens(text)
        if not found:
            raise Problem("SP110", "this SQL is empty", path)
        depth = 0
        for token in found:
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if depth < 0:
                raise Problem("SP110", "this SQL closes a parenthesis that it does not open", path)
            self._check_token(token, path, given)
        if depth:
            raise Problem("SP110", "this SQL opens a parenthesis that it does not close", path)
        self._check_comments(text, path)

    def _check_token(self, token: T, path: Path, given: bool) -> None:
        if token.text == ";":
            raise Problem("SP110", "a `;` ends the SQL here, and only one expression fits", path, hint="take it out")
        if token.text == "::" and not (given and "::" in self.own):
            raise Problem("SP110", "`::` is no SQL that every database reads", path, hint="write `cast(… as …)`")
        if token.kind == "illegal":
            words = f"this SQL opens what it does not close, or has a sign that is none: {token.text}"
            if token.text in "\"'`[":
                words = f"this SQL opens a quote that it does not close: {token.text}"
            raise Problem("SP110", words, path)
        if token.kind == "parameter" and not (given and token.text in self.own):
            raise Problem(
                "SP110",
                f"`{token.text}` is a parameter, and nothing gives it a value",
                path,
                hint="put text in single quotes, or use a variable: {{ name | literal }}",
            )

    def _check_comments(self, text: str, path: Path) -> None:
        found = self.lexer.all_tokens(text.rstrip())
        if found[-1].kind == "comment" and not found[-1].text.startswith("/*"):
            raise Problem("SP110", "this SQL ends in a comment", path, hint="put the comment on a line before it")
        for token, after in zip(found, found[1:] + found[-1:], strict=True):
            block = token.kind == "comment" and token.text.startswith("/*")
            if (block and not token.text.endswith("*/")) or (token.text == "/" and after.text == "*"):
                raise Problem("SP110", "this SQL opens a comment that it does not close", path)
            if block and self.nests and "/*" in token.text[2:]:
                raise Problem("SP110", "a comment inside a comment can't stand here", path)
        if "\0" in text:
            raise Problem("SP110", "this SQL holds the character NUL", path)

    # ── what is sent ──────────────────────────────────────────────────────
    def bind_clock(self, sql: str) -> str:
        """Return `sql` with CURRENT_TIMESTAMP and its kin bound to the step's start."""
        found = self.lexer.all_tokens(sql)
        return "".join(self.clock.get(t.text.upper(), t.text) if t.kind == "word" else t.text for t in found)

    def is_name(self, sql: str) -> bool:
        """Tell whether `sql` is nothing but one identifier."""
        found = self.lexer.tokens(sql)
        return len(found) == 1 and found[0].is_name

    def translate(self, text: str, spelled: Spelling[T] = _as_it_is) -> str:
        """Return portable SQL as this database reads it."""
        return self._translate(self.lexer.all_tokens(text), spelled)

    def _translate(self, found: Sequence[T], spelled: Spelling[T]) -> str:
        out: list[str] = []
        before: T | None = None
        place = 0
        while place < len(found):
            token = found[place]
            if token.kind in ("space", "comment"):
                out.append(token.text)
                place += 1
                continue
            opening = _skip(found, place + 1)
            after = found[opening] if opening < len(found) else None
            if token.kind == "word" and after is not None and after.text == "(":
                end = _closing(found, opening)
                call = self._call(token, found[opening + 1 : end], spelled)
                if call is not None:
                    out.append(call)
                    before = found[end] if end < len(found) else None
                    place = end + 1
                    continue
            out.append(spelled(token, before, after))
            before = token
            place += 1
        return "".join(out)

    def _call(self, token: T, inner: Sequence[T], spelled: Spelling[T]) -> str | None:
        name = token.text.lower()
        if name == "cast":
            return f"{token.text}({self._cast(inner, spelled)})"
        rewrite = self.rewrites.get(name)
        return rewrite([self._translate(a, spelled).strip() for a in _arguments(inner)]) if rewrite else None

    def _cast(self, found: Sequence[T], spelled: Spelling[T]) -> str:
        depth = 0
        for place, token in enumerate(found):
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if depth == 0 and token.is_word("AS"):
                type = self.cast("".join(t.text for t in found[place + 1 :]))
                tail = f"AS {type}" if type is not None else "".join(t.text for t in found[place:])
                return self._translate(found[:place], spelled) + tail
        return self._translate(found, spelled)


def _skip(found: Sequence[BaseToken], place: int) -> int:
    while place < len(found) and found[place].kind in ("space", "comment"):
        place += 1
    return place


def _closing(found: Sequence[BaseToken], opening: int) -> int:
    depth = 0
    for place in range(opening, len(found)):
        depth += {"(": 1, ")": -1}.get(found[place].text, 0)
        if depth == 0:
            return place
    return len(found)


def _arguments(found: Sequence[T]) -> list[Sequence[T]]:
    arguments: list[Sequence[T]] = []
    depth = start = 0
    for place, token in enumerate(found):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if token.text == "," and depth == 0:
            arguments.append(found[start:place])
            start = place + 1
    return [*arguments, found[start:]]
