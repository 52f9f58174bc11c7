"""DROP TABLE: the table is put aside under a name of the engine's, or really dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.dialects.base import StepContext
from engine.dialects.sqlite import names
from engine.dialects.sqlite.dependents import needing_table, refuse
from engine.dialects.sqlite.rebuild import without_own_name
from engine.dialects.sqlite.sql import quote
from engine.dialects.sqlite.statements import ddl, rename_quietly, restore_texts, taken_guard
from engine.dialects.sqlite.table_edit import drop_foreign_keys
from engine.errors import Path
from engine.model.changes import DropTable
from engine.model.plan import Statement, Unit
from engine.model.state import Table

if TYPE_CHECKING:
    from engine.dialects.sqlite.dialect import SQLiteSession

_PATH: Path = ("drop", "table")


def drop_table(session: SQLiteSession, change: DropTable, context: StepContext) -> tuple[Unit, ...]:
    """Return the unit that takes a table away.

    Put aside, it keeps its rows and its counter; its indexes and triggers go
    (their texts are in the way back) and its foreign keys are taken off, so
    that it holds nobody up and follows nobody.

    Raises:
        Problem: RF101 there is none; RF107 something needs it; RF111 a view, a virtual table.
    """
    if change.if_exists and session.state.relation(change.name) is None:
        return (Unit(context.step, context.step, f"there is no table {change.name} to drop", "="),)
    table = names.own_table(session.state, change.name, _PATH)
    refuse(f"`{table.name}`", needing_table(session.shadow, table, _PATH), _PATH, table.name)
    if not change.keep or context.irreversible or names.contains(session.scratch, table.name):
        return (_for_good(session, table, context),)
    return (_aside(session, table, context),)


def _for_good(session: SQLiteSession, table: Table, context: StepContext) -> Unit:
    if names.contains(session.scratch, table.name):
        session.scratch = [name for name in session.scratch if not names.contains([table.name], name)]
    return Unit(
        context.step,
        context.step,
        f"drop table {table.name} for good",
        "-",
        why="its rows are not kept",
        before=(ddl(f"DROP TABLE {quote(table.name)}"),),
        reversible="no",
        reason=context.irreversible or "the table is dropped with its rows",
        touches=(table.name,),
        rows=0,
    )


def _aside(session: SQLiteSession, table: Table, context: StepContext) -> Unit:
    state = session.state
    aside = f"engine_aside_{session.undo_number()}"
    indexes, triggers = state.indexes_of(table.name), state.triggers_of(table.name)
    forward: list[Statement] = [ddl(f"DROP TRIGGER {quote(trigger.name)}") for trigger in triggers]
    forward += [ddl(f"DROP INDEX {quote(index.name)}") for index in indexes]
    forward += without_own_name(table, drop_foreign_keys(table.sql))
    forward += rename_quietly(table.name, aside)
    back: list[Statement] = list(rename_quietly(aside, table.name))
    back += restore_texts([("table", table.name, table.sql)])
    back += [ddl(index.sql) for index in indexes]
    back += [ddl(trigger.sql) for trigger in triggers]
    rows = context.rows(f"SELECT count(*) FROM (SELECT 1 FROM {quote(table.name)} LIMIT 50001)")
    cost = f"; {len(indexes)} index{'es' if len(indexes) > 1 else ''} will be built again then" if indexes else ""
    return Unit(
        context.step,
        context.step,
        f"drop table {table.name}",
        "-",
        why=f"put aside as {aside} with its rows, for the way back{cost}",
        before=tuple(forward),
        undo=(
            Unit(
                f"{context.step}.undo",
                context.step,
                f"bring table {table.name} back from {aside}",
                "+",
                before=tuple(back),
                guards=(taken_guard(table.name), *(taken_guard(index.name) for index in indexes)),
                touches=(table.name,),
                rows=rows if indexes else 0,
            ),
        ),
        reversible="journal",
        touches=(table.name,),
        keeps=(aside,),
        rows=0,
    )
