"""Portable SQL text → PostgreSQL's, token by token; what needs no change keeps every byte."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from engine.dialects.postgres.sql import DIALECT, canonical, literal_sql, quote
from engine.dialects.postgres.tokens import Token, all_tokens, tokens
from engine.errors import Path, Problem
from engine.model.expression import Expression, Literal, Parse, Sql

_CLOCK = {
    "CURRENT_TIMESTAMP": "CAST(:now AS timestamptz)",
    "CURRENT_DATE": "CAST(:now AS date)",
    "CURRENT_TIME": "CAST(CAST(:now AS timestamp) AS time)",
}


def check_fragment(text: str, path: Path = (), *, given: bool = False) -> None:
    """Make sure that `text` is closed in itself, so that it can't leak into what is put around it.

    Args:
        given: it was written for PostgreSQL: `::` may stand.

    Raises:
        Problem: SP110 at `path`.
    """
    if not tokens(text):
        raise Problem("SP110", "this SQL is empty", path)
    depth = 0
    for token in tokens(text):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth < 0:
            raise Problem("SP110", "this SQL closes a parenthesis that it does not open", path)
        _check_token(token, path, given)
    if depth:
        raise Problem("SP110", "this SQL opens a parenthesis that it does not close", path)
    last = all_tokens(text.rstrip())[-1]
    if last.kind == "comment" and last.text.startswith("--"):
        raise Problem("SP110", "this SQL ends in a comment", path, hint="put the comment on a line before it")
    if any(t.kind == "comment" and "/*" in t.text[2:] for t in all_tokens(text)) or "\0" in text:
        raise Problem("SP110", "a comment inside a comment can't stand here", path)


def _check_token(token: Token, path: Path, given: bool) -> None:
    if token.text == ";":
        raise Problem("SP110", "a `;` ends the SQL here, and only one expression fits", path, hint="take it out")
    if token.kind == "illegal":
        raise Problem("SP110", f"this SQL opens what it does not close, or has a sign that is none: {token.text}", path)
    if token.text == "::" and not given:
        raise Problem("SP110", "`::` is no SQL that every database reads", path, hint="write `cast(… as …)`")
    if token.kind == "parameter" and not (given and token.text == "?"):
        raise Problem(
            "SP110",
            f"`{token.text}` is a parameter, and nothing gives it a value",
            path,
            hint="put text in single quotes, or use a variable: {{ name | literal }}",
        )


def bind_clock(sql: str) -> str:
    """Return `sql` with CURRENT_TIMESTAMP and its kin bound to the step's start."""
    return "".join(_CLOCK.get(t.text.upper(), t.text) if t.kind == "word" else t.text for t in all_tokens(sql))


def is_name(sql: str) -> bool:
    """Tell whether `sql` is nothing but one identifier."""
    found = tokens(sql)
    return len(found) == 1 and found[0].is_name


def text_for(sql: Sql, names: Collection[str], path: Path = ()) -> str:
    """Return the text of `sql` for PostgreSQL, untranslated where it was written for it.

    Args:
        names: of tables and columns: those that are not in lower case are quoted where they stand bare.

    Raises:
        Problem: SP111 where the spec gives none, SP110 where it is no single expression or query.
    """
    given = sql.given_for(DIALECT)
    text = given if given is not None else sql.text
    if text is None:
        raise Problem("SP111", "there is no SQL for postgresql among those given", path, hint="add `postgresql: …`")
    check_fragment(text, path, given=given is not None)
    return text.strip() if given is not None else translate(text, names).strip()


def expression_sql(expression: Expression, names: Collection[str], path: Path = ()) -> str:
    """Return an expression as PostgreSQL's own text; see `text_for`.

    Raises:
        Problem: SP110, SP111 at `path`.
    """
    if isinstance(expression, Literal):
        return literal_sql(expression)
    if isinstance(expression, Parse):
        from engine.dialects.postgres.parsing import parse_sql

        return parse_sql(expression, names, path)
    return text_for(expression, names, path)


def translate(text: str, names: Collection[str] = ()) -> str:
    """Return portable SQL as PostgreSQL reads it."""
    odd = {name.lower(): name for name in names if name != name.lower() or name in ("user", "end", "order")}
    for name in names:  # a name in lower case wins: that is what PostgreSQL would look for
        if name == name.lower() and name not in ("user",):
            odd.pop(name, None)
    return _translate(all_tokens(text), odd)


def _translate(found: Sequence[Token], odd: dict[str, str]) -> str:
    out: list[str] = []
    place = 0
    while place < len(found):
        token = found[place]
        opening = _skip(found, place + 1)
        name = token.text.lower() if token.kind == "word" else ""
        called = opening < len(found) and found[opening].text == "("
        if called and (name in _REWRITES or name == "cast"):
            end = _closing(found, opening)
            inner = found[opening + 1 : end]
            rewritten: str | None
            if name == "cast":
                rewritten = f"{token.text}({_cast(inner, odd)})"
            else:
                rewritten = _REWRITES[name]([_translate(a, odd).strip() for a in _arguments(inner)])
            if rewritten is not None:
                out.append(rewritten)
                place = end + 1
                continue
        if name == "like":
            out.append("ILIKE")  # in the common subset it looks past the case, as SQLite and MySQL do
        elif token.text == "==":
            out.append("=")
        elif name in odd and not called:
            out.append(quote(odd[name]))
        else:
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


def _cast(found: Sequence[Token], odd: dict[str, str]) -> str:
    depth = 0
    for place, token in enumerate(found):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.is_word("AS"):
            type = canonical("".join(t.text for t in found[place + 1 :]))
            return f"{_translate(found[:place], odd)}AS {'jsonb' if type == 'json' else type}"
    return _translate(found, odd)


def _instr(arguments: list[str]) -> str | None:
    return f"strpos({arguments[0]}, {arguments[1]})" if len(arguments) == 2 else None


def _substr(arguments: list[str]) -> str | None:
    """From the end, which PostgreSQL's own substr does not count from."""
    if len(arguments) < 2 or not (arguments[1].startswith("-") and arguments[1][1:].isdigit()):
        return None
    text, back = arguments[0], int(arguments[1][1:])
    if len(arguments) == 2:
        return f"right({text}, {back})"
    return f"substr({text}, length({text}) - {back - 1}, {arguments[2]})" if back and len(arguments) == 3 else None


def _round(arguments: list[str]) -> str | None:
    """Half away from zero, as the others do: PostgreSQL rounds a double to the even one."""
    if not arguments[0]:
        return None
    return f"round({', '.join([f'CAST(({arguments[0]}) AS numeric)', *arguments[1:]])})"


def _ifnull(arguments: list[str]) -> str | None:
    return f"coalesce({', '.join(arguments)})"


_REWRITES: dict[str, Callable[[list[str]], str | None]] = {
    "instr": _instr,
    "substr": _substr,
    "round": _round,
    "ifnull": _ifnull,
}
