"""Journals that triggers of the engine fill while a step writes, where more happens than its statement says.

Rows that have a key: a BEFORE trigger, the last by its name (the server goes by names), notes the key of each row
and what it was before its first change; what the step left is read when the batch is through (`now` is 2 meanwhile).
Rows without one: an AFTER trigger notes each row that came, changed or went. The triggers and their
functions live as long as the batch's transaction; they keep other writers off these tables for that time.
"""

from __future__ import annotations

from engine.dialects.postgres.effects import LAST
from engine.dialects.postgres.journal import Journal
from engine.dialects.postgres.sql import dollar_quoted, quote
from engine.dialects.postgres.statements import ddl, rows
from engine.model.plan import Statement


def record(journal: Journal) -> tuple[Statement, ...]:
    """Return the statements that make the trigger which fills a journal."""
    events = " OR ".join(event.upper() for event in sorted(journal.events))
    function = f"pg_temp.{quote(journal.name)}"
    when = "AFTER" if journal.whole else "BEFORE"
    code = f" #variable_conflict use_column\nBEGIN {_whole(journal) if journal.whole else _keyed(journal)} END "
    return (
        ddl(f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS {dollar_quoted(code)}", "journal"),
        ddl(
            f"CREATE TRIGGER {_trigger(journal)} {when} {events} ON {quote(journal.table.name)}"
            f" FOR EACH ROW EXECUTE FUNCTION {function}()",
            "journal",
        ),
    )


def stop(journal: Journal) -> tuple[Statement, ...]:
    """Return the statements that take it away, and note what is left of the rows."""
    gone = (
        ddl(f"DROP TRIGGER {_trigger(journal)} ON {quote(journal.table.name)}", "journal"),
        ddl(f"DROP FUNCTION pg_temp.{quote(journal.name)}()", "journal"),
    )
    if journal.whole:
        return gone
    name, table = quote(journal.name), quote(journal.table.name)
    sets = "".join(f", {quote(f'new_{c.name}')} = t.{quote(c.name)}" for c in journal.images)
    return (
        *gone,
        rows(
            f'UPDATE {name} AS j SET "now" = 1{sets} FROM {table} AS t WHERE {journal.ties("t")} AND j."now" = 2',
            "journal",
        ),
        rows(f'UPDATE {name} SET "now" = 0 WHERE "now" = 2', "journal"),
    )


def _trigger(journal: Journal) -> str:
    return quote(f"{LAST}{journal.name}")


def _keyed(journal: Journal) -> str:
    table = quote(journal.table.name)
    mark = f'ON CONFLICT ({", ".join(quote(n) for n in journal.key_columns())}) DO UPDATE SET "now" = 2'
    old = f"{journal.head('old')} VALUES ({_line(journal, 'OLD', 1, 2)}) {mark};"
    ties = " AND ".join(f"t.{quote(n)} = NEW.{quote(n)}" for n in journal.key.names)
    keys = ", ".join(f"NEW.{quote(n)}" for n in journal.key.names)
    # A row that is there already is not made: the insert fails, or ON CONFLICT says what becomes of it.
    new = (
        f"IF NOT EXISTS (SELECT 1 FROM {table} AS t WHERE {ties}) THEN"
        f" {journal.head()} VALUES ({keys}, 0, 2) {mark}; END IF;"
    )
    moved = " OR ".join(f"OLD.{quote(n)} IS DISTINCT FROM NEW.{quote(n)}" for n in journal.key.names)
    return (
        f"IF TG_OP = 'INSERT' THEN {new} RETURN NEW; END IF; {old}"
        f" IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;"
        f" IF {moved} THEN {new} END IF; RETURN NEW;"
    )


def _whole(journal: Journal) -> str:
    came = f"{journal.head('new')} VALUES ({_line(journal, 'NEW', 0, 1)});"
    went = f"{journal.head('old')} VALUES ({_line(journal, 'OLD', 1, 0)});"
    return f"IF TG_OP <> 'INSERT' THEN {went} END IF; IF TG_OP <> 'DELETE' THEN {came} END IF; RETURN NULL;"


def _line(journal: Journal, row: str, was: int, now: int) -> str:
    found = [*(f"{row}.{quote(n)}" for n in journal.key.names), str(was), str(now)]
    return ", ".join([*found, *(f"{row}.{quote(c.name)}" for c in journal.images)])
