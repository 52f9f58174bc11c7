"""`sql`, the way out: statements as written, looked at but not changed. And the question behind a `when`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from engine.dialects.base import Access, StepContext
from engine.dialects.sqlite.expression import Planning
from engine.dialects.sqlite.failures import problem_of, see
from engine.dialects.sqlite.names import allowed, listed, relation
from engine.dialects.sqlite.shadow import Shadow
from engine.dialects.sqlite.shadow_connection import ShadowError
from engine.dialects.sqlite.sql import DIALECT
from engine.dialects.sqlite.statements import question
from engine.dialects.sqlite.tokens import Token, has_word, tokens
from engine.dialects.sqlite.translate import names_in, translate
from engine.errors import Path, Problem
from engine.model.changes import RunSql
from engine.model.expression import Sql
from engine.model.plan import Condition, Statement, Unit
from engine.model.state import fold

_DDL = ("CREATE", "ALTER", "DROP", "REINDEX", "ANALYZE")
_CONTROL = ("BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE")
_REFUSED = {
    "PRAGMA": ("LT117", "a PRAGMA changes how the whole connection works, the engine's own safety included"),
    "ATTACH": ("SP111", "ATTACH brings in another file, and one transaction does not hold over two of them"),
    "DETACH": ("SP111", "DETACH works on the engine's own connection"),
    "VACUUM": ("SP111", "VACUUM can't be in a transaction, and gives rows without a key new row ids"),
    "EXPLAIN": ("SP111", "EXPLAIN changes nothing and shows nothing here"),
}


def render_sql(session: Planning, change: RunSql, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that runs statements as they are written, in one transaction.

    Raises:
        Problem: TX103 transaction control; LT117, SP111 statements that are not for a migration;
            SP110, RF101, RF102 what can't be prepared.
    """
    trial = session.shadow.clone()
    statements: list[Statement] = []
    touched: dict[str, str] = {}
    for name in change.writes:
        found = relation(session.state, name, ("writes",)).name
        touched[fold(found)] = found
    for name in change.reads:
        relation(session.state, name, ("reads",))
    for place, sql in enumerate(change.statements):
        path: Path = (place,) if len(change.statements) > 1 else ()
        text = _text(sql, path)
        found_tokens = _see_allowed(text, path)
        for name in _given(found_tokens):
            allowed(name, path)
        access = _access(trial, text, path, bool(change.reads or change.writes))
        for name in sorted(access.writes):
            own = fold(name).startswith("sqlite_") and fold(name) not in names_in(text)
            if own or fold(name).startswith("sqlite_stat"):
                continue  # SQLite's own bookkeeping: counters follow a rename, ANALYZE measures
            allowed(name, path)
            touched.setdefault(fold(name), name)
        statement = _statement(text, found_tokens, access)
        if statement.kind == "ddl":
            try:
                trial.run(text)
            except ShadowError as error:
                raise problem_of(error.message, trial.state, path) from error
        statements.append(statement)
    names = tuple(touched.values())
    many = f"{len(statements)} statements" if len(statements) != 1 else "a statement"
    unit = Unit(
        context.step,
        context.step,
        f"run {many}" + (f" on {', '.join(names)}" if names else ""),
        "~",
        why=f"as written, in one transaction{f'; changes {listed(names)}' if names else ''}",
        before=tuple(statements),
        reversible="no",
        reason="sql has no derived way back",
        touches=names,
    )
    return (unit,)


def condition(id: str, sql: str, text: str) -> Condition:
    """Return the question behind a `when`.

    Args:
        id: of the step.
        sql: an expression, true where the step runs.
        text: the condition in words.
    """
    return Condition(id, question(f"SELECT {sql}", "condition"), text)


def _text(sql: Sql, path: Path) -> str:
    given = sql.given_for(DIALECT)
    text = given if given is not None else sql.text
    if text is None:
        raise Problem("SP111", "there is no SQL for sqlite among those given", path, hint="add `sqlite: …`")
    text = text.strip().rstrip(";").rstrip()
    return text if given is not None or has_word(text, "TRIGGER") else translate(text)


def _see_allowed(text: str, path: Path) -> tuple[Token, ...]:
    """Return the tokens of a statement that may stand in a migration."""
    found = tokens(text)
    if not found:
        raise Problem("SP110", "this SQL is empty", path)
    word = found[0].text.upper()
    if word in _CONTROL:
        raise Problem(
            "TX103",
            f"{word} ends or begins a transaction, and that is the engine's to do",
            path,
            hint="leave it out: each step is in a transaction already",
        )
    if word in _REFUSED:
        rule, words = _REFUSED[word]
        if word == "PRAGMA" and any(t.is_word("FOREIGN_KEYS", "DEFER_FOREIGN_KEYS") for t in found):
            rule, words = "LT101", "in a transaction, which each step is in, this PRAGMA does nothing and says nothing"
        raise Problem(rule, words, path, hint="leave it out, or do it outside of the migration")
    parameter = next((t for t in found if t.kind == "parameter"), None)
    if parameter is not None:
        raise Problem(
            "SP110",
            f"`{parameter.text}` is a parameter, and nothing gives it a value",
            path,
            hint="put text in single quotes, or use a variable: {{ name | literal }}",
        )
    if any(t.is_word("LOAD_EXTENSION") for t in found):
        raise Problem("SP111", "load_extension() brings foreign code into the database's process", path)
    return found


def _given(found: Sequence[Token]) -> Iterator[str]:
    """Yield the names that a statement gives: of what it makes, or the new one of a table."""
    words = [token.text.upper() for token in found]
    places = [n + 2 for n, pair in enumerate(pairwise(words)) if pair == ("RENAME", "TO")]
    if words[0] == "CREATE":
        kinds = (n for n, word in enumerate(words) if word in ("TABLE", "INDEX", "VIEW", "TRIGGER"))
        place = next(kinds, len(words)) + 1
        places.append(place + 3 * (words[place : place + 3] == ["IF", "NOT", "EXISTS"]))
    for place in places:
        place += 2 * (words[place + 1 : place + 2] == ["."])
        if place < len(found):
            yield found[place].name


def _access(trial: Shadow, text: str, path: Path, described: bool) -> Access:
    try:
        return see(trial, text, path)
    except Problem as problem:
        if described and "has no function" in problem.message:
            return Access(frozenset(), frozenset(), frozenset())
        raise


def _statement(text: str, found: Sequence[Token], access: Access) -> Statement:
    first = found[0]
    if first.is_word(*_DDL):
        return Statement(text, "ddl")
    # A WITH may stand before any of them; what is counted must be one table's rows.
    verb = next((w for w in ("INSERT", "REPLACE", "UPDATE", "DELETE") if first.is_word(w)), "")
    purpose = {"INSERT": "insert", "DELETE": "delete"}.get(verb, "change") if len(access.writes) == 1 else "change"
    return Statement(text, "rows", purpose, count="written" if verb else "")
