"""Which tokens of an expression name columns. By token; knows no schema."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.dialects.sqlite.tokens import Token, tokens
from engine.model.state import same_name

# Words that stand where an operand may begin and are never names there.
_VALUES = frozenset({"NULL", "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME"})
_OPENING = frozenset({"NOT", "CASE", "WHEN", "EXISTS", "SELECT", "DISTINCT", "ALL", "FROM"})
# Words behind an operand that another operator, not an operand, follows; NOT is that of NOT LIKE.
_CLOSING = ("END", "ISNULL", "NOTNULL", "NOT", "NULL", "ASC", "DESC")


@dataclass(frozen=True, slots=True)
class Reference:
    """A token that may name a column, with its qualifier (`t` in `t.a`), if any."""

    token: Token
    qualifier: Token | None = None


def references(sql: str, start: int = 0, end: int | None = None) -> Iterator[Reference]:
    """Yield what may name a column in the expression `sql[start:end]`; offsets are those of `sql`.

    Left out are function names, collations, the types in CAST, keywords where the grammar takes
    them for such (`end` is a name in `end > 0`, not in `CASE … END`), and 'text'. A "name" is
    taken for a name, though SQLite reads it as text where there is no such column.
    """
    stop = len(sql) if end is None else end
    found = [token for token in tokens(sql) if start <= token.start and token.end <= stop]
    calls: list[bool] = []  # for each open parenthesis: is it that of a CAST?
    operand = True  # the grammar's state: an operand comes next, else an operator
    in_type = False
    for place, token in enumerate(found):
        before = found[place - 1] if place else None
        after = found[place + 1].text if place + 1 < len(found) else ""
        if token.text == "(":
            calls.append(before is not None and before.is_word("CAST"))
            operand = not in_type
        elif token.text == ")":
            closes_cast = bool(calls) and calls.pop()
            in_type = in_type and not closes_cast
            operand = False
        elif in_type or (before is not None and before.is_word("COLLATE")):
            operand = False
        elif not token.is_name:
            if token.text != ".":
                operand = token.kind == "operator"
        elif before is not None and before.text == ".":
            if after != ".":
                yield Reference(token, found[place - 2] if place > 1 else None)
        elif not operand:
            in_type = token.is_word("AS") and bool(calls) and calls[-1]
            operand = not token.is_word(*_CLOSING)
        elif token.kind == "word" and token.text.upper() in _VALUES:
            operand = False
        elif after == "(" or (token.kind == "word" and token.text.upper() in _OPENING):
            continue
        else:
            operand = False
            if after != ".":
                yield Reference(token)


def names(sql: str, name: str, start: int = 0, end: int | None = None, table: str = "") -> tuple[Token, ...]:
    """Return the tokens of an expression that name the column `name`.

    Args:
        table: a qualifier counts if it is this; "" takes any.
    """
    return tuple(
        reference.token
        for reference in references(sql, start, end)
        if same_name(reference.token.name, name)
        and (reference.qualifier is None or not table or same_name(reference.qualifier.name, table))
    )
