"""Which expression goes into which column of a copy's target."""

from __future__ import annotations

from dataclasses import dataclass

from engine.dialects.shared.frames import Frame, Text
from engine.dialects.sqlite.expression import Planning, parse_check, text_of
from engine.dialects.sqlite.names import own_column
from engine.dialects.sqlite.sql import columns_sql, quote
from engine.dialects.sqlite.walk import row_id_alias
from engine.errors import Problem
from engine.model.changes import CopyRows
from engine.model.expression import Expression, Parse, Sql
from engine.model.plan import Check
from engine.model.state import Column, Table, fold


@dataclass(frozen=True, slots=True)
class Mapping:
    """Target columns with their expressions, in the same order."""

    columns: tuple[Column, ...]
    texts: tuple[Text, ...]
    checks: tuple[Check, ...] = ()

    @property
    def names(self) -> str:
        """The target's columns as SQL."""
        return columns_sql(tuple(c.name for c in self.columns))

    @property
    def values(self) -> str:
        """The expressions as SQL."""
        return ", ".join(t.sql for t in self.texts)


def mapping_of(session: Planning, change: CopyRows, target: Table, frame: Frame, where: str) -> Mapping:
    """Return the mapping of a copy.

    Args:
        where: condition of the rows copied, for the checks of values that must parse.

    Raises:
        Problem: RF102 a column that is not there, DT109 a column that needs a value and gets none.
    """
    pairs = change.columns if change.columns is not None else _same(target, frame)
    columns: list[Column] = []
    texts: list[Text] = []
    checks: list[Check] = []
    for name, expression in pairs:
        path = ("columns", name)
        column = own_column(target, name, (*path, "<key>"))
        if column.generated is not None:
            raise Problem("RF109", f"`{target.name}.{column.name}` is generated: it takes no value", (*path, "<key>"))
        columns.append(column)
        texts.append(text_of(session, expression, frame, path, windows=True))
        if isinstance(expression, Parse):
            check = parse_check(expression, f"{target.name}.{column.name}", frame.source, where, path)
            checks += [check] if check else []
    _see_complete(target, columns)
    return Mapping(tuple(columns), tuple(texts), tuple(checks))


def _same(target: Table, frame: Frame) -> tuple[tuple[str, Expression], ...]:
    known = {fold(name): name for name in frame.known}
    pairs = tuple(
        (c.name, Sql(quote(known[fold(c.name)])))
        for c in target.columns
        if c.generated is None and fold(c.name) in known
    )
    if not pairs:
        raise Problem("RF102", f"`{target.name}` and the source have no column in common", ("columns",))
    return pairs


def _see_complete(target: Table, columns: list[Column]) -> None:
    given = {fold(c.name) for c in columns}
    missing = [
        c.name
        for c in target.columns
        if c.not_null
        and c.default is None
        and c.generated is None
        and fold(c.name) not in given
        and fold(c.name) != fold(row_id_alias(target))
    ]
    if missing:
        raise Problem(
            "DT109",
            f"`{target.name}.{missing[0]}` may not be NULL and has no default, and nothing is copied into it",
            ("columns", "<key>"),
            hint=f"add `{missing[0]}: …` to `columns`",
            subject=f"{target.name}.{missing[0]}",
        )
