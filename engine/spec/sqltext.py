"""SQL as far as one can look at it without a database: tokens, what a fragment may not hold, statements.

Knows no grammar: quotes, comments, parentheses and separators only, in the
spellings of all supported databases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from engine.steps.shapes import SqlKind

Kind = Literal["text", "name", "word", "number", "comment", "parameter", "open", "close", "end", "other", "broken"]

_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
    | (?P<dollar>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    | (?P<text>[xXbBnNeE]?'(?:[^']|'')*'?)
    | (?P<name>"(?:[^"]|"")*"?|`(?:[^`]|``)*`?)
    | (?P<bracket>\[[^\]]*\]?)
    | (?P<number>\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)
    | (?P<word>[^\W\d]\w*)
    | (?P<cast>::)
    | (?P<parameter>\?\d*|[:@$][A-Za-z_]\w*)
    | (?P<open>\() | (?P<close>\)) | (?P<end>;)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
# MySQL takes \' for a quote inside text; PostgreSQL does in E'…'.
_ESCAPED = re.compile(r"""'(?:[^'\\]|''|\\.)*'?""", re.DOTALL)
_BODY = ("TRIGGER", "PROCEDURE", "FUNCTION", "EVENT")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of SQL; `kind` is `broken` for a quote or comment that never ends."""

    kind: Kind
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a fragment, and the way out."""

    message: str
    hint: str = ""


def tokens(sql: str, dialect: str = "") -> Iterator[Token]:
    """Yield the tokens of `sql` without white space.

    Args:
        sql: any text; what can't be read comes as `other`.
        dialect: the database that it is written for, "" for the common subset.
    """
    backslash = dialect in ("mysql", "mariadb")
    at = 0
    while at < len(sql):
        match = _TOKEN.match(sql, at)
        assert match is not None  # the last alternative takes any character
        kind, text = match.lastgroup or "other", match.group()
        if kind == "text" and (backslash or text[0] in "eE"):
            offset = text.index("'")
            escaped = _ESCAPED.match(sql, at + offset)
            text = text[:offset] + (escaped.group() if escaped else "")
        if kind == "bracket" and dialect in ("postgresql", "mysql", "mariadb"):
            kind, text = "other", text[0]
        if kind != "space":
            yield Token(_kind(kind, text), text, at)
        at += len(text)


def _kind(group: str, text: str) -> Kind:
    if group == "text":
        closed = text.count("'") % 2 == 0 or (len(text) > 2 and text.endswith("'") and "\\" in text)
        return "text" if closed else "broken"
    if group == "name":
        return "name" if text.count(text[0]) % 2 == 0 else "broken"
    if group == "bracket":
        return "name" if text.endswith("]") else "broken"
    if group == "comment":
        return "broken" if text.startswith("/*") and (len(text) < 4 or not text.endswith("*/")) else "comment"
    if group in ("dollar", "tag"):
        return "text"
    if group == "cast":
        return "other"
    return group  # type: ignore[return-value]


def fault(sql: str, kind: SqlKind, dialect: str = "") -> Fault | None:
    """Return what is wrong with a fragment as far as can be seen without a database, or None.

    Args:
        sql: the text.
        kind: what it is to be; only a `script` and a `body` have separators and comments.
        dialect: the database that it is written for, "" for the common subset.
    """
    depth = 0
    seen = False
    several = kind in ("script", "body")
    for token in tokens(sql, dialect):
        if token.kind == "broken":
            what = "the comment" if token.text.startswith("/*") else f"the quote {token.text[:1]}"
            return Fault(f"{what} that opens at `{token.text[:20].strip()}` is never closed", "close it")
        if token.kind == "comment":
            if several:
                continue
            return Fault(
                f"a comment can't stand in {_words(kind)}: `{token.text[:30].strip()}`",
                "put it above the key, behind a `#`",
            )
        if token.kind == "parameter" and dialect in ("", "sqlite"):
            return Fault(
                f"`{token.text}` is a parameter, and nobody gives it a value",
                "write the value, or a template: {{ name | literal }}",
            )
        if token.kind == "end" and not several:
            return Fault(f"{_words(kind)} is one piece of SQL and ends without `;`", "only `sql` takes statements")
        depth += {"open": 1, "close": -1}.get(token.kind, 0)
        if depth < 0:
            return Fault("a `)` closes what was never opened", "take it out, or open it before")
        seen = seen or token.kind != "end"
    if depth:
        return Fault(f"{depth} `(` {'is' if depth == 1 else 'are'} never closed", "add `)`")
    return None if seen else Fault("there is no SQL here", "write it, or take the key out")


def _words(kind: SqlKind) -> str:
    return {"expression": "an expression", "query": "a query"}.get(kind, "SQL")


def statements(sql: str, dialect: str = "") -> tuple[str, ...]:
    """Return the statements of a script, without the `;` between them.

    A `;` inside quotes, comments, dollar quotes or the body of a trigger does not count.
    """
    found: list[str] = []
    begin = 0
    words: list[str] = []
    depth = 0
    seen = False
    for token in tokens(sql, dialect):
        if token.kind == "end" and depth <= 0:
            if seen:
                found.append(sql[begin : token.start].strip())
            begin, words, depth, seen = token.start + 1, [], 0, False
            continue
        if token.kind == "comment":
            continue
        seen = True
        if token.kind != "word":
            continue
        word = token.text.upper()
        in_body = words[:1] == ["CREATE"] and any(w in _BODY for w in words[:8])
        if in_body and word in ("BEGIN", "CASE"):
            depth += 1
        elif in_body and word == "END":
            depth -= 1
        words.append(word)
    if seen:
        found.append(sql[begin:].strip())
    return tuple(found)
