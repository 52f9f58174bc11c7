"""Specs compiled on a schema given as SQL, for tests of planning."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing

from engine import dialects
from engine.dialects.base import Catalogue, CatalogueObject, Session
from engine.errors import Diagnostic
from engine.model.plan import MigrationPlan, Unit
from engine.plan.compile import Compiled, Compiler
from engine.plan.sizes import Counter, no_database
from engine.source import Source
from engine.spec.build import build
from engine.spec.model import Spec


def spec(steps: str, version: str = "001", **head: str) -> Spec:
    """Return the spec with these steps (YAML that stands below `steps:`); it must be without findings."""
    lines = "".join(f"{key}: {value}\n" for key, value in head.items())
    text = f'version: "{version}"\ndescription: Spec {version}\n{lines}steps:\n{steps}'
    made, found = build(Source(f"{version}_a.yaml", text), {}, "sqlite", dialects.Quoting("sqlite"), version)
    assert made is not None and not found, [(str(d.span), d.message) for d in found]
    return made


def catalogue(sql: str = "", *, complete: bool = True) -> Catalogue:
    """Return what a database prints about itself once `sql` has run on it."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(sql)
        rows = db.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master WHERE sql IS NOT NULL")
        return Catalogue(tuple(CatalogueObject(*row) for row in rows), complete=complete)


def session(sql: str = "") -> Session:
    """Return a fold that begins after `sql`."""
    return dialects.load("sqlite").open(catalogue(sql))


def compiled(
    *specs: Spec,
    given: str = "",
    count: Counter = no_database,
    complete: bool = True,
    names_must_exist: bool = True,
) -> Compiled:
    """Compile specs on a database that holds what `given` makes."""
    dialect = dialects.load("sqlite")
    start = dialect.open(catalogue(given, complete=complete))
    return Compiler(start, dialect, count, names_must_exist).compile(specs)


def planned(*specs: Spec, given: str = "", count: Counter = no_database) -> tuple[MigrationPlan, ...]:
    """Return the plans of specs that must be without findings."""
    found = compiled(*specs, given=given, count=count)
    assert not found.diagnostics, findings(found)
    return found.migrations


def plan(steps: str, given: str = "", count: Counter = no_database, **head: str) -> MigrationPlan:
    """Return the plan of one spec that must be without findings."""
    (made,) = planned(spec(steps, **head), given=given, count=count)
    return made


def unit(made: MigrationPlan, step: str) -> Unit:
    """Return the first unit of a step."""
    return next(u for u in made.units if u.step == step)


def changes(made: MigrationPlan) -> list[str]:
    """Return the statements of purpose `change`, in the order of sending."""
    return [s.sql for u in made.units for s in u.statements() if s.purpose == "change"]


def findings(found: Compiled) -> list[str]:
    """Return findings as `4:5 RF101 message`."""
    return [told(d) for d in found.diagnostics]


def told(d: Diagnostic) -> str:
    """Return one finding as `4:5 RF101 message`."""
    return f"{d.span.line}:{d.span.column} {d.rule} {d.message}" if d.span else f"- {d.rule} {d.message}"


def counts(numbers: Mapping[str, int | None], default: int | None = 0) -> Counter:
    """Return a counter that knows tables by name, wherever their quoted name stands in a query."""

    def count(sql: str) -> int | None:
        return next((n for table, n in numbers.items() if f'"{table}"' in sql), default)

    return count
