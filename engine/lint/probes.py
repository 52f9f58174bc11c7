"""With a database: rows that would break what a step adds, asked before anything runs.

A probe is a query on the rows as they are now; it is asked only of tables that no earlier pending step
changes. What it counts takes the place of what a rule supposed: an error with keys, or nothing. Of other tables
what a rule supposes is a warning: `apply` looks at the rows before it writes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.errors import Diagnostic, Path
from engine.model.changes import (
    AddCheck,
    AddColumn,
    AddForeignKey,
    AddUnique,
    AlterTable,
    ChangeColumn,
    CheckRows,
    CreateIndex,
    CreateTable,
    CreateTrigger,
    CreateView,
    RenameColumn,
    RenameTable,
    SetPrimaryKey,
)
from engine.model.expression import PerDialect
from engine.model.state import SchemaState, fold
from engine.plan.compile import Fact
from engine.plan.sizes import LARGE

Ask = Callable[[str], Sequence[Sequence[Any]] | None]
"""Runs a query on the database; None where it can't run."""

_SHOWN = 3
_COUNTED_AT_START = ("DD102", "DD103", "DD104", "DD105")
_ONE = {"have": "has", "break": "breaks", "refer": "refers", "are": "is"}
_LENGTH = re.compile(r"\s*(?:var)?char(?:acter)?(?: varying)?\s*\(\s*(\d+)\s*\)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Probe:
    """One question.

    Attributes:
        rule: the rule that is answered.
        subject: as the rule's own finding has it.
        path: where the finding stands in the step.
        broken: what is wrong with the rows, after "N rows of `t` ".
        noun: what is counted.
        source: `FROM … WHERE …` of the rows that break it.
        sample: what to select to name such a row.
    """

    rule: str
    subject: str
    path: Path
    table: str
    broken: str
    hint: str
    source: str
    sample: str
    noun: str = "row"


def probed(
    found: Iterable[Diagnostic], facts: Sequence[Fact], dialect: str, ask: Ask, *, only_found: bool = False
) -> tuple[Diagnostic, ...]:
    """Return `found` with what the rows say in the place of what rules supposed.

    Args:
        found: findings of planning and rules.
        facts: the pending steps.
        dialect: which text of SQL given per database counts.
        ask: asks the database.
        only_found: ask only where a rule has a finding, and add none: what runs next looks for itself.
    """
    left = list(found)
    changed: set[str] = set()
    for fact in facts:
        if fact.passed_over or fact.broken:
            continue
        asked = any(unit.condition is not None for unit in fact.units)  # whether it runs is told at its start
        for probe in () if asked else _probes(fact, dialect, changed):
            mine = [d for d in left if _answers(probe, d, fact)]
            if only_found and not mine:
                continue
            count = _number(ask(f"SELECT count(*) FROM (SELECT 1 {probe.source} LIMIT {LARGE + 1}) AS counted"))
            if count is None:
                continue
            left = [d for d in left if not any(d is m for m in mine)]
            if count and not only_found:
                left.append(_finding(probe, fact, count, ask))
        if asked or any(isinstance(c, AlterTable) and fold(c.table) in changed for c in fact.changes):
            left = [_supposed(d) if _is_of(d, fact) and d.rule in _COUNTED_AT_START else d for d in left]
        changed |= set(_changes(fact))
    return tuple(left)


def _supposed(diagnostic: Diagnostic) -> Diagnostic:
    """Return a finding as no more than a warning: the rows can't be counted yet, and `apply` looks before it writes."""
    return replace(diagnostic, severity="warning") if diagnostic.severity == "error" else diagnostic


def _is_of(diagnostic: Diagnostic, fact: Fact) -> bool:
    return (diagnostic.version, diagnostic.step) == (fact.spec.version, fact.step.id)


def _answers(probe: Probe, diagnostic: Diagnostic, fact: Fact) -> bool:
    return (
        probe.rule in (diagnostic.rule, *diagnostic.also)
        and (diagnostic.version, diagnostic.step) == (fact.spec.version, fact.step.id)
        and diagnostic.bindings == fact.step.bindings
        and fold(diagnostic.subject) == fold(probe.subject)
    )


def _finding(probe: Probe, fact: Fact, count: int, ask: Ask) -> Diagnostic:
    nouns = probe.noun if count == 1 else f"{probe.noun}s"
    number = f"more than {LARGE:,} {nouns}" if count > LARGE else f"{count:,} {nouns}"
    rows = ask(f"SELECT {probe.sample} {probe.source} LIMIT {_SHOWN}") or ()
    shown = ", ".join("/".join(str(value) for value in row) for row in rows)
    verb, _, rest = probe.broken.partition(" ")
    words = f"{number} of `{probe.table}` {_ONE.get(verb, verb) if count == 1 else verb} {rest}"
    return Diagnostic(
        probe.rule,
        "error",
        f"{words}{':' if probe.noun == 'row' else ' ='} {_named(probe, shown)}" if shown else words,
        fact.step.span(probe.path),
        probe.hint,
        version=fact.spec.version,
        step=fact.step.id,
        bindings=fact.step.bindings,
        subject=probe.subject,
    )


def _named(probe: Probe, shown: str) -> str:
    return f"{probe.sample.replace(chr(34), '')} {shown}" if probe.noun == "row" and probe.sample != "*" else shown


def _number(rows: Sequence[Sequence[Any]] | None) -> int | None:
    return int(rows[0][0]) if rows else None


# ── which tables are not what they are now ────────────────────────────────
def _changes(fact: Fact) -> Iterator[str]:
    """Yield the folded names of tables whose rows or columns a step changes."""
    doing = [c for c in fact.changes if not isinstance(c, CheckRows | CreateIndex | CreateView | CreateTrigger)]
    for change in doing:
        if isinstance(change, CreateTable):
            yield fold(change.table.name)
        elif isinstance(change, RenameTable):
            yield from (fold(change.name), fold(change.to))
        else:
            names = (getattr(change, "table", ""), getattr(change, "target", ""), getattr(change, "name", ""))
            yield from (fold(name) for name in names if isinstance(name, str) and name)
    if doing:
        yield from (fold(name) for unit in fact.units for name in unit.touches)


# ── the questions ─────────────────────────────────────────────────────────
def _probes(fact: Fact, dialect: str, changed: set[str]) -> Iterator[Probe]:
    for change in fact.changes:
        if isinstance(change, AlterTable) and fold(change.table) not in changed:
            yield from _of_alter(change, fact.before, dialect, changed)
        elif isinstance(change, CreateIndex) and change.index.unique and fold(change.index.table) not in changed:
            columns = tuple(part.column for part in change.index.columns)
            where = _text(change.index.where, dialect)
            if all(columns) and (change.index.where is None or where):
                known = fact.before.table(change.index.table)
                yield from _alike(change.index.table, columns, ("index", "columns"), known is not None, where or "")


def _of_alter(change: AlterTable, state: SchemaState, dialect: str, changed: set[str]) -> Iterator[Probe]:
    table = state.table(change.table)
    if table is None:
        return
    quoted = _quote(table.name)
    key = ", ".join(map(_quote, table.primary_key)) or "*"
    # Names that this step makes are not in the database yet, and values that it changes are not the new ones.
    new = {fold(a.to) for a in change.actions if isinstance(a, RenameColumn)}
    new |= {fold(a.column.name) for a in change.actions if isinstance(a, AddColumn)}
    new |= {fold(a.name) for a in change.actions if isinstance(a, ChangeColumn) and a.using is not None}
    numbers: dict[type, int] = {}
    for action in change.actions:
        place = numbers[type(action)] = numbers.get(type(action), -1) + 1
        match action:
            case AddColumn(column=column):
                empty = column.default is None or getattr(column.default, "value", "") is None
                plain = column.using is None and column.generated is None and not column.auto_increment
                if not column.nullable and empty and plain:
                    yield Probe(
                        "DD101",
                        f"{change.table}.{column.name}",
                        ("alter", "add", column.name),
                        change.table,
                        f"would have no value in `{column.name}`, which may not be NULL",
                        f"give `{column.name}` a `default`, or `using` with an expression",
                        f"FROM {quoted}",
                        key,
                    )
            case ChangeColumn(name=name) if fold(name) not in new:
                yield from _of_column(change.table, quoted, key, action)
            case AddUnique(key=unique) if not new & {fold(c) for c in unique.columns}:
                yield from _alike(change.table, unique.columns, ("alter", "add_unique", place), True)
            case SetPrimaryKey(key=primary) if not new & {fold(c) for c in primary.columns}:
                yield from _alike(change.table, primary.columns, ("alter", "primary_key"), True)
            case AddCheck(check=check) if not check.validate_later and not new:
                text = _text(check.sql, dialect)
                if text:
                    yield Probe(
                        "DD104",
                        f"{change.table}.{check.name}",
                        ("alter", "add_checks", check.name),
                        change.table,
                        f"break the check `{check.name}`",
                        "correct them first, or loosen the check",
                        f"FROM {quoted} WHERE NOT ({text})",
                        key,
                    )
            case AddForeignKey(foreign_key=foreign) if foreign.validate != "later":
                yield from _orphans(change.table, action, state, changed | new, key, place)
            case _:
                pass


def _of_column(table: str, quoted: str, key: str, action: ChangeColumn) -> Iterator[Probe]:
    name = _quote(action.name)
    if action.nullable is False:
        yield Probe(
            "DD102",
            f"{table}.{action.name}",
            ("alter", "change", action.name, "nullable"),
            table,
            f"have NULL in `{action.name}`",
            f"fill them first: transform: {{table: {table}, set: {{{action.name}: …}}, "
            f'where: "{action.name} IS NULL"}}',
            f"FROM {quoted} WHERE {name} IS NULL",
            key,
        )
    length = _LENGTH.fullmatch(action.type.text or "") if action.type is not None else None
    if length is not None:
        yield Probe(
            "DL105",
            f"{table}.{action.name}",
            ("alter", "change", action.name, "type"),
            table,
            f"have more than {length[1]} characters in `{action.name}`",
            "shorten them first, or keep the type",
            f"FROM {quoted} WHERE length({name}) > {length[1]}",
            key,
        )


def _alike(table: str, columns: Sequence[str], path: Path, known: bool, where: str = "") -> Iterator[Probe]:
    """Yield the question for rows that are alike in `columns`; NULLs are never alike."""
    if not known:
        return
    listed = ", ".join(map(_quote, columns))
    filled = [f"{_quote(c)} IS NOT NULL" for c in columns]
    condition = " AND ".join([*filled, *([f"({where})"] if where else [])])
    yield Probe(
        "DD103",
        f"{table}.{','.join(columns)}",
        path,
        table,
        f"are in more than one row: ({', '.join(columns)})",
        f"delete: {{from: {table}, all_but_first_of: {{columns: [{', '.join(columns)}]}}}} first, if that is right",
        f"FROM {_quote(table)} WHERE {condition} GROUP BY {listed} HAVING count(*) > 1",
        listed,
        "value",
    )


def _orphans(
    table: str, action: AddForeignKey, state: SchemaState, changed: set[str], key: str, place: int
) -> Iterator[Probe]:
    """Yield the question for rows whose partner is missing."""
    foreign = action.foreign_key
    parent = state.table(foreign.references.table)
    if parent is None or fold(parent.name) in changed or {fold(c) for c in foreign.columns} & changed:
        return
    targets = foreign.references.columns or parent.primary_key
    if len(targets) != len(foreign.columns):
        return
    pairs = list(zip(foreign.columns, targets, strict=True))
    filled = " AND ".join(f"c.{_quote(column)} IS NOT NULL" for column, _ in pairs)
    match = " AND ".join(f"p.{_quote(target)} = c.{_quote(column)}" for column, target in pairs)
    yield Probe(
        "DD104",
        f"{table}.{','.join(foreign.columns)}",
        ("alter", "add_foreign_keys", place),
        table,
        f"refer to rows of `{parent.name}` that are not there",
        "delete them, or make their partners, first",
        f"FROM {_quote(table)} c WHERE {filled} AND NOT EXISTS (SELECT 1 FROM {_quote(parent.name)} p WHERE {match})",
        key,
    )


def _text(sql: PerDialect | None, dialect: str) -> str | None:
    return None if sql is None else sql.given_for(dialect) or sql.text


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
