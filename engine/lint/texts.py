"""The SQL in a step: where it stands, for which database it was written, and what its words say.

By token, not by grammar: what a rule can't be sure of from the words, it leaves alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from engine.dialects.sqlite.identifiers import references
from engine.dialects.sqlite.tokens import Token, tokens
from engine.errors import Path
from engine.model.changes import Change, CheckRows, CopyRows, DeleteRows, RowCheck, RunSql, UpdateRows
from engine.model.expression import Expression, Parse, PerDialect
from engine.model.row_changes import Amount
from engine.model.state import fold, same_name
from engine.steps.keywords import RESERVED

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*", re.ASCII)
VALUE, WHERE, MATCH, QUERY, STATEMENT = "value", "where", "match", "query", "statement"


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of SQL as the spec has it.

    Attributes:
        path: its place in the step.
        text: without the semicolon at its end.
        dialect: the database it was written for, "" for the common subset.
        kind: value, where, match, query or statement.
        column: the column that gets the value, "" for none.
    """

    path: Path
    text: str
    dialect: str
    kind: str
    column: str = ""

    @property
    def tokens(self) -> tuple[Token, ...]:
        return tokens(self.text)

    @property
    def words(self) -> tuple[str, ...]:
        """Its tokens; unquoted words in capitals, quoted names without their quotes."""
        return words_of(self.text)

    def says(self, *phrase: str) -> bool:
        """Tell whether these words stand in it one after another."""
        return phrase_at(self.words, phrase) >= 0

    def begins(self, *phrase: str) -> bool:
        """Tell whether it begins with these words."""
        return self.words[: len(phrase)] == phrase

    def meant_for(self, dialect: str, targets: Sequence[str]) -> bool:
        """Tell whether it runs on `dialect`: written for it, or for all and it is among `targets`."""
        names = ("mariadb", "mysql") if dialect in ("mysql", "mariadb") else (dialect,)
        if self.dialect:
            return self.dialect in names
        return any(name in targets for name in names)


@lru_cache(maxsize=4096)
def words_of(text: str) -> tuple[str, ...]:
    """Return the tokens of `text`; unquoted words in capitals, quoted names bare."""
    return tuple(t.text.upper() if t.kind == "word" else t.name if t.kind == "quoted" else t.text for t in tokens(text))


def phrase_at(words: Sequence[str], phrase: Sequence[str], start: int = 0) -> int:
    """Return where `phrase` stands in `words`, -1 where it does not."""
    size = len(phrase)
    return next((n for n in range(start, len(words) - size + 1) if tuple(words[n : n + size]) == tuple(phrase)), -1)


def fragments(change: Change) -> Iterator[Fragment]:
    """Yield the SQL of a data step, of checks and of `sql`."""
    match change:
        case UpdateRows(set=pairs, where=where, join=join):
            for name, expression in pairs:
                yield from _expression(expression, ("transform", "set", name), name)
            yield from _texts(where, ("transform", "where"), WHERE)
            if join is not None:
                yield from _texts(join.match, ("transform", "join", "match"), MATCH)
                yield from _texts(join.query, ("transform", "join", "sql"), QUERY)
        case CopyRows(query=query, columns=columns, where=where):
            yield from _texts(query, ("copy", "from", "sql"), QUERY)
            for name, expression in columns or ():
                yield from _expression(expression, ("copy", "columns", name), name)
            yield from _texts(where, ("copy", "where"), WHERE)
        case DeleteRows(where=where):
            yield from _texts(where, ("delete", "where"), WHERE)
        case CheckRows(checks=checks):
            for check in checks:
                yield from check_fragments(check)
        case RunSql(statements=statements):
            for place, sql in enumerate(statements):
                path: Path = ("sql", "run", place) if len(statements) > 1 else ("sql", "run")
                yield from _texts(sql, path, STATEMENT)
        case _:
            pass


