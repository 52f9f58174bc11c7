"""Data steps on SQLite: which module renders which change."""

from __future__ import annotations

from engine.dialects.base import StepContext
from engine.dialects.sqlite.expression import Planning
from engine.dialects.sqlite.query import condition, render_sql
from engine.dialects.sqlite.rows_copy import copy_units
from engine.dialects.sqlite.rows_delete import delete_units
from engine.dialects.sqlite.rows_insert import insert_units
from engine.dialects.sqlite.rows_update import update_units
from engine.model.changes import CopyRows, DataChange, DeleteRows, InsertRows, UpdateRows
from engine.model.plan import Unit

__all__ = ["condition", "render_rows", "render_sql"]


def render_rows(session: Planning, change: DataChange, context: StepContext) -> tuple[Unit, ...]:
    """Return the units of a data step, with their undo.

    Raises:
        Problem: it can't be done; paths begin below the verb.
    """
    match change:
        case CopyRows():
            return copy_units(session, change, context)
        case InsertRows():
            return insert_units(session, change, context)
        case UpdateRows():
            return update_units(session, change, context)
        case DeleteRows():
            return delete_units(session, change, context)
