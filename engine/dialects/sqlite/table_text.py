"""The text of a CREATE TABLE as SQLite keeps it, taken apart with the offsets of every part.

Follows SQLite's own grammar, oddities included: names in any quotes, types of several words,
table constraints without commas between them, `CONSTRAINT x` with nothing behind it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from engine.dialects.sqlite.table_parts import (
    ColumnText,
    Constraint,
    ConstraintKind,
    Name,
    TableText,
    TextError,
)
from engine.dialects.sqlite.tokens import Token, tokens
from engine.model.state import fold

__all__ = ["ColumnText", "Constraint", "ConstraintKind", "Name", "TableText", "TextError", "parse"]

_STARTS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN")
_TYPE_ENDS = tuple("CONSTRAINT PRIMARY UNIQUE CHECK REFERENCES NOT NULL DEFAULT COLLATE AS DEFERRABLE".split())


@lru_cache(maxsize=4096)
def parse(sql: str) -> TableText:
    """Take the text of a CREATE TABLE apart.

    Raises:
        TextError: it is none, or one of a virtual table.
    """
    return _Parser(sql).table()


class _Parser:
    """Walks the tokens of one text."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.tokens = tokens(sql)
        self.at = 0
        self.end = 0  # end of the last token taken

    # ── tokens ──
    def word(self, *words: str) -> bool:
        """Tell whether `words` come next."""
        ahead = self.tokens[self.at : self.at + len(words)]
        return len(ahead) == len(words) and all(t.is_word(w) for t, w in zip(ahead, words, strict=True))

    def sign(self, text: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at].text == text

    def take(self) -> Token:
        if self.at >= len(self.tokens):
            raise TextError(f"the text ends too early: {self.sql[-40:]!r}")
        token = self.tokens[self.at]
        self.at += 1
        self.end = token.end
        return token

    def skip(self, *words: str) -> bool:
        """Take `words` if they come next."""
        if not self.word(*words):
            return False
        for _ in words:
            self.take()
        return True

    def need(self, text: str) -> Token:
        token = self.take()
        if token.text.upper() != text:
            raise TextError(f"{text} expected at {token.start}, not {token.text!r}")
        return token

    def name(self) -> Name:
        token = self.take()
        if not token.is_name and token.kind != "string":
            raise TextError(f"a name expected at {token.start}, not {token.text!r}")
        return Name(token.name, token.start, token.end)

    def inside(self) -> tuple[int, int]:
        """Take a pair of parentheses with all that is in it; return what is inside, trimmed."""
        start = self.need("(").end
        depth = 1
        while depth:
            token = self.take()
            depth += (token.text == "(") - (token.text == ")")
        text = self.sql[start : self.end - 1]
        left = len(text) - len(text.lstrip(" \t\n\f\r"))
        return start + left, max(start + left, start + len(text.rstrip(" \t\n\f\r")))

    # ── the statement ──
    def table(self) -> TableText:
        self.need("CREATE")
        if not self.skip("TEMP"):
            self.skip("TEMPORARY")
        self.need("TABLE")
        self.skip("IF", "NOT", "EXISTS")
        name = self.name()
        if self.sign("."):
            self.take()
            name = self.name()
        opened = self.need("(").start
        columns = [self.column()]
        constraints: list[Constraint] = []
        while self.sign(","):
            self.take()
            if constraints or self.word_among(_STARTS):
                constraints.append(self.constraint(""))
                while self.word_among(_STARTS):
                    constraints.append(self.constraint(""))
            else:
                columns.append(self.column())
        closed = self.need(")").start
        options = self.options()
        if self.sign(";"):
            self.take()
        if self.at < len(self.tokens):
            raise TextError(f"nothing more expected at {self.tokens[self.at].start}")
        return TableText(self.sql, name, tuple(columns), tuple(constraints), opened, closed, options)

    def word_among(self, words: tuple[str, ...]) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at].is_word(*words)

    def options(self) -> tuple[Name, ...]:
        found: list[Name] = []
        while self.at < len(self.tokens) and not self.sign(";"):
            if found:
                self.need(",")
            start = self.tokens[self.at].start if self.at < len(self.tokens) else self.end
            if self.skip("WITHOUT"):
                self.name()
                found.append(Name("WITHOUT ROWID", start, self.end))
            else:
                found.append(Name(fold(self.name().value).upper(), start, self.end))
        return tuple(found)

    def column(self) -> ColumnText:
        name = self.name()
        type = self.type()
        constraints: list[Constraint] = []
        while self.at < len(self.tokens) and not (self.sign(",") or self.sign(")")):
            constraints.append(self.constraint(name.value))
        return ColumnText(name, type, tuple(constraints), name.start, self.end)

    def type(self) -> tuple[int, int]:
        start, end = -1, self.end
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if not token.is_name and token.kind != "string":
                break
            if token.is_word(*_TYPE_ENDS) or self.word("GENERATED", "ALWAYS", "AS"):
                break
            start = token.start if start < 0 else start
            end = self.take().end
        if start >= 0 and self.sign("("):
            self.inside()
            end = self.end
        return (start, end) if start >= 0 else (end, end)

    # ── constraints ──
    def constraint(self, column: str) -> Constraint:
        """Take one constraint, on `column` or, where that is "", on the table."""
        start = self.tokens[self.at].start
        name = ""
        if self.skip("CONSTRAINT"):
            name = self.name().value
            if self.sign(",") or self.sign(")") or self.word("CONSTRAINT"):
                return Constraint("name", name, start, self.end, column=column)
        if self.skip("CHECK"):
            body = self.inside()
            conflict = "" if column else self.conflict()
            return Constraint("check", name, start, self.end, body, column, conflict=conflict)
        if self.skip("PRIMARY", "KEY"):
            return self.key("primary key", name, start, column)
        if self.skip("UNIQUE"):
            return self.key("unique", name, start, column)
        if column:
            return self.column_constraint(name, start, column)
        self.need("FOREIGN")
        self.need("KEY")
        columns, _ = self.column_list()
        self.need("REFERENCES")
        return self.foreign_key(name, start, "", columns)

    def column_constraint(self, name: str, start: int, column: str) -> Constraint:
        if self.skip("REFERENCES"):
            return self.foreign_key(name, start, column, ())
        if self.skip("NOT", "NULL"):
            conflict = self.conflict()
            return Constraint("not null", name, start, self.end, column=column, conflict=conflict)
        if self.skip("NULL"):
            conflict = self.conflict()
            return Constraint("null", name, start, self.end, column=column, conflict=conflict)
        if self.skip("DEFAULT"):
            parenthesised = self.sign("(")
            body = self.inside() if parenthesised else self.term()
            return Constraint("default", name, start, self.end, body, column, parenthesised=parenthesised)
        if self.skip("COLLATE"):
            found = self.name()
            return Constraint("collate", name, start, self.end, (found.start, found.end), column)
        if self.skip("GENERATED", "ALWAYS", "AS") or self.skip("AS"):
            body = self.inside()
            stored = self.skip("STORED")
            if not stored:
                self.skip("VIRTUAL")
            return Constraint("generated", name, start, self.end, body, column, stored=stored)
        clause = self.deferrable()
        if clause is None:
            raise TextError(f"a column constraint expected at {self.tokens[self.at].start}")
        return Constraint("deferrable", name, start, self.end, column=column, deferred=clause)

    def term(self) -> tuple[int, int]:
        """Take a default without parentheses."""
        token = self.take()
        start = token.start
        if token.text in ("+", "-"):
            token = self.take()
        if token.kind not in ("word", "quoted", "string", "number", "blob"):
            raise TextError(f"a default expected at {token.start}, not {token.text!r}")
        return start, self.end

    def conflict(self) -> str:
        if not self.skip("ON", "CONFLICT"):
            return ""
        return self.take().text.upper()

    def direction(self) -> bool:
        """Take ASC or DESC; tell whether it is DESC."""
        return False if self.skip("ASC") else self.skip("DESC")

    def key(self, kind: Literal["primary key", "unique"], name: str, start: int, column: str) -> Constraint:
        columns: tuple[Name, ...] = ()
        descending = automatic = False
        if column:
            descending = kind == "primary key" and self.direction()
        else:
            columns, automatic = self.column_list()
        conflict = self.conflict()
        if column and kind == "primary key":
            automatic = self.skip("AUTOINCREMENT")
        return Constraint(
            kind,
            name,
            start,
            self.end,
            column=column,
            columns=columns,
            descending=descending,
            auto_increment=automatic,
            conflict=conflict,
        )

    def column_list(self) -> tuple[tuple[Name, ...], bool]:
        """Take `(a, "b" COLLATE x DESC, …)`; return the names, and whether AUTOINCREMENT ends it."""
        first = self.at
        self.inside()
        names: list[Name] = []
        expected = True
        for token in self.tokens[first + 1 : self.at - 1]:
            if token.text == ",":
                expected = True
            elif expected and token.text != "(":
                names.append(Name(token.name, token.start, token.end))
                expected = False
        return tuple(names), self.tokens[self.at - 2].is_word("AUTOINCREMENT")

    def foreign_key(self, name: str, start: int, column: str, columns: tuple[Name, ...]) -> Constraint:
        target = self.name()
        references = self.column_list()[0] if self.sign("(") else ()
        actions = {"DELETE": "NO ACTION", "UPDATE": "NO ACTION", "INSERT": ""}
        while True:
            if self.skip("MATCH"):
                self.name()
            elif self.skip("ON"):
                event = self.take().text.upper()
                actions[event] = self.action()
            else:
                break
        deferred = self.deferrable()
        return Constraint(
            "foreign key",
            name,
            start,
            self.end,
            column=column,
            columns=columns,
            target=target,
            references=references,
            on_delete=actions["DELETE"],
            on_update=actions["UPDATE"],
            deferred=bool(deferred),
        )

    def action(self) -> str:
        first = self.take().text.upper()
        return f"{first} {self.take().text.upper()}" if first in ("SET", "NO") else first

    def deferrable(self) -> bool | None:
        """Take `[NOT] DEFERRABLE [INITIALLY …]`; tell whether it defers, None where there is none."""
        able = not self.word("NOT", "DEFERRABLE")
        if not (self.skip("DEFERRABLE") or self.skip("NOT", "DEFERRABLE")):
            return None
        if not self.skip("INITIALLY"):
            return False
        return self.take().is_word("DEFERRED") and able