def check_fragments(check: RowCheck) -> Iterator[Fragment]:
    """Yield the SQL of one check of a `validate`."""
    path: Path = ("validate", check.place, check.kind)
    yield from _texts(check.where, (*path, "where"), WHERE)
    yield from _texts(check.query, (*path, "sql"), QUERY)
    for name, value in check.extra:
        if isinstance(value, Amount):
            yield from _texts(value.query, (*path, name, "sql"), QUERY)
            yield from _texts(value.where, (*path, name, "where"), WHERE)
        elif isinstance(value, PerDialect):
            yield from _texts(value, (*path, *name.split("_", 1)), WHERE)


def statements(change: Change) -> Iterator[Fragment]:
    """Yield the statements of a `sql` step, each text of those that are given per database."""
    if isinstance(change, RunSql):
        yield from fragments(change)


def _expression(expression: Expression, path: Path, column: str) -> Iterator[Fragment]:
    if isinstance(expression, Parse):
        yield from _texts(expression.column, (*path, "parse"), VALUE, column)
    elif isinstance(expression, PerDialect):
        yield from _texts(expression, path, VALUE, column)


def _texts(sql: PerDialect | None, path: Path, kind: str, column: str = "") -> Iterator[Fragment]:
    if sql is None:
        return
    if sql.text is not None:
        yield Fragment(path, sql.text.strip().rstrip(";").rstrip(), "", kind, column)
    for dialect, text in sql.texts:
        yield Fragment((*path, dialect), text.strip().rstrip(";").rstrip(), dialect, kind, column)


# ── what the words say ────────────────────────────────────────────────────
def calls(text: str) -> tuple[str, ...]:
    """Return the names of the functions that are called, in small letters, in order."""
    found = tokens(text)
    return tuple(
        t.text.lower()
        for t, after in pairwise(found)
        if t.kind == "word" and after.text == "(" and t.text.upper() not in _NO_FUNCTIONS
    )


_NO_FUNCTIONS = frozenset(
    {"IN", "AND", "OR", "NOT", "VALUES", "AS", "EXISTS", "FROM", "JOIN", "ON", "WHERE", "SELECT", "WHEN", "THEN"}
    | {"ELSE", "CASE", "BETWEEN", "LIKE", "OVER", "USING", "INTO", "ALL", "ANY", "SET", "UNION", "EXCEPT", "LIMIT"}
    | {"TABLE", "KEY", "CHECK", "UNIQUE", "REFERENCES", "INTERSECT", "DISTINCT", "BY", "HAVING", "FILTER"}
)


def columns_read(text: str) -> frozenset[str]:
    """Return the (folded) names of what may be columns in an expression."""
    return frozenset(fold(r.token.name) for r in references(text))


def names(text: str, name: str) -> bool:
    """Tell whether an identifier `name` stands in `text`."""
    return any(t.is_name and same_name(t.name, name) for t in tokens(text))


def is_bare(text: str) -> str:
    """Return the column that `text` is nothing but the name of, qualified or not; else ""."""
    found = tokens(text)
    if len(found) == 1 and found[0].is_name:
        return found[0].name
    if len(found) == 3 and found[1].text == "." and found[0].is_name and found[2].is_name:
        return found[2].name
    return ""


_EVERY = frozenset({("TRUE",), ("1",), ("1", "=", "1"), ("NOT", "FALSE"), ("NOT", "0"), ("1", "<>", "0")})
_NONE = frozenset({("FALSE",), ("0",), ("1", "=", "0"), ("0", "=", "1"), ("NOT", "TRUE"), ("1", "<>", "1"), ("NULL",)})


def always(text: str) -> bool:
    """Tell whether a condition is true of every row, whatever it holds."""
    return _bare_words(text) in _EVERY


def never(text: str) -> bool:
    """Tell whether a condition is true of no row, whatever it holds."""
    return _bare_words(text) in _NONE


def _bare_words(text: str) -> tuple[str, ...]:
    words = words_of(text)
    while len(words) > 2 and words[0] == "(" and words[-1] == ")":
        words = words[1:-1]
    return words


def last_where(text: str) -> str:
    """Return the condition of the query's last WHERE, where nothing but it follows; else ""."""
    found = tokens(text)
    depth = 0
    at = -1
    for place, token in enumerate(found):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.is_word("WHERE"):
            at = place
        elif depth == 0 and at >= 0 and token.is_word("GROUP", "ORDER", "LIMIT", "UNION", "HAVING", "INTERSECT"):
            return ""
    return text[found[at].end :].strip() if at >= 0 else ""


