"""Journals that somebody changes by hand, told once for all databases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.support.command import run
from tests.support.database import Snapshot, same

GIVEN = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, v VARCHAR(20), n INTEGER);"
    " CREATE TABLE more (id INTEGER PRIMARY KEY, v VARCHAR(20));"
    " INSERT INTO people VALUES (1, 'a', 10), (2, 'b', 20), (3, 'c', 30);"
    " INSERT INTO more VALUES (4, 'd'), (5, 'e'), (6, 'f')"
)
VERBS = {
    "transform": 'transform: {table: people, set: {v: "upper(v)"}, where: "true"}',
    "copy": "copy: {from: more, into: people, columns: [id, v], expect_rows: all}",
    "insert": "insert: {into: people, rows: [{id: 7, v: g}, {id: 8, v: h}]}",
    "delete": 'delete: {from: people, where: "id > 1"}',
    "drop-column": "alter: {table: people, drop: [v]}",
    "retype": 'alter: {table: people, change: {n: {type: text, using: "v"}}}',
    "drop-table": "drop: {table: more}",
}
WAYS = ("value", "other-row", "row-less", "row-more", "gone", "made-anew")


def pairs(verbs: Iterable[str] = VERBS, ways: Sequence[str] = WAYS) -> list[Any]:
    """Return verbs and ways as parameters of a test: in the quick run every verb once, and every way once."""
    quick = {(verb, ways[n % len(ways)]) for n, verb in enumerate(verbs)} | {("transform", way) for way in ways}
    return [
        pytest.param(verb, way, marks=() if (verb, way) in quick else pytest.mark.slow)
        for verb in verbs
        for way in ways
    ]


class Place(Protocol):
    """A database for tests."""

    url: str

    def script(self, sql: str) -> None: ...

    def ask(self, sql: str) -> list[list[Any]]: ...

    def snapshot(self) -> Snapshot: ...


@dataclass(frozen=True)
class Intruder:
    """Somebody with all rights on a database who writes to what is the engine's.

    Attributes:
        place: the database.
        journals: query of the tables that hold ways back, as SQL.
        columns: query of the columns of `{table}` in their order.
        opens: statements that take the seal off `{table}`, with `{bare}` for its name alone.
    """

    place: Place
    journals: str
    columns: str
    opens: tuple[str, ...] = ()

    def journal(self) -> str:
        """Return the first of the tables that hold the way back, as SQL."""
        return str(self.place.ask(self.journals)[0][0])

    def open(self, table: str) -> None:
        """Take the seal off."""
        for sql in self.opens:
            self.place.script(sql.format(table=table, bare=bare(table)))

    def change(self, table: str, way: str) -> None:
        """Change a table in one of `WAYS`."""
        names = [f'"{row[0]}"' for row in self.place.ask(self.columns.format(table=table, bare=bare(table)))]
        key, last = names[0], names[-1]
        first = f"WHERE {key} = (SELECT * FROM (SELECT min({key}) FROM {table}) AS lowest)"
        another = f"CREATE TABLE other AS SELECT * FROM {table} {first}; UPDATE other SET {key} = '77'"
        back = f"INSERT INTO {table} SELECT * FROM other; DROP TABLE other"
        self.place.script(
            {
                "value": f"UPDATE {table} SET {last} = '77' {first}",
                "other-row": f"{another}; DELETE FROM {table} {first}; {back}",
                "row-less": f"DELETE FROM {table} {first}",
                "row-more": f"{another}; {back}",
                "gone": f"DROP TABLE {table}",
                "made-anew": (
                    f"CREATE TABLE other AS SELECT * FROM {table}; DROP TABLE {table};"
                    f" CREATE TABLE {table} AS SELECT * FROM other; DROP TABLE other"
                ),
            }[way]
        )


def bare(table: str) -> str:
    """Return the name of a table without quotes and schema."""
    return table.split(".")[-1].strip('"')


def applied(place: Place, verb: str) -> Snapshot:
    """Apply one step and return the database as it was before."""
    place.script(GIVEN)
    Path("specs").mkdir(exist_ok=True)
    Path("specs/001_one.yaml").write_text(
        f'version: "001"\ndescription: One\nsteps:\n  - {VERBS[verb]}\n', encoding="utf-8"
    )
    before = place.snapshot()
    ran = run("apply", "--db", place.url, "--yes", "specs")
    assert ran.code == 0, ran.output
    return before


def refused(intruder: Intruder, verb: str, way: str) -> None:
    """A journal that was changed is refused by name before the first write, and its way back can be given up."""
    place, step = intruder.place, VERBS[verb].split(":")[0]
    applied(place, verb)
    journal = intruder.journal()
    intruder.open(journal)
    intruder.change(journal, way)
    after = place.snapshot()
    for args in (("rollback", "--dry-run"), ("rollback", "--yes"), ("rollback", "--yes", "--on-conflict", "force")):
        ran = run(*args, "--db", place.url, "specs")
        assert ran.code == 4, ran.output
        assert f"error: the journal `{bare(journal)}` of step 1-{step} " in ran.output, ran.output
        assert "hint: restore it from a backup" in ran.output, ran.output
        assert "next: engine finalize 001" in ran.output, ran.output
        same(after, place.snapshot())
    ran = run("finalize", "--db", place.url, "--yes", "001")
    assert ran.code == 0, ran.output
    same(after, place.snapshot())


def unharmed(intruder: Intruder, verb: str) -> None:
    """Who writes to a sealed journal is refused, or changes nothing: it gives all back afterwards."""
    place = intruder.place
    before = applied(place, verb)
    journal = intruder.journal()
    held = sorted(map(repr, place.ask(f"SELECT * FROM {journal}")))
    stopped = 0
    for way in ("value", "row-more", "row-less"):
        try:
            intruder.change(journal, way)
        except Exception as error:
            assert "way back" in str(error) or "engine_sealed" in str(error), error
            stopped += 1
        finally:
            place.script("DROP TABLE IF EXISTS other")
    assert stopped >= 2 and sorted(map(repr, place.ask(f"SELECT * FROM {journal}"))) == held
    ran = run("rollback", "--db", place.url, "--yes", "specs")
    assert ran.code == 0, ran.output
    same(before, place.snapshot())
    assert place.ask(intruder.journals) == []
