"""Sequences behind identity and serial columns, kept in step when rows bring their own numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.dialects.postgres.schema import PgColumn, PgTable
from engine.dialects.postgres.sql import dollar_quoted, literal_sql, quote
from engine.dialects.postgres.statements import ddl, rows
from engine.model.plan import Statement


def in_step(table: PgTable, columns: Sequence[PgColumn]) -> tuple[Statement, ...]:
    """Return the statements that move the sequences of `columns`, which got given values, past the highest.

    Forward a sequence never goes back; on the way back see `Counters`.
    """
    found = []
    for column in columns:
        if not column.numbers_itself:
            continue
        name, of = quote(column.name), quote(table.name)
        sequence = f"pg_catalog.pg_get_serial_sequence({literal_sql(of)}, {literal_sql(column.name)})"
        found.append(
            rows(
                f"SELECT pg_catalog.setval({sequence}, (SELECT max({name}) FROM {of}))"
                f" WHERE (SELECT max({name}) FROM {of}) > coalesce("
                f"(SELECT s.last_value FROM pg_catalog.pg_sequences AS s WHERE"
                f" pg_catalog.format('%I.%I', s.schemaname, s.sequencename)::pg_catalog.regclass"
                f" = {sequence}::pg_catalog.regclass), 0)",
                "sequence",
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Counters:
    """Where the sequences behind columns stood before a step, and where it left them.

    Sequences are asked by their names as they are when it runs, so in PL/pgSQL.

    Attributes:
        name: of the table that notes it.
        columns: (table, column) pairs.
    """

    name: str
    columns: tuple[tuple[str, str], ...]

    def create(self) -> tuple[Statement, ...]:
        """Return the statements that note where they stand."""
        values = '"was", "called", "now", "is_called"'
        return (
            ddl(
                f'CREATE TABLE {quote(self.name)} ("of" text, "col" text, "was" bigint, "called" boolean,'
                ' "now" bigint, "is_called" boolean, PRIMARY KEY ("of", "col"))',
                "journal",
            ),
            self._each(
                f'INSERT INTO {quote(self.name)} ("of", "col", {values})'
                " SELECT %L, %L, last_value, is_called, last_value, is_called FROM %s",
                "one.tab, one.col, seq",
                "journal",
            ),
        )

    def note(self) -> Statement:
        """Return the statement that notes where a batch left them."""
        return self._each(
            f'UPDATE {quote(self.name)} SET ("now", "is_called") = (SELECT last_value, is_called FROM %s)'
            ' WHERE "of" = %L AND "col" = %L',
            "seq, one.tab, one.col",
            "journal",
        )

    def restore(self) -> Statement:
        """Return the statement that puts back those that stand where the step left them, above all rows that are there.

        A sequence is locked by an ALTER that changes nothing, so that nobody takes a number meanwhile; RESTART gives
        it a new state, which is gone again if the transaction is.
        """
        back = (
            "SELECT increment_by INTO STRICT step FROM pg_catalog.pg_sequences"
            " WHERE pg_catalog.format('%I.%I', schemaname, sequencename)::pg_catalog.regclass"
            " = seq::pg_catalog.regclass;"
            " EXECUTE pg_catalog.format('ALTER SEQUENCE %s INCREMENT BY %s', seq, step);"
            " EXECUTE pg_catalog.format('SELECT j.was, j.called FROM %I AS j, %s AS s WHERE j.of = %L AND j.col = %L"
            " AND (j.now, j.is_called) = (s.last_value, s.is_called) AND (j.was, j.called) <> (j.now, j.is_called)"
            " AND NOT EXISTS (SELECT 1 FROM %I AS t"
            f" WHERE t.%I * %s > j.was * %s)', {literal_sql(self.name)},"
            " seq, one.tab, one.col, one.tab, one.col, sign(step), sign(step)) INTO was, called;"
            " IF was IS NOT NULL THEN EXECUTE pg_catalog.format('ALTER SEQUENCE %s RESTART', seq);"
            " PERFORM pg_catalog.setval(seq, was, called); END IF;"
        )
        return self._loop(back, "restore", "step bigint; was bigint; called boolean;")

    def _each(self, sql: str, values: str, purpose: str) -> Statement:
        return self._loop(f"EXECUTE pg_catalog.format({literal_sql(sql)}, {values});", purpose)

    def _loop(self, body: str, purpose: str, declared: str = "") -> Statement:
        listed = ", ".join(f"({literal_sql(t)}, {literal_sql(c)})" for t, c in self.columns)
        code = (
            f" DECLARE one record; seq text; {declared} BEGIN"
            f" FOR one IN SELECT * FROM (VALUES {listed}) AS v (tab, col) LOOP"
            " seq := pg_catalog.pg_get_serial_sequence(pg_catalog.quote_ident(one.tab), one.col);"
            f" IF seq IS NOT NULL THEN {body} END IF; END LOOP; END "
        )
        return rows(f"DO {dollar_quoted(code)}", purpose)