def top_level(text: str) -> tuple[str, ...]:
    """Return the words of `text` that stand in no parentheses; each pair of them is one word `()`."""
    out: list[str] = []
    depth = 0
    for word in words_of(text):
        if word == "(":
            if depth == 0:
                out.append("()")
            depth += 1
        elif word == ")":
            depth -= 1
        elif depth == 0:
            out.append(word)
    return tuple(out)


def object_after(fragment: Fragment, *phrase: str) -> str:
    """Return the name that follows these words (and IF [NOT] EXISTS, ONLY, schema), or ""."""
    at = phrase_at(fragment.words, phrase)
    return name_at(fragment.text, at + len(phrase)) if at >= 0 else ""


def name_at(text: str, place: int) -> str:
    """Return the name at token `place`, after IF [NOT] EXISTS and ONLY, without its schema; or ""."""
    found = tokens(text)
    while place < len(found) and found[place].is_word("IF", "NOT", "EXISTS", "ONLY", "CONCURRENTLY"):
        place += 1
    if place >= len(found) or not found[place].is_name:
        return ""
    if place + 2 < len(found) and found[place + 1].text == "." and found[place + 2].is_name:
        return found[place + 2].name
    return found[place].name


# ── statements that write rows ────────────────────────────────────────────
def target(said: Fragment) -> str:
    """Return the table whose rows a statement writes, "" where it writes none or begins otherwise."""
    words = said.words
    if said.begins("UPDATE"):
        return name_at(said.text, 3 if words[1:2] == ("OR",) else 1)
    if said.begins("DELETE", "FROM"):
        return name_at(said.text, 2)
    if words[:1] in (("INSERT",), ("REPLACE",)):
        return object_after(said, "INTO")
    return object_after(said, "TRUNCATE", "TABLE") or (name_at(said.text, 1) if said.begins("TRUNCATE") else "")


def columns_given(said: Fragment) -> tuple[str, ...] | None:
    """Return the column list of an INSERT, None where it has none."""
    at = phrase_at(said.words, ("INTO",))
    found = said.tokens
    place = at + 2
    if place + 1 < len(found) and found[place].text == ".":
        place += 2
    if at < 0 or place >= len(found) or found[place].text != "(" or found[place + 1].is_word("SELECT", "WITH"):
        return None
    end = next((n for n in range(place, len(found)) if found[n].text == ")"), len(found))
    return tuple(t.name for t in found[place + 1 : end] if t.is_name)


def assignments(said: Fragment) -> tuple[tuple[str, str], ...]:
    """Return the (column, expression) pairs that an UPDATE sets."""
    start = phrase_at(said.words, ("SET",))
    pairs: list[tuple[str, str]] = []
    depth, part = 0, start + 1
    found = said.tokens
    for place in range(start + 1, len(found) + 1):
        token = found[place] if place < len(found) else None
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token else 0
        over = token is None or (depth == 0 and token.is_word("WHERE", "FROM", "RETURNING", "ORDER", "LIMIT"))
        if start >= 0 and (over or (depth == 0 and token is not None and token.text == ",")):
            if place - part >= 3 and found[part + 1].text == "=" and found[part].is_name:
                pairs.append((found[part].name, said.text[found[part + 2].start : found[place - 1].end]))
            part = place + 1
        if over:
            break
    return tuple(pairs)


def filled_rows(table: str, column: str) -> str:
    """Return a query for the rows in which `column` holds something, as a YAML scalar; names in quotes where needed."""
    plain = all(_PLAIN.fullmatch(name) and name.upper() not in RESERVED for name in (table, column))
    if plain:
        return f'"SELECT 1 FROM {table} WHERE {column} IS NOT NULL"'
    quoted = ['"' + name.replace('"', '""') + '"' for name in (table, column)]
    text = f"SELECT 1 FROM {quoted[0]} WHERE {quoted[1]} IS NOT NULL"
    return "'" + text.replace("'", "''") + "'"
