"""`sql`, the way out: statements as written, looked at but not changed."""

from __future__ import annotations

from engine.dialects.base import StepContext
from engine.dialects.postgres.access import look
from engine.dialects.postgres.expression import Planning, names_of
from engine.dialects.postgres.names import allowed, listed, relation
from engine.dialects.postgres.sql import DIALECT
from engine.dialects.postgres.statements import question
from engine.dialects.postgres.tokens import tokens
from engine.dialects.postgres.translate import translate
from engine.errors import Path, Problem
from engine.model.changes import RunSql
from engine.model.expression import Sql
from engine.model.plan import Condition, Statement, Unit
from engine.model.state import fold

_ROWS = ("INSERT", "UPDATE", "DELETE", "MERGE", "SELECT", "WITH", "VALUES")
_PLAIN_DDL = ("ANALYZE", "COMMENT", "GRANT", "REVOKE")
_CONTROL = ("BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "PREPARE")
_REFUSED = {
    "SET": "SET changes how the whole session works, the engine's own safety included",
    "RESET": "RESET changes how the whole session works, the engine's own safety included",
    "VACUUM": "VACUUM can't be in a transaction",
    "CLUSTER": "CLUSTER rewrites the whole table under a lock that stops all others",
    "COPY": "COPY reads or writes files outside of the database",
    "LISTEN": "LISTEN has no place in a migration",
    "LOCK": "locks are the engine's to take",
    "EXPLAIN": "EXPLAIN changes nothing and shows nothing here",
}


def render_sql(session: Planning, change: RunSql, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that runs statements as they are written, in one transaction.

    Statements that change the schema are refused: their effect on the state can't be folded.

    Raises:
        Problem: TX103 transaction control; SP111 what is not for a migration; SP110, RF101.
    """
    statements: list[Statement] = []
    touched: dict[str, str] = {}
    for name in change.writes:
        found = relation(session.schema, name, ("writes",)).name
        touched[fold(found)] = found
    for name in change.reads:
        relation(session.schema, name, ("reads",))
    for place, sql in enumerate(change.statements):
        path: Path = (place,) if len(change.statements) > 1 else ()
        given = sql.given_for(DIALECT)
        text = _text(session, sql, path)
        word = _see_allowed(text, path)
        access = look(session.schema, text, path, given=given is not None or word in _PLAIN_DDL).access
        for name in sorted(access.writes):
            allowed(name, path)
            touched.setdefault(fold(name), name)
        if word in _PLAIN_DDL:
            statements.append(Statement(text, "ddl"))
            continue
        purpose = {"INSERT": "insert", "DELETE": "delete"}.get(word, "change")
        counts = word in ("INSERT", "UPDATE", "DELETE", "MERGE")
        statements.append(Statement(text, "rows", purpose, count="written" if counts else ""))
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
    """Return the question behind a `when`."""
    return Condition(id, question(f"SELECT {sql}", "condition"), text)


def _text(session: Planning, sql: Sql, path: Path) -> str:
    given = sql.given_for(DIALECT)
    text = given if given is not None else sql.text
    if text is None:
        raise Problem("SP111", "there is no SQL for postgresql among those given", path, hint="add `postgresql: …`")
    text = text.strip().rstrip(";").rstrip()
    return text if given is not None else translate(text, names_of(session.schema))


def _see_allowed(text: str, path: Path) -> str:
    """Return the first word of a statement that may stand in a migration, in capitals."""
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
        raise Problem("SP111", _REFUSED[word], path, hint="leave it out, or do it outside of the migration")
    if word not in (*_ROWS, *_PLAIN_DDL):
        raise Problem(
            "SP111",
            f"{word} in `sql` changes the schema in a way that planning for PostgreSQL can't follow yet",
            path,
            hint="use `create`, `alter`, `index`, `rename` or `drop`",
        )
    illegal = next((t for t in found if t.kind == "parameter" or t.text == ";"), None)
    if illegal is not None:
        words = "is a parameter, and nothing gives it a value" if illegal.text != ";" else "ends the statement"
        raise Problem(
            "SP110",
            f"`{illegal.text}` {words}",
            path,
            hint="put text in single quotes, or use a variable: {{ name | literal }}",
        )
    return word
